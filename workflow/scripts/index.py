from pathlib import Path

from redose import files, logs, report

logs.start(snakemake.log[0])
summaries = {Path(f).parent.name: files.read_json(f) for f in snakemake.input}
files.write_text(report.index(summaries), snakemake.output[0])
