"""`redose check`: all problems of a study, as the rule `check` finds them, for people and for machines."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redose.cli.terminal import named, note, printable, sentences, stop

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from redose.checks import Verdict
    from redose.tables import Study

HELP = (
    "Check a study's folder and list everything that is wrong with it.\n\n"
    "These are the findings that stop the workflow before it samples: file, row (the header is row 1), patient, "
    "column, value, what is wrong, and the cure. Errors come first. In a pipe every finding is one line."
)
EXITS = (
    "[b]Exit code:[/b] 0 passed, warnings allowed; 1 the study has errors (with --strict: or warnings); "
    "2 not checked: no such folder, not a study's folder, or a file that cannot be read or written."
)
NARROWEST = 60  # columns of a terminal below which a table would be all line ends


def check(
    folder: Annotated[
        Path, typer.Argument(metavar="STUDY_FOLDER", help="The folder that holds study.yaml and the tables.")
    ],
    json_file: Annotated[
        str | None,
        typer.Option(
            "--json", metavar="FILE", help="Also write the findings as JSON; - writes them to standard output alone."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")] = False,
) -> None:
    """Ends with the exit code of `EXITS`, all findings printed and, when asked for, written as JSON."""
    with sentences(f"reading {named(folder)}"):
        refuse_other(folder)
        if json_file not in (None, "-"):
            refuse_data(folder, Path(json_file))
        from redose import checks, findings, tables

        study = tables.read_study(folder / "study.yaml", folder)
        verdict = checks.check(study)
        left = findings.not_read(folder, study)
    passed = findings.passed(verdict, strict)
    summary = summarised(study, verdict, passed)
    if json_file == "-":
        typer.echo(findings.as_json(folder, verdict, left, strict), nl=False)
        typer.echo(printable(summary), err=True)
    else:
        from rich.console import Console

        show(verdict.problems, Console(highlight=False))
        typer.echo(printable(summary))
    if json_file not in (None, "-"):
        from redose import files

        with sentences(f"writing {named(Path(json_file))}"):
            files.write_text(findings.as_json(folder, verdict, left, strict), json_file)
    for file in left:
        note(f"{file} was not read: a table is a CSV or a Parquet file; save it as {Path(file).stem}.csv.")
    raise typer.Exit(0 if passed else 1)


def refuse_other(folder: Path) -> None:
    """Stops unless the folder is there and holds a study, or a part of one."""
    if not folder.exists():
        beside = [entry.name for entry in folder.parent.iterdir() if entry.is_dir()] if folder.parent.is_dir() else []
        near = difflib.get_close_matches(folder.name, beside, n=1)
        cure = (
            f"did you mean {named(folder.parent / near[0])}?" if near else "correct the path, or make one: redose new."
        )
        stop(f"{named(folder)}: there is no such folder; {cure}")
    if not folder.is_dir():
        stop(f"{named(folder)} is a file, not a folder; give the folder that holds it: {named(folder.parent)}.")
    from redose import tables

    if (folder / "study.yaml").exists() or any(file.stem in known() for file in tables.table_files(folder)):
        return
    if (folder / "adam.yaml").exists():
        out = named(folder.with_name(f"{folder.resolve().name}-tables"))
        stop(
            f"{named(folder)} holds ADaM; derive its tables and check those: redose adapt {named(folder)} {out}, "
            f"then redose check {out}"
        )
    below = sorted(named(file.parent) for file in folder.glob("*/study.yaml"))
    cure = f"below it are {', '.join(below)}" if below else "give a study's folder, or make one: redose new"
    stop(f"{named(folder)} is no study's folder: it holds neither study.yaml nor a table such as patients.csv; {cure}.")


def refuse_data(folder: Path, file: Path) -> None:
    """Stops where the JSON would take the place of a folder, or of a file of the study."""
    from redose import tables

    if file.is_dir():
        stop(f"{named(file)} is a folder; give --json the name of a file.")
    if file.resolve() in {path.resolve() for path in (folder / "study.yaml", *tables.table_files(folder))}:
        stop(f"{named(file)} is a file of the study; give --json another name.")


def known() -> tuple[str, ...]:
    from redose import contract

    return tuple(contract.TABLES)


def summarised(study: "Study", verdict: "Verdict", passed: bool) -> str:
    """The last line: the numbers of errors and warnings, whether the study passed, and what was read."""
    from redose import problems

    found = problems.counts(verdict.problems) or "no errors, no warnings"
    rows = ", ".join(f"{name} {len(study.tables[name])}" for name in known() if name in study.tables)
    end = "passed" if passed else "not passed" if not verdict.passed else "not passed, as warnings fail with --strict"
    return f"study {study.name}: {found}; {end}" + (f" (rows: {rows})" if rows else "")


def show(found: "pd.DataFrame", console: "Console") -> None:
    """Prints the findings: tables by file at a terminal, elsewhere one line each."""
    if not (console.is_terminal and console.width >= NARROWEST):
        from redose import findings

        for line in findings.lines(found):
            typer.echo(line, file=console.file)
        return
    for (severity, file), part in found.groupby(["severity", "file"], sort=False):
        show_file(severity, file, part, console)


def show_file(severity: str, file: str, found: "pd.DataFrame", console: "Console") -> None:
    """Prints the findings of one severity in one file as a table in which everything wraps and nothing is cut."""
    import pandas as pd
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from redose import problems

    colour = "bold red" if severity == "error" else "bold yellow"
    heading = Text.assemble((problems.counts(found), colour), f" in {printable(file)}")
    console.print(heading, overflow="fold", soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_edge=False, pad_edge=False)
    table.add_column("row", justify="right", no_wrap=True)
    table.add_column("patient", overflow="fold", max_width=14)
    table.add_column("column", overflow="fold", max_width=16)
    table.add_column("value", overflow="fold", max_width=14)
    table.add_column("what is wrong, and the cure", overflow="fold", min_width=24, ratio=1)
    for problem in found.to_dict("records"):
        row = "" if pd.isna(problem["row"]) else str(problem["row"])
        patient = "\n".join(part for part in (problem["patient"], problem["at"]) if part)
        said = Text.assemble(
            f"{problem['message']}; {problem['cure']}. ", (f"[{problem['rule']}]", "dim"), overflow="fold"
        )
        table.add_row(row, Text(patient), Text(problem["column"]), Text(problem["value"]), said)
    console.print(table)
    console.print()
