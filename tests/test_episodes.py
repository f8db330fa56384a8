"""Conclusions on GVHD from parameters that are known: the model page's own terms, closed forms, arithmetic by hand."""

import numpy as np
import pandas as pd
import pytest
from test_gvhd import CONFIG, EPISODES, PRIOR, PROTOCOL, options, small, terms, values_of

from redose import episodes, onsets, simulate
from redose.models import MODELS

SAME = 200  # identical draws: bands show sampling variation only


def repeated(values: dict, times: int = 3) -> dict:
    """One point as draws, the draw as the last axis."""
    return {name: np.repeat(np.asarray(x, dtype=float)[..., None], times, -1) for name, x in values.items()}


@pytest.mark.parametrize("kind", onsets.KINDS)
def test_cumulative_hazards_are_those_of_the_model(kind):
    """A design without onsets leaves minus the cumulative hazard of all spells in the model's term."""
    study = small()
    study["gvhd"] = study["gvhd"].iloc[:0]
    data = onsets.build(study, {}, options(covariates=["age"]))
    values = values_of(data) | {f"beta_{k}": np.array([0.05]) for k in onsets.KINDS}
    found = terms(MODELS["gvhd"](data, PRIOR), values)[f"onsets_{kind}"]
    spells = (data[f"{kind}_spell_{c}"].to_numpy() for c in ("patient", "start", "stop"))
    assert episodes.cumulated(data, repeated(values), kind, *spells).sum(0) == pytest.approx(-found, rel=1e-10)


def test_grade_shares_are_those_of_the_cumulative_logit():
    """Shares 0.4, 0.3, 0.2, 0.1 at the mean age; five years of age that double the odds of a higher grade."""
    data = onsets.build(small(), {}, options(covariates=["age"]))
    values = {"grade_acute": [0.4, 0.3, 0.2, 0.1], "gamma_acute": [np.log(2) / 5]}
    found = episodes.grade_shares(data, repeated(values), "acute")[1, :, 0]  # p2 is five years above the mean
    below = [odds / 2 / (1 + odds / 2) for odds in (0.4 / 0.6, 0.7 / 0.3, 0.9 / 0.1)]
    assert found == pytest.approx(np.diff([0, *below, 1]))


def graft_only(n: int = 600) -> tuple:
    """(design, draws): constant hazards, acute GVHD 40 % within 100 days, deaths at 0.5 a year, 200 days in all."""
    rng = np.random.default_rng(8)
    rate, death = -np.log(0.6) / 100, 0.5 / 365.25
    onset, died = rng.exponential(1 / rate, n), rng.exponential(1 / death, n)
    names, end = np.array([f"p{i:03d}" for i in range(n)]), np.minimum(died, 200.0)
    outcome = np.where(died < 200, "death", "censored")
    ill = onset < end
    rows = {"patient": names[ill], "kind": "acute", "grade": "", "onset_day": onset[ill], "end_day": np.nan}
    tables = {
        "patients": pd.DataFrame({"patient": names}),
        "intervals": pd.DataFrame({"patient": names, "start_day": 0, "end_day": end, "outcome": outcome}),
        "infusions": small()["infusions"].iloc[:0],
        "gvhd": pd.DataFrame(rows)[EPISODES],
    }
    data = onsets.build(tables, {}, options(background="all", recurrent=False, windows=()))
    return data, repeated({"background_acute": [0.4], "background_chronic": [0.01]}, SAME), (rate, death)


def test_incidence_of_constant_hazards_against_closed_form():
    data, draws, (rate, death) = graft_only()
    table = episodes.incidence(data, draws, pd.Series(["x"] * 600), 0.9, 1)
    acute = table[table["kind"] == "acute"]
    exact = rate / (rate + death) * -np.expm1(-(rate + death) * acute["day"])
    assert acute["mean"].to_numpy() == pytest.approx(exact.to_numpy(), abs=0.015)  # deaths are those that happened
    assert acute["observed"].to_numpy() == pytest.approx(exact.to_numpy(), abs=0.06)
    inside = (acute["observed"] >= acute["low"]) & (acute["observed"] <= acute["high"])
    assert inside.mean() > 0.7  # data from this very model
    assert (acute["patients"] == 600).all()


def test_a_wrong_background_leaves_its_band_and_its_counts():
    data, draws, _ = graft_only()
    draws["background_acute"] *= 0.5
    table = episodes.incidence(data, draws, pd.Series(["x"] * 600), 0.9, 1)
    late = table[(table["kind"] == "acute") & (table["day"] > 50)]
    assert (late["observed"] > late["high"]).all()
    counts = episodes.counts(data, draws, 0.9, 1).set_index(["kind", "grade"])
    assert counts.loc[("acute", "any"), "observed"] > counts.loc[("acute", "any"), "high"]
    assert list(counts.index) == [("acute", "any"), ("chronic", "any")]  # nothing was graded


def test_small_groups_are_left_out():
    data, draws, _ = graft_only()
    label = pd.Series(["few"] * 4 + ["many"] * 596)
    assert set(episodes.incidence(data, draws, label, 0.9, 1)["group"]) == {"many"}


def test_risks_by_hand():
    """10 % after one reference infusion in the long run; exponent 0.5, half-life 20 d, horizon 100 d."""
    draws = repeated({"risk_acute": [0.1], "rho_gvhd": 0.5, "half_life_gvhd": 20.0})
    one, peak = episodes.risk(draws, 0, 4.0, 1, 0, 100)
    assert one == pytest.approx(1 - 0.9 ** (2 * (1 - 2**-5)))  # four times the cells, twice the hazard
    assert peak == pytest.approx(-np.log(0.9) * 2 * np.log(2) / 20 * 700)
    two, close = episodes.risk(draws, 0, 1.0, 2, 20, 100)
    assert two == pytest.approx(1 - 0.9 ** (1 - 2**-5 + 1 - 2**-6))
    assert close == pytest.approx(-np.log(0.9) * np.log(2) / 20 * 700 * 1.5)
    apart = episodes.risk(draws, 0, 1.0, 2, 200, 100)[1]
    assert (apart < close).all()  # spacing keeps the hazard lower


def test_the_table_of_risks_holds_the_doses_given_and_the_courses():
    data = onsets.build(small(), {}, options())
    draws = repeated({"risk_acute": [0.1, 0.2], "rho_gvhd": 0.5, "half_life_gvhd": 20.0})
    table = episodes.risks(data, draws, draws, CONFIG["decision"])
    assert set(table["product"]) == {"NK", "T"}
    courses = CONFIG["decision"]["gvhd"]
    several = table[(table["infusions"] > 1) & (table["product"] == "T") & (table["given"] == "prior")]
    assert len(several) == len(courses["infusions"]) * len(courses["spacings"])
    seen = table[(table["product"] == "T") & table["seen"] & (table["infusions"] == 1)]["cells"]
    assert (seen.min(), seen.max()) == pytest.approx((5e8, 2e9))
    study = small()
    study["infusions"] = study["infusions"].assign(cells=1e9)  # the reference dose
    same = episodes.risks(onsets.build(study, {}, options()), draws, draws, CONFIG["decision"])
    one = same[(same["infusions"] == 1) & (same["product"] == "T") & (same["given"] == "prior")]
    assert one["cells"].tolist() == [1e9, *(n * 1e9 for n in courses["infusions"])]
    assert one["seen"].tolist() == [True, False, False]
    study["infusions"] = study["infusions"].iloc[:0]
    assert episodes.risks(onsets.build(study, {}, options()), draws, draws, CONFIG["decision"]).empty


def test_the_truth_of_the_simulation_in_the_models_words(tmp_path):
    """Graft of cedar: 35 % acute within 100 days; 30 % chronic over 630 days are 1 - 0.7^(100/630) within 100."""
    tables, truth = simulate.simulate(simulate.protocol_with(PROTOCOL, {"patients": {"count": 12}}))
    simulate.write(tables, truth, tmp_path)
    found = episodes.read_truth(str(tmp_path))
    assert found["background_acute"] == {"cedar, days 0-100": pytest.approx(0.35)}
    assert found["background_chronic"] == {"cedar, days 100-730": pytest.approx(1 - 0.7 ** (100 / 630))}
    assert found["risk_acute"] == {"iPSC-NK": 0.001, "memory-NK": 0.001}
    assert found["duration_acute"] == pytest.approx(60 * np.log(2))
    assert episodes.read_truth(None) is None
