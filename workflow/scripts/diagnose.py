from redose import diagnostics, files, logs

logs.start(snakemake.log[0])
tree = files.read_tree(snakemake.input[0])
files.write_table(diagnostics.summarise(tree, snakemake.params.ci_prob), snakemake.output.table)
files.write_json(diagnostics.sampler_summary(tree), snakemake.output.sampler)
