import pandas as pd

from redose import files, logs, ranks
from redose.figures import calibration, style
from redose.figures.reading import read

logs.start(snakemake.log[0])
level, seed = snakemake.params.level, snakemake.params.seed
table = pd.concat([read(f) for f in snakemake.input], ignore_index=True)
verdict = ranks.judge(table, level, seed)
said = ranks.text(table, verdict, level)
logs.say(said)
files.write_table(table, snakemake.output.ranks)
files.write_table(verdict, snakemake.output.verdict)
files.write_text(said + "\n", snakemake.output.text)
style.save(calibration.differences(table, verdict, level, seed), snakemake.output.figure)
