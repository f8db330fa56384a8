import pandas as pd

from redose import episodes, files, logs, thresholds
from redose.design import LINKS
from redose.figures import checking, sampler, style
from redose.figures.reading import read

logs.start(snakemake.log[0])
given, limits, priors = snakemake.input, snakemake.params.limits, snakemake.params.priors
about, people = files.read_json(given.about), pd.read_parquet(given.patients)
tree, table = files.read_tree(given.posterior), read(given.diagnostics)
before, after = files.read_tree(given.prior)["prior"].to_dataset(), tree["posterior"].to_dataset()
link, known = LINKS.get(snakemake.wildcards.model, "none"), given.get("truth")  # the model of GVHD has no link
gvhd = snakemake.wildcards.model == "gvhd"
truth = episodes.read_truth(known) if gvhd else thresholds.read_truth(known, link)
drawn = {
    "priors": checking.priors(before, after, priors, about, people, link, truth),
    "chains": checking.chains(after, table, about, people, link),
    "energy": sampler.energy(tree, limits["bfmi"]),
    "pairs": sampler.pairs(tree, table, priors, about, people, link),
    "convergence": sampler.convergence(table, limits),
}
for name, figure in drawn.items():
    style.save(figure, snakemake.output[name])
