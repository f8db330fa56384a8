"""Overlays, outlooks and thresholds on posteriors that are known: constant hazards, exact curves."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from lifelines import WeibullFitter
from scipy.integrate import quad
from test_models import ABOUT, CONFIG, LINE, MIXED, STRANDS, built, options, sample_prior, shrunk, small_study

from redose import (
    design,
    kinetics,
    one_patient,
    overlay,
    prediction,
    scores,
    selection,
    thresholds,
    trajectories,
)
from redose.figures import checking, labels
from redose.survival import YEAR

SAME = 200  # identical draws: bands show sampling variation only
NO_BETA = np.zeros((0, SAME))


def exponential_study(rate: float, death: float, n: int = 400) -> dict[str, pd.DataFrame]:
    """n patients, one interval each, constant yearly hazards, censored at 600 days."""
    rng = np.random.default_rng(11)
    tables = small_study()
    when = rng.exponential(YEAR / (rate + death), n)
    cause = np.where(rng.random(n) < rate / (rate + death), "progression", "death")
    names = [f"p{i:03d}" for i in range(n)]
    tables["patients"] = pd.DataFrame(
        {"patient": names, "trial": "A", "site": "A", "arm": "x", "schedule": "single", "product": "NK"}
    )
    tables["intervals"] = pd.DataFrame(
        {
            "patient": names,
            "interval": 1,
            "start_day": 0.0,
            "entry_day": np.nan,
            "last_free_day": np.nan,
            "end_day": np.minimum(when, 600.0),
            "outcome": np.where(when < 600, cause, "censored"),
        }
    )
    for name in ("mrd", "infusions", "gvhd", "conditions"):
        tables[name] = tables[name].iloc[:0]
    return tables


def exponential(rate: float, death: float):
    """(design, draws) of an intervals model whose parameters are exactly those of `exponential_study`."""
    none = {"covariates": [], "time_dependent": []}
    wanted = options(frailty=False) | {"progression": none, "death": none}
    data = design.build(exponential_study(rate, death), ABOUT, "intervals", wanted, CONFIG["priors"])
    draws = {"rate_progression": np.full(SAME, rate), "shape_progression": np.ones(SAME)}
    draws |= {"rate_death": np.full(SAME, death), "shape_death": np.ones(SAME)}
    return data, draws | {"beta_progression": np.zeros((0, SAME)), "beta_death": np.zeros((0, SAME))}


def late(entry: np.ndarray) -> xr.Dataset:
    """The exponential study with its starts 100 days before day 0 and delayed entries, those with an earlier end left
    out; progression only."""
    tables, none = exponential_study(1.2, 0.4), {"covariates": []}
    rows = tables["intervals"]
    rows = rows.assign(start_day=-100.0, entry_day=entry, end_day=rows["end_day"] - 100)
    tables["intervals"] = rows[rows["end_day"] > entry].reset_index(drop=True)
    words = dict.fromkeys(("death", "transplant", "new_therapy"), "hypothetical")
    wanted = options(frailty=False) | {"estimand": words, "progression": none}
    return design.build(tables, ABOUT, "intervals", wanted, CONFIG["priors"])


def log_likelihood(data: xr.Dataset, rate: np.ndarray, shape: float) -> np.ndarray:
    """Of all events, shape (draw,), for a Weibull hazard of progression."""
    draws = {"rate_progression": rate, "shape_progression": np.full(len(rate), shape)}
    draws["beta_progression"] = np.zeros((0, len(rate)))
    patient = data["interval_patient"].to_numpy()[data["row_interval"].to_numpy()]
    return sum(scores.frailty_only(data, draws, np.flatnonzero(patient == i)) for i in np.unique(patient))


def test_delayed_entry_is_the_left_truncated_likelihood():
    """A constant rate is highest at events / days at risk after entry (the exponential MLE with left truncation); a
    Weibull hazard is integrated from the entry by quadrature."""
    data = late(np.random.default_rng(3).uniform(0, 150, 400))
    entry, stop = data["interval_entry"].to_numpy(), data["interval_exit"].to_numpy()
    events = (data["interval_event"] == "progression").to_numpy()
    assert entry.min() > 100 and stop.max() == 600
    rates = np.linspace(0.8, 1.8, 2001)
    best = rates[np.argmax(log_likelihood(data, rates, 1.0))]
    assert best == pytest.approx(events.sum() / (stop - entry).sum() * YEAR, abs=0.0006)
    rate = np.array([1.1])
    by_hand = 0.0
    for a, b, happened in zip(entry, stop, events, strict=True):
        by_hand -= quad(lambda t: 1.1 * 1.6 / YEAR * (t / YEAR) ** 0.6, a, b)[0]
        by_hand += happened * np.log(1.1 * 1.6 / YEAR * (b / YEAR) ** 0.6)
    assert log_likelihood(data, rate, 1.6)[0] == pytest.approx(by_hand, rel=1e-9)


def test_delayed_entry_is_weighed_as_lifelines_does():
    data = late(np.random.default_rng(4).uniform(0, 150, 400))
    entry, stop = data["interval_entry"].to_numpy(), data["interval_exit"].to_numpy()
    events = (data["interval_event"] == "progression").to_numpy()
    fitted = WeibullFitter().fit(stop, events, entry=entry)
    rate, shape = (YEAR / fitted.lambda_) ** fitted.rho_, fitted.rho_
    assert log_likelihood(data, np.array([rate]), shape)[0] == pytest.approx(fitted.log_likelihood_, rel=1e-7)


def test_a_share_of_new_trials_are_strangers():
    draws = {"doubling": np.full(3, 35.0), "omega_g": np.zeros(3), "omega_trial": np.full(3, 0.2)}
    u, usual = (
        thresholds.population(xr.Dataset({"product": 1}, attrs={"options": json.dumps({"robust": r})}), draws, 1)[2]
        for r in (0.25, 1e-9)
    )
    wider = u / usual
    strange = wider[:, 0] > 1
    assert strange.sum() == thresholds.PEOPLE / 4  # Sobol points fill each quarter alike
    assert wider[strange] == pytest.approx(np.sqrt(0.2**2 + 1) / 0.2)
    assert wider[~strange] == pytest.approx(1.0)


def test_pooled_interval_numbers_are_read_off_against_the_first():
    tables, none = small_study(), {"covariates": []}
    wanted = options(frailty=False) | {"pooled": ["interval"], "progression": none, "death": none}
    data = design.build(tables, ABOUT, "intervals", wanted, CONFIG["priors"])
    draws = {f"beta_{c}": NO_BETA for c in ("progression", "death")}
    draws["zeta"] = np.repeat(np.log([[1.0], [2.0], [0.5]]), SAME, axis=1) + 0.3
    found = selection.effects(data, draws, 0.9).set_index("covariate")["ratio"]
    assert found.to_dict() == pytest.approx({"interval[2]": 2.0, "interval[3]": 0.5})


def test_a_competing_transplant_has_a_curve_of_its_own():
    tables, none = exponential_study(1.2, 0.4), {"covariates": []}
    tables["intervals"]["outcome"] = tables["intervals"]["outcome"].replace("death", "transplant")
    words = {"death": "hypothetical", "transplant": "competing", "new_therapy": "hypothetical"}
    wanted = options(frailty=False) | {"estimand": words, "progression": none, "transplant": none}
    data = design.build(tables, ABOUT, "intervals", wanted, CONFIG["priors"])
    draws = {"rate_progression": np.full(SAME, 1.2), "rate_transplant": np.full(SAME, 0.4)}
    draws |= {f"{p}_{c}": x for c in design.causes(data) for p, x in (("shape", np.ones(SAME)), ("beta", NO_BETA))}
    curves = overlay.curves(data, draws, overlay.groups(data, pd.Series(["x"] * 400)), 0.9, 1)
    part = curves[curves["quantity"] == "transplant"]
    exact = 0.25 * -np.expm1(-1.6 * part["day"].to_numpy() / YEAR)
    assert part["mean"].to_numpy() == pytest.approx(exact, abs=1e-9)
    free, ends = selection.outlook(data, draws, np.array([0]), [180])[180]
    assert free[0, 0] == pytest.approx(np.exp(-1.6 * 180 / YEAR))
    assert ends[0, 0] == pytest.approx(0.75 * -np.expm1(-1.6 * 180 / YEAR))


def test_expected_curves_are_the_exponential_ones():
    data, draws = exponential(1.2, 0.4)
    chosen = overlay.groups(data, pd.Series(["x"] * 400))
    curves = overlay.curves(data, draws, chosen, 0.9, 1).set_index(["quantity", "day"])
    for quantity, exact in (
        ("free", lambda t: np.exp(-1.6 * t / YEAR)),
        ("progression", lambda t: 0.75 * -np.expm1(-1.6 * t / YEAR)),
        ("death", lambda t: 0.25 * -np.expm1(-1.6 * t / YEAR)),
    ):
        part = curves.loc[quantity]
        assert part["mean"].to_numpy() == pytest.approx(exact(part.index.to_numpy()), abs=1e-9)
        inside = (part["observed"] >= part["low"]) & (part["observed"] <= part["high"])
        assert inside.mean() > 0.7  # data from this very model


def test_a_wrong_model_leaves_its_band():
    data, draws = exponential(1.2, 0.4)
    draws["rate_progression"] = np.full(SAME, 0.6)
    curves = overlay.curves(data, draws, overlay.groups(data, pd.Series(["x"] * 400)), 0.9, 1)
    part = curves[(curves["quantity"] == "free") & (curves["day"] > 100)]
    assert ((part["observed"] < part["low"]) | (part["observed"] > part["high"])).mean() > 0.9


def two_arms(n: int = 400):
    """(design, draws): a model without the arm, whose hazard ratio is 3 in truth, but with a frailty that could soak
    it up; two intervals a patient."""
    rng = np.random.default_rng(17)
    tables = exponential_study(1.0, 1e-9, n)
    arm = np.where(np.arange(n) < n // 2, "slow", "fast")
    rate = np.where(arm == "slow", 0.6, 1.8)
    first = np.minimum(rng.exponential(YEAR / rate), 400.0)
    second = np.minimum(first + rng.exponential(YEAR / rate), 800.0)
    one = tables["intervals"].assign(end_day=first, outcome=np.where(first < 400, "progression", "censored"))
    two = one.assign(interval=2, start_day=first, end_day=second)
    two["outcome"] = np.where(second < 800, "progression", "censored")
    tables["intervals"] = pd.concat([one, two[one["outcome"] == "progression"]]).sort_values(
        ["patient", "interval"], ignore_index=True
    )
    none = {"covariates": [], "time_dependent": []}
    estimand = {"death": "hypothetical", "transplant": "hypothetical", "new_therapy": "hypothetical"}
    wanted = options(frailty=True) | {"progression": none, "estimand": estimand}
    data = design.build(tables, ABOUT, "intervals", wanted, CONFIG["priors"])
    draws = {"rate_progression": np.full(SAME, 0.95), "shape_progression": np.ones(SAME)}
    draws |= {"omega_v": np.full(SAME, 0.6), "beta_progression": np.zeros((0, SAME))}
    return data, draws, pd.Series(arm)


def test_a_frailty_does_not_hide_what_the_model_leaves_out():
    """First intervals of both arms are expected alike, as no past tells the patients apart; the fast arm falls below
    its band. With frailties drawn given the patients' own events, the misfit would vanish."""
    data, draws, arm = two_arms()
    chosen = [g for g in overlay.groups(data, arm) if g.number == "1"]
    curves = overlay.curves(data, draws, chosen, 0.9, 1)
    for name, sign in (("fast", -1), ("slow", 1)):
        part = curves[(curves["group"] == name) & (curves["quantity"] == "free") & (curves["day"] > 150)]
        assert (np.sign(part["observed"] - part["mean"]) == sign).all()
        assert ((part["observed"] < part["low"]) | (part["observed"] > part["high"])).mean() > 0.9


def test_predicted_frailty_is_that_of_survivors():
    """Before any event E[exp(v) | free of events up to exposure H] by quadrature; one earlier progression tilts it."""
    data, draws, arm = two_arms()
    group = next(g for g in overlay.groups(data, arm) if g.number == "2" and g.name == "fast")
    interval = group.members[:1]
    exposure = np.full((1, SAME), 0.5)
    found = overlay.predicted_frailty(data, draws, interval, np.array([0]), {"progression": exposure})
    before = 0.95 / YEAR * float(data["interval_exit"][int(interval[0]) - 1])
    v = np.linspace(-5, 5, 8001)
    density = np.exp(-0.5 * (v / 0.6) ** 2 + v - (before + 0.25) * np.exp(v))
    assert found["progression"][0] == pytest.approx(
        np.full(SAME, (density * np.exp(v)).sum() / density.sum()), rel=1e-5
    )


def test_score_without_a_death_submodel():
    data, draws, _ = two_arms(12)
    draws["rate_progression"] = np.random.default_rng(2).normal(0.95, 0.05, SAME)
    table = scores.score(data, draws, 1)
    assert np.isfinite(table["elpd"]).all()


def test_lengths_against_closed_form():
    data, draws = exponential(1.2, 0.4)
    table, _ = overlay.lengths(data, draws, overlay.groups(data, pd.Series(["x"] * 400)), [180, 365], 0.9)
    table = table.set_index("quantity")
    k = 1.6 / YEAR
    assert table.loc["free_365", "mean"] == pytest.approx(np.exp(-365 * k), abs=1e-9)
    assert table.loc["rmst_365", "mean"] == pytest.approx(-np.expm1(-365 * k) / k, rel=1e-3)
    assert table.loc["rmst_365", "observed"] == pytest.approx(-np.expm1(-365 * k) / k, rel=0.07)
    assert table.loc["free_180", "n"] == 400


def test_outlook_of_a_constant_hazard_and_reasons_for_those_without():
    data, draws = exponential(1.2, 0.4)
    outcomes = selection.last_outcomes(data, exponential_study(1.2, 0.4)["intervals"])
    table = selection.select(data, outcomes, draws, [180, 365], 0.9)
    ahead = table[table["state"] == "progression-free"]
    assert (outcomes == "censored").sum() == len(ahead) > 20
    assert ahead["free_180"].to_numpy() == pytest.approx(np.exp(-1.6 * 180 / YEAR), abs=1e-9)
    assert ahead["progression_365"].to_numpy() == pytest.approx(0.75 * -np.expm1(-1.6 * 365 / YEAR), abs=1e-9)
    without = table[table["state"] != "progression-free"]
    assert without["free_180"].isna().all()
    assert (without["reason"] != "").all()


def test_probability_of_direction():
    data, draws = value_draws()
    data = data[["x_progression", "x_death"]].isel(progression_covariate=[0], death_covariate=[0])
    draws = {}
    draws["beta_progression"] = np.array([[-0.5, -0.4, -0.3, 0.1]])
    draws["beta_death"] = np.array([[0.5, 0.4, 0.3, 0.1]])
    table = selection.effects(data, draws, 0.9).set_index("cause")
    assert table.loc["progression", "direction"] == "lowers"
    assert table.loc["progression", "probability"] == 0.75
    assert table.loc["progression", "ratio"] == pytest.approx(np.exp(-0.35))
    assert table.loc["death", "probability"] == 1.0


def value_draws() -> tuple:
    """Design of the small study and four equal draws of a joint_value model without death link or heterogeneity."""
    data = design.build(small_study(), ABOUT, "joint_value", options(), CONFIG["priors"])
    one = {"doubling": 30.0, "omega_g": 1e-9, "rate_progression": 0.5, "shape_progression": 1.0}
    one |= {"rate_death": 1e-9, "shape_death": 1.0, "alpha_progression": 0.8, "alpha_death": 0.0}
    return data, {k: np.full(SAME, v) for k, v in one.items()}


def test_risk_curve_against_quadrature_of_a_growing_hazard():
    """MRD doubles every 30 days; P(progression in 90 d) = 1 - exp(-∫ λ0 exp(α (M - ref)))."""
    data, draws = value_draws()
    curve = thresholds.risk_curve(data, draws, 90, 90, 1)
    for place in (0, 30, 50, 60):
        level = thresholds.LEVELS[place]
        ratio = level - np.log10(1 - 10**level)

        def hazard(t, ratio=ratio):
            fraction = kinetics.log10_fraction(ratio + 0.30103 / 30 * t)
            return 0.5 / YEAR * np.exp(0.8 * (fraction + 3.0))

        expected = -np.expm1(-quad(hazard, 0, 90)[0])
        assert curve[place] == pytest.approx(np.full(SAME, expected), rel=2e-3)


def test_risk_counts_those_who_came_so_far():
    """Constant hazards, frailty sd 1: P(progression in 90 d | free for 90 d), by quadrature over the frailty."""
    data, draws = value_draws()
    draws |= {"alpha_progression": np.zeros(SAME), "rate_progression": np.full(SAME, 2.0)}
    draws |= {"omega_v": np.ones(SAME), "phi_death": np.zeros(SAME)}
    curve = thresholds.risk_curve(data, draws, 90, 90, 1)
    v = np.linspace(-8, 8, 4001)
    grown = 2.0 * 90 / YEAR * np.exp(v)
    weight = np.exp(-0.5 * v**2 - grown)
    assert curve[30] == pytest.approx(np.full(SAME, (weight * -np.expm1(-grown)).sum() / weight.sum()), rel=0.02)


def test_tau_is_no_threshold_where_the_hazard_does_not_step_up():
    decision = {"smallest_step": 1.5, "ci_prob": 0.9}
    rng = np.random.default_rng(0)
    draws = {"tau": rng.normal(-3, 1.3, 1000), "alpha_progression": rng.normal(0.4, 0.3, 1000)}
    row = thresholds.prognostic(draws, decision, None)
    assert row["verdict"].startswith("no usable threshold: the hazard steps up at least 1.5-fold in only")
    assert row["exists"] == pytest.approx(0.49, abs=0.05)  # P(N(0.4, 0.3) > log 1.5)
    draws = {"tau": np.linspace(-3.2, -2.8, 1000), "alpha_progression": np.full(1000, 1.8)}
    clear = thresholds.prognostic(draws, decision, -3.0)
    assert clear["verdict"] == "10^-3.0 (10^-3.2 to 10^-2.8)"


def test_crossing_interpolates_and_says_where_there_is_none():
    levels = thresholds.LEVELS
    curve = np.column_stack([(levels + 6) / 6, np.full(61, 0.05), np.full(61, 0.6), np.zeros(61)])
    at = thresholds.crossing(curve, 0.5)
    assert at[0] == pytest.approx(-3.0, abs=1e-9)
    assert np.isposinf(at[1])
    assert np.isneginf(at[2])
    assert np.isposinf(at[3])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.linspace(-3.4, -2.6, 100), r"10\^-3.0 \(10\^-3.4 to 10\^-2.6\)"),
        (np.full(100, np.inf), "no usable threshold: this risk is not reached"),
        (np.full(100, -np.inf), "no usable threshold: the risk is higher"),
        (np.append(np.full(60, -2.0), np.full(40, np.inf)), "uncertain: about 10"),
    ],
)
def test_no_usable_threshold_is_said_in_words(values, words):
    row = thresholds.summarise("risk", values, 0.9)
    assert pd.Series([row["verdict"]]).str.contains(words).all()


def test_compare_pairs_patients():
    base = np.array([-1.0, -2.0, -3.0, -4.0])
    tables = {
        "a": pd.DataFrame({"elpd": base, "pareto_k": [0.1, 0.8, 0.2, 0.9]}),
        "b": pd.DataFrame({"elpd": base - [0.1, 0.3, 0.1, 0.3], "pareto_k": 0.1}),
    }
    table = scores.compare(tables)
    assert table["model"].tolist() == ["a", "b"]
    assert table.loc[1, "difference"] == pytest.approx(-0.8)
    # sqrt(n) times the sample sd of the differences: 2 * sqrt(4 * 0.01 / 3)
    assert table.loc[1, "difference_se"] == pytest.approx(2 * np.sqrt(0.04 / 3))
    assert table["pareto_k_above_0.7"].tolist() == [2, 0]


@pytest.mark.parametrize("kinetics", [STRANDS, LINE, MIXED | {"cured": True}], ids=["strands", "line", "cured"])
def test_every_conclusion_is_drawn_from_every_kind_of_marker(kinetics):
    """Prior draws through scores, thresholds, trajectories, effects and the figure of priors: finite, and named."""
    data, model = built("joint_value_slope", kinetics=kinetics)
    prior = sample_prior(model, 40)
    traced = prior.assign({"v": (("chain", "draw", "patient"), np.zeros((1, 40, 3)))})
    if kinetics.get("cured"):
        traced["still"] = (("chain", "draw", "patient"), np.ones((1, 40, 3)))
    draws = shrunk(prediction.thin(traced, 40), 0.2)  # to the spread of a posterior, roughly
    assert np.isfinite(scores.score(data, draws, 1)["elpd"]).all()
    curve = thresholds.risk_curve(data, draws, 90, 90, 1)
    assert ((curve >= 0) & (curve <= 1)).all()
    assert trajectories.share_below(data, draws, 0.9, 1)["mean"].between(0, 1).all()
    assert np.isfinite(trajectories.trajectories(data, draws, 0.9)["day"]).all()
    assert {"MRD, per log10", "MRD slope, per log10 in 30 days"} <= set(
        selection.effects(data, draws, 0.9)["covariate"]
    )
    for name in checking.scalars(prior):
        stem = name.partition("[")[0]
        assert checking.key(stem, "value_slope") in CONFIG["priors"], name
        assert stem in labels.PARAMETERS, name
        assert labels.parameter(name, ABOUT, small_study()["patients"], "value_slope")


def test_importance_sampling_integrates_a_patient_out():
    """log p(T_i, y_i | θ) of p2 by `with_mrd` against brute force over 200,000 prior draws of its effects."""
    data = design.build(small_study(), ABOUT, "joint_value", options(frailty=False), CONFIG["priors"])
    names = {"mu_b": -3.0, "omega_b": 0.5, "doubling": 36.0, "omega_g": 0.3, "delta": 1.0, "omega_delta": 0.3}
    names |= {"psi": 0.3, "rho": 0.0, "rate_progression": 0.5, "shape_progression": 1.1}
    names |= {"rate_death": 0.3, "shape_death": 1.0, "alpha_progression": 0.7, "alpha_death": 0.3}
    number, rng = 200_000, np.random.default_rng(3)
    one = {k: np.array([v]) for k, v in names.items()}
    one |= {f"beta_{c}": np.zeros((data.sizes[f"{c}_covariate"], 1)) for c in ("progression", "death")}
    one |= {"half_life": np.array([[2.0], [21.0]]), "sigma": np.full((2, 1), 0.6)}
    one |= {"beta_b": np.zeros((2, 1)), "eta": np.zeros((1, 1))}
    block = np.array([3, 5 + 1, 5 + 3 + 1])  # p2: its interval, log doubling, log kill
    kill = np.log(1.0) + 0.3 * float(data["mean_features"][1, 0])
    effects = np.column_stack(
        [rng.normal(-3.0, 0.5, number), rng.normal(np.log(36), 0.3, number), rng.normal(kill, 0.3, number)]
    )
    of_samples, happened = one_patient.own_likelihood(data, one, 1, block, effects[None], 0.0)
    log_y, log_t = of_samples[0], happened.integrated(one)[0]
    brute = np.log(np.mean(np.exp(log_y + log_t)))

    # the proposal is centred on draws of the traits: give it the conditional moments by weighting the prior draws
    weight = np.exp(log_y + log_t - (log_y + log_t).max())
    keep = rng.choice(number, 500, p=weight / weight.sum())
    traits = np.zeros((data.sizes["trait"], 500))
    traits[block] = effects[keep].T
    spread = {k: np.repeat(v, 500, axis=-1) for k, v in one.items()} | {"traits": traits}
    found, _ = scores.with_mrd(data, spread, 1, block, np.random.default_rng(4))
    assert found.mean() == pytest.approx(brute, abs=0.1)
    assert np.ptp(found) < 1e-9  # the same θ in every draw
