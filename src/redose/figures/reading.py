"""Tables of a run, read back as they were written."""

from pathlib import Path

import pandas as pd

TEXT = {
    "patient": str,
    "group": str,
    "label": str,
    "category": str,
    "of": str,
    "interval": str,
    "parameter": str,
    "covariate": str,
}


def read(path: str | Path) -> pd.DataFrame:
    """The CSV at `path`; keys and names stay text (patient 001, an arm called NA), only an empty cell is missing."""
    return pd.read_csv(path, dtype=TEXT, keep_default_na=False, na_values=[""])
