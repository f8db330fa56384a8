"""Histories of patients whom a fit has not seen: tables of the data contract or JSON, checked like any study.

JSON is an object of one patient, or a list of them. Lists are tables of the contract, whose rows need not say the
patient; whatever else stands beside them belongs to the table of patients:

    {"patient": "017", "age": 61, "today": 120, "infusions": [{"day": 0, "cells": 9e8, "product": "iPSC-NK"}],
     "mrd": [{"day": 28, "assay": "NGS", "mrd": "<lod"}, {"day": 112, "assay": "NGS", "mrd": 2e-4}]}

`today`, a day since day 0, is the end of a first interval without progression, where no intervals are given. Infusions
after the end of follow-up are planned ones.
"""

import json
from pathlib import Path

import pandas as pd

from redose import checks, contract, problems, pseudonyms, tables
from redose.problems import StudyError

TODAY = "today"


def read(source: Path | str, about: dict, salt: str | None = None) -> checks.Verdict:
    """The verdict on the patients in a folder of tables or a JSON file, with their checked tables. about: study.yaml of
    the fit; salt: of the pseudonyms that take the place of keys, None: keys as they are. Raises StudyError where the
    source is neither, or no JSON of the form above."""
    source = Path(source)
    if (source / "checks.csv").exists() and (source / "patients.parquet").exists():  # results/STUDY/tables
        checked = tables.read_checked(source)
        checked = checked if salt is None else pseudonyms.of_checked(checked, salt)
        return checks.Verdict(source.parent.name, problems.no_problems(), checked)
    if salt is None:
        return checks.check(given(source, about), every_level=False)
    try:
        study = given(source, about)
    except StudyError:  # its message may quote what the file holds
        words = "cannot be read as patients; `redose predict` says why, which is not kept where keys are pseudonyms"
        raise StudyError(f"{source}: {words}.") from None
    return pseudonyms.kept(checks.check(pseudonyms.hidden(study, salt), every_level=False))


def given(source: Path, about: dict) -> tables.Study:
    """The study in a JSON file or a folder of tables. Raises StudyError where it is neither."""
    return from_json(source, about) if source.is_file() else from_folder(source, about)


def from_folder(folder: Path, about: dict) -> tables.Study:
    """The study in a folder of tables, described by the fit's study.yaml; one of its own is not read.

    Raises StudyError where there is no such folder."""
    if not folder.is_dir():
        raise StudyError(f"{folder}: there is no such folder or file; give a folder of tables, or a JSON file.")
    read, files, found = tables.read_tables(folder)
    return tables.Study(folder.name, about, "study.yaml of the fit", read, files, problems.joined(found))


def from_json(path: Path, about: dict) -> tables.Study:
    """The study in a JSON file; its tables are text, as those of a folder.

    Raises StudyError where the file is no JSON of that form."""
    try:
        people = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=once)
    except UnicodeDecodeError:
        raise StudyError(f"{path}: is not UTF-8 text; save it as UTF-8.") from None
    except (OSError, RecursionError, ValueError) as fault:
        raise StudyError(f"{path}: is no JSON of patients ({fault}); see docs/cli.md for its form.") from None
    if people == []:
        raise StudyError(f"{path}: holds no patient; see docs/cli.md for its form.")
    rows: dict[str, list[dict]] = {}
    for place, one in enumerate(people if isinstance(people, list) else [people], start=1):
        if not isinstance(one, dict) or "patient" not in one:
            raise StudyError(f"{path}: entry {place} is no object with a key `patient`; see docs/cli.md for its form.")
        for name, entries in of_patient(one, path).items():
            rows.setdefault(name, []).extend(entries)
    frames = {name: as_text(entries) for name, entries in rows.items()}
    files = {name: f"{path.as_posix()}: {name}" for name in frames}
    return tables.Study(path.stem, about, "study.yaml of the fit", frames, files, problems.no_problems())


def once(pairs: list[tuple]) -> dict:
    """A JSON object. Raises ValueError for a key that stands in it twice."""
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the key {twice[0]!r} is given twice")
    return dict(pairs)


def of_patient(one: dict, path: Path) -> dict[str, list[dict]]:
    """Table -> rows of one patient of a JSON file."""
    key, today = one["patient"], one.get(TODAY)
    for name in {*contract.TABLES, *one} - {"patients"}:
        if name in one and (name in contract.TABLES or isinstance(one[name], dict)) and not isinstance(one[name], list):
            raise StudyError(f"{path}: patient {key}: {name} must be a list of objects, a row each.")
    if "intervals" in one and today is not None:
        raise StudyError(
            f"{path}: patient {key}: give `today` or `intervals`, not both: today is the end of the last one."
        )
    found = {"patients": [{k: v for k, v in one.items() if not isinstance(v, list) and k != TODAY}]}
    for name, entries in one.items():
        if not isinstance(entries, list):
            continue
        if name not in contract.TABLES or name == "patients":
            known = ", ".join(t for t in contract.TABLES if t != "patients")
            raise StudyError(f"{path}: patient {key}: no table is called '{name}'; give {known}.")
        if not all(isinstance(entry, dict) for entry in entries):
            raise StudyError(f"{path}: patient {key}: {name} must be a list of objects, a row each.")
        if entries:  # an empty list says that there is none
            found[name] = [{"patient": key} | entry for entry in entries]
    if "intervals" not in found:
        if today is None:
            raise StudyError(f"{path}: patient {key}: give `today`, the day up to which it is free of progression.")
        if today == 0:
            raise StudyError(
                f"{path}: patient {key}: `today` is day 0 itself: give 0.5 where nothing has happened yet."
            )
        first = {"patient": key, "interval": 1, "start_day": 0, "end_day": today, "outcome": "censored"}
        found["intervals"] = [first]
    return found


def as_text(entries: list[dict]) -> pd.DataFrame:
    """Rows as text, empty where a value is absent or null, numbered as in a file with a header."""
    names = list(dict.fromkeys(name for entry in entries for name in entry))
    cells = [["" if entry.get(name) is None else str(entry[name]) for name in names] for entry in entries]
    index = pd.RangeIndex(2, len(entries) + 2, name="row")
    return pd.DataFrame(cells, index=index, columns=names, dtype=object)
