"""What happened to each patient, as one tidy table: what swimmer plots are drawn from."""

import numpy as np
import pandas as pd

from redose.cohort.groups import grouped_by

SHOWN = 60  # patients of the printed figure: more are not legible on A4
COLUMNS = ["patient", "kind", "start", "end", "label"]


def histories(tables: dict) -> pd.DataFrame:
    """Columns patient, kind, start, end (days), label, by patient, start and kind.

    Spans: kind interval (label: its number), course (agent), acute and chronic (grade of that GVHD). Points (start =
    end): infusion (product), above and below (assay of an MRD sample that found MRD, or lies below its LOD), and the
    outcome of each interval by its name (label: number of the interval). GVHD without an end lasts to the end of
    follow-up.
    """
    intervals, gvhd, courses = tables["intervals"], tables["gvhd"], tables["courses"]
    number = intervals["interval"].astype(int).astype(str)
    last = intervals.groupby("patient")["end_day"].max()
    until = gvhd["end_day"].fillna(gvhd["patient"].map(last)).fillna(gvhd["onset_day"])
    below = tables["mrd"]["below"].astype(bool)
    parts = [
        span(intervals, "interval", intervals["start_day"], intervals["end_day"], number),
        span(courses, "course", courses["start_day"], courses["stop_day"], courses["agent"]),
        span(gvhd, gvhd["kind"], gvhd["onset_day"], until, gvhd["grade"]),
        point(tables["infusions"], "infusion", "product"),
        point(tables["mrd"][~below], "above", "assay"),
        point(tables["mrd"][below], "below", "assay"),
        span(intervals, intervals["outcome"], intervals["end_day"], intervals["end_day"], number),
    ]
    table = pd.concat([p for p in parts if len(p)], ignore_index=True)
    return table.sort_values(["patient", "start", "kind", "label"], kind="stable", ignore_index=True)


def span(table: pd.DataFrame, kind, start: pd.Series, end: pd.Series, label: pd.Series) -> pd.DataFrame:
    """Rows from `start` to `end`; kind: one for all, or a column."""
    found = {"patient": table["patient"], "kind": kind, "start": start, "end": end, "label": label}
    return pd.DataFrame(found, columns=COLUMNS)


def point(table: pd.DataFrame, kind: str, label: str) -> pd.DataFrame:
    """Rows of one day each."""
    return span(table, kind, table["day"], table["day"], table[label])


def ordered(table: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Patients with a history in the order of a swimmer plot: columns patient, group, followed (last day of an
    interval); by group, the longest followed first. table: from `histories`."""
    ends = table[table["kind"] == "interval"].groupby("patient")["end"].max()
    found = pd.DataFrame({"patient": patients["patient"], "group": patients[grouped_by(patients)].astype(str)})
    found = found.assign(followed=found["patient"].map(ends))[found["patient"].isin(ends.index).to_numpy()]
    return found.sort_values(["group", "followed", "patient"], ascending=[True, False, True], ignore_index=True)


def chosen(order: pd.DataFrame, most: int = SHOWN) -> pd.DataFrame:
    """At most `most` of the ordered patients, evenly spaced in their order: groups keep their shares, and long and
    short follow-up are both there. No chance is involved."""
    places = np.unique(np.linspace(0, len(order) - 1, most).round().astype(int)) if len(order) > most else order.index
    return order.loc[places].reset_index(drop=True)
