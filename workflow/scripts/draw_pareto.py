from redose import logs
from redose.figures import comparison, style
from redose.figures.reading import read

logs.start(snakemake.log[0])
tables = {model: read(f) for model, f in zip(snakemake.params.models, snakemake.input, strict=True)}
style.save(comparison.pareto(tables), snakemake.output[0])
