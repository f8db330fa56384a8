"""Patients left out: how they are divided, predicted and judged."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from columns import described
from test_models import ABOUT, CONFIG, options, small_study

from redose import (
    calibration,
    design,
    dynamic,
    history,
    prediction,
    sampling,
    selection,
    survival,
    validation,
)
from redose.covariates import DesignError
from redose.figures import accuracy as figures
from redose.seeds import seed_of

SHARED = {"draws": 20, "planned": {"quarterly": 91}, "censored_by": "", "resamples": 50, "groups": 4}
OWN = {"folds": 4, "windows": [{"day": 30, "horizons": [91, 182]}, {"day": 100, "horizons": [182]}]}
NONE = {"covariates": []}
RATES = {"low": 0.5, "high": 3.0}  # progressions a year, by level of `grade`; deaths: 0.3


def people(trials: dict[str, int]) -> pd.DataFrame:
    keys = [f"{trial}{k:02d}" for trial, n in trials.items() for k in range(n)]
    return pd.DataFrame({"patient": keys, "trial": [k[0] for k in keys]})


def test_folds_take_as_many_of_every_trial():
    label = validation.folds(people({"a": 41, "b": 18, "c": 4}), {"folds": 5}, 1)
    assert set(label) == set("12345")
    counts = label.value_counts()
    assert counts.max() - counts.min() <= 1
    of_trial = pd.crosstab(label.index.str[0], label.to_numpy())
    assert (of_trial.max(axis=1) - of_trial.min(axis=1) <= 1).all()


def test_folds_do_not_depend_on_the_order_of_patients_and_differ_by_seed():
    table = people({"a": 30, "b": 30})
    label = validation.folds(table, {"folds": 5}, 1)
    other = validation.folds(table.sample(frac=1, random_state=3), {"folds": 5}, 1)
    assert label.equals(other.reindex(label.index))
    assert (label != validation.folds(table, {"folds": 5}, 2)).mean() > 0.5


def test_a_trial_may_be_left_out_as_a_whole():
    label = validation.folds(people({"a": 3, "b": 2, "c": 1}), {"trials": ["a", "c"]}, 1)
    assert label.to_dict() == {"a00": "a", "a01": "a", "a02": "a", "c00": "c"}


@pytest.mark.parametrize(
    ("of", "message"),
    [({"trials": ["a", "d"]}, "no trial 'd' in this study; trials: a, b"), ({"folds": 9}, "give fewer")],
)
def test_folds_that_cannot_be_are_refused(of, message):
    with pytest.raises(DesignError, match=message):
        validation.folds(people({"a": 3, "b": 2}), of, 1)


def graded(number: int) -> dict:
    """A study of patients of two grades, with constant hazards that differ six-fold, followed for two years."""
    rng = np.random.default_rng(7)
    grade = np.where(np.arange(number) % 2, "high", "low")
    time = rng.exponential(365.25 / (pd.Series(grade).map(RATES).to_numpy() + 0.3))
    progressed = rng.random(number) < pd.Series(grade).map(RATES).to_numpy() / (pd.Series(grade).map(RATES) + 0.3)
    key = [f"g{k:03d}" for k in range(number)]
    empty = ["infusions", "courses", "mrd", "burden", "gvhd", "conditions"]
    columns = {"infusions": ["day", "cells", "product", "lot"], "courses": ["agent", "start_day", "stop_day"]}
    columns |= {"mrd": ["day"], "burden": ["day"], "gvhd": ["kind", "grade", "onset_day", "end_day"]}
    columns["conditions"] = ["condition", "onset_day", "end_day"]
    tables = {name: pd.DataFrame(columns=["patient", *columns[name]]) for name in empty}
    rows = {"patient": key, "interval": 1, "start_day": 0.0, "entry_day": np.nan, "last_free_day": np.nan}
    outcome = np.where(time > 730, "censored", np.where(progressed, "progression", "death"))
    tables["intervals"] = pd.DataFrame(rows | {"end_day": np.minimum(time, 730), "outcome": outcome})
    people_ = {"patient": key, "trial": "t", "site": "s", "arm": "a", "schedule": "none", "product": "none"}
    return tables | {"patients": pd.DataFrame(people_ | {"grade": grade})}


WANTED = options(frailty=False) | {"pooled": [], "progression": {"covariates": ["grade"]}, "death": NONE}


def true_draws() -> dict:
    """The posterior of a fit that knows the truth."""
    constant = {"rate_progression": RATES["high"], "rate_death": 0.3, "shape_progression": 1.0, "shape_death": 1.0}
    found = {n: (("chain", "draw"), np.full((1, 20), x)) for n, x in constant.items()}
    ratio = np.full((1, 20, 1), np.log(RATES["low"] / RATES["high"]))  # the reference is the first level, high
    found["beta_progression"] = (("chain", "draw", "progression_covariate"), ratio)
    return found | {"beta_death": (("chain", "draw", "death_covariate"), np.zeros((1, 20, 0)))}


def test_predictions_that_are_true_are_judged_as_good_as_they_can_be(monkeypatch):
    """Every fold is predicted by the truth in the place of a fit: calibrated, and better than the incidence; the
    landmark Cox model, which knows the grade, comes close."""
    tables, parts = graded(300), []
    truth = xr.Dataset(true_draws())
    monkeypatch.setattr(validation, "fitted", lambda *_: (truth, []))
    for label in "1234":
        names = ("study", "intervals", label)
        found = validation.fold(tables, {}, names, WANTED, CONFIG["priors"], {}, {}, OWN, SHARED, 5, 1)
        assert list(found.columns) == validation.COLUMNS
        parts.append(found)
    referred = validation.referred(tables, {}, {"intervals": WANTED}, CONFIG["priors"], OWN, 5)
    ours = pd.concat(parts, ignore_index=True)
    at = ours[(ours["landmark"] == 100) & (ours["cause"] == "progression")].set_index("patient")["risk"]
    grade = tables["patients"].set_index("patient")["grade"].reindex(at.index)
    for level, rate in RATES.items():
        exact = rate / (rate + 0.3) * -np.expm1(-(rate + 0.3) * 182 / survival.YEAR)
        assert at[grade == level].to_numpy() == pytest.approx(exact, rel=1e-3)
    happened = validation.outcomes(tables, WANTED, OWN, SHARED, 5)
    for (landmark, model), part in pd.concat([ours, referred]).groupby(["landmark", "model"]):
        assert set(part["patient"]) == set(happened.loc[happened["landmark"] == landmark, "patient"]), model
    table, groups = validation.judged(pd.concat([ours, referred]), happened, SHARED, 0.9, 5)
    written = {"intervals/1": ours, "references": referred, "outcomes": happened, "accuracy": table}
    written = {f"validation/{name}.csv": t for name, t in (written | {"calibration": groups}).items()}
    assert described(written) == ([], [])
    assert (table["left_out"] == 0).all()
    of = table.set_index(["cause", "landmark", "horizon", "metric", "model"])["estimate"].sort_index()
    for landmark, horizon in ((30, 91), (30, 182), (100, 182)):
        auc, ipa, ratio = (of["progression", landmark, horizon, m] for m in ("auc", "ipa", "observed_expected"))
        assert auc["intervals"] > 0.65
        assert auc["incidence"] == 0.5  # within a fold everybody has the same risk
        assert ipa["incidence"] == 0
        assert ipa["intervals"] > 0.05
        assert ipa["landmark_cox"] == pytest.approx(ipa["intervals"], abs=0.03)
        assert ratio["intervals"] == pytest.approx(1.0, abs=0.25)
    assert set(groups["model"]) == {"intervals", "incidence", "landmark_cox"}


def test_patients_of_a_rejected_fold_are_left_out_for_every_model(monkeypatch):
    tables, truth, parts = graded(120), xr.Dataset(true_draws()), []
    for label in "1234":
        faults = ["R-hat 1.2, limit 1.01"] if label == "2" else []
        monkeypatch.setattr(validation, "fitted", lambda *_, faults=faults: (truth, faults))
        names = ("study", "intervals", label)
        parts.append(validation.fold(tables, {}, names, WANTED, CONFIG["priors"], {}, {}, OWN, SHARED, 5, 1))
    referred = validation.referred(tables, {}, {"intervals": WANTED}, CONFIG["priors"], OWN, 5)
    happened = validation.outcomes(tables, WANTED, OWN, SHARED, 5)
    table, _ = validation.judged(pd.concat([*parts, referred]), happened, SHARED, 0.9, 5)
    label = validation.folds(tables["patients"], OWN, 5)
    gone = set(parts[1]["patient"])
    assert gone == set(label.index[label == "2"]) & set(happened["patient"])
    still = happened[happened["patient"].isin(gone)].groupby("landmark").size()
    assert table.groupby("landmark")["left_out"].unique().map(list).to_dict() == {30: [still[30]], 100: [still[100]]}
    at = happened[(happened["landmark"] == 30) & ~happened["patient"].isin(gone)]
    assert (table.loc[table["landmark"] == 30, "patients"] == len(at)).all()
    everybody = pd.concat(parts).assign(reason="rejected")
    nothing, groups = validation.judged(pd.concat([everybody, referred]), happened, SHARED, 0.9, 5)
    assert nothing.empty and set(nothing) <= set(table)
    for drawn in (figures.metrics(nothing), figures.calibration(groups)):
        assert "rejected the fit of every fold" in drawn.axes[0].texts[0].get_text() and not drawn.axes[0].axison


def test_the_last_reading_is_what_was_known_on_the_day():
    tables = small_study()
    data = design.build(tables, ABOUT, "joint_value", options(), CONFIG["priors"])
    known = history.until(tables, options(), 140)
    new = design.build(known, ABOUT, "joint_value", options(), CONFIG["priors"], like=data)
    found = validation.known_at(new)
    last = found[validation.LAST_READING]
    assert last["p1"] == pytest.approx(np.log10(3e-2))  # day 100, not day 180
    assert last["p2"] == pytest.approx(np.log10(5e-4))
    assert np.isnan(last["p3"])
    assert found["gvhd"].tolist() == [1.0, 0.0, 0.0]  # p1's is on, p2's was over on day 60
    assert found["interval"].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.slow
def test_a_prediction_equals_that_of_a_full_refit():
    """20 of 120 patients are known to day 91 only: predicted from a fit to the 100 others, and by a fit to all 120,
    whose own effects then come from the sampler. Some five minutes."""
    from test_gain_claims import CONFIG as WHOLE
    from test_gain_claims import OWN as SMALL
    from test_gain_claims import ROOT

    folder, day, days = ROOT / "data/redosable", 91, [91, 182, 365]
    of = calibration.setting(WHOLE | {"calibration": SMALL}, folder / "simulation.yaml", folder / "study.yaml")
    tables, about, _ = calibration.simulated(of, {}, {}, seed_of(1, "refit") % 2**32)
    risk = history.at_risk(tables["intervals"], of.options, day)["patient"].unique()
    held = risk[:: len(risk) // 20][:20]
    others = dynamic.part(tables, tables["patients"].loc[~tables["patients"]["patient"].isin(held), "patient"])
    known = history.until(dynamic.part(tables, held), of.options, day)
    together = {n: pd.concat([others[n], known[n]], ignore_index=True) for n in tables}
    settings = {"chains": 4, "tune": 500, "draws": 500, "target_accept": 0.9}

    def fit(given: dict, name: str):
        data = design.build(given, about, of.model, of.options, of.priors)
        model = calibration.MODELS[of.model](data, calibration.beliefs.convert_all(of.priors))
        tree = sampling.fit(model, data, settings, seed_of(2, name), name, sampling.available_cores())
        return data, prediction.thin(tree["posterior"].to_dataset(), 1000)

    data, draws = fit(others, "others")
    new = design.build(known, about, of.model, of.options, of.priors, like=data)
    owned, _ = validation.newcomers.condition(new, draws, data, 3)
    quick = selection.incidence(new, owned, selection.last_intervals(new), days)
    everybody, all_draws = fit(together, "all")
    place = pd.Index(everybody["patient"].to_numpy()).get_indexer(new["patient"].to_numpy())
    slow = selection.incidence(everybody, all_draws, selection.last_intervals(everybody)[place], days)
    nothing = known | {"mrd": known["mrd"].iloc[:0]}  # a control: without the samples the criterion must fail
    blind = design.build(nothing, about, of.model, of.options, of.priors, like=data)
    guessed, _ = validation.newcomers.condition(blind, draws, data, 3)
    control = selection.incidence(blind, guessed, selection.last_intervals(blind), days)
    for cause in quick[1]:
        one, two, none = (x[1][cause].mean(2) for x in (quick, slow, control))
        gap, apart = np.abs(one - two), np.abs(none - two)
        r = np.corrcoef(one.ravel(), two.ravel())[0, 1]
        print(cause, np.median(gap, axis=0).round(4), gap.max().round(3), f"r {r:.3f}, blind {np.median(apart):.4f}")
        assert np.median(gap) < 0.02
        assert gap.max() < 0.12
        assert r > 0.97
        if cause == "progression":
            assert np.median(apart) > 0.02
