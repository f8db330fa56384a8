from pathlib import Path

from redose import design, files, logs, onsets, tables

logs.start(snakemake.log[0])
about = files.read_json(snakemake.input.about)
checked = tables.read_checked(Path(snakemake.input.about).parent)
model, options, priors = snakemake.wildcards.model, snakemake.params.options, snakemake.params.priors
if model == "gvhd":
    data = onsets.build(checked, about, options)
else:
    data = design.build(checked, about, model, options, priors)
files.write_tree(data, snakemake.output[0])
