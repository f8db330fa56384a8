from redose import checks, dynamic, files, inquiry, logs, pseudonyms

logs.start(snakemake.log[0])
predictor = dynamic.read(snakemake.input.predictor)
salt = pseudonyms.read_salt(snakemake.input.salt) if snakemake.input.salt else None
verdict = inquiry.read(snakemake.params.source, predictor.about, salt)
logs.say(verdict.text())
checks.require(verdict)
table, curves = dynamic.predict(predictor, verdict.tables)
files.write_table(table, snakemake.output.table)
files.write_table(curves, snakemake.output.curves)
