import pandas as pd

from redose import codebook, dictionary, files, logs

logs.start(snakemake.log[0])
covariates = files.read_json(snakemake.input.about)["covariates"]
entries = codebook.of_study(snakemake.params.has, covariates, pd.read_parquet(snakemake.input.patients))
files.write_table(dictionary.listing(entries), snakemake.output[0])
