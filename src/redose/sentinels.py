"""Codes for "missing" that stand among numbers: -99, -999, 999, 9999, 100000, 1000000 and their like.

A real 999 must not be taken for one. A number of that form counts as a code only where the other values speak
against it: it lies far outside them, or it stands out among its neighbours by its frequency.
"""

import numpy as np
import pandas as pd

from redose import contract, problems
from redose.sheets import Sheet

NINES = (999.0, 9999.0, 99999.0, 999999.0)
NEGATIVE = (-99.0, -999.0, -9999.0, -99999.0, -999999.0)
POWERS = (1e5, 1e6, 1e7)
CODES = (*NINES, *NEGATIVE, *POWERS)

BEYOND = 1.25  # nines this many times the largest other value are no measurement
ROUND_BEYOND = 10.0  # powers of ten are also what people round to: farther out
BELOW = 2.0  # negative codes this many times the smallest other value
REPEATED = 5  # so many equal codes, and more than all neighbours within 10 %, are no coincidence


def cleared(sheets: dict[str, Sheet]) -> tuple[dict[str, Sheet], list[pd.DataFrame]]:
    """The sheets with codes and impossible days emptied, and the problems that name them."""
    found: list[pd.DataFrame] = []
    longest = longest_day(sheets)
    ends = None
    # Intervals first: the other tables are compared with a patient's own follow-up
    for name in sorted(sheets, key=lambda name: name != "intervals"):
        for column in numeric(sheets[name]):
            sheet = sheets[name]
            values = sheet.read[column]
            if column in days_of(sheet.table):
                codes = among_days(values, longest, before_day_0(sheet, column))
                if ends is not None and "patient" in sheet.read:
                    codes |= values.isin(NINES) & (values / BEYOND > sheet.read["patient"].map(ends))
                wrong = (values.abs() > contract.LONGEST) & ~codes
                cure = "give days since day 0, no calendar date"
                message = f"{column} {{value}} is more than 100 years from day 0"
                found.append(sheet.listing("implausible_day", wrong, column, message, cure))
            else:
                codes, wrong = among_values(values, rounded=column != "cells"), False
            found.append(sentinel(sheet, column, codes))
            sheets = sheets | {name: sheet.without(codes | wrong, column)}
        if name == "intervals" and {"patient", "end_day"} <= set(sheets[name].read):
            read = sheets[name].read
            ends = read["end_day"].groupby(read["patient"]).max()
    return sheets, found


def sentinel(sheet: Sheet, column: str, codes: pd.Series) -> pd.DataFrame:
    shown = problems.shown(column).replace("{", "{{").replace("}", "}}")
    message = f"{shown} {{value}} reads as a code for a missing value"
    cure = "give the value, or leave the cell empty (the row out) where it is unknown"
    return sheet.listing("sentinel", codes, column, message, cure)


def numeric(sheet: Sheet) -> list[str]:
    """The numeric columns of a sheet, covariates among them; limited ones are text until `samples` reads them."""
    return [name for name in sheet.read if pd.api.types.is_float_dtype(sheet.read[name])]


def days_of(table: contract.Table) -> set[str]:
    """The columns of days of a table; a covariate may be named day without being one."""
    return {column.name for column in table.raw if column.unit == contract.DAYS}


def before_day_0(sheet: Sheet, column: str) -> bool:
    """Whether the contract allows days before day 0 in this column."""
    return sheet.table.column(column).check is None


def longest_day(sheets: dict[str, Sheet]) -> float:
    """The largest day of the study that is no code; NaN when there is none."""
    days = [sheet.read[name] for sheet in sheets.values() for name in days_of(sheet.table) & set(sheet.read)]
    pool = pd.concat(days) if days else pd.Series(dtype=float)
    return pool[~pool.isin(CODES) & (pool.abs() <= contract.LONGEST)].max()


def among_days(values: pd.Series, longest: float, baseline: bool) -> pd.Series:
    """Which days are codes: shape of `values`; `longest` is the largest other day of the whole study."""
    others = values[~values.isin(CODES)]
    least = others.min() if baseline else 0.0
    beyond = values.isin(NINES) & (values / BEYOND > longest)
    return beyond | values.isin(POWERS) | far_below(values, least) | stands_out(values)


def among_values(values: pd.Series, rounded: bool = True) -> pd.Series:
    """Which values are codes; `rounded`: powers of ten may be (never for doses of cells, which are such numbers)."""
    others = values[~values.isin(CODES)]
    largest = others.max() if len(others) else -np.inf
    beyond = values.isin(NINES) & (values / BEYOND > largest)  # a product may overflow
    powers = values.isin(POWERS) & (values / ROUND_BEYOND >= largest) & rounded & bool(len(others))
    return beyond | powers | far_below(values, others.min()) | stands_out(values)


def far_below(values: pd.Series, least: float) -> pd.Series:
    least = 0.0 if np.isnan(least) else min(least, 0.0)
    return values.isin(NEGATIVE) & (values / BELOW < least)


def stands_out(values: pd.Series) -> pd.Series:
    """Which values are nines that occur often, and more often than all other values within 10 % together."""
    found = pd.Series(False, index=values.index)
    for code in NINES:
        same = values == code
        near = ((values - code).abs() <= 0.1 * code) & ~same
        if same.sum() >= REPEATED and same.sum() > near.sum():
            found |= same
    return found
