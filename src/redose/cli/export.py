"""`redose export`: a study's tables as ADaM datasets, with the mapping that reads them back."""

from pathlib import Path
from typing import Annotated

import typer

from redose.cli.new import refuse_taken
from redose.cli.terminal import named, printable, sentences, stop

HELP = (
    "Write a study's tables as ADaM, for SAS users.\n\n"
    "ADSL, ADEX, ADCM, ADPR, ADLB, ADTR, ADRS, ADTTE and ADAE, as far as the study has their records, and the "
    "adam.yaml that makes the same tables of them again. Days become dates from 1 January 2020."
)
EXITS = "[b]Exit code:[/b] 0 made; 1 the study has errors, or holds what ADaM has no place for; 2 not made."
FORMATS = ("xpt", "csv", "parquet", "json")


def export(
    folder: Annotated[
        Path, typer.Argument(metavar="STUDY_FOLDER", help="The folder that holds study.yaml and the tables.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT_FOLDER", help="The folder to make; nothing is overwritten.")],
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help=f"{', '.join(FORMATS)} (json: CDISC Dataset-JSON 1.1).")
    ] = "xpt",
) -> None:
    """Writes what `adam.export` makes of the checked tables; ends with the exit code of `EXITS`."""
    if form not in FORMATS:
        stop(f"--format {printable(form)} is none of {', '.join(FORMATS)}; give one of them.")
    with sentences(f"reading {named(folder)}"):
        if not (folder / "study.yaml").is_file():
            stop(f"{named(folder)} holds no study.yaml; give the folder of a study.")
        refuse_taken(out)
        from redose import checks, problems, tables
        from redose.adam import export

        study = tables.read_study(folder / "study.yaml", folder)
    with sentences(f"writing {named(out)}"):
        try:
            verdict = checks.check(study)
            checks.require(verdict)
            export.write(verdict.tables, study.about, out, f".{form}")
        except problems.StudyError as fault:
            for line in str(fault).splitlines():
                typer.echo(printable(line))
            raise typer.Exit(1) from None
    typer.echo(f"made {named(out)}: adam.yaml and {len(list((out / 'adam').iterdir()))} datasets in adam/")
