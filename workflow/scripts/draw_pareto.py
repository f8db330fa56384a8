from pathlib import Path

from redose import logs
from redose.figures import comparison, style
from redose.figures.reading import read

logs.start(snakemake.log[0])
tables = {Path(f).parent.name: read(f) for f in snakemake.input.scores}
style.save(comparison.pareto(tables), snakemake.output[0])
