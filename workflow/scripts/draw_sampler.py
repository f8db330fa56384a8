import pandas as pd

from redose import files, logs
from redose.design import LINKS
from redose.figures import sampler, style
from redose.figures.reading import read

logs.start(snakemake.log[0])
given, limits, priors = snakemake.input, snakemake.params.limits, snakemake.params.priors
about, people = files.read_json(given.about), pd.read_parquet(given.patients)
tree, table = files.read_tree(given.posterior), read(given.diagnostics)
link = LINKS.get(snakemake.wildcards.model, "none")  # the model of GVHD has none
drawn = {
    "energy": sampler.energy(tree, limits["bfmi"]),
    "pairs": sampler.pairs(tree, table, priors, about, people, link),
    "convergence": sampler.convergence(table, limits),
}
for name, figure in drawn.items():
    style.save(figure, snakemake.output[name])
