"""How thresholds, days alive and progression-free, and verdicts on patients moved between the data cuts of a study.

Every cut was analysed by itself, with the same models, priors and rules; what each then said stands side by side.
Nothing is adjusted for looking more than once: a posterior needs no such adjustment, whereas the error rates of a rule
of stopping do, and none is given here.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = ["cut", "day", "model", "quantity", "group", "value", "low", "high", "moved"]
VERDICTS = ("selected", "undecided", "not selected")


def compare(cuts: list[dict], given: Iterable[str], horizons: list[int]) -> pd.DataFrame:
    """One row per cut, model, quantity and group, in the order of the cuts: value with its band, and `moved`, the
    change since the cut before that has the quantity (missing for the first, or where one of the two is infinite).

    cuts: cut, study and day (None: not by a day) of each. given: files of their results, `results/STUDY/...`, of the
    accepted models only. horizons: days of the mean days alive and progression-free."""
    files = [Path(file) for file in given]
    found, verdicts = [], {}
    for cut in cuts:
        own = {Path(*file.parts[2:]).as_posix(): file for file in files if file.parts[1] == cut["study"]}
        rows = [*counts(own), *thresholds(own), *lengths(own, horizons)]
        for place, file in of_models(own, "selection/", ".gain.csv"):
            now = read(file).set_index("patient")["verdict"]
            rows += selection(place, now, verdicts.get(place))
            verdicts[place] = now
        day = np.nan if cut["day"] is None else cut["day"]
        found += [{"cut": cut["cut"], "day": day, **row} for row in rows]
    table = pd.DataFrame(found, columns=COLUMNS)
    with np.errstate(invalid="ignore"):
        moved = table.groupby(["model", "quantity", "group"], sort=False)["value"].diff()
    return table.assign(moved=moved.where(np.isfinite(moved)))


def read(file: Path) -> pd.DataFrame:
    """A table of results; keys and names stay text (patient 001, an arm called NA)."""
    texts = {"patient": str, "group": str, "interval": str}
    return pd.read_csv(file, dtype=texts, keep_default_na=False, na_values=[""])


def row(model: str, quantity: str, group: str, value: float, low: float = np.nan, high: float = np.nan) -> dict:
    return {"model": model, "quantity": quantity, "group": group, "value": value, "low": low, "high": high}


def of_models(own: dict[str, Path], start: str, end: str) -> list[tuple[str, Path]]:
    """(model, file) of the files whose place below the study's folder is the model between `start` and `end`."""
    return [(p[len(start) : -len(end)], f) for p, f in own.items() if p.startswith(start) and p.endswith(end)]


def counts(own: dict[str, Path]) -> list[dict]:
    """Patients, progressions and MRD samples of a cut."""
    read_in = {name: pd.read_parquet(own[f"tables/{name}.parquet"]) for name in ("patients", "intervals", "mrd")}
    progressions = int((read_in["intervals"]["outcome"] == "progression").sum())
    numbers = {"patients": len(read_in["patients"]), "progressions": progressions, "samples": len(read_in["mrd"])}
    return [row("", name, "", number) for name, number in numbers.items()]


def thresholds(own: dict[str, Path]) -> list[dict]:
    """Prognostic and risk thresholds of the joint models, log10 MRD."""
    found = []
    for model, file in of_models(own, "threshold/", ".csv"):
        found += [row(model, "threshold", r.threshold, r.median, r.low, r.high) for r in read(file).itertuples()]
    return found


def lengths(own: dict[str, Path], horizons: list[int]) -> list[dict]:
    """RMST of first intervals by group, at the longest horizon that the group was followed to."""
    found = []
    for model, file in of_models(own, "", "/lengths.csv"):
        first = read(file).query("interval == '1'")
        for group, part in first.groupby("group", sort=True):
            at = part.set_index("quantity")
            for name in [f"rmst_{day}" for day in sorted(horizons) if f"rmst_{day}" in at.index]:
                found.append(row(model, name, group, *at.loc[name, ["mean", "low", "high"]]))
    return found


def selection(model: str, now: pd.Series, before: pd.Series | None) -> list[dict]:
    """Patients by verdict, and how many of those known at the cut before have another one. now, before: by patient."""
    found = [row(model, "verdict", verdict, int((now == verdict).sum())) for verdict in VERDICTS]
    if before is not None:
        both = now.index.intersection(before.index)
        found.append(row(model, "verdict", "changed", int((now[both] != before[both]).sum())))
    return found
