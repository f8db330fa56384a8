import pandas as pd

from redose import files, logs, prediction
from redose.decisions import gain, verdict
from redose.figures import patients, style

logs.start(snakemake.log[0])
given, decision = snakemake.input, snakemake.params.decision
data, about = files.read_dataset(given.design), files.read_json(given.about)
verdict.require_infusions(data)
posterior = files.read_tree(given.posterior)["posterior"].to_dataset()
of_gvhd = files.read_tree(given.gvhd[1])["posterior"].to_dataset() if given.gvhd else None
draws, known = verdict.draws_of(posterior, of_gvhd, decision["ahead"]["draws"])
fit = (files.read_dataset(given.gvhd[0]), known) if given.gvhd else None
found = gain.simulate(data, draws, fit, about, decision, snakemake.params.seed)
table = gain.table(found, decision["gain"], decision["ahead"]["horizon"], decision["ci_prob"])
files.write_table(table, snakemake.output.table)
origin = pd.DataFrame(prediction.origin(posterior, found.sizes["draw"]))
files.write_parquet(origin.join(gain.by_draw(found)), snakemake.output.draws)
people = pd.read_parquet(given.patients)
style.save(patients.gains(table, people, about, decision["gain"]), snakemake.output.figure)
simple = gain.simple_rules(data, people, about)
files.write_table(gain.weighed(found, simple, decision["gain"], decision["ci_prob"]), snakemake.output.rules)
curve = gain.curve(found, simple, decision["ci_prob"])
files.write_table(curve, snakemake.output.curve)
uplift = gain.uplift(found, decision["ci_prob"])
files.write_table(uplift, snakemake.output.uplift)
style.save(patients.rules(curve, uplift, decision["gain"], gain.MODEL_RULE), snakemake.output.rules_figure)
