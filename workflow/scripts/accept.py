from redose import acceptance, files, logs

logs.start(snakemake.log[0])
verdict = acceptance.Verdict.of(files.read_json(snakemake.input[0]))
logs.say(verdict.text())
if not verdict.accepted:
    raise SystemExit(1)
files.write_json(verdict.record(), snakemake.output[0])
