import pandas as pd

from redose import files, logs, selection, sensitivity
from redose.figures import priors as panels
from redose.figures import style

logs.start(snakemake.log[0])
given, decision = snakemake.input, snakemake.params.decision
data, tree, prior = files.read_dataset(given.design), files.read_tree(given.posterior), files.read_tree(given.prior)
outcomes = selection.last_outcomes(data, pd.read_parquet(given.intervals))
kinds = {"decision": sensitivity.decisions(tree, data, outcomes, decision, snakemake.params.seed)}
kinds["parameter"] = sensitivity.parameters(tree)
table = sensitivity.table(tree, prior, kinds)
files.write_table(table, snakemake.output.table)
about, people = files.read_json(given.about), pd.read_parquet(given.patients)
link = data.attrs.get("link", "none")
style.save(panels.sensitivity(table, about, people, link, decision), snakemake.output.figure)
