import pandas as pd

from redose import files, logs, prediction, thresholds

logs.start(snakemake.log[0])
data = files.read_dataset(snakemake.input.design)
posterior = files.read_tree(snakemake.input.posterior)["posterior"].to_dataset()
draws = prediction.thin(posterior, thresholds.DRAWS)
truth = thresholds.read_truth(snakemake.input.get("truth"), data.attrs["link"])
found = thresholds.thresholds(data, draws, snakemake.params.decision, snakemake.params.seed, truth)
table, curve, by_draw = found
logs.say(thresholds.text(table, snakemake.wildcards.study, snakemake.wildcards.model))
files.write_table(table, snakemake.output.table)
files.write_table(curve, snakemake.output.curve)
origin = pd.DataFrame(prediction.origin(posterior, thresholds.DRAWS))
files.write_parquet(origin.join(by_draw), snakemake.output.draws)
