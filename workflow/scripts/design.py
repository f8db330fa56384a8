from pathlib import Path

from redose import design, files, logs, tables

logs.start(snakemake.log[0])
about = files.read_json(snakemake.input.about)
checked = tables.read_checked(Path(snakemake.input.about).parent)
options, priors = snakemake.params.options, snakemake.params.priors
files.write_tree(design.build(checked, about, snakemake.wildcards.model, options, priors), snakemake.output[0])
