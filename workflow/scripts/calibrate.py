import pandas as pd

from redose import calibration, files, logs

logs.start(snakemake.log[0])
setting = calibration.setting(snakemake.params.config, snakemake.input.protocol, snakemake.input.about)
drawn = files.read_tree(snakemake.input.parameters)
rows = calibration.run(setting, drawn, int(snakemake.wildcards.chunk))
files.write_table(pd.concat(rows, ignore_index=True), snakemake.output[0])
