from redose import logs
from redose.figures import gvhd, style
from redose.figures.reading import read

logs.start(snakemake.log[0])
given, decision = snakemake.input, snakemake.params.decision
drawn = {
    "incidence": gvhd.incidence(read(given.incidence)),
    "counts": gvhd.counts(read(given.counts)),
    "risk": gvhd.risk(read(given.risk), decision["gvhd"]["horizon"]),
}
for name, figure in drawn.items():
    style.save(figure, snakemake.output[name])
