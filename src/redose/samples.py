"""MRD samples: the one rule for a sample below its limit of detection (LOD), and the checks of MRD and LOD.

A sample is below its LOD when `mrd` is 0, empty, "<lod", or "<" with a number such as "<1e-5". The LOD of a sample is
its own `lod`; where that is empty, the number after "<"; else that of its assay in `study.yaml`. In the checked form a
sample below has mrd NaN and below true, and every sample has its LOD.
"""

import re

import numpy as np
import pandas as pd

from redose import problems
from redose.sentinels import among_values, sentinel
from redose.sheets import CURES, FAULTS, Sheet, numbers

BELOW = re.compile(r"<\s*lod", re.IGNORECASE)
WITH_NUMBER = re.compile(r"<\s*(?=[0-9.])")


def read(sheet: Sheet, assays: dict[str, dict]) -> tuple[Sheet, list[pd.DataFrame]]:
    """The sheet of `mrd` with mrd, lod and below as in the checked form, and the problems of MRD and LOD.

    assays: `study.yaml`'s, for the LOD of samples without one of their own.
    """
    frame = sheet.read
    if "mrd" not in frame:
        return sheet, []
    text = frame["mrd"].fillna("").astype(object)
    with_number = text.str.match(WITH_NUMBER).astype(bool)
    word = (text == "") | text.str.fullmatch(BELOW).astype(bool)
    value, fault = numbers(text.mask(word, "").str.replace(WITH_NUMBER, "", regex=True))
    limit, value = value.where(with_number), value.mask(with_number)
    codes = among_values(value.where(value != 0))
    below = word | with_number | (value == 0)
    mrd = value.mask(below | codes)

    own = frame["lod"] if "lod" in frame else pd.Series(np.nan, index=frame.index)
    given = sheet.raw["lod"].str.strip() != "" if "lod" in sheet.raw else pd.Series(False, index=frame.index)
    of_assay = (
        frame["assay"].map({name: assay.get("lod") for name, assay in assays.items()}).astype(float)
        if "assay" in frame
        else pd.Series(np.nan, index=frame.index)
    )
    lod = own.where(given, limit.fillna(of_assay))
    source = pd.Series("its own LOD", index=frame.index).mask(~given, "the LOD of its assay in study.yaml,")
    sheet = Sheet(sheet.table, sheet.file, sheet.raw, frame.assign(mrd=mrd, lod=lod, below=below))
    found = [
        *not_read(sheet, fault),
        sentinel(sheet, "mrd", codes),
        mrd_outside(sheet),
        below_own_lod(sheet, source),
        lod_missing(sheet, given | with_number, assays),
        lod_outside(sheet),
        lod_contradiction(sheet, own, limit),
    ]
    return sheet, found


def not_read(sheet: Sheet, fault: pd.Series) -> list[pd.DataFrame]:
    cures = CURES | {
        "not_a_number": 'write "<lod" or 0 for a sample below its LOD, and leave the row out where the test failed'
    }
    return [sheet.listing(rule, fault == rule, "mrd", f"mrd {FAULTS[rule]}", cures[rule]) for rule in CURES]


def mrd_outside(sheet: Sheet) -> pd.DataFrame:
    mrd = sheet.read["mrd"]
    above = sheet.listing(
        "mrd_outside", mrd > 1, "mrd", "mrd {value} is above 1", "give a fraction: percent divided by 100"
    )
    negative = sheet.listing(
        "mrd_outside", mrd < 0, "mrd", "mrd {value} is below 0", "give the fraction itself, not its logarithm"
    )
    return problems.joined([above, negative])


def below_own_lod(sheet: Sheet, source: pd.Series) -> pd.DataFrame:
    mrd, lod = sheet.read["mrd"], sheet.read["lod"]
    offends = (mrd > 0) & (mrd < lod) & (lod < 1)
    message = "mrd {value} lies below {source} {limit}"
    limit = lod[offends].map("{:g}".format)
    return sheet.listing(
        "below_own_lod", offends, "mrd", message, 'give it as "<lod" or correct the LOD', source=source, limit=limit
    )


def lod_missing(sheet: Sheet, given: pd.Series, assays: dict[str, dict]) -> pd.DataFrame:
    if "assay" not in sheet.read:
        return problems.no_problems()
    offends = sheet.read["lod"].isna() & ~given & sheet.read["assay"].isin(list(assays))
    message = "the sample has no LOD, and study.yaml gives none for the assay {assay}"
    return sheet.listing("lod_missing", offends, "lod", message, "fill lod, or give the assay's lod in study.yaml")


def lod_outside(sheet: Sheet) -> pd.DataFrame:
    lod = sheet.read["lod"]
    message, cure = "lod {limit} lies outside (0, 1)", "give a fraction: percent divided by 100, no logarithm"
    offends = (lod <= 0) | (lod >= 1)
    limit = lod[offends].map("{:g}".format)
    return sheet.listing("lod_outside", offends, "lod", message, cure, limit=limit)


def lod_contradiction(sheet: Sheet, own: pd.Series, limit: pd.Series) -> pd.DataFrame:
    offends = own.notna() & limit.notna() & ~np.isclose(own, limit, rtol=1e-6, atol=0.0)
    message, cure = "mrd {value} names another limit than lod {lod}", 'correct one of the two, or write "<lod"'
    return sheet.listing("lod_contradiction", offends, "mrd", message, cure)
