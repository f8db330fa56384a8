"""Time to predict many patients from a fit, without a refit, after `./run`.

    python benchmarks/predict.py [patients] [results/redosable]

The histories are those of the trial's own patients on day 91, under new keys; one process.
"""

import resource
import sys
import time
from pathlib import Path

import pandas as pd

from redose import dynamic, history, tables

ROOT = Path(__file__).parents[1]
DAY = 91


def main(number: int, folder: Path) -> None:
    of = dynamic.read(folder / "joint_step/predictor.nc")
    known = history.until(tables.read_checked(folder / "tables"), of.options, DAY)
    count = -(-number // len(known["patients"]))
    many = {n: pd.concat([t.assign(patient=t["patient"] + f"/{k}") for k in range(count)]) for n, t in known.items()}
    keys = many["patients"]["patient"].to_numpy()[:number]
    many = dynamic.part({n: t.reset_index(drop=True) for n, t in many.items()}, keys)
    started = time.perf_counter()
    table, _ = dynamic.predict(of, many)
    taken = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{len(table)} patients in {taken:.0f} s, {1000 * taken / len(table):.0f} ms each, peak {peak:.1f} GB")


if __name__ == "__main__":
    results = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "results/redosable"
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, results)
