"""ADRS or ADTTE -> the table intervals.

From ADRS: interval 1 starts on day 0. It ends with the first of a progression (an assessment after its start), death,
transplant and new therapy; on one day in this order. `last_free_day` is the last assessment free of progression after
its start and before a progression (up to another outcome). Without any of these it is censored on the last such
assessment, or when the patient was last seen. After a progression the next interval starts with the first retreatment,
on that day or later; after a transplant or a new therapy on the same day, where the mapping's `follow_on` says so and
something is known of later days. From ADTTE: one interval a patient, from day 0 to ADT of PFS.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redose.adam import cells
from redose.adam.datasets import Dataset, Library
from redose.adam.faults import Faults
from redose.adam.population import Population, dated, known
from redose.adam.record import ALTERED, DROPPED, NOTED, Record
from redose.problems import shown

COLUMNS = ["patient", "interval", "start_day", "last_free_day", "end_day", "outcome"]
HALF_DAY = 0.5
DIED = "DEATH"  # in EVNTDESC


@dataclass(frozen=True)
class Course:
    """What is known of one patient: sorted days. `death` and `seen` are NaN where they are not known."""

    progressed: list[float]
    free: list[float]
    death: float
    transplant: list[float]
    new_therapy: list[float]
    treated: list[float]
    seen: float


@dataclass(frozen=True)
class Interval:
    """One interval; `free` is NaN where no assessment without progression lies in it."""

    start: float
    free: float
    end: float
    outcome: str


def of_course(course: Course, rules: dict) -> list[Interval]:
    """The intervals of one patient, in order of time; `rules` is the mapping's `intervals`."""
    found, start = [], 0.0
    while True:
        end, outcome = outcome_after(course, start)
        if outcome == "censored":
            end = max([start, *course.free[-1:]])
            if rules["censored_at"] == "last_seen" and not np.isnan(course.seen):
                end = max(end, course.seen)
        found.append(Interval(start, free_day(course, start, end, outcome), end, outcome))
        following = next_start(course, end, outcome, rules)
        if following is None:
            return found
        start = following


def outcome_after(course: Course, start: float) -> tuple[float, str]:
    """(day, outcome) of what ends an interval that starts on that day; (NaN, "censored") where nothing does.

    A death may fall on the day of the start. A progression, transplant or new therapy of that day belongs to the start.
    """
    ends = [
        (first_after(course.progressed, start), 0, "progression"),
        (course.death if course.death >= start else np.nan, 1, "death"),
        (first_after(course.transplant, start), 2, "transplant"),
        (first_after(course.new_therapy, start), 3, "new_therapy"),
    ]
    day, _, outcome = min((end for end in ends if not np.isnan(end[0])), default=(np.nan, 4, "censored"))
    return day, outcome


def first_after(days: list[float], day: float) -> float:
    """The first of sorted days after `day`; NaN for none."""
    place = bisect_right(days, day)
    return days[place] if place < len(days) else np.nan


def free_day(course: Course, start: float, end: float, outcome: str) -> float:
    """The last assessment free of progression after `start`: before a progression, up to any other end."""
    place = bisect_left(course.free, end) if outcome == "progression" else bisect_right(course.free, end)
    return course.free[place - 1] if place and course.free[place - 1] > start else np.nan


def next_start(course: Course, end: float, outcome: str, rules: dict) -> float | None:
    """The day on which a next interval starts; None where follow-up for progression is over."""
    if outcome == "progression":
        place = bisect_left(course.treated, end)
        treated = course.treated[place] if place < len(course.treated) else np.nan
        gone = course.death if not np.isnan(course.death) else np.inf
        return treated if treated < gone else None
    if outcome not in rules["follow_on"]:
        return None
    days = [*course.progressed[-1:], *course.free[-1:], *course.transplant[-1:], *course.new_therapy[-1:], course.death]
    days += [course.seen] if rules["censored_at"] == "last_seen" else []
    return end if any(day > end for day in days) else None


def from_assessments(
    library: Library, people: Population, dates: dict[str, dict[str, list[float]]], record: Record, faults: Faults
) -> pd.DataFrame:
    """The table intervals of all patients, from ADRS. dates: patient -> days, by transplant, new_therapy, treated."""
    assessed = assessments(library, people, record, faults)
    faults.stop()
    death = people.dates["death"] - people.dates["day_0"]
    seen = people.dates["last_seen"] - people.dates["day_0"]
    rows = []
    for patient in people.patients["patient"]:
        progressed, free = assessed.get(patient, ([], []))
        own = {name: days.get(patient, []) for name, days in dates.items()}
        course = Course(progressed, free, death[patient], seen=seen[patient], **own)
        for number, interval in enumerate(of_course(course, library.rules["intervals"]), start=1):
            rows.append((patient, number, interval.start, interval.free, interval.end, interval.outcome))
    return pd.DataFrame(rows, columns=COLUMNS)


def assessments(
    library: Library, people: Population, record: Record, faults: Faults
) -> dict[str, tuple[list[float], list[float]]]:
    """Patient -> (days of progressions, days free of progression), sorted."""
    rules = library.rules["intervals"]
    data = library.selected({"dataset": "ADRS", "where": rules["where"], "except": rules["except"]}, "intervals")
    for key in ("day", "response"):
        library.require("ADRS", rules[key], f"intervals.{key}")
    frame = known(data, people, "intervals", library.rules["subject"], record)
    frame = frame.assign(response=frame[rules["response"]].str.upper(), day=dated(frame, rules["day"], people))
    refuse_unknown(frame, rules, data, faults)
    silent = frame["response"].isin([text.upper() for text in rules["not_evaluable"]])
    record.each(data.name, frame[silent], "intervals", DROPPED, "not evaluable", "response")
    frame = frame[~silent]
    undated = frame["day"].isna()
    record.each(data.name, frame[undated], "intervals", DROPPED, f"{rules['day']} is no whole date", rules["day"])
    frame = frame[~undated]
    early = frame["day"] < 0
    record.each(data.name, frame[early], "intervals", DROPPED, "before day 0", rules["day"])
    frame = frame[~early]
    record.count("intervals", data.name, "assessments used", len(frame), frame["patient"].nunique())
    progressed = frame["response"].isin([text.upper() for text in rules["progression"]])
    days = {True: frame[progressed].groupby("patient")["day"], False: frame[~progressed].groupby("patient")["day"]}
    sorted_days = {which: {p: sorted(set(own)) for p, own in groups} for which, groups in days.items()}
    both = frame[~progressed].merge(frame[progressed][["patient", "day"]].drop_duplicates(), on=["patient", "day"])
    for line in both.itertuples():
        record.note(
            data.name,
            line.patient,
            "intervals",
            DROPPED,
            "free of progression on the day of a progression",
            f"{line.day:g}",
        )
    patients = set(sorted_days[True]) | set(sorted_days[False])
    return {
        p: (sorted_days[True].get(p, []), without(sorted_days[False].get(p, []), sorted_days[True].get(p, [])))
        for p in patients
    }


def without(days: list[float], others: list[float]) -> list[float]:
    return [day for day in days if day not in set(others)] if others else days


def refuse_unknown(frame: pd.DataFrame, rules: dict, data: Dataset, faults: Faults) -> None:
    """A fault for each response that the mapping does not know, at its first record."""
    texts = {text.upper() for key in ("progression", "free", "not_evaluable") for text in rules[key]}
    strange = frame[~frame["response"].isin(texts)].drop_duplicates("response")
    for number, line in strange.iterrows():
        said = shown(line["response"])
        cure = f"list {said} in adam.yaml under intervals: progression, free or not_evaluable"
        faults.add("adam_response", data.file, f"the response {said} is none that adam.yaml knows", cure,
                   row=data.row(number), patient=line["patient"], value=said, column=rules["response"])  # fmt: skip


def from_times(library: Library, people: Population, record: Record, faults: Faults) -> pd.DataFrame:
    """The table intervals, one a patient, from PFS of ADTTE.

    CNSR 0 is a death where EVNTDESC says so, or where the date is that of death and EVNTDESC is empty; else a
    progression. A reason of censoring is an outcome where `cnsr` says so.
    """
    rules = library.rules["intervals"]
    frame = endpoint(library, rules["pfs"], people, record, faults)
    faults.stop()
    death = people.days(frame["patient"], frame["patient"].map(people.dates["death"]))
    said = frame["EVNTDESC"].str.upper() if "EVNTDESC" in frame else pd.Series("", index=frame.index)
    died = said.str.contains(DIED) | ((said == "") & (death == frame["end"]))
    outcome = frame["cnsr"].map(rules["cnsr"]).fillna("censored")
    outcome = outcome.mask(frame["cnsr"] == 0, died.map({True: "death", False: "progression"}))
    made = {"patient": frame["patient"], "interval": 1, "start_day": 0.0, "last_free_day": np.nan}
    made = pd.DataFrame(made | {"end_day": frame["end"], "outcome": outcome})
    return made.sort_values("patient", ignore_index=True)[COLUMNS]


def endpoint(library: Library, parameter: str, people: Population, record: Record, faults: Faults) -> pd.DataFrame:
    """The records of a parameter of ADTTE, one of each patient kept, with `cnsr` and `end` (days since day 0)."""
    data = library.selected({"dataset": "ADTTE", "where": {"PARAMCD": [parameter]}, "except": {}}, "intervals.pfs, os")
    for variable in ("CNSR", "ADT"):
        library.require("ADTTE", variable, "intervals.from")
    refuse_censoring(data, library.rules["subject"], parameter, faults)
    frame = known(data, people, parameter, library.rules["subject"], record)
    frame = frame.assign(cnsr=cells.values(frame["CNSR"]), end=dated(frame, "ADT", people))
    undated = frame["end"].isna()
    record.each(data.name, frame[undated], parameter, DROPPED, "ADT is no whole date", "ADT")
    return frame[~undated]


def refuse_censoring(data: Dataset, subject: str, parameter: str, faults: Faults) -> None:
    """Faults: CNSR that is no whole number of at least 0, and a second record of a subject."""
    cnsr = cells.values(data.frame["CNSR"])
    wrong = cnsr.isna() | (cnsr < 0) | (cnsr % 1 != 0)
    for number in cnsr.index[wrong]:
        given = shown(data.frame["CNSR"][number] or "empty")
        faults.add("adam_censoring", data.file, f"CNSR of {parameter} is {given}",
                   "give 0 for an event, and a positive whole number for each reason of censoring",
                   row=data.row(number), patient=data.frame[subject][number], value=given, column="CNSR")  # fmt: skip
    again = data.frame[subject].duplicated()
    for number in again.index[again]:
        faults.add("adam_censoring", data.file, f"{parameter} has a second record of the subject", "keep one",
                   row=data.row(number), patient=data.frame[subject][number])  # fmt: skip


def finished(
    frame: pd.DataFrame, people: Population, source: str, rules: dict, record: Record
) -> tuple[pd.DataFrame, Population]:
    """The table as text, with intervals that end as they start lengthened or left out, and the population that has any.

    Follow-up of a patient ends with an interval that is left out.
    """
    short = frame["end_day"] <= frame["start_day"]
    backwards = frame[frame["end_day"] < frame["start_day"]]
    for line in backwards.itertuples():
        record.note(source, line.patient, "intervals", DROPPED, "ends before day 0", f"{line.end_day:g}")
    half = short & ~frame.index.isin(backwards.index)
    if rules["zero_length"] == "half_day":
        for line in frame[half].itertuples():
            why = "ends on the day it starts: given half a day"
            record.note(source, line.patient, "intervals", ALTERED, why, f"interval {line.interval}, {line.outcome}")
        frame = frame.assign(end_day=frame["end_day"].mask(half, frame["start_day"] + HALF_DAY))
        gone = frame.index.isin(backwards.index)
    else:
        for line in frame[half].itertuples():
            why = "ends on the day it starts"
            record.note(source, line.patient, "intervals", DROPPED, why, f"interval {line.interval}, {line.outcome}")
        gone = short
    frame = frame[~gone]
    none = sorted(set(people.patients["patient"]) - set(frame["patient"]))
    people = people.without(dict.fromkeys(none, f"no follow-up for progression in {source}"))
    record.count("intervals", source, "rows of the table", len(frame), frame["patient"].nunique())
    made = frame.assign(**{name: cells.of_numbers(frame[name]) for name in ("start_day", "last_free_day", "end_day")})
    made["interval"] = made["interval"].astype(int)
    return made[COLUMNS].reset_index(drop=True), people


def compared(frame: pd.DataFrame, library: Library, people: Population, record: Record, faults: Faults) -> None:
    """Notes each patient whose first interval and PFS of ADTTE disagree, in date or in being an event.

    frame: intervals with days as numbers, before any was lengthened.
    """
    rules = library.rules["intervals"]
    if rules["pfs"] not in set(library.dataset("ADTTE").get("PARAMCD")):
        return
    times = endpoint(library, rules["pfs"], people, record, faults)
    faults.stop()
    pairs = times.merge(frame[frame["interval"] == 1], on="patient")
    event = pairs["outcome"].isin(["progression", "death"])
    differs = (event != (pairs["cnsr"] == 0)) | (pairs["end_day"] != pairs["end"])
    for line in pairs[differs].itertuples():
        theirs = f"{'event' if line.cnsr == 0 else 'censored'} on day {line.end:g}"
        why = f"interval 1 is not {rules['pfs']} of ADTTE"
        record.note(
            "ADTTE",
            line.patient,
            "intervals",
            NOTED,
            why,
            f"ADTTE: {theirs}; interval: {line.outcome} on day {line.end_day:g}",
        )
