from pathlib import Path

from redose import cohort, files, logs, tables

logs.start(snakemake.log[0])
about = files.read_json(snakemake.input.about)
study = tables.read_checked(Path(snakemake.input.about).parent)
for name, table in cohort.describe(study, about, snakemake.params.estimand).items():
    files.write_table(table, snakemake.output[name])
