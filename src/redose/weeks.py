"""Weeks written where days are meant: three suspicions, each a warning.

Weeks show in whole numbers that are a seventh of what they should be: against the patient's follow-up in another
table, or against the planned spacing of the doses. Where a whole study is in weeks and has no planned schedule,
nothing in the tables tells.
"""

import pandas as pd

from redose import problems
from redose.follow_up import Sheets, complete, last_days, plain

DENSE = 7.0  # days; a site that samples all patients more than weekly is rare
SEVENTH = (0.10, 0.15)  # last sample / end of follow-up: 1/7 = 0.143, less where the last visits were missed
SEVENFOLD = (3.0, 9.0)  # last sample or infusion / end of follow-up when the intervals are in weeks
SAMPLES = 3  # per patient, for a typical spacing
PATIENTS = 2  # per site, so that one odd patient is no suspicion
PLANNED = {"quarterly": 365.25 / 4, "biannual": 365.25 / 2}
TOLERANCE = 0.2


def weeks_for_days(sheets: Sheets) -> pd.DataFrame:
    """The problems of all three suspicions."""
    return problems.joined([*samples_in_weeks(sheets), intervals_in_weeks(sheets), infusions_in_weeks(sheets)])


def of_site(sheets: Sheets, patients: pd.Series) -> pd.Series:
    """The site of each patient; one site for all where the study has no sites."""
    known = complete(sheets, "patients")
    if known is None or "site" not in known:
        return pd.Series("all", index=patients.index)
    return patients.map(known.drop_duplicates("patient").set_index("patient")["site"])


def first_row(rows: pd.DataFrame, site: str) -> pd.Index:
    return rows.index[rows["site"] == site][:1]


def samples_in_weeks(sheets: Sheets) -> list[pd.DataFrame]:
    found = []
    for table in ("mrd", "burden"):
        rows = complete(sheets, table, "day")
        if rows is None:
            continue
        rows = rows[["patient", "day"]].assign(site=of_site(sheets, rows["patient"]))
        rows = rows.join(last_days(sheets)["end"], on="patient").sort_values(["patient", "day"], kind="stable")
        rows["gap"] = rows.groupby("patient")["day"].diff()
        rows["gap"] = rows["gap"].where(rows["gap"] > 0)
        patients = rows.groupby("patient").agg(
            site=("site", "first"), gap=("gap", "median"), n=("gap", "count"), last=("day", "max"), end=("end", "first")
        )
        patients = patients[patients["n"] + 1 >= SAMPLES].assign(reach=lambda p: p["last"] / p["end"])
        whole = (rows["day"] % 1 == 0).groupby(rows["site"]).all()
        sites = patients.groupby("site").agg(gap=("gap", "median"), reach=("reach", "median"), n=("gap", "size"))
        suspect = sites[(sites["gap"] < DENSE) & sites["reach"].between(*SEVENTH) & (sites["n"] >= PATIENTS)]
        for site, shape in suspect[suspect.index.map(whole).astype(bool)].iterrows():
            message = (
                f"the days of site {named(site)} look like weeks: samples typically {plain(shape['gap'])} apart, the "
                f"last at {shape['reach']:.0%} of follow-up, where a seventh is 14%"
            )
            cure = "multiply the days of this table by 7 if they are weeks"
            found.append(sheets[table].listing("weeks_for_days", first_row(rows, site), "day", message, cure))
    return found


def intervals_in_weeks(sheets: Sheets) -> pd.DataFrame:
    ends = last_days(sheets)["end"]
    days = [complete(sheets, table, "day") for table in ("mrd", "burden", "infusions")]
    days = [rows[["patient", "day"]] for rows in days if rows is not None and len(rows)]
    if ends.empty or not days:
        return problems.no_problems()
    last = pd.concat(days).groupby("patient")["day"].max()
    rows = complete(sheets, "intervals", "end_day")
    rows = rows[["patient", "end_day"]].assign(site=of_site(sheets, rows["patient"]))
    reach = (last / ends[ends > 0]).dropna()
    site = of_site(sheets, pd.Series(reach.index, index=reach.index))
    typical = reach.groupby(site).agg(["median", "size"])
    whole = (rows["end_day"] % 1 == 0).groupby(rows["site"]).all()
    suspect = typical[typical["median"].between(*SEVENFOLD) & (typical["size"] >= PATIENTS)]
    found = []
    for site, shape in suspect[suspect.index.map(whole).astype(bool)].iterrows():
        message = (
            f"the days of site {named(site)} look like weeks: its samples and infusions reach typically "
            f"{shape['median']:.1f} times as far as its intervals"
        )
        cure = "multiply the days of this table by 7 if they are weeks"
        found.append(sheets["intervals"].listing("weeks_for_days", first_row(rows, site), "end_day", message, cure))
    return problems.joined(found)


def infusions_in_weeks(sheets: Sheets) -> pd.DataFrame:
    rows, patients = complete(sheets, "infusions", "day"), complete(sheets, "patients")
    if rows is None or patients is None or "schedule" not in patients:
        return problems.no_problems()
    rows = rows[["patient", "day"]].sort_values(["patient", "day"], kind="stable")
    rows["treatment"] = treatment(sheets, rows)
    schedule = rows["patient"].map(patients.drop_duplicates("patient").set_index("patient")["schedule"])
    rows["planned"] = schedule.map(PLANNED).astype(float)
    rows["gap"] = rows.groupby(["patient", "treatment"])["day"].diff()
    rows["gap"] = rows["gap"].where(rows["gap"] > 0)
    shape = rows.groupby("patient").agg(gap=("gap", "median"), planned=("planned", "first"))
    near = (7 * shape["gap"] / shape["planned"]).between(1 - TOLERANCE, 1 + TOLERANCE)
    whole = (rows["day"] % 1 == 0).groupby(rows["patient"]).all()
    suspect = shape.index[near & whole]
    second = rows[rows["patient"].isin(suspect) & rows["gap"].notna()].drop_duplicates("patient")
    message = "the infusions look like weeks: typically {gap} apart, planned {planned} days"
    cure = "multiply the days of this table by 7 if they are weeks"
    gap, planned = second["patient"].map(shape["gap"]).map(plain), second["planned"].map("{:.0f}".format)
    return sheets["infusions"].listing("weeks_for_days", second.index, "day", message, cure, gap=gap, planned=planned)


def treatment(sheets: Sheets, rows: pd.DataFrame) -> pd.Series:
    """How many intervals of the patient had begun by the day of each row: a (re)treatment starts the plan anew."""
    starts = complete(sheets, "intervals", "start_day")
    if starts is None:
        return pd.Series(0, index=rows.index)
    given = pd.concat(
        [starts.assign(day=starts["start_day"], begun=1)[["patient", "day", "begun"]], rows.assign(begun=0)]
    )
    given["row"] = range(len(given))
    given = given.sort_values(["patient", "day", "begun"], ascending=[True, True, False], kind="stable")
    begun = given.groupby("patient")["begun"].cumsum()
    return pd.Series(begun[given["row"] >= len(starts)].to_numpy(), index=given.index[given["row"] >= len(starts)])


def named(site: str) -> str:
    """A site's name for use within a template."""
    return problems.shown(site).replace("{", "{{").replace("}", "}}")
