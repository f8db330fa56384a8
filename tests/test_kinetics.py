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
    doses = kinetics.arrange_doses(np.zeros(len(given_on), int), np.array(given_on), cells, 9e8, 1)
    slot, since = kinetics.last_dose(doses, np.array([0]), np.array([day]))
    total, running = kinetics.dose_states(doses, psi, rho, half_life)
    quick = kinetics.kill_done(total, running, slot, since, half_life)[0]

    order = np.argsort(given_on)
    plain = 0.0
    for number, place in enumerate(order):
        s = day - given_on[place]
        if s > 0:
            log_dose = np.log(cells[place] / 9e8) - np.log(cells / 9e8).mean()
            weight = np.exp(psi * log_dose + rho * (number - (len(given_on) - 1) / 2))
            plain += weight * (1 - 0.5 ** (s / half_life))
    assert quick == pytest.approx(plain, rel=1e-9, abs=1e-12)


def test_last_dose_is_strictly_before_and_of_the_same_patient():
    doses = kinetics.arrange_doses(np.array([1, 0, 1]), np.array([50.0, 10.0, 0.0]), np.full(3, 9e8), 9e8, 3)
    assert doses.day.tolist() == [10.0, 0.0, 50.0]
    slot, since = kinetics.last_dose(doses, np.array([0, 0, 1, 1, 2]), np.array([10.0, 11.0, 50.0, 70.0, 99.0]))
    assert slot.tolist() == [0, 1, 2, 3, 0]
    assert since.tolist() == [0.0, 1.0, 50.0, 20.0, 0.0]


def test_patients_without_infusion_have_no_kill():
    doses = kinetics.arrange_doses(np.array([], int), np.array([]), np.array([]), 9e8, 2)
    slot, since = kinetics.last_dose(doses, np.array([0, 1]), np.array([5.0, 6.0]))
    total, running = kinetics.dose_states(doses, 0.3, 0.0, 2.0)
    assert kinetics.kill_done(total, running, slot, since, 2.0).tolist() == [0.0, 0.0]
    assert doses.mean_log_cells.tolist() == [0.0, 0.0]


def test_suppression_boundary():
    """Kill per cycle of 0.301 x interval / doubling keeps MRD flat (evidence.md 6: 90 d at 33 d needs 0.82 log10)."""
    interval, doubling = 90.0, 33.0
    kill = 0.301 * interval / doubling
    assert kill == pytest.approx(0.82, abs=0.005)
    day = np.arange(0.0, 901.0, interval)
    doses = kinetics.arrange_doses(np.zeros(11, int), day, np.full(11, 9e8), 9e8, 1)
    total, running = kinetics.dose_states(doses, 0.0, 0.0, 2.0)
    just_before = day[1:]
    slot, since = kinetics.last_dose(doses, np.zeros(10, int), just_before)
    ratio = (
        -4.0 + kinetics.LOG10_2 / doubling * just_before - kill * kinetics.kill_done(total, running, slot, since, 2.0)
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
