"""By what patients are told apart in descriptions and comparisons."""

import pandas as pd

ALL = "all patients"


def grouped_by(patients: pd.DataFrame) -> str:
    """Column of patients: the planned schedule where schedules differ, else the arm."""
    return "schedule" if len(set(patients["schedule"])) > 1 else "arm"


def groups(patients: pd.DataFrame) -> dict[str, pd.Index]:
    """Group -> its patients, those of all first; only these where there is one group."""
    keys = pd.Index(patients["patient"])
    column = patients[grouped_by(patients)].astype(str)
    levels = sorted(column.unique())
    of_level = {level: keys[(column == level).to_numpy()] for level in levels}
    return {ALL: keys} | (of_level if len(levels) > 1 else {})
