"""Reference predictions against arithmetic by hand, scikit-survival, R's survival, and simulated truth."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rscript import with_r
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from redose import accuracy, references

CAUSES = ["progression", "death"]
BY_HAND = pd.DataFrame(
    [(2.0, "progression"), (3.0, "death"), (3.0, "none"), (5.0, "progression"), (5.0, "none"), (9.0, "none")],
    columns=["time", "event"],
).assign(landmark=90, patient=list("abcdef"))
NEW = pd.DataFrame({"landmark": 90, "patient": ["y", "z"], "x": [0.0, 1.0]})


def simulated(n, seed, day=None):
    """(table with covariates x, z, and h -> true risks of progression and death): proportional hazards."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(1, 2, n), rng.integers(0, 2, n)
    rates = np.exp(0.4 * x - 0.5 * z) / 500, np.exp(0.7 * z) / 900
    first, other = (rng.exponential(1 / r) for r in rates)
    lost = rng.uniform(50, 900, n)
    if day:
        first, other, lost = (np.ceil(v / day) * day for v in (first, other, lost))
    time = np.minimum(np.minimum(first, other), lost)
    event = np.where(time == first, "progression", np.where(time == other, "death", "none"))
    table = pd.DataFrame({"landmark": 90, "patient": [f"p{i:05d}" for i in range(n)], "time": time, "event": event})

    def truth(h):
        return [r / sum(rates) * -np.expm1(-sum(rates) * h) for r in rates]

    return table.assign(x=x, z=z), truth


def risk_of(found, horizon, cause):
    return found[(found["horizon"] == horizon) & (found["cause"] == cause)].set_index("patient")["risk"]


def test_incidence_by_hand():
    """Progression: 1/6 at 2, then of 5/6: death of one of 5 at 3; of 5/6 · 4/5 = 2/3 free, one of 3 at 5."""
    found = references.incidence(BY_HAND, NEW, [1.0, 4.0, 8.0], CAUSES)
    for horizon, progression, death in ((1.0, 0, 0), (4.0, 1 / 6, 1 / 6), (8.0, 1 / 6 + 2 / 9, 1 / 6)):
        assert risk_of(found, horizon, "progression").tolist() == pytest.approx([progression] * 2)
        assert risk_of(found, horizon, "death").tolist() == pytest.approx([death] * 2)
    assert list(found.columns) == ["landmark", "horizon", "cause", "model", "patient", "risk", "reason"]
    assert set(found["reason"]) == {""}


def test_training_that_ends_before_the_horizon_is_said():
    found = references.incidence(BY_HAND, NEW, [8.0, 9.5], ["progression"]).set_index("horizon")["reason"]
    assert set(found[8.0]) == {""}
    assert set(found[9.5]) == {f"training tells of fewer days: {accuracy.LOST}"}


@pytest.mark.parametrize("day", [None, 30], ids=["continuous", "tied"])
def test_cox_without_covariates_is_the_incidence(day):
    table, _ = simulated(300, 1, day)
    train, new = table[:200], table[200:]
    cox = references.landmark_cox(train, new, [], [150.0, 400.0], CAUSES, model="same")
    pd.testing.assert_frame_equal(cox, references.incidence(train, new, [150.0, 400.0], CAUSES, model="same"))


def test_causes_that_are_not_asked_for_compete_all_the_same():
    table, _ = simulated(200, 2)
    train, new = table[:150], table[150:]
    for found in (
        lambda causes: references.incidence(train, new, [300.0], causes),
        lambda causes: references.landmark_cox(train, new, ["x"], [300.0], causes),
    ):
        one, both = found(["progression"]), found(CAUSES)
        pd.testing.assert_frame_equal(one, both[both["cause"] == "progression"].reset_index(drop=True))


@pytest.mark.parametrize("day", [None, 10], ids=["continuous", "tied"])
def test_cox_agrees_with_scikit_survival(day):
    """Its slopes (Efron) and its cumulative baseline hazards (Breslow), put together here one day after the other.
    At 400 no step has been cut: from 450 on a patient's hazards exceed 1 on a day."""
    table, _ = simulated(230, 3, day)
    train, new = table[:200], table[200:]
    fits = {}
    for cause in CAUSES:
        seen = Surv.from_arrays(train["event"] == cause, train["time"])
        fits[cause] = CoxPHSurvivalAnalysis(ties="efron", n_iter=200, tol=1e-12).fit(train[["x", "z"]], seen)
    found = references.landmark_cox(train, new, ["x", "z"], [200.0, 400.0], CAUSES)
    for _, patient in new.iterrows():
        at = patient[["x", "z"]].to_frame().T.astype(float)
        curves = {c: fit.predict_cumulative_hazard_function(at)[0] for c, fit in fits.items()}
        for horizon in (200.0, 400.0):
            free, risk = 1.0, dict.fromkeys(CAUSES, 0.0)
            before = dict.fromkeys(CAUSES, 0.0)
            for k, time in enumerate(curves["death"].x):
                if time > horizon:
                    break
                now = {c: curves[c].a * curves[c].y[k] for c in CAUSES}
                for cause in CAUSES:
                    risk[cause] += free * (now[cause] - before[cause])
                free *= 1 - sum(now[c] - before[c] for c in CAUSES)
                before = now
            for cause in CAUSES:
                ours = risk_of(found, horizon, cause)[patient["patient"]]
                assert ours == pytest.approx(risk[cause], abs=1e-6)


COX = """
suppressMessages(library(survival))
d <- read.csv(file("stdin"))
train <- d[d$train == 1, ]; new <- d[d$train == 0, ]
causes <- c("progression", "death")
days <- sort(unique(train$time))
step <- lapply(causes, function(c) {
  fit <- coxph(Surv(time, event == c) ~ x + z, data = train, ties = "efron", control = coxph.control(eps = 1e-12))
  base <- summary(survfit(fit, newdata = data.frame(x = 0, z = 0), stype = 2, ctype = 1), times = days)$cumhaz
  outer(exp(as.matrix(new[, c("x", "z")]) %*% coef(fit))[, 1], diff(c(0, base)))
})
free <- t(apply(1 - step[[1]] - step[[2]], 1, cumprod))
before <- cbind(1, free[, -ncol(free)])
cat("patient,horizon,cause,risk\\n")
for (h in c(200, 500)) for (k in 1:2)
  cat(sprintf("%s,%g,%s,%.10f\\n", new$patient, h, causes[k], rowSums((before * step[[k]])[, days <= h])), sep = "")
"""


def test_cox_agrees_with_r():
    """survival::coxph and survfit: slopes and Breslow's hazards, ties included, in the product integral of R's own."""
    table, _ = simulated(400, 4, day=10)
    train, new = table[:300], table[300:]
    theirs = with_r(COX, table.assign(train=np.arange(400) < 300).astype({"train": int}), "survival")
    found = references.landmark_cox(train, new, ["x", "z"], [200.0, 500.0], CAUSES)
    both = found.merge(theirs, on=["patient", "horizon", "cause"], suffixes=("", "_r"))
    assert len(both) == 400
    assert both["risk"].to_numpy() == pytest.approx(both["risk_r"].to_numpy(), abs=1e-6)


def test_cox_finds_the_true_risks():
    table, truth = simulated(4000, 6)
    train, new = table[:3000], table[3000:]
    found = references.landmark_cox(train, new, ["x", "z"], [365.0], CAUSES)
    for cause, true in zip(CAUSES, truth(365.0), strict=True):
        gap = risk_of(found, 365.0, cause).to_numpy() - true[3000:]
        assert abs(gap).mean() < 0.02
        assert true[3000:].std() > 0.05
    flat = references.incidence(train, new, [365.0], CAUSES)
    row = accuracy.judged(pd.concat([flat, found]), new, "incidence", resamples=100).set_index(
        ["cause", "model", "metric"]
    )
    assert row.loc[("progression", "landmark_cox", "ipa"), "low"] > 0.1
    assert row.loc[("progression", "landmark_cox", "observed_expected"), "estimate"] == pytest.approx(1, abs=0.1)


def test_landmarks_are_trained_apart():
    first, _ = simulated(150, 7)
    second = simulated(150, 8)[0].assign(landmark=180)
    parts = [t[:100] for t in (first, second)], [t[100:] for t in (first, second)]
    train, new = (pd.concat(x) for x in parts)
    found = references.landmark_cox(
        train.sample(frac=1, random_state=1), new[new["patient"] > "p00099"], ["x"], [200], CAUSES
    )
    alone = references.landmark_cox(second[:100], second[100:], ["x"], [200], CAUSES)
    later = found[found["landmark"] == 180].reset_index(drop=True)
    pd.testing.assert_frame_equal(later, alone)


# What a fit falls short of


def reasons(train, new, covariates):
    found = references.landmark_cox(train, new, covariates, [200.0], CAUSES)
    assert found["risk"].between(0, 1).all()
    assert (found.groupby("patient")["risk"].sum() <= 1 + 1e-12).all()
    return found.groupby("cause")["reason"].first(), found


def test_covariates_of_one_value_are_left_out():
    table, _ = simulated(200, 9)
    why, found = reasons(table[:150].assign(one=3.0), table[150:].assign(one=7.0), ["one", "x"])
    assert set(why) == {"one left out: one value in training"}
    _, without = reasons(table[:150], table[150:], ["x"])
    assert found["risk"].tolist() == without["risk"].tolist()


def test_few_events_leave_a_cause_without_covariates():
    table, _ = simulated(200, 10)
    train, new = table[:150], table[150:]
    rare = train["event"].where((train["event"] != "death") | (train["event"] == "death").cumsum().le(2), "none")
    why, found = reasons(train.assign(event=rare), new, ["x", "z"])
    assert why["death"] == "no covariates: 2 events of death in training, of 3 needed"
    assert why["progression"] == ""
    assert risk_of(found, 200.0, "progression").nunique() == 50
    none, found = reasons(train.assign(event=train["event"].replace("death", "none")), new, ["x"])
    assert none["death"] == "no covariates: 0 events of death in training, of 2 needed"
    assert (risk_of(found, 200.0, "death") == 0).all()


def test_separation_and_collinearity_are_penalised():
    table, _ = simulated(200, 11)
    split = table.assign(apart=(table["event"] == "death").astype(int), twice=2 * table["x"] - table["z"])
    for covariates in (["apart"], ["x", "z", "twice"]):
        why, found = reasons(split[:150], split[150:], covariates)
        assert why["death"] == f"ridge penalty {references.PENALTY}: the fit did not converge without"
    plain = references.landmark_cox(split[:150], split[150:], ["x", "z"], [200.0], CAUSES)
    assert found["risk"].to_numpy() == pytest.approx(plain["risk"].to_numpy(), abs=0.03)  # the penalty is small


def test_no_fit_at_all_leaves_a_cause_without_covariates(monkeypatch):
    table, _ = simulated(200, 12)
    monkeypatch.setattr(references, "slopes", lambda *_: None)
    why, found = reasons(table[:150], table[150:], ["x"])
    assert set(why) == {"no covariates: the fit did not converge, with a ridge penalty neither"}
    flat = references.incidence(table[:150], table[150:], [200.0], CAUSES)
    assert found["risk"].to_numpy() == pytest.approx(flat["risk"].to_numpy())


@pytest.mark.parametrize(
    ("changes", "new", "words"),
    [
        ({}, NEW.assign(patient=["a", "z"]), "trained on and tested.*patient a"),
        ({}, NEW.assign(landmark=30), "landmark 30: no training patient is at risk"),
        ({"x": [1.0, np.nan, 2, 3, 4, 5]}, NEW, "training: x is missing or not finite.*patient b"),
        ({}, NEW.assign(x="low"), "tested: x is not a number"),
        ({}, NEW.drop(columns="x"), "tested: there is no column x"),
        ({"time": 0.0}, NEW, "time must be above 0"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(changes, new, words):
    with pytest.raises(ValueError, match=words):
        references.landmark_cox(BY_HAND.assign(x=1.0).assign(**changes), new, ["x"], [5.0], CAUSES)


patients = st.lists(
    st.tuples(
        st.integers(1, 12), st.sampled_from(["none", *CAUSES]), st.floats(-1e3, 1e3, width=32), st.integers(0, 2)
    ),
    min_size=2,
    max_size=20,
)


@settings(max_examples=25, deadline=None)
@given(patients)
def test_risks_are_probabilities_whatever_the_data(rows):
    """No warning, no exception, and no risk outside 0..1, also far from the training patients."""
    table = pd.DataFrame(rows, columns=["time", "event", "x", "z"]).assign(landmark=90)
    train = table.assign(patient=range(len(table)))
    new = pd.concat([train, train.assign(x=train["x"] * 1e4)])
    new = new.assign(patient=range(100, 100 + len(new)))
    found = references.landmark_cox(train, new, ["x", "z"], [4, 8], CAUSES)
    assert found["risk"].between(0, 1).all()
    assert (found.groupby(["patient", "horizon"])["risk"].sum() <= 1 + 1e-9).all()
    grown = found.pivot_table(index=["patient", "cause"], columns="horizon", values="risk")
    assert (grown[8] >= grown[4] - 1e-12).all()
