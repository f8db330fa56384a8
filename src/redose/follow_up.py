"""Rules on a patient's intervals, and on what is dated in their course. One function per rule, named as the rule.

Each takes the sheets of a study and returns the problems. Cells at fault are NaN and compare as false, so that one
fault is not reported under a second name.
"""

from collections.abc import Callable

import pandas as pd

from redose import contract, problems
from redose.sheets import Sheet

Sheets = dict[str, Sheet]

plain = "{:.10g}".format

SLACK = 1e-6  # days: rounding of converted months is no overlap
STARTS = {
    "mrd": "day",
    "burden": "day",
    "infusions": "day",
    "courses": "start_day",
    "gvhd": "onset_day",
    "conditions": "onset_day",
}
LATE = 3652.5  # days, ten years: first intervals that start typically later are dated from elsewhere than day 0
EVENTS = ("infusions", "courses", "gvhd", "conditions")


def complete(sheets: Sheets, table: str, *columns: str) -> pd.DataFrame | None:
    """The rows read of a table where patient and `columns` are known; None without the table or a column."""
    if table not in sheets or not {"patient", *columns} <= set(sheets[table].read):
        return None
    return sheets[table].read.dropna(subset=["patient", *columns])


def in_time_order(sheets: Sheets) -> pd.DataFrame | None:
    """Intervals that last, in order of patient and time, with `previous_*` columns of the one before."""
    rows = complete(sheets, "intervals", "interval", "start_day", "end_day", "outcome")
    if rows is None:
        return None
    rows = rows[rows["end_day"] > rows["start_day"]].drop_duplicates(["patient", "interval"])
    rows = rows.assign(row=rows.index).sort_values(["patient", "start_day", "end_day"], kind="stable")
    before = rows.groupby("patient")[["row", "interval", "end_day", "outcome"]].shift()
    return rows.join(before.add_prefix("previous_"))


def zero_length(sheets: Sheets) -> pd.DataFrame:
    rows = complete(sheets, "intervals", "start_day", "end_day")
    if rows is None:
        return problems.no_problems()
    message = "the interval starts and ends on day {value}, and nothing can happen in it"
    cure = "correct the days (an event on day 0 is given as day 0.5), or leave the interval out"
    offends = rows["end_day"] == rows["start_day"]
    return sheets["intervals"].listing("zero_length", offends, "end_day", message, cure)


def end_before_start(sheets: Sheets) -> pd.DataFrame:
    rows = complete(sheets, "intervals", "start_day", "end_day")
    if rows is None:
        return problems.no_problems()
    message = "the interval ends on day {value}, before it starts on day {start_day}"
    offends = rows["end_day"] < rows["start_day"]
    return sheets["intervals"].listing("end_before_start", offends, "end_day", message, "correct one of the two days")


def before_day_0(sheets: Sheets) -> pd.DataFrame:
    rows = complete(sheets, "intervals", "start_day")
    if rows is None:
        return problems.no_problems()
    raw = sheets["intervals"].raw
    entered = raw["entry_day"].str.strip() != "" if "entry_day" in raw else pd.Series(False, index=raw.index)
    message = "start_day {value} lies before day 0, and entry_day is empty"
    cure = "give the first day at risk and observed as entry_day, or days since day 0"
    offends = (rows["start_day"] < 0) & ~entered.loc[rows.index]
    return sheets["intervals"].listing("before_day_0", offends, "start_day", message, cure)


def dates_for_days(sheets: Sheets) -> pd.DataFrame:
    rows = complete(sheets, "intervals", "start_day")
    if rows is None or rows.empty:
        return problems.no_problems()
    first = rows.sort_values("start_day", kind="stable").drop_duplicates("patient")["start_day"]
    typical = first.median()
    if not typical > LATE:
        return problems.no_problems()
    message = f"first intervals start typically on day {plain(typical)}: dates counted from elsewhere, not from day 0"
    cure = "subtract the date of the patient's own day 0, in this and every other table"
    return sheets["intervals"].listing("dates_for_days", rows.index[:1], "start_day", message, cure)


def entry_outside(sheets: Sheets) -> pd.DataFrame:
    rows = complete(sheets, "intervals", "start_day", "end_day", "entry_day")
    if rows is None:
        return problems.no_problems()
    outside = (rows["entry_day"] < rows["start_day"]) | (rows["entry_day"] >= rows["end_day"])
    message = "entry_day {value} lies outside the interval, day {start_day} to {end_day}"
    cure = "give the first day at risk and observed, or leave the interval out if it ended before that"
    offends = outside & (rows["end_day"] > rows["start_day"])
    return sheets["intervals"].listing("entry_outside", offends, "entry_day", message, cure)


def last_free_outside(sheets: Sheets) -> pd.DataFrame:
    rows = complete(sheets, "intervals", "start_day", "end_day", "last_free_day")
    if rows is None:
        return problems.no_problems()
    outside = (rows["last_free_day"] < rows["start_day"] - SLACK) | (rows["last_free_day"] > rows["end_day"] + SLACK)
    message = "last_free_day {value} lies outside the interval, day {start_day} to {end_day}"
    cure = "give the last assessment without progression within the interval, or leave it empty"
    offends = outside & (rows["end_day"] > rows["start_day"])
    return sheets["intervals"].listing("last_free_outside", offends, "last_free_day", message, cure)


def overlapping_intervals(sheets: Sheets) -> pd.DataFrame:
    rows = in_time_order(sheets)
    if rows is None:
        return problems.no_problems()
    offends = rows["start_day"] < rows["previous_end_day"] - SLACK
    message = "the interval starts on day {value}, before interval {before} (row {row}) ends on day {end}"
    cure = "let it start no earlier, or join the two"
    return sheets["intervals"].listing(
        "overlapping_intervals", offends, "start_day", message, cure, **previous(rows[offends])
    )


def interval_numbers(sheets: Sheets) -> pd.DataFrame:
    rows = in_time_order(sheets)
    if rows is None:
        return problems.no_problems()
    expected = rows.groupby("patient").cumcount() + 1
    # A repeated number has its own rule, and an interval without length is out of the count
    whole = (rows["interval"] >= 1) & (rows["interval"] % 1 == 0)
    counted = rows["patient"].isin(all_usable(sheets, rows))
    offends = whole & counted & (rows["interval"] != expected)
    message = "interval {value} is number {expected} of the patient in order of time"
    cure = "number the intervals of a patient 1, 2, 3, ... in order of time, or add the one that is missing"
    return sheets["intervals"].listing("interval_numbers", offends, "interval", message, cure, expected=expected)


def all_usable(sheets: Sheets, rows: pd.DataFrame) -> pd.Index:
    """Patients none of whose intervals had to be left aside."""
    given = sheets["intervals"].read["patient"].value_counts()
    return given.index[given == rows["patient"].value_counts().reindex(given.index, fill_value=0)]


def interval_after_death(sheets: Sheets) -> pd.DataFrame:
    rows = in_time_order(sheets)
    if rows is None:
        return problems.no_problems()
    died = (rows["previous_outcome"] == "death").groupby(rows["patient"]).cummax()
    deaths = rows.loc[rows["outcome"] == "death"].groupby("patient")["end_day"].min()
    message = "the interval follows the patient's death on day {death}"
    cure = "correct that outcome, or leave the interval out"
    death = rows.loc[died, "patient"].map(deaths).map(plain)
    return sheets["intervals"].listing("interval_after_death", died, "start_day", message, cure, death=death)


def interval_without_progression(sheets: Sheets) -> pd.DataFrame:
    rows = in_time_order(sheets)
    if rows is None:
        return problems.no_problems()
    through = rows["previous_outcome"].isin(("transplant", "new_therapy"))
    later = rows["start_day"] > rows["previous_end_day"] + SLACK
    offends = (rows["previous_outcome"] == "censored") | (through & later)
    message = (
        "the interval starts on day {value} and follows interval {before} (row {row}), {outcome_before} on day {end}"
    )
    cure = "let it start on that day if follow-up went on, correct that outcome, or leave this interval out"
    return sheets["intervals"].listing(
        "interval_without_progression", offends, "start_day", message, cure, **previous(rows[offends])
    )


def previous(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """What the templates quote of the interval before."""
    return {
        "before": rows["previous_interval"].map(plain),
        "row": rows["previous_row"].map(plain),
        "end": rows["previous_end_day"].map(plain),
        "outcome_before": rows["previous_outcome"],
    }


def last_days(sheets: Sheets) -> pd.DataFrame:
    """Per patient: `end` of follow-up, its `outcome`, and the day of a `death` or `transplant` that ended it (or NaN).

    A patient with an interval at fault is left out: where follow-up ends is not known.
    """
    rows = complete(sheets, "intervals", "start_day", "end_day", "outcome")
    if rows is None:
        return pd.DataFrame(columns=["end", "outcome", "death", "transplant"], dtype=float)
    read = sheets["intervals"].read
    sound = rows.index[rows["end_day"] > rows["start_day"]]
    rows = rows[~rows["patient"].isin(read.loc[read.index.difference(sound), "patient"])]
    last = rows.sort_values("end_day", kind="stable").drop_duplicates("patient", keep="last").set_index("patient")
    died = rows[rows["outcome"] == "death"].groupby("patient")["end_day"].min()
    day_of = {"death": died, "transplant": last.loc[last["outcome"] == "transplant", "end_day"]}
    return last[["end_day", "outcome"]].rename(columns={"end_day": "end"}).join(pd.DataFrame(day_of))


def dated(sheets: Sheets, table: str) -> pd.DataFrame | None:
    """The rows of a table with `day` of sample, start or onset, and the patient's `last_days` beside it."""
    rows = complete(sheets, table, STARTS[table])
    if rows is None:
        return None
    return pd.DataFrame({"patient": rows["patient"], "day": rows[STARTS[table]]}).join(last_days(sheets), on="patient")


def event_after_death(sheets: Sheets) -> pd.DataFrame:
    found = []
    for table in EVENTS:
        rows = dated(sheets, table)
        if rows is not None:
            column = STARTS[table]
            message, cure = (
                f"{column} {{value}} lies after the patient's death on day {{death}}",
                "correct one of the two days",
            )
            offends = rows["day"] > rows["death"] + SLACK
            death = rows.loc[offends, "death"].map(plain)
            found.append(sheets[table].listing("event_after_death", offends, column, message, cure, death=death))
    return problems.joined(found)


def infusion_after_transplant(sheets: Sheets) -> pd.DataFrame:
    rows = dated(sheets, "infusions")
    if rows is None:
        return problems.no_problems()
    offends = (rows["day"] > rows["transplant"] + SLACK) & ~(rows["day"] > rows["death"])
    message = "the infusion on day {value} follows the transplant on day {transplant}"
    cure = "correct one of the two days; treatment after a transplant is outside this study's follow-up"
    transplant = rows.loc[offends, "transplant"].map(plain)
    return sheets["infusions"].listing(
        "infusion_after_transplant", offends, "day", message, cure, transplant=transplant
    )


def after_follow_up(sheets: Sheets) -> pd.DataFrame:
    found = []
    for table, column in STARTS.items():
        rows = dated(sheets, table)
        if rows is None:
            continue
        offends = rows["day"] > rows["end"] + SLACK
        if table in EVENTS:
            offends &= ~(rows["day"] > rows["death"] + SLACK)
        if table == "infusions":
            offends &= ~(rows["day"] > rows["transplant"] + SLACK)
        message = f"{column} {{value}} lies after the end of follow-up on day {{end}} ({{end_outcome}})"
        cure = "correct the day, or extend the intervals; else it says nothing on progression"
        end = rows.loc[offends, "end"].map(plain)
        found.append(
            sheets[table].listing(
                "after_follow_up", offends, column, message, cure, end=end, end_outcome=rows["outcome"]
            )
        )
    return problems.joined(found)


def course_stop_before_start(sheets: Sheets) -> pd.DataFrame:
    rows = complete(sheets, "courses", "start_day", "stop_day")
    if rows is None:
        return problems.no_problems()
    message = "the course stops on day {value}, before it starts on day {start_day}"
    offends = rows["stop_day"] < rows["start_day"]
    return sheets["courses"].listing(
        "course_stop_before_start", offends, "stop_day", message, "correct one of the two days"
    )


def end_before_onset(sheets: Sheets) -> pd.DataFrame:
    found = []
    for table in ("gvhd", "conditions"):
        rows = complete(sheets, table, "onset_day", "end_day")
        if rows is not None:
            message = "the episode ends on day {value}, before its onset on day {onset_day}"
            offends = rows["end_day"] < rows["onset_day"]
            cure = "correct one of the two days, or leave end_day empty"
            found.append(sheets[table].listing("end_before_onset", offends, "end_day", message, cure))
    return problems.joined(found)


def gvhd_grade(sheets: Sheets) -> pd.DataFrame:
    rows = complete(sheets, "gvhd", "kind", "grade")
    if rows is None:
        return problems.no_problems()
    found = []
    for kind, grades in contract.GRADES.items():
        offends = (rows["kind"] == kind) & (rows["grade"] != "") & ~rows["grade"].isin(grades)
        message = f"grade {{value}} is no grade of {kind} GVHD"
        cure = f"give {', '.join(grades)}, or leave it empty where it was not graded"
        found.append(sheets["gvhd"].listing("gvhd_grade", offends, "grade", message, cure))
    return problems.joined(found)


RULES: tuple[Callable[[Sheets], pd.DataFrame], ...] = (
    zero_length,
    end_before_start,
    before_day_0,
    dates_for_days,
    entry_outside,
    last_free_outside,
    overlapping_intervals,
    interval_numbers,
    interval_after_death,
    interval_without_progression,
    event_after_death,
    infusion_after_transplant,
    after_follow_up,
    course_stop_before_start,
    end_before_onset,
    gvhd_grade,
)
