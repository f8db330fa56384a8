"""Traits drawn anew after sampling: against the model's own graph, and against brute force."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from test_models import (
    ABOUT,
    CONFIG,
    CURVE,
    LINE,
    MIXED,
    PRIOR,
    STRANDS,
    evaluated,
    options,
    sample_prior,
    small_study,
)

from redose import coordinates, design, prediction, unsettled
from redose.models import MODELS

CASES = {
    "step": ("joint_step", {}),
    "no frailty": ("joint_value", {"frailty": False}),
    "every strand": ("joint_value_slope", {"kinetics": STRANDS}),
    "class": ("joint_step", {"kinetics": MIXED | {"cured": True}}),
    "line": ("joint_value_slope", {"kinetics": LINE}),
    "curve": ("joint_value", {"kinetics": CURVE}),
}


def as_sampled(name: str, changes: dict, number: int, stored=None):
    """(design, model, a posterior as the sampler returns it): two chains of prior draws, which differ in the traits of
    p2, with everything that the model stores of patients (else all `stored`). p2 weighs half, as under a power prior.
    """
    data = design.build(small_study(), ABOUT, name, options(**changes), CONFIG["priors"])
    data["patient_weight"] = ("patient", np.array([1.0, 0.5, 1.0]))
    model = MODELS[name](data, PRIOR)
    model.design = data
    prior = sample_prior(model, 2 * number)
    close = {n: x.mean("draw") + 0.2 * (x - x.mean("draw")) for n, x in prior.data_vars.items()}  # as a posterior is
    draws = prediction.thin(xr.Dataset(close), 2 * number)
    draws["traits"][coordinates.patient_blocks(data)[1], number:] += 0.3
    posterior = {n: x.transpose("chain", "draw", ...) for n, x in close.items()}
    posterior |= {n: (posterior[n].dims, np.moveaxis(draws[n], -1, 0)[None]) for n in posterior}
    dims = {v.name: model.named_vars_to_dims[v.name] for v in model.deterministics if unsettled.of_a_patient(v.name)}
    if stored is None:
        values = recomputed(model, draws, 2 * number)
    else:
        values = {n: np.full((2 * number, data.sizes[d]), stored) for n, (d,) in dims.items()}
    posterior |= {n: (("chain", "draw", *dims[n]), x[None]) for n, x in values.items()}
    two = {n: (dims, x.reshape(2, number, *x.shape[2:])) for n, (dims, x) in posterior.items()}
    return data, model, xr.Dataset(two)


def recomputed(model, draws: dict, number: int) -> dict[str, np.ndarray]:
    """What the model stores of patients, by its own graph: name -> (draw, place)."""
    names = [v.name for v in model.deterministics if unsettled.of_a_patient(v.name)]
    rows = [evaluated(model, draws, s, [model[n] for n in names]) for s in range(number)]
    return {n: np.array([r[k] for r in rows]) for k, n in enumerate(names)}


@pytest.mark.parametrize("case", CASES)
def test_what_is_stored_of_a_patient_is_what_the_model_says_at_its_new_traits(case):
    data, model, posterior = as_sampled(*CASES[case], number=8)
    settled, done = unsettled.settle(posterior.copy(deep=True), data, 1)
    redrawn = done["redrawn"].to_numpy().tolist()
    assert "p2" in redrawn
    assert (done["rhat"] > unsettled.RHAT).all()
    changed = (settled["traits"] != posterior["traits"]).any(("chain", "draw")).to_numpy()
    blocks = dict(zip(data["patient"].to_numpy().tolist(), coordinates.patient_blocks(data), strict=True))
    assert set(np.flatnonzero(changed)) == set(np.concatenate([blocks[p] for p in redrawn]))
    draws = prediction.thin(settled, 16)
    for name, expected in recomputed(model, draws, 16).items():
        found = np.moveaxis(draws[name], -1, 0)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6, err_msg=name)


def test_patients_are_redrawn_to_the_same_bits_whatever_the_cores():
    data, _, posterior = as_sampled("joint_step", {}, number=8)
    one, three = (unsettled.settle(posterior.copy(deep=True), data, 1, cores) for cores in (1, 3))
    assert one[1].sizes["redrawn"] > 1
    assert all(a.identical(b) for a, b in zip(one, three, strict=True))
    assert not one[0].identical(posterior)


def test_patients_whose_chains_agree_are_left_as_they_are():
    data, _, posterior = as_sampled("joint_step", {}, number=400, stored=0.0)
    settled, done = unsettled.settle(posterior.copy(deep=True), data, 1)
    assert done["redrawn"].to_numpy().tolist() == ["p2"]
    assert float(done["rhat"][0]) > 1.1
    others = np.concatenate([coordinates.patient_blocks(data)[i] for i in (0, 2)])
    before, after = (x["traits"].isel(trait=others).to_numpy() for x in (posterior, settled))
    assert before.tobytes() == after.tobytes()
    untouched = [n for n in posterior.data_vars if not unsettled.of_a_patient(n)]
    assert all(settled[n].identical(posterior[n]) for n in untouched)
    assert unsettled.settle(settled, data, 2)[1].sizes["redrawn"] == 0  # and now its chains agree


def of_two_modes():
    """(design, draws): p2, redosed quarterly, is below 1e-4 but for two readings just above it."""
    tables, day = small_study(), np.arange(0, 300, 20)
    low = pd.DataFrame({"patient": "p2", "day": day, "assay": "flow", "mrd": np.nan, "lod": 1e-4, "below": True})
    low.loc[[4, 13], ["mrd", "below"]] = [[2.0e-4, False], [2.5e-4, False]]
    tables["mrd"] = low
    data = design.build(tables, ABOUT, "joint_value", options(frailty=False), CONFIG["priors"])
    number = 4000
    names = {"mu_b": -3.5, "omega_b": 1.0, "doubling": 30.0, "omega_g": 0.6, "delta": 1.0, "omega_delta": 0.6}
    names |= {"psi": 0.3, "rho": 0.0, "rate_progression": 0.3, "shape_progression": 1.1}
    names |= {"rate_death": 0.3, "shape_death": 1.0, "alpha_progression": 0.7, "alpha_death": 0.3}
    draws = {k: np.full(number, v) for k, v in names.items()}
    draws |= {f"beta_{c}": np.zeros((data.sizes[f"{c}_covariate"], number)) for c in ("progression", "death")}
    draws |= {"half_life": np.repeat([[2.0], [21.0]], number, 1), "sigma": np.full((1, number), 0.2)}
    draws |= {"beta_b": np.zeros((2, number)), "eta": np.zeros((1, number))}
    draws["traits"] = np.zeros((data.sizes["trait"], number))
    return data, draws


def test_a_patient_of_two_modes_is_drawn_from_both():
    """Quantiles of its level, growth and kill, from chains that saw one mode, against 400,000 weighted prior draws."""
    data, draws = of_two_modes()
    block, rng = coordinates.patient_blocks(data)[1], np.random.default_rng(4)
    one = {k: x[..., :1] for k, x in draws.items() if k != "traits"}
    prior = unsettled.OwnPrior.of(data, one, 1, block)
    many = prior.draw(400_000, rng)
    said = unsettled.outcomes(data, one, 1, block, many)
    weight = np.exp(said["samples"] + said["events"])[0]
    assert weight.sum() ** 2 / (weight**2).sum() > 2000
    exact = many[0][rng.choice(len(weight), 4000, p=weight / weight.sum())]
    deep = exact[:, 0] < -4.6  # both readings false: the level is then known from above only
    assert 0.1 < deep.mean() < 0.9

    shallow = exact[~deep]
    draws["traits"][block] = shallow[rng.integers(len(shallow), size=4000)].T
    flat = {"traits": draws["traits"].T.copy(), "log_likelihood_samples": np.zeros((4000, 3))}
    flat["log_likelihood_events"] = np.zeros((4000, 3))
    moved = []
    for _ in range(3):
        moved.append(unsettled.exchange(flat, draws, data, 1, block, rng))
        draws["traits"] = flat["traits"].T.copy()
    assert min(moved) > 0.5
    found = draws["traits"][block].T
    assert (found[:, 0] < -4.6).mean() == pytest.approx(deep.mean(), abs=0.05)
    for k in range(3):
        spread = exact[:, k].std()
        for q in (0.1, 0.5, 0.9):
            assert np.quantile(found[:, k], q) == pytest.approx(np.quantile(exact[:, k], q), abs=0.15 * spread)
