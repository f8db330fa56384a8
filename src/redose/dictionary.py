"""The data dictionary: the parts of `docs/data.md` that are generated from the contract and the rules, and those of
`docs/results.md` and of a study's dictionary.csv that are generated from the codebook, those of `docs/adam.md`.

`python -m redose.dictionary docs/data.md`, or of the other page, brings it up to date; a test fails when it is not.
"""

import re
import sys
from pathlib import Path

import pandas as pd

from redose import about, codebook, contract
from redose.adam import mapping
from redose.adam.faults import RULES as FAULTS
from redose.rules import RULES

TYPES = {"text": "text", "number": "number", "count": "whole number", "flag": "true or false"}
TYPES |= {"any": "text or number"}


def filled(page: str) -> str:
    """The page with each block between `<!-- begin NAME -->` and `<!-- end NAME -->` written anew."""
    for name, block in (blocks() | results() | of_adam()).items():
        page = with_block(page, name, block)
    return page


def with_block(page: str, name: str, block: str) -> str:
    """The page with `block` between its two marks of that name."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    pattern = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
    return pattern.sub(lambda _: f"{begin}\n{block}\n{end}", page)


def blocks() -> dict[str, str]:
    """The generated parts by name: `study.yaml`, one per table, the rules."""
    tables = {name: columns(table) for name, table in contract.TABLES.items()}
    return {"study.yaml": keys(), **tables, "rules": rules()}


def of_adam() -> dict[str, str]:
    """The generated parts of the page on ADaM: the keys of `adam.yaml`, and what stops the adapter."""
    parts = [("", mapping.STUDY), ("intervals", mapping.INTERVALS)]
    parts += [(f"{name}, each", known) for name, known in mapping.SELECTIONS.items()]
    lines = []
    for place, known in parts:
        for name, key in known.items():
            default = "required" if key.required else said(key.default)
            lines.append([place, f"`{name}`", default, key.meaning])
    keys_of = grid(["where", "key", "default", "meaning"], lines)
    return {
        "adam.yaml": keys_of,
        "adam faults": grid(["fault", "what holds"], [[f"`{n}`", m] for n, m in FAULTS.items()]),
    }


def said(default: object) -> str:
    """A default as the page writes it; nothing for none."""
    if default in (None, "", {}, []):
        return ""
    if isinstance(default, list):
        return ", ".join(str(entry) for entry in default if entry)
    if isinstance(default, dict):
        return "; ".join(f"{key}: {said(value)}" for key, value in default.items())
    return f"{default:g}" if isinstance(default, float) else str(default)


def results() -> dict[str, str]:
    """The generated part of the page on results: every file with its columns."""
    parts = []
    for file in codebook.FILES:
        rows = [[f"`{c.name}`", TYPES[c.kind], c.unit, c.meaning] for c in file.columns]
        heading = f"### `{file.place}`\n\n{file.rows}. Of {codebook.NEEDS[file.needs]}.\n\n"
        parts.append(heading + grid(["column", "type", "unit", "meaning"], rows))
    return {"results": "\n\n".join(parts)}


def listing(files: tuple[codebook.File, ...]) -> pd.DataFrame:
    """The entries of these files as a table: file, column, type, unit, meaning; each begins with a row that has no
    column and says what a row of the file is."""
    rows = []
    for file in files:
        rows.append((file.place, "", "table", "", file.rows))
        rows += [(file.place, c.name, TYPES[c.kind], c.unit, c.meaning) for c in file.columns]
    return pd.DataFrame(rows, columns=["file", "column", "type", "unit", "meaning"])


def keys() -> str:
    rows = [("title and others", about.STUDY)]
    rows += [(f"{part}, each", entries) for part, entries in about.PARTS.items()]
    lines = []
    for place, entries in rows:
        for name, key in entries.items():
            lines.append([place, f"`{name}`", "yes" if key.required else "no", key.meaning])
    return grid(["where", "key", "required", "meaning"], lines)


def columns(table: contract.Table) -> str:
    lines = []
    for column in table.columns:
        meaning = column.meaning + (f": {', '.join(column.words)}" if column.words else "")
        given = "derived" if column.derived else "yes" if column.required else "no"
        if not column.required and column.kind == "text" and column.default:
            given += f" ({column.default})"
        empty = "" if column.derived else "may be empty" if column.empty else "filled"
        example = f"`{column.example}`" if column.example else "(empty)"
        lines.append([f"`{column.name}`", TYPES[column.kind], column.unit, given, empty, meaning, example])
    heading = (
        f"{table.meaning} {'Required.' if table.required else 'Optional.'} No two rows agree in {names(table.key)}."
    )
    return f"{heading}\n\n" + grid(["column", "type", "unit", "required", "cell", "meaning", "example"], lines)


def rules() -> str:
    lines = [[f"`{name}`", rule.severity, rule.meaning] for name, rule in RULES.items()]
    return grid(["rule", "severity", "what holds"], lines)


def names(columns: tuple[str, ...]) -> str:
    return columns[0] if len(columns) == 1 else f"{', '.join(columns[:-1])} and {columns[-1]}"


def grid(header: list[str], lines: list[list[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
