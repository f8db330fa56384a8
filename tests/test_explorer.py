"""What can be looked around in: every patient, the utility surface; and the answer in three sentences."""

import json

import dossiers
import numpy as np
import pandas as pd
import pytest

from redose import report
from redose.figures import labels
from redose.report import answer, explorer, lead, library, reading, surface


@pytest.fixture(scope="module")
def joint(dossier_of):
    return dossier_of("joint")[0]


@pytest.fixture(scope="module")
def plain(dossier_of):
    return dossier_of("plain")[0]


def said(dossier, key: str) -> str:
    patients = {p["key"]: p for p in explorer.explorer(dossier)["patients"]}
    return " ".join(patients[key]["says"])


def test_every_patient_is_there_with_its_history(joint):
    found = explorer.explorer(joint)
    assert [p["key"] for p in found["patients"]] == dossiers.PATIENTS
    first = found["patients"][0]
    assert first["intervals"] == [[0.0, 100.0, "progression"], [100.0, 300.0, "progression"]]
    assert first["samples"] == [[0.0, -2.0, 0], [30.0, -4.0, 1], [60.0, -3.0, 0]]  # below the LOD: at the LOD
    assert first["infusions"] == [[0.0, "9.0e+08 cells of NK"]]
    assert first["facts"][0] == ["arm", dossiers.LONG]
    assert first["curves"]["mrd"] == [[0.0, 30.0, 60.0], [-3, -5, -4], [-4, -6, -5], [-2, -4, -3]]
    json.dumps(found, allow_nan=False)  # what JSON cannot hold would stop the page's script


def test_a_patient_with_days_ahead_is_told_of_them(joint):
    text = said(joint, "002")
    assert "progression-free on day 400, the end of follow-up." in text
    assert "Latent MRD on that day: 10⁻³·¹ (0.079 %) (10⁻³·⁴ to 10⁻²·⁸)." in text
    best = joint.with_decisions[0].decision["regimes"].query("kind == 'adaptive' and tau == tau").nlargest(1, "utility")
    assert f"action threshold {labels.power(best['tau'].iloc[0])} of" in text
    assert "= 0.97; next test on day 456 (due)." in text
    assert "91 days on: progression-free 90 % (72 to 99 %), progression 8 %, death 2 %" in text
    assert "Redosing (quarterly against no redosing" in text


def test_a_patient_without_days_ahead_is_told_why(joint, plain):
    for dossier in (joint, plain):
        assert "Nothing lies ahead to be foretold: progressed." in said(dossier, dossiers.EVIL)
    assert "MRD" not in said(plain, "002")
    assert "Redosing" not in said(plain, "002")


@pytest.mark.parametrize(
    ("log10", "text"), [(-2.0, "10^-2.0 (1.0 %)"), (-8.5, "below 10^-8"), (-np.inf, "below 10^-8")]
)
def test_levels_that_no_assay_tells_apart(log10, text):
    assert explorer.level(log10) == text


def test_open_ended_episodes_stay_open():
    gvhd = pd.DataFrame({"onset_day": [3.0], "end_day": [np.nan], "kind": ["acute"], "grade": ["3"]})
    rest = dict.fromkeys(["intervals", "mrd", "infusions", "conditions", "courses"])
    assert explorer.history({**rest, "gvhd": gvhd})["spans"] == [[3.0, None, "acute GVHD 3", "gvhd"]]


def test_the_surface_holds_every_cell_of_the_grid_and_the_best(joint):
    fit = joint.with_decisions[0]
    cells = fit.decision["regimes"].dropna(subset=["tau", "every"])
    found = surface.surface(joint, fit)
    gain = found["measures"]["gain"]
    assert sum(x is not None for row in gain["values"] for x in row) == len(cells)
    column, row = found["chosen"]
    assert gain["values"][row][column] == pytest.approx(cells.loc[cells["utility"].idxmax(), "gain"])
    assert "P(best of all regimes)" in gain["texts"][row][column]
    json.dumps(found, allow_nan=False)


def test_three_sentences_with_regimes_and_without(joint, plain):
    asked = [p.question for p in lead.lead(joint)]
    assert asked[0].startswith("At which MRD")
    assert len(asked) == len(lead.lead(plain)) == 3
    first = lead.lead(plain)[0].answer
    assert first == "Not answered by this study: no MRD was measured in this study."
    assert lead.lead(plain)[1].answer == answer.intervals(plain)
    assert lead.changes(plain) == []


def changed(dossier, **cells):
    """The dossier with its regimes' utilities so changed that these win; others as they were."""
    fit = dossier.with_decisions[0]
    table = fit.decision["regimes"].copy()
    for column, value in cells.items():
        table.loc[table["regime"] == cells["regime"], column] = value
    kept = {**fit.__dict__, "decision": {**fit.decision, "regimes": table}}
    fits = {**dossier.fits, fit.model: reading.Fit(**kept)}
    return reading.Dossier(**{**dossier.__dict__, "fits": fits})


def test_a_regime_that_ignores_mrd_may_be_the_answer(joint):
    won = lead.lead(changed(joint, regime="quarterly", utility=1e6, p_best=0.95))
    assert won[0].answer.startswith("At none: quarterly, which does not look at MRD, has the highest expected utility")
    assert "95 % (strong evidence)" in won[0].answer
    assert won[1].answer.startswith("If doses are to follow MRD at all: every")
    none = lead.lead(changed(joint, regime="no redosing", utility=1e6))
    assert none[0].answer.startswith("At none: on these data no regime is better than no redosing.")


def test_a_choice_at_the_edge_of_the_grid_is_remarked(joint):
    cells = joint.with_decisions[0].decision["regimes"].dropna(subset=["tau", "every"])
    corner = cells.query("tau == tau.min() and every == every.min()")["regime"].iloc[0]
    edge = [x for x in lead.changes(changed(joint, regime=corner, utility=1e6)) if x.startswith("Beyond the grid")]
    assert edge == [
        "Beyond the grid: the choice is the lowest threshold and fewest days between tests that was simulated."
    ]
    inner = cells[~cells["tau"].isin([cells["tau"].min(), cells["tau"].max()])]
    inner = inner[~inner["every"].isin([cells["every"].min(), cells["every"].max()])]["regime"].iloc[0]
    assert not [x for x in lead.changes(changed(joint, regime=inner, utility=1e6)) if x.startswith("Beyond")]


def test_models_that_disagree_are_named(joint):
    other = [x for x in lead.changes(changed(joint, regime="bridge", utility=1e6)) if x.startswith("Another model")]
    assert len(other) == 1
    assert "joint_value chooses" in other[0]
    assert "makes the same choice" in " ".join(lead.changes(joint))


@pytest.mark.parametrize(("p", "text"), [(0.93, "strong evidence"), (0.7, "moderate evidence"), (0.4, lead.OPEN)])
def test_how_sure_a_choice_is(p, text):
    assert lead.sureness(p) == text


def test_the_library_is_the_same_bytes_every_time():
    assert library.plotly() == library.plotly()


def test_the_answer_alone_says_the_same_sentences(joint, tmp_path):
    page = report.render_answer(joint, "data:image/svg+xml;base64,")
    for text in ("What would change the answer", "More data: ", "The answer on one page"):
        assert text in page
    assert "<script" not in page
