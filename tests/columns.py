"""Columns of CSV and Parquet files against the entries of a codebook."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet

from redose.codebook import FILES, Column, File

Used = set[tuple[str, str]]


def columns_of(path: Path) -> list[str]:
    return parquet.read_schema(path).names if path.suffix == ".parquet" else list(pd.read_csv(path, nrows=0))


def compared(found: dict[str, Iterable[str]], files: tuple[File, ...]) -> tuple[list[str], list[str]]:
    """(columns that not exactly one entry describes, entries of `files` that describe none). found: columns by file."""
    wrong, used = [], set()
    for place, columns in found.items():
        for column in columns:
            mine = [(f.place, c.name) for f in files if f.matches(place) for c in f.columns if c.matches(column)]
            used |= set(mine)
            if len(mine) != 1:
                wrong.append(f"{place}, {column}: {mine}")
    every = [(f.place, c.name) for f in files for c in f.columns if not c.optional]
    return wrong, [f"{place}, {name}" for place, name in every if (place, name) not in used]


def below(folder: Path) -> dict[str, list[str]]:
    """Columns of every CSV and Parquet file below a folder, by its place in it."""
    every = sorted(f for f in folder.rglob("*") if f.suffix in (".csv", ".parquet"))
    return {f.relative_to(folder).as_posix(): columns_of(f) for f in every}


def described(found: dict[str, Iterable[str]]) -> tuple[list[str], list[str]]:
    """As `compared`, with the general entries of just these files."""
    return compared(found, tuple(f for f in FILES if any(f.matches(place) for place in found)))


def against_dictionary(folder: Path) -> tuple[list[str], list[str]]:
    """As `compared`, of a study's CSV and Parquet files with the lines of its dictionary."""
    lines = pd.read_csv(folder / "dictionary.csv", keep_default_na=False)
    lines = lines[lines["column"] != ""]
    optional = {(f.place, c.name) for f in FILES for c in f.columns if c.optional}
    files = tuple(
        File(place, "", tuple(Column(c, "", "", "", (place, c) in optional) for c in part["column"]))
        for place, part in lines.groupby("file")
    )
    return compared(below(folder), files)
