"""The model pages against the same equations written another way, at random parameter values."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
import yaml
from scipy.integrate import quad
from scipy.special import logsumexp

from redose import assay, design, files, prediction, priors, sampling, scores
from redose.models import MODELS, marker, parts

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
PRIOR = priors.convert_all(CONFIG["priors"])
ABOUT = {
    "assays": {"flow": {"lod": 1e-4, "false_positive_rate": 0.01}, "qPCR": {"lod": 1e-5}},
    "covariates": {"age": {"per": 10, "centre": 60}},
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
    )
    tables["infusions"] = pd.DataFrame(
        [("p1", 0, 9e8), ("p1", 100, 3e8), ("p2", 0, 9e8), ("p2", 91, 1.5e9), ("p2", 182, 9e8)],
        columns=["patient", "day", "cells"],
    ).assign(product="NK", lot="")
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
    tables["gvhd"] = pd.DataFrame(
        [("p2", "acute", "3", 20.0, 60.0), ("p1", "chronic", "mild", 120.0, np.nan)],
        columns=["patient", "kind", "grade", "onset_day", "end_day"],
    )
    tables["conditions"] = pd.DataFrame(
        [("p3", "platelet_recovery", 25.0, np.nan)], columns=["patient", "condition", "onset_day", "end_day"]
    )
    return tables


def options(baseline: str = "weibull", clock: str = "gap", frailty: bool = True) -> dict:
    return CONFIG["model"] | {
        "estimand": {"death": "competing", "transplant": "hypothetical", "new_therapy": "hypothetical"},
        "clock": clock,
        "baseline": baseline,
        "frailty": frailty,
        "pooled": ["trial", "site"],
        "kinetics": {"level": ["interval", "age"], "kill": ["age"]},
        "progression": {"covariates": ["interval", "arm", "age"], "time_dependent": ["gvhd", "platelet_recovery"]},
        "death": {"covariates": ["age"], "time_dependent": ["gvhd_severe"]},
    }


def built(model: str, **changes):
    data = design.build(small_study(), ABOUT, model, options(**changes), CONFIG["priors"])
    made = MODELS[model](data, PRIOR)
    made.design = data
    return data, made


def prior_draws(model: pm.Model, number: int = 6) -> dict:
    tree = sampling.sample_prior(model, number, 3)
    return prediction.thin(tree["prior"].to_dataset(), number)


def shrunk(draws: dict, factor: float) -> dict:
    """The draws drawn towards their mean: from a prior to the spread of a posterior."""
    return {k: v.mean(-1, keepdims=True) + factor * (v - v.mean(-1, keepdims=True)) for k, v in draws.items()}


def likelihood(model: pm.Model, draws: dict, place: int) -> dict[str, float]:
    """Every potential of the model at one draw."""
    names = [v.name for v in model.free_RVs]
    values = {n: draws[n][..., place] if n in draws else None for n in names}
    point = {}
    for rv in model.free_RVs:
        name = rv.name
        if name.startswith("z_"):
            values[name] = standardised(draws, name, place, model)
        transform = model.rvs_to_transforms[rv]
        value = np.asarray(values[name], dtype=float)
        given = transform.forward(value, *rv.owner.inputs).eval() if transform is not None else value
        point[model.rvs_to_values[rv].name] = given
    graph = model.replace_rvs_by_values(model.potentials)
    compiled = model.compile_fn(graph, inputs=model.value_vars, on_unused_input="ignore", mode="FAST_COMPILE")
    found = compiled(point)
    return {p.name: float(x) for p, x in zip(model.potentials, found, strict=True)}


def standardised(draws: dict, name: str, place: int, model: pm.Model) -> np.ndarray:
    """The innovation behind a stored effect: u = omega z, weights = softmax(log constant + walk)."""
    stem = name.removeprefix("z_")
    if stem == "omega_v":
        return draws["omega_v"][place]
    if stem == "traits":
        shared = np.array([draws["psi"][place], draws["rho"][place], np.log(draws["half_life"][place])])
        data = model.design
        shift = data["trait_shift"].to_numpy() @ (shared - data["shared_reference"].to_numpy())
        return draws["traits"][..., place] - shift
    if stem in ("trial", "site"):
        return draws[f"u_{stem}"][..., place] / draws[f"omega_{stem}"][place]
    walk = np.log(draws[f"weights_{stem}"][..., place]) - np.log(model.constants[stem])
    if parts.is_piecewise(model.design, stem):
        return walk
    return np.diff(walk) / draws[f"smooth_{stem}"][place]


CASES = [
    ("intervals", {"baseline": "weibull"}),
    ("intervals", {"baseline": "mspline", "clock": "total"}),
    ("intervals", {"baseline": "mspline", "frailty": False}),
    ("intervals", {"baseline": "piecewise", "clock": "total"}),
    ("joint_value", {"baseline": "piecewise"}),
    ("joint_value", {"baseline": "weibull"}),
    ("joint_step", {"baseline": "mspline"}),
]


def fine_integral(function, a: float, b: float) -> float:
    """∫ by 40 Gauss-Legendre nodes between all days at which anything changes, crowded towards `a` by t = a + L x^4."""
    x, w = np.polynomial.legendre.leggauss(40)
    bends = [0, 3, 12, 20, 25, 80, 40, 60, 91, 92, 94, 100, 101, 103, 110, 120, 130, 182, 183, 185, 195, 240]
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
        total += np.log(np.exp(log_density).sum() * (grid[1] - grid[0]))
    return total


@pytest.mark.parametrize(("name", "changes"), CASES, ids=lambda x: str(x))
def test_event_likelihood_is_the_integral_of_the_hazards(name, changes):
    """Σ log λ at events - ∫ λ, log[S(L) - S(R)] for p1's second progression, and the frailty integrated out."""
    data, model = built(name, **changes)
    model.constants = {c: data[f"{c}_constant"].to_numpy() for c in parts.causes(data) if parts.has_spline(data, c)}
    draws = prior_draws(model)
    if name != "intervals":  # the quadrature is meant for hazards as posteriors have them
        draws = shrunk(draws, 0.4)
    for place in range(3):
        one = {k: v[..., place : place + 1] for k, v in draws.items()}
        terms = likelihood(model, draws, place)
        found = terms["events"]
        omega = one["omega_v"][0] if "omega_v" in one else 0.0
        phi = one["phi_death"][0] if "phi_death" in one else 0.0
        expected = log_likelihood(areas(data, one, changes.get("clock", "gap")), omega, phi)
        tolerance = 1e-5 if name == "intervals" else 2e-3  # four Gauss-Legendre nodes a piece
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance), place


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
    posterior["exposure_between"] = (("chain", "draw", "k"), np.broadcast_to(between, (1, draws, 1)))
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


@pytest.mark.parametrize("name", ["joint_value", "joint_step"])
def test_sample_likelihood(name):
    data, model = built(name)
    draws = prior_draws(model)
    for place in range(4):
        one = {k: v[..., place : place + 1] for k, v in draws.items()}
        found = likelihood(model, draws, place)
        fraction = prediction.latent_mrd(data, one, data["sample_interval"].to_numpy(), data["sample_day"].to_numpy())[
            :, 0
        ]
        arrays = (data[f"sample_{x}"].to_numpy() for x in ("y", "lod", "below", "false_positive"))
        terms = assay.log_density(*arrays, fraction, one["sigma"][0])
        assert found["samples"] == pytest.approx(terms.sum(), rel=1e-8)


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


def test_sampling_coordinates_change_nothing_but_geometry():
    """forward inverts backward, the Jacobian is the determinant of backward, and blocks are a patient's own."""
    data, _ = built("joint_step")
    transform = marker.WithinPatient(data)
    n = data.sizes["trait"]
    z = np.random.default_rng(0).normal(size=n)
    assert np.allclose(transform.forward(transform.backward(z).eval()).eval(), z)
    origin = transform.backward(np.zeros(n)).eval()
    jacobian = np.column_stack([transform.backward(e).eval() - origin for e in np.eye(n)])
    assert transform.log_jac_det(z).eval() == pytest.approx(np.linalg.slogdet(jacobian)[1])
    owner = np.concatenate([data["interval_patient"].to_numpy(), np.arange(3), np.arange(3)])
    assert not jacobian[owner[:, None] != owner].any()


def test_models_registry_is_the_schema_and_the_design():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    assert set(MODELS) == set(schema["$defs"]["study"]["properties"]["models"]["properties"]) == set(design.LINKS)
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
    assert model.named_vars_to_dims["traits"] == model.named_vars_to_dims["z_traits"] == ("trait",)
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
        hazards = scores.without_patient(data, one, rows)

        def density(v, one=one, hazards=hazards):
            terms = scores.event_terms(data, one, hazards, rows, np.array([[v]]))[0, 0]
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
