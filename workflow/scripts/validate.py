from pathlib import Path

from redose import files, logs, tables, validation

logs.start(snakemake.log[0])
given, names = snakemake.params, snakemake.wildcards
about = files.read_json(snakemake.input.about)
checked = tables.read_checked(Path(snakemake.input.about).parent)
found = validation.fold(
    checked,
    about,
    (names.study, names.model, names.fold),
    given.options,
    given.priors,
    given.sampling,
    given.limits,
    given.own,
    given.shared,
    given.seed,
    snakemake.threads,
)
files.write_table(found, snakemake.output[0])
