"""`redose verify`: whether results are still those of their run, and what has changed since."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redose.cli.terminal import named, note, printable, sentences, stop

if TYPE_CHECKING:
    from redose.changes import Change

HELP = (
    "Compute all digests of a run's record again and say what has changed since.\n\n"
    "RESULTS is the folder of a study's results, such as results/bladder; its provenance.json names every result with "
    "its digest and the rule that made it, the inputs, the settings, every module of the package and the rules that "
    "use it, the workflow, the lock, the versions of all packages, the seeds, and the class of host."
)
EXITS = (
    "[b]Exit code:[/b] 0 all is as it was; 1 something has changed; 2 not verified: no such folder, no record in it, "
    "or a config that cannot be read."
)


def verify(
    folder: Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder of a study's results.")],
    configfile: Annotated[
        list[Path] | None,
        typer.Option("--configfile", metavar="FILE", help="Config of the run; else those that the record names."),
    ] = None,
    workflow: Annotated[
        Path | None,
        typer.Option("--workflow", metavar="FOLDER", help="Folder of the Snakefile; else the one of this package."),
    ] = None,
) -> None:
    """Ends with the exit code of `EXITS`, a line printed for everything that has changed."""
    from redose import changes, files, provenance

    record_file = folder / provenance.NAME
    if not record_file.is_file():
        stop(f"{named(folder)} holds no {provenance.NAME}; {cure(folder.resolve(), provenance.NAME)}")
    root = workflow or provenance.PACKAGE.parents[1]
    if not (root / "Snakefile").is_file():
        stop(f"{named(root)} holds no Snakefile; name the folder of the workflow with --workflow.")
    with sentences(f"reading {named(folder)}"):
        record = files.read_json(record_file)
        now = settings_of(record, folder.resolve().parents[1], root, configfile)
        found = list(changes.changes(folder.resolve(), record, root, now))
    show(found)
    counted = f"{len(record['results'])} results, {len(record['inputs'])} inputs"
    verdict = f"{len(found)} changed since" if found else "all as recorded"
    typer.echo(printable(f"study {record['study']}: {counted}; {verdict}"))
    raise typer.Exit(1 if found else 0)


def cure(folder: Path, record: str) -> str:
    """What is to be done about a folder that has no record."""
    if not folder.is_dir() or folder.parent.name != "results":
        return "give the results of one study, such as results/bladder."
    wanted = named(Path("results", folder.name, record))
    return (
        f"its run has not come to its end, or the file was lost. ./run {wanted} makes it, with the arguments of the "
        "run after that name, and before it what else is missing; so does the whole run, called again."
    )


def settings_of(record: dict, place: Path, root: Path, configs: list[Path] | None) -> dict | None:
    """The config of today, narrowed to the study; None with a note where a config of the run lies elsewhere. place:
    where the run was started."""
    from jsonschema import ValidationError
    from snakemake.exceptions import WorkflowError
    from yaml import YAMLError

    from redose import settings

    study, named_there = record["study"], record["settings"]["files"]
    given = [place / name if (place / name).is_file() else root / name for name in named_there]
    if configs is None and any(not file.is_file() for file in given):
        note(f"settings are not compared: {', '.join(named_there)} was not found; name it with --configfile.")
        return None
    try:
        used = given if configs is None else configs
        return settings.of_study(study, root, used, record["settings"]["set"])
    except (WorkflowError, ValidationError, YAMLError, KeyError) as fault:
        stop(f"no config says how {study} is analysed ({fault}); name that of the run with --configfile.")


def show(found: list["Change"]) -> None:
    """Prints what has changed: a table at a terminal, elsewhere one line each."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        for change in found:
            said = f" ({change.detail})" if change.detail else ""
            typer.echo(printable(f"{change.part}: {change.name} {change.state}{said}"))
        return
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_edge=False, pad_edge=False)
    for column in ("part", "name", "state", "detail"):
        table.add_column(column, overflow="fold")
    for change in found:
        table.add_row(*(Text(printable(x)) for x in (change.part, change.name, change.state, change.detail)))
    if found:
        console.print(table)
