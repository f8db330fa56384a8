from pathlib import Path

from redose import checks, files, findings, logs, problems, pseudonyms, tables

logs.start(snakemake.log[0])
given = snakemake.input.tables  # the folder of derived tables; or those beside study.yaml, read as `redose check` does
folder = Path(given) if isinstance(given, str) and Path(given).is_dir() else Path(snakemake.input.about).parent
study = tables.read_study(Path(snakemake.input.about), folder, snakemake.wildcards.study)
if snakemake.input.salt:
    study = pseudonyms.hidden(study, pseudonyms.read_salt(snakemake.input.salt))
found = checks.check(study)
verdict = pseudonyms.kept(found) if snakemake.input.salt else found
logs.say(findings.text(verdict), on_screen=findings.text(found, most=problems.SHOWN))
# a log, because it is kept where the study fails
files.write_text(findings.as_json(folder, verdict, findings.not_read(folder, study)), snakemake.log.findings)
if not verdict.passed:
    raise SystemExit(1)
tables.write_checked(verdict.tables, Path(snakemake.output.about).parent)
files.write_table(verdict.problems, snakemake.output.findings)
files.write_json(study.about, snakemake.output.about)
