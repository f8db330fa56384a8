import pandas as pd

from redose import episodes, files, logs, overlay, prediction

logs.start(snakemake.log[0])
given, decision, seed = snakemake.input, snakemake.params.decision, snakemake.params.seed
data = files.read_dataset(given.design)
draws = prediction.thin(files.read_tree(given.posterior)["posterior"].to_dataset(), episodes.DRAWS)
before = prediction.thin(files.read_tree(given.prior)["prior"].to_dataset(), episodes.DRAWS)
label = overlay.label(pd.read_parquet(given.patients))
ci_prob = decision["ci_prob"]
files.write_table(episodes.incidence(data, draws, label, ci_prob, seed), snakemake.output.incidence)
files.write_table(episodes.counts(data, draws, ci_prob, seed), snakemake.output.counts)
files.write_table(episodes.risks(data, draws, before, decision), snakemake.output.risk)
