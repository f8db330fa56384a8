from redose import dosing, files, logs, prediction

logs.start(snakemake.log[0])
data = files.read_dataset(snakemake.input.design)
trees = {group: files.read_tree(snakemake.input[group])[group].to_dataset() for group in ("posterior", "prior")}
draws = {group: prediction.thin(tree, dosing.DRAWS) for group, tree in trees.items()}
truth = dosing.read_truth(snakemake.input.get("truth"), data)
table = dosing.summary(data, draws["posterior"], draws["prior"], snakemake.params.ci_prob, truth)
files.write_table(table, snakemake.output[0])
