"""What stands in the tables of a run: every CSV and Parquet file, what a row of it is, and its columns.

`dictionary` makes `docs/results.md` of it, and the rule `describe` a dictionary.csv for every study. A test holds every
column of a run's results to exactly one entry here.

In names of files and columns `<model>` and the like stand for a name or number of the study, and `gain[_low|_high]` for
gain, gain_low and gain_high: a mean over the draws and its equal-tailed band, ci_prob of the config wide, where the
meaning says nothing else.
"""

import pandas as pd

from redose import contract
from redose.codebook import adam, beside, choices, cohort, fits, marker, people
from redose.codebook.columns import NEEDS, NUMBER, Column, File

__all__ = ["FILES", "NEEDS", "NUMBER", "Column", "File", "of_study"]

FILES = (*fits.FILES, *adam.FILES, *cohort.FILES, *marker.FILES, *choices.FILES, *people.FILES, *beside.FILES)


def of_study(has: list[str], covariates: dict, patients: pd.DataFrame) -> tuple[File, ...]:
    """Entries of the files of one study. has: keys of NEEDS that it meets. covariates: of its study.yaml, by column;
    patients: its checked table, whose further columns take the place of `<covariate>`."""
    own = [described(name, covariates.get(name, {}), patients[name]) for name in further(patients)]
    found = []
    for file in FILES:
        if file.needs in ("", *has):
            columns = [c for c in file.columns if c.name != "<covariate>"]
            columns += own if len(columns) < len(file.columns) else []
            found.append(File(file.place, file.rows, tuple(columns), file.needs))
    return tuple(found)


def further(patients: pd.DataFrame) -> list[str]:
    """Columns of the table of patients that the contract does not name."""
    return [name for name in patients if name not in {c.name for c in contract.TABLES["patients"].columns}]


def described(name: str, covariate: dict, values: pd.Series) -> Column:
    """The entry of a covariate, in the words of study.yaml."""
    kind = "number" if pd.api.types.is_numeric_dtype(values) else "text"
    meaning = f"covariate: {covariate.get('label', name)}"
    return Column(name, kind, meaning, covariate.get("unit", ""))
