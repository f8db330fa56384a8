"""`redose compare`: whether two runs gave the same bits, and where they did not, by how much."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redose.cli.terminal import named, printable, sentences, stop

if TYPE_CHECKING:
    from redose.differences import Difference

HELP = (
    "Compare the results of two runs: the same bits, or which file differs and by how much.\n\n"
    "RESULTS1 and RESULTS2 are folders such as results/bladder of two runs, or results of all studies. NetCDF files "
    "are compared by variable, CSV and Parquet by column, JSON by entry, others byte by byte. What may differ between "
    "two runs of the same results is named as such: run times, and the versions and class of host in a record."
)
EXITS = (
    "[b]Exit code:[/b] 0 the same bits, but for what may differ; 1 something else differs; 2 not compared: no such "
    "folder, or a file that cannot be read."
)


def compare(
    first: Annotated[Path, typer.Argument(metavar="RESULTS1", help="Folder of the results of one run.")],
    second: Annotated[Path, typer.Argument(metavar="RESULTS2", help="Folder of the results of another.")],
) -> None:
    """Ends with the exit code of `EXITS`, a line printed for every file that is not the same."""
    for folder in (first, second):
        if not folder.is_dir():
            stop(f"{named(folder)}: there is no such folder; correct the path.")
    from redose import differences

    with sentences(f"comparing {named(first)} and {named(second)}"):
        found = differences.differences(first, second)
    if not found:
        stop(f"{named(first)} and {named(second)} hold no files; give folders of results.")
    show([d for d in found if d.state != differences.SAME])
    count = {state: sum(d.state == state for d in found) for state in differences.STATES}
    typer.echo("; ".join(f"{number} {state}" for state, number in count.items() if number))
    raise typer.Exit(1 if count[differences.OTHER] + count[differences.ONE_SIDED] else 0)


def show(found: list["Difference"]) -> None:
    """Prints the differences: a table at a terminal, elsewhere one line each."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        for one in found:
            typer.echo(printable(f"{one.file} {one.state}{f': {one.detail}' if one.detail else ''}"))
        return
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_edge=False, pad_edge=False)
    for column in ("file", "state", "detail"):
        table.add_column(column, overflow="fold")
    for one in found:
        table.add_row(*(Text(printable(x)) for x in (one.file, one.state, one.detail)))
    if found:
        console.print(table)
