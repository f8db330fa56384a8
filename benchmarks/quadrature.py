"""Error of the joint models' quadrature on `redosable`, against 24 nodes on pieces ten times finer.

    python benchmarks/quadrature.py
    python benchmarks/quadrature.py curve    of pbcseq, whose marker follows a line, against 16 nodes on 80 pieces

Prints, by link, the relative error of every interval's cumulative hazard of progression (mean and worst) and that of
the whole trial: at the simulated truth, for six Weibull shapes, each with other half-lives of the cells; of the curve,
at drawn traits and at weights of the baseline that are drawn as rougher than a posterior's.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import prepared
import yaml

from redose import calibration, checks, design, prediction, simulate, tables

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
PROTOCOL = yaml.safe_load((ROOT / "data/redosable/simulation.yaml").read_text())
LONGER = np.array([0.6, 0.75, 1.0, 1.25, 1.75, 2.5])  # half-lives, times those of the simulation
SHAPES = np.array([0.5, 0.7, 0.9, 1.0, 1.3, 1.8])
FINE = dict.fromkeys(("NODES", "NODES_OF_FIRST", "NODES_OF_SHORT"), 24) | {
    "AFTER_DOSE": (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 13.0, 18.0),
    "LONGEST": 60.0,
}
ALPHA = {"joint_step": (1.8, 0.5), "joint_value": (0.7, 0.3)}


def study() -> tuple[dict, dict, dict]:
    """(checked tables, study.yaml, truth) of the simulated study."""
    with tempfile.TemporaryDirectory() as folder:
        simulated, truth = simulate.simulate(PROTOCOL)
        simulate.write(simulated, truth, Path(folder))
        raw = tables.read_study(ROOT / "data/redosable/study.yaml", Path(folder), "redosable")
        verdict = checks.check(raw)
        checks.require(verdict)
    return verdict.tables, raw.about, truth


def draws(data, truth: dict, model: str) -> dict:
    """The truth as one draw for each shape and factor of the half-lives."""
    count = len(SHAPES)
    found = {k: np.repeat(x, count, axis=-1) for k, x in calibration.true_draws(data, truth).items()}
    found |= {"half_life": found["half_life"] * LONGER, "shape_progression": SHAPES}
    alphas = zip(("progression", "death"), ALPHA[model], strict=True)
    return found | {f"alpha_{c}": np.full(count, a) for c, a in alphas}


def cumulative(checked: dict, about: dict, truth: dict, model: str) -> np.ndarray:
    """Cumulative hazard of progression, shape (interval, draw), by the quadrature as `design` has it now."""
    entry = CONFIG["studies"]["redosable"]
    options = CONFIG["model"] | {"estimand": entry["estimand"]} | entry["models"][model]
    data = design.build(checked, about, model, options, CONFIG["priors"])
    rows = data["row_interval"].to_numpy()
    hazard = prediction.log_hazards(data, draws(data, truth, model), rows, data["row_clock"].to_numpy())["progression"]
    total = np.zeros((data.sizes["interval"], hazard.shape[1]))
    np.add.at(total, rows, data["row_weight"].to_numpy()[:, None] * np.exp(hazard))
    return total


def of_curve() -> np.ndarray:
    """Cumulative hazard of every interval of pbcseq, by the quadrature as `design` has it now."""
    config = prepared.settings_of("pbc")
    entry = config["studies"]["pbc"]
    model = entry["models"]["joint_value"]
    options = config["model"] | {"estimand": entry["estimand"]} | {k: v for k, v in model.items() if k != "sampling"}
    data = design.build(*prepared.read("pbc", entry, None), "joint_value", options, config["priors"])
    rng, rows = np.random.default_rng(1), data["row_interval"].to_numpy()
    level, growth = rng.normal(0.3, 0.45, data.sizes["interval"]), rng.normal(0.12, 0.14, data.sizes["interval"])
    weights = rng.dirichlet(np.full(data.sizes["progression_basis"], 3.0))
    marker = level[rows] + growth[rows] * data["row_clock"].to_numpy() / 365.25  # log10
    hazard = data["progression_hazard"].to_numpy() @ weights * np.exp(3.2 * marker)
    total = np.zeros(data.sizes["interval"])
    np.add.at(total, rows, data["row_weight"].to_numpy() * hazard)
    return total


def say(name: str, found: np.ndarray, exact: np.ndarray) -> None:
    error, whole = np.abs(found / exact - 1), np.abs(found.sum(0) / exact.sum(0) - 1)
    print(f"{name}: intervals {error.mean():.1e} mean, {error.max():.1e} worst; whole trial {whole.max():.1e}")


def curve() -> None:
    """Prints one line."""
    found = of_curve()
    design.NODES_OF_CURVE = design.NODES_OF_FIRST = design.NODES_OF_SHORT = 16
    design.PARTS = 80
    say("joint_value of pbcseq", found, of_curve())


def main() -> None:
    """Prints one line per link."""
    checked, about, truth = study()
    usual = {name: getattr(design, name) for name in FINE}
    for model in ALPHA:
        found = cumulative(checked, about, truth, model)
        for name, value in FINE.items():
            setattr(design, name, value)
        exact = cumulative(checked, about, truth, model)
        for name, value in usual.items():
            setattr(design, name, value)
        say(model, found, exact)


if __name__ == "__main__":
    curve() if sys.argv[1:] == ["curve"] else main()
