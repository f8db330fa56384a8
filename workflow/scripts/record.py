from pathlib import Path

from redose import files, logs, provenance

logs.start(snakemake.log[0])
known, made = snakemake.params, snakemake.output[0]
given = dict(zip(known.names, snakemake.input.given, strict=True))
results = dict(zip(snakemake.input.results, known.made_by, strict=True))
root = Path(snakemake.input.lock).parent
settings = provenance.of_settings(known.settings, known.configs)
files.write_json(provenance.record(Path(made).parent, given, results, known.rules, settings, root), made)
