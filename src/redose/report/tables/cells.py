"""Cells and tables of a dossier: the text that is shown, and the value that sorts."""

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace

import pandas as pd

from redose.figures import labels
from redose.report import words
from redose.report.chapters import CHAPTERS

OUTCOMES = {**labels.CAUSES, "censored": "end of follow-up"}


@dataclass(frozen=True)
class Cell:
    """Text, the value by which its column is sorted (None: by the text), and the chapter that the text leads to.

    counted: name of what is counted, where a cell is a count of patients, intervals or events of a subgroup; the same
    count has the same name wherever it stands in the table. computed: names of the counts that a cell is computed
    from. `suppression` hides the two where counts are small."""

    text: str
    value: float | None = None
    chapter: str = ""
    counted: Hashable | None = None
    computed: tuple[Hashable, ...] = ()

    @property
    def key(self) -> str:
        """The value as a number that a browser can compare; infinite and missing ones go to the ends."""
        if self.value is None:
            return ""
        return repr(-1e308 if math.isnan(self.value) else max(min(float(self.value), 1e308), -1e308))


@dataclass(frozen=True)
class Sum:
    """Counts, by name, that add up to `total` or to less; total None: to what other tables tell of the study."""

    parts: tuple[Hashable, ...]
    total: Hashable | None = None

    @property
    def names(self) -> tuple[Hashable, ...]:
        """All counts of the sum."""
        return self.parts if self.total is None else (*self.parts, self.total)


@dataclass(frozen=True)
class Table:
    """A table: columns, rows of cells, and the file of the run that holds the same numbers. sums: what readers can add
    up of its counts of subgroups; remark: a sentence below it."""

    caption: str
    columns: list[str]
    rows: list[list[Cell]]
    file: str = ""
    sums: tuple[Sum, ...] = ()
    remark: str = ""

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


def tally(number: int, *name: Hashable) -> Cell:
    """A count of patients, intervals or events of a subgroup; name: subgroup, and what is counted."""
    return replace(count(number), counted=name)


def computed(made: Cell, *tallies: Cell) -> Cell:
    """The cell, marked as computed from these tallies: a share of few, or the mean of few, tells of each of them."""
    return replace(made, computed=tuple(t.counted for t in tallies))


def sums_over(rows: list[list[Cell]]) -> tuple[Sum, ...]:
    """For every kind of tally, the last word of its name, the sum over all subgroups: the whole study's is known."""
    found: dict[Hashable, dict] = {}
    for name in (c.counted for row in rows for c in row if c.counted is not None):
        found.setdefault(name[-1], {})[name] = None
    return tuple(Sum(tuple(names)) for names in found.values() if len(names) > 1)


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
