from pathlib import Path

from redose import files, logs, report
from redose.report import reading

logs.start(snakemake.log[0])
page = Path(snakemake.output[0])
dossier = reading.read(page.parent, snakemake.params.settings, snakemake.params.captions)
with files.whole(page) as temporary:
    temporary.write_text(report.render(dossier), encoding="utf-8")
