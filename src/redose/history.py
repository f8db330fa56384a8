"""What was known of the patients of a study on a day, and what was planned from then on.

On a landmark day (van Houwelingen 2007) the patients at risk are those in an interval that has begun and in which
nothing has happened yet; a progression that lies between two assessments happens in the middle between them, as in the
design. Their history is what the tables hold up to that day: of what goes on then (GVHD, a condition, a course) the end
is not known yet. What happens after it is judged by one definition for every model and metric: `outcomes`.
"""

import numpy as np
import pandas as pd

from redose import design

OVERDUE = 14.0  # days by which an infusion may be late and is still given
DATED = {"mrd": "day", "burden": "day", "infusions": "day"}
LASTING = {
    "gvhd": ("onset_day", "end_day"),
    "conditions": ("onset_day", "end_day"),
    "courses": ("start_day", "stop_day"),
}


def spans(intervals: pd.DataFrame, options: dict) -> pd.DataFrame:
    """The intervals that the estimand counts, by calendar day: patient, interval, entry, end, event ("none" or a
    cause). options: the model's, of which the estimand matters."""
    keys = pd.Index(intervals["patient"].unique())
    clock = design.clocked(intervals, keys, options | {"clock": "total"})
    return pd.DataFrame(
        {
            "patient": keys[clock["patient"]],
            "interval": clock["number"],
            "entry": clock["entry"] + clock["origin"],
            "end": clock["time"] + clock["origin"],
            "event": clock["event"],
        }
    )


def at_risk(intervals: pd.DataFrame, options: dict, day: float) -> pd.DataFrame:
    """The spans in which a patient is at risk on that day: entered by then, and nothing has happened."""
    found = spans(intervals, options)
    return found[(found["entry"] <= day) & (day < found["end"])].reset_index(drop=True)


def outcomes(intervals: pd.DataFrame, options: dict, day: float) -> pd.DataFrame:
    """One row per patient at risk on that day: patient, time (days from then to the end of its interval, above 0) and
    event (what it was, or "none")."""
    found = at_risk(intervals, options, day)
    return found.assign(time=found["end"] - day)[["patient", "time", "event"]]


def today(tables: dict) -> dict:
    """The tables as they stand at the end of each patient's follow-up, which is its today: free of progression until
    then where nothing has happened, and a course that was on at the end goes on (the contract gives it the end of
    follow-up as its last day); one that ends later is planned."""
    rows, courses = tables["intervals"], tables["courses"]
    now = ~rows["patient"].duplicated(keep="last") & (rows["outcome"] == "censored")
    end = courses["patient"].map(rows.groupby("patient")["end_day"].max())
    ends = courses["stop_day"].astype(float).mask(courses["stop_day"] == end, np.inf)
    return tables | {
        "intervals": rows.assign(last_free_day=rows["last_free_day"].mask(now)),
        "courses": courses.assign(stop_day=ends),
    }


def until(tables: dict, options: dict, day: float) -> dict:
    """The tables of the patients at risk on that day as they stood then. options: as in `spans`."""
    risk = at_risk(tables["intervals"], options, day)
    found = {n: t[t["patient"].isin(risk["patient"])].reset_index(drop=True) for n, t in tables.items()}
    for name, column in DATED.items():
        found[name] = found[name][found[name][column] <= day].reset_index(drop=True)
    for name, (first, last) in LASTING.items():
        rows = found[name][found[name][first] <= day]
        goes_on = np.inf if name == "courses" else np.nan  # an empty end of a course is not in the contract
        found[name] = rows.assign(**{last: rows[last].where(~(rows[last] > day), goes_on)}).reset_index(drop=True)
    rows = found["intervals"][found["intervals"]["start_day"] <= day]
    now = ~rows["patient"].duplicated(keep="last")
    rows = rows.assign(
        outcome=rows["outcome"].mask(now, "censored"),
        end_day=rows["end_day"].mask(now, day),
        last_free_day=rows["last_free_day"].mask(now),
    )
    return found | {"intervals": rows.reset_index(drop=True)}


def with_plan(tables: dict, planned: dict, day: float, last: float) -> dict:
    """The tables with what was planned on `day` for the days up to `last`: infusions of patients whose schedule
    `planned` names, as many days apart, with cells and product of their last one and a lot not known yet; courses that
    are on, of agents that it names under `courses`, end when they have lasted as many days.

    An infusion that has been due for at most OVERDUE days is given on the next day."""
    lasting = planned.get("courses", {})
    courses = tables["courses"]
    ends = np.maximum(courses["start_day"].astype(float) + courses["agent"].map(lasting).astype(float), day)
    stops = courses["stop_day"].astype(float)
    ends = stops.mask(np.isinf(stops) & ends.notna(), ends)
    tables = tables | {"courses": courses.assign(stop_day=ends)}
    given = tables["infusions"].drop_duplicates("patient", keep="last").set_index("patient")
    schedule = tables["patients"].set_index("patient")["schedule"].map(planned)
    due = [due_days(p, given["day"][p], apart, day, last) for p, apart in schedule.dropna().items() if p in given.index]
    due = [x for x in due if len(x)]
    if not due:
        return tables
    rows = pd.concat(due, ignore_index=True).join(given[["cells", "product"]], on="patient").assign(lot="")
    infusions = pd.concat([tables["infusions"], rows[list(tables["infusions"].columns)]], ignore_index=True)
    return tables | {"infusions": infusions.sort_values(["patient", "day"], kind="stable", ignore_index=True)}


def due_days(patient: str, before: float, apart: float, day: float, last: float) -> pd.DataFrame:
    """Days on which a patient's infusions are due after `day`, the last one being given on day `before`."""
    days = np.arange(before + apart, last + 1e-9, apart)
    late = days[(days <= day) & (days >= day - OVERDUE)]
    days = np.concatenate([np.full(len(late[-1:]), day + 1), days[days > day]])
    return pd.DataFrame({"patient": patient, "day": days})
