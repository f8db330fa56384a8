"""ADSL: who is in the study, with what covariates, and who was left out and why."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from redose.adam import cells
from redose.adam.datasets import Dataset, Library, first_date
from redose.adam.faults import Faults
from redose.adam.record import NOTED, Record

VARIABLES = {"trial": "STUDYID", "site": "SITEID", "arm": "TRT01P"}  # of the guide, where they are there
NO_DAY_0 = "no {variable}: day 0 is not known"


@dataclass(frozen=True)
class Population:
    """The patients of a study. `dates`: day_0, death, last_seen (days since 1960), by key; `everyone`: all of ADSL."""

    patients: pd.DataFrame
    left_out: pd.DataFrame
    dates: pd.DataFrame
    everyone: frozenset[str]

    def days(self, patients: pd.Series, dates: pd.Series) -> pd.Series:
        """Dates (days since 1960) as days since the day 0 of their patients."""
        return dates - patients.map(self.dates["day_0"])

    def without(self, keys: dict[str, str]) -> "Population":
        """The population less patients who cannot be analysed, with the reason for each."""
        gone = pd.DataFrame(sorted(keys.items()), columns=["patient", "reason"])
        left = pd.concat([self.left_out, gone], ignore_index=True)
        kept = self.patients[~self.patients["patient"].isin(list(keys))].reset_index(drop=True)
        return Population(kept, left, self.dates.drop(index=list(keys)), self.everyone)


def population(library: Library, record: Record, faults: Faults) -> Population:
    """The patients whom the mapping's `population` keeps and whose day 0 is known."""
    rules, data = library.rules, library.dataset("ADSL")
    subject = rules["subject"]
    for variable in (rules["day_0"], *rules["population"], *rules["patients"].values(), *rules["covariates"].values()):
        library.require("ADSL", variable, "day_0, population, patients or covariates")
    refuse_repeated(data, subject, faults)
    reasons = left_out(data, rules)
    frame = described(data, rules, faults)
    dates = pd.DataFrame(
        {
            "day_0": first_date(data, [rules["day_0"]]),
            "death": first_date(data, rules["death"]),
            "last_seen": first_date(data, rules["last_seen"]),
        }
    ).set_axis(data.frame[subject])
    keep = reasons == ""
    if "enrolled_day" not in frame:
        since = dates["day_0"] - dates["day_0"][keep.to_numpy()].min()
        frame.insert(frame.shape[1] - len(rules["covariates"]), "enrolled_day", cells.of_numbers(since).to_numpy())
    note_deaths(data, dates[keep.to_numpy()], keep, record)
    record.count("patients", "ADSL", "subjects", len(data.frame), len(data.frame))
    for reason in [text for text in dict.fromkeys(reasons) if text]:
        record.count("patients", "ADSL", f"left out: {reason}", *[int((reasons == reason).sum())] * 2)
    record.count("patients", "ADSL", "kept", int(keep.sum()), int(keep.sum()))
    gone = pd.DataFrame({"patient": data.frame[subject], "reason": reasons})[~keep].reset_index(drop=True)
    return Population(frame[keep].reset_index(drop=True), gone, dates[keep.to_numpy()], frozenset(data.frame[subject]))


def refuse_repeated(data: Dataset, subject: str, faults: Faults) -> None:
    """Stops where a subject has no key, or two records."""
    keys = data.frame[subject]
    for number in keys.index[keys == ""]:
        faults.add("adam_subject", data.file, f"{subject} is empty", "give the subject", row=data.row(number))
    for number in keys.index[keys.duplicated() & (keys != "")]:
        faults.add("adam_subject", data.file, f"{subject} {keys[number]} has a second record",
                   "keep one record per subject", row=data.row(number), patient=keys[number])  # fmt: skip
    if keys.empty:
        faults.add("adam_subject", data.file, "has no records", "give the subjects of the trial")
    faults.stop()


def note_deaths(data: Dataset, dates: pd.DataFrame, keep: pd.Series, record: Record) -> None:
    """Notes deaths that cannot be dated: DTHFL without a whole date, and dates before day 0, which are not used."""
    flagged = data.get("DTHFL").str.upper()[keep].to_numpy() == "Y"
    for patient in dates.index[flagged & dates["death"].isna()]:
        record.note("ADSL", patient, "intervals", NOTED, "DTHFL is Y, but there is no whole date of death")
    early = dates["death"] < dates["day_0"]
    for patient, day in (dates["death"] - dates["day_0"])[early].items():
        record.note("ADSL", patient, "intervals", NOTED, "the date of death lies before day 0: not used", f"{day:g}")


def left_out(data: Dataset, rules) -> pd.Series:
    """Why each subject is left out, by record; "" for those who are kept. Flags come first, in the mapping's order."""
    reasons = pd.Series("", index=data.frame.index, dtype=object)
    for flag, allowed in rules["population"].items():
        cells = data.get(flag)
        outside = ~cells.str.casefold().isin([text.casefold() for text in allowed]) & (reasons == "")
        words = cells.map(lambda text: text or "empty")
        reasons[outside] = flag + " is " + words[outside] + ", not " + " or ".join(allowed)
    unknown = first_date(data, [rules["day_0"]]).isna() & (reasons == "")
    reasons[unknown] = NO_DAY_0.format(variable=rules["day_0"])
    return reasons


def described(data: Dataset, rules, faults: Faults) -> pd.DataFrame:
    """The table patients of all subjects of ADSL: the contract's columns that are there, then the covariates."""
    columns = {"patient": data.frame[rules["subject"]]}
    own = {name: given for name, given in VARIABLES.items() if given in data.frame} | rules["patients"]
    for name in ("trial", "site", "arm", "schedule", "product", "enrolled_day"):
        if name in own:
            columns[name] = translated(data.get(own[name]), name, rules)
    for name, variable in rules["covariates"].items():
        columns[name] = translated(data.get(variable), name, rules)
    return pd.DataFrame(columns)


def translated(cells: pd.Series, column: str, rules) -> pd.Series:
    """The cells with the mapping's words for the column in the place of ADaM's; others stay."""
    return cells.replace(rules["words"].get(column, {})) if column in rules["words"] else cells


def known(data: Dataset, people: Population, table: str, subject: str, record: Record) -> pd.DataFrame:
    """The records of patients who are kept, with their key as `patient`; the others are counted, strangers listed."""
    frame = data.frame.assign(patient=data.frame[subject])
    record.count(table, data.name, "selected", len(frame), frame["patient"].nunique())
    strange = ~frame["patient"].isin(people.everyone)
    record.each(data.name, frame[strange], table, "dropped", "the subject is not in ADSL")
    frame = frame[frame["patient"].isin(people.dates.index)]
    record.count(table, data.name, "of patients kept", len(frame), frame["patient"].nunique())
    return frame


def dated(frame: pd.DataFrame, variable: str, people: Population) -> pd.Series:
    """Days since day 0 of a date variable, or of a study day, whose name ends in DY and which knows no day 0."""
    column = frame[variable] if variable in frame else pd.Series("", index=frame.index, dtype=object)
    if variable.endswith("DY"):
        number = cells.values(column)
        return number.where(number <= 0, number - 1).where(number != 0, np.nan)
    return people.days(frame["patient"], cells.dates(column))
