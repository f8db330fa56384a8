from pathlib import Path

from redose import files, logs, report
from redose.figures import style
from redose.report import pictured, reading, summary

logs.start(snakemake.log[0])
made, printed = snakemake.output, report.Printed()
dossier = reading.read(Path(made.dossier).parent, snakemake.params.settings, snakemake.params.captions)
style.save(pictured.pictured(dossier), made.figure)
picture = reading.embedded(Path(made.figure))
files.write_text(report.render(dossier, picture, printed), made.dossier)
files.write_text(report.render_answer(dossier, picture), made.answer)
printed.write(made.tables)
files.write_json(summary.summary(dossier), made.summary)
