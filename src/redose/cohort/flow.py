"""Flow of patients: enrolled, infused, sampled, the first intervals, and how each of them ended (CONSORT)."""

import pandas as pd

from redose.cohort.groups import groups
from redose.contract import OUTCOMES

FOLLOWED = 3  # interval numbers told one by one; later ones are pooled
LATER = "later intervals"
NO_FURTHER = "no further interval"  # of intervals that ended in anything but death and the end of follow-up


def flow(tables: dict) -> pd.DataFrame:
    """Columns group, step, outcome, count. Steps "infused" and "MRD sampled", each with its opposite, where the study
    has such a table. Of the steps "interval k" and LATER the outcome is empty (how many started), an outcome, or
    NO_FURTHER."""
    intervals = tables["intervals"].sort_values(["patient", "interval"])
    last = ~intervals.duplicated("patient", keep="last")
    intervals = intervals.assign(over=last & ~intervals["outcome"].isin(("death", "censored")))
    rows = []
    for name, members in groups(tables["patients"]).items():
        rows.append((name, "enrolled", "", len(members)))
        for table, steps in (("infusions", ("infused", "not infused")), ("mrd", ("MRD sampled", "no MRD sample"))):
            if len(tables[table]):
                had = int(members.isin(tables[table]["patient"]).sum())
                rows += [(name, steps[0], "", had), (name, steps[1], "", len(members) - had)]
        rows += [(name, *row) for row in ended(intervals[intervals["patient"].isin(members)])]
    return pd.DataFrame(rows, columns=["group", "step", "outcome", "count"])


def ended(intervals: pd.DataFrame) -> list[tuple]:
    """(step, outcome, count) of the intervals of a group; over: whether no further interval followed a progression,
    transplant or new therapy."""
    rows = []
    for number in range(1, FOLLOWED + 2):
        step = f"interval {number}" if number <= FOLLOWED else LATER
        mine = intervals[intervals["interval"].clip(upper=FOLLOWED + 1) == number]
        if number > 1 and mine.empty:
            continue
        rows.append((step, "", len(mine)))
        rows += [(step, outcome, int((mine["outcome"] == outcome).sum())) for outcome in OUTCOMES]
        rows.append((step, NO_FURTHER, int(mine["over"].sum())))
    return rows
