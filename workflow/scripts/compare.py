import pandas as pd

from redose import files, logs, scores

logs.start(snakemake.log[0])
tables = {m: pd.read_csv(f) for m, f in zip(snakemake.params.models, snakemake.input, strict=True)}
files.write_table(scores.compare(tables), snakemake.output[0])
