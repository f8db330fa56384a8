"""Residuals: arithmetic by hand, uniform p-values where the model is right, and small ones where it is not."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad
from test_conclusions import SAME, exponential, exponential_study, late, two_arms
from test_models import ABOUT, CONFIG, built, options, prior_draws

from redose import design, residuals
from redose.residuals import Residuals
from redose.survival import YEAR

ONE = Residuals(np.array([[1.0, 2.0], [0.5, 0.5]]), np.array([False, True]))


def test_two_patients_by_hand():
    """One progresses at a residual of 0.5 while two are at risk, the other is censored at 1 (2 in another draw): total
    time on test 1 of 1.5; A² = (1/2 + ln 1.5 - 2 · 0.5 + (1.5² - 1) / 2) / 1.5; the Nelson-Aalen estimate is 1/2."""
    values, happened = residuals.by_size(ONE, np.array([0, 1]))
    points, total = residuals.on_test(values, happened)
    assert points.tolist() == [[1.0], [1.0]]
    assert total.tolist() == [1.5, 2.5]
    by_hand = (0.5 + np.log(1.5) - 1 + (1.5**2 - 1) / 2) / 1.5
    assert residuals.distance(points, total)[0] == pytest.approx(by_hand, rel=1e-12)
    assert residuals.nelson_aalen(values, happened, np.array([0.4, 0.5, 3.0])).T.tolist() == [[0, 0.5, 0.5]] * 2


def test_the_distance_is_its_integral():
    points, total = np.array([0.3, 0.7, 2.2]), 3.0
    area = sum(quad(lambda a, k=k: (k - a) ** 2 / a, *ends)[0] for k, ends in enumerate([(0, 0.3), (0.3, 0.7)]))
    area += quad(lambda a: (2 - a) ** 2 / a, 0.7, 2.2)[0] + quad(lambda a: (3 - a) ** 2 / a, 2.2, 3.0)[0]
    assert residuals.distance(points, np.array(total)) == pytest.approx(area / total, rel=1e-9)


def test_a_cause_that_never_happens_is_judged_by_what_was_expected():
    """Without an event the distance is E / 2: of one event expected it agrees, of twenty it does not."""
    of = [Residuals(np.full((40, 5), e / 40), np.zeros(40, dtype=bool)) for e in (1.0, 20.0)]
    table = residuals.test({"progression": of[0], "death": of[1]}, {"all": np.arange(40)}, 1)
    assert table["distance"].tolist() == pytest.approx([0.5, 10.0])
    assert table["verdict"].tolist() == ["agrees", "not described"]


def test_constant_hazards_cumulate_to_rate_times_time():
    data, draws = exponential(1.2, 0.4)
    seen, total = residuals.cumulated(data, draws)
    days = data["interval_exit"].to_numpy()[:, None]
    assert total["progression"] == pytest.approx(np.repeat(1.2 / YEAR * days, SAME, axis=1), rel=1e-12)
    assert total["death"] == pytest.approx(np.repeat(0.4 / YEAR * days, SAME, axis=1), rel=1e-12)
    assert (seen["death"] == total["death"]).all()


def test_late_entrants_count_from_their_entry():
    data = late(np.full(400, 60.0))
    draws = {"rate_progression": np.ones(2), "shape_progression": np.full(2, 1.7), "beta_progression": np.zeros((0, 2))}
    _, total = residuals.cumulated(data, draws)
    day = data["interval_exit"].to_numpy() / YEAR
    assert total["progression"][:, 0] == pytest.approx(day**1.7 - (160 / YEAR) ** 1.7, rel=1e-12)


def test_a_frailty_is_predicted_from_the_past():
    """exp(-r) of a first interval is the survival of the population, of a second one that given the first, both by
    quadrature over the frailty (sd 0.6)."""
    data, draws, _ = two_arms(40)
    _, total = residuals.cumulated(data, {k: x[..., :2] for k, x in draws.items()})
    first = int(np.flatnonzero(data["interval_number"].to_numpy() == 2)[0]) - 1
    h = 0.95 / YEAR * np.diff(data["interval_exit"].to_numpy()[[first, first + 1]], prepend=0)
    h[1] = 0.95 / YEAR * data["interval_exit"].to_numpy()[first + 1]

    def mean(power, exposure):
        return quad(lambda z: np.exp(power * 0.6 * z - exposure * np.exp(0.6 * z)) * stats.norm.pdf(z), -9, 9)[0]

    assert np.exp(-total["progression"][first, 0]) == pytest.approx(mean(0, h[0]), rel=2e-4)
    assert np.exp(-total["progression"][first + 1, 0]) == pytest.approx(mean(1, h.sum()) / mean(1, h[0]), rel=2e-4)


def test_a_progression_between_two_assessments_lies_between_its_bounds():
    """Of p1 the second one; the cause that did not happen is censored at the end."""
    data, made = built("joint_step")
    draws = prior_draws(made, 6)
    seen, total = residuals.cumulated(data, draws)
    found = residuals.residuals(data, draws, 1)
    assert (seen["progression"][1] < found["progression"].residual[1]).all()
    assert (found["progression"].residual[1] < total["progression"][1]).all()
    assert (np.delete(found["progression"].residual == total["progression"], 1, axis=0)).all()
    assert found["progression"].happened.tolist() == [True, True, False, False, False]
    assert found["death"].happened.tolist() == [False, False, False, True, False]


def fitted(seed: int, shape: float, n: int = 60) -> Residuals:
    """Residuals of the exponential model with a conjugate posterior of its rate, for Weibull times of a rate from its
    prior; half a year of follow-up or more, a third censored."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(3.0, 1 / 3)
    event, end = (rng.exponential(size=n) / rate) ** (1 / shape), rng.uniform(0.5, 3, n)
    time, happened = np.minimum(event, end), event <= end
    draws = rng.gamma(3.0 + happened.sum(), 1 / (3.0 + time.sum()), residuals.DRAWS)
    return Residuals(time[:, None] * draws, happened)


def p_of(seed: int, shape: float) -> np.ndarray:
    of = fitted(seed, shape)
    values, happened = residuals.by_size(of, np.arange(len(of.happened)))
    return residuals.p_values(values, happened, np.random.default_rng(seed))[1]


def test_p_is_uniform_where_the_model_is_right():
    """Of a draw; what the verdict rests on is then below its level no oftener than it says."""
    p = np.array([p_of(seed, 1.0) for seed in range(400)])
    assert stats.kstest(p[:, 0], "uniform").pvalue > 0.01
    assert 0.02 <= (p[:, 0] < 0.05).mean() <= 0.08  # binomial, 99 %
    assert (2 * np.median(p, axis=1) < residuals.LEVEL).mean() <= 0.05


def test_an_exponential_model_of_weibull_times_is_found_out():
    p = np.array([np.median(p_of(seed, 3.0)) for seed in range(40)])
    assert (2 * p < residuals.LEVEL).mean() > 0.9


def test_verdicts_count_how_many_there_are():
    """Twice 0.004, 0.02 and 0.3, by Holm 0.024, 0.08 and 0.6."""
    assert residuals.judged(np.array([0.02, 0.004, 0.3])).tolist() == ["doubtful", "not described", "agrees"]


def test_the_verdict_on_a_study_that_the_model_made_and_on_another():
    """One table and one curve per cause; the right model agrees, one with half the rate of progression does not."""
    data, draws = exponential(1.2, 0.4)
    members = residuals.groups(data)
    assert list(members) == ["all"]  # one interval a patient
    right = residuals.residuals(data, draws, 1)
    table = residuals.test(right, members, 1).set_index("cause")
    assert table["verdict"].tolist() == ["agrees", "agrees"]
    days = data["interval_exit"].to_numpy().sum()
    assert table.loc["death", "expected"] == pytest.approx(0.4 * days / YEAR)
    assert table.loc["death", "events"] == (data["interval_event"] == "death").sum()
    curves = residuals.curves(right, members, 0.9, 1)
    inside = (curves["observed"] >= curves["low"]) & (curves["observed"] <= curves["high"])
    assert inside.mean() > 0.7
    wrong = residuals.residuals(data, draws | {"rate_progression": np.full(SAME, 0.6)}, 1)
    table = residuals.test(wrong, members, 1).set_index("cause")
    assert table.loc["progression", "verdict"] == "not described"
    assert table.loc["death", "verdict"] == "agrees"


def test_later_intervals_are_judged_by_themselves():
    """Second intervals twice as fast as first ones, under a model that knows of no difference."""
    data, draws, _ = two_arms()
    found = residuals.residuals(data, draws, 1)
    members = residuals.groups(data)
    assert list(members) == ["all", "1", "2"]
    listed = residuals.listed(data, found)
    assert len(listed) == data.sizes["interval"]
    assert (listed["pit"] < 1).all() and (listed["residual"] > 0).all()
    slower = {"progression": Residuals(found["progression"].residual.copy(), found["progression"].happened)}
    slower["progression"].residual[members["2"]] /= 2
    verdict = residuals.test(slower, members, 1).set_index("interval")["verdict"]
    assert verdict["2"] == "not described"
    assert verdict["1"] == "agrees"


def recurrent(n: int = 500, seed: int = 5):
    """(design, draws): progressions at 1.5 a year, treated again at once, until death (0.3 a year) or day 900; hazards
    constant, multiplied by exp(v) and exp(0.8 v), v ~ Normal(0, 0.9). The draws are the true parameters."""
    rng, rows = np.random.default_rng(seed), []
    tables = exponential_study(1.0, 1.0, n)
    for name, v in zip(tables["patients"]["patient"], 0.9 * rng.standard_normal(n), strict=True):
        day, number, outcome = 0.0, 1, "progression"
        while outcome == "progression":
            next_ones = [YEAR * rng.exponential() / r for r in (1.5 * np.exp(v), 0.3 * np.exp(0.8 * v))]
            end = min(day + min(next_ones), 900.0)
            happened = "progression" if next_ones[0] < next_ones[1] else "death"
            outcome = happened if end < 900 else "censored"
            rows.append((name, number, day, end, outcome))
            day, number = end, number + 1
    found = pd.DataFrame(rows, columns=["patient", "interval", "start_day", "end_day", "outcome"])
    tables["intervals"] = found.assign(entry_day=np.nan, last_free_day=np.nan)
    none = {"covariates": []}
    data = design.build(tables, ABOUT, "intervals", options() | {"progression": none, "death": none}, CONFIG["priors"])
    true = {"rate_progression": 1.5, "rate_death": 0.3, "omega_v": 0.9, "phi_death": 0.8}
    true |= {"shape_progression": 1.0, "shape_death": 1.0}
    draws = {name: np.full(50, value) for name, value in true.items()}
    return data, draws | {f"beta_{c}": np.zeros((0, 50)) for c in ("progression", "death")}


def test_residuals_of_recurrent_intervals_with_a_frailty_are_unit_exponential():
    """In first and in later intervals, for both causes; a model that knows of no frailty expects too few later ones."""
    data, draws = recurrent()
    found, members = residuals.residuals(data, draws, 1), residuals.groups(data)
    table = residuals.test(found, members, 1)
    assert list(members) == ["all", "1", "2", "3 and later"]
    assert set(table["verdict"]) == {"agrees"}
    off = (table["events"] - table["expected"]) / np.sqrt(table["expected"])
    assert np.abs(off).max() < 3
    alone = draws | {"omega_v": np.full(50, 1e-9)}
    table = residuals.test(residuals.residuals(data, alone, 1), members, 1).set_index(["cause", "interval"])
    assert table.loc[("progression", "3 and later"), "verdict"] == "not described"
    assert (
        table.loc[("progression", "3 and later"), "events"]
        > 1.3 * table.loc[("progression", "3 and later"), "expected"]
    )
