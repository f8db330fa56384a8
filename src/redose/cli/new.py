"""`redose new`: a study's folder with templates to fill in, or with a small example."""

import errno
import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from redose.cli.terminal import named, sentences, stop

HELP = (
    "Make a study's folder with commented templates.\n\n"
    "It holds study.yaml, the eight tables with their headers, a README.md that says what to fill in, and a "
    "config.yaml for the analysis. Nothing is overwritten: the folder must not exist yet, or be empty."
)
EXITS = "[b]Exit code:[/b] 0 made; 2 not made: the folder is not empty, or cannot be written."


def new(
    folder: Annotated[
        Path, typer.Argument(metavar="STUDY_FOLDER", help="The folder to make; its last name becomes the study's.")
    ],
    example: Annotated[bool, typer.Option("--example", help="Fill it with six invented patients.")] = False,
    adam: Annotated[
        Path | None,
        typer.Option(
            metavar="ADAM_FOLDER",
            help="Propose adam.yaml from the ADaM datasets in this folder. They are copied into adam/ of the study's "
            "folder, unless they lie in it already.",
        ),
    ] = None,
) -> None:
    """Writes the files of `starter.files`; ends with exit code 2 where the folder is taken or cannot be written."""
    if adam is not None:
        from_adam(folder, adam)
        return
    with sentences(f"making {named(folder)}"):
        refuse_taken(folder)
        from redose import starter

        try:
            name = starter.study_name(folder)
        except starter.NameTaken as fault:
            stop(str(fault))
        write(starter.files(name, folder, example), folder)
    for line in starter.next_steps(folder, example):
        typer.echo(line)


def from_adam(folder: Path, datasets: Path) -> None:
    """Writes the files of `starter.files_from_adam`, and copies the datasets where they lie elsewhere."""
    with sentences(f"making {named(folder)}"):
        if not datasets.is_dir():
            stop(f"{named(datasets)}: there is no such folder; give the folder of the ADaM datasets.")
        inside = datasets.resolve().is_relative_to(folder.resolve()) and datasets.resolve() != folder.resolve()
        refuse_taken(folder, {datasets.resolve().relative_to(folder.resolve()).parts[0]} if inside else set())
        from redose import problems, starter
        from redose.adam import propose

        within = datasets.resolve().relative_to(folder.resolve()).as_posix() if inside else "adam"
        try:
            name = starter.study_name(folder)
            contents: dict[str, str | Path] = dict(starter.files_from_adam(name, folder, datasets, within))
        except (starter.NameTaken, problems.StudyError) as fault:
            stop(str(fault))
        if not inside:
            contents |= {f"adam/{path.name}": path for path in propose.recognised(datasets).values()}
        write(contents, folder)
    for line in starter.next_steps_from_adam(folder):
        typer.echo(line)


def refuse_taken(folder: Path, beside: set[str] = frozenset()) -> None:
    """Stops unless the folder is new, empty, or holds nothing but the entries `beside`."""
    if folder.is_symlink() and not folder.exists():
        stop(f"{named(folder)} is a link that leads nowhere; remove it, or give another folder.")
    if not folder.exists():
        return
    if not folder.is_dir():
        stop(f"{named(folder)} is a file, and nothing is overwritten; give the name of a new folder.")
    held = sorted(entry.name for entry in folder.iterdir() if entry.name not in beside)
    if held:
        more = f" and {len(held) - 1} more" if held[1:] else ""
        stop(
            f"{named(folder)} is not empty (it holds {held[0]}{more}), and nothing is overwritten; give a new folder, "
            "or move what it holds elsewhere."
        )


def write(contents: dict[str, str | Path], folder: Path) -> None:
    """Writes the files, by name, into a new or an empty folder: all of them, or none and no folder either. A file is a
    text, or the path of one to copy."""
    existed = folder.is_dir()
    missing = [] if existed else [parent for parent in (folder, *folder.parents) if not parent.exists()]
    stage = (folder if existed else folder.parent) / f".redose-new.{os.getpid()}.part"
    placed = []
    try:
        stage.mkdir(parents=True)
        for name, content in contents.items():
            (stage / name).parent.mkdir(exist_ok=True)
            if isinstance(content, Path):
                shutil.copyfile(content, stage / name)
            else:
                (stage / name).write_text(content, encoding="utf-8", newline="")
        if not existed:
            stage.rename(folder)  # fails where someone else has filled the folder meanwhile
            return
        for name in contents:
            if (folder / name).exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder / name))
            (folder / name).parent.mkdir(exist_ok=True)
            (stage / name).rename(folder / name)
            placed.append(folder / name)
    except BaseException:
        for path in placed:
            path.unlink()
        shutil.rmtree(stage, ignore_errors=True)
        for parent in missing[1:]:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
        raise
    shutil.rmtree(stage)
