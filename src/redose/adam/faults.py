"""What stops the adapter: every fault with file, row, patient, value and cure, all that can be found at once."""

from pathlib import Path
from typing import NoReturn

import pandas as pd

from redose import problems

RULES = {
    "adam_mapping": "adam.yaml says where the datasets are and how they are read, and has no key that nobody knows.",
    "adam_folder": "The folder of the datasets, and each of them, lies within the study's folder.",
    "adam_dataset": "A dataset that adam.yaml uses is there, once, and can be read.",
    "adam_variable": "A variable that adam.yaml uses is a variable of its dataset.",
    "adam_nothing": "What adam.yaml selects of a dataset occurs there.",
    "adam_subject": "Every subject stands in ADSL once.",
    "adam_censoring": "CNSR is 0 for an event and a positive whole number for a reason of censoring, once per patient.",
    "adam_response": "Every response is known as progression, free of progression, or not evaluable.",
    "adam_duplicate": "Of a patient, day and assay (or day, for burden) one value is left.",
    "adam_words": "Every kind of GVHD and every word that adam.yaml translates has a translation.",
}


class Faults:
    """The faults of one study, collected; `stop` raises them all as one StudyError."""

    def __init__(self, study: str) -> None:
        self.study = study
        self.found: list[pd.DataFrame] = []

    def add(self, rule: str, file: str, message: str, cure: str, **where: object) -> None:
        """One more fault; `where` may give row, patient, value, column and at."""
        assert rule in RULES, rule
        known = {"row": None, "patient": "", "value": "", "column": "", "at": ""} | where
        fault = {"severity": "error", "rule": rule, "file": file, "message": message, "cure": cure} | known
        self.found.append(pd.DataFrame([fault], columns=problems.COLUMNS).astype({"row": "Int64"}))

    def stop(self) -> None:
        """Raises StudyError with all faults found so far, if there are any."""
        if self.found:
            raise problems.StudyError(problems.text(self.study, problems.joined(self.found)))

    def stop_at(self, rule: str, file: Path | str, message: str, cure: str, **where: object) -> NoReturn:
        """Raises StudyError with this fault and all before it."""
        self.add(rule, Path(file).as_posix(), message, cure, **where)
        self.stop()
        raise AssertionError
