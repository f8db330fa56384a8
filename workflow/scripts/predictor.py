import pandas as pd

from redose import dynamic, files, logs

logs.start(snakemake.log[0])
given = snakemake.input
dynamic.write(
    snakemake.output[0],
    snakemake.wildcards.study,
    files.read_dataset(given.design),
    files.read_tree(given.posterior)["posterior"].to_dataset(),
    files.read_json(given.about),
    snakemake.params.priors,
    pd.read_csv(given.regimes) if given.regimes else None,
    snakemake.params.settings,
)
