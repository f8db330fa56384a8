"""`redose adapt`: the study tables that a folder of ADaM datasets makes, without Snakemake."""

from pathlib import Path
from typing import Annotated

import typer

from redose.cli.new import refuse_taken
from redose.cli.terminal import named, printable, sentences, stop

HELP = (
    "Derive a study's tables from ADaM.\n\n"
    "adam.yaml of the folder says which records of which datasets become which table (docs/adam.md). Written are "
    "study.yaml, the tables, and in adam/ the record of it: what was read and kept, every record that was dropped or "
    "altered, units, and events beside those of ADTTE. The datasets are only read."
)
EXITS = "[b]Exit code:[/b] 0 made; 1 adam.yaml or the datasets have faults, all listed; 2 not made."


def adapt(
    folder: Annotated[Path, typer.Argument(metavar="STUDY_FOLDER", help="The folder that holds adam.yaml.")],
    out: Annotated[Path, typer.Argument(metavar="OUT_FOLDER", help="The folder to make; nothing is overwritten.")],
) -> None:
    """Writes the study that `adam.adapt` derives; ends with the exit code of `EXITS`."""
    with sentences(f"reading {named(folder)}"):
        if not (folder / "adam.yaml").is_file():
            stop(f"{named(folder)} holds no adam.yaml; make one: redose new STUDY_FOLDER --adam FOLDER.")
        refuse_taken(out)
        from redose import adam, problems

        try:
            adapted = adam.adapt(folder)
        except problems.StudyError as fault:
            for line in str(fault).splitlines():
                typer.echo(printable(line))
            raise typer.Exit(1) from None
    with sentences(f"writing {named(out)}"):
        adam.write_study(adapted, out)
    for line in adam.text(adapted).splitlines():
        typer.echo(printable(line))
    typer.echo(f"made {named(out)}; next: redose check {named(out)}")
