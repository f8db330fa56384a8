import pandas as pd

from redose import files, logs, prediction, selection

logs.start(snakemake.log[0])
data = files.read_dataset(snakemake.input.design)
draws = prediction.thin(files.read_tree(snakemake.input.posterior)["posterior"].to_dataset(), selection.DRAWS)
decision = snakemake.params.decision
outcomes = selection.last_outcomes(data, pd.read_parquet(snakemake.input.intervals))
patients = selection.select(data, outcomes, draws, decision["horizons"], decision["ci_prob"])
files.write_table(patients, snakemake.output.patients)
files.write_table(selection.effects(data, draws, decision["ci_prob"]), snakemake.output.effects)
