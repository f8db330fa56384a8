from pathlib import Path

from redose import cuts, files, logs, tables

logs.start(snakemake.log[0])
whole = tables.read_checked(Path(snakemake.input.about).parent)
known = cuts.known(whole, snakemake.params.day, snakemake.wildcards.study)
cuts.write(known, files.read_json(snakemake.input.about), Path(snakemake.output.about).parent)
