from redose import calibration, files, logs

logs.start(snakemake.log[0])
setting = calibration.setting(snakemake.params.config, snakemake.input.protocol, snakemake.input.about)
files.write_tree(calibration.draw_parameters(setting), snakemake.output[0])
