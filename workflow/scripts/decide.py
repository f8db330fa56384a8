from pathlib import Path

import pandas as pd
import xarray as xr

from redose import files, logs, prediction
from redose.decisions import verdict

logs.start(snakemake.log[0])
given, made, decision = snakemake.input, snakemake.output, snakemake.params.decision
found = xr.concat([files.read_dataset(f) for f in given.chunks], "draw", data_vars="minimal", join="exact")
data, prior = files.read_dataset(given.design), files.read_tree(given.prior)["prior"].to_dataset()
posterior = files.read_tree(given.posterior)["posterior"].to_dataset()
of_gvhd = files.read_tree(given.gvhd[1])["posterior"].to_dataset() if given.gvhd else None
draws, known = verdict.draws_of(posterior, of_gvhd, decision["ahead"]["draws"])
fit = (files.read_dataset(given.gvhd[0]), known) if given.gvhd else None
tables = {Path(f).stem: pd.read_parquet(f) for f in given.tables}
about = files.read_json(given.about)
drawn = verdict.verdict(found, data, prior, draws, fit, tables, about, decision, snakemake.params.seed)
for name, table in drawn.items():
    files.write_table(table, made[name])
files.write_parquet(verdict.wide(found), made.outcomes)
origin = pd.DataFrame(prediction.origin(posterior, found.sizes["draw"]))
files.write_parquet(origin.join(verdict.by_draw(found, data, about, decision)), made.draws)
