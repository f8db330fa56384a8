import pandas as pd

from redose import files, logs
from redose.figures import effects, intervals, patients, style
from redose.figures.reading import read

logs.start(snakemake.log[0])
given, clock = snakemake.input, snakemake.params.clock
about, people = files.read_json(given.about), pd.read_parquet(given.patients)
curves = read(given.curves)
drawn = {
    "free": intervals.free(curves, clock),
    "incidence": intervals.incidence(curves, clock),
    "effects": effects.hazard_ratios(read(given.effects), about, people),
    "outlook": patients.outlook(read(given.outlook), people, about, snakemake.params.horizons[0]),
}
for name, figure in drawn.items():
    style.save(figure, snakemake.output[name])
