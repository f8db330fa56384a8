"""Time and memory to read and check a large study: 100,000 patients, 1,000,000 samples.

    python benchmarks/checks.py [patients] [csv|parquet] [sound|faulty] [--table CSV]

The study is made in a temporary folder, without a fault, or with one in every sample and infusion; that is not counted.
One process.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import processes
import rows
import yaml
from rows import Measure

from redose import checks, files, tables

ABOUT = {
    "title": "A large study",
    "day_0": "first infusion",
    "assays": {"NGS": {"lod": 1.0e-5}},
    "products": {"NK-1": {"source": "iPSC", "lineage": "NK"}},
    "covariates": {"age": {"label": "age", "role": "baseline", "unit": "years", "per": 10}},
}
SAMPLES = 10  # of each patient


def study(number: int, faulty: bool) -> dict[str, pd.DataFrame]:
    """The tables of a study of so many patients: two intervals, four infusions and ten samples each. faulty: all MRD is
    in percent, and the patients of all infusions are unknown."""
    rng = np.random.default_rng(1)
    keys = pd.Series([f"P{k:06d}" for k in range(number)])
    relapse = rng.integers(120, 300, number)
    patients = pd.DataFrame(
        {
            "patient": keys,
            "trial": "A",
            "site": [f"site-{k % 200}" for k in range(number)],
            "schedule": "quarterly",
            "product": "NK-1",
            "age": rng.integers(18, 85, number),
            "stage": rng.choice(["I", "II", "III"], number),
        }
    )
    intervals = pd.DataFrame(
        {
            "patient": keys.repeat(2),
            "interval": np.tile([1, 2], number),
            "start_day": np.stack([np.zeros(number, int), relapse], 1).ravel(),
            "end_day": np.stack([relapse, relapse + rng.integers(100, 700, number)], 1).ravel(),
            "outcome": np.tile(["progression", "censored"], number),
        }
    )
    infusions = pd.DataFrame({"patient": keys.repeat(4), "day": np.tile([0, 35, 70, 105], number), "cells": "9e8"})
    mrd = 10.0 ** rng.uniform(-6, -1, number * SAMPLES)
    samples = pd.DataFrame(
        {
            "patient": keys.repeat(SAMPLES),
            "day": (np.arange(SAMPLES) * 21 + rng.integers(0, 14, (number, SAMPLES))).ravel(),
            "assay": "NGS",
            "mrd": [f"{value:.3e}" if value >= 1e-5 else "<lod" for value in mrd],
            "lod": "1e-5",
        }
    )
    gvhd = pd.DataFrame({"patient": keys[::5], "kind": "acute", "grade": "2", "onset_day": 30, "end_day": 60})
    if faulty:
        samples["mrd"], infusions["patient"] = "35", "x" + infusions["patient"]
    return {
        "patients": patients,
        "intervals": intervals,
        "infusions": infusions.assign(product="NK-1"),
        "mrd": samples,
        "gvhd": gvhd,
    }


def write(made: dict[str, pd.DataFrame], folder: Path, form: str) -> None:
    """The study in `folder`, its tables as CSV or as Parquet."""
    (folder / "study.yaml").write_text(yaml.safe_dump(ABOUT), encoding="utf-8")
    for name, table in made.items():
        if form == "csv":
            table.to_csv(folder / f"{name}.csv", index=False)
        else:
            table.to_parquet(folder / f"{name}.parquet", index=False)


def measure(folder: Path) -> None:
    """Reads and checks the study of `folder`, and leaves there what it took: measured.json."""
    started, busy = time.perf_counter(), time.process_time()
    study = tables.read_study(folder / "study.yaml", folder)
    read = time.perf_counter() - started
    verdict = checks.check(study)
    taken, busy = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    found = {"read": read, "taken": taken, "busy": busy, "peak": peak, "findings": len(verdict.problems)}
    files.write_json(found | {"samples": len(study.tables["mrd"])}, folder / "measured.json")


def measures(found: dict) -> list[Measure]:
    """The rows of what `measure` left."""
    counted = f"{found['samples']:,} samples, {found['findings']:,} findings"
    return [
        Measure("read, wall time", found["read"], "s", counted),
        Measure("read and checked, wall time", found["taken"], "s", rows.load()),
        Measure("read and checked, processor time", found["busy"], "s"),
        Measure("peak memory", found["peak"], "GB"),
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("patients", type=int, nargs="?", default=100_000)
    options.add_argument("form", choices=["csv", "parquet"], nargs="?", default="csv")
    options.add_argument("kind", choices=["sound", "faulty"], nargs="?", default="sound")
    options.add_argument("--table", help="CSV to write")
    options.add_argument("--study", type=Path, help="read and check what lies there, and make nothing")
    asked = options.parse_args()
    if asked.study:  # a process of its own: the peak is that of reading and checking alone
        measure(asked.study)
        return
    with tempfile.TemporaryDirectory() as made:
        write(study(asked.patients, asked.kind == "faulty"), Path(made), asked.form)
        processes.timed(__file__, "--study", made)
        found = files.read_json(Path(made, "measured.json"))
    case = f"{asked.patients:,} patients, {asked.form}, {asked.kind}"
    rows.say(rows.table("checks", case, measures(found)), asked.table)


if __name__ == "__main__":
    main()
