from pathlib import Path

import pandas as pd

from redose import files, logs, scores

logs.start(snakemake.log[0])
tables = {Path(f).parent.name: pd.read_csv(f) for f in snakemake.input.scores}
files.write_table(scores.compare(tables), snakemake.output[0])
