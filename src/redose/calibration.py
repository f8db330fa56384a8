"""Simulation-based calibration on decision quantities: are posteriors as wide as they say?

Each simulation draws parameters from the calibration priors, simulates a small trial with them (`simulate`, written
apart from the models), passes it through files, checks and design like any study, fits the model with the same priors,
and ranks each true quantity among the draws of the posterior. Truth and draws go through the same functions. The model
of GVHD is fitted to the same trials, whose product brings acute GVHD as its prior says.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import yaml

from redose import (
    acceptance,
    checks,
    design,
    diagnostics,
    episodes,
    onsets,
    prediction,
    ranks,
    sampling,
    schedules,
    simulate,
    tables,
)
from redose import priors as beliefs
from redose import thresholds as risks
from redose.models import MODELS
from redose.seeds import seed_of

NAME = "calibration"
COORDINATES = {  # of the parameters that the simulator holds by name
    "beta_b": "level_covariate",
    "beta_g": "growth_covariate",
    "eta": "kill_covariate",
    "beta_progression": "progression_covariate",
    "beta_death": "death_covariate",
    "sigma": "assay",
    "half_life": "product",
    "theta": "timed",
    "xi": "property",
    "kappa": "course",
}
PRODUCT = {"risk_acute": "risk", "rho_gvhd": "dose_exponent", "half_life_gvhd": "half_life"}  # in the protocol's words
COURSE = "gvhd_course"
FAULTS = (checks.StudyError, design.DesignError, RuntimeError)  # a simulation that stops at one is counted as failed


@dataclass(frozen=True)
class Setting:
    """What all simulations share. own: the config's section `calibration`; shared: its section `model`; decision: its
    section of that name; priors: its table, with the calibration's own beliefs in place of the general ones; protocol:
    of the simulator; about_file: study.yaml."""

    own: dict
    shared: dict
    decision: dict
    priors: dict
    protocol: dict
    about_file: Path
    seed: int

    @property
    def model(self) -> str:
        return self.own["model"]

    @property
    def options(self) -> dict:
        """Options of the model, as `design.build` takes them."""
        return self.shared | {"estimand": self.own["estimand"]} | self.own["options"]

    @property
    def onsets(self) -> dict:
        """Options of the model of GVHD, as `onsets.build` takes them."""
        return self.shared | self.own["gvhd"]["options"]

    @property
    def schedules(self) -> dict:
        """Fixed schedules of the protocol: name -> days of the infusions."""
        known = self.protocol["schedules"]
        return {name: rule["days"] for name, rule in known.items() if not set(rule) & {"redose", "transplant"}}


def setting(config: dict, protocol: str, about: str) -> Setting:
    """The setting of a config. protocol, about: files of the simulated study."""
    own = config["calibration"]
    narrowed = {name: prior | own["priors"].get(name, {}) for name, prior in config["priors"].items()}
    known = simulate.protocol_with(yaml.safe_load(Path(protocol).read_text(encoding="utf-8")), own["protocol"])
    return Setting(own, config["model"], config["decision"], narrowed, known, Path(about), config["seed"])


def simulated(of: Setting, parameters: dict, product: dict, seed: int) -> tuple[dict, dict, dict]:
    """(tables, about, truth) of one trial with these parameters, through files and checks like any study. parameters,
    product: values of the protocol's sections `parameters` and `gvhd: product`.

    Raises checks.StudyError where the checks find an error.
    """
    shared = {name: of.shared[name] for name in ("reference_cells", "reference_level", "step_width")}
    parameters = parameters | shared | {"link": design.LINKS[of.model]}
    wanted = {"seed": seed, "patients": {"count": of.own["patients"]}, "parameters": parameters}
    raw, truth = simulate.simulate(simulate.protocol_with(of.protocol, wanted | {"gvhd": {"product": product}}))
    with tempfile.TemporaryDirectory() as folder:
        simulate.write(raw, truth, folder)
        study = tables.read_study(of.about_file, Path(folder), NAME)
    verdict = checks.check(study)
    checks.require(verdict)
    return verdict.tables, study.about, truth


def built(of: Setting, found: dict, about: dict) -> tuple[tuple, tuple]:
    """(model, design) of the joint model, and of the model of GVHD, for the tables of one trial."""
    given = beliefs.convert_all(of.priors)
    data, course = design.build(found, about, of.model, of.options, of.priors), onsets.build(found, about, of.onsets)
    return (MODELS[of.model](data, given), data), (MODELS["gvhd"](course, given), course)


def draw_parameters(of: Setting) -> xr.DataTree:
    """Parameters of every simulation, drawn from the models' own priors: groups joint and gvhd, one draw a
    simulation."""
    found, about, _ = simulated(of, {}, {}, seed_of(of.seed, NAME, "template") % 2**32)
    known, groups = {"joint": of.protocol["parameters"], "gvhd": PRODUCT}, {}
    for (name, wanted), (model, _) in zip(known.items(), built(of, found, about), strict=True):
        tree = sampling.sample_prior(model, of.own["simulations"], seed_of(of.seed, NAME, "parameters", name))
        prior = tree["prior"].to_dataset()
        groups[name] = prior[[n for n in prior if n in wanted]]
    return xr.DataTree.from_dict(groups)


def parameters_of(drawn: xr.DataTree, simulation: int) -> tuple[dict, dict]:
    """(parameters, product) of one simulation as the protocol holds them: numbers, or covariate -> number."""
    joint, gvhd = (drawn[name].to_dataset().isel(chain=0, draw=simulation) for name in ("joint", "gvhd"))
    found = {name: float(x) for name, x in joint.data_vars.items() if not x.dims}
    named = {name: x.to_series().to_dict() for name, x in joint.data_vars.items() if x.dims}
    return found | named, {word: float(gvhd[name].squeeze()) for name, word in PRODUCT.items()}


def true_draws(data: xr.Dataset, truth: dict) -> prediction.Draws:
    """The truth of a simulated trial in the form of posterior draws: name -> array whose last axis holds one draw."""
    known = truth["parameters"]
    found = {n: np.array([x]) for n, x in known.items() if isinstance(x, float)}
    varying = {n: d for n, d in COORDINATES.items() if data.sizes[d]}
    found |= {n: np.array([[known[n][k]] for k in data[d].to_numpy()]) for n, d in varying.items()}
    for group in ("trial", "site", "lot"):
        if data.sizes[group]:
            found[f"u_{group}"] = np.array([[truth[f"u_{group}"][name]] for name in data[group].to_numpy()])
    patients = [truth["patients"][name] for name in data["patient"].to_numpy()]
    found["v"] = np.array([[one["v"]] for one in patients])
    owner, number = data["interval_patient"].to_numpy(), data["interval_number"].to_numpy()
    level = [patients[i]["b"][k - 1] for i, k in zip(owner, number, strict=True)]
    kill = np.log([one["delta"] for one in patients])
    kill += data["mean_features"].to_numpy() @ prediction.coefficients(data, found)[:, 0]
    doubling = np.log([one["doubling"] for one in patients])
    found["still"] = np.array([[float(one["still"])] for one in patients])
    return found | {"traits": np.concatenate([level, doubling, kill])[:, None]}


def quantities(of: Setting, data: xr.Dataset, plans: dict, draws: prediction.Draws) -> dict[str, np.ndarray]:
    """Every decision quantity of the config but that of GVHD, shape (draw,) each, for posterior draws and for the truth
    alike.

    risk_threshold: log10 MRD of today at which P(progression within the risk horizon) reaches `risk` (thresholds);
    rmst_*: days (schedules); gain_*: the same less that of `single`; other names are population parameters.
    """
    horizon, wanted = of.own["horizon"], of.own["quantities"]
    length = {name: schedules.rmst(data, plan, draws, horizon) for name, plan in plans.items()}
    found = {f"rmst_{name}": days for name, days in length.items()}
    found |= {f"gain_{name}": days - length["single"] for name, days in length.items() if name != "single"}
    if "risk_threshold" in wanted:
        days, clock = of.decision["risk_horizon"], of.decision["risk_clock"]
        curve = risks.risk_curve(data, draws, days, clock, seed_of(of.seed, NAME, "people") % 2**32)
        found["risk_threshold"] = risks.crossing(curve, of.own["risk"])
    return {name: found[name] if name in found else draws[name] for name in wanted if name != COURSE}


def of_course(of: Setting, draws: prediction.Draws) -> dict[str, np.ndarray]:
    """P(acute GVHD) after the config's course of infusions of the reference dose, shape (draw,), by name."""
    course = of.own["gvhd"]
    horizon = of.decision["gvhd"]["horizon"]
    return {COURSE: episodes.risk(draws, 0, 1.0, course["infusions"], course["spacing"], horizon)[0]}


def true_course(product: dict) -> prediction.Draws:
    """The truth of a trial's GVHD in the form of posterior draws."""
    found = {name: np.array([product[word]]) for name, word in PRODUCT.items()}
    return found | {"risk_acute": found["risk_acute"][None]}


def fitted(of: Setting, model, data: xr.Dataset, seed: int, name: str) -> tuple[prediction.Draws, dict]:
    """(draws that the truth is ranked among, whether and why not the fit is accepted)."""
    tree = sampling.fit(model, data, of.own["sampling"], seed, name)
    table, sampler = diagnostics.summarise(tree, of.decision["ci_prob"]), diagnostics.sampler_summary(tree)
    verdict = acceptance.judge(table, sampler, of.own["acceptance"], NAME, name)
    judged = {"accepted": verdict.accepted, "reason": "; ".join(verdict.faults)}
    return prediction.thin(tree["posterior"].to_dataset(), of.own["ranked"]), judged


def ranked(guessed: dict, true: dict, judged: dict, rng: np.random.Generator) -> pd.DataFrame:
    """One row per quantity of a fit. guessed, true: name -> values, shape (draw,) and (1,)."""
    rows = []
    for quantity, values in guessed.items():
        low, median, high = np.quantile(values, (0.05, 0.5, 0.95), method="inverted_cdf")
        row = {"quantity": quantity, "truth": true[quantity][0], "median": median, "low": low, "high": high}
        rows.append(row | {"pit": ranks.pit(true[quantity][0], values, rng.random())})
    return pd.DataFrame(rows).assign(**judged)


def rank(of: Setting, simulation: int, parameters: dict, product: dict) -> pd.DataFrame:
    """Simulates, fits and ranks: one row per quantity, columns ranks.COLUMNS. Raises one of FAULTS."""
    name = f"simulation {simulation}"
    purposes = ("trial", "fit", "ties", "gvhd")
    trial, fit, ties, gvhd = (seed_of(of.seed, NAME, str(simulation), purpose) for purpose in purposes)
    found, about, truth = simulated(of, parameters, product, trial % 2**32)
    (model, data), (model_of_gvhd, course) = built(of, found, about)
    rng = np.random.default_rng(ties)
    draws, judged = fitted(of, model, data, fit, name)
    plans = schedules.designs(found, about, of.model, of.options, of.priors, of.schedules, of.own["horizon"])
    guessed, true = (quantities(of, data, plans, x) for x in (draws, true_draws(data, truth)))
    parts = [ranked(guessed, true, judged, rng)]
    if COURSE in of.own["quantities"]:
        draws, judged = fitted(of, model_of_gvhd, course, gvhd, f"{name}, GVHD")
        parts.append(ranked(of_course(of, draws), of_course(of, true_course(product)), judged, rng))
    return pd.concat(parts).assign(simulation=simulation).reindex(columns=ranks.COLUMNS)


def failed(of: Setting, simulation: int, fault: Exception) -> pd.DataFrame:
    """The rows of a simulation that could not be fitted: no values, and the first line of the reason."""
    rows = pd.DataFrame({"quantity": of.own["quantities"]}).assign(simulation=simulation, accepted=False)
    return rows.assign(reason=f"{type(fault).__name__}: {str(fault).splitlines()[0]}").reindex(columns=ranks.COLUMNS)


def run(of: Setting, drawn: xr.DataTree, chunk: int) -> Iterator[pd.DataFrame]:
    """The rows of every simulation of a chunk, one after the other. drawn: from `draw_parameters`."""
    import numba

    # most of a small fit is its compilation, which LLVM's light optimisation shortens; sampling is as fast
    os.environ["NUMBA_OPT"] = "1"
    numba.config.reload_config()
    size = of.own["chunk"]
    for simulation in range(chunk * size, min((chunk + 1) * size, of.own["simulations"])):
        try:
            yield rank(of, simulation, *parameters_of(drawn, simulation))
        except FAULTS as fault:
            yield failed(of, simulation, fault)
