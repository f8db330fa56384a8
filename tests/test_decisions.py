"""Regimes against arithmetic by hand and against events drawn by brute force; choices against small tables by hand."""

from pathlib import Path

import brute
import numpy as np
import pandas as pd
import pytest
import test_episodes
import test_gvhd
import xarray as xr
from scipy import stats
from test_models import ABOUT, CONFIG, STRANDS, built, sample_prior, shrunk, small_study

from redose import assay, episodes, estimand, kinetics, onsets, prediction
from redose.decisions import choice, outcomes, path, people, records, regimes, support, utility, verdict

ROOT = Path(__file__).parents[1]
HORIZON, STEP = 728, 7
NOISES = 20  # times that readings are drawn anew
STEPS = HORIZON // STEP
DECISION = CONFIG["decision"]
LOD = -5.0


def decision(*records: dict, **changes) -> dict:
    """The config's section with these regimes, and no grid but one cell."""
    grid = {"tau": [-1], "every": [364], "within": 7}
    return DECISION | {"regimes": list(records), "grid": grid} | changes


NONE = {"name": "none", "kind": "none"}


def rules_of(*records: dict, lod: float = LOD, **changes) -> list[regimes.Regime]:
    """The regimes alone, without the grid's cell."""
    return regimes.all_of(decision(NONE, *records, **changes), 9e8, lod)[:-1]


def world(
    n: int, every: list, *, growth=0.0, level=-3.0, kill=0.0, rate=1.0, death=0.0, link=None, half_life=2.0
) -> records.World:
    """What the kernel reads of n patients and one draw: constant hazards a year, link(B) on progression, no GVHD."""
    grid = np.arange(people.LOWEST, people.HIGHEST + people.SPACING / 2, people.SPACING)
    linked = np.ones((1, 2, len(grid)), dtype=np.float32)
    if link is not None:
        linked[0, 0] = link(grid)
    grown = np.array([rate, death])[None, :, None] * np.full((1, 2, STEPS), STEP / 365.25)
    one, R = np.ones((1, n)), len(every)
    crowd = records.People(level * one, growth * one, kill * one, np.ones((1, 2, n)), np.zeros(n, np.int64))
    hazards = records.Hazards(
        grown, linked, people.LOWEST, people.SPACING, np.zeros((1, 2)), False, np.array([5, 6], np.uint8)
    )
    infusion = records.Kill(np.ones((1, R)), half_life * np.ones((1, R)), np.zeros((1, R)), np.zeros(1))
    none = np.zeros((1, 2, R))
    gvhd = records.Gvhd(
        none,
        np.ones(1),
        np.zeros((1, 2, 1, STEPS)),
        np.zeros(n, np.int64),
        np.zeros((1, 2, n)),
        np.zeros((1, 2, n, 4)),
        np.zeros((1, n)),
        none,
        np.ones((1, 2, 1)),
        np.zeros(16, np.uint8),
        np.zeros(1, np.uint8),
        False,
        False,
    )
    test = records.Assay(LOD, np.full(1, 1e-9), np.zeros(1), 0.0, 0.0)
    after = outcomes.after_transplant(DECISION["transplant"])
    return records.World(crowd, hazards, infusion, gvhd, test, after, records.Setting(float(STEP), STEPS, 7, 0))


def run(every: list, parts: records.World) -> pd.DataFrame:
    """Outcomes by regime, of one draw and one cell."""
    n = parts.people.level.shape[1]
    found = path.outcomes(*regimes.rules(every), parts, np.array([n]))
    return pd.DataFrame(found[0, :, 0], index=[r.name for r in every], columns=list(path.OUTCOMES))


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

TRUTH = {
    "rho": -0.05,
    "half_life": 2.0,
    "tau": -3.0,
    "step_width": 0.25,
    "rate_progression": 0.4,
    "shape_progression": 1.2,
    "alpha_progression": 1.8,
    "rate_death": 0.1,
    "shape_death": 1.0,
    "alpha_death": 0.5,
    "beta_gvhd": -0.51,
    "beta_severe": 1.16,
    "assay": {"sigma": 0.25, "lod": 1e-5, "false_positive_rate": 0.01},
    "transplant": DECISION["transplant"],
    "gvhd": {
        "half_life": 14.0,
        "acute": {"background": 0.0043, "from_day": 0, "to_day": 100, "risk": 0.03, "grades": [0.3, 0.4, 0.2, 0.1],
                  "severe": 2, "stop": 2, "duration": 60.0},
        "chronic": {"background": 0.0006, "from_day": 100, "to_day": 730, "risk": 0.01, "grades": [0.4, 0.4, 0.2],
                    "severe": 2, "stop": 2, "duration": 365.0},
    },
}  # fmt: skip
RECORDS = [
    {"name": "quarterly", "kind": "fixed", "every": 91},
    {"name": "early", "kind": "adaptive", "tau": -4, "every": 28, "within": 7},
    {"name": "late", "kind": "adaptive", "tau": -3, "every": 84, "within": 7},
    {"name": "confirmed", "kind": "adaptive", "tau": -4, "every": 28, "within": 7, "confirm": 14},
    {"name": "rise", "kind": "adaptive", "rise": 1, "every": 28, "within": 7},
    {"name": "bridge", "kind": "bridge", "transplant": 119, "probability": 0.7},
    {"name": "autologous", "kind": "autologous", "wait": 35, "failure": 0.2, "kill": 1},
]


def crowd(n: int, seed: int) -> dict:
    """Patients of a population with the heterogeneity of data/redosable."""
    rng = np.random.default_rng(seed)
    v = rng.normal(0, 0.4, n)
    found = {"level": rng.normal(-3.2, 0.7, n), "doubling": 36 * np.exp(rng.normal(0, 0.4, n))}
    found |= {"delta": 1.2 * np.exp(rng.normal(0, 0.4, n)), "exposed": rng.random(n) < 1 / 3}
    return found | {"relative_progression": np.exp(v), "relative_death": np.exp(0.5 * v)}


def true_world(x: dict, every: list) -> records.World:
    """What the kernel reads at TRUTH for these patients, one draw."""
    p, R, n = TRUTH, len(every), len(x["level"])
    edges = np.arange(STEPS + 1.0) * STEP / 365.25
    grown = [np.diff(p[f"rate_{c}"] * edges ** p[f"shape_{c}"]) for c in ("progression", "death")]
    grid = np.arange(people.LOWEST, people.HIGHEST + people.SPACING / 2, people.SPACING)
    f = 1 / (1 + np.exp(-(kinetics.log10_fraction(grid) - p["tau"]) / p["step_width"]))
    linked = [np.exp(p[f"alpha_{c}"] * f) for c in ("progression", "death")]
    base = world(n, every)
    relative = np.array([x["relative_progression"], x["relative_death"]])[None]
    own = records.People(
        x["level"][None], kinetics.LOG10_2 / x["doubling"][None], x["delta"][None], relative, base.people.cell
    )
    hazards = base.hazards._replace(grown=np.array(grown)[None], linked=np.array(linked, dtype=np.float32)[None])
    infusion = base.kill._replace(rho=np.full(1, p["rho"]))
    kinds = [p["gvhd"][k] for k in ("acute", "chronic")]
    onsets = np.array([[[-np.log1p(-k["risk"])] * R for k in kinds]])
    days = [
        np.clip(
            np.minimum(STEP * (np.arange(STEPS) + 1), k["to_day"]) - np.maximum(STEP * np.arange(STEPS), k["from_day"]),
            0,
            None,
        )
        for k in kinds
    ]
    background = np.array([[np.zeros(STEPS), k["background"] * d] for k, d in zip(kinds, days, strict=True)])[None]
    shares = np.zeros((1, 2, n, 4))
    for j, k in enumerate(kinds):
        shares[0, j, :, 0], shares[0, j, :, 3] = sum(k["grades"][:2]), sum(k["grades"][2:])
    ends = np.array([[[-np.expm1(-STEP / k["duration"])] * R for k in kinds]])
    acute, chronic = np.divmod(np.arange(16), 4)
    ill, severe = np.isin(acute, (1, 2)) | np.isin(chronic, (1, 2)), (acute == 2) | (chronic == 2)
    pattern = ill.astype(np.uint8) + severe
    ratio = np.exp(np.array([[[0, p["beta_gvhd"], p["beta_gvhd"]], [0, 0, p["beta_severe"]]]]))
    gvhd = records.Gvhd(
        onsets,
        np.full(1, 14.0),
        background,
        x["exposed"].astype(np.int64),
        np.ones((1, 2, n)),
        shares,
        np.full((1, n), 0.7),
        ends,
        ratio,
        pattern,
        np.array([0, 1, 2], np.uint8),
        True,
        False,
    )
    test = records.Assay(LOD, np.full(1, 0.25), np.zeros(1), 0.01, 0.0)
    return base._replace(people=own, hazards=hazards, kill=infusion, gvhd=gvhd, assay=test)


DRAWN = {  # fields that have a draw axis
    "People": ("level", "growth", "kill", "relative"),
    "Hazards": ("grown", "linked", "slope"),
    "Kill": ("weight", "half_life", "kappa", "rho"),
    "Gvhd": ("onsets", "half_life", "background", "relative", "shares", "counted", "ends", "ratio"),
    "Assay": ("sigma", "detection"),
}


def repeated(record, draws: int):
    """The first draw of a record of the kernel, so many times."""
    fields = record._asdict()
    by_draw = DRAWN.get(type(record).__name__, ())
    return record._replace(**{k: np.repeat(fields[k][:1], draws, axis=0) for k in by_draw})


def compared(x: dict, copies: int, records: list[dict], seed: int) -> pd.DataFrame:
    """Kernel and brute force, a row per regime and outcome: kernel, brute, se (of their difference)."""
    every = rules_of(*records)
    parts = true_world(x, every)
    again = [
        run(every, parts._replace(setting=parts.setting._replace(first=k))) for k in range(NOISES)
    ]  # other readings
    found, spread = sum(again) / NOISES, np.std([f.to_numpy() for f in again], axis=0, ddof=1) / np.sqrt(NOISES)
    spread = pd.DataFrame(spread, index=found.index, columns=found.columns)
    many = {k: np.repeat(v, copies) for k, v in x.items()}
    rows = []
    for record, r in zip([NONE, *records], every, strict=True):
        full = {"infusions": r.most, "spacing": DECISION["limits"]["spacing"]} | record
        drawn = brute.Trial(many, TRUTH, full, HORIZON, seed).run()
        for name, values in drawn.items():
            within = values.reshape(len(x["level"]), copies).var(1, ddof=1).mean()
            se = np.hypot(np.sqrt(within / values.size), spread.loc[r.name, name])
            rows.append((r.name, name, found.loc[r.name, name], values.mean(), se))
    return pd.DataFrame(rows, columns=["regime", "outcome", "kernel", "brute", "se"])


def utilities(table: pd.DataFrame, every: list, name: str) -> np.ndarray:
    """Utility of every regime from a column of `compared`, shape (regime,)."""
    wide = table.pivot_table(index="regime", columns="outcome", values=name).reindex([r.name for r in every])
    values = np.array([wide[c] if c in wide else np.zeros(len(wide)) for c in path.OUTCOMES]).T[None]
    found = xr.DataArray(values, dims=("draw", "regime", "outcome"), coords={"outcome": list(path.OUTCOMES)})
    return utility.utility(found, every, DECISION["utility"])[0]


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
