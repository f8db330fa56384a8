import pandas as pd

from redose import files, logs
from redose.decisions import outcomes, verdict

logs.start(snakemake.log[0])
given, decision = snakemake.input, snakemake.params.decision
data, about = files.read_dataset(given.design), files.read_json(given.about)
verdict.require_infusions(data)
posterior = files.read_tree(given.posterior)["posterior"].to_dataset()
gvhd = files.read_dataset(given.gvhd[0]) if given.gvhd else None
of_gvhd = files.read_tree(given.gvhd[1])["posterior"].to_dataset() if given.gvhd else None
draws, known = verdict.draws_of(posterior, of_gvhd, decision["ahead"]["draws"])
place = decision["ahead"]["chunk"], int(snakemake.wildcards.chunk)
draws, first = outcomes.chunk(draws, *place)
fit = (gvhd, outcomes.chunk(known, *place)[0]) if gvhd is not None else None
patients = pd.read_parquet(given.patients)
found = outcomes.simulate(data, draws, fit, patients, about, decision, first, snakemake.params.seed)
files.write_tree(found, snakemake.output[0])
