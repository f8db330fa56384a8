"""Cells and tables of a dossier: the text that is shown, and the value that sorts."""

import math
from dataclasses import dataclass

import pandas as pd

from redose.figures import labels
from redose.report import words
from redose.report.chapters import CHAPTERS

OUTCOMES = {**labels.CAUSES, "censored": "end of follow-up"}


@dataclass(frozen=True)
class Cell:
    """Text, the value by which its column is sorted (None: by the text), and the chapter that the text leads to."""

    text: str
    value: float | None = None
    chapter: str = ""

    @property
    def key(self) -> str:
        """The value as a number that a browser can compare; infinite and missing ones go to the ends."""
        if self.value is None:
            return ""
        return repr(-1e308 if math.isnan(self.value) else max(min(float(self.value), 1e308), -1e308))


@dataclass(frozen=True)
class Table:
    """A table: columns, rows of cells, and the file of the run that holds the same numbers."""

    caption: str
    columns: list[str]
    rows: list[list[Cell]]
    file: str = ""

    @property
    def right(self) -> list[bool]:
        """Per column: right-aligned, because all its cells carry values."""
        cells = zip(*self.rows, strict=True) if self.rows else [[] for _ in self.columns]
        return [bool(column) and all(c.value is not None for c in column) for column in cells]


def place(chapter: str) -> Cell:
    """The title of a chapter, which leads to it."""
    return Cell(CHAPTERS[chapter], chapter=chapter)


def count(number: int) -> Cell:
    return Cell(f"{number:,}".replace(",", " "), float(number))


def cell(value: float, write=words.number) -> Cell:
    return Cell(write(value), float(value))


def estimate(middle: float, low: float, high: float, write=words.number) -> Cell:
    """`middle (low to high)`, sorted by the middle; a dash where there is no value."""
    if pd.isna(middle):
        return Cell("–", -1.0)
    return Cell(f"{write(middle)} ({words.band(low, high, write)})", float(middle))


def amount(value: float) -> str:
    """A number of days, infusions or money, to three digits; what is too small to matter says so, and is no 0."""
    return words.number(value, 3) if value == 0 or abs(value) >= 0.05 else "< 0.05" if value > 0 else "> −0.05"


def name_of(group: str) -> str:
    return "all patients" if group == "all" else str(group)
