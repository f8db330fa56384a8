import pandas as pd

from redose import episodes, files, logs
from redose.figures import checking, gvhd, style
from redose.figures.reading import read

logs.start(snakemake.log[0])
given, decision = snakemake.input, snakemake.params.decision
about, people = files.read_json(given.about), pd.read_parquet(given.patients)
prior = files.read_tree(given.prior)["prior"].to_dataset()
posterior = files.read_tree(given.posterior)["posterior"].to_dataset()
truth, table = episodes.read_truth(given.get("truth")), read(given.diagnostics)
drawn = {
    "incidence": gvhd.incidence(read(given.incidence)),
    "counts": gvhd.counts(read(given.counts)),
    "risk": gvhd.risk(read(given.risk), decision["gvhd"]["horizon"]),
    "priors": checking.priors(prior, posterior, snakemake.params.priors, about, people, "none", truth),
    "chains": checking.chains(posterior, table, about, people, "none"),
}
for name, figure in drawn.items():
    style.save(figure, snakemake.output[name])
