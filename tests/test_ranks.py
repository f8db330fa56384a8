"""Ranks of a conjugate toy, whose posterior is known: exact ones pass, narrow and shifted ones fail."""

import numpy as np
import pandas as pd
import pytest
from arviz_stats.ecdf_utils import get_pointwise_confidence_band, simulate_confidence_bands
from columns import described

from redose import ranks

SIMULATIONS, DRAWS = 400, 99


def toy(spread: float = 1.0, shift: float = 0.0, seed: int = 5, simulations: int = SIMULATIONS) -> pd.DataFrame:
    """Ranks of θ ~ N(0, 1) given y ~ N(θ, 1) among draws of N(y / 2, 1/2), its sd times `spread`, its mean moved by
    `shift` sds."""
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal(simulations)
    y = theta + rng.standard_normal(simulations)
    draws = y[:, None] / 2 + np.sqrt(0.5) * (shift + spread * rng.standard_normal((simulations, DRAWS)))
    pits = [ranks.pit(t, d, u) for t, d, u in zip(theta, draws, rng.random(simulations), strict=True)]
    table = pd.DataFrame({"simulation": range(simulations), "quantity": "theta", "pit": pits, "accepted": True})
    return table.assign(reason="").reindex(columns=ranks.COLUMNS)


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_an_exact_posterior_passes(seed):
    table = toy(seed=seed)
    verdict = ranks.judge(table, 0.05, 1)
    assert verdict["calibrated"].all()
    assert len(verdict) == 4
    assert "no deviation" in ranks.text(table, verdict, 0.05)


@pytest.mark.parametrize(("wrong", "test"), [({"spread": 0.8}, "coverage_90"), ({"shift": 0.3}, "ecdf")])
def test_a_posterior_20_percent_too_narrow_or_shifted_fails(wrong, test):
    table = toy(**wrong)
    verdict = ranks.judge(table, 0.05, 1)
    assert not verdict.set_index("test").loc[test, "calibrated"]
    assert "NOT CALIBRATED: theta" in ranks.text(table, verdict, 0.05)


def test_the_p_value_of_uniform_ranks_is_uniform():
    """In 400 sets of 50 exact ranks, 5 % have p < 0.05 and half p < 0.5, up to binomial noise of three sds."""
    rng = np.random.default_rng(3)
    null = ranks.null_extremity(50, 4)
    p = np.array([ranks.p_values(rng.random(50), null)["ecdf"] for _ in range(400)])
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=3 * 0.011)
    assert (p < 0.5).mean() == pytest.approx(0.5, abs=3 * 0.025)


def test_the_band_is_that_of_arviz():
    """Säilynoja et al. 2022, as arviz_stats has it; its quantile comes from other random numbers."""
    points, low, high = ranks.band(60, 0.1, ranks.null_extremity(60, 1))
    inside = simulate_confidence_bands(60, 1, points, 0.9, 5000, np.random.default_rng(2))
    theirs = get_pointwise_confidence_band(inside, 60, points)
    assert np.abs(low - theirs[0]).max() <= 1.01 / 60
    assert np.abs(high - theirs[1]).max() <= 1.01 / 60


def test_a_value_is_counted_at_its_own_point():
    np.testing.assert_array_equal(ranks.counts(np.array([0.25, 0.26, 0.9, 1.0])), [1, 2, 2])


def test_ranks_by_hand():
    draws = np.array([1.0, 2.0, 3.0, 4.0])
    assert ranks.pit(2.5, draws, 0.5) == pytest.approx(2.5 / 5)
    assert ranks.pit(0.0, draws, 0.0) == 0.0
    assert ranks.pit(9.0, draws, 1.0) == 1.0
    never = np.array([1.0, np.inf, np.inf, np.inf])  # three of four draws have no threshold, and the truth has none
    assert ranks.pit(np.inf, never, 0.5) == pytest.approx((1 + 2) / 5)


def test_holm_by_hand():
    # 0.01 x 4, then 0.02 x 3, 0.03 x 2, and 0.04 may not fall below the one before
    np.testing.assert_allclose(ranks.holm(np.array([0.03, 0.01, 0.04, 0.02])), [0.06, 0.04, 0.06, 0.06])


def test_a_fit_that_was_not_accepted_is_left_out_and_named():
    table = toy(simulations=100)
    table.loc[7, ["accepted", "reason"]] = [False, "tau: R-hat 1.2, limit 1.05"]
    verdict = ranks.judge(table, 0.05, 1)
    assert set(verdict["simulations"]) == {99}
    words = ranks.text(table, verdict, 0.05)
    assert "100 simulations, 1 of the fits not accepted" in words
    assert "simulation 7: tau: R-hat 1.2, limit 1.05" in words


def test_ranks_and_verdict_are_described():
    verdict = ranks.judge(toy(simulations=40), 0.05, 1)
    assert described({"../calibration/ranks.csv": ranks.COLUMNS, "../calibration/verdict.csv": verdict}) == ([], [])
