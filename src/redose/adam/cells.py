"""Cells of ADaM datasets as text of one form, whatever file they came from, and the numbers and dates in them.

A date is a whole number of days since 1 January 1960, the epoch of SAS. A numeric cell of a date variable is such a
number already, or seconds since then where it is too large for a day.
"""

import datetime
import re

import numpy as np
import pandas as pd

from redose.sheets import NUMBER, numbers

EPOCH = datetime.date(1960, 1, 1)
ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ][\d:.+\-Z]*)?")
BASIC = re.compile(r"(19|20)(\d{2})(\d{2})(\d{2})")
YEAR = re.compile(r"(19|20)\d{2}")
SAS_WORD = re.compile(r"(\d{1,2})([A-Za-z]{3})(\d{4})(?::[\d:.]*)?")  # DATE9. and DATETIME20.
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FURTHEST = 80_000  # days since 1960: the year 2179; a larger number counts seconds
IDENTIFIERS = ("USUBJID", "SUBJID")  # 1.1 and 1.10 are two patients, whatever all other keys look like


def of_number(value: float | None) -> str:
    """A number as the shortest text that reads back as the same number, whole ones without a point; "" for none."""
    if value is None or np.isnan(value):
        return ""
    return str(int(value)) if value == np.trunc(value) and abs(value) < 1e16 else repr(float(value))


def of_numbers(values: pd.Series) -> pd.Series:
    """A column of numbers as text, also where it has no rows."""
    return pd.Series([of_number(value) for value in values], index=values.index, dtype=object)


def of_date(days: float | None) -> str:
    """Days since 1960 as an ISO date; "" for none, and the number itself where no calendar has such a day."""
    if days is None or np.isnan(days):
        return ""
    try:
        return (EPOCH + datetime.timedelta(days=int(days))).isoformat()
    except OverflowError:
        return of_number(days)


def untyped(name: str, cells: pd.Series) -> pd.Series:
    """Cells of a CSV column in the form that a typed file gives: numbers with points or exponents make it numeric.

    A column of digits alone stays as it is (007), and so do the keys of patients.
    """
    cells = cells.str.strip()
    filled = cells[cells != ""]
    if name in IDENTIFIERS or filled.empty or not filled.str.contains(r"[.eE]").any():
        return cells
    if not filled.str.fullmatch(NUMBER).all():
        return cells
    return cells.map({text: of_number(float(text)) for text in filled.unique()} | {"": ""})


def values(cells: pd.Series) -> pd.Series:
    """The numbers in a column of text, NaN where a cell is empty or holds none."""
    return numbers(cells)[0]


def dates(cells: pd.Series) -> pd.Series:
    """The dates in a column of text as days since 1960; NaN where a cell is empty or holds no whole date."""
    return cells.map({text: date(text) for text in cells.unique()}).astype(float)


def date(text: str) -> float:
    """One date as days since 1960: ISO 8601 with or without a time, 20140102, 02JAN2014, or a SAS number; else NaN."""
    text = text.strip()
    if found := ISO.fullmatch(text):
        return calendar(*(int(part) for part in found.groups()))
    if found := BASIC.fullmatch(text):
        return calendar(int(text[:4]), int(text[4:6]), int(text[6:]))
    if found := SAS_WORD.fullmatch(text):
        month = found[2].lower()
        return calendar(int(found[3]), MONTHS.index(month) + 1 if month in MONTHS else 0, int(found[1]))
    if YEAR.fullmatch(text):
        return np.nan  # the year alone, and not the SAS date of a day in 1965
    if NUMBER.fullmatch(text) and np.isfinite(float(text)):
        number = float(text)
        return float(np.floor(number / 86400 if abs(number) > FURTHEST else number))
    return np.nan


def calendar(year: int, month: int, day: int) -> float:
    """Days since 1960 of a day of the calendar; NaN where there is no such day."""
    try:
        return float((datetime.date(year, month, day) - EPOCH).days)
    except ValueError:
        return np.nan
