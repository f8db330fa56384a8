"""The findings on a study as `redose check` and the rule `check` tell them: lines for people, JSON for machines."""

import json
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from redose import contract, problems
from redose.checks import Verdict
from redose.logs import printable
from redose.tables import Study

OTHER_ENDINGS = (".xlsx", ".xls", ".ods", ".tsv", ".txt", ".sas7bdat", ".xpt", ".rds")


def lines(found: pd.DataFrame) -> list[str]:
    """Every finding on one line: severity, file, row, patient, what is wrong, the cure; rule, column and value in
    brackets."""
    told = []
    for problem in found.to_dict("records"):
        where = [problem["rule"], *(f"{name} {problem[name]}" for name in ("column", "value") if problem[name])]
        told.append(printable(f"{problem['severity']}: {problems.sentence(problem)} [{', '.join(where)}]"))
    return told


def text(verdict: Verdict, most: int | None = None) -> str:
    """A heading with the counts, then `lines`; most: so many at most."""
    found = verdict.problems
    heading = f"study {verdict.study}: {problems.counts(found) or 'no errors, no warnings'}"
    shown = lines(found.iloc[:most])
    left = len(found) - len(shown)
    return "\n".join([heading, *shown, *([f"... and {left} more, in the log"] if left else [])])


def not_read(folder: Path, study: Study) -> list[str]:
    """Files that bear the name of a table which was not given, in a form that is not read, such as mrd.xlsx."""
    return sorted(
        file.as_posix()
        for file in folder.iterdir()
        if file.suffix.casefold() in OTHER_ENDINGS and file.stem.casefold() in set(contract.TABLES) - set(study.files)
    )


def as_json(folder: Path, verdict: Verdict, left: list[str], strict: bool = False) -> str:
    """The findings as JSON; docs/cli.md documents the keys. left: files that were not read; strict: warnings fail."""
    counted = verdict.problems["severity"].value_counts()
    listed = verdict.problems.astype(object).where(verdict.problems.notna(), None).to_dict("records")
    content = {
        "redose": version("redose"),
        "study": verdict.study,
        "folder": folder.as_posix(),
        "strict": strict,
        "passed": passed(verdict, strict),
        "errors": int(counted.get("error", 0)),
        "warnings": int(counted.get("warning", 0)),
        "findings": listed,
        "not_read": left,
    }
    return json.dumps(content, indent=2) + "\n"


def passed(verdict: Verdict, strict: bool) -> bool:
    """Whether a study passed; strict: warnings fail too."""
    return verdict.passed and not (strict and len(verdict.problems))
