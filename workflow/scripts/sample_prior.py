from redose import files, logs, priors, sampling
from redose.models import MODELS

logs.start(snakemake.log[0])
study, name = snakemake.wildcards.study, snakemake.wildcards.model
model = MODELS[name](files.read_dataset(snakemake.input[0]), priors.convert_all(snakemake.params.priors))
seed = sampling.seed_of(snakemake.params.seed, study, name, "prior")
files.write_tree(sampling.sample_prior(model, 1000, seed), snakemake.output[0])
