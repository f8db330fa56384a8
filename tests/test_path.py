"""Paths of patients under regimes against arithmetic by hand and against events drawn by brute force."""

import numpy as np
import pytest
from scipy import stats
from worlds import (
    HORIZON,
    LOD,
    RECORDS,
    STEP,
    STEPS,
    compared,
    crowd,
    repeated,
    rules_of,
    run,
    true_world,
    utilities,
    world,
)

from redose import assay, estimand, kinetics
from redose.decisions import outcomes, path, records, regimes

# closed forms


def test_constant_hazards_are_the_exponential_integrals():
    """RMST (1 - e^-λH) / λ, incidences by the shares of the hazards, quarterly doses Σ e^{-λ 91 k}, each to 1e-4."""
    every = rules_of({"name": "q", "kind": "fixed", "every": 91}, infusions=8)
    found = run(every, world(3, every, rate=0.7, death=0.2))
    lam = 0.9 / 365.25
    rmst = -np.expm1(-lam * HORIZON) / lam
    for name in ("none", "q"):
        assert found.loc[name, "free_days"] == pytest.approx(rmst, abs=1e-4)
        assert found.loc[name, "progression"] == pytest.approx(7 / 9 * -np.expm1(-lam * HORIZON), abs=1e-6)
        assert found.loc[name, "death"] == pytest.approx(2 / 9 * -np.expm1(-lam * HORIZON), abs=1e-6)
        assert found.loc[name, "progressed_days"] == pytest.approx(7 / 9 * (HORIZON - rmst), abs=1e-2)
    assert found.loc["none", "infusions"] == 1.0
    assert found.loc["q", "infusions"] == pytest.approx(np.exp(-lam * 91 * np.arange(8)).sum(), abs=1e-4)


def test_a_schedule_on_the_suppression_boundary_keeps_mrd_flat():
    """log10 kill = 0.301 · interval / doubling: the level before each infusion stays, a tenth more or less moves it."""
    doubling, interval = 30.0, 91
    growth = kinetics.LOG10_2 / doubling
    every = rules_of({"name": "q", "kind": "fixed", "every": interval, "infusions": 60})
    for factor, sign in ((1.0, 0), (1.1, -1), (0.9, 1)):
        kill = factor * 0.3010299957 * interval / doubling
        parts = world(1, every, growth=growth, level=-4.0, kill=kill)
        traced = path.followed(0, 0, 1, *regimes.rules(every), parts)
        before = traced[:: interval // STEP, 0]
        assert before[1:] - before[:-1] == pytest.approx(-(factor - 1) * growth * interval, abs=1e-9)
        assert np.sign(np.round(before[-1] + 4.0, 6)) == sign


def test_without_noise_the_infusion_follows_the_first_test_above_tau():
    """Level -4 at day 0, one log10 in 100 days: -3 is crossed on day 100, tested on day 112, infused on day 119."""
    record = {"name": "a", "kind": "adaptive", "tau": -3, "every": 28, "within": 7, "first": False, "infusions": 1}
    every = rules_of(record)
    found = run(every, world(1, every, growth=0.01, level=-4.0, rate=0.0)).loc["a"]
    assert found[["infusions", "tests", "triggers", "false_triggers"]].tolist() == [1, 4, 1, 0]
    confirmed = rules_of(record | {"confirm": 14})
    found = run(confirmed, world(1, confirmed, growth=0.01, level=-4.0, rate=0.0)).loc["a"]
    assert found[["infusions", "tests"]].tolist() == [1, 5]
    again = rules_of(record | {"first": True, "infusions": 2})
    found = run(again, world(1, again, growth=0.01, level=-4.0, rate=0.0)).loc["a"]
    assert found["delay_days"] == pytest.approx(19.0, abs=0.1)
    assert found["delayed"] == 1.0


def test_a_rise_over_the_nadir_triggers():
    """One infusion of one log10 on day 0; tests on days 28 (nadir), 56, ...; 0.5 log10 over it on day 84."""
    every = rules_of({"name": "r", "kind": "adaptive", "rise": 0.5, "every": 28, "within": 0, "infusions": 2})
    parts = world(1, every, growth=0.01, level=-3.0, kill=1.0, rate=0.0)
    traced = path.followed(0, 0, 1, *regimes.rules(every), parts)
    assert np.flatnonzero(traced[:, 2]).tolist() == [0, 84 // STEP]


def test_limits_hold_spacing_number_and_failure():
    """Always above tau: tests every 14 days, but 28 days between infusions and four of them; a product that fails in
    30 % is infused in 70 %, and hazards do not care."""
    record = {"name": "a", "kind": "adaptive", "tau": -4, "every": 14, "within": 0, "spacing": 28, "infusions": 4}
    every = rules_of(record, {"name": "auto", "kind": "autologous", "wait": 35, "failure": 0.3, "kill": 1})
    found = run(every, world(1, every, level=-1.0, rate=0.5))
    parts = world(1, every, level=-1.0, rate=0.5)
    traced = path.followed(0, 0, 1, *regimes.rules(every), parts)
    assert (np.flatnonzero(traced[:, 2]) * STEP).tolist() == [0, 28, 56, 84]
    assert found.loc["auto", "infusions"] == pytest.approx(0.7 * np.exp(-0.5 * 35 / 365.25), abs=1e-6)
    assert found.loc["auto", "free_days"] == pytest.approx(found.loc["none", "free_days"], abs=1e-9)


def test_a_transplant_ends_in_its_own_incidences():
    """70 % of those free on day 119; a year later 33 % of them have progressed and 22 % died."""
    every = rules_of({"name": "b", "kind": "bridge", "transplant": 119, "probability": 0.7})
    parts = world(1, every, rate=0.5)
    found = run(every, parts)
    gone = 0.7 * np.exp(-0.5 * 119 / 365.25)
    assert found.loc["b", "transplant"] == pytest.approx(gone, abs=1e-9)
    after = outcomes.after_transplant({"progression": 0.33, "death": 0.22, "gvhd": 0.4})
    total = after.progression + after.death
    assert -np.expm1(-365.25 * total) * after.progression / total == pytest.approx(0.33)
    assert found.loc["b", "death"] == pytest.approx(gone * after.death * -np.expm1(-total * 609) / total)
    assert found.loc["b", "gvhd"] == pytest.approx(0.4 * gone)
    days = [found.loc["b", c] for c in path.OUTCOMES[:5]]
    dead = found.loc["b", "death"]
    assert sum(days) < HORIZON < sum(days) + dead * HORIZON


def test_an_infusion_follows_the_marker_and_a_value_link():
    """Cumulative hazard over a path with one infusion against 0.1-day sums: the nodes after an infusion hold."""
    every = rules_of()
    parts = world(
        1, every, growth=0.008, level=-2.0, kill=1.5, rate=0.4, link=lambda b: 10 ** (0.35 * (b + 3)), half_life=2.0
    )
    found = run(every, parts).loc["none"]
    day = (np.arange(HORIZON * 10) + 0.5) / 10
    b = -2.0 + 0.008 * day - 1.5 * (1 - 2 ** (-day / 2.0))
    grown = np.cumsum(0.4 / 365.25 * 10 ** (0.35 * (b + 3)) * 0.1)
    assert found["progression"] == pytest.approx(-np.expm1(-grown[-1]), rel=2e-4)
    assert found["free_days"] == pytest.approx((np.exp(-grown) * 0.1).sum(), rel=2e-4)


def test_readings_have_the_distribution_of_the_assay():
    """Normal and Student-t noise by their quantiles, and the same reading whatever the regime."""
    drawn = np.zeros((STEPS, 4))
    for degrees, reference in ((0.0, stats.norm), (4.0, stats.t(4))):
        test = records.Assay(LOD, np.ones(1), np.zeros(1), 0.01, degrees)
        z = []
        for p in range(200):
            path.noise(records.Setting(7.0, STEPS, 3, 0), test, 0, p, drawn)
            z.append(drawn.copy())
        z = np.concatenate(z)
        assert stats.kstest(z[:, 0], reference.cdf).pvalue > 0.001
        assert stats.kstest(z[:, 2], "uniform").pvalue > 0.001
        assert z[:, 3].mean() == pytest.approx(assay.FALSE_POSITIVE_SCALE, rel=0.03)
    assert path.uniform(3, 1, 2, 3, 4) == path.uniform(3, 1, 2, 3, 4) != path.uniform(3, 1, 2, 4, 3)


def test_how_long_gvhd_lasts_does_not_depend_on_whether_it_stops_infusions():
    """Nobody is infused after day 0: days with GVHD are the same when every episode stops infusions and when none."""
    every = rules_of()
    parts, found = true_world(crowd(30, 4), every), []
    for stops in (0, 1):
        shares = np.zeros_like(parts.gvhd.shares)
        shares[..., stops], shares[..., 2 + stops] = 0.7, 0.3
        found.append(run(every, parts._replace(gvhd=parts.gvhd._replace(shares=shares))).loc["none"])
    assert found[1]["severe_days"] == pytest.approx(found[0]["severe_days"]) and found[0]["severe_days"] > 1
    assert found[1].to_numpy() == pytest.approx(found[0].to_numpy())


def test_the_share_that_a_hazard_takes_is_that_of_the_exponential():
    """Of every size, and for every cause that an estimand may name there is a row."""
    h = np.geomspace(1e-12, 1e4, 400)
    assert [path._gone(x) for x in h] == pytest.approx(-np.expm1(-h), rel=1e-8)
    assert len(("progression", *estimand.INTERCURRENT)) <= path.CAUSES


def test_threads_do_not_change_a_bit():
    every = rules_of(*RECORDS)
    parts = true_world(crowd(20, 3), every)
    parts = records.World(*(repeated(x, 3) for x in parts))
    one, two = (path.outcomes(*regimes.rules(every), parts, np.array([20]), n) for n in (1, 2))
    assert one.tobytes() == two.tobytes()
    assert one[0, 1:].tobytes() != one[1, 1:].tobytes()  # draws have test noise of their own


# events by brute force


def test_every_outcome_agrees_with_drawn_events():
    """Seven regimes and none, GVHD with a graft's background, stop rule, false positives: within 4.5 standard errors of
    events drawn day by day (128 comparisons, fewer than 8 % beyond two); the true regret of the choice is below 1 %."""
    table = compared(crowd(60, 1), 25, RECORDS, 5)
    table["z"] = (table["kernel"] - table["brute"]) / np.maximum(table["se"], 1e-3)
    assert table["z"].abs().max() < 4.5, table.sort_values("z")
    assert (table["z"].abs() > 2).mean() < 0.08
    every = rules_of(*RECORDS)
    kernel, truth = (utilities(table, every, name) for name in ("kernel", "brute"))
    assert truth.max() - truth[kernel.argmax()] < 0.01 * np.ptp(truth)  # true regret of the regime chosen
    days = table[table["outcome"].isin(path.OUTCOMES[:4])].groupby("regime")[["kernel", "brute"]].sum()
    assert days["kernel"].to_numpy() == pytest.approx(days["brute"].to_numpy(), abs=25)
