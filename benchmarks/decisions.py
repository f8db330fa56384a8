"""The decision layer on the full size: against 20,000 patients whose events are drawn, and its speed.

    python benchmarks/decisions.py truth    every outcome of a grid of regimes, and the true regret of the one chosen
    python benchmarks/decisions.py speed    1,000 draws, 240 patients, 100 regimes, 104 weeks: seconds and memory

`truth` builds on tests/brute.py and tests/test_decisions.py, at parameters like those of data/redosable, with GVHD.
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np
import xarray as xr
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import test_decisions as small  # noqa: E402

from redose.decisions import path, regimes, utility  # noqa: E402

PATIENTS = 20_000
TAUS, EVERY = (-5, -4, -3, -2), (28, 56, 112)
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())


def truth() -> None:
    """Prints the largest difference in standard errors, and the true regret of the chosen regime."""
    shared = {"kind": "adaptive", "within": 7}
    cells = [{"name": regimes.cell_name(t, e), "tau": t, "every": e, **shared} for e in EVERY for t in TAUS]
    records = [*small.RECORDS, *cells]
    start = time.perf_counter()
    table = small.compared(small.crowd(PATIENTS // 10, 1), 10, records, 5)
    z = (table["kernel"] - table["brute"]) / np.maximum(table["se"], 1e-3)
    print(
        f"{len(table)} outcomes of {len(records) + 1} regimes, {PATIENTS} patients, {time.perf_counter() - start:.0f} s"
    )
    print(f"largest |z| {z.abs().max():.1f}; beyond 2 standard errors: {100 * (z.abs() > 2).mean():.1f} %")
    print(table.assign(z=z).sort_values("z", key=abs).tail(5).to_string())
    every = small.rules_of(*records)
    u = {name: utilities(table, every, name) for name in ("kernel", "brute")}
    chosen, span = int(u["kernel"].argmax()), np.ptp(u["brute"])
    loss = u["brute"].max() - u["brute"][chosen]
    best = every[int(u["brute"].argmax())].name
    print(
        f"chosen {every[chosen].name}; best by brute force {best}; true regret {100 * loss / span:.2f} % of the range"
    )


def utilities(table, every, name: str) -> np.ndarray:
    """Utility of every regime by the kernel or by brute force, shape (regime,)."""
    wide = table.pivot_table(index="regime", columns="outcome", values=name).reindex([r.name for r in every])
    values = np.array([wide[c] if c in wide else np.zeros(len(wide)) for c in path.OUTCOMES]).T[None]
    found = xr.DataArray(values, dims=("draw", "regime", "outcome"), coords={"outcome": list(path.OUTCOMES)})
    return utility.utility(found, every, CONFIG["decision"]["utility"])[0]


def speed(draws: int = 1000, patients: int = 240, number: int = 100, chunk: int = 100) -> None:
    """Prints seconds, nanoseconds a step and the largest memory, with GVHD and without."""
    records = [r for r in small.RECORDS if r["kind"] == "adaptive"]
    many = [{**records[k % len(records)], "name": f"r{k}"} for k in range(number - 1)]
    every = small.rules_of(*many)
    people = small.crowd(patients, 1)
    for name, gvhd in (("without GVHD", False), ("with GVHD", True)):
        parts = small.true_world(people, every)
        parts = [repeated(x, chunk) for x in parts]
        parts[3] = parts[3]._replace(present=gvhd)
        counts = np.array([patients])
        path.outcomes(*regimes.rules(every), *[repeated(x, 1) for x in parts], 1, counts)
        start = time.perf_counter()
        for first in range(0, draws, chunk):
            own = (*parts[:-1], parts[-1]._replace(first=first))
            path.outcomes(*regimes.rules(every), *own, 1, counts)
        spent = time.perf_counter() - start
        steps = draws * patients * number * small.STEPS
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{name}: {spent:.0f} s, {1e9 * spent / steps:.0f} ns a step of {steps:.1e}, {memory:.1f} GB at most")


def repeated(record, draws: int):
    """The first draw of a record of the kernel, so many times."""
    fields = record._asdict()
    by_draw = DRAWN.get(type(record).__name__, ())
    return record._replace(**{k: np.repeat(fields[k][:1], draws, axis=0) for k in by_draw})


DRAWN = {  # fields that have a draw axis
    "People": ("level", "growth", "kill", "relative"),
    "Hazards": ("grown", "linked", "slope"),
    "Kill": ("weight", "half_life", "kappa", "rho"),
    "Gvhd": ("onsets", "half_life", "background", "relative", "shares", "counted", "ends", "ratio"),
    "Assay": ("sigma", "detection"),
}


if __name__ == "__main__":
    {"truth": truth, "speed": speed}[sys.argv[1]]()
