import pandas as pd

from redose import ahead, dynamic, files, logs, prediction
from redose.figures.reading import read

logs.start(snakemake.log[0])
given, wanted = snakemake.input, snakemake.params.settings
data = files.read_dataset(given.design)
draws = prediction.thin(files.read_tree(given.posterior)["posterior"].to_dataset(), wanted["draws"])
action = dynamic.action_of(read(given.regimes) if given.regimes else None)
patients, curves = ahead.foresee(data, draws, pd.read_parquet(given.intervals), action, wanted)
files.write_table(patients, snakemake.output.patients)
files.write_table(curves, snakemake.output.curves)
