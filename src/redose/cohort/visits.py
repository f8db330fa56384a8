"""When the marker was measured: days between samples, samples of those still followed, shares below the limit.

The marker is MRD; of a study without MRD, the tumour burden. The planned schedule of tests is not part of the data, so
that adherence to it cannot be told.
"""

import numpy as np
import pandas as pd

BINS = 40  # of the days between samples, at most
WEEK = 7.0
WINDOW = 56.0  # days; a multiple of it where follow-up is long
WINDOWS = 24  # at most
PER = 28.0  # days in which samples are counted
COLUMNS = ["measure", "assay", "day", "width", "value", "number"]


def marker(tables: dict) -> tuple[str, pd.DataFrame]:
    """(name, table) of what was measured, with columns patient, day, assay, lod, below: mrd, else burden."""
    name = "mrd" if len(tables["mrd"]) else "burden"
    table = tables[name]
    return name, table if "assay" in table else table.assign(assay=name)


def gaps(table: pd.DataFrame) -> pd.Series:
    """Days between one day of samples and the next of the same patient, over all its assays."""
    days = table[["patient", "day"]].drop_duplicates().sort_values(["patient", "day"], kind="stable")
    return days.groupby("patient")["day"].diff().dropna()


def followed(intervals: pd.DataFrame) -> pd.DataFrame:
    """First and last day of each patient: columns start, end; index patient."""
    entry = intervals["entry_day"].fillna(intervals["start_day"])
    days = intervals.assign(start=entry, end=intervals["end_day"]).groupby("patient")
    return days.agg(start=("start", "min"), end=("end", "max"))


def assays(tables: dict) -> pd.DataFrame:
    """A row per assay: samples, patients, below (count and share below the limit), lowest and highest limit, samples
    per sampled patient (median), and days between a patient's samples by it (median, quartiles, longest)."""
    _, table = marker(tables)
    rows = []
    for assay, mine in table.groupby("assay", sort=True):
        below = mine["below"].astype(bool)
        row = {"assay": assay, "samples": len(mine), "patients": mine["patient"].nunique(), "below": int(below.sum())}
        row |= {"share_below": below.mean(), "lod_low": mine["lod"].min(), "lod_high": mine["lod"].max()}
        row["per_patient"] = mine.groupby("patient").size().median()
        between = gaps(mine)
        names = {"gap": 0.5, "gap_q1": 0.25, "gap_q3": 0.75, "gap_longest": 1.0}
        rows.append(row | {n: between.quantile(q) if len(between) else np.nan for n, q in names.items()})
    columns = ["assay", "samples", "patients", "below", "share_below", "lod_low", "lod_high", "per_patient"]
    return pd.DataFrame(rows, columns=[*columns, "gap", "gap_q1", "gap_q3", "gap_longest"])


def sampling(tables: dict) -> pd.DataFrame:
    """Columns measure, assay, day (start of a bin), width, value, number. Measures: gap (value: how many, number: of
    how many), rate (days with samples per patient and 28 days of follow-up; number: patients followed in the window),
    below (share below the limit by assay; number: samples)."""
    _, table = marker(tables)
    if table.empty:
        return pd.DataFrame(columns=COLUMNS)
    rows = [*of_gaps(gaps(table)), *of_rates(table, tables["intervals"]), *of_below(table)]
    return pd.DataFrame(rows, columns=COLUMNS)


def of_gaps(between: pd.Series) -> list[tuple]:
    """Histogram of the days between samples, in bins of whole weeks; the last one holds all that are longer."""
    if between.empty:
        return []
    width = WEEK * max(1.0, np.ceil(between.quantile(0.99) / WEEK / BINS))
    place = np.minimum(np.floor(between / width), BINS - 1).astype(int)
    counts = np.bincount(place)
    return [("gap", "", k * width, width, float(n), len(between)) for k, n in enumerate(counts)]


def window(longest: float) -> float:
    """Width of a window of days."""
    return WINDOW * max(1.0, np.ceil(longest / WINDOW / WINDOWS))


def of_rates(table: pd.DataFrame, intervals: pd.DataFrame) -> list[tuple]:
    """Sampling by window of days since day 0, among the patients followed in it."""
    spans = followed(intervals)
    if spans.empty:
        return []
    width = window(spans["end"].max())
    days = table[["patient", "day"]].drop_duplicates()
    first, last = (days["patient"].map(spans[c]) for c in ("start", "end"))
    inside = days["day"][((days["day"] >= first) & (days["day"] <= last)).to_numpy()]
    rows = []
    for k in range(int(np.ceil(spans["end"].max() / width))):
        at = k * width
        exposed = (spans["end"].clip(upper=at + width) - spans["start"].clip(lower=at)).clip(lower=0.0)
        taken = int(((inside >= at) & (inside < at + width)).sum())
        if exposed.sum() > 0:
            rows.append(("rate", "", at, width, PER * taken / exposed.sum(), int((exposed > 0).sum())))
    return rows


def of_below(table: pd.DataFrame) -> list[tuple]:
    """Share below the limit by assay and window of days; samples before day 0 have windows of their own."""
    width = window(table["day"].max())
    place = np.floor(table["day"] / width).astype(int)
    rows = []
    for (assay, k), mine in table.groupby(["assay", place], sort=True):
        rows.append(("below", assay, k * width, width, float(mine["below"].astype(bool).mean()), len(mine)))
    return rows
