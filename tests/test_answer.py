"""The sentences of the answer: what they say, of whom, with which numbers, and what they leave unsaid."""

import dossiers
import pytest

from redose import report
from redose.report import answer, reading, tables


def test_without_mrd_the_dossier_says_so_instead_of_a_threshold(plain):
    read, _, page = plain
    assert answer.thresholds(read) == "No MRD was measured in this study, hence no MRD threshold can be given."
    assert "No MRD was measured in this study, hence there is no threshold." in "".join(page.text)
    assert "Its truth is known" not in "".join(page.text)


def test_the_answer_names_the_strategy_of_each_intercurrent_event(plain):
    read, _, _ = plain
    found = answer.answer(read)["Intercurrent events"]
    assert found.startswith("Death without progression: a competing outcome with a hazard")
    assert "Transplant without progression: censored: what would have happened without it" in found


def test_the_answer_of_a_study_without_mrd(plain):
    read, _, _ = plain
    found = answer.answer(read)
    free = found["Progression-free intervals"]
    assert "365 days (12.0 months)" in free
    assert "41 % (31 to 51 %)" in free
    assert f"too few followed so long under {dossiers.GREEK} and {dossiers.CHINESE}" in free
    moves = found["What moves progression"]
    assert "burden <b>, +1 cm, 1.2 (1.1 to 1.4), P(raises it) > 0.99, strong evidence" in moves
    assert "0.63 (0.40 to 0.96), P(lowers it) = 0.96, moderate evidence" in moves
    assert "2 of 6 patients" in found["Patient outlook"]
    assert "one model, intervals" in found["What this rests on"]


def test_the_answer_names_thresholds_truth_and_main_model(joint):
    read, _, page = joint
    found = answer.answer(read)
    limits = found["MRD thresholds"]
    assert "10^-2.9 (0.13 %)" in limits  # 10^-2.9 = 0.00126
    assert "truth of the simulation is 10^-3.0" in limits
    assert "20 % at an MRD of 10^-3.0 (0.10 %), 10^-3.5 to 10^-2.5" in limits
    assert "below any MRD to 10^-3.5" in limits
    assert "(below the LOD of" not in limits  # the LOD is 10^-4, and so is the lowest threshold
    assert "for 30 %, no usable threshold: this risk is not reached at any MRD in most draws" in limits
    # prior 90 % interval: 2 * 2.5 * 1.645 / 1.960 = 4.196 log10; posterior 0.4
    assert "10.5 times narrower" in limits
    assert "strong evidence" in limits
    assert "joint_step, which of 3 models" in found["What this rests on"]
    assert "clearly so (elpd 12.0 above joint_value, SE 4.0)" in found["What this rests on"]
    assert "This study is simulated." in "".join(page.text)


def test_the_answer_and_the_chapter_of_gvhd(ill, plain):
    read, _, page = ill
    said = answer.answer(read)["GVHD"]
    assert said.startswith("GVHD in 6 patients: 4 acute episodes and 1 chronic episode.")
    assert "brings acute GVHD with probability 0.080 % (0.0089 to 0.24 %); the prior alone says 11 %." in said
    rows = [[c.text for c in row] for row in tables.gvhd.risks(read).rows]
    assert len(rows) == 3 + 2 * 3
    assert rows[3][1:6] == ["3", "9.0e+08", "7", "0.24 % (0.027 to 0.72 %)", "11 % (0.027 to 0.72 %)"]
    assert "by trial, constant between days 0, 100 and the end (acute)" in "".join(page.text)
    effects = [[c.text for c in row] for row in tables.gvhd.effects(read).rows]  # e^0.1, e^0, e^0.2
    assert effects == [["hazard ratio of acute GVHD: burden <b>, +1 cm", "1.11 (1.00 to 1.22)"]]
    assert {row[0].text for row in tables.checking.gate(read).rows} == {"intervals", "gvhd"}
    assert "gvhd_risk" in {row[0].text for row in tables.methods.priors(read).rows}
    assert list(report.equations(read)) == ["intervals", "gvhd"]
    assert "GVHD" not in answer.answer(plain[0])


@pytest.mark.parametrize(
    ("gap", "patients", "said"),
    [(9.0, 5, "clearly so"), (7.0, 5, "not clearly so"), (9.0, 3, "but 3 patients are too few to say how clearly")],
)
def test_how_clearly_a_model_predicts_better_is_not_said_of_a_handful_of_patients(gap, patients, said):
    assert answer.firmly(gap, 4.0, patients) == said


def test_the_answer_says_what_the_checks_say(plain, ill):
    said = answer.answer(plain[0])["What the checks say"]
    assert "Residuals, model intervals: not described: death (all intervals)." in said
    assert (
        "they move 1 of 1 quantities that decisions rest on (P(progression-free 180 days on), mean of patients)" in said
    )
    assert said.endswith("known from the prior alone: sd of the frailty.")
    assert "Priors, model gvhd: they move 1 of 1" in answer.answer(ill[0])["What the checks say"]


def test_the_regime_to_choose_stands_in_the_answer(joint):
    read, _, page = joint
    said = answer.redosing(read)
    best = read.with_decisions[0].decision["regimes"].sort_values("utility").iloc[-1]
    assert f"{best['regime']} has the highest expected utility: it gains" in said
    text = " ".join(page.text)
    assert "Sequential ignorability" in text
    assert "what is said of them is the model's extrapolation: autologous" in text
    assert "overlap of prior and posterior 0.8 or more): rho" in text


def test_a_product_without_effect_is_said_to_beat_nothing(tmp_path):
    """Every infusion gives no day and costs money: no redosing is chosen, in words."""
    read = reading.read(
        dossiers.write(tmp_path / "s1", ["joint_step"], redosing=0.0),
        dossiers.settings("s1", ["joint_step"]),
        dossiers.CAPTIONS,
    )
    said = answer.redosing(read)
    assert "no regime beats no redosing: the next best, " in said
    assert "quality-adjusted days (" in said
    assert "no regime beats no redosing" in report.render(read, dossiers.pictured_in(read, tmp_path), report.Printed())
    assert "on these data none of 6 patients should be selected" in answer.gains(read)


def test_who_gains_is_counted_by_verdict_and_told_with_reasons(joint):
    read, html, _ = joint
    table = read.with_decisions[0].gain
    counts = {v: int((table["verdict"] == v).sum()) for v in ("selected", "undecided", "not selected")}
    assert min(counts.values()) > 0
    said = answer.gains(read)
    assert f"of 6 patients {counts['selected']} are selected" in said
    assert f"for {counts['undecided']} the data do not decide" in said
    shown = tables.selection.gains(read, read.with_decisions[0])
    assert [c.text for c in shown.rows[0]][-2] == "selected"  # highest probability first
    assert html.count("does not decide it") == 3 * counts["undecided"]  # two models have regimes, the explorer one
    groups = tables.selection.gains_by_subgroup(read, read.with_decisions[0])
    assert sum(row[1].value for row in groups.rows) == 6
