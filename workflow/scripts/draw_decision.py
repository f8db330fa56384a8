from math import log10
from pathlib import Path

from redose import files, logs
from redose.decisions import outcomes
from redose.figures import decisions, style
from redose.figures.reading import read

logs.start(snakemake.log[0])
given, decision = snakemake.input, snakemake.params.decision
table = {Path(f).stem: read(f) for f in given.tables}
assay = outcomes.assay_of(files.read_json(given.about), decision)
drawn = {
    "utility": decisions.utility(table["regimes"], table["best"], decision["ci_prob"]),
    "frontier": decisions.frontier(table["regimes"], assay["false_positive_rate"]),
    "boundary": decisions.boundary(table["suppression"]),
    "patient": decisions.patient(table["worked"], log10(assay["lod"])),
    "weights": decisions.weights(table["preferred"], table["acceptability"]),
}
for name, figure in drawn.items():
    style.save(figure, snakemake.output[name])
