"""The model pages against the same equations written another way, at random parameter values."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
import yaml
from pytensor.compile.mode import Mode
from pytensor.graph.replace import clone_replace
from scipy import special
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from redose import assay, coordinates, design, files, kinetics, one_patient, prediction, priors, sampling, scores
from redose.models import MODELS, marker, parts, traits
from redose.survival import YEAR

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
PRIOR = priors.convert_all(CONFIG["priors"])
PLAIN_PYTHON = Mode(linker="py", optimizer=None)  # a few evaluations are not worth a compilation
ABOUT = {
    "assays": {"flow": {"lod": 1e-4, "false_positive_rate": 0.01}, "qPCR": {"lod": 1e-5}},
    "covariates": {"age": {"per": 10, "centre": 60}},
    "products": {"NK": {"lineage": "NK"}, "memory": {"lineage": "CIML-NK"}},
}


def small_study() -> dict[str, pd.DataFrame]:
    """Three patients, five intervals, two trials; one interval-censored progression, one death, GVHD, platelets."""
    nothing = {"infusions": ["patient", "day", "cells", "product", "lot"], "burden": ["patient", "day", "burden"]}
    tables = {name: pd.DataFrame(columns=columns) for name, columns in nothing.items()}
    tables["patients"] = pd.DataFrame(
        {
            "patient": ["p1", "p2", "p3"],
            "trial": ["A", "B", "A"],
            "site": ["A1", "B1", "A2"],
            "arm": ["x", "y", "y"],
            "schedule": ["single", "quarterly", "single"],
            "product": "NK",
            "age": [50.0, 60.0, 75.0],
        }
    )
    tables["intervals"] = pd.DataFrame(
        [
            ("p1", 1, 0, np.nan, 100, "progression"),
            ("p1", 2, 100, 130, 190, "progression"),
            ("p1", 3, 190, np.nan, 240, "censored"),
            ("p2", 1, 0, np.nan, 300, "death"),
            ("p3", 1, 0, np.nan, 150, "transplant"),
        ],
        columns=["patient", "interval", "start_day", "last_free_day", "end_day", "outcome"],
    ).assign(entry_day=np.nan)
    tables["infusions"] = pd.DataFrame(
        [
            ("p1", 0, 9e8, "NK", "L1"),
            ("p1", 100, 3e8, "NK", "L2"),
            ("p2", 0, 9e8, "NK", "L1"),
            ("p2", 91, 1.5e9, "memory", "L2"),
            ("p2", 182, 9e8, "NK", ""),
        ],
        columns=["patient", "day", "cells", "product", "lot"],
    )
    tables["mrd"] = pd.DataFrame(
        [
            ("p1", -7, "flow", 2e-3, 1e-4, False),
            ("p1", 30, "flow", np.nan, 1e-4, True),
            ("p1", 100, "flow", 3e-2, 1e-4, False),
            ("p1", 180, "qPCR", 2e-5, 1e-5, False),
            ("p2", 0, "flow", 5e-4, 1e-4, False),
            ("p2", 200, "qPCR", np.nan, 3e-6, True),
            ("p2", 290, "qPCR", 4e-1, 3e-6, False),
        ],
        columns=["patient", "day", "assay", "mrd", "lod", "below"],
    )
    tables["courses"] = pd.DataFrame(
        [("p1", "radiotherapy", 95.0, 99.0), ("p2", "nivolumab", 60.0, 210.0), ("p3", "nivolumab", -10.0, 40.0)],
        columns=["patient", "agent", "start_day", "stop_day"],
    )
    tables["gvhd"] = pd.DataFrame(
        [("p2", "acute", "3", 20.0, 60.0), ("p1", "chronic", "mild", 120.0, np.nan)],
        columns=["patient", "kind", "grade", "onset_day", "end_day"],
    )
    tables["conditions"] = pd.DataFrame(
        [("p3", "platelet_recovery", 25.0, np.nan)], columns=["patient", "condition", "onset_day", "end_day"]
    )
    return tables


PLAIN = {"level": ["interval", "age"], "kill": ["age"]}
STRANDS = PLAIN | {
    "growth": ["age"],
    "kill": ["age", "product"],
    "timed_to": {"radiotherapy": {"before": 0, "after": 14}},
    "courses": ["nivolumab"],
    "lots": True,
    "correlated": True,
    "noise": "student_t",
    "detection": True,
}
LINE = {"trajectory": "linear", "level": ["age"], "growth": ["age"], "correlated": True}
MIXED = PLAIN | {"courses": ["nivolumab"]}
CURVE = {"trajectory": "spline", "knots": 3, "courses": ["nivolumab"]}


def options(baseline: str = "weibull", clock: str = "gap", frailty: bool = True, kinetics: dict = PLAIN) -> dict:
    return CONFIG["model"] | {
        "estimand": {"death": "competing", "transplant": "hypothetical", "new_therapy": "hypothetical"},
        "clock": clock,
        "baseline": baseline,
        "frailty": frailty,
        "pooled": ["trial", "site"],
        "kinetics": kinetics,
        "progression": {"covariates": ["interval", "arm", "age"], "time_dependent": ["gvhd", "platelet_recovery"]},
        "death": {"covariates": ["age"], "time_dependent": ["gvhd_severe"]},
    }


def built(model: str, **changes):
    data = design.build(small_study(), ABOUT, model, options(**changes), CONFIG["priors"])
    made = MODELS[model](data, PRIOR)
    made.design = data
    return data, made


def sample_prior(model: pm.Model, number: int) -> xr.Dataset:
    """Prior draws of every kept variable."""
    return sampling.sample_prior(model, number, 3)["prior"].to_dataset()


def prior_draws(model: pm.Model, number: int = 6) -> dict:
    return prediction.thin(sample_prior(model, number), number)


def shrunk(draws: dict, factor: float) -> dict:
    """The draws drawn towards their mean: from a prior to the spread of a posterior."""
    return {k: v.mean(-1, keepdims=True) + factor * (v - v.mean(-1, keepdims=True)) for k, v in draws.items()}


def likelihood(model: pm.Model, draws: dict, place: int) -> dict[str, float]:
    """Every potential of the model at one draw."""
    found = evaluated(model, draws, place, model.potentials)
    return {p.name: float(x) for p, x in zip(model.potentials, found, strict=True)}


def evaluated(model: pm.Model, draws: dict, place: int, wanted: list, mode: Mode = PLAIN_PYTHON) -> list:
    """Variables of the model at one draw of its parameters."""
    values = {}
    for rv in model.free_RVs:
        given = standardised(draws, rv.name, place, model) if rv.name.startswith("z_") else draws[rv.name][..., place]
        values[rv] = pt.constant(np.asarray(given, dtype=float))
    graph = clone_replace(wanted, values, rebuild_strict=False)
    return pytensor.function([], graph, mode=mode)()


def by_patient(model: pm.Model, draws: dict, place: int) -> np.ndarray:
    """Log likelihood of samples and events of every patient at one draw, shape (patient,)."""
    terms = [model["log_likelihood_samples"], model["log_likelihood_events"]]
    return sum(evaluated(model, draws, place, terms))


def standardised(draws: dict, name: str, place: int, model: pm.Model) -> np.ndarray:
    """What is sampled for a stored effect: z of u = omega z, x of weights = softmax(log constant + walk x)."""
    stem = name.removeprefix("z_")
    if stem.startswith("omega_"):
        return draws[stem][place]
    if stem == "interval":
        return draws["zeta"][..., place] / draws["omega_interval"][place]
    if stem == "correlation":
        pairs = draws["correlation"][:, place]
        matrix = np.eye(len(coordinates.trait_kinds(model.design)))
        matrix[np.triu_indices(len(matrix), 1)] = pairs
        chol = np.linalg.cholesky(matrix + matrix.T - np.eye(len(matrix)))
        pairs = zip(*np.tril_indices(len(matrix), -1), strict=True)
        partial = [chol[i, j] / np.sqrt(1 - (chol[i, :j] ** 2).sum()) for i, j in pairs]
        return (np.array(partial) + 1) / 2
    if stem == "lot":
        xi = draws["xi"][..., place] if "xi" in draws else np.zeros(0)
        mean = np.log(draws["delta"][place]) + model.design["lot_property"].to_numpy() @ xi
        return model.design["lot_turned"].to_numpy().T @ (draws["u_lot"][..., place] + mean)
    if stem in ("trial", "site"):
        return draws[f"u_{stem}"][..., place] / draws[f"omega_{stem}"][place]
    walk = np.log(draws[f"weights_{stem}"][..., place]) - np.log(model.constants[stem])
    if parts.is_piecewise(model.design, stem):
        return walk
    return np.linalg.solve(model.design[f"{stem}_walk"].to_numpy()[1:], walk[1:] - walk[0])


CASES = [
    ("intervals", {"baseline": "weibull"}),
    ("intervals", {"baseline": "mspline", "clock": "total"}),
    ("intervals", {"baseline": "mspline", "frailty": False}),
    ("intervals", {"baseline": "piecewise", "clock": "total"}),
    ("joint_value", {"baseline": "piecewise"}),
    ("joint_value", {"baseline": "weibull"}),
    ("joint_step", {"baseline": "mspline"}),
    ("joint_value_slope", {"kinetics": STRANDS}),
    ("joint_value_slope", {"kinetics": LINE}),
    ("joint_value", {"kinetics": CURVE}),
]


def fine_integral(function, a: float, b: float) -> float:
    """∫ by 40 Gauss-Legendre nodes between all days at which anything changes, crowded towards `a` by t = a + L x^4."""
    x, w = np.polynomial.legendre.leggauss(40)
    bends = [0, 3, 12, 20, 25, 40, 60, 80, 91, 92, 94, 95, 99, 100, 101, 103, 110, 120, 130, 180]
    bends += [182, 183, 185, 195, 210, 240]
    edges = np.unique([a, b, *(d for d in bends if a < d < b)])
    u, total = (x + 1) / 2, 0.0
    for low, high in itertools.pairwise(edges):
        length = high - low
        total += (function(low + length * u**4) * 4 * u**3 * length * w / 2).sum()
    return total


def areas(data, one: dict, clock: str) -> list[dict]:
    """For each interval of the small study and a single draw without frailty: patient, and by cause the log hazard at
    its end and the integrals up to L (or the end) and over (L, R]."""
    found = []
    for k, row in enumerate(small_study()["intervals"].itertuples()):
        origin = row.start_day if clock == "gap" else 0.0
        entry = {"patient": row.patient, "outcome": row.outcome, "known": not row.last_free_day > 0}
        for cause in ("progression", "death"):

            def hazard(day, k=k, cause=cause, origin=origin):
                where = np.full(len(day), k)
                return np.exp(prediction.log_hazards(data, one, where, day - origin)[cause][:, 0])

            split = row.last_free_day if cause == "progression" and not entry["known"] else row.end_day
            entry[cause] = {
                "end": np.log(hazard(np.array([float(row.end_day)]))[0]),
                "until": fine_integral(hazard, row.start_day, split),
                "between": fine_integral(hazard, split, row.end_day) if split < row.end_day else 0.0,
            }
        found.append(entry)
    return found


def log_likelihood(parts_: list[dict], omega: float, phi: float) -> float:
    """log of the events' likelihood with each patient's frailty summed out on a fine grid."""
    total, grid = 0.0, np.linspace(-9, 9, 4001)
    for name in {p["patient"] for p in parts_}:
        log_density = -0.5 * grid**2 - 0.5 * np.log(2 * np.pi)
        for part in (p for p in parts_ if p["patient"] == name):
            for cause, loading in (("progression", 1.0), ("death", phi)):
                v = loading * omega * grid
                log_density = log_density - part[cause]["until"] * np.exp(v)
                if part["outcome"] == cause and (part["known"] or cause == "death"):
                    log_density = log_density + part[cause]["end"] + v
                if cause == "progression" and not part["known"]:
                    log_density = log_density + np.log(-np.expm1(-part[cause]["between"] * np.exp(v)))
        total += logsumexp(log_density) + np.log(grid[1] - grid[0])
    return total


@pytest.mark.parametrize(("name", "changes"), CASES, ids=range(len(CASES)))
def test_event_likelihood_is_the_integral_of_the_hazards(name, changes, monkeypatch):
    """Σ log λ at events - ∫ λ, log[S(L) - S(R)] for p1's second progression, and the frailty integrated out; with
    as many nodes as a relative error of 1e-6 takes."""
    for nodes in ("NODES", "NODES_OF_CURVE", "NODES_OF_FIRST", "NODES_OF_SHORT"):
        monkeypatch.setattr(design, nodes, 24)
    monkeypatch.setattr(design, "AFTER_DOSE", (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 13.0, 18.0))
    data, model = built(name, **changes)
    model.constants = {c: data[f"{c}_constant"].to_numpy() for c in parts.causes(data) if parts.has_spline(data, c)}
    draws = shrunk(prior_draws(model, 40), 0.3)  # to the spread of a posterior, roughly
    for place in range(3):
        one = {k: v[..., place : place + 1] for k, v in draws.items()}
        found = likelihood(model, draws, place)["events"]
        omega = one["omega_v"][0] if "omega_v" in one else 0.0
        phi = one["phi_death"][0] if "phi_death" in one else 0.0
        expected = log_likelihood(areas(data, one, changes.get("clock", "gap")), omega, phi)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6), place


def test_default_quadrature_is_close():
    """The nodes of a piece against the fine integral, the joint models' usual hazards."""
    for name, how in (("joint_value", PLAIN), ("joint_step", PLAIN), ("joint_value", LINE)):
        data, model = built(name, kinetics=how)
        draws = shrunk(prior_draws(model), 0.4)
        for place in range(3):
            one = {k: v[..., place : place + 1] for k, v in draws.items()}
            expected = log_likelihood(areas(data, one, "gap"), one["omega_v"][0], one["phi_death"][0])
            assert likelihood(model, draws, place)["events"] == pytest.approx(expected, rel=2e-3, abs=2e-3)


def test_effects_of_interval_numbers_and_strange_trials_enter_the_likelihood():
    wanted = options() | {"pooled": ["trial", "interval"], "robust": 0.2}
    data = design.build(small_study(), ABOUT, "intervals", wanted, CONFIG["priors"])
    model = MODELS["intervals"](data, PRIOR)
    assert model.named_vars_to_dims["zeta"] == ("k",) and list(model.coords["k"]) == [1, 2, 3]
    draws = prior_draws(model)
    one = {k: v[..., :1] for k, v in draws.items()}
    effect = prediction.interval_effect(data, one, "progression")[:, 0]
    assert effect == pytest.approx(one["zeta"][[0, 1, 2, 0, 0], 0])
    expected = log_likelihood(areas(data, one, "gap"), one["omega_v"][0], one["phi_death"][0])
    assert likelihood(model, draws, 0)["events"] == pytest.approx(expected, rel=1e-5)


def test_a_robust_trial_effect_is_the_mixture_by_hand():
    """The density of u is 0.8 N(0, ω²) + 0.2 N(0, ω² + 1); that of sites has no strangers."""
    data = design.build(small_study(), ABOUT, "intervals", options() | {"robust": 0.2}, CONFIG["priors"])
    omega, u = 0.3, np.array([-0.4, 2.5])
    with pm.Model(coords=parts.coords(data)) as model:
        parts.pooling(data, PRIOR)
    density = np.exp(pm.logp(model["u_trial"], u).eval({model["z_omega_trial"]: omega}))
    by_hand = 0.8 * norm.pdf(u, 0, omega) + 0.2 * norm.pdf(u, 0, np.sqrt(omega**2 + 1))
    assert density == pytest.approx(by_hand)
    site = np.exp(pm.logp(model["u_site"], u).eval({model["z_omega_site"]: omega}))
    assert site == pytest.approx(norm.pdf(u, 0, omega))


def test_a_competing_transplant_has_its_own_hazard_by_hand():
    """Constant hazards of three causes and 690 days at risk: Σ log λ of the event's cause - Σ λ times days."""
    tables, none = small_study(), {"covariates": []}
    tables["intervals"]["last_free_day"] = np.nan
    words = {"death": "competing", "transplant": "while_on_treatment", "new_therapy": "hypothetical"}
    wanted = options(frailty=False) | {"estimand": words, "pooled": []}
    wanted |= dict.fromkeys(("progression", "death", "transplant"), none)
    data = design.build(tables, ABOUT, "intervals", wanted, CONFIG["priors"])
    rates = {"progression": 0.8, "death": 0.1, "transplant": 0.3}
    draws = {f"rate_{c}": np.array([r]) for c, r in rates.items()} | {f"shape_{c}": np.ones(1) for c in rates}
    draws |= {f"beta_{c}": np.zeros((0, 1)) for c in rates}
    by_hand = np.log([0.8 / YEAR, 0.8 / YEAR, 0.1 / YEAR, 0.3 / YEAR]).sum() - 1.2 * 690 / YEAR
    found = likelihood(MODELS["intervals"](data, PRIOR), draws, 0)
    assert found["events"] == pytest.approx(by_hand, rel=1e-10)
    of_patients = [scores.frailty_only(data, draws, np.flatnonzero(owner(data) == i))[0] for i in range(3)]
    assert sum(of_patients) == pytest.approx(by_hand, rel=1e-10)


def owner(data: xr.Dataset) -> np.ndarray:
    """Patient of each row."""
    return data["interval_patient"].to_numpy()[data["row_interval"].to_numpy()]


def test_frailty_is_drawn_from_its_conditional():
    """Mean of drawn frailties against the mean by quadrature, for every patient; exposures given."""
    data, _ = built("intervals", baseline="weibull")
    draws, rng = 4000, np.random.default_rng(5)
    exposure = {c: rng.uniform(0.2, 2.0, 3) for c in ("progression", "death")}
    between = np.array([0.4])
    posterior = {"omega_v": np.full((1, draws), 0.8), "phi_death": np.full((1, draws), 0.5)}
    posterior = {n: (("chain", "draw"), x) for n, x in posterior.items()}
    for cause, x in exposure.items():
        posterior[f"exposure_{cause}"] = (("chain", "draw", "patient"), np.broadcast_to(x, (1, draws, 3)))
    of_interval = np.zeros((1, draws, 5))
    of_interval[..., 1] = between  # p1's second interval
    posterior["exposure_between"] = (("chain", "draw", "interval"), of_interval)
    v = sampling.draw_frailty(xr.Dataset(posterior), data, 7)
    assert v.dims == ("chain", "draw", "patient")
    events = {"progression": [1, 0, 0], "death": [0, 1, 0]}  # exact ones; p1's second lies between L and R
    grid = np.linspace(-6, 6, 4001)
    for i in range(3):
        log_density = -0.5 * (grid / 0.8) ** 2
        for cause, loading in (("progression", 1.0), ("death", 0.5)):
            log_density += events[cause][i] * loading * grid - exposure[cause][i] * np.exp(loading * grid)
        if i == 0:
            log_density += np.log(-np.expm1(-between[0] * np.exp(grid)))
        density = np.exp(log_density) / np.exp(log_density).sum()
        mean = (grid * density).sum()
        sd = np.sqrt(((grid - mean) ** 2 * density).sum())
        drawn = v.to_numpy()[0, :, i]
        assert drawn.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(draws))
        assert drawn.std() == pytest.approx(sd, rel=0.05)


@pytest.mark.parametrize("kinetics", [PLAIN, STRANDS, LINE], ids=["plain", "strands", "line"])
def test_sample_likelihood(kinetics):
    data, model = built("joint_value", kinetics=kinetics)
    draws = prior_draws(model)
    for place in range(4):
        one = {k: v[..., place : place + 1] for k, v in draws.items()}
        found = likelihood(model, draws, place)
        fraction = prediction.latent_mrd(data, one, data["sample_interval"].to_numpy(), data["sample_day"].to_numpy())[
            :, 0
        ]
        arrays = (data[f"sample_{x}"].to_numpy() for x in ("y", "lod", "below", "false_positive"))
        noise = prediction.noise(data, one, np.arange(data.sizes["sample"]))
        noise = {k: x[:, 0] for k, x in noise.items()}
        terms = assay.log_density(*arrays, fraction, **noise, degrees=prediction.degrees(data))
        assert found["samples"] == pytest.approx(terms.sum(), rel=1e-8)


def test_traits_of_a_patient_are_multivariate_normal():
    """Their log density against scipy's, with the correlation matrix written out."""
    data, _ = built("joint_value", kinetics=STRANDS)
    rng, sizes = np.random.default_rng(2), {"interval": 5, "patient": 3}
    small = np.array([[1.0, 0.3, -0.2], [0.3, 1.0, 0.5], [-0.2, 0.5, 1.0]])  # growth, kill, level
    sd = np.repeat([0.7, 0.4, 0.5], [sizes["interval"], 3, 3])  # levels, growth, kill
    mean, value = rng.normal(size=11), rng.normal(size=11)
    density, none = traits.TraitPrior(traits.Places.of(data)), np.zeros(0)
    found = density.logp(*(pt.constant(x) for x in (value, mean, sd, np.linalg.cholesky(small), none))).eval()
    owner, expected = data["interval_patient"].to_numpy(), 0.0
    for i in range(3):
        places = [5 + i, 8 + i, *np.flatnonzero(owner == i)]
        kind = [0, 1, *[2] * (len(places) - 2)]
        matrix = small[np.ix_(kind, kind)]
        between = small[2, :2] @ np.linalg.inv(small[:2, :2]) @ small[:2, 2]  # levels meet through growth and kill only
        matrix[2:, 2:] = np.where(np.eye(len(places) - 2) == 1, 1.0, between)
        covariance = matrix * np.outer(sd[places], sd[places])
        expected += multivariate_normal.logpdf(value[places], mean[places], covariance)
    assert found == pytest.approx(expected)
    drawn = pm.draw(density.dist(*(pt.constant(x) for x in (mean, sd, np.linalg.cholesky(small), none)), None), 20000)
    sample = (np.array(drawn) - mean) / sd
    correlation = np.corrcoef(sample[:, [5, 8, 0, 1]].T)  # p1: growth, kill, levels of two intervals
    assert correlation[0, 1] == pytest.approx(0.3, abs=0.03)
    assert correlation[1, 2] == pytest.approx(0.5, abs=0.03)
    assert correlation[2, 3] == pytest.approx(between, abs=0.03)


def test_correlations_follow_the_lkj_prior():
    """Each correlation of three kinds under LKJ(2) is Beta(5/2, 5/2) on (-1, 1): mean 0, variance 1/6."""
    drawn = sample_prior(built("joint_value", kinetics=STRANDS)[1], 3000)["correlation"].to_numpy()[0]
    assert drawn.mean(0) == pytest.approx(np.zeros(3), abs=0.03)
    assert drawn.var(0) == pytest.approx(np.full(3, 1 / 6), abs=0.012)


def test_class_that_never_regrows_is_summed_out():
    """exp(samples + events) is the mixture of a patient's likelihood with and without growth."""
    still = MIXED | {"cured": True}
    _, model = built("joint_step", kinetics=still, frailty=False)
    draws = shrunk(prior_draws(model, 40), 0.3)
    for place in range(3):
        found = likelihood(model, draws, place)
        logs = {}
        for grows in (True, False):
            _, one_class = built("joint_step", kinetics=MIXED, frailty=False)
            one = {k: v for k, v in draws.items() if k not in ("cured", "log_odds_cured")}
            if not grows:  # a doubling time of ever: no growth
                one = one | {"traits": draws["traits"].copy()}
                one["traits"][5:8] = 60.0
            logs[grows] = by_patient(one_class, one, place)
        share = draws["cured"][place]
        expected = np.logaddexp(np.log1p(-share) + logs[True], np.log(share) + logs[False]).sum()
        assert found["samples"] + found["events"] == pytest.approx(expected, rel=1e-6)


def test_assay_density_integrates_to_one():
    for fraction, lod, wrong, sigma in [(-3.0, -4.0, 0.01, 0.25), (-5.0, -4.0, 0.2, 0.4)]:
        below = np.exp(assay.log_density(0.0, lod, True, wrong, fraction, sigma))
        above, _ = quad(
            lambda y, a=(lod, False, wrong, fraction, sigma): np.exp(assay.log_density(y, *a)),
            lod,
            lod + 14,
            points=[fraction],
            limit=400,
        )
        assert below + above == pytest.approx(1.0, abs=1e-6)
        assert below == pytest.approx(assay.probability_below(lod, wrong, fraction, sigma))


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes", [STRANDS, MIXED | {"cured": True}, CURVE | {"correlated": True}], ids=["a", "b", "c"]
)
def test_every_option_compiles_and_samples(changes):
    """The sampler's own rewrites of the graph: one of them had refused a detection curve."""
    data, model = built("joint_value", kinetics=changes)
    tree = sampling.fit(model, data, {"chains": 1, "tune": 20, "draws": 10, "target_accept": 0.9}, 1, "small")
    assert np.isfinite(tree["log_likelihood"].to_dataset().to_dataarray()).all()


def test_a_coefficient_of_which_no_infusion_tells_starts_beside_its_mode():
    """All infusions of the reference dose, one a patient: the gradient of psi and rho at their modes is zero, and
    nutpie refuses such a start."""
    data, made = built("joint_value")
    told, blank = made.initial_point(), data.assign(dose_features=xr.zeros_like(data["dose_features"]))
    beside = MODELS["joint_value"](blank, PRIOR).initial_point()
    for name in ("psi", "rho"):
        assert told[name] == PRIOR[name]["mu"]
        assert 0 < beside[name] - PRIOR[name]["mu"] < PRIOR[name]["sigma"]


def test_models_registry_is_the_schema_and_the_design():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    named = set(schema["$defs"]["study"]["properties"]["models"]["properties"])
    assert set(MODELS) == named == {*design.LINKS, "gvhd"}
    assert (
        set(schema["properties"]["priors"]["required"])
        == set(schema["properties"]["priors"]["properties"])
        == set(CONFIG["priors"])
    )


def test_named_dims():
    _, model = built("joint_step", baseline="mspline")
    assert model.named_vars_to_dims["beta_progression"] == ("progression_covariate",)
    assert list(model.coords["progression_covariate"]) == ["interval", "arm[y]", "age", "gvhd", "platelet_recovery"]
    assert list(model.coords["death_covariate"]) == ["age", "gvhd_severe"]
    assert model.named_vars_to_dims["traits"] == ("trait",)
    assert model.coords["trait"][0] == "level p1/1"


def test_design_survives_its_file(tmp_path):
    data, _ = built("joint_step", baseline="mspline")
    files.write_tree(data, tmp_path / "design.nc")
    again = files.read_dataset(tmp_path / "design.nc")
    assert json.loads(again.attrs["options"]) == json.loads(data.attrs["options"])
    for name, value in data.variables.items():
        np.testing.assert_array_equal(again[name].to_numpy(), value.to_numpy(), name)


def test_frailty_integrates_out_as_by_quadrature():
    """log p(T_i) of a patient with one frailty against adaptive quadrature over it."""
    data, model = built("intervals", baseline="weibull")
    draws = prior_draws(model, 3)
    rows = np.flatnonzero(data["interval_patient"].to_numpy()[data["row_interval"].to_numpy()] == 1)  # p2: a death
    found = scores.frailty_only(data, draws, rows)
    for s in range(3):
        one = {k: v[..., s : s + 1] for k, v in draws.items()}
        happened = one_patient.events(data, one, one_patient.without_patient(data, one, rows), rows)

        def density(v, one=one, happened=happened):
            terms = happened.given(one_patient.shifts(one, list(happened.exposure), np.array([[v]])))[0, 0]
            omega = one["omega_v"][0]
            return np.exp(terms - 0.5 * (v / omega) ** 2) / (omega * np.sqrt(2 * np.pi))

        omega = one["omega_v"][0]
        area, _ = quad(density, -10 * omega, 10 * omega, limit=400)
        assert found[s] == pytest.approx(np.log(area), abs=1e-4)


def test_score_of_a_model_without_patient_effects_is_plain_importance_sampling():
    data, model = built("intervals", baseline="weibull", frailty=False)
    draws = shrunk(prior_draws(model, 40), 0.05)
    table = scores.score(data, draws, 1)
    rows = np.flatnonzero(data["interval_patient"].to_numpy()[data["row_interval"].to_numpy()] == 2)
    log_p = scores.frailty_only(data, draws, rows)
    harmonic = np.log(len(log_p)) - logsumexp(-log_p)  # un-smoothed leave-one-out estimate
    assert table.loc[2, "patient"] == "p3"
    assert table.loc[2, "elpd"] == pytest.approx(harmonic, abs=0.02)


SMALL = np.array([-40.0, -6.0, -1.0, -1e-9, 1e-9, 0.5, 3.0, 9.0])


@pytest.mark.parametrize(
    ("graph", "exact", "slope"),
    [
        (marker.log_normal_below, special.log_ndtr, lambda z: np.exp(norm.logpdf(z) - special.log_ndtr(z))),
        (marker.log_one_plus_exp, lambda x: np.logaddexp(0.0, x), special.expit),
        (lambda b: marker.log10_fraction(b)[0], kinetics.log10_fraction, kinetics.slope_of_fraction),
        (lambda b: marker.log10_fraction(b)[1], kinetics.slope_of_fraction, None),
    ],
    ids=["log_normal_below", "log_one_plus_exp", "fraction", "per_ratio"],
)
def test_functions_of_one_exponential_are_right_in_value_and_slope(graph, exact, slope):
    x = pt.vector()
    value = graph(x)
    wanted = [value, pt.grad(value.sum(), x)] if slope else [value]
    found = pytensor.function([x], wanted, mode=PLAIN_PYTHON)(SMALL)
    assert found[0] == pytest.approx(exact(SMALL), rel=1e-12)
    if slope:
        assert found[1] == pytest.approx(slope(SMALL), rel=1e-9)


def test_a_weighted_mean_of_exponentials_and_its_gradient():
    rng = np.random.default_rng(5)
    values, weight = rng.normal(-300, 200, (4, 6)), rng.dirichlet(np.ones(6))
    x = pt.matrix()
    mean = parts.log_mean(weight, x)
    found, slope = pytensor.function([x], [mean, pt.grad(mean.sum(), x)], mode=PLAIN_PYTHON)(values)
    assert found == pytest.approx(logsumexp(values, b=weight, axis=1), rel=1e-12)
    assert slope == pytest.approx(special.softmax(values + np.log(weight), axis=1), rel=1e-9, abs=1e-300)
