"""Baselines against numerical integrals, estimators against lifelines and a hand-worked example."""

import itertools

import lifelines
import numpy as np
import pytest
from scipy.integrate import quad

from redose import survival


@pytest.fixture
def spline():
    return survival.place_knots(np.array([40.0, 90.0, 130.0, 200.0, 260.0, 300.0, 410.0, 500.0]), 0.0, 700.0, 8)


def test_weibull_cumulative_is_the_integral_of_the_hazard():
    for rate, shape, t in [(0.3, 1.2, 400.0), (2.0, 0.7, 30.0), (1.0, 2.5, 1000.0)]:
        area, _ = quad(lambda s, r=rate, k=shape: np.exp(survival.weibull_log_hazard(s, r, k)), 0, t, epsabs=0)
        assert survival.weibull_cumulative(t, rate, shape) == pytest.approx(area, rel=1e-6)


def test_weibull_rate_is_the_cumulative_hazard_of_the_first_year():
    assert survival.weibull_cumulative(365.25, 0.42, 1.7) == pytest.approx(0.42, rel=1e-12)


def test_every_m_spline_integrates_to_one(spline):
    for k in range(spline.size):
        breaks = np.unique(spline.knots)
        pieces = [
            quad(lambda t, k=k: spline.hazard(np.array([t]))[0, k], a, b)[0] for a, b in itertools.pairwise(breaks)
        ]
        assert sum(pieces) == pytest.approx(1.0, rel=1e-9)


def test_m_spline_cumulative_is_the_integral_and_grows_linearly_beyond(spline):
    breaks = np.append(np.unique(spline.knots[spline.knots < 333.0]), 333.0)
    for k in range(spline.size):
        pieces = [
            quad(lambda t, k=k: spline.hazard(np.array([t]))[0, k], a, b)[0] for a, b in itertools.pairwise(breaks)
        ]
        assert spline.cumulative(np.array([333.0]))[0, k] == pytest.approx(sum(pieces), rel=1e-9, abs=1e-14)
    beyond = spline.cumulative(np.array([700.0, 800.0, 900.0]))
    assert np.allclose(beyond[2] - beyond[1], beyond[1] - beyond[0])
    assert np.allclose(beyond[2] - beyond[1], 100 * spline.hazard(np.array([700.0]))[0])


def test_constant_weights_give_a_constant_hazard(spline):
    assert spline.constant.sum() == pytest.approx(1.0)
    assert np.allclose(spline.hazard(np.linspace(0, 700, 50)) @ spline.constant, 1 / 700)


def test_a_walk_keeps_its_distribution_and_the_information_of_events_is_diagonal(spline):
    """Steps of unit variance whatever the turn; information against differences of the log likelihood of 700 events,
    one a day: the hazard is constant and as many are at risk every day, so the exposure says nothing of the weights."""
    days = np.arange(700) + 0.5
    walk, known = spline.walk(days)
    steps = np.diff(walk, axis=0)
    assert walk[0] == pytest.approx(np.zeros(spline.size - 1))
    assert steps @ steps.T == pytest.approx(np.eye(spline.size - 1), abs=1e-12)

    def likelihood(x):
        weights = spline.constant * np.exp(walk @ x)
        return np.log(spline.hazard(days) @ (weights / weights.sum())).sum()

    d = 1e-3 * np.eye(spline.size - 1)
    for i, a in enumerate(d):
        for j, b in enumerate(d):
            second = likelihood(a + b) - likelihood(a - b) - likelihood(b - a) + likelihood(-a - b)
            assert -second / 4e-6 == pytest.approx(known[i] if i == j else 0.0, abs=1e-3 * known.max())
    assert np.allclose(spline.walk(days[:0])[1], 0)


def test_pieces_are_constant_and_closed_on_the_right():
    pieces = survival.MSpline(np.array([0.0, 10.0, 40.0, 100.0]), 0)
    assert pieces.size == 3
    at = pieces.hazard(np.array([0.0, 5.0, 10.0, 10.5, 40.0, 99.0, 100.0, 120.0]))
    assert at.argmax(1).tolist() == [0, 0, 0, 1, 1, 2, 2, 2]  # an event on a knot belongs to the piece that it ends
    assert at.max(1).tolist() == pytest.approx([1 / 10] * 3 + [1 / 30] * 2 + [1 / 60] * 3)
    assert pieces.constant.tolist() == pytest.approx([0.1, 0.3, 0.6])
    assert pieces.cumulative(np.array([0.0, 25.0, 100.0, 130.0])).tolist() == [
        pytest.approx(x) for x in ([0, 0, 0], [1, 0.5, 0], [1, 1, 1], [1, 1, 1.5])
    ]


def test_knots_come_from_inside_event_times_only():
    few = survival.place_knots(np.array([50.0]), 0.0, 100.0, 8)
    assert few.size == 4
    many = survival.place_knots(np.repeat([10.0, 20.0, 30.0, 40.0, 50.0, 60.0], 5), 0.0, 100.0, 8)
    assert all(10 < x < 60 for x in set(many.knots) - {0.0, 100.0})
    assert many.size == 7  # three interior knots: half of six distinct times


def test_kaplan_meier_of_freireich():
    """6-MP arm of Freireich 1963 (Klein & Moeschberger, table 4.1A): S(6) = 0.857, S(10) = 0.753, S(23) = 0.448."""
    time = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35], dtype=float)
    event = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
    at, free, _ = survival.aalen_johansen(np.zeros(21), time, event, [1])
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {int(t): round(float(s), 3) for t, s in zip(at, free, strict=True)} == published


def test_aalen_johansen_agrees_with_lifelines():
    rng = np.random.default_rng(1)
    stop = rng.permutation(np.arange(1.0, 201.0))  # no ties: lifelines breaks them at random
    cause = rng.integers(0, 3, 200)
    at, _, cif = survival.aalen_johansen(np.zeros(200), stop, cause, [1, 2])
    for k in (1, 2):
        other = lifelines.AalenJohansenFitter(calculate_variance=False).fit(stop, cause, event_of_interest=k)
        expected = other.cumulative_density_.iloc[:, 0].reindex(at, method="ffill")
        assert np.allclose(cif[k - 1], expected, atol=1e-12)


def test_kaplan_meier_with_delayed_entry_agrees_with_lifelines():
    rng = np.random.default_rng(2)
    start = rng.uniform(0, 50, 150)
    stop = start + rng.exponential(80, 150)
    event = rng.integers(0, 2, 150)
    at, free, _ = survival.aalen_johansen(start, stop, event, [1])
    other = lifelines.KaplanMeierFitter().fit(stop, event, entry=start).survival_function_at_times(at).to_numpy()
    inside = other > 0
    assert inside.sum() > 20
    assert np.allclose(free[inside], other[inside], atol=1e-12)
