from redose import clinical, files, logs, prediction
from redose.figures import clinical as panels
from redose.figures import style

logs.start(snakemake.log[0])
data = files.read_dataset(snakemake.input.design)
draws = prediction.thin(files.read_tree(snakemake.input.prior)["prior"].to_dataset(), clinical.DRAWS)
values = clinical.quantities(data, draws)
table = clinical.summarise(values, snakemake.params.evidence)
files.write_table(table, snakemake.output.table)
style.save(panels.prior_predictive(table, values), snakemake.output.figure)
