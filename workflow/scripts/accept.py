import pandas as pd

from redose import acceptance, files, logs

logs.start(snakemake.log[0])
table, sampler = pd.read_csv(snakemake.input.table), files.read_json(snakemake.input.sampler)
study, model = snakemake.wildcards.study, snakemake.wildcards.model
verdict = acceptance.judge(table, sampler, snakemake.params.limits, study, model)
logs.say(verdict.text())
if not verdict.accepted:
    raise SystemExit(1)
files.write_json({"study": study, "model": model, "limits": snakemake.params.limits}, snakemake.output[0])
