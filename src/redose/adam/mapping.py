"""`adam.yaml`: which records of which ADaM datasets become which study table. Its keys, and reading it.

A *selection* names a dataset and, by `where` and `except`, the values of variables that its records must (not) have;
further keys name the variables that hold day, value, product and so on. Keys that are not given take the names of the
ADaM implementation guide.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from redose import about, contract, problems
from redose.about import Key, mapping, number, one_of, positive, words
from redose.adam.faults import Faults
from redose.delimited import Unreadable

FILE = "adam.yaml"
DATASETS = ("ADSL", "ADTTE", "ADRS", "ADEX", "ADLB", "ADMRD", "ADTR", "ADAE", "ADCM", "ADPR")

PROGRESSION = ["PD", "PROGRESSIVE DISEASE", "RELAPSE", "RELAPSED DISEASE", "DISEASE PROGRESSION", "MORPHOLOGIC RELAPSE"]
FREE = ["CR", "CRI", "CRH", "CRP", "CRU", "MLFS", "SCR", "VGPR", "PR", "MR", "SD", "NR", "NED", "NON-CR/NON-PD"]
FREE += ["CMR", "PMR", "NMR", "COMPLETE RESPONSE", "PARTIAL RESPONSE", "STABLE DISEASE", "NO RESPONSE"]
UNKNOWN = ["NE", "NA", "ND", "UNK", "MISSING", "NOT EVALUABLE", "INEVALUABLE", "NOT DONE", "UNKNOWN", ""]
UNITS = ("fraction", "percent", "per_10000", "per_100000", "per_million", "log10")


def variable(value: Any) -> str:
    """The name of a variable, in capitals."""
    return words(value).upper()


def variables(value: Any) -> list[str]:
    """Names of variables: one, or a list of them."""
    return [variable(entry) for entry in (value if isinstance(value, list) else [value])]


def texts(value: Any) -> list[str]:
    """Texts: one, or a list of them; a number as its text, and an empty text for an empty cell."""
    values = value if isinstance(value, list) else [value]
    if any(isinstance(entry, bool) or not isinstance(entry, str | int | float) for entry in values):
        raise ValueError('a text or a list of texts (put "NO" and "YES" in quotes: YAML reads them as false and true)')
    return [str(entry).strip() for entry in values]


def conditions(value: Any) -> dict[str, list[str]]:
    """Variable -> the values that it may have."""
    return {variable(name): texts(allowed) for name, allowed in mapping(value).items()}


def translations(value: Any) -> dict[str, dict[str, str]]:
    """Column of a study table -> ADaM's word -> ours."""
    return {
        words(c): {texts(w)[0]: texts(own)[0] for w, own in mapping(pairs).items()}
        for c, pairs in mapping(value).items()
    }


def named(value: Any) -> dict[str, str]:
    """Name -> variable."""
    return {words(name): variable(given) for name, given in mapping(value).items()}


def stems(value: Any) -> dict[str, str]:
    """Dataset -> file name within the folder, with or without its ending."""
    return {variable(name): words(file) for name, file in mapping(value).items()}


def codes(value: Any) -> dict[int, str]:
    """CNSR -> outcome of the contract."""
    found = {}
    for code, outcome in mapping(value).items():
        if isinstance(code, bool) or not isinstance(code, int) or code < 1 or outcome not in contract.OUTCOMES:
            raise ValueError(f"positive whole numbers with one of {', '.join(contract.OUTCOMES)} each")
        found[code] = outcome
    return found


def outcomes(value: Any) -> list[str]:
    """Outcomes after which follow-up may go on."""
    given = texts(value)
    if set(given) - {"transplant", "new_therapy"}:
        raise ValueError("a list of transplant and new_therapy, or []")
    return given


def selections(value: Any) -> list:
    """A list of selections; one may stand alone."""
    return value if isinstance(value, list) else [value]


STUDY = {
    "folder": Key(words, "folder of the datasets, within the study's folder", default="adam"),
    "encoding": Key(words, "encoding of CSV and SAS files, such as windows-1252", default="utf-8"),
    "datasets": Key(stems, "file name of a dataset where it is not the dataset's own", default={}),
    "study": Key(mapping, "what `study.yaml` says and ADaM does not: title, licence, products, covariates, ..."),
    "day_0": Key(variable, "date of ADSL that is day 0: TRTSDT, or RANDDT", default="TRTSDT"),
    "subject": Key(variable, "variable that tells patients apart, of every dataset", default="USUBJID"),
    "population": Key(conditions, "flags of ADSL that a patient must have, such as ITTFL: Y", default={}),
    "patients": Key(named, "variable of ADSL for trial, site, arm, schedule, product and enrolled_day", default={}),
    "covariates": Key(named, "variable of ADSL by the covariate's column of patients, in the order wanted", default={}),
    "death": Key(variables, "dates of death of ADSL, the first that is there", default=["DTHDT"]),
    "last_seen": Key(
        variables, "end of follow-up: dates of ADSL, the first that is there", default=["LSTALVDT", "EOSDT"]
    ),
    "words": Key(
        translations, "ADaM's word: ours, by column of the study's tables (arm, product, agent, ...)", default={}
    ),
    "intervals": Key(mapping, "how progression-free intervals are derived", default={}),
    "infusions": Key(selections, "infusions of cells: ADEX", default=[]),
    "courses": Key(selections, "courses of co-treatments: ADCM, ADPR, ADEX", default=[]),
    "mrd": Key(selections, "samples: ADLB or a dataset of your own", default=[]),
    "burden": Key(selections, "tumour burden: ADTR, ADLB", default=[]),
    "gvhd": Key(selections, "episodes of GVHD: ADAE", default=[]),
    "conditions": Key(selections, "episodes of other conditions: ADAE, ADLB", default=[]),
    "transplant": Key(selections, "dates of transplants: ADPR, ADCM", default=[]),
    "new_therapy": Key(selections, "dates of therapies outside the protocol: ADCM", default=[]),
    "retreatment": Key(selections, "dates of treatments that start a next interval, beside infusions", default=[]),
}
INTERVALS = {
    "from": Key(one_of(("ADRS", "ADTTE")), "ADRS: recurrent, from assessments; ADTTE: one a patient", default="ADRS"),
    "where": Key(conditions, "assessments of response: values of variables of ADRS", default={"PARAMCD": ["OVR"]}),
    "except": Key(conditions, "values that leave a record of ADRS out, such as AVISIT: UNSCHEDULED", default={}),
    "day": Key(variable, "date of an assessment", default="ADT"),
    "response": Key(variable, "variable of ADRS with the response", default="AVALC"),
    "progression": Key(texts, "responses that are progression", default=PROGRESSION),
    "free": Key(texts, "responses that are free of progression", default=FREE),
    "not_evaluable": Key(texts, "responses that say nothing", default=UNKNOWN),
    "pfs": Key(words, "PARAMCD of progression-free survival in ADTTE", default="PFS"),
    "os": Key(words, "PARAMCD of overall survival in ADTTE", default="OS"),
    "cnsr": Key(codes, "outcome of a reason of censoring (CNSR above 0); others are censored", default={}),
    "censored_at": Key(one_of(("last_assessment", "last_seen")), "where an interval without outcome ends",
                       default="last_assessment"),
    "follow_on": Key(outcomes, "outcomes after which a next interval follows on the same day, if follow-up goes on",
                     default=["transplant", "new_therapy"]),
    "zero_length": Key(one_of(("half_day", "leave_out")), "an interval that ends as it starts", default="half_day"),
}  # fmt: skip
CHOICE = {
    "dataset": Key(variable, "dataset", required=True),
    "where": Key(conditions, "values that variables must have", default={}),
    "except": Key(conditions, "values that leave a record out", default={}),
}
DAY = Key(variable, "date (default ADT of measurements, else ASTDT), or a study day whose name ends in DY")


def optional(meaning: str) -> Key:
    return Key(variable, meaning)


SELECTIONS = {
    "infusions": CHOICE
    | {
        "day": DAY,
        "cells": optional("variable with the number of cells (default AVAL)"),
        "factor": Key(positive, "cells per unit of that variable, such as 1e6", default=1.0),
        "product": Key(words, "name of the product, for all records"),
        "product_from": optional("variable with the product (default EXTRT)"),
        "lot": optional("variable with lot or donor"),
    },
    "courses": CHOICE
    | {
        "start": optional("first day (default ASTDT)"),
        "stop": optional("last day (default AENDT); empty: the end of follow-up"),
        "agent": Key(words, "name of the agent, for all records"),
        "agent_from": optional("variable with the agent (default CMDECOD)"),
    },
    "mrd": CHOICE
    | {
        "day": DAY,
        "value": optional("variable with the number (default AVAL)"),
        "text": optional("variable with the text of the result, such as <1e-5 (default AVALC)"),
        "unit": Key(one_of(UNITS), f"unit of value and limit: {', '.join(UNITS)}", default="fraction"),
        "lod": Key(number, "limit of detection in that unit, for all records"),
        "lod_from": optional("variable with the limit of detection in that unit, such as LBLLOQ"),
        "assay": Key(words, "name of the assay, for all records"),
        "assay_from": optional("variable with the assay (default PARAMCD)"),
    },
    "burden": CHOICE
    | {
        "day": DAY,
        "value": optional("variable with the number (default AVAL)"),
        "text": optional("variable with the text of the result, such as <5 (default AVALC)"),
        "factor": Key(positive, "units of burden per unit of that variable, such as 10 for cm in mm", default=1.0),
        "lod_from": optional("variable with the limit of quantification"),
    },
    "gvhd": CHOICE
    | {
        "start": optional("first day (default ASTDT)"),
        "end": optional("last day (default AENDT); empty: until the end of follow-up"),
        "kind": Key(one_of(tuple(contract.GRADES)), "acute or chronic, for all records"),
        "kind_from": optional("variable with the kind, translated by words: kind:"),
        "grade": optional("variable with the grade, such as ATOXGR; none: not graded"),
    },
    "conditions": CHOICE
    | {
        "start": optional("first day (default ASTDT)"),
        "end": optional("last day (default AENDT); empty: until the end of follow-up"),
        "condition": Key(words, "name of the condition, for all records"),
        "condition_from": optional("variable with the condition (default AEDECOD)"),
    },
    **{name: CHOICE | {"day": DAY} for name in ("transplant", "new_therapy", "retreatment")},
}


@dataclass(frozen=True)
class Mapping:
    """`adam.yaml` as the adapter uses it: `keys` of `STUDY` with defaults, selections as dicts of `SELECTIONS`."""

    path: Path
    keys: dict

    def __getitem__(self, key: str) -> Any:
        return self.keys[key]

    @property
    def study_folder(self) -> Path:
        return self.path.parent


def read(study_folder: Path | str) -> Mapping:
    """The mapping of a study's folder. Raises StudyError with every fault of the file."""
    path = Path(study_folder) / FILE
    faults = Faults(path.parent.resolve().name)
    content = loaded(path, faults)
    reader = about.Reader(path.as_posix())
    keys = reader.keys(content, STUDY, "")
    keys["intervals"] = reader.keys(keys["intervals"], INTERVALS, "intervals")
    for name, known in SELECTIONS.items():
        entries = enumerate(keys[name], start=1)
        keys[name] = [reader.keys(entry, known, f"{name}.{place}") for place, entry in entries]
    own = keys["study"] if isinstance(keys.get("study"), dict) else {}
    described = reader.keys({"day_0": "day 0"} | own, about.STUDY, "study")
    for part, known in about.PARTS.items():
        for name, entry in described[part].items():
            reader.keys(entry, known, f"study.{part}.{name}")
    faults.found += reader.found
    check(keys, path, faults)
    faults.stop()
    return Mapping(path, keys | {"study": own})


def loaded(path: Path, faults: Faults) -> dict:
    """The content of the file; raises StudyError where it is no mapping, or a key stands twice."""
    if not path.exists():
        faults.stop_at("adam_mapping", path, "there is no such file", "make one: redose new STUDY --adam FOLDER")
    try:
        node = about.composed(path)
        content, twice = yaml.SafeLoader("").construct_document(node) if node else None, about.repeated_keys(node)
    except Unreadable as fault:
        faults.stop_at("adam_mapping", path, fault.message, fault.cure, **fault.where)
    except (ValueError, yaml.YAMLError, RecursionError) as fault:
        mark = getattr(fault, "problem_mark", None)
        reason = getattr(fault, "problem", None) or getattr(fault, "reason", None) or type(fault).__name__
        cure = "correct it; colons, indentation and quotes are the usual suspects"
        faults.stop_at("adam_mapping", path, f"is not YAML ({reason})", cure, row=mark.line + 1 if mark else None)
    for key, row in twice:
        faults.add(
            "adam_mapping", path.as_posix(), f"{problems.shown(key)}: the key is given twice", "merge the two", row=row
        )
    if not isinstance(content, dict):
        faults.stop_at("adam_mapping", path, "is not a mapping of keys to values", "write it as docs/adam.md shows")
    return content


def check(keys: dict, path: Path, faults: Faults) -> None:
    """Adds what no single key can tell: a study without title, words of columns that are none, what must be chosen."""
    file = path.as_posix()
    if not isinstance(keys.get("study"), dict) or not keys["study"].get("title"):
        faults.add("adam_mapping", file, "study: has no title", "give study: {title: ...}")
    columns = {column.name for table in contract.TABLES.values() for column in table.raw} | set(keys["covariates"])
    for name in sorted(set(keys["words"]) - columns):
        faults.add("adam_mapping", file, f"words: {problems.shown(name)} is no column of a study's tables",
                   f"the columns are {', '.join(sorted(columns))}", column=name)  # fmt: skip
    fixed = {"trial", "site", "arm", "schedule", "product", "enrolled_day"}
    for name in sorted(set(keys["patients"]) - fixed):
        cure = f"give {', '.join(sorted(fixed))} there, and all else under covariates"
        faults.add("adam_mapping", file, f"patients: {problems.shown(name)} is none of its keys", cure, column=name)
    for name in sorted(set(keys["covariates"]) & ({column.name for column in contract.TABLES["patients"].columns})):
        faults.add(
            "adam_mapping", file, f"covariates: {name} is a column of its own", "give it under patients", column=name
        )
    for place, entry in enumerate(keys["gvhd"], start=1):
        if isinstance(entry, dict) and not {"kind", "kind_from"} & set(entry):
            faults.add("adam_mapping", file, f"gvhd.{place}: says no kind", "give kind: acute or chronic, or kind_from")


def used(mapping: Mapping) -> dict[str, set[str]]:
    """Dataset -> the variables that the mapping, with the guide's defaults, may ask of it."""
    subject = mapping["subject"]
    found: dict[str, set[str]] = {"ADSL": {subject, mapping["day_0"], *mapping["population"], *mapping["death"]}}
    found["ADSL"] |= {*mapping["patients"].values(), *mapping["covariates"].values(), *mapping["last_seen"]}
    found["ADSL"] |= {"STUDYID", "SITEID", "TRT01P", "DTHFL"}
    rules = mapping["intervals"]
    found["ADRS"] = {subject, rules["day"], rules["response"], *rules["where"], *rules["except"], "AVISIT"}
    found["ADTTE"] = {subject, "PARAMCD", "ADT", "STARTDT", "AVAL", "CNSR", "EVNTDESC", "CNSDTDSC"}
    for name in SELECTIONS:
        for entry in mapping[name]:
            named = {str(value) for key, value in entry.items() if SELECTIONS[name][key].read is variable}
            wanted = found.setdefault(entry["dataset"], {subject})
            wanted |= named | {*entry["where"], *entry["except"], *DEFAULTS, "DTYPE"}
    return found


DEFAULTS = ("ADT", "ASTDT", "AENDT", "AVAL", "AVALC", "EXTRT", "CMDECOD", "PARAMCD", "AEDECOD", "AVISIT", "AWTARGET")
