from pathlib import Path

from redose import files, logs, tables, validation

logs.start(snakemake.log[0])
given = snakemake.params
about = files.read_json(snakemake.input.about)
checked = tables.read_checked(Path(snakemake.input.about).parent)
found = validation.referred(checked, about, given.models, given.priors, given.own, given.seed)
files.write_table(found, snakemake.output.predictions)
options = next(iter(given.models.values()))
files.write_table(validation.outcomes(checked, options, given.own, given.shared, given.seed), snakemake.output.outcomes)
