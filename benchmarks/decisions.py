"""The decision layer on the full size: against 20,000 patients whose events are drawn, and its speed.

    python benchmarks/decisions.py truth    every outcome of a grid of regimes, and the true regret of the one chosen
    python benchmarks/decisions.py speed    1,000 draws, 240 patients, 100 regimes, 104 weeks: seconds, floors, memory;
                                            other numbers, and a CSV to write, as `speed DRAWS PATIENTS REGIMES TABLE`
    python benchmarks/decisions.py regret   trials of 60, 240 and 960 patients, fitted: true regret of the regime chosen

`truth` builds on tests/brute.py and tests/worlds.py, at parameters like those of data/redosable, with GVHD.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import crowds
import floor
import numpy as np
import pandas as pd
import rows
import yaml
from matplotlib.figure import Figure
from numba import njit
from rows import Measure

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import worlds  # noqa: E402

from redose import calibration, prediction, sampling  # noqa: E402
from redose.decisions import choice, outcomes, path, regimes, utility  # noqa: E402
from redose.decisions.records import World  # noqa: E402
from redose.figures import style  # noqa: E402

PATIENTS = 20_000
TAUS, EVERY = (-5, -4, -3, -2), (28, 56, 112)
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())


def truth() -> None:
    """Prints the largest difference in standard errors, and the true regret of the chosen regime."""
    shared = {"kind": "adaptive", "within": 7}
    cells = [{"name": regimes.cell_name(t, e), "tau": t, "every": e, **shared} for e in EVERY for t in TAUS]
    records = [*worlds.RECORDS, *cells]
    start = time.perf_counter()
    table = worlds.compared(worlds.crowd(PATIENTS // 10, 1), 10, records, 5)
    z = (table["kernel"] - table["brute"]) / np.maximum(table["se"], 1e-3)
    print(
        f"{len(table)} outcomes of {len(records) + 1} regimes, {PATIENTS} patients, {time.perf_counter() - start:.0f} s"
    )
    print(f"largest |z| {z.abs().max():.1f}; beyond 2 standard errors: {100 * (z.abs() > 2).mean():.1f} %")
    print(table.assign(z=z).sort_values("z", key=abs).tail(5).to_string())
    every = worlds.rules_of(*records)
    u = {name: worlds.utilities(table, every, name) for name in ("kernel", "brute")}
    chosen, span = int(u["kernel"].argmax()), np.ptp(u["brute"])
    loss = u["brute"].max() - u["brute"][chosen]
    best = every[int(u["brute"].argmax())].name
    print(
        f"chosen {every[chosen].name}; best by brute force {best}; true regret {100 * loss / span:.2f} % of the range"
    )


@njit
def hashed(x):
    """A random number, as that of a test's noise."""
    return path.uniform(0, 0, 0, np.int64(1000.0 * x), 0)


TABLE = np.ones(2201, dtype=np.float32)  # as long as that of links


@njit
def looked_up(x):
    """A link between two places of its table."""
    place = min(max(1000.0 * x, 0.0), 2199.999999)
    low = np.uintp(place)
    below = TABLE[low]
    return below + (place - low) * (TABLE[low + np.uintp(1)] - below)


OF_PATHS = {"random_number": hashed, "share": path._gone, "link": looked_up}
CHUNK = 100  # draws at a time
COUNTED = 2  # patients whose exponentials are counted


def speed(draws: int = 1000, patients: int = 240, number: int = 100, table: str | None = None) -> None:
    """Prints, and writes to `table`, seconds, their ratio to two floors, nanoseconds a step and the largest
    memory: without GVHD and, under a tenth of the draws, with."""
    one, every = crowds.crowd_of(patients, number)
    found, counted = [], evaluations(number)
    for name, gvhd, total in (("without GVHD", False, draws), ("with GVHD", True, draws // 10)):
        chunk = min(CHUNK, total)
        one = one._replace(gvhd=one.gvhd._replace(present=gvhd))
        parts = World(*(worlds.repeated(x, chunk) for x in one))
        counts = np.array([patients])
        path.outcomes(*regimes.rules(every), one, counts)
        start, before = time.perf_counter(), time.process_time()
        for first in range(0, total, chunk):
            own = parts._replace(setting=parts.setting._replace(first=first))
            path.outcomes(*regimes.rules(every), own, counts, 2)
        spent, busy = time.perf_counter() - start, time.process_time() - before
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        steps = -(-total // chunk) * chunk * patients * number * worlds.STEPS
        these = Counter({what: steps * by_step for what, by_step in counted[gvhd].items()})
        exact = these + Counter({"exp": these["share"] + these["link"]})
        del exact["share"], exact["link"]
        least, short = floor.floor_time(exact, **OF_PATHS), floor.floor_time(these, **OF_PATHS)
        of_step = ", ".join(f"{what} {by_step:.3g}" for what, by_step in counted[gvhd].items())
        measures = [
            Measure("wall time", spent, "s", f"{total} draws, {patients} patients, {number} regimes, {rows.load()}"),
            Measure("processor time", busy, "s"),
            Measure("floor, processor time", least, "s", f"of a step: {of_step}"),
            Measure("ratio to the floor", busy / least),
            Measure("floor of the approximants, processor time", short, "s"),
            Measure("ratio to the floor of the approximants", busy / short),
            Measure("time of a step", 1e9 * spent / steps, "ns", f"{steps:.1e} steps"),
            Measure("peak memory", memory, "GB"),
        ]
        found.append(rows.table("regimes", name, measures))
    rows.say(pd.concat(found), table)


def evaluations(number: int) -> list[dict[str, float]]:
    """Evaluations of every kind by step of a path, without GVHD and with, counted in a process of its own."""
    program = [sys.executable, str(Path(__file__).with_name("path_counts.py")), str(COUNTED), str(number)]
    said = subprocess.run(program, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, stdout=subprocess.PIPE, check=True)
    return json.loads(said.stdout)


REPEATS = {60: 7, 240: 7, 960: 3}  # trials by number of patients: the choice of a small trial varies more
SAMPLING = {"chains": 2, "tune": 400, "draws": 200, "target_accept": 0.9}


def of_trial(trial: tuple[int, int]) -> tuple[int, float, float, float]:
    """(size, EVPI, true regret of the regime chosen, that regret in percent of the range of true utilities) of one
    simulated and fitted trial. trial: size and number."""
    size, repeat = trial
    decision = CONFIG["decision"] | {"ahead": CONFIG["decision"]["ahead"] | {"patients": "new", "most": 256}}
    own = {**CONFIG, "calibration": CONFIG["calibration"] | {"patients": size}}
    files = (str(ROOT / "data/redosable" / name) for name in ("simulation.yaml", "study.yaml"))
    of = calibration.setting(own, *files)
    tables, about, true = calibration.simulated(of, {}, {}, 100 * size + repeat)
    (model, data), _ = calibration.built(of, tables, about)
    tree = sampling.fit(model, data, SAMPLING, 7 + repeat, f"{size} patients, trial {repeat}")
    draws = prediction.thin(tree["posterior"].to_dataset(), 100)
    u = [expected(data, x, tables, about, decision) for x in (draws, calibration.true_draws(data, true))]
    loss = float(u[1].max() - u[1][0, choice.chosen(u[0])])
    return size, choice.evpi(u[0]), loss, 100 * loss / float(np.ptp(u[1]))


def regret() -> None:
    """Prints, by size of the trial, the expected and the true regret of the regime that its posterior chooses, and
    draws regret.svg beside this file. Trials are simulated at the protocol's own parameters; without GVHD."""
    rows, trials = [], [(size, repeat) for size, times in REPEATS.items() for repeat in range(times)]
    with ProcessPoolExecutor(sampling.available_cores(), get_context("spawn")) as pool:
        for row in pool.map(of_trial, trials):
            rows.append(row)
            size, known, loss, share = row
            print(
                f"{size} patients: EVPI {known:.2f}, true regret {loss:.2f} days, {share:.2f} % of the range",
                flush=True,
            )
    figure = Figure(figsize=(4.2, 3.0), layout="constrained")
    axis = figure.subplots()
    size, known, loss, _ = np.array(rows).T
    axis.plot(size, loss, "o", color=style.VERMILLION, label="true regret of the regime chosen")
    axis.plot(size, known, "x", color=style.BLUE, label="EVPI: what its posterior expects")
    for k, values in ((style.VERMILLION, loss), (style.BLUE, known)):
        axis.plot(list(REPEATS), [values[size == n].mean() for n in REPEATS], color=k)
    axis.set_xscale("log")
    axis.set_xticks(list(REPEATS), [str(n) for n in REPEATS])
    axis.set_xticks([], minor=True)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("patients of the trial")
    axis.set_ylabel("quality-adjusted days")
    axis.legend(fontsize=7)
    style.save(figure, ROOT / "benchmarks/regret.svg")


def expected(data, draws: dict, tables: dict, about: dict, decision: dict) -> np.ndarray:
    """Utility of the config's regimes, shape (draw, regime)."""
    found = outcomes.simulate(data, draws, None, tables["patients"], about, decision, 0, 1)
    lod = np.log10(outcomes.assay_of(about, decision)["lod"])
    every = regimes.all_of(decision, CONFIG["model"]["reference_cells"], lod)
    return utility.utility(outcomes.everybody(found), every, decision["utility"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["speed"]:
        speed(*map(int, sys.argv[2:5]), *sys.argv[5:6])
    else:
        {"truth": truth, "regret": regret}[sys.argv[1]]()
