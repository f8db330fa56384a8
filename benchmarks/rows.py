"""The table that every benchmark writes: a row per measure, with the machine and the versions that it was taken on."""

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from redose import files, host

COLUMNS = ["section", "case", "measure", "value", "unit", "note", "machine", "versions"]


@dataclass(frozen=True)
class Measure:
    """One figure. note: what else a reader must know of it, such as the parameter of a smallest ESS."""

    name: str
    value: float
    unit: str = ""
    note: str = ""


def machine() -> str:
    """Class of the host and cores that this process may use; no host name."""
    return f"{host.host_class()}, {len(os.sched_getaffinity(0))} cores"


def versions() -> str:
    """Of Python and of the packages that a result may depend on."""
    from redose import sampling  # with PyMC, which a process whose memory is measured does not want

    made_by = sampling.provenance(0)
    return ", ".join(f"{name} {made_by[name]}" for name in ("python", *sampling.PACKAGES))


def table(section: str, case: str, measures: list[Measure]) -> pd.DataFrame:
    """Columns COLUMNS, a row per measure."""
    rows = [(section, case, m.name, m.value, m.unit, m.note, machine(), versions()) for m in measures]
    return pd.DataFrame(rows, columns=COLUMNS)


def say(found: pd.DataFrame, path: str | None) -> None:
    """Prints the measures, and writes the table to `path` if there is one."""
    for r in found.itertuples():
        print(f"{r.case}: {r.measure} {r.value:.4g} {r.unit} {r.note}".rstrip(), flush=True)
    if path:
        files.write_table(found, Path(path))


def load() -> str:
    """How busy the machine was: mean number of runnable processes over the last minute, for the note of a wall time."""
    return f"load {os.getloadavg()[0]:.1f}"
