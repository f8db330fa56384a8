from redose import files, logs, prediction, scores
from redose.seeds import seed_of

logs.start(snakemake.log[0])
data = files.read_dataset(snakemake.input.design)
draws = prediction.thin(files.read_tree(snakemake.input.posterior)["posterior"].to_dataset(), scores.DRAWS)
seed = seed_of(snakemake.params.seed, snakemake.wildcards.study, snakemake.wildcards.model, "score")
files.write_table(scores.score(data, draws, seed), snakemake.output[0])
