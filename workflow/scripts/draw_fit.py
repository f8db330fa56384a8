import pandas as pd

from redose import files, logs
from redose.design import LINKS
from redose.figures import checking, effects, intervals, patients, style
from redose.figures.reading import read
from redose.thresholds import read_truth

logs.start(snakemake.log[0])
given, link, clock = snakemake.input, LINKS[snakemake.wildcards.model], snakemake.params.clock
about, people = files.read_json(given.about), pd.read_parquet(given.patients)
curves, moved, diagnostics = read(given.curves), read(given.effects), read(given.diagnostics)
prior = files.read_tree(given.prior)["prior"].to_dataset()
posterior = files.read_tree(given.posterior)["posterior"].to_dataset()
truth = read_truth(given.get("truth"), link)
drawn = {
    "free": intervals.free(curves, clock),
    "incidence": intervals.incidence(curves, clock),
    "effects": effects.hazard_ratios(moved, about, people),
    "priors": checking.priors(prior, posterior, snakemake.params.priors, about, people, link, truth),
    "chains": checking.chains(posterior, diagnostics, about, people, link),
    "outlook": patients.outlook(read(given.outlook), people, about, snakemake.params.horizons[0]),
}
for name, figure in drawn.items():
    style.save(figure, snakemake.output[name])
