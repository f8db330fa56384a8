"""Measurements of MRD and of tumour burden: the one rule for a value below its limit (LOD), and the checks of both.

A measurement is below its limit when it reads "<lod" or "<" with a number such as "<1e-5", or 0 or nothing at all as
far as `LIMITED` says. Its limit is its own `lod`; where that is empty, the number after "<"; else, for MRD, that of its
assay in `study.yaml`. In the checked form a value below is NaN and its `below` true. Every MRD sample has an LOD;
a measurement of burden needs one only to be below it.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redose import problems
from redose.sentinels import among_values, sentinel
from redose.sheets import CURES, FAULTS, Sheet, numbers

BELOW = re.compile(r"<\s*lod", re.IGNORECASE)
WITH_NUMBER = re.compile(r"<\s*(?=[0-9.])")


@dataclass(frozen=True)
class Limited:
    """How a measured column reads: `name` in words, `empty`: an empty cell lies below, `always`: every row has an LOD
    and 0 lies below it (else 0 is a measured zero where there is none), `fraction`: values and limits in (0, 1]."""

    name: str
    empty: bool
    always: bool
    fraction: bool


LIMITED = {  # by table; the column that is measured has the name of its table
    "mrd": Limited("MRD", empty=True, always=True, fraction=True),
    "burden": Limited("burden", empty=False, always=False, fraction=False),
}


def read(sheet: Sheet, assays: dict[str, dict]) -> tuple[Sheet, list[pd.DataFrame]]:
    """The sheet of a table of `LIMITED` with value, lod and below as in the checked form, and the problems of both.

    assays: `study.yaml`'s, for the LOD of samples without one of their own.
    """
    frame, column = sheet.read, sheet.table.name
    if column not in frame:
        return sheet, []
    kind = LIMITED[column]
    text = frame[column].fillna("").astype(object)
    with_number = text.str.match(WITH_NUMBER).astype(bool)
    word = text.str.fullmatch(BELOW).astype(bool) | ((text == "") & kind.empty)
    value, fault = numbers(text.mask(word, "").str.replace(WITH_NUMBER, "", regex=True))
    limit, value = value.where(with_number), value.mask(with_number)
    codes = among_values(value.where(value != 0))

    own = frame["lod"] if "lod" in frame else pd.Series(np.nan, index=frame.index)
    given = sheet.raw["lod"].str.strip() != "" if "lod" in sheet.raw else pd.Series(False, index=frame.index)
    of_assay = (
        frame["assay"].map({name: assay.get("lod") for name, assay in assays.items()}).astype(float)
        if "assay" in frame
        else pd.Series(np.nan, index=frame.index)
    )
    lod = own.where(given, limit.fillna(of_assay))
    below = word | with_number | ((value == 0) & (kind.always | given))
    source = pd.Series("its own LOD", index=frame.index).mask(~given, "the LOD of its assay in study.yaml,")
    cleared = {column: value.mask(below | codes), "lod": lod, "below": below}
    sheet = Sheet(sheet.table, sheet.file, sheet.raw, frame.assign(**cleared))
    found = [
        *not_read(sheet, fault),
        sentinel(sheet, column, codes),
        mrd_outside(sheet),
        below_own_lod(sheet, source),
        lod_missing(sheet, given | with_number, assays),
        lod_outside(sheet),
        lod_contradiction(sheet, own, limit),
    ]
    return sheet, found


def not_read(sheet: Sheet, fault: pd.Series) -> list[pd.DataFrame]:
    column = sheet.table.name
    cures = CURES | {
        "not_a_number": 'write "<lod" or 0 for a sample below its LOD, and leave the row out where the test failed'
    }
    return [sheet.listing(rule, fault == rule, column, f"{column} {FAULTS[rule]}", cures[rule]) for rule in CURES]


def mrd_outside(sheet: Sheet) -> pd.DataFrame:
    if not LIMITED[sheet.table.name].fraction:
        return problems.no_problems()
    mrd = sheet.read["mrd"]
    above = sheet.listing(
        "mrd_outside", mrd > 1, "mrd", "mrd {value} is above 1", "give a fraction: percent divided by 100"
    )
    negative = sheet.listing(
        "mrd_outside", mrd < 0, "mrd", "mrd {value} is below 0", "give the fraction itself, not its logarithm"
    )
    return problems.joined([above, negative])


def below_own_lod(sheet: Sheet, source: pd.Series) -> pd.DataFrame:
    column = sheet.table.name
    value, lod = sheet.read[column], sheet.read["lod"]
    offends = (value > 0) & (value < lod) & (lod < largest(sheet))
    message = f"{column} {{value}} lies below {{source}} {{limit}}"
    limit = lod[offends].map("{:g}".format)
    return sheet.listing(
        "below_own_lod", offends, column, message, 'give it as "<lod" or correct the LOD', source=source, limit=limit
    )


def largest(sheet: Sheet) -> float:
    """What an LOD must be below: 1 for a fraction."""
    return 1.0 if LIMITED[sheet.table.name].fraction else np.inf


def lod_missing(sheet: Sheet, given: pd.Series, assays: dict[str, dict]) -> pd.DataFrame:
    missing = sheet.read["lod"].isna() & ~given
    if not LIMITED[sheet.table.name].always:
        message, cure = "{value} lies below a limit that is not given", 'fill lod, or write the limit as in "<1"'
        return sheet.listing("lod_missing", missing & sheet.read["below"], sheet.table.name, message, cure)
    if "assay" not in sheet.read:
        return problems.no_problems()
    offends = missing & sheet.read["assay"].isin(list(assays))
    message = "the sample has no LOD, and study.yaml gives none for the assay {assay}"
    return sheet.listing("lod_missing", offends, "lod", message, "fill lod, or give the assay's lod in study.yaml")


def lod_outside(sheet: Sheet) -> pd.DataFrame:
    lod = sheet.read["lod"]
    offends = (lod <= 0) | (lod >= largest(sheet))
    message, cure = "lod {limit} lies outside (0, 1)", "give a fraction: percent divided by 100, no logarithm"
    if not LIMITED[sheet.table.name].fraction:
        message, cure = "lod {limit} is not above 0", "give the limit in the unit of the burden, no logarithm"
    limit = lod[offends].map("{:g}".format)
    return sheet.listing("lod_outside", offends, "lod", message, cure, limit=limit)


def lod_contradiction(sheet: Sheet, own: pd.Series, limit: pd.Series) -> pd.DataFrame:
    offends = own.notna() & limit.notna() & ~np.isclose(own, limit, rtol=1e-6, atol=0.0)
    message, cure = "{value} names another limit than lod {lod}", 'correct one of the two, or write "<lod"'
    column = sheet.table.name
    return sheet.listing("lod_contradiction", offends, column, f"{column} {message}", cure)
