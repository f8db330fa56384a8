"""What a data report says of the datasets: endpoints beside ADTTE, distributions, adherence to the schedule, limits."""

import numpy as np
import pandas as pd

from redose.adam import cells
from redose.adam.datasets import Library
from redose.adam.population import Population, dated
from redose.problems import StudyError

ENDPOINTS = ["endpoint", "patients", "events_adtte", "patients_kept", "events_kept", "events_derived", "dates_equal"]
QUANTILES = {"low": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "high": 1.0}
ADHERENCE = ["table", "dataset", "visit", "target_day", "patients", "samples", "first_day", "median_day", "last_day"]


def endpoints(library: Library, people: Population, intervals: pd.DataFrame) -> pd.DataFrame:
    """Events of PFS and OS by ADTTE itself, of the patients kept, and as the study's tables have them.

    A row per endpoint: subjects and events (CNSR 0) in ADTTE; those of patients kept; events of these that the tables
    have (PFS: interval 1 ends with progression or death; OS: a death by ADSL), and patients whose date is the same.
    intervals: with days as numbers, before any was lengthened. Empty without ADTTE.
    """
    if not library.has("ADTTE"):
        return pd.DataFrame(columns=ENDPOINTS)
    rules, data = library.rules["intervals"], library.dataset("ADTTE")
    frame = data.frame.assign(patient=data.frame[library.rules["subject"]])
    frame = frame.assign(event=cells.values(data.get("CNSR")) == 0, end=dated(frame, "ADT", people))
    first = intervals[intervals["interval"] == 1].set_index("patient")
    progressed = first["outcome"].isin(["progression", "death"])
    death = people.dates["death"] - people.dates["day_0"]
    seen = people.dates["last_seen"] - people.dates["day_0"]
    rows = []
    derived = {"pfs": (progressed, first["end_day"]), "os": (death.notna(), death.fillna(seen))}
    for key, (event, day) in derived.items():
        theirs = frame[data.get("PARAMCD").str.upper() == rules[key].upper()]
        if theirs.empty:
            continue
        kept = theirs[theirs["patient"].isin(event.index)].set_index("patient")
        own = event.reindex(kept.index)
        same = int((day.reindex(kept.index) == kept["end"]).sum())
        counted = [theirs["patient"].nunique(), int(theirs["event"].sum()), len(kept), int(kept["event"].sum())]
        rows.append((rules[key], *counted, int(own.sum()), same))
    return pd.DataFrame(rows, columns=ENDPOINTS)


def distributions(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row per measured column: rows, patients, rows below a limit, and quantiles of the others, in its unit."""
    rows = []
    for table, column, by in (("mrd", "mrd", "assay"), ("burden", "burden", ""), ("infusions", "cells", "product")):
        frame = tables.get(table, pd.DataFrame())
        if frame.empty:
            continue
        for name, part in frame.groupby(by) if by else [("", frame)]:
            value = cells.values(part[column])
            shares = [float(value.quantile(share)) if value.notna().any() else np.nan for share in QUANTILES.values()]
            below = int(part[column].str.startswith("<").sum())
            rows.append((table, column, name, len(part), part["patient"].nunique(), below, *shares))
    return pd.DataFrame(rows, columns=["table", "column", "group", "rows", "patients", "below", *QUANTILES])


def limits(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row per assay and limit of detection: samples with it, and how many of them lie below it."""
    columns = ["assay", "lod", "samples", "below"]
    frame = tables.get("mrd", pd.DataFrame())
    if frame.empty:
        return pd.DataFrame(columns=columns)
    told = frame["mrd"].str.removeprefix("<").where(frame["mrd"].str.match("<[0-9.]"), "")
    frame = frame.assign(lod=frame["lod"].where(frame["lod"] != "", told), below=frame["mrd"].str.startswith("<"))
    grouped = frame.groupby(["assay", frame["lod"].map(lambda text: float(text or "nan"))], dropna=False)
    return grouped.agg(samples=("below", "size"), below=("below", "sum")).reset_index()[columns]


def adherence(library: Library, people: Population) -> pd.DataFrame:
    """A row per planned visit of MRD and burden (AVISIT): its target day (AWTARGET) where given, how many of the
    patients kept were sampled, and on which days."""
    rows = []
    for table in ("mrd", "burden"):
        for place, choice in enumerate(library.rules[table], start=1):
            data = library.selected(choice, f"{table}.{place}")
            subject, blank = data.frame[library.rules["subject"]], pd.Series("", index=data.frame.index, dtype=object)
            frame = pd.DataFrame({"patient": subject, "visit": data.frame.get("AVISIT", blank)})
            frame["day"] = dated(data.frame.assign(patient=subject), choice.get("day", "ADT"), people)
            frame["target"] = cells.values(data.frame.get("AWTARGET", blank))
            measured = data.frame.get("DTYPE", blank) == ""
            for visit, part in frame[measured & frame["day"].notna()].groupby("visit"):
                known = part["target"].dropna()
                target = float(known.median()) if len(known) else np.nan
                counted = (target, part["patient"].nunique(), len(part))
                days = (part["day"].min(), part["day"].median(), part["day"].max())
                rows.append((table, data.name, visit or "no visit", *counted, *days))
    frame = pd.DataFrame(rows, columns=ADHERENCE)
    return frame.sort_values(["table", "dataset", "median_day", "visit"], kind="stable", ignore_index=True)


def refuse_empty(people: Population, study: str) -> None:
    """Raises StudyError where no patient is left."""
    if people.patients.empty:
        reasons = "; ".join(people.left_out["reason"].value_counts().index[:3])
        message = f"study {study}: no patient is left ({reasons}); correct population, day_0 or intervals in adam.yaml."
        raise StudyError(message)
