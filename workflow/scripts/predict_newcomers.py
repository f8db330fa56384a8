from redose import checks, dynamic, files, inquiry, logs

logs.start(snakemake.log[0])
predictor = dynamic.read(snakemake.input.predictor)
verdict = inquiry.read(snakemake.params.source, predictor.about)
logs.say(verdict.text())
checks.require(verdict)
table, curves = dynamic.predict(predictor, verdict.tables)
files.write_table(table, snakemake.output.table)
files.write_table(curves, snakemake.output.curves)
