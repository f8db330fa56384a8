from redose import files, logs, prediction, thresholds

logs.start(snakemake.log[0])
data = files.read_dataset(snakemake.input.design)
draws = prediction.thin(files.read_tree(snakemake.input.posterior)["posterior"].to_dataset(), thresholds.DRAWS)
truth = thresholds.read_truth(snakemake.input.get("truth"), data.attrs["link"])
table, curve = thresholds.thresholds(data, draws, snakemake.params.decision, snakemake.params.seed, truth)
logs.say(thresholds.text(table, snakemake.wildcards.study, snakemake.wildcards.model))
files.write_table(table, snakemake.output.table)
files.write_table(curve, snakemake.output.curve)
