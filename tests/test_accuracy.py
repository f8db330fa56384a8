"""Accuracy against arithmetic by hand, scikit-survival, lifelines, R's riskRegression, and simulated truth."""

import lifelines
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rscript import with_r
from sksurv.metrics import brier_score, cumulative_dynamic_auc
from sksurv.nonparametric import cumulative_incidence_competing_risks
from sksurv.util import Surv

from redose import accuracy, survival

HORIZON = 8.0
BY_HAND = pd.DataFrame(  # ties of event and censoring at 3, 5 and the horizon
    [
        ("a", 2.0, "progression", 0.9),
        ("b", 3.0, "death", 0.4),
        ("c", 3.0, "none", 0.5),
        ("d", 5.0, "none", 0.6),
        ("e", 5.0, "progression", 0.4),
        ("f", 8.0, "none", 0.2),
        ("g", 8.0, "progression", 0.7),
        ("h", 10.0, "progression", 0.7),
    ],
    columns=["patient", "time", "event", "risk"],
).assign(landmark=90, horizon=HORIZON, cause="progression", model="one")


def simulated(n, seed, censored=(50.0, 900.0), day=None):
    """(table of time, event, risk, h -> true risk of progression): hazards x and 1/900, censoring uniform."""
    rng = np.random.default_rng(seed)
    rate = np.exp(0.9 * rng.normal(size=n)) / 300
    first, other = rng.exponential(1 / rate), rng.exponential(900.0, n)
    lost = rng.uniform(*censored, n) if censored else np.full(n, np.inf)
    if day:  # ties
        first, other, lost = (np.ceil(x / day) * day for x in (first, other, lost))
    time = np.minimum(np.minimum(first, other), lost)
    event = np.where(time == first, "progression", np.where(time == other, "death", "none"))
    patient = [f"p{i:05d}" for i in range(n)]
    table = pd.DataFrame({"landmark": 90, "patient": patient, "time": time, "event": event})

    def truth(h):
        return rate / (rate + 1 / 900) * -np.expm1(-(rate + 1 / 900) * h)

    return table, truth


def predictions(table, risks, horizon, cause="progression"):
    """risks: model -> risk of every patient."""
    own = {"landmark": 90, "horizon": horizon, "cause": cause, "patient": table["patient"].to_numpy()}
    return pd.concat([pd.DataFrame(own | {"model": m, "risk": r}) for m, r in risks.items()], ignore_index=True)


def arguments(table, horizon, cause="progression"):
    return table["time"], table["event"], cause, horizon


# By hand


def test_weights_by_hand():
    """At 3: 8 - 1 at risk, one event first, one of 6 censored; at 5: 5 at risk, one event first, one of 4 censored."""
    weights = accuracy.weights(BY_HAND["time"], BY_HAND["event"], HORIZON)
    at_5, at_8 = 6 / 5, 6 / 5 * 4 / 3
    assert weights == pytest.approx([1, 1, 0, 0, at_5, at_8, at_8, at_8])
    assert weights.sum() == pytest.approx(8)


def test_metrics_by_hand():
    """Cases a (1), e (1.2), g (1.6); controls b (1), f (1.6), h (1.6); weights in brackets."""
    own = arguments(BY_HAND, HORIZON)
    won = 1.0 * 4.2 + 1.2 * (0.5 * 1.0 + 1.6) + 1.6 * (1.0 + 1.6 + 0.5 * 1.6)
    assert accuracy.auc(BY_HAND["risk"], *own) == pytest.approx(won / (3.8 * 4.2))
    wrong = 0.1**2 + 0.4**2 + 1.2 * 0.6**2 + 1.6 * (0.2**2 + 0.3**2 + 0.7**2)
    assert accuracy.brier(BY_HAND["risk"], *own) == pytest.approx(wrong / 8)
    null = 3.8 * 0.7**2 + 4.2 * 0.3**2
    assert accuracy.ipa(BY_HAND["risk"], np.full(8, 0.3), *own) == pytest.approx(1 - wrong / null)
    assert accuracy.observed_expected(BY_HAND["risk"], *own) == pytest.approx((3.8 / 8) / 0.55)
    assert accuracy.auc(BY_HAND["risk"], *arguments(BY_HAND, HORIZON, "death")) == pytest.approx(
        (1.2 * 0.5 + 1.6) / (8 - 1)  # e ties, f is below
    )


def test_an_event_at_the_horizon_is_inside_and_a_censored_patient_free():
    """Three patients of time 8: all are known, so no weight is needed."""
    time, event = np.full(3, 8.0), np.array(["progression", "none", "death"])
    assert accuracy.weights(time, event, 8.0).tolist() == [1, 1, 1]
    assert accuracy.brier([1.0, 0.0, 0.0], time, event, "progression", 8.0) == 0
    assert accuracy.weights(time, event, 8.1).tolist() == [1, 0, 1]


def test_perfect_and_constant_predictions():
    table, _ = simulated(200, 1)
    own = arguments(table, 200.0)
    case = (table["event"] == "progression") & (table["time"] <= 200)
    assert accuracy.auc(case.astype(float), *own) == 1
    assert accuracy.auc(1.0 - case, *own) == 0
    assert accuracy.brier(case.astype(float), *own) == 0
    same = np.full(200, 0.37)
    assert accuracy.auc(same, *own) == 0.5
    assert accuracy.ipa(same, same, *own) == 0


# Other programs


@pytest.mark.parametrize("seed", range(3))
def test_auc_and_brier_agree_with_scikit_survival(seed):
    table, truth = simulated(400, seed)
    single = table.assign(event=table["event"].where(table["event"] != "death", "none"))
    seen = Surv.from_arrays(single["event"] == "progression", single["time"])
    rng = np.random.default_rng(seed)
    for horizon in (60.0, 180.0, 365.0):
        risk = np.clip(truth(horizon) + rng.normal(0, 0.1, 400), 0.01, 0.99)
        area = cumulative_dynamic_auc(seen, seen, risk, [horizon])[0][0]
        assert accuracy.auc(risk, *arguments(single, horizon)) == pytest.approx(area, abs=1e-6)
        score = brier_score(seen, seen, (1 - risk)[:, None], [horizon])[1][0]
        assert accuracy.brier(risk, *arguments(single, horizon)) == pytest.approx(score, abs=1e-6)


SCORE = """
suppressMessages({library(survival); library(prodlim); library(riskRegression)})
d <- read.csv(file("stdin"))
cat("day,horizon,auc,brier,ipa\\n")
for (day in unique(d$day)) {
  own <- d[d$day == day, ]
  s <- Score(list(m = matrix(own$risk, nrow(own), 2)), formula = Hist(time, code) ~ 1, data = own, times = c(187, 365),
             cause = 1, metrics = c("auc", "brier"), summary = "ipa", se.fit = FALSE)
  own <- s$Brier$score[model == "m"]
  cat(sprintf("%g,%g,%.10f,%.10f,%.10f\\n", day, own$times, s$AUC$score$AUC, own$Brier, own$IPA), sep = "")
}
"""


def test_competing_risks_agree_with_riskregression():
    """Its null model is the Aalen-Johansen incidence. With ties, events precede censorings there as here; no day is a
    horizon, for there it counts the patients censored that day as lost."""
    trials = {day: simulated(300, 4, day=day or None) for day in (0, 15)}
    code = {"none": 0, "progression": 1, "death": 2}
    parts = [t.assign(code=t["event"].map(code), risk=truth(200.0), day=d) for d, (t, truth) in trials.items()]
    for _, theirs in with_r(SCORE, pd.concat(parts), "riskRegression").iterrows():
        table, truth = trials[theirs["day"]]
        own, risk = arguments(table, theirs["horizon"]), truth(200.0)
        null = np.full(300, accuracy.observed(*own)[0])
        ours = [accuracy.auc(risk, *own), accuracy.brier(risk, *own), accuracy.ipa(risk, null, *own)]
        assert ours == pytest.approx(theirs[["auc", "brier", "ipa"]].tolist(), abs=1e-7)


def test_variance_of_the_incidence_is_binomial_without_censoring():
    table, _ = simulated(300, 5, censored=None, day=30)
    at, low, high, _ = accuracy.observed(*arguments(table, 200.0))
    share = ((table["event"] == "progression") & (table["time"] <= 200)).mean()
    width = 1.959964 * np.sqrt(share * (1 - share) / 300) / ((1 - share) * -np.log(1 - share))
    assert at == pytest.approx(share)
    assert [low, high] == pytest.approx([1 - (1 - share) ** np.exp(s * width) for s in (-1, 1)], abs=1e-6)


def test_band_of_one_cause_is_greenwoods():
    """lifelines' Kaplan-Meier band: Greenwood, log(-log)."""
    table, _ = simulated(250, 6, day=20)
    single = table.assign(event=table["event"].where(table["event"] != "death", "none"))
    fit = lifelines.KaplanMeierFitter().fit(single["time"], single["event"] == "progression")
    theirs = 1 - fit.confidence_interval_survival_function_.loc[:200.0].iloc[-1].to_numpy()[::-1]
    assert accuracy.observed(*arguments(single, 200.0))[1:3] == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("day", [None, 20], ids=["continuous", "tied"])
def test_variance_with_competing_risks_agrees_with_scikit_survival(day):
    """Dinse & Larson 1986, eq. 4 without its terms of higher order, and R's survfit: 0.001402345283 and 0.001377131128.
    scikit-survival's band is on the scale of log(-log F)."""
    table, _ = simulated(200, 7, day=day)
    code = table["event"].map({"none": 0, "progression": 1, "death": 2}).to_numpy()
    days, theirs, bands = cumulative_incidence_competing_risks(
        code, table["time"].to_numpy(), conf_type="log-log", var_type="Dinse_Approx"
    )
    last = np.searchsorted(days, 250.0, side="right") - 1
    at, low, high, _ = accuracy.observed(*arguments(table, 250.0))
    assert at == pytest.approx(theirs[1, last], abs=1e-12)
    spread = np.log(np.log(bands[1, 0, last]) / np.log(bands[1, 1, last])) * at * -np.log(at)
    own = np.log(np.log1p(-high) / np.log1p(-low)) * (1 - at) * -np.log1p(-at)
    assert own == pytest.approx(spread, rel=1e-6)
    assert (own / 2 / 1.959964) ** 2 == pytest.approx(0.001377131128 if day else 0.001402345283, rel=1e-6)


# Simulated truth


def test_the_true_risk_is_calibrated_and_beats_the_incidence():
    table, truth = simulated(4000, 8)
    risk, own = truth(365.0), arguments(table, 365.0)
    null = np.full(4000, risk.mean())
    assert accuracy.observed_expected(risk, *own) == pytest.approx(1, abs=0.05)
    assert accuracy.brier(risk, *own) == pytest.approx((risk * (1 - risk)).mean(), abs=0.01)
    assert accuracy.ipa(risk, null, *own) == pytest.approx(1 - (risk * (1 - risk)).mean() / 0.25, abs=0.06)
    assert accuracy.ipa(np.clip(1.6 * risk, 0, 1), null, *own) < accuracy.ipa(risk, null, *own)
    complete, _ = simulated(4000, 8, censored=None)
    assert accuracy.auc(risk, *own) == pytest.approx(accuracy.auc(risk, *arguments(complete, 365.0)), abs=0.02)


def test_leaving_out_the_censored_would_be_biased_where_weights_are_not():
    table, truth = simulated(4000, 9, censored=(20.0, 600.0))
    risk = truth(365.0)
    known = (table["event"] != "none") | (table["time"] >= 365)
    case = (table["event"] == "progression") & (table["time"] <= 365)
    assert case[known].mean() > risk.mean() + 0.05  # who has no event is more often lost
    assert case.mean() < risk.mean() - 0.05  # as if the lost were free
    for weighed, reached in ((accuracy.weights(table["time"], table["event"], 365.0), True), (known, False)):
        assert (abs(np.average(case, weights=weighed) - risk.mean()) < 0.02) == reached


def test_calibration_of_the_truth():
    table, truth = simulated(4000, 10)
    found = accuracy.calibration(truth(300.0), *arguments(table, 300.0), level=0.9973)
    assert found["patients"].tolist() == [400] * 10
    assert found["predicted"].is_monotonic_increasing
    assert found["predicted"].between(found["low"], found["high"]).all()
    doubled = accuracy.calibration(truth(300.0) / 2, *arguments(table, 300.0), level=0.9973)
    assert (~doubled["predicted"].between(doubled["low"], doubled["high"])).sum() >= 9
    assert (found["cases"].sum(), set(found["reason"])) == (
        ((table["event"] == "progression") & (table["time"] <= 300)).sum(),
        {""},
    )


def test_bands_cover_as_often_as_they_say():
    """Percentile bootstrap of the Brier score and the complementary log-log band of the incidence, 100 trials each."""
    brier, incidence = [], []
    many, truth = simulated(15000, 11)
    risk = truth(200.0)
    true_brier = (risk * (1 - risk)).mean()
    for start in range(0, 15000, 150):
        own = many.iloc[start : start + 150]
        part = predictions(own, {"truth": risk[start : start + 150]}, 200.0)
        row = accuracy.judged(part, own, "truth", resamples=200, seed=start).set_index("metric").loc["brier"]
        brier.append(row["low"] <= true_brier <= row["high"])
        _, low, high, _ = accuracy.observed(*arguments(own, 200.0))
        incidence.append(low <= risk.mean() <= high)
    assert 0.88 < np.mean(brier) < 1
    assert 0.9 < np.mean(incidence) < 1


# Groups


def test_equal_risks_stay_together_and_few_patients_make_few_groups():
    assert np.bincount(accuracy.grouped(np.arange(100.0), 4)).tolist() == [25] * 4
    assert np.bincount(accuracy.grouped(np.repeat([0.1, 0.2, 0.3], [50, 10, 40]), 10)).tolist() == [50, 10, 40]
    assert np.bincount(accuracy.grouped(np.full(60, 0.2), 10)).tolist() == [60]
    assert accuracy.grouped(np.arange(35.0), 10).max() == 2
    assert accuracy.grouped(np.arange(9.0), 10).tolist() == [0] * 9
    assert accuracy.grouped(np.array([0.3]), 10).tolist() == [0]


def test_groups_without_an_answer_say_why():
    one = accuracy.calibration([0.3], [5.0], ["progression"], "progression", 8.0).loc[0]
    assert (one["patients"], one["observed"], one["reason"]) == (1, 1, "no band: cases only")
    none = accuracy.calibration([0.3], [9.0], ["none"], "progression", 8.0).loc[0]
    assert (none["observed"], none["reason"]) == (0, "no band: no case")
    lost = accuracy.calibration([0.3, 0.3], [2.0, 5.0], ["progression", "none"], "progression", 8.0).loc[0]
    assert np.isnan([lost["observed"], lost["low"], lost["high"]]).all()
    assert lost["reason"] == accuracy.LOST
    assert lost["cases"] == 1


def test_calibrated_is_the_table_of_every_window_and_model():
    table, truth = simulated(200, 12)
    both = [predictions(table, {"truth": truth(h), "half": truth(h) / 2}, h) for h in (100.0, 300.0)]
    found = accuracy.calibrated(pd.concat(both).sample(frac=1, random_state=1), table, groups=4)
    assert found.groupby(["horizon", "model"]).size().tolist() == [4] * 4
    own = found[(found["horizon"] == 300) & (found["model"] == "half")].reset_index(drop=True)
    alone = accuracy.calibration(truth(300.0) / 2, *arguments(table, 300.0), groups=4)
    pd.testing.assert_frame_equal(own[alone.columns], alone)


# The table of all windows


def test_judged_is_the_metrics_with_the_bootstrap_of_rebuilt_tables():
    """Every resample once more, patient by patient repeated in a table of its own."""
    table, truth = simulated(80, 13, day=20)
    risks = {"truth": truth(200.0).round(1), "flat": np.full(80, 0.4)}
    found = accuracy.judged(predictions(table, risks, 200.0), table, "flat", resamples=30, seed=3)
    found = found.set_index(["model", "metric"])
    counts = accuracy.resampled(80, 30, 3)
    assert (counts.sum(1) == 80).all()

    def again(metric, model, take):
        risk, own = risks[model][take], arguments(table.iloc[take], 200.0)
        if metric == "ipa":
            return accuracy.ipa(risk, risks["flat"][take], *own)
        return getattr(accuracy, metric)(risk, *own)

    for metric in accuracy.METRICS:
        value = {m: np.array([again(metric, m, np.repeat(np.arange(80), c)) for c in counts]) for m in risks}
        gap = value["truth"] - value["flat"]
        row = found.loc[("truth", metric)]
        assert row["estimate"] == pytest.approx(value["truth"][0])
        assert row[["low", "high"]].tolist() == pytest.approx(np.quantile(value["truth"][1:], [0.025, 0.975]))
        assert row["difference"] == pytest.approx(gap[0])
        assert row[["difference_low", "difference_high"]].tolist() == pytest.approx(
            np.quantile(gap[1:], [0.025, 0.975])
        )
    assert found.loc["flat"]["difference"].isna().all()
    assert found.loc[("flat", "ipa"), "estimate"] == 0
    assert set(found["patients"]) == {80}
    assert set(found["cases"]) == {((table["event"] == "progression") & (table["time"] <= 200)).sum()}


def test_a_twin_of_the_reference_differs_by_nothing():
    table, truth = simulated(120, 14)
    risks = {"one": truth(150.0), "twin": truth(150.0)}
    found = accuracy.judged(predictions(table, risks, 150.0), table, "one", resamples=50).set_index("model").loc["twin"]
    assert (found[["difference", "difference_low", "difference_high"]] == 0).all(axis=None)
    assert set(found["reason"]) == {""}


def test_the_null_may_be_another_model_than_the_reference():
    table, truth = simulated(150, 15)
    risks = {"flat": np.full(150, 0.3), "truth": truth(200.0), "worse": truth(200.0) ** 2}
    part = predictions(table, risks, 200.0)
    found = accuracy.judged(part, table, "truth", null="flat", resamples=20).set_index(["metric", "model"])["estimate"]
    own = arguments(table, 200.0)
    for model, risk in risks.items():
        assert found["ipa", model] == pytest.approx(accuracy.ipa(risk, risks["flat"], *own))


def test_windows_do_not_depend_on_each_other():
    table, truth = simulated(100, 16)
    later = table[table["time"] > 60].assign(landmark=150, time=lambda x: x["time"] - 60)
    parts = [predictions(table, {"truth": truth(h), "half": truth(h) / 2}, h) for h in (100.0, 200.0)]
    risk = truth(100.0)[(table["time"] > 60).to_numpy()]
    parts += [predictions(later, {"truth": risk, "half": risk / 2}, 100.0).assign(landmark=150)]
    parts += [predictions(table, {"truth": truth(100.0) / 3, "half": truth(100.0) / 6}, 100.0, "death")]
    outcomes = pd.concat([table, later])
    found = accuracy.judged(pd.concat(parts), outcomes, "half", resamples=40)
    assert found.groupby(["landmark", "horizon", "cause"]).size().tolist() == [8] * 4
    alone = accuracy.judged(parts[2], outcomes, "half", resamples=40)
    pd.testing.assert_frame_equal(found[found["landmark"] == 150].reset_index(drop=True), alone)
    assert not found.equals(accuracy.judged(pd.concat(parts), outcomes, "half", resamples=40, seed=1))


def reasons(table, risks=None):
    part = predictions(table, risks or {"one": [0.4] * len(table), "two": [0.6] * len(table)}, 8.0)
    return accuracy.judged(part, table, "one", resamples=40).set_index(["model", "metric"])


def outcomes(*rows):
    table = pd.DataFrame(rows, columns=["time", "event"])
    return table.assign(landmark=90, patient=[f"p{i}" for i in range(len(table))])


def test_undefined_metrics_say_why():
    no_case = reasons(outcomes((9.0, "none"), (9.0, "none"), (3.0, "death")))
    assert no_case["estimate"].isna().groupby("metric").all()["auc"]
    assert no_case.loc[("two", "auc"), "reason"] == "no case in the window"
    assert no_case.loc[("two", "observed_expected"), "estimate"] == 0
    no_control = reasons(outcomes((3.0, "progression"), (4.0, "progression"), (5.0, "none"), (6.0, "progression")))
    assert no_control.loc[("two", "auc"), "reason"] == "no control in the window"
    assert no_control.loc[("two", "brier"), "estimate"] == pytest.approx(0.16)
    lost = reasons(outcomes((3.0, "progression"), (7.0, "none"), (5.0, "death")))
    assert lost["estimate"].isna().all()
    assert set(lost["reason"]) == {accuracy.LOST}
    numbers = ["low", "high", "difference", "difference_low", "difference_high"]
    assert lost[numbers].isna().all(axis=None)
    assert set(lost["cases"]) == {1}


def test_one_patient_has_estimates_and_no_band():
    one = reasons(outcomes((3.0, "progression")))
    assert one.loc[("two", "brier"), "estimate"] == pytest.approx(0.16)
    assert one.loc[("two", "brier"), "reason"] == "no band: one patient"
    assert one.loc[("two", "auc"), "reason"] == "no control in the window"
    assert one[["low", "high", "difference_low", "difference_high"]].isna().all(axis=None)


def test_a_null_without_error_and_risks_of_zero_say_why():
    sure = {"one": [1.0, 0.0, 0.0], "two": [0.0] * 3}
    found = reasons(outcomes((3.0, "progression"), (9.0, "none"), (4.0, "death")), sure)
    assert found.loc[("two", "ipa"), "reason"] == "the null's Brier score is 0"
    assert found.loc[("two", "observed_expected"), "reason"] == "every predicted risk is 0"
    turned = reasons(outcomes((3.0, "progression"), (9.0, "none"), (4.0, "death")), dict.fromkeys(sure, [0.0] * 3))
    assert turned.loc[("one", "observed_expected"), "reason"] == "every predicted risk is 0"


def test_a_band_needs_most_resamples():
    """One case of 30: 36 % of resamples have none."""
    found = reasons(outcomes((3.0, "progression"), *[(9.0, "none")] * 29))
    row = found.loc[("two", "auc")]
    assert row["estimate"] == 0.5
    assert np.isnan(row["low"])
    assert row["reason"].startswith("no band: undefined in ")
    assert np.isfinite(found.loc[("two", "brier"), "low"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p, o: (p, pd.concat([o, o.head(1)])), "outcomes: more than one row of a patient"),
        (lambda p, o: (pd.concat([p, p.head(1)]), o), "predictions: more than one risk of a patient"),
        (lambda p, o: (p, o.assign(time=0.0)), "time must be above 0"),
        (lambda p, o: (p, o.assign(event=None)), 'write "none"'),
        (lambda p, o: (p.assign(risk=1.2), o), "must lie within 0..1"),
        (lambda p, o: (p.assign(risk=np.nan), o), "must lie within 0..1"),
        (lambda p, o: (p.iloc[1:], o), "patient a and 0 more have an outcome but no risk"),
        (lambda p, o: (p, o.iloc[1:]), "patient a and 0 more have a risk but no outcome"),
        (lambda p, o: (p.assign(model="two"), o), "there is no prediction of one"),
        (lambda p, o: (p.assign(landmark=30), o), "landmark 30: there are predictions but no outcomes"),
        (lambda p, o: (p.iloc[:0], o), "there is no row"),
    ],
)
def test_tables_that_cannot_be_judged_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        accuracy.judged(*change(BY_HAND, BY_HAND), "one", resamples=2)


# Invariances

trials = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from(["none", "progression", "death"]), st.integers(0, 10)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=50, deadline=None)
@given(trials)
def test_weights_reproduce_aalen_johansen(rows):
    """Ties, competing events and censorings at the horizon included; n in sum wherever the horizon is known."""
    time, event = np.array([r[0] for r in rows], dtype=float), np.array([r[1] for r in rows])
    window = accuracy.Window.of(time, event, 8.0)
    weights, followed = window.weights(np.ones((1, len(time)), dtype=int))
    if followed[0]:
        assert weights.sum() == pytest.approx(len(time))
    for cause in ("progression", "death"):
        code = np.where(event == "none", 0, np.where(event == cause, 1, 2))
        days, _, incidence = survival.aalen_johansen(np.zeros(len(time)), time, code, [1, 2])
        at = np.concatenate([[0.0], incidence[0]])[np.searchsorted(days, 8.0, side="right")]
        assert (weights[0] * (window.event == cause)).sum() / len(time) == pytest.approx(at)
        found, low, high, _ = accuracy.observed(time, event, cause, 8.0)
        assert np.isnan(found) or found == pytest.approx(at)
        assert np.isnan(low) or 0 <= low <= found <= high <= 1


@settings(max_examples=50, deadline=None)
@given(trials)
def test_monotone_transformations_leave_the_auc(rows):
    time, event = np.array([r[0] for r in rows], dtype=float), np.array([r[1] for r in rows])
    risk = np.array([r[2] for r in rows]) / 10
    one, other, turned = (accuracy.auc(x, time, event, "progression", 8.0) for x in (risk, risk**3 / 2 + 0.1, 1 - risk))
    assert one == pytest.approx(other, nan_ok=True)
    assert one == pytest.approx(1 - turned, nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(trials, st.randoms(use_true_random=False))
def test_the_order_of_patients_does_not_matter(rows, random):
    table = outcomes(*[r[:2] for r in rows]).astype({"time": float})
    part = predictions(table, {"one": [r[2] / 10 for r in rows], "two": np.full(len(rows), 0.3)}, 8.0)
    places = random.sample(range(len(part)), len(part))
    mixed = part.iloc[places], table.iloc[[i for i in places if i < len(table)]]
    for of, extra in ((accuracy.judged, ("two",)), (accuracy.calibrated, ())):
        kwargs = {"resamples": 12} if of is accuracy.judged else {}
        pd.testing.assert_frame_equal(of(part, table, *extra, **kwargs), of(*mixed, *extra, **kwargs))


def test_weights_within_strata_by_hand():
    """Stratum a is followed by plan, b is censored by plan: of its four, two are lost on day 50, when three are at risk
    of it, so whoever stays counts three times; a as a whole would have shared that weight."""
    time, event = [100.0, 100, 80, 100, 30, 50, 50, 100], ["none", "none", "x", "none", "x", "none", "none", "none"]
    window = accuracy.Window.of(time, event, 100.0)
    strata = np.array(list("aaaabbbb"))
    found, followed = accuracy.weights_in(strata, window, np.ones((1, 8), dtype=int))
    assert found[0] == pytest.approx([1, 1, 1, 1, 1, 0, 0, 3])
    assert followed.tolist() == [True]
    together = accuracy.weights(time, event, 100.0)
    assert together == pytest.approx([1.4, 1.4, 1.4, 1.4, 1, 0, 0, 1.4])  # five of seven stay: 7 / 5


def test_pairs_are_counted_within_a_fold_by_hand():
    """In each fold the case has the higher risk, and the folds' risks do not overlap: 2 of 2 pairs within folds are
    right, but 3 of 4 over both."""
    outcomes = pd.DataFrame({"landmark": 0, "patient": list("abcd"), "time": [5.0, 20, 5, 20], "fold": list("1122")})
    outcomes["event"] = ["x", "none", "x", "none"]
    rows = {"landmark": 0, "horizon": 10, "cause": "x", "model": "m", "patient": list("abcd")}
    predictions = pd.DataFrame(rows | {"risk": [0.2, 0.1, 0.8, 0.7]})
    for known, expected in ((outcomes, 1.0), (outcomes.drop(columns="fold"), 0.75)):
        table = accuracy.judged(predictions, known, "m", resamples=5)
        assert table.set_index("metric").loc["auc", "estimate"] == expected
