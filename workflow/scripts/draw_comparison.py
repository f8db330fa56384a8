from redose import logs
from redose.figures import comparison, style
from redose.figures.reading import read

logs.start(snakemake.log[0])
style.save(comparison.differences(read(snakemake.input[0])), snakemake.output[0])
