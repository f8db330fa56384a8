"""What is wrong with a study: every problem as one row of a table, and the same as text.

A listing is a DataFrame with the columns `COLUMNS`; `row` is the row of the file as a spreadsheet numbers it
(the header is row 1) and is missing for a problem of a whole file.
"""

from collections.abc import Iterable
from functools import cache

import pandas as pd

from redose.rules import RULES

COLUMNS = ["severity", "rule", "file", "row", "patient", "value", "message", "cure", "column", "at"]
SHOWN = 200  # problems printed at most; the listing holds all

# What tells a reader which row of a patient is meant, in this order of preference.
PLACES = ("day", "interval", "onset_day", "start_day")


class StudyError(ValueError):
    """A study that cannot be analysed as it stands; its text lists every problem with its cure."""


@cache
def no_problems() -> pd.DataFrame:
    """An empty listing, the same object each time: most rules of most studies find nothing."""
    return pd.DataFrame({name: pd.Series(dtype="Int64" if name == "row" else object) for name in COLUMNS})


def remark(rule: str, file: str, message: str, cure: str, **where: object) -> pd.DataFrame:
    """A listing of one problem; `where` may give row, patient, value, column and at."""
    known = {"row": None, "patient": "", "value": "", "column": "", "at": ""} | where
    problem = {"severity": RULES[rule].severity, "rule": rule, "file": file, "message": message, "cure": cure} | known
    return pd.DataFrame([problem], columns=COLUMNS).astype({"row": "Int64"})


def listing(
    rule: str, file: str, offenders: pd.DataFrame, column: str, message: str, cure: str, phrases: dict[str, list]
) -> pd.DataFrame:
    """A listing with one problem per row of `offenders`, a part of a raw table indexed by file row.

    `message` and `cure` are templates: `{name}` stands for the row's own text in the column `name`, `{value}`
    for its text in `column`; `phrases` holds further words by name, one per row.
    """
    if offenders.empty:
        return no_problems()
    place = next((name for name in PLACES if name in offenders.columns), None)
    messages, cures, values, places = [], [], [], []
    for number, entry in enumerate(offenders.to_dict("records")):
        quoted = {name: shown(text) for name, text in entry.items()}
        quoted["value"] = quoted.get(column, "")
        quoted |= {name: words[number] for name, words in phrases.items()}
        messages.append(message.format_map(quoted))
        cures.append(cure.format_map(quoted))
        values.append(quoted["value"])
        places.append(f"{place} {quoted[place]}" if place and entry[place] else "")
    return pd.DataFrame(
        {
            "severity": RULES[rule].severity,
            "rule": rule,
            "file": file,
            "row": pd.array(offenders.index.to_numpy(), dtype="Int64"),
            "patient": offenders["patient"].str.strip().map(shown).to_numpy() if "patient" in offenders else "",
            "value": values,
            "message": messages,
            "cure": cures,
            "column": column,
            "at": places,
        }
    )


def joined(listings: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All listings as one: errors before warnings, then in the order of the files and their rows."""
    filled = [part for part in listings if not part.empty]
    if not filled:
        return no_problems().copy()
    everything = pd.concat(filled, ignore_index=True)
    order = {file: number for number, file in enumerate(everything["file"].unique())}
    keys = everything.assign(file=everything["file"].map(order))
    keys = keys.sort_values(["severity", "file", "row"], kind="stable", na_position="first")
    return everything.loc[keys.index].reset_index(drop=True)


def shown(text: object) -> str:
    """A value as a message quotes it: on one line, printable, at most 60 characters."""
    line = str(text)
    if not line.isprintable():
        line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
    return line if len(line) <= 60 else line[:57] + "..."


def text(study: str, problems: pd.DataFrame) -> str:
    """The listing as text: a heading with the counts, then one line per problem, at most `SHOWN` of them."""
    if problems.empty:
        return f"study {study}: no errors, no warnings"
    lines = [f"study {study}: {counts(problems)}"]
    for severity, part in problems.head(SHOWN).groupby("severity", sort=True):
        lines.append(f"{severity}s:")
        lines += [sentence(problem) for problem in part.to_dict("records")]
    left = problems.iloc[SHOWN:]
    if len(left):
        lines.append(f"... and {counts(left)} more; the table of problems holds all.")
    return "\n".join(lines)


def sentence(problem: dict) -> str:
    """One problem as `file row N (patient P, day D): what is wrong; cure.`"""
    row = "" if pd.isna(problem["row"]) else f" row {problem['row']}"
    whom = [f"patient {problem['patient']}" if problem["patient"] else "", problem["at"]]
    brackets = ", ".join(part for part in whom if part)
    return f"{problem['file']}{row}{f' ({brackets})' if brackets else ''}: {problem['message']}; {problem['cure']}."


def counts(problems: pd.DataFrame) -> str:
    """The numbers of errors and of warnings in words, such as "5 errors, 1 warning"."""
    words = []
    for severity in ("error", "warning"):
        number = int((problems["severity"] == severity).sum())
        if number:
            words.append(f"{number} {severity}{'' if number == 1 else 's'}")
    return ", ".join(words)
