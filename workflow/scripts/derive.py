from pathlib import Path

from redose import examples, logs

logs.start(snakemake.log[0])
examples.derive(snakemake.wildcards.study, Path(snakemake.output[0]))
