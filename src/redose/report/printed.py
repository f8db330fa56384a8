"""The tables that a dossier prints, each with a CSV: its own file of the run, or one written beside the dossier."""

import re
from pathlib import Path

import pandas as pd

from redose import files
from redose.report.tables.cells import Cell, Table

FOLDER = "report"  # below the folder of the study, for tables that no other file of the run holds
NONE = ("", "–")  # text of a cell without a value; what it sorts by is no number of the study
LONGEST = 80  # letters of a file's name


class Printed:
    """Collects tables while a page prints them. tables: name below FOLDER -> table, of those without a file."""

    def __init__(self):
        self.tables: dict[str, Table] = {}

    def file(self, table: Table) -> str:
        """The CSV that holds the table, below the folder of the study."""
        if table.file:
            return table.file
        name, stem, count = f"{stem_of(table)}.csv", stem_of(table), 1
        while self.tables.get(name, table) != table:
            count += 1
            name = f"{stem}_{count}.csv"
        self.tables[name] = table
        return f"{FOLDER}/{name}"

    def write(self, folder: Path) -> None:
        """Writes the collected tables into `folder`, all of them or none."""
        with files.whole_folder(folder) as temporary:
            for name, table in self.tables.items():
                frame(table).to_csv(temporary / name, index=False)


def stem_of(table: Table) -> str:
    """The caption as the name of a file: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", table.caption.casefold())[:LONGEST].strip("_") or "table"


def frame(table: Table) -> pd.DataFrame:
    """The table as it is shown, a column of text for every heading; where cells carry a number beside their text, the
    numbers follow in a column `HEADING (value)`. A heading that comes again is numbered."""
    found: dict[str, object] = {}
    for place, heading in enumerate(table.columns):
        cells = [row[place] for row in table.rows]
        again = table.columns[:place].count(heading)
        name = f"{heading} ({again + 1})" if again else heading
        found[name] = [cell.text for cell in cells]
        if any(cell.value is not None for cell in cells):
            found[f"{name} (value)"] = pd.Series([value(cell) for cell in cells], dtype=float).convert_dtypes()
    return pd.DataFrame(found)


def value(cell: Cell) -> float | None:
    """The number of a cell; None where its text says that there is none."""
    return None if cell.text in NONE else cell.value
