"""Calibration: the truth in the form of draws is the truth, schedules mean what they say, failures are counted."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.special import expit

from redose import calibration, checks, design, prediction, ranks, schedules, simulate, tables
from redose.survival import YEAR

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
FOLDER = ROOT / "data" / "redosable"


def setting(**changes) -> calibration.Setting:
    config = CONFIG | {"calibration": CONFIG["calibration"] | changes}
    return calibration.setting(config, FOLDER / "simulation.yaml", FOLDER / "study.yaml")


@pytest.fixture(scope="module")
def trial():
    """(setting, design, tables, about, truth) of one trial whose assay is almost without noise."""
    of = setting()
    parameters = {"sigma": {"flow": 1e-6, "NGS": 1e-6}, "rho": -0.2, "psi": 0.6}
    tables, about, truth = calibration.simulated(of, parameters, {}, 12)
    (_, data), _ = calibration.built(of, tables, about)
    return of, data, tables, about, truth


def plans(trial, **days):
    of, _, tables, about, _ = trial
    return schedules.designs(tables, about, of.model, of.options, of.priors, days, 365)


def test_the_true_draws_give_the_readings_of_the_simulator(trial):
    """Every reading above its LOD, but for false positives and those clipped at 100 %, over all intervals."""
    _, data, _, _, truth = trial
    n = data.sizes["sample"]
    interval, day = data["point_interval"].to_numpy()[:n], data["sample_day"].to_numpy()
    latent = prediction.latent_mrd(data, calibration.true_draws(data, truth), interval, day)[:, 0]
    y, below = data["sample_y"].to_numpy(), data["sample_below"].to_numpy()
    seen = ~below & (latent > data["sample_lod"].to_numpy()) & (y < -1e-3)
    assert seen.sum() > 100
    assert len(set(interval[seen])) > 40
    np.testing.assert_allclose(y[seen], latent[seen], atol=1e-4)


def test_the_model_has_the_kinetics_of_the_simulator_with_every_strand(tmp_path):
    """All readings of the default study without noise, limits and false positives: products, lots, doses, courses,
    covariates and earlier intervals enter both alike."""
    exact = {name: {"lod": [1e-50, 1e-50], "false_positive_rate": 0.0} for name in ("flow", "NGS")}
    wanted = {"assays": exact, "parameters": {"sigma": {"flow": 1e-9, "NGS": 1e-9}}, "patients": {"count": 120}}
    protocol = yaml.safe_load((FOLDER / "simulation.yaml").read_text(encoding="utf-8"))
    raw, truth = simulate.simulate(simulate.protocol_with(protocol, wanted))
    simulate.write(raw, truth, tmp_path)
    study = tables.read_study(FOLDER / "study.yaml", tmp_path, "redosable")
    own = CONFIG["studies"]["redosable"]
    options = CONFIG["model"] | {"estimand": own["estimand"]} | own["models"]["joint_step"]
    data = design.build(checks.check(study).tables, study.about, "joint_step", options, CONFIG["priors"])
    assert data.sizes["lot"] > 10 and data.sizes["product"] == 2 and data.sizes["course"] and data.sizes["timed"]
    interval = data["point_interval"].to_numpy()[: data.sizes["sample"]]
    draws = calibration.true_draws(data, truth)
    latent = prediction.latent_mrd(data, draws, interval, data["sample_day"].to_numpy())[:, 0]
    assert not data["sample_below"].any() and len(latent) > 1500
    np.testing.assert_allclose(data["sample_y"].to_numpy(), latent, atol=1e-7)


def test_the_true_draws_give_the_hazard_of_the_simulator(trial):
    """A patient in its first interval on day 100, from truth.yaml by the simulator's docstring; no GVHD by then."""
    _, data, tables, _, truth = trial
    p, ill = truth["parameters"], set(tables["gvhd"]["patient"])
    draws, patients = calibration.true_draws(data, truth), tables["patients"].set_index("patient")
    mrd = prediction.latent_mrd(data, draws, np.arange(data.sizes["interval"]), np.full(data.sizes["interval"], 100.0))
    found = prediction.log_hazards(
        data, draws, np.arange(data.sizes["interval"]), np.full(data.sizes["interval"], 100.0)
    )
    checked = 0
    for place, name in enumerate(data["interval"].to_numpy()):
        patient, number = name.rsplit("/", 1)
        if number != "1" or patient in ill:
            continue
        who, own = patients.loc[patient], truth["patients"][patient]
        f = expit((mrd[place, 0] - p["tau"]) / p["step_width"])
        x = p["beta_progression"]["tumour_burden"] * who["tumour_burden"] + p["beta_progression"]["tme"] * who["tme"]
        x += truth["u_trial"][who["trial"]] + truth["u_site"][who["site"]] + own["v"] + p["alpha_progression"] * f
        base = p["rate_progression"] * p["shape_progression"] / YEAR * (100 / YEAR) ** (p["shape_progression"] - 1)
        assert found["progression"][place, 0] == pytest.approx(np.log(base) + x)
        x = p["alpha_death"] * f + p["beta_death"]["age"] * (who["age"] - 60) / 10 + p["phi_death"] * own["v"]
        base = p["rate_death"] * p["shape_death"] / YEAR * (100 / YEAR) ** (p["shape_death"] - 1)
        assert found["death"][place, 0] == pytest.approx(np.log(base) + x)
        checked += 1
    assert checked > 15


def test_rmst_of_a_constant_hazard_is_that_of_the_textbook(trial):
    """Half an event a year, the same for all and whatever the MRD: (1 - exp(-1/2)) years of 365 days."""
    _, data, *_, truth = trial
    draws = calibration.true_draws(data, truth)
    same = {name: 0.0 * draws[name] for name in draws if name.startswith(("beta_", "alpha_", "u_", "v"))}
    same |= {"rate_progression": np.array([0.3]), "rate_death": np.array([0.2])}
    same |= {"shape_progression": np.array([1.0]), "shape_death": np.array([1.0])}
    found = schedules.rmst(data, plans(trial, single=[0])["single"], draws | same, 365)
    years = 365 / YEAR
    assert found[0] == pytest.approx(-np.expm1(-0.5 * years) / 0.5 * YEAR, rel=1e-4)


def test_a_plan_gives_the_mrd_of_its_infusions(trial):
    """Level, growth and δ of truth.yaml, infusions of the reference cells on days 0 and 91: at day 150 by hand, with
    ρ for the second one. The patient's own infusions were others, and so was its average one."""
    _, data, *_, truth = trial
    plan = plans(trial, twice=[0, 91, 400])["twice"]
    draws = schedules.carried(data, plan, calibration.true_draws(data, truth))
    n, p = plan.sizes["interval"], truth["parameters"]
    found = prediction.latent_mrd(plan, draws, np.arange(n), np.full(n, 150.0))[:, 0]
    for place, patient in enumerate(plan["patient"].to_numpy()):
        own = truth["patients"][patient]
        acted = [1 - 2 ** (-since / p["half_life"]["iPSC-NK"]) for since in (150, 59)]
        killed = own["delta"] * (acted[0] + np.exp(p["rho"]) * acted[1])
        ratio = own["b"][0] + np.log10(2) * 150 / own["doubling"] - killed
        assert found[place] == pytest.approx(ratio - np.log10(1 + 10**ratio))


def test_more_infusions_never_shorten_the_time_free(trial):
    of, data, *_, truth = trial
    made = plans(trial, single=[0], quarterly=[0, 91, 182, 273, 364])
    found = calibration.quantities(of, data, made | {"biannual": made["single"]}, calibration.true_draws(data, truth))
    assert [*found, calibration.COURSE] == CONFIG["calibration"]["quantities"]
    assert found["gain_quarterly"][0] > 0
    assert found["rmst_quarterly"][0] - found["rmst_single"][0] == pytest.approx(found["gain_quarterly"][0])
    assert found["tau"][0] == truth["parameters"]["tau"]


def test_schedules_that_depend_on_readings_or_transplants_are_left_out():
    assert set(setting().schedules) == {"single", "quarterly", "biannual"}


def test_every_parameter_of_the_simulator_is_drawn_from_the_prior_of_the_fit():
    """Same names, and the draws of one parameter spread as the calibration's own belief says."""
    of = setting(simulations=400)
    drawn = calibration.draw_parameters(of)
    prior = drawn["joint"].to_dataset()
    fixed = {"link", "step_width", "reference_level", "reference_cells"}
    absent = {*of.own["protocol"]["parameters"], "theta", "xi", "kappa"}  # strands that the small trials leave out
    assert set(prior.data_vars) == set(of.protocol["parameters"]) - fixed - absent
    one, product = calibration.parameters_of(drawn, 3)
    assert set(one["beta_progression"]) == set(of.protocol["parameters"]["beta_progression"])
    stated = CONFIG["calibration"]["priors"]["doubling"]
    doubling = prior["doubling"].to_numpy().ravel()
    assert np.median(doubling) == pytest.approx(stated["median"], rel=0.05)
    assert (doubling > stated["upper"]).mean() == pytest.approx(0.025, abs=0.025)
    assert set(product) == set(of.protocol["gvhd"]["product"])
    assert (drawn["gvhd"]["risk_acute"] > CONFIG["calibration"]["priors"]["gvhd_risk"]["upper"]).mean() < 0.06


def test_a_trial_has_the_gvhd_that_its_parameters_say():
    """Three infusions of a large risk r and a short trace: 1 - (1 - r)^3, and nobody falls ill without."""
    of = setting(patients=60)
    high = {"risk": 0.6, "dose_exponent": 0.0, "half_life": 2.0}
    truth = calibration.of_course(of, calibration.true_course(high))[calibration.COURSE]
    assert truth == pytest.approx(1 - 0.4**3, abs=1e-6)
    none, _, _ = calibration.simulated(of, {}, high | {"risk": 0.0}, 5)
    assert none["gvhd"].empty
    tables, about, _ = calibration.simulated(of, {}, high, 5)
    _, (_, course) = calibration.built(of, tables, about)
    assert course.sizes["product"] == 1
    assert course.sizes["chronic_onset"] == 0
    ill = set(tables["gvhd"]["patient"])
    given = tables["infusions"].groupby("patient").size().reindex(tables["patients"]["patient"], fill_value=0)
    expected = 1 - 0.4 ** given.to_numpy()  # but for who leaves the trial first
    share = np.array([p in ill for p in given.index])
    assert share.mean() == pytest.approx(expected.mean(), abs=3 * np.sqrt((expected * (1 - expected)).mean() / 60))


def test_a_simulation_that_cannot_be_fitted_is_counted():
    table = calibration.failed(setting(), 4, RuntimeError("no start\nmore"))
    assert list(table.columns) == ranks.COLUMNS
    assert not table["accepted"].any()
    assert set(table["reason"]) == {"RuntimeError: no start"}
    assert "1 of the fits not accepted" in ranks.text(table, ranks.judge(table, 0.05, 1), 0.05)
