import pandas as pd

from redose import files, logs, overlay, prediction

logs.start(snakemake.log[0])
data = files.read_dataset(snakemake.input.design)
posterior = files.read_tree(snakemake.input.posterior)["posterior"].to_dataset()
draws = prediction.thin(posterior, overlay.DRAWS)
decision = snakemake.params.decision
groups = overlay.groups(data, overlay.label(pd.read_parquet(snakemake.input.patients)))
seen = overlay.curves(data, draws, groups, decision["ci_prob"], snakemake.params.seed)
files.write_table(seen, snakemake.output.curves)
table, by_draw = overlay.lengths(data, draws, groups, decision["horizons"], decision["ci_prob"])
files.write_table(table, snakemake.output.lengths)
origin = pd.DataFrame(prediction.origin(posterior, overlay.DRAWS))
files.write_parquet(origin.join(by_draw, how="right"), snakemake.output.draws)
