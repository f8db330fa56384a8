from redose import acceptance, files, logs

logs.start(snakemake.log[0])
verdicts = [acceptance.Verdict.of(files.read_json(f)) for f in snakemake.input.verdicts]
logs.say(acceptance.summary(verdicts))
if not all(v.accepted for v in verdicts):
    raise SystemExit(1)
files.write_table(acceptance.listed(verdicts), snakemake.output[0])
