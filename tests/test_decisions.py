"""Faulty regimes, the kernel's arrays against the models, and choices against small tables by hand."""

import numpy as np
import pytest
import test_episodes
import test_gvhd
import xarray as xr
from scipy import stats
from test_models import ABOUT, STRANDS, built, sample_prior, shrunk, small_study
from worlds import DECISION, HORIZON, LOD, NONE, RECORDS, STEP, decision, rules_of, run, world

from redose import episodes, kinetics, onsets, prediction
from redose.decisions import choice, outcomes, path, people, regimes, support, utility, verdict

# faults of regimes


@pytest.mark.parametrize(
    ("record", "changes", "words"),
    [
        ({"kind": "fixed", "every": 90}, {}, "no whole steps of 7 days: give a multiple of it, such as 91"),
        ({"kind": "fixed", "every": 14}, {}, "closer than spacing: give at least 28"),
        ({"kind": "adaptive", "every": 28, "within": 7}, {}, "give either tau .* or rise"),
        (
            {"kind": "adaptive", "every": 28, "within": 7, "tau": -6},
            {},
            "its limit of detection is 10\\^-5.0: give tau",
        ),
        ({"name": "none", "kind": "none"}, {}, "two regimes are called 'none'"),
    ],
)
def test_faulty_regimes_are_refused_with_place_and_cure(record, changes, words):
    with pytest.raises(regimes.RegimeError, match=words) as error:
        rules_of({"name": "x"} | record, **changes)
    assert str(error.value).startswith("config: decision.regimes")


def test_a_regime_without_redosing_is_asked_for():
    with pytest.raises(regimes.RegimeError, match="no regime of kind none: add one"):
        regimes.all_of(decision({"name": "q", "kind": "fixed", "every": 91}), 9e8, LOD)


# from a posterior


@pytest.fixture(scope="module")
def posterior():
    """(design, draws) of a joint_value_slope model with every strand: timed infusions, courses, products, lots."""
    data, model = built("joint_value_slope", kinetics=STRANDS)
    traced = sample_prior(model, 40).assign({"v": (("chain", "draw", "patient"), np.zeros((1, 40, 3)))})
    return data, shrunk(prediction.thin(traced, 40), 0.2)


def small(posterior, *records, **changes) -> xr.Dataset:
    """Outcomes of the small study's patients under a few regimes."""
    data, draws = posterior
    ahead = DECISION["ahead"] | {"most": 4} | changes
    asked = decision(NONE, *records, ahead=ahead, assay={"name": "qPCR"})
    return outcomes.simulate(data, draws, None, small_study()["patients"], ABOUT | {"covariates": {}}, asked, 0, 1)


@pytest.mark.parametrize("patients", ["new", "trial"])
def test_regimes_run_on_every_strand_of_the_marker(posterior, patients):
    timed = {"name": "timed", "kind": "fixed", "every": 91, "timed_to": "radiotherapy", "product": "memory"}
    found = small(posterior, timed, patients=patients)
    values = outcomes.everybody(found)
    assert np.isfinite(values).all()
    days = values.sel(outcome=list(path.OUTCOMES[:5])).sum("outcome") + values.sel(outcome="death") * 0
    assert (days <= HORIZON + 1e-3).all()
    total = values.sel(outcome=["progression", "death", "other", "transplant"]).sum("outcome")
    assert ((total >= 0) & (total <= 1 + 1e-6)).all()


def test_chunks_of_draws_give_the_same_numbers(posterior):
    data, draws = posterior
    whole = small(posterior)
    asked = decision(NONE, ahead=DECISION["ahead"] | {"most": 4}, assay={"name": "qPCR"})
    about = ABOUT | {"covariates": {}}
    parts = []
    for number in range(2):
        part, first = outcomes.chunk(draws, 25, number)
        parts.append(outcomes.simulate(data, part, None, small_study()["patients"], about, asked, first, 1))
    again = xr.concat(parts, "draw", data_vars="minimal", join="exact")
    xr.testing.assert_identical(again["outcomes"], whole["outcomes"])


def test_patients_of_the_trial_have_the_hazards_of_the_fit(posterior):
    """Relative hazard, level and growth at the start as `prediction` has them on day 0 of a first interval."""
    data, draws = posterior
    interval = people.members(data, "trial", 99)
    own = people.people(data, draws, interval, "trial", np.zeros(len(interval), int), 1)
    level = prediction.latent_mrd(data, draws, interval, data["interval_start"].to_numpy()[interval])
    assert kinetics.log10_fraction(own.level.T) == pytest.approx(level)
    tabulated = people.hazards(data, draws, 7.0, 10)
    log_hazard = prediction.log_hazards(data, draws, interval, np.full(len(interval), 3.5))["progression"]
    slope = prediction.latent(data, draws, interval, data["interval_start"].to_numpy()[interval] + 3.5)[1]
    now = prediction.latent_mrd(data, draws, interval, data["interval_start"].to_numpy()[interval] + 3.5)
    grid = people.LOWEST + people.SPACING * np.arange(tabulated.linked.shape[2])
    for d in (0, 17):
        place = np.searchsorted(kinetics.log10_fraction(grid), now[:, d])
        linked = tabulated.linked[d, 0, place] * np.exp(tabulated.slope[d, 0] * slope[:, d])
        base = np.exp(prediction.log_baseline(data, draws, "progression", np.array([3.5]))[0, d])
        assert base * linked * own.relative[d, 0] == pytest.approx(np.exp(log_hazard[:, d]), rel=0.03)


@pytest.fixture(scope="module")
def of_gvhd():
    """(design, 40 equal draws) of the model gvhd of the small study, background by trial."""
    data = onsets.build(small_study(), ABOUT, test_gvhd.options())
    return data, test_episodes.repeated(test_gvhd.values_of(data), 40)


def test_gvhd_of_the_kernel_is_that_of_its_model(posterior, of_gvhd):
    """Over 98 days after an infusion of the reference cells on day 0: background and trace as `episodes.cumulated`."""
    data, draws = posterior
    own, known = of_gvhd
    every = rules_of()
    interval = people.members(data, "trial", 9)
    about = ABOUT | {"covariates": {}}
    found = people.gvhd(of_gvhd, data, draws, every, interval, decision(NONE), about)
    steps, first = 98 // STEP, data["interval_patient"].to_numpy()[interval]
    trace = 1 - np.exp2(-98 / known["half_life_gvhd"][0])
    p = 1  # has 9e8 cells of NK on day 0, and nothing else within 98 days but 1.5e9 of memory on day 91
    for k, kind in enumerate(onsets.KINDS):
        grown = found.background[0, k, found.level[p], :steps].sum() + found.onsets[0, k, 0] * trace
        grown *= found.relative[0, k, p]
        only = own.isel(infusion=own["infusion_day"].to_numpy() == 0)
        expected = episodes.cumulated(only, known, kind, first[[p]], np.zeros(1), np.full(1, 98.0))[0, 0]
        assert grown == pytest.approx(expected)
    assert found.shares.sum(-1) == pytest.approx(1.0)
    assert found.counted[0, 0] == pytest.approx(episodes.grade_shares(own, known, "acute")[0, 1:, 0].sum())


def test_every_table_of_the_verdict_is_finite(posterior, of_gvhd):
    data, draws = posterior
    tables, about = small_study(), ABOUT | {"covariates": {}}
    asked = decision(NONE, *RECORDS[:3], ahead=DECISION["ahead"] | {"most": 4}, assay={"name": "qPCR"})
    found = outcomes.simulate(data, draws, of_gvhd, tables["patients"], about, asked, 0, 1)
    prior = verdict.unthinned(draws, xr.Dataset({"rho": (("chain", "draw"), np.zeros((1, 1)))}))
    drawn = verdict.verdict(found, data, prior, draws, of_gvhd, tables, about, asked, 1)
    for name, table in drawn.items():
        numbers = table.select_dtypes("number").drop(columns=["tau", "every", "reading"], errors="ignore")
        assert len(table) and np.isfinite(numbers).all(axis=None), name
    assert set(drawn["worked"]["regime"]) == {"none", "quarterly", *drawn["worked"]["regime"][-1:]}
    assert drawn["overlaps"].loc[0, ["parameter", "marked"]].tolist() == ["rho", True]
    assert len(verdict.wide(found)) == 40 * 5


def test_an_unknown_agent_or_product_is_named(posterior):
    timed = {"name": "x", "kind": "fixed", "every": 91}
    with pytest.raises(regimes.RegimeError, match="timed to radiotherapy, and not to 'nivolumab'"):
        small(posterior, timed | {"timed_to": "nivolumab"})
    with pytest.raises(regimes.RegimeError, match="'CAR-T' was not infused: give NK, memory"):
        small(posterior, timed | {"product": "CAR-T"})


# utility and choice


def by_hand(**columns) -> xr.DataArray:
    """Outcomes of two draws, dims draw, regime, outcome; those not named are 0."""
    values = np.zeros((2, 2, len(path.OUTCOMES)))
    for name, x in columns.items():
        values[:, :, path.OUTCOMES.index(name)] = x
    return xr.DataArray(values, dims=("draw", "regime", "outcome"), coords={"outcome": list(path.OUTCOMES)})


def test_utility_is_health_less_cost_at_the_willingness_to_pay():
    of = {"weights": {"free_days": 0.5, "tests": -1}, "willingness": 36525, "weigh": [2], "acceptable": [0, 1e9]}
    of["costs"] = dict.fromkeys(DECISION["utility"]["costs"], 0) | {"infusion": 1000, "test": 100}
    every = rules_of({"name": "q", "kind": "fixed", "every": 91})
    found = by_hand(free_days=[[100, 300], [100, 500]], infusions=[[1, 3], [1, 3]], tests=[[0, 10], [0, 10]])
    u = utility.utility(found, every, of)
    assert u.tolist() == [[50 - 10, 150 - 10 - 40], [50 - 10, 250 - 10 - 40]]
    assert utility.utility(found, every, utility.changed(of, "weights.free_days", 2)).tolist() == [[90, 250], [90, 450]]
    curve = choice.acceptability(found, every, of)
    assert curve[curve["chosen"]]["regime"].tolist() == ["none", "q"]


def test_regret_best_and_perfect_information_by_hand():
    u = np.array([[0.0, 4.0, 1.0], [0.0, -2.0, 1.0], [0.0, 1.0, 1.0], [0.0, 3.0, 1.0]])
    assert choice.chosen(u) == 1
    assert choice.best_shares(u) == pytest.approx([0, (1 + 0 + 0.5 + 1) / 4, (0 + 1 + 0.5 + 0) / 4])
    assert choice.evpi(u) == pytest.approx((4 + 1 + 1 + 3) / 4 - 6 / 4)
    assert choice.regret(u) == pytest.approx([2.25, 0.75, 1.25])


def test_partial_and_sample_information_against_their_closed_forms():
    """U = (0, θ + ε), θ ~ N(0, 1), ε ~ N(0, 1): EVPPI of θ is 0.3989, EVPI 0.3989 √2; data as much as the study's
    leave sd 1 / √2 of θ's conditional mean. 4,000 draws."""
    rng = np.random.default_rng(4)
    theta, noise = rng.standard_normal((2, 4000))
    u = np.column_stack([np.zeros(4000), theta + noise])
    u -= u.mean(0)
    assert choice.evpi(u) == pytest.approx(0.3989 * np.sqrt(2), rel=0.04)
    assert choice.evppi(u, theta[:, None]) == pytest.approx(0.3989, rel=0.05)
    assert choice.evppi(u, rng.standard_normal((4000, 1))) < 0.03
    known = {"a": theta[:, None], "b": noise[:, None]}
    assert choice.evsi(u, known, {"a": 1.0}) == pytest.approx(0.3989 / np.sqrt(2), rel=0.05)
    assert choice.evsi(u, known, {"a": 1.0, "b": 1.0}) == pytest.approx(0.3989, rel=0.05)


def test_a_quadratic_parameter_is_worth_knowing():
    """U = (0, θ² - 1): a line in θ sees nothing of it. E max(0, θ² - 1) = 2 φ(1) = 0.4839."""
    theta = np.random.default_rng(5).standard_normal(4000)
    u = np.column_stack([np.zeros(4000), theta**2 - 1])
    assert choice.evppi(u, theta[:, None]) == pytest.approx(0.4839, rel=0.08)


def test_the_best_pair_is_counted_over_draws():
    asked = decision(NONE, grid={"tau": [-4, -3], "every": [28, 56], "within": 7})
    every = regimes.all_of(asked, 9e8, LOD)
    u = np.array([[0, 4, 3, 2, 1], [0, 1, 3, 2, 5.0]])
    table = choice.best_tau(u, every)
    pairs = table[table["within"] == "all pairs"].set_index(["every", "tau"])["p"].to_dict()
    assert pairs == {(28, -4): 0.5, (28, -3): 0.0, (56, -4): 0.0, (56, -3): 0.5}
    assert table[table["within"] == "every 28 d"]["p"].tolist() == [0.5, 0.5]


def test_nobody_gains_from_a_product_without_effect():
    """Kill 0: every regime has the days of no redosing, costs more, and no redosing is chosen."""
    every = rules_of({"name": "q", "kind": "fixed", "every": 91}, RECORDS[1])
    found = run(every, world(2, every, growth=0.01, rate=0.6, link=lambda b: 10 ** (0.3 * (b + 3))))
    assert found["free_days"].to_numpy() == pytest.approx(found.loc["none", "free_days"], abs=1e-9)
    values = xr.DataArray(
        found.to_numpy()[None], dims=("draw", "regime", "outcome"), coords={"outcome": list(path.OUTCOMES)}
    )
    u = utility.utility(values, every, DECISION["utility"])
    assert every[choice.chosen(u)].kind == "none"


# what it rests on


def test_positivity_counts_the_decisions_of_the_data():
    """p1: 2e-3 before the infusion of day 0 and 3e-2 on day 100, the day of the next; p2 waits at 4e-1 (day 290)."""
    tables, asked = small_study(), {"tolerance": 14, "fewest": 2, "overlap": 0.8}
    every = rules_of(
        {"name": "a", "kind": "adaptive", "tau": -3, "every": 91, "within": 7},
        {"name": "q", "kind": "fixed", "every": 91},
        {"name": "memory", "kind": "fixed", "every": 91, "product": "memory"},
        {"name": "timed", "kind": "fixed", "every": 91, "timed_to": "radiotherapy"},
    )
    table = support.positivity(tables, every, 7.0, asked).set_index("regime")
    assert table.loc["a", ["acted", "waited"]].tolist() == [1, 1]
    assert table.loc["q", "acted"] == 3  # 100, 91 and 91 days apart
    assert table.loc["memory", "acted"] == 1  # p2 on day 91
    assert table.loc["timed", "acted"] == 1  # p1 alone had radiotherapy
    assert not table.loc["q", "far"] and table.loc["a", "far"]
    assert "fewer than 2 decisions as the regime's" in table.loc["a", "why"]


def test_overlap_of_equal_and_of_distant_samples():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 4000))
    assert support.overlap(a, b) > 0.93
    assert support.overlap(a, b + 10) < 0.01
    # two normals one sd apart: 2 Φ(-1/2)
    assert support.overlap(a, b + 1) == pytest.approx(2 * stats.norm.cdf(-0.5), abs=0.03)
