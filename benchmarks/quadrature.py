"""Error of the joint models' quadrature on `redosable`, against 24 nodes on pieces ten times finer.

    python benchmarks/quadrature.py

Prints, by link, the relative error of every interval's cumulative hazard of progression (mean and worst) and that of
the whole trial, at the simulated truth, for six half-lives of the cells and six Weibull shapes.
"""

import tempfile
from pathlib import Path

import numpy as np
import yaml

from redose import checks, design, prediction, simulate, tables

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
PROTOCOL = yaml.safe_load((ROOT / "data/redosable/simulation.yaml").read_text())
HALF_LIVES = np.array([1.2, 1.5, 2.0, 2.5, 3.5, 5.0])
SHAPES = np.array([0.5, 0.7, 0.9, 1.0, 1.3, 1.8])
FINE = {"NODES": 24, "AFTER_DOSE": (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 13.0, 18.0), "LONGEST": 60.0}
ALPHA = {"joint_step": (1.8, 0.5), "joint_value": (0.7, 0.3)}


def study() -> tuple[dict, dict, dict]:
    """(checked tables, study.yaml, true parameters) of the simulated study."""
    with tempfile.TemporaryDirectory() as folder:
        simulated, truth = simulate.simulate(PROTOCOL)
        simulate.write(simulated, truth, Path(folder))
        raw = tables.read_study(ROOT / "data/redosable/study.yaml", Path(folder), "redosable")
        verdict = checks.check(raw)
        checks.require(verdict)
    return verdict.tables, raw.about, truth["parameters"]


def draws(data, truth: dict, model: str) -> dict:
    """One draw for each half-life and shape; traits drawn from the population."""
    count, rng = len(SHAPES), np.random.default_rng(0)
    found = {k: np.full(count, v) for k, v in truth.items() if isinstance(v, float)}
    found |= {"half_life": HALF_LIVES[None], "shape_progression": SHAPES}
    found |= {f"alpha_{c}": np.full(count, a) for c, a in zip(("progression", "death"), ALPHA[model], strict=True)}
    for cause in ("progression", "death"):
        beta = [truth[f"beta_{cause}"][str(x)] for x in data[f"{cause}_covariate"].to_numpy()]
        found[f"beta_{cause}"] = np.repeat(np.array(beta)[:, None], count, axis=1)
    intervals, patients = data.sizes["interval"], data.sizes["patient"]
    level = truth["mu_b"] + truth["omega_b"] * rng.normal(size=(intervals, count))
    doubling = np.log(truth["doubling"]) + truth["omega_g"] * rng.normal(size=(patients, count))
    kill = np.log(truth["delta"]) + truth["omega_delta"] * rng.normal(size=(patients, count))
    return found | {"traits": np.concatenate([level, doubling, kill])}


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
        error, whole = np.abs(found / exact - 1), np.abs(found.sum(0) / exact.sum(0) - 1)
        print(f"{model}: intervals {error.mean():.1e} mean, {error.max():.1e} worst; whole trial {whole.max():.1e}")


if __name__ == "__main__":
    main()
