"""What a fit takes, whole process and sampling alone, for every effective draw.

    python benchmarks/fit.py pbc joint_value                      the model of JMbayes2's and rstanarm's examples
    python benchmarks/fit.py redosable joint_step --patients 240  every strand
    python benchmarks/fit.py bladder intervals

A first process compiles, so that the second finds its caches full; the second is measured. Sampling is that of the
repository's config where no option says otherwise.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import prepared
import processes
import rows
from rows import Measure

from redose import acceptance, diagnostics, files

SECTION = "fit"
ONE = str(Path(__file__).with_name("one_fit.py"))


def judged(folder: Path, wall: float, within: float) -> list[Measure]:
    """Of the posterior of a folder: smallest ESS of the population parameters for every second of the whole process
    (wall) and of nutpie alone (within), R-hat, divergences, steps, and the gate's verdict."""
    given, tree = files.read_json(folder / "fit.json"), files.read_tree(folder / "posterior.nc")
    table, sampler = diagnostics.summarise(tree, 0.9), diagnostics.sampler_summary(tree)
    verdict = acceptance.judge(table, sampler, given["acceptance"], given["study"], given["model"])
    faults = f"{len(verdict.faults)} faults, the first {verdict.faults[0]}" if verdict.faults else ""
    return [
        *efficiency(table[table["level"] == "population"], wall, within),
        Measure("divergences", sampler["divergences"]),
        Measure("leapfrog steps a draw", sampler["steps_per_draw"]),
        Measure("draws", sampler["draws"], note=f"chains {given['sampling']['chains']}"),
        Measure("accepted by the gate", float(verdict.accepted), note=faults),
    ]


def efficiency(population: pd.DataFrame, wall: float, within: float) -> list[Measure]:
    """Smallest bulk ESS by second and largest R-hat, with the parameters that have them. population: from
    `diagnostics.summarise`; one that never moved has no ESS there, and counts as 0."""
    population = population.fillna({"ess_bulk": 0.0, "rhat": np.inf})
    least = population.loc[population["ess_bulk"].idxmin()]
    worst = population.loc[population["rhat"].idxmax()]
    return [
        Measure("smallest bulk ESS", least["ess_bulk"], note=least["parameter"]),
        Measure("ESS a second, whole process", least["ess_bulk"] / wall, "1/s"),
        Measure("ESS a second, sampling alone", least["ess_bulk"] / within, "1/s"),
        Measure("largest R-hat", worst["rhat"], note=worst["parameter"]),
    ]


def measured(folder: Path, cores: int) -> list[Measure]:
    """All measures of the fit that was prepared in a folder."""
    processes.timed(ONE, str(folder), "warm", str(cores))
    spent = processes.timed(ONE, str(folder), "whole", str(cores))
    warm, whole = files.read_json(folder / "warm.json"), files.read_json(folder / "whole.json")
    inside = sum(whole[name] for name in ("imports", "compile", "sample", "rest"))
    counts = ", ".join(f"{n} {name}" for name, n in sorted(warm["counts"].items()))
    return [
        Measure("wall time, whole process", spent.wall, "s", rows.load()),
        Measure("processor time, whole process", spent.cpu, "s"),
        Measure("peak memory", spent.peak, "GB"),
        Measure("interpreter and imports", whole["imports"] + spent.wall - inside, "s"),
        Measure("model and compilation, cached", whole["compile"], "s"),
        Measure("sampling", whole["sample"], "s", f"cores {cores}"),
        Measure("likelihoods, frailties, writing", whole["rest"], "s"),
        *judged(folder, spent.wall, whole["sample"]),
        Measure("gradient", 1e6 * warm["gradient"], "us"),
        Measure("floor of the gradient", 1e6 * warm["floor"], "us", counts),
        Measure("gradient over its floor", warm["gradient"] / warm["floor"]),
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("study", choices=["pbc", "redosable", "bladder", "transplant"])
    options.add_argument("model")
    options.add_argument("--patients", type=int, help="of the simulated study")
    for name in ("chains", "tune", "draws"):
        options.add_argument(f"--{name}", type=int)
    options.add_argument("--backend", choices=["numba", "jax"], help="jax: on a GPU where it finds one (docs/speed.md)")
    options.add_argument("--cores", type=int, default=2)
    options.add_argument("--table", help="CSV to write")
    asked = options.parse_args()
    changes = {name: getattr(asked, name) for name in ("chains", "tune", "draws", "backend")}
    case = f"{asked.study} {asked.model}" + (f" {asked.patients}" if asked.patients else "")
    with tempfile.TemporaryDirectory() as folder:
        prepared.prepare(asked.study, asked.model, asked.patients, changes, Path(folder))
        rows.say(rows.table(SECTION, case, measured(Path(folder), asked.cores)), asked.table)


if __name__ == "__main__":
    main()
