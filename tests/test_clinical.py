"""What the prior says of the reference patient, against closed forms and numerical integration."""

import numpy as np
import pytest
from scipy.integrate import quad
from test_conclusions import exponential
from test_models import CONFIG, built

from redose import clinical
from redose.survival import YEAR


def test_constant_hazards_have_the_textbook_values():
    """1.2 + 0.4 events a year: half are gone after log 2 / 1.6 years, three in four of them by progression."""
    found = clinical.quantities(*exponential(1.2, 0.4))
    assert set(found) == {"median_free", "progression_1y", "death_1y"}
    assert found["median_free"] == pytest.approx(12 * np.log(2) / 1.6, rel=1e-3)
    assert found["progression_1y"] == pytest.approx(0.75 * -np.expm1(-1.6))
    assert found["death_1y"] == pytest.approx(0.25 * -np.expm1(-1.6))


def test_a_median_beyond_twenty_years_is_infinite():
    found = clinical.quantities(*exponential(0.01, 0.01))
    assert np.isposinf(found["median_free"]).all()


def test_a_regrowing_mrd_raises_the_hazard_as_the_equations_say():
    """Level 10^-3.5, doubling in 30 days, 1.2 log10 killed with a half-life of 2 days, threshold 10^-3."""
    data, _ = built("joint_step")
    one = {"mu_b": -3.5, "doubling": 30.0, "delta": 1.2, "half_life": 2.0, "tau": -3.0, "alpha_progression": 1.8}
    one |= {"alpha_death": 0.5, "rate_progression": 0.3, "shape_progression": 1.2, "rate_death": 0.06}
    one |= {"shape_death": 1.0, "psi": 0.3, "rho": 0.0}
    found = clinical.quantities(data, {name: np.array([x]) for name, x in one.items()})

    def hazard(t, cause, rate, shape):
        ratio = -3.5 + np.log10(2) * t / 30 - 1.2 * (1 - 2 ** (-t / 2))
        fraction = 10**ratio / (1 + 10**ratio)
        step = 1 / (1 + np.exp(-(np.log10(fraction) + 3.0) / CONFIG["model"]["step_width"]))
        return rate * shape * (t / YEAR) ** (shape - 1) / YEAR * np.exp(one[f"alpha_{cause}"] * step)

    def total(t):
        return hazard(t, "progression", 0.3, 1.2) + hazard(t, "death", 0.06, 1.0)

    def free(t):
        return np.exp(-quad(total, 0, t, limit=200)[0])

    progression = quad(lambda t: hazard(t, "progression", 0.3, 1.2) * free(t), 0, YEAR, limit=100)[0]
    assert found["progression_1y"][0] == pytest.approx(progression, rel=2e-3)
    assert free(found["median_free"][0] * clinical.MONTH) == pytest.approx(0.5, abs=2e-3)
    assert (found["doubling"][0], found["kill"][0]) == (30.0, 1.2)


def test_other_competing_outcomes_shorten_the_median_and_have_no_row_of_their_own(monkeypatch):
    """1.2 progressions, 0.3 deaths and 0.1 transplants a year: half are gone after log 2 / 1.6 years."""
    year = clinical.EDGES / YEAR
    rates = {"progression": 1.2, "death": 0.3, "transplant": 0.1}
    grown = {cause: np.diff(rate * year)[:, None] for cause, rate in rates.items()}
    monkeypatch.setattr(clinical, "increments", lambda data, draws: grown)
    found = clinical.quantities(None, {})
    assert set(found) == {"median_free", "progression_1y", "death_1y"}
    assert found["median_free"] == pytest.approx(12 * np.log(2) / 1.6, rel=1e-3)


def test_the_summary_has_quantiles_and_the_published_range():
    values = {"doubling": np.arange(1.0, 1001.0), "median_free": np.array([1.0, np.inf, np.inf])}
    table = clinical.summarise(values, {"doubling": {"low": 101, "high": 300, "source": "s"}}).set_index("quantity")
    assert table.loc["doubling", ["low", "median", "high"]].tolist() == [25, 500, 975]
    assert table.loc["doubling", "within"] == 0.2
    assert table.loc["median_free", ["low", "high"]].tolist() == [1, np.inf]
    assert np.isnan(table.loc["median_free", "within"])


def test_every_published_range_is_one_of_a_quantity():
    assert set(CONFIG["evidence"]) == set(clinical.QUANTITIES)
