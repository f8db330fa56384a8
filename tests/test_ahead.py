"""What lies ahead of the study's own patients: the outlook's numbers, and the latent MRD of every interval."""

import numpy as np
import pytest
from test_dynamic import SETTINGS
from test_models import STRANDS, built, prior_draws, shrunk, small_study

from redose import ahead, dynamic, prediction, selection

ACTION = dynamic.Action(-3.0, "10^-3 every 56 d")


@pytest.fixture(scope="module")
def fit() -> tuple:
    """(design, draws) of the small study, prior draws close to each other in the place of a posterior."""
    data, model = built("joint_step", kinetics=STRANDS)
    return data, shrunk(prior_draws(model, 60), 0.1)


@pytest.fixture(scope="module")
def found(fit) -> tuple:
    return ahead.foresee(*fit, small_study()["intervals"], ACTION, SETTINGS)


def test_whoever_is_progression_free_has_days_ahead(found):
    patients, curves = found
    assert patients["patient"].tolist() == ["p1", "p2", "p3"]
    assert patients["state"].tolist() == ["progression-free", "death", "transplant"]
    assert patients["reason"].tolist()[1] == "died"
    assert patients["today"].tolist()[0] == 240
    assert patients.loc[1:, "today"].isna().all()
    assert set(curves.loc[curves["outcome"] == "free", "patient"]) == {"p1"}
    assert list(curves.columns) == list(ahead.CURVES)


def test_the_days_ahead_are_those_of_the_outlook(fit, found):
    data, draws = fit
    outcomes = selection.last_outcomes(data, small_study()["intervals"])
    outlook = selection.select(data, outcomes, draws, SETTINGS["days"], 0.9).set_index("patient")
    for d in SETTINGS["days"]:
        for name in (f"free_{d}", f"free_{d}_low", f"progression_{d}"):
            assert found[0].set_index("patient").loc["p1", name] == pytest.approx(outlook.loc["p1", name], rel=1e-12)


def test_mrd_is_followed_through_every_interval_and_ahead(fit, found):
    data, draws = fit
    level = found[1].query("outcome == 'mrd'")
    starts, ends = [0, 100, 190], [100, 190, 240 + max(SETTINGS["days"])]
    mine = level[level["patient"] == "p1"]
    for start, end in zip(starts, ends, strict=True):
        assert {start, end} <= set(mine["day"])
    assert level[level["patient"] == "p2"]["day"].max() == 300  # died then
    assert level[level["patient"] == "p3"]["day"].max() == 150
    last = int(np.flatnonzero(data["interval_patient"].to_numpy() == 1)[-1])
    at = prediction.latent_mrd(data, draws, np.array([last]), np.array([300.0]))
    shown = level[(level["patient"] == "p2") & (level["day"] == 300)]
    assert shown["mean"].iloc[0] == pytest.approx(np.median(at))


def test_without_mrd_and_with_nobody_left(fit):
    data, model = built("intervals")
    everybody_died = small_study()["intervals"].assign(outcome="death")
    patients, curves = ahead.foresee(data, prior_draws(model, 20), everybody_died, None, SETTINGS)
    assert patients["state"].tolist() == ["death"] * 3
    assert list(curves.columns) == list(ahead.CURVES)
    assert len(curves) == 0
