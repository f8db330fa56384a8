import pandas as pd

from redose import files, logs, overlay, prediction

logs.start(snakemake.log[0])
data = files.read_dataset(snakemake.input.design)
draws = prediction.thin(files.read_tree(snakemake.input.posterior)["posterior"].to_dataset(), overlay.DRAWS)
decision = snakemake.params.decision
groups = overlay.groups(data, overlay.label(pd.read_parquet(snakemake.input.patients)))
seen = overlay.curves(data, draws, groups, decision["ci_prob"], snakemake.params.seed)
files.write_table(seen, snakemake.output.curves)
files.write_table(
    overlay.lengths(data, draws, groups, decision["horizons"], decision["ci_prob"]), snakemake.output.lengths
)
