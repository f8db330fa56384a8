from redose import files, logs, prediction, residuals
from redose.figures import residuals as panels
from redose.figures import style

logs.start(snakemake.log[0])
data = files.read_dataset(snakemake.input.design)
draws = prediction.thin(files.read_tree(snakemake.input.posterior)["posterior"].to_dataset(), residuals.DRAWS)
ci_prob, seed, members = snakemake.params.ci_prob, snakemake.params.seed, residuals.groups(data)
found = residuals.residuals(data, draws, seed)
table, curves = residuals.test(found, members, seed), residuals.curves(found, members, ci_prob, seed)
files.write_table(table, snakemake.output.table)
files.write_table(curves, snakemake.output.curves)
files.write_table(residuals.listed(data, found), snakemake.output.listed)
style.save(panels.residuals(curves, table), snakemake.output.figure)
