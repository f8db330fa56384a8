"""Gain of every patient: against the decision layer itself, where there is none to be had, its verdicts in words."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from test_models import ABOUT, STRANDS, built, sample_prior, shrunk, small_study
from test_recovery import CONFIG, refitted
from worlds import NONE, decision

from redose import calibration, prediction
from redose.decisions import gain, outcomes, path, regimes

QUARTERLY = {"name": "quarterly", "kind": "fixed", "every": 91}
OF = {"regime": "quarterly", "against": "none", "smallest": 30, "selected": 0.8, "declined": 0.2}
KNOWN = ABOUT | {"covariates": {}}


@pytest.fixture(scope="module")
def posterior():
    """(design, draws) of a joint_value model with every strand."""
    data, model = built("joint_value", kinetics=STRANDS)
    traced = sample_prior(model, 40).assign({"v": (("chain", "draw", "patient"), np.zeros((1, 40, 3)))})
    return data, shrunk(prediction.thin(traced, 40), 0.2)


def asked(**changes) -> dict:
    return decision(NONE, QUARTERLY, assay={"name": "qPCR"}, gain=OF | changes)


def test_patients_average_to_what_the_decision_layer_says_of_the_trial(posterior):
    data, draws = posterior
    wanted = asked()
    found = gain.simulate(data, draws, None, KNOWN, wanted, 1)[gain.OWN].mean("patient")
    wanted["ahead"] = wanted["ahead"] | {"patients": "trial", "most": 99}
    all_ = outcomes.everybody(outcomes.simulate(data, draws, None, small_study()["patients"], KNOWN, wanted, 0, 1))
    for place, name in enumerate(("quarterly", "none")):
        expected = all_.sel(regime=name, outcome=list(gain.KEPT))
        np.testing.assert_allclose(found[:, place], expected, rtol=1e-5, atol=1e-5)


def test_without_a_link_to_mrd_nobody_gains_and_nobody_is_selected(posterior):
    data, draws = posterior
    none = draws | {name: 0.0 * x for name, x in draws.items() if name.startswith("alpha")}
    found = gain.simulate(data, none, None, KNOWN, asked(), 1)
    table = gain.table(found, OF, 728, 0.9)
    assert table[["gain", "like_gain", "gain_low", "gain_high"]].to_numpy() == pytest.approx(0.0, abs=1e-9)
    assert (table["p_gain"] == 0).all() and set(table["verdict"]) == {gain.DECLINED}
    assert (table["infusions_added"] > 0).all()  # given, and in vain


def test_new_patients_are_told_apart_by_their_covariates_alone(posterior):
    """Whatever the patients' own traits were; p2 and p3 differ in age, and so do the gains of those like them."""
    data, draws = posterior
    moved = draws | {"traits": draws["traits"] + 1.0, "v": draws["v"] + 1.0}
    one, other = (gain.simulate(data, x, None, KNOWN, asked(), 1) for x in (draws, moved))
    xr.testing.assert_equal(one[gain.LIKE], other[gain.LIKE])
    assert not np.allclose(one[gain.OWN], other[gain.OWN])
    like = gain.table(one, OF, 728, 0.9).set_index("patient")["like_gain"]
    assert like["p2"] != pytest.approx(like["p3"], rel=0.01)


def outcomes_of(free: list[list[float]], more: list[list[float]]) -> xr.Dataset:
    """Days free under the second regime, and how many more under the first, shape (draw, patient) each."""
    values = np.zeros((len(free), 2, len(free[0]), len(gain.KEPT)))
    values[:, 1, :, gain.KEPT.index("free_days")] = free
    values[:, 0, :, gain.KEPT.index("gvhd_days")] = more  # a day with GVHD is a day free of progression
    values[:, 0, :, gain.KEPT.index("free_days")] = free
    values[:, 0, :, gain.KEPT.index("gvhd")] = 0.1
    values[:, 0, :, gain.KEPT.index("infusions")], values[:, 1, :, gain.KEPT.index("infusions")] = 5.0, 1.0
    coords = {"patient": [f"p{k}" for k in range(len(free[0]))], "outcome": list(gain.KEPT)}
    dims = ("draw", "regime", "patient", "outcome")
    return xr.Dataset({gain.OWN: (dims, values), gain.LIKE: (dims, values)}, coords)


def test_verdicts_and_their_reasons_by_hand():
    """Five draws of four patients: gains above 30 days in all, two, none and none of them."""
    found = outcomes_of(5 * [[300.0, 300.0, 300.0, 720.0]], [[60, x, 10, 5] for x in (0, 20, 30, 31, 90)])
    table = gain.table(found, OF, 728, 0.9)
    assert table["p_gain"].tolist() == [1.0, 0.4, 0.0, 0.0]  # 30 days are not more than 30 days
    assert table["verdict"].tolist() == [gain.SELECTED, gain.UNDECIDED, gain.DECLINED, gain.DECLINED]
    assert table["gain"].tolist() == pytest.approx([60, 34.2, 10, 5])
    assert table["gvhd_added"].tolist() == pytest.approx(4 * [0.1])
    assert table["infusions_added"].tolist() == pytest.approx(4 * [4.0])
    reasons = table["reason"].tolist()
    assert reasons[0] == "P(more than 30 days gained) is over 0.99; 300 days free of 728 under none"
    assert reasons[1] == "P(more than 30 days gained) is 0.40: what is known of the patient does not decide it"
    assert reasons[2].endswith("progression comes about as early under quarterly")
    assert reasons[3].endswith("free of progression for most of 728 days under none too")


def test_net_benefit_of_rules_by_hand():
    """Three patients gain 60, 40 and 0 days; whoever is treated must gain 30 to make it worth while."""
    found = outcomes_of(2 * [3 * [300.0]], [[60.0, 40.0, 0.0], [60.0, 20.0, 0.0]])
    simple = {
        "all": np.array([True, True, True]),
        "none": np.zeros(3, dtype=bool),
        "first": np.array([True, False, False]),
    }
    table = gain.weighed(found, simple, OF, 0.9).set_index("rule")
    assert table.loc["all", ["treated", "gained", "net"]].tolist() == pytest.approx([1.0, 30.0, 0.0])
    assert table.loc["none", ["treated", "gained", "net"]].tolist() == [0.0, 0.0, 0.0]
    assert table.loc["first", ["treated", "gained", "net"]].tolist() == pytest.approx([1 / 3, 20.0, 10.0])
    assert table.loc["all", "gvhd_per_100"] == pytest.approx(10.0)
    assert table.loc["first", "infusions_per_100"] == pytest.approx(400 / 3)
    model = table.loc[gain.MODEL_RULE]  # the first alone: 30 days are not more than 30 days
    assert model["treated"] == pytest.approx(1 / 3) and model["net"] == pytest.approx(10.0)
    assert table["p_best"].sum() == pytest.approx(1.0)
    net = gain.curve(found, simple, 0.9).set_index(["rule", "threshold"])["net"]
    assert net["all"].loc[0.0] == pytest.approx(30.0) and net["all"].loc[60.0] == pytest.approx(-30.0)
    assert (net[gain.MODEL_RULE] >= net["all"] - 1e-9).all() and (net[gain.MODEL_RULE] >= 0).all()


def test_uplift_by_hand():
    """Three patients gain 0, 30 and 60 days in both draws; covariates alone would treat the last one first, then the
    first: 20, 20, 30 days a patient, and by chance 10, 20, 30."""
    dims = ("draw", "regime", "patient", "outcome")
    coords = {"regime": ["a", "b"], "patient": ["x", "y", "z"], "outcome": list(gain.KEPT)}
    own, like = np.zeros((2, 2, 3, len(gain.KEPT))), np.zeros((2, 2, 3, len(gain.KEPT)))
    place = gain.KEPT.index("free_days")
    own[:, 0, :, place], like[:, 0, :, place] = [0, 30, 60], [20, 10, 30]
    curve = gain.uplift(xr.Dataset({gain.OWN: (dims, own), gain.LIKE: (dims, like)}, coords), 0.9)
    assert curve["treated"].to_numpy() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert curve["gained"].to_numpy() == pytest.approx([0, 20, 20, 30])
    assert curve["gained_low"].to_numpy() == pytest.approx([0, 20, 20, 30])
    assert curve["by_chance"].to_numpy() == pytest.approx([0, 10, 20, 30])
    assert curve["above"].to_numpy() == pytest.approx([0, 10, 0, 0])
    assert curve["area"].to_numpy() == pytest.approx(10 / 3)  # trapezoids of 0, 10, 0, 0


def test_who_has_detectable_mrd_before_treatment(posterior):
    """p1 was above its limit 7 days before, p2 on the day itself, and p3 has no sample."""
    data, _ = posterior
    assert gain.detectable(data).tolist() == [True, True, False]
    below = data.assign(sample_below=data["sample_below"] | (data["sample_day"] == -7))
    assert gain.detectable(below).tolist() == [False, True, False]
    none = data.assign(sample_day=data["sample_day"] + 500)
    assert gain.detectable(none) is None
    rules = gain.simple_rules(
        data, small_study()["patients"], ABOUT | {"covariates": {"age": {"label": "age", "role": "burden"}}}
    )
    assert rules["age below its median"].tolist() == [True, False, False]
    assert rules["all patients"].all() and not rules["no patient"].any()


def test_levels_belong_to_the_verdict_that_they_name():
    p = np.array([0.8, 0.79, 0.21, 0.2])
    assert gain.verdict(p, OF).tolist() == [gain.SELECTED, gain.UNDECIDED, gain.UNDECIDED, gain.DECLINED]


@pytest.mark.parametrize("word", ["regime", "against"])
def test_a_regime_that_nobody_declared_is_refused_with_place_and_cure(posterior, word):
    with pytest.raises(regimes.RegimeError, match=f"config: decision.gain.{word}: no regime is called 'weekly': give"):
        gain.simulate(*posterior, None, KNOWN, asked(**{word: "weekly"}), 1)


def test_every_outcome_that_is_kept_is_one_of_the_kernel():
    assert set(gain.KEPT) < set(path.OUTCOMES)
    assert pd.Index(gain.KEPT).is_unique


@pytest.mark.slow
def test_gains_of_a_simulated_trial_are_the_true_ones(tmp_path):
    """Every patient's expected gain against that at its true traits and parameters, 240 patients with every strand."""
    truth, about, data, tree, _ = refitted("joint_step", 101, tmp_path)
    draws = prediction.thin(tree["posterior"].to_dataset(), 200)
    both = (draws, calibration.true_draws(data, truth))
    guessed, true = (gain.simulate(data, x, None, about, CONFIG["decision"], 1, 2) for x in both)
    table = gain.table(guessed, CONFIG["decision"]["gain"], 728, 0.9)
    exact = gain.table(true, CONFIG["decision"]["gain"], 728, 0.9)
    r = np.corrcoef(table["gain"], exact["gain"])[0, 1]
    inside = ((table["gain_low"] <= exact["gain"]) & (exact["gain"] <= table["gain_high"])).mean()
    wrong = (exact["gain"] <= 30)[table["verdict"] == gain.SELECTED].mean()
    print(f"r {r:.2f}, 90 % bands hold {inside:.1%}, of the selected {wrong:.1%} gain 30 days or less")
    print(table["verdict"].value_counts().to_dict(), table["gain"].mean(), exact["gain"].mean())
    assert r >= 0.7
    assert inside >= 0.8
    assert wrong <= 0.1
