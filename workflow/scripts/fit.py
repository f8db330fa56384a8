from redose import files, logs, priors, sampling
from redose.models import MODELS

logs.start(snakemake.log[0])
study, name = snakemake.wildcards.study, snakemake.wildcards.model
data = files.read_dataset(snakemake.input[0])
model = MODELS[name](data, priors.convert_all(snakemake.params.priors))
seed = sampling.seed_of(snakemake.params.seed, study, name, "fit")
tree = sampling.fit(model, data, snakemake.params.sampling, seed, f"{study}/{name}", cores=snakemake.threads)
files.write_tree(tree, snakemake.output[0])
