from pathlib import Path

from redose import files, logs, report
from redose.figures import style
from redose.report import pictured, reading

logs.start(snakemake.log[0])
made = snakemake.output
dossier = reading.read(Path(made.dossier).parent, snakemake.params.settings, snakemake.params.captions)
style.save(pictured.pictured(dossier), made.figure)
picture = reading.embedded(Path(made.figure))
for page, text in (
    (made.dossier, report.render(dossier, picture)),
    (made.answer, report.render_answer(dossier, picture)),
):
    with files.whole(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
