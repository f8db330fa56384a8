from pathlib import Path

from redose import adam, logs, problems, pseudonyms

logs.start(snakemake.log[0])
try:
    study = adam.adapt(Path(snakemake.input.mapping).parent, snakemake.wildcards.study)
except problems.StudyError as fault:  # under a salt the log, which is kept, names no patient
    kept = "adam.yaml or its datasets are at fault: `redose adapt` says where" if snakemake.input.salt else str(fault)
    logs.say(kept, on_screen=str(fault))
    raise SystemExit(1) from None
if snakemake.input.salt:
    study = adam.hidden(study, pseudonyms.read_salt(snakemake.input.salt))
adam.write(study, snakemake.output.tables, snakemake.output.about, Path(snakemake.output.about).parent)
logs.say(adam.text(study))
