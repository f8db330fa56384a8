"""What commands say: sentences on standard error, and names of files that any terminal can print."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer

from redose.logs import printable

USAGE = 2  # exit code of a command that was asked for what it cannot do


def stop(sentence: str) -> NoReturn:
    """Ends the command with exit code 2 and a sentence that says where, what, and the cure."""
    note(sentence)
    raise typer.Exit(USAGE)


def note(sentence: str) -> None:
    """One line on standard error."""
    typer.echo(f"redose: {printable(sentence)}", err=True)


def named(path: Path) -> str:
    """The path as messages write it."""
    return printable(path.as_posix())


@contextmanager
def sentences(doing: str) -> Iterator[None]:
    """What the file system refuses inside the block ends the command with a sentence. doing: such as "reading x"."""
    try:
        yield
    except OSError as fault:
        file = f" ({printable(fault.filename)})" if fault.filename else ""
        stop(f"{doing} failed: {fault.strerror or fault}{file}; check the path, its permissions, and the space left.")
