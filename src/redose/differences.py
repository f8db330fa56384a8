"""Two runs side by side: the same bits, or which table differs, and by how much."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from redose import digests, provenance

TIMES = "run_times.csv"  # wall time, memory and load of jobs
# parts of a record that say what made the results, and not what they are: these are compared file by file
MAY_DIFFER = ("hosts", "environment", "engine", "package", "workflow", "lock", "results")
MADE_BY = "versions and class of host"
SAME, ALLOWED, OTHER, ONE_SIDED = STATES = "same bits", "may differ", "differs", "on one side only"


@dataclass(frozen=True)
class Difference:
    """How a file of one run compares with that of the other. state: a word of this module; detail: what differs and by
    how much."""

    file: str
    state: str
    detail: str = ""


def differences(first: Path, second: Path) -> list[Difference]:
    """One entry for every file below one folder or both."""
    names = {f.relative_to(root).as_posix() for root in (first, second) for f in provenance.below(root)}
    return [compared(name, first / name, second / name) for name in sorted(names)]


def compared(name: str, first: Path, second: Path) -> Difference:
    """Of one file."""
    if not (first.is_file() and second.is_file()):
        return Difference(name, ONE_SIDED, f"only in {(first if first.is_file() else second).parent.as_posix()}")
    if digests.of_file(first) == digests.of_file(second):
        return Difference(name, SAME)
    if first.name == TIMES:
        return Difference(name, ALLOWED, "times, memory and load of jobs")
    details = list(DETAILS.get(first.suffix, of_bytes)(first, second))
    if first.name == provenance.NAME:
        allowed = [d for d in details if d.split(".")[0].split(":")[0] in MAY_DIFFER]
        state = ALLOWED if len(allowed) == len(details) else OTHER
        return Difference(name, state, "; ".join(few(details)))
    if details == [MADE_BY]:
        return Difference(name, ALLOWED, MADE_BY)
    return Difference(name, OTHER, "; ".join(few(details)) or "the same values in other bytes")


def few(details: list[str], most: int = 5) -> list[str]:
    """The first of them, and how many more there are."""
    return details if len(details) <= most else [*details[:most], f"and {len(details) - most} more"]


def of_tables(first: Path, second: Path) -> Iterator[str]:
    """Columns of two CSV or Parquet files that differ."""
    read = pd.read_parquet if first.suffix == ".parquet" else pd.read_csv
    left, right = read(first), read(second)
    for column in dict.fromkeys([*left, *right]):
        if column not in left or column not in right:
            yield f"column {column}: only in the {'first' if column in left else 'second'}"
    if len(left) != len(right):
        yield f"{len(left)} rows and {len(right)} rows"
        return
    for column in [c for c in left if c in right]:
        if said := of_values(left[column].to_numpy(), right[column].to_numpy()):
            yield f"column {column}: {said}"


def of_values(left: np.ndarray, right: np.ndarray) -> str:
    """How two arrays differ, "" where they do not: how many values, and of numbers the largest difference."""
    if left.shape != right.shape:
        return f"shape {left.shape} and {right.shape}"
    numbers = all(x.dtype.kind in "iufb" for x in (left, right))
    if numbers:
        a, b = left.astype(float), right.astype(float)
        other = ~((a == b) | (np.isnan(a) & np.isnan(b)))
        if not other.any():
            return ""
        apart = np.abs(a - b)[other]
        largest = np.nanmax(apart) if np.isfinite(apart).any() else np.nan
        scale = np.nanmax(np.abs(a)) or 1.0
        return f"{other.sum()} of {other.size} values, by up to {largest:.3g} ({largest / scale:.1e} of the largest)"
    other = np.array([str(a) != str(b) for a, b in zip(left.ravel(), right.ravel(), strict=True)])
    return f"{other.sum()} of {other.size} values" if other.any() else ""


def of_trees(first: Path, second: Path) -> Iterator[str]:
    """Variables and attributes of two NetCDF files that differ."""
    with h5py.File(first) as left, h5py.File(second) as right:
        names = [sorted(variables(x)) for x in (left, right)]
        for name in sorted({*names[0], *names[1]}):
            if name not in names[0] or name not in names[1]:
                yield f"{name}: only in the {'first' if name in names[0] else 'second'}"
            elif said := of_values(np.asarray(left[name]), np.asarray(right[name])):
                yield f"{name}: {said}"
        said = [labels(x) for x in (left, right)]
    other = {name for name in {*said[0], *said[1]} if said[0].get(name) != said[1].get(name)}
    origin = {name for name in other if name[1] in ("host", "python", *said_by())}
    yield from (f"attribute {name[1]} of {name[0]}" for name in sorted(other - origin))
    if origin:
        yield MADE_BY


def said_by() -> tuple[str, ...]:
    """Packages whose versions posteriors name."""
    from redose.sampling import PACKAGES

    return PACKAGES


def variables(file: h5py.File) -> list[str]:
    found = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def labels(file: h5py.File) -> dict:
    """(group, name) -> value of the attributes of groups that are text."""
    found = {("/", name): value for name, value in file.attrs.items() if isinstance(value, str)}

    def add(place: str, item: h5py.HLObject) -> None:
        found.update({(place, name): value for name, value in item.attrs.items() if isinstance(value, str)})

    file.visititems(add)
    return found


def of_json(first: Path, second: Path) -> Iterator[str]:
    """Entries of two JSON files that differ, by their names joined with dots."""
    yield from of_entries(*(json.loads(f.read_text(encoding="utf-8")) for f in (first, second)), "")


def of_entries(left: object, right: object, place: str) -> Iterator[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        for name in sorted({*left, *right}):
            yield from of_entries(left.get(name), right.get(name), f"{place}.{name}" if place else name)
    elif left != right:
        numbers = all(isinstance(x, (int, float)) for x in (left, right))
        yield f"{place}: {left:.6g} and {right:.6g}" if numbers else place


def of_bytes(first: Path, second: Path) -> Iterator[str]:
    """Two files of which nothing more is known."""
    left, right = first.read_bytes(), second.read_bytes()
    where = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    yield f"{len(left)} and {len(right)} bytes, from byte {where + 1} on"


DETAILS = {".csv": of_tables, ".parquet": of_tables, ".nc": of_trees, ".json": of_json}
