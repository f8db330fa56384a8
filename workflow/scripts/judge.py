import pandas as pd

from redose import acceptance, files, logs

logs.start(snakemake.log[0])
table, sampler = pd.read_csv(snakemake.input.table), files.read_json(snakemake.input.sampler)
study, model = snakemake.wildcards.study, snakemake.wildcards.model
verdict = acceptance.judge(table, sampler, snakemake.params.limits, study, model)
logs.say(verdict.text())
files.write_json(verdict.record(), snakemake.output[0])
