"""Own effects of patients whom a fit has not seen: against brute force, and against the population."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from test_models import ABOUT, CONFIG, CURVE, MIXED, STRANDS, built, options, sample_prior, small_study
from test_unsettled import of_two_modes

from redose import coordinates, design, newcomers, one_patient, prediction, selection

QUANTILES = (0.1, 0.5, 0.9)


def test_a_history_of_two_explanations_gives_both():
    """Quantiles of level, growth and kill of p2, who has two readings just above a limit that its other 13 lie below,
    against 400,000 weighted draws of its population."""
    data, draws = of_two_modes()
    draws.pop("traits")
    one = {k: x[..., :1] for k, x in draws.items()}
    block, rng = coordinates.patient_blocks(data)[1], np.random.default_rng(4)
    many = one_patient.OwnPrior.of(data, one, 1, block).draw(400_000, rng)
    log_y, happened = one_patient.own_likelihood(data, one, 1, block, many, 0.0)
    weight = np.exp(log_y + happened.given(dict.fromkeys(happened.exposure, 0.0)))[0]
    assert weight.sum() ** 2 / (weight**2).sum() > 2000
    exact = many[0][rng.choice(len(weight), 4000, p=weight / weight.sum())]
    deep = exact[:, 0] < -4.6  # both readings false: the level is then known from above only
    assert 0.1 < deep.mean() < 0.9

    found, counted = newcomers.condition(data, draws, data, 1)
    own = found["traits"][block].T
    assert counted[1] > 2
    assert (own[:, 0] < -4.6).mean() == pytest.approx(deep.mean(), abs=0.05)
    for k in range(3):
        for q in QUANTILES:
            assert np.quantile(own[:, k], q) == pytest.approx(np.quantile(exact[:, k], q), abs=0.15 * exact[:, k].std())


def test_a_relapse_is_no_row_of_false_positives():
    """Five readings that rise a hundredfold in four weeks, where a single one could well be false: growth is then five
    sds above the population's, which is 30 log units likelier than five false positives."""
    _, draws = of_two_modes()
    draws.pop("traits")
    draws = {k: x[..., :200] for k, x in draws.items()}
    tables, day = small_study(), [0, 28, 56, 84, 91, 98, 105, 112]
    low = pd.DataFrame({"patient": "p2", "day": day, "assay": "flow", "mrd": np.nan, "lod": 1e-4, "below": True})
    low.loc[3:, "mrd"] = [1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
    low.loc[3:, "below"] = False
    tables["mrd"], tables["infusions"] = low, tables["infusions"].iloc[[2]]
    data = design.build(tables, ABOUT, "joint_value", options(frailty=False), CONFIG["priors"])
    draws["half_life"] = draws["half_life"][:1]
    found, _ = newcomers.condition(data, draws, data, 1)
    level = prediction.latent_mrd(data, found, np.array([3]), np.array([112.0]))
    assert np.quantile(level, 0.05) > -1.6


def fitted(name: str, number: int, **changes) -> tuple[xr.Dataset, dict]:
    """(design of the small study, draws of what patients share): prior draws, drawn close to each other."""
    _, model = built(name, **changes)
    prior = sample_prior(model, number)
    close = {n: x.mean("draw") + 0.1 * (x - x.mean("draw")) for n, x in prior.data_vars.items()}
    draws = prediction.thin(xr.Dataset(close), number)
    of_people = ("traits", "v", "still")
    return model.design, {n: x for n, x in draws.items() if n not in of_people}


def newcomer(**changes) -> dict:
    """Tables of one patient of a new trial, site and lot, 40 days free of progression, with these tables changed."""
    tables = {name: table.iloc[:0] for name, table in small_study().items()}
    patients = small_study()["patients"].iloc[:1].assign(patient="n", trial="C", site="C1")
    row = {"patient": "n", "interval": 1, "start_day": 0.0, "entry_day": np.nan, "last_free_day": np.nan}
    row |= {"end_day": 40.0, "outcome": "censored"}
    given = {"patient": "n", "day": 0.0, "cells": 9e8, "product": "NK", "lot": "L9"}
    return tables | {
        "patients": patients,
        "intervals": pd.DataFrame([row]),
        "infusions": pd.DataFrame([given]),
        **changes,
    }


def like(data: xr.Dataset, tables: dict, **changes) -> xr.Dataset:
    """Design of other patients, by the vocabulary of a fit."""
    name = data.attrs["model"]
    words = design.vocabulary(data)
    return design.build(tables, ABOUT, name, options(**changes), CONFIG["priors"], like=words)


def test_without_samples_and_days_a_newcomer_is_as_its_population():
    """Means and sds of the traits, and of the effects of a trial and a lot that the fit has not seen."""
    number = 3000
    data, draws = fitted("joint_step", number, kinetics=STRANDS)
    tables = newcomer()
    tables["intervals"]["end_day"] = 0.0  # nothing is known yet
    new = like(data, tables, kinetics=STRANDS)
    found, _ = newcomers.condition(new, draws, data, 1)
    block = coordinates.patient_blocks(new)[0]
    prior = one_patient.OwnPrior.of(new, found, 0, block)
    white = np.linalg.solve(prior.root, (found["traits"][block].T - prior.mean)[:, :, None])[:, :, 0]
    assert np.abs(white.mean(0)).max() < 4 / np.sqrt(number)
    assert white.std(0) == pytest.approx(np.ones(3), abs=0.06)
    assert found["v"][0].std() == pytest.approx(np.sqrt((draws["omega_v"] ** 2).mean()), rel=0.06)
    assert found["u_lot"].shape[0] == 3
    assert found["u_lot"][:-1] == pytest.approx(draws["u_lot"])  # of the fit's own levels
    assert stats.kstest(found["u_lot"][-1] / draws["omega_lot"], "norm").pvalue > 1e-3
    of_both = np.hypot(draws["omega_trial"], draws["omega_site"])
    assert stats.kstest(found["u_new"][0] / of_both, "norm").pvalue > 1e-3


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("joint_step", {"kinetics": STRANDS}),
        ("joint_value", {"kinetics": MIXED | {"cured": True}}),
        ("joint_value", {"kinetics": CURVE, "frailty": False}),
        ("intervals", {}),
    ],
)
def test_a_patient_is_predicted_alike_whoever_is_beside_it(name, changes):
    data, draws = fitted(name, 20, **changes)
    tables = small_study()
    both, alone = (
        like(data, tables, **changes),
        like(data, {n: t[t["patient"] == "p2"].reset_index(drop=True) for n, t in tables.items()}, **changes),
    )
    found, counted = newcomers.condition(both, draws, data, 5)
    single, own_counted = newcomers.condition(alone, draws, data, 5)
    for part in ("v", "still"):
        if part in single:
            assert single[part][0] == pytest.approx(found[part][1], rel=1e-9)
    if name != "intervals":
        blocks = [coordinates.patient_blocks(d)[i] for d, i in ((both, 1), (alone, 0))]
        assert single["traits"][blocks[1]] == pytest.approx(found["traits"][blocks[0]], rel=1e-9)
        assert counted[1] == own_counted[0]
    else:
        assert np.isnan(counted).all()


def constant(history: pd.DataFrame, **spreads) -> tuple[xr.Dataset, dict]:
    """(design, draws with own effects) of a patient of a new trial and site, where progressions come at a constant rate
    of 1 a year but for frailty, trial and site. spreads: omega_v, omega_trial, omega_site."""
    number = 4000
    words = dict.fromkeys(("death", "transplant", "new_therapy"), "hypothetical")
    wanted = options() | {"estimand": words, "progression": {"covariates": []}}
    data = design.build(small_study(), ABOUT, "intervals", wanted, CONFIG["priors"])
    draws = {n: np.full(number, x) for n, x in spreads.items()}
    draws |= {"rate_progression": np.ones(number), "shape_progression": np.ones(number)}
    draws |= {"beta_progression": np.zeros((0, number)), "u_trial": np.zeros((2, number))}
    draws["u_site"] = np.zeros((3, number))
    tables = newcomer(intervals=history)
    new = design.build(tables, ABOUT, "intervals", wanted, CONFIG["priors"], like=design.vocabulary(data))
    return new, newcomers.condition(new, draws, data, 1)[0]


@pytest.mark.parametrize(("between", "omega_v"), [(0.2, 0.4), (0.6, 0.4), (0.6, 0.0)])
@pytest.mark.parametrize(("events", "years"), [(0, 2.0), (3, 0.25)])
def test_a_history_tells_of_a_new_site_too(between, omega_v, events, years):
    """P(progression within half a year): frailty, trial and site together are normal, and the events so far are Poisson
    given them: by quadrature."""
    rows = [("n", k + 1, 30.0 * k, np.nan, np.nan, 30.0 * (k + 1), "progression") for k in range(events)]
    rows.append(("n", events + 1, 30.0 * events, np.nan, np.nan, 365.25 * years, "censored"))
    names = ["patient", "interval", "start_day", "entry_day", "last_free_day", "end_day", "outcome"]
    spreads = {"omega_trial": 0.8 * between, "omega_site": 0.6 * between, "omega_v": omega_v}
    new, found = constant(pd.DataFrame(rows, columns=names), **spreads)
    _, ends = selection.incidence(new, found, np.array([events]), [182.625])
    z = np.linspace(-8, 8, 2001) * np.hypot(between, omega_v)
    weight = np.exp(-0.5 * (z / np.hypot(between, omega_v)) ** 2 + events * z - years * np.exp(z))
    exact = (weight * -np.expm1(-0.5 * np.exp(z))).sum() / weight.sum()
    assert ends["progression"].mean() == pytest.approx(exact, abs=0.012)
