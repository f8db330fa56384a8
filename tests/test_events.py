"""Simulated events against hand arithmetic: hazards of intervals without other effects, dropout, GVHD as stated."""

import numpy as np
import pandas as pd
import pytest
import yaml
from test_simulate import DATA, YEAR, binomial_band, quiet

from redose import simulate


@pytest.fixture(scope="module")
def protocol() -> dict:
    return yaml.safe_load((DATA / "simulation.yaml").read_text())


@pytest.fixture(scope="module")
def study(protocol) -> tuple[dict, dict]:
    return simulate.simulate(protocol)


def free_at(tables: dict, day: int) -> float:
    """Share of first intervals longer than `day`: the Kaplan-Meier estimate where nobody is censored before."""
    first = tables["intervals"].query("interval == 1")
    return float(np.mean(first["end_day"] > day))


# --- hazards ----------------------------------------------------------------------------------------------------------


def test_first_intervals_follow_the_weibull(protocol):
    """S(s) = exp(-0.6 (s / 365.25)^1.4), estimated by the share still free where nobody is censored before."""
    change = {"parameters": {"rate_progression": 0.6, "shape_progression": 1.4}}
    tables = quiet(protocol, 6000, change)
    for day in (30, 90, 180, 365):
        expected = np.exp(-0.6 * (day / YEAR) ** 1.4)
        assert free_at(tables, day) == pytest.approx(expected, abs=binomial_band(expected, 6000))


def test_the_clock_restarts_with_each_interval(protocol):
    """Second intervals too last 100 days with probability exp(-2 (100 / 365.25)^2) = 0.861."""
    change = {
        "parameters": {"rate_progression": 2.0, "shape_progression": 2.0},
        "follow_up": {"earliest": 1095, "latest": 1095, "retreatment": 1.0, "intervals": 2},
    }
    second = quiet(protocol, 2500, change)["intervals"].query("interval == 2 and start_day < 995")
    free = np.mean(second["end_day"] - second["start_day"] > 100)
    assert free == pytest.approx(0.861, abs=binomial_band(0.861, len(second)))


def test_death_and_progression_split_by_their_rates(protocol):
    """Constant hazards 0.6 and 0.3 a year: one event in three is a death, at every time."""
    change = {
        "parameters": {"rate_progression": 0.6, "shape_progression": 1.0, "rate_death": 0.3},
        "follow_up": {"retreatment": 0.0, "earliest": 1095, "latest": 1095},
    }
    outcome = quiet(protocol, 5000, change)["intervals"]["outcome"]
    events = outcome[outcome != "censored"]
    assert len(events) / 5000 == pytest.approx(1 - np.exp(-0.9 * 1095 / YEAR), abs=0.012)
    assert (events == "death").mean() == pytest.approx(1 / 3, abs=binomial_band(1 / 3, len(events)))


def test_interval_number_raises_the_hazard(protocol):
    """Second intervals progress exp(0.7) = 2.01 times as fast: events per person-year, constant hazards."""
    change = {
        "parameters": {"rate_progression": 1.0, "shape_progression": 1.0, "beta_progression": {"interval": 0.7}},
        "follow_up": {"retreatment": 1.0, "intervals": 2, "latest": 1095},
    }
    rate = progressions_a_year(quiet(protocol, 3000, change)["intervals"], "interval")
    assert rate[1] == pytest.approx(1.0, rel=0.06)
    assert rate[2] / rate[1] == pytest.approx(2.01, rel=0.1)


def test_the_step_multiplies_the_hazard_above_tau(protocol):
    """exp(1.8) = 6.05 between patients well above and well below 0.1 %, with constant hazards and constant MRD."""
    change = {
        "parameters": {
            **{"mu_b": -3.0, "omega_b": 1e-9, "beta_b": {"tumour_burden": 100.0}, "doubling": 1e12, "delta": 1e-12},
            **{"rate_progression": 0.2, "shape_progression": 1.0, "alpha_progression": 1.8},
        },
        "follow_up": {"retreatment": 0.0},
    }
    tables = quiet(protocol, 4000, change)
    above = tables["patients"].set_index("patient")["tumour_burden"] > 0
    intervals = tables["intervals"].assign(above=tables["intervals"]["patient"].map(above))
    rate = progressions_a_year(intervals, "above")
    assert rate[False] == pytest.approx(0.2, rel=0.12)
    assert rate[True] / rate[False] == pytest.approx(6.05, rel=0.14)


def test_the_value_link_multiplies_the_hazard_per_log10(protocol):
    """One log10 above the reference of 0.1 %: exp(0.7) = 2.01 times the baseline rate of 0.3 a year."""
    change = {
        "parameters": {
            **{"link": "value", "mu_b": -2.0, "doubling": 1e12, "delta": 1e-12},
            **{"rate_progression": 0.3, "shape_progression": 1.0, "alpha_progression": 0.7},
        },
        "follow_up": {"retreatment": 0.0},
    }
    intervals = quiet(protocol, 3000, change)["intervals"].assign(all=1)
    assert progressions_a_year(intervals, "all")[1] == pytest.approx(0.604, rel=0.08)


def test_gvhd_protects_from_progression_and_its_severe_form_kills(protocol):
    """All in lasting severe GVHD from day 1 on: progression 0.6 times, death 3.2 times their rates of 0.5 and 0.1."""
    acute = {"acute": {"incidence": 1 - 1e-12, "from_day": 0, "to_day": 1}}
    change = {
        "parameters": {
            **{"rate_progression": 0.5, "shape_progression": 1.0, "beta_progression": {"gvhd": np.log(0.6).item()}},
            **{"rate_death": 0.1, "beta_death": {"gvhd_severe": np.log(3.2).item()}},
        },
        "gvhd": {
            "graft": acute,
            "acute": {"grades": {"1": 0.0, "2": 0.0, "3": 1.0, "4": 0.0}, "duration": 1e9},
        },
        "follow_up": {"retreatment": 0.0},
    }
    intervals = quiet(protocol, 5000, change, trial="cedar")["intervals"].assign(all=1)
    assert progressions_a_year(intervals, "all")[1] == pytest.approx(0.30, rel=0.07)
    years = (intervals["end_day"] - intervals["start_day"]).sum() / YEAR
    assert (intervals["outcome"] == "death").sum() / years == pytest.approx(0.32, rel=0.07)


def progressions_a_year(intervals: pd.DataFrame, group: str) -> pd.Series:
    """Progressions per person-year by `group`: the maximum-likelihood rate where the hazard is constant."""
    years = (intervals["end_day"] - intervals["start_day"]).groupby(intervals[group]).sum() / YEAR
    return (intervals["outcome"] == "progression").groupby(intervals[group]).sum() / years


def test_dropout_and_administrative_censoring(protocol):
    """Without events follow-up is uniform on 365-1095 days; with dropout of 0.4 a year, exp(-0.4) reach a year."""
    whole = quiet(protocol, 3000, {"follow_up": {"latest": 1095}})["intervals"]
    assert set(whole["outcome"]) == {"censored"}
    assert whole["end_day"].between(365, 1095).all()
    assert whole["end_day"].mean() == pytest.approx(730, abs=3 * 211 / np.sqrt(3000))
    leaving = quiet(protocol, 3000, {"dropout": {"censored": 0.3, "new_therapy": 0.1}})
    assert free_at(leaving, 364) == pytest.approx(np.exp(-0.4 * 364 / YEAR), abs=binomial_band(0.67, 3000))
    early = leaving["intervals"].query("end_day < 365")["outcome"]
    assert (early == "new_therapy").mean() == pytest.approx(0.25, abs=binomial_band(0.25, len(early)))


# --- GVHD -------------------------------------------------------------------------------------------------------------


def test_graft_gvhd_reaches_its_stated_incidence(protocol):
    change = {
        "gvhd": {"graft": {"acute": {"incidence": 0.35}, "chronic": {"incidence": 0.30}}},
        "follow_up": {"earliest": 1095, "latest": 1095},
    }
    gvhd = quiet(protocol, 2000, change, trial="cedar")["gvhd"]
    assert not gvhd.duplicated(["patient", "kind"]).any()
    acute, chronic = gvhd[gvhd["kind"] == "acute"], gvhd[gvhd["kind"] == "chronic"]
    assert len(acute) / 2000 == pytest.approx(0.35, abs=binomial_band(0.35, 2000))
    assert len(chronic) / 2000 == pytest.approx(0.30, abs=binomial_band(0.30, 2000))
    assert acute["onset_day"].between(1, 100).all()
    assert chronic["onset_day"].between(101, 730).all()
    assert (acute["grade"] == "2").mean() == pytest.approx(0.4, abs=binomial_band(0.4, len(acute)))
    lasted = (acute["end_day"] - acute["onset_day"]).dropna().astype(float)
    assert lasted.mean() == pytest.approx(60.5, abs=3 * 60 / np.sqrt(len(lasted)))  # rounded up to whole days


def test_product_gvhd_follows_the_dose_of_each_infusion(protocol):
    """Risk 0.2 for one infusion of 9e8 cells; 1 - 0.8^2 for eight times the cells with an exponent of 1/3."""
    change = {"gvhd": {"product": {"risk": 0.2, "dose_exponent": 1 / 3}}}
    for cells, share in ((9.0e8, 0.2), (7.2e9, 0.36)):
        gvhd = quiet(protocol, 2000, change, {"products": {"iPSC-NK": {"dose_levels": [cells]}}})["gvhd"]
        assert len(gvhd) / 2000 == pytest.approx(share, abs=binomial_band(share, 2000))
    assert set(gvhd["kind"]) == {"acute"}


def test_no_gvhd_from_the_product_at_its_default_beyond_one_percent(study):
    """0 of 145 patients in the trials of iPSC, cord-blood and haploidentical NK cells: 95 % upper limit 1.7 %."""
    gvhd = study[0]["gvhd"].merge(study[0]["patients"][["patient", "trial"]])
    assert (gvhd["trial"] != "cedar").sum() / 160 <= 0.017
