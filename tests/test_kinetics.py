"""Kinetics against the plain double sum, and against closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redose import kinetics

days = st.lists(st.integers(0, 900), min_size=1, max_size=9, unique=True)


@settings(max_examples=60, deadline=None)
@given(days, st.floats(0.3, 200.0), st.floats(-0.5, 1.0), st.floats(-0.3, 0.3), st.floats(0.0, 1000.0))
def test_recursion_equals_the_double_sum(given_on, half_life, psi, rho, day):
    cells = np.linspace(3e8, 1.5e9, len(given_on))
    who, product = np.zeros(len(given_on), int), np.arange(len(given_on)) % 2
    features = np.column_stack([np.log(cells / 9e8), kinetics.earlier_infusions(who, np.array(given_on))])
    doses = kinetics.arrange_doses(who, np.array(given_on), product, features, 1)
    slot, since = kinetics.last_dose(doses, np.array([0]), np.array([day]))
    lives = np.array([half_life, 3 * half_life])
    total, running = kinetics.dose_states(doses, np.array([psi, rho]), lives)
    quick = kinetics.kill_done(total, running, slot, since, lives)[0]

    order = np.argsort(given_on)
    plain = 0.0
    for number, place in enumerate(order):
        s = day - given_on[place]
        if s > 0:
            log_dose = np.log(cells[place] / 9e8) - np.log(cells / 9e8).mean()
            weight = np.exp(psi * log_dose + rho * (number - (len(given_on) - 1) / 2))
            plain += weight * (1 - 0.5 ** (s / lives[place % 2]))
    assert quick == pytest.approx(plain, rel=1e-9, abs=1e-12)
    rate = kinetics.kill_rate(running, slot, since, lives)[0]
    later = kinetics.kill_done(total, running, slot, since + 1e-4, lives)[0]
    if slot[0]:
        assert rate == pytest.approx((later - quick) / 1e-4, rel=1e-2, abs=1e-6)


def test_last_dose_is_strictly_before_and_of_the_same_patient():
    doses = kinetics.arrange_doses(
        np.array([1, 0, 1]), np.array([50.0, 10.0, 0.0]), np.zeros(3, int), np.zeros((3, 1)), 3
    )
    assert doses.day.tolist() == [10.0, 0.0, 50.0]
    slot, since = kinetics.last_dose(doses, np.array([0, 0, 1, 1, 2]), np.array([10.0, 11.0, 50.0, 70.0, 99.0]))
    assert slot.tolist() == [0, 1, 2, 3, 0]
    assert since.tolist() == [0.0, 1.0, 50.0, 20.0, 0.0]


def test_patients_without_infusion_have_no_kill():
    doses = kinetics.arrange_doses(np.array([], int), np.array([]), np.array([], int), np.zeros((0, 2)), 2)
    slot, since = kinetics.last_dose(doses, np.array([0, 1]), np.array([5.0, 6.0]))
    total, running = kinetics.dose_states(doses, np.array([0.3, 0.0]), np.array([2.0]))
    assert kinetics.kill_done(total, running, slot, since, np.array([2.0])).tolist() == [0.0, 0.0]
    assert doses.mean_features.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_suppression_boundary():
    """Kill per cycle of 0.301 x interval / doubling keeps MRD flat (evidence.md 6: 90 d at 33 d needs 0.82 log10)."""
    interval, doubling = 90.0, 33.0
    kill = 0.301 * interval / doubling
    assert kill == pytest.approx(0.82, abs=0.005)
    day = np.arange(0.0, 901.0, interval)
    doses = kinetics.arrange_doses(np.zeros(11, int), day, np.zeros(11, int), np.zeros((11, 1)), 1)
    total, running = kinetics.dose_states(doses, np.zeros(1), np.array([2.0]))
    just_before = day[1:]
    slot, since = kinetics.last_dose(doses, np.zeros(10, int), just_before)
    ratio = (
        -4.0
        + kinetics.LOG10_2 / doubling * just_before
        - kill * kinetics.kill_done(total, running, slot, since, np.array([2.0]))
    )
    assert np.ptp(ratio) < 0.01
    assert ratio[-1] == pytest.approx(-4.0, abs=0.01)


def test_fraction_saturates_at_one_and_equals_the_ratio_when_small():
    assert kinetics.log10_fraction(np.array([0.0]))[0] == pytest.approx(np.log10(0.5))
    assert kinetics.log10_fraction(np.array([-6.0]))[0] == pytest.approx(-6.0, abs=1e-6)
    assert -1e-8 < kinetics.log10_fraction(np.array([9.0]))[0] < 0
    step = (kinetics.log10_fraction(-0.7 + 1e-6) - kinetics.log10_fraction(-0.7 - 1e-6)) / 2e-6
    assert kinetics.slope_of_fraction(-0.7) == pytest.approx(step, rel=1e-6)


def test_kernel_halves_what_is_left_every_half_life():
    assert kinetics.kill_kernel(np.array([-1.0, 0.0, 2.0, 4.0, 6.0]), 2.0).tolist() == [0.0, 0.0, 0.5, 0.75, 0.875]


def test_days_on_courses():
    on = kinetics.days_on(np.array([10.0, 50.0]), np.array([20.0, 60.0]), np.array([0.0, 15.0, 20.0, 55.0, 90.0]))
    assert on.tolist() == [0.0, 5.0, 10.0, 15.0, 20.0]


def test_spline_curves_are_natural_and_their_slope_is_the_derivative():
    knots = np.array([0.0, 100.0, 300.0, 700.0])
    day = np.array([-50.0, 0.0, 60.0, 250.0, 650.0, 900.0])
    basis = kinetics.curve_basis(day, knots)
    assert basis.shape == (6, 3)
    assert basis[:, 0].tolist() == pytest.approx(list(day / 365.25))
    step = (kinetics.curve_basis(day + 1e-3, knots) - kinetics.curve_basis(day - 1e-3, knots)) / 2e-3
    assert np.allclose(kinetics.curve_slope(day, knots), step, rtol=1e-5, atol=1e-8)
    beyond = kinetics.curve_slope(np.array([700.0, 800.0, 2000.0]), knots)
    assert np.allclose(beyond, beyond[0])  # straight beyond the last knot
    assert np.allclose(kinetics.curve_basis(np.array([-9.0]), knots)[:, 1:], 0.0)  # and before the first
