from redose import between_cuts, files, logs
from redose.figures import cuts, style

logs.start(snakemake.log[0])
table = between_cuts.compare(snakemake.params.cuts, snakemake.input, snakemake.params.horizons)
files.write_table(table, snakemake.output.table)
style.save(cuts.moved(table), snakemake.output.figure)
