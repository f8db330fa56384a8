import pandas as pd

from redose import files, logs, validation
from redose.figures import accuracy, style
from redose.figures.reading import read

logs.start(snakemake.log[0])
given, made = snakemake.params, snakemake.output
predictions = pd.concat([read(f) for f in snakemake.input.predictions], ignore_index=True)
happened = read(snakemake.input.outcomes)
table, calibration = validation.judged(predictions, happened, given.shared, given.ci_prob, given.seed)
files.write_table(table, made.accuracy)
files.write_table(calibration, made.calibration)
style.save(accuracy.metrics(table), made.figure)
style.save(accuracy.calibration(calibration), made.calibration_figure)
