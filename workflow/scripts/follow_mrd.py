from redose import files, logs, prediction, trajectories

logs.start(snakemake.log[0])
data = files.read_dataset(snakemake.input.design)
draws = prediction.thin(files.read_tree(snakemake.input.posterior)["posterior"].to_dataset(), trajectories.DRAWS)
ci_prob, seed = snakemake.params.ci_prob, snakemake.params.seed
files.write_table(trajectories.trajectories(data, draws, ci_prob), snakemake.output.trajectories)
files.write_table(trajectories.share_below(data, draws, ci_prob, seed), snakemake.output.below)
