"""What can be looked around in: every patient, the utility surface; and the answer in three sentences."""

import base64
import gzip
import json
from dataclasses import replace

import dossiers
import numpy as np
import pandas as pd
import pytest

from redose import report
from redose.report import answer, explorer, lead, library, surface


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
    assert "Latent level on that day: 10⁻³·¹ (0.079 %) (10⁻³·⁴ to 10⁻²·⁸)." in text
    assert (
        "the best regime with a threshold) = 0.97. Next test on day 456, the first day on which that probability "
        in text
    )
    assert "is 10 % or more." in text
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
    assert explorer.history({**rest, "gvhd": gvhd}, "mrd")["spans"] == [[3.0, None, "acute GVHD 3", "gvhd"]]


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


def decided(dossier, regimes: list[tuple], pairs: dict, verdicts: list[str], rules: list[tuple]):
    """The dossier with decisions made up by hand. regimes: (name, kind, tau, days between tests, gain, P(best)); pairs:
    (days, tau) -> P(the best pair); verdicts of patients; rules: (name, net, P(best))."""
    fit = dossier.with_decisions[0]
    columns = ["regime", "kind", "tau", "every", "gain", "p_best"]
    table = pd.DataFrame(regimes, columns=columns).assign(far=False, p_gain=0.9)
    table = table.assign(utility=300 + table["gain"], gain_low=table["gain"] - 5, gain_high=table["gain"] + 6)
    best = [("all pairs", d, tau, p) for (d, tau), p in pairs.items()]
    for (d, tau), p in pairs.items():
        best.append((f"every {d} d", d, tau, p / sum(x for (e, _), x in pairs.items() if e == d)))
    decision = {**fit.decision, "regimes": table, "best": pd.DataFrame(best, columns=["within", "every", "tau", "p"])}
    gain = fit.gain.assign(verdict=verdicts)
    own = replace(fit, decision=decision, gain=gain, rules=pd.DataFrame(rules, columns=["rule", "net", "p_best"]))
    return replace(dossier, fits={**dossier.fits, fit.model: own})


GRID = [
    ("no redosing", "none", np.nan, np.nan, 0.0, 0.0),
    ("quarterly", "fixed", np.nan, np.nan, -8.0, 0.0),
    ("half-yearly", "fixed", np.nan, np.nan, 12.0, 0.3),
    ("10^-4 every 28 d", "adaptive", -4.0, 28.0, 14.0, 0.5),
    ("10^-3 every 28 d", "adaptive", -3.0, 28.0, 10.0, 0.1),
    ("10^-4 every 56 d", "adaptive", -4.0, 56.0, 13.5, 0.1),
]
PAIRS = {(28, -4.0): 0.6, (28, -3.0): 0.15, (56, -4.0): 0.25}
SIX = ["selected", "selected", "selected", "undecided", "not selected", "undecided"]
RULES = [("all patients", 40.0, 0.72), ("no patient", 0.0, 0.28)]


def flat(text: str) -> str:
    """A text that is written over several lines, as one."""
    return " ".join(text.split())


def test_the_three_sentences_of_a_hand_made_decision(joint):
    first, second, third = (p.answer for p in lead.lead(decided(joint, GRID, PAIRS, SIX, RULES)))
    assert first == flat("""At 10^-4.0 (0.010 %), with tests every 28 days. It gains 14 quality-adjusted days over no
        redosing (9.0 to 20), P(it gains) = 0.90, and is the best of all 6 regimes with probability 50 % (weak
        evidence); of the thresholds for such tests it is the best with probability 80 %; the best regime that
        does not follow MRD, half-yearly, loses 2.0 of these days. The hazard of progression steps up at 10^-2.9
        (0.13 %), 10^-3.1 to 10^-2.7 (model joint_step).""")
    assert second == flat("""Every 28 days, the best of those looked at with probability 75 % (moderate evidence);
        every 56 days would lose 0.50 of the expected 14 quality-adjusted days.""")
    assert third == flat("""P(more than 30 days alive and progression-free are gained by quarterly against no
        redosing), judged with all that was seen of a patient and without costs, is 0.8 or more in 3 of 6
        patients, 0.2 or less in 1, and does not decide in 2. Known before treatment, the best rule with
        probability 72 % (moderate evidence) is to treat all patients. With weights and costs quarterly gains
        −8.0 quality-adjusted days (−13 to −2.0): it is not the choice.""")


@pytest.mark.parametrize(
    ("regime", "kind", "begins"),
    [
        ("half-yearly", "fixed", "At none: half-yearly, which does not follow MRD, is the best regime. It gains 99"),
        (
            "tenfold rise",
            "adaptive",
            "By the config's rule tenfold rise, which is no cell of the grid of thresholds.",
        ),
        ("no redosing", "none", "At none: on these data no regime is better than no redosing."),
    ],
)
def test_a_regime_outside_the_grid_may_be_the_answer(joint, regime, kind, begins):
    grid = [r for r in GRID if r[0] != regime] + [(regime, kind, np.nan, np.nan, 99.0, 0.95)]
    first, second, _ = (p.answer for p in lead.lead(decided(joint, grid, PAIRS, SIX, RULES)))
    assert first.startswith(begins)
    assert second.startswith(
        "Every 28 days" if kind == "adaptive" else "If doses are to follow MRD at all: every 28 days"
    )
    rival = {
        "fixed": "that follows MRD, 10^-4 every 28 d, loses 85",
        "adaptive": "that does not follow MRD, half-yearly",
    }
    assert rival.get(kind, "") in first


@pytest.mark.parametrize(
    ("tau", "days", "edges"),
    [
        (-4.0, 28.0, ["lowest threshold and fewest days between tests"]),
        (-3.0, 56.0, ["highest threshold and most days between tests"]),
        (-3.5, 42.0, []),
    ],
)
def test_a_choice_at_the_edge_of_the_grid_is_remarked(joint, tau, days, edges):
    grid = [*GRID, ("10^-3 every 56 d", "adaptive", -3.0, 56.0, 1.0, 0.0), ("chosen", "adaptive", tau, days, 50.0, 0.9)]
    pairs = PAIRS | {(int(days), tau): 0.5}
    found = lead.changes(decided(joint, grid, pairs, SIX, RULES))
    said = [f"Beyond the grid: the choice is the {edge} that was simulated." for edge in edges]
    assert [x for x in found if x.startswith("Beyond")] == said


def test_models_that_disagree_are_named_with_what_the_choice_is_worth_to_them(joint):
    read = decided(joint, GRID, PAIRS, SIX, RULES)
    other = read.fits["joint_value"]
    theirs = pd.DataFrame([("10^-4 every 28 d", 3.0), ("quarterly", 7.0)], columns=["regime", "gain"])
    theirs = theirs.assign(utility=theirs["gain"], gain_low=theirs["gain"] - 9, gain_high=theirs["gain"] + 9)
    other = replace(other, decision={**other.decision, "regimes": theirs})
    said = [x for x in lead.changes(replace(read, fits={**read.fits, "joint_value": other})) if "Another" in x]
    assert said == [
        flat("""Another model: joint_value, of elpd 12 below that of joint_step, chooses quarterly (7.0
        days); to it 10^-4 every 28 d is worth 3.0 quality-adjusted days (−6.0 to 12).""")
    ]


def test_an_explorer_of_patients_without_intervals_and_of_one_group(plain):
    people = plain.tables["patients"].assign(arm="one")
    none = {n: t.iloc[:0] if n == "intervals" else t for n, t in plain.tables.items()}
    found = explorer.explorer(replace(plain, tables={**none, "patients": people}))
    assert found["groups"] == 1 and found["marker"] is None
    assert [p["facts"][0][0] for p in found["patients"]] == ["burden <b>"] * 6  # a group of all says nothing
    assert [p["intervals"] for p in found["patients"]] == [[]] * 6


@pytest.mark.parametrize(("p", "text"), [(0.93, "strong evidence"), (0.7, "moderate evidence"), (0.4, lead.OPEN)])
def test_how_sure_a_choice_is(p, text):
    assert lead.sureness(p) == text


def test_the_library_carries_no_time():
    """Bytes 4 to 7 of gzip are the time of the compression: with it two runs would differ."""
    packed = base64.b64decode(library.plotly())
    assert packed[4:8] == bytes(4)
    assert b"plotly.js" in gzip.decompress(packed)[:200]


def test_the_answer_alone_says_the_same_sentences(joint, tmp_path):
    page = report.render_answer(joint, "data:image/svg+xml;base64,")
    for text in ("What would change the answer", "More data: ", "The answer on one page"):
        assert text in page
    assert "<script" not in page
