"""ADEX, ADCM, ADPR, ADAE, ADLB -> infusions, courses, GVHD, other conditions, and dates that start or end intervals."""

import numpy as np
import pandas as pd

from redose import contract
from redose.adam import cells
from redose.adam.datasets import Dataset, Library
from redose.adam.faults import Faults
from redose.adam.population import Population, dated, known, translated
from redose.adam.record import ALTERED, DROPPED, NOTED, Record
from redose.sheets import ROMAN

INFUSIONS = ["patient", "day", "cells", "product", "lot"]
COURSES = ["patient", "agent", "start_day", "stop_day"]
GVHD = ["patient", "kind", "grade", "onset_day", "end_day"]
CONDITIONS = ["patient", "condition", "onset_day", "end_day"]


def chosen(
    library: Library, key: str, place: int, people: Population, record: Record, dates: dict[str, str], table: str
) -> tuple[Dataset, pd.DataFrame]:
    """The records of one selection with `patient` and a column of days for each of `dates` (our name: its key of the
    mapping), those without the first of them dropped."""
    choice, where = library.rules[key][place], f"{key}.{place + 1}"
    data = library.selected(choice, where, may_lack=key != "infusions")
    if data.frame.empty:
        words = "; ".join(f"{name}: {' or '.join(allowed)}" for name, allowed in choice["where"].items())
        record.note(data.name, "", table, NOTED, f"no record of {where} ({words})")
    for name, variable in choice.items():
        if name not in ("dataset", "where", "except", "factor", "product", "agent", "kind", "condition"):
            library.require(data.name, variable, f"{where}.{name}")
    frame = known(data, people, table, library.rules["subject"], record)
    default = {"day": "ASTDT", "start": "ASTDT", "stop": "AENDT", "end": "AENDT"}
    for name, part in dates.items():
        frame = frame.assign(**{name: dated(frame, choice.get(part, default[part]), people)})
    first, part = next(iter(dates.items()))
    variable = choice.get(part, default[part])
    undated = frame[first].isna()
    if undated.any():
        frame = frame.assign(cell=frame.get(variable, ""))
        record.each(data.name, frame[undated], table, DROPPED, f"{variable} is no whole date", "cell")
        frame = frame[~undated]
    return data, frame


def words(frame: pd.DataFrame, choice: dict, key: str, default: str, library: Library, data: Dataset) -> pd.Series:
    """The word of each record for the column `key`: one for all, or that of a variable, translated."""
    if key in choice:
        return pd.Series(choice[key], index=frame.index, dtype=object)
    variable = choice.get(f"{key}_from", default)
    library.require(data.name, variable, f"{key}_from")
    return translated(frame[variable], key, library.rules)


def infusions(library: Library, people: Population, record: Record) -> pd.DataFrame:
    """The table infusions; doses of no cells are dropped."""
    made = []
    for place, choice in enumerate(library.rules["infusions"]):
        data, frame = chosen(library, "infusions", place, people, record, {"day": "day"}, "infusions")
        variable = choice.get("cells", "AVAL")
        library.require(data.name, variable, f"infusions.{place + 1}.cells")
        number = cells.values(frame[variable])
        none = ~(number > 0)
        record.each(data.name, frame[none], "infusions", DROPPED, f"{variable} is not above 0: no cells", variable)
        frame, number = frame[~none], number[~none]
        before = frame["day"] < 0
        frame = frame.assign(days=cells.of_numbers(frame["day"]))
        record.each(data.name, frame[before], "infusions", DROPPED, "before day 0", "days")
        frame, number = frame[~before], number[~before]
        given = number * choice["factor"]
        product = words(frame, choice, "product", "EXTRT", library, data)
        lot = frame[choice["lot"]] if "lot" in choice else pd.Series("", index=frame.index, dtype=object)
        example = f"{cells.of_number(number.iloc[0])} -> {cells.of_number(given.iloc[0])}" if len(frame) else ""
        record.unit("infusions", data.name, variable, "as given", f"{choice['factor']:g}", len(frame), example)
        made.append(
            pd.DataFrame(
                {
                    "patient": frame["patient"],
                    "day": frame["day"],
                    "cells": cells.of_numbers(given),
                    "product": product,
                    "lot": translated(lot, "lot", library.rules),
                    "dataset": data.name,
                }
            )
        )
    return table(made, "infusions", INFUSIONS, ["patient", "day", "product", "lot"], record)


def courses(library: Library, people: Population, record: Record) -> pd.DataFrame:
    """The table courses; an ongoing one stops with the follow-up of its patient."""
    made = []
    for place, choice in enumerate(library.rules["courses"]):
        data, frame = chosen(
            library, "courses", place, people, record, {"start_day": "start", "stop_day": "stop"}, "courses"
        )
        last = people.days(frame["patient"], frame["patient"].map(people.dates["last_seen"]))
        ongoing = frame["stop_day"].isna()
        record.each(data.name, frame[ongoing & last.notna()], "courses", ALTERED, "no end: stops with follow-up")
        record.each(data.name, frame[ongoing & last.isna()], "courses", DROPPED, "no end, and no end of follow-up")
        frame = frame.assign(stop_day=frame["stop_day"].fillna(last.clip(lower=frame["start_day"])))
        frame = frame[frame["stop_day"].notna()]
        agent = words(frame, choice, "agent", "CMDECOD", library, data)
        made.append(frame.assign(agent=agent, dataset=data.name, record=frame.index))
    made = [merged(made, ["patient", "agent", "start_day"], "stop_day", "courses", record)] if made else []
    return table(made, "courses", COURSES, ["patient", "start_day", "agent"], record)


def gvhd(library: Library, people: Population, record: Record, faults: Faults) -> pd.DataFrame:
    """The table gvhd. Faults: a kind that is neither acute nor chronic."""
    made = []
    for place, choice in enumerate(library.rules["gvhd"]):
        data, frame = episodes(library, "gvhd", place, people, record)
        kind = words(frame, choice, "kind", "", library, data)
        for number in kind.index[~kind.isin(list(contract.GRADES))]:
            cure = f"translate it in adam.yaml: words: {{kind: {{{kind[number]}: acute}}}}"
            faults.add("adam_words", data.file, f"{kind[number]} is neither acute nor chronic", cure,
                       row=data.row(number), patient=frame["patient"][number], value=kind[number])  # fmt: skip
        grade = frame[choice["grade"]] if "grade" in choice else pd.Series("", index=frame.index, dtype=object)
        frame = frame.assign(kind=kind, grade=translated(grade, "grade", library.rules))
        made.append(frame.assign(dataset=data.name, record=frame.index, severity=severity(frame["grade"])))
    made = [merged(made, ["patient", "kind", "onset_day"], "end_day", "gvhd", record)] if made else []
    return table(made, "gvhd", GVHD, ["patient", "onset_day", "kind"], record)


def severity(grade: pd.Series) -> pd.Series:
    """The rank of a grade within its kind, -1 for none: 1-4, I-IV, or mild, moderate, severe."""
    ranks = {word: rank for words in (*contract.GRADES.values(), tuple(ROMAN)) for rank, word in enumerate(words, 1)}
    return grade.str.lower().map(ranks).fillna(-1)


def merged(parts: list[pd.DataFrame], key: list[str], end: str, table: str, record: Record) -> pd.DataFrame:
    """One row for each key: the worst of them (`severity`, where there is one) and the latest `end`: open ends."""
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.sort_values("severity", ascending=False, kind="stable") if "severity" in frame else frame
    again = frame.duplicated(key)
    why = "starts with another record: the worst grade and the latest end are kept"
    for name, lines in frame[again].groupby("dataset"):
        record.each(name, lines.set_index("record"), table, DROPPED, why)
    latest = frame[end].fillna(np.inf).groupby([frame[name] for name in key]).transform("max")
    return frame.assign(**{end: latest.replace(np.inf, np.nan)})[~again]


def conditions(library: Library, people: Population, record: Record) -> pd.DataFrame:
    """The table conditions."""
    made = []
    for place, choice in enumerate(library.rules["conditions"]):
        data, frame = episodes(library, "conditions", place, people, record)
        condition = words(frame, choice, "condition", "AEDECOD", library, data)
        made.append(frame.assign(condition=condition, dataset=data.name, record=frame.index))
    made = [merged(made, ["patient", "condition", "onset_day"], "end_day", "conditions", record)] if made else []
    return table(made, "conditions", CONDITIONS, ["patient", "condition", "onset_day"], record)


def episodes(
    library: Library, key: str, place: int, people: Population, record: Record
) -> tuple[Dataset, pd.DataFrame]:
    """The records of one selection of episodes, with onset_day and end_day: what was there on day 0 starts on day 0,
    and what had ended before is dropped."""
    dates = {"onset_day": "start", "end_day": "end"}
    data, frame = chosen(library, key, place, people, record, dates, key)
    over = frame["end_day"] < 0
    frame = frame.assign(days=cells.of_numbers(frame["onset_day"]))
    record.each(data.name, frame[over], key, DROPPED, "over before day 0", "days")
    frame = frame[~over]
    early = frame["onset_day"] < 0
    record.each(data.name, frame[early], key, ALTERED, "there on day 0: starts on day 0", "days")
    frame = frame.assign(onset_day=frame["onset_day"].clip(lower=0))
    return data, frame


def days(library: Library, key: str, people: Population, record: Record) -> dict[str, list[float]]:
    """Patient -> sorted days of a transplant, a new therapy or a retreatment; those before day 0 are dropped."""
    found: dict[str, list[float]] = {}
    for place in range(len(library.rules[key])):
        data, frame = chosen(library, key, place, people, record, {"day": "day"}, key)
        early = frame["day"] < 0
        frame = frame.assign(days=cells.of_numbers(frame["day"]))
        record.each(data.name, frame[early], key, DROPPED, "before day 0", "days")
        for patient, group in frame[~early].groupby("patient"):
            found.setdefault(patient, []).extend(group["day"])
    return {patient: sorted(set(own)) for patient, own in found.items()}


def table(parts: list[pd.DataFrame], made: str, columns: list[str], order: list[str], record: Record) -> pd.DataFrame:
    """All parts as the table `made`, of text, sorted; days as whole numbers where they are."""
    if not parts:
        return pd.DataFrame(columns=columns)
    frame = pd.concat(parts, ignore_index=True).sort_values(order, kind="stable", ignore_index=True)
    if "dataset" in frame:
        for name, lines in frame.groupby("dataset"):
            record.count(made, name, "rows of the table", len(lines), lines["patient"].nunique())
    for name in columns:
        if frame[name].dtype.kind == "f":
            frame[name] = cells.of_numbers(frame[name])
    return frame[columns].replace({np.nan: ""})
