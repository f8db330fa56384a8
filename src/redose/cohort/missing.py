"""What the tables do not hold, and what becomes of it: nothing is imputed."""

import pandas as pd

from redose import contract, estimand
from redose.samples import LIMITED

TREATED = {  # (table, column) -> what an empty cell means to the models
    ("patients", "enrolled_day"): "no data cut by calendar day: nothing else needs it",
    ("infusions", "lot"): "lot unknown: such an infusion has the mean kill of its product",
    (
        "mrd",
        "mrd",
    ): "below its LOD: censored there in the likelihood of the samples, or missed by a detection curve",
    ("burden", "burden"): "below its limit: as a marker censored there, as a covariate taken as the limit",
    ("burden", "lod"): "no limit: the value is taken as measured",
    ("intervals", "entry_day"): "at risk from start_day on",
    ("intervals", "last_free_day"): "progression is taken to be on end_day, a censored patient to be free until then",
    ("gvhd", "grade"): "counts as an episode, in no class of grades",
    ("gvhd", "end_day"): "lasts until the end of follow-up",
    ("conditions", "end_day"): "lasts until the end of follow-up",
}
COVARIATE = "not imputed: a model that uses it stops and names the patients"
ROWS = "whole rows"
OUTSIDE = "after an interval and before the next, or without one: no sample of the joint models"
CARRIED = OUTSIDE + "; a covariate `burden` carries every value forward"
AFTER = "after an outcome that ends follow-up under the estimand: left out of all models"


def missing(tables: dict, words: dict) -> pd.DataFrame:
    """Columns table, column, rows, missing, treatment: a row per column of every table that has rows, then the rows of
    mrd, burden and intervals that no model reads (column ROWS). words: the estimand, outcome -> word."""
    found = [row for name, table in tables.items() if len(table) for row in of_table(name, table)]
    for name in LIMITED:
        if len(tables[name]):
            out = int(outside(tables[name], tables["intervals"]).sum())
            found.append((name, ROWS, len(tables[name]), out, CARRIED if name == "burden" else OUTSIDE))
    left_out = int(estimand.beyond(tables["intervals"], words).sum())
    found.append(("intervals", ROWS, len(tables["intervals"]), left_out, AFTER))
    return pd.DataFrame(found, columns=["table", "column", "rows", "missing", "treatment"])


def of_table(name: str, table: pd.DataFrame) -> list[tuple]:
    """A row per column that may be empty; of a measured column those below their limit, which have no value."""
    known = {c.name: c for c in contract.TABLES[name].columns}
    rows = []
    for column in table.columns:
        of = known.get(column)
        if of is not None and (of.derived or (column in contract.TABLES[name].key and not of.empty)):
            continue
        empty = int((table[column].isna() | (table[column] == "")).sum())
        treatment = TREATED.get((name, column), COVARIATE if of is None else "never empty")
        rows.append((name, column, len(table), empty, treatment))
    return rows


def outside(samples: pd.DataFrame, intervals: pd.DataFrame) -> pd.Series:
    """True for samples of no interval: later than the end of the last one begun, and of patients without any. A sample
    before the first interval belongs to it."""
    spans = pd.DataFrame({"patient": intervals["patient"], "end": intervals["end_day"]})
    spans["start"] = intervals["entry_day"].fillna(intervals["start_day"])
    order = samples[["patient", "day"]].sort_values("day", kind="stable")
    at = {"left_on": "day", "right_on": "start", "by": "patient"}
    begun = pd.merge_asof(order, spans.sort_values("start", kind="stable"), **at).set_axis(order.index)
    late = (begun["day"] > begun["end"]) | ~begun["patient"].isin(spans["patient"])
    return late.reindex(samples.index)
