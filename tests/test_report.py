"""The dossier: escaped, self-contained, complete, and right about what it says first."""

import base64
import copy
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import columns
import dossiers
import pandas as pd
import pytest
import yaml

from redose import codebook, report
from redose.report import answer, config, reading, summary, tables, words

VOID = {"meta", "link", "img", "br", "input"}


class Page(HTMLParser):
    """What a browser would see: tags that balance, text, references, images, headings."""

    def __init__(self, html: str):
        super().__init__()
        self.open, self.text, self.references, self.images, self.headings, self.ids = [], [], [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.references += [v for k, v in attrs if k in ("src", "href")]
        self.ids += [v for k, v in attrs if k == "id"]
        assert not [k for k, _ in attrs if k.startswith("on")], (tag, attrs)
        if tag == "img":
            self.images.append(known)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text.append(data)


@pytest.fixture(scope="module")
def plain(dossier_of):
    """A study without MRD and with one model."""
    return seen(dossier_of("plain"))


@pytest.fixture(scope="module")
def joint(dossier_of):
    """A simulated study with MRD and three models."""
    return seen(dossier_of("joint"))


@pytest.fixture(scope="module")
def ill(dossier_of):
    """A study with GVHD as an outcome."""
    return seen(dossier_of("ill"))


def seen(made: tuple) -> tuple:
    """(dossier, HTML, what a browser would see, with the folder of the results)."""
    page = Page(made[1])
    page.folder = made[2]
    return made[0], made[1], page


@pytest.fixture(scope="module")
def hopeless(dossier_of):
    """A study all of whose models the gate rejected."""
    return seen(dossier_of("hopeless"))


@pytest.fixture(scope="module")
def halved(dossier_of):
    """A study of whose models the gate rejected one joint model and that of GVHD."""
    return seen(dossier_of("halved"))


WHICH = ["plain", "joint", "ill", "hopeless", "halved"]


@pytest.mark.parametrize("which", WHICH)
def test_the_page_is_whole(which, request):
    _, html, page = request.getfixturevalue(which)
    assert html.startswith("<!DOCTYPE html>")
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert page.headings == [f"{k} {title}" for k, title in enumerate(report.CHAPTERS.values(), 1)]


@pytest.mark.parametrize("which", WHICH)
def test_the_page_needs_nothing_but_itself(which, request):
    _, html, page = request.getfixturevalue(which)
    assert not re.search("https?:", html)
    assert "default-src 'none'" in html  # what the page might fetch, the browser refuses
    assert all(r.startswith(("#", "data:")) for r in page.references)
    assert {r[1:] for r in page.references if r.startswith("#")} <= set(page.ids)
    assert "@import" not in html
    assert "url(" not in html


@pytest.mark.parametrize("which", WHICH)
def test_no_path_of_the_machine_is_printed(which, request):
    _, html, _ = request.getfixturevalue(which)
    assert "/home" not in html
    assert "secret" not in html


@pytest.mark.parametrize("which", WHICH)
def test_names_are_text_and_never_markup(which, request):
    _, html, page = request.getfixturevalue(which)
    assert "<img src=x" not in html
    assert "<b>" not in html
    shown = "".join(page.text)
    for name in (
        ()
        if which == "hopeless"
        else (*dossiers.PATIENTS, dossiers.LONG, dossiers.GREEK, dossiers.CHINESE, "burden <b>")
    ):
        assert name in shown


@pytest.mark.parametrize(("which", "count"), [("plain", 10), ("joint", 10 + 3 + 1 + 8 + 3 + 2 * 5), ("ill", 10 + 6)])
def test_every_figure_has_words_for_those_who_do_not_see_it(which, count, request):
    _, html, page = request.getfixturevalue(which)
    # the answer, best model 9, its MRD 3, the comparison; others: free, effects, prior (3), chains, residuals, MRD;
    # decisions of two
    assert len(page.images) >= count
    assert all(len(i["alt"]) > 20 for i in page.images)
    alive = html.count('<figure class="interactive"')
    assert html.count("<figcaption>") == len(page.images) + alive
    assert html.count("Worry if") >= alive > 0
    assert html.count("What would worry you") == len(page.images)
    picture = base64.b64decode(page.images[0]["src"].partition(",")[2])
    assert picture.startswith(b"<?xml")


@pytest.mark.parametrize("which", WHICH)
def test_every_table_of_the_page_names_a_csv_that_exists(which, request):
    _, html, page = request.getfixturevalue(which)
    named = re.findall(r'class="source">[^<]*: ([^<]+)</p>', html)
    assert len(named) == html.count("<table") > 10
    assert not [name for name in named if not (page.folder / name).is_file()]
    beside = {f"report/{f.name}" for f in (page.folder / "report").iterdir()}
    assert beside == {name for name in named if name.startswith("report/")}


@pytest.mark.parametrize("which", WHICH)
def test_every_column_beside_the_page_is_described_once(which, request):
    read, _, page = request.getfixturevalue(which)
    files = codebook.of_study([*codebook.NEEDS], read.about["covariates"], read.tables["patients"])
    found = columns.below(page.folder)
    assert len(found) > 15
    wrong, _ = columns.compared(found, files)
    assert wrong == []


def test_a_table_without_a_file_of_the_run_is_written_as_it_is_shown(plain):
    folder = plain[2].folder / "report"
    table = pd.read_csv(folder / "what_the_study_holds_after_the_checks.csv")
    assert table.columns.tolist() == ["item", "number", "number (value)"]
    assert table.loc[0].tolist() == ["patients", "6", 6.0]
    beliefs = pd.read_csv(folder / "priors_as_beliefs.csv").set_index("prior")
    assert pd.isna(beliefs.loc["omega_v", "median (value)"])  # shown as a dash, and not 0


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


def chapter(html, name):
    """What stands between the heading of a chapter and its end, as text of each element."""
    body = re.search(rf'<section id="{name}".*?</h2>(.*?)</section>', html, re.DOTALL).group(1)
    return [t for t in (text.strip() for text in Page(body).text) if t]


def test_a_study_whose_every_fit_was_rejected_concludes_nothing(hopeless):
    read, html, page = hopeless
    assert (read.fits, read.gvhd, read.compare, read.validation) == ({}, None, None, None)
    why = "the gate rejected models joint_step and intervals (chapter Model checking)."
    for name in ("intervals", "hazards", "outlook", "comparison", "validation"):
        assert len(chapter(html, name)) == 1 and chapter(html, name)[0].endswith(why), name
    for name in ("mrd", "decisions", "selection"):
        assert len(chapter(html, name)) == 1 and "the gate rejected model joint_step (chapter" in chapter(html, name)[0]
    assert chapter(html, "gvhd") == [
        "Who gets GVHD is not said: the gate rejected model gvhd (chapter Model checking)."
    ]
    for name in ("data", "checking", "methods", "provenance"):
        assert len(chapter(html, name)) > 20
    of_models = [i["alt"] for i in page.images if ", model " in i["alt"]]
    assert {alt.split(" of ")[0] for alt in of_models} == {
        "Prior and posterior densities",
        "Traces and rank plots",
    }
    assert list(report.equations(read)) == ["joint_step", "intervals", "gvhd"]


def test_every_fault_of_a_rejected_model_is_named_with_what_to_do(hopeless):
    read, html, _ = hopeless
    first, checking = chapter(html, "answer"), chapter(html, "checking")
    for said in (first, checking):
        assert sum("nothing is concluded from it. What it misses" in t for t in said) == 3
        assert sum("try more tuning draws" in t for t in said) == 3
    listed = [t for t in checking if re.match(r"rate_progression: R-hat 1\.\d+, limit 1\.01", t)]
    assert len(listed) == 19 + 1  # of 20, 1 and 2 faults; the last of each is another
    assert checking.count(f"{dossiers.EVIL}: bulk ESS 3") == 3
    assert "and 12 more, all of them under" in first  # 20 faults, 8 of them first
    gate = {row[0].text: [c.text for c in row] for row in tables.checking.gate(read).rows}
    assert [row[1] for row in gate.values()] == ["rejected"] * 3
    assert gate["joint_step"][2].startswith("– (beta_progression[")  # what never moved is the worst
    assert gate["joint_step"][6] == "–"


def test_what_was_accepted_beside_a_rejected_model_stands(halved):
    read, html, page = halved
    assert list(read.fits) == ["joint_step", "intervals"]
    said = answer.answer(read)
    assert said["MRD thresholds"].startswith("Prognostic threshold (model joint_step)")
    assert "which of 2 models" in said["What this rests on"]
    assert said["What this rests on"].endswith(
        "The gate rejected models joint_value and gvhd (chapter Model checking)."
    )
    assert said["GVHD"] == "Who gets GVHD is not said: the gate rejected model gvhd (chapter Model checking)."
    weighed = "a regime is weighed with the GVHD that it brings about, and the gate rejected model gvhd"
    for name in ("decisions", "selection"):
        assert len(chapter(html, name)) == 1 and weighed in chapter(html, name)[0]
    assert {row[0].text: row[1].text for row in tables.checking.gate(read).rows} == {
        "joint_step": "accepted",
        "intervals": "accepted",
        "joint_value": "rejected",
        "gvhd": "rejected",
    }
    concluded = [i["alt"] for i in page.images if i["alt"].endswith("model joint_value")]
    assert {alt.split(" of ")[0] for alt in concluded} == {"Prior and posterior densities", "Traces and rank plots"}


def test_results_of_an_earlier_run_are_not_read_where_the_gate_now_rejects(tmp_path):
    folder = dossiers.write(tmp_path / "s1", ["joint_step", "intervals"])
    refused = dossiers.verdict("joint_step", ["tau: R-hat 1.2, limit 1.01"])
    (folder / "joint_step" / "verdict.json").write_text(json.dumps(refused))
    read = reading.read(folder, dossiers.settings("s1", ["joint_step", "intervals"]), dossiers.CAPTIONS)
    assert list(read.fits) == ["intervals"]
    assert not {"residuals", "below_lod", "threshold"} & set(read.rejected["joint_step"].figures)


def test_decisions_of_an_earlier_run_are_not_read_where_infusions_no_longer_move_the_marker(tmp_path):
    folder = dossiers.write(tmp_path / "s1", ["joint_step"])
    settings = copy.deepcopy(dossiers.settings("s1", ["joint_step"]))
    assert reading.read(folder, settings, dossiers.CAPTIONS).with_decisions
    own = settings["studies"]["s1"]["models"]["joint_step"]
    own["kinetics"] = {**own["kinetics"], "trajectory": "linear"}
    assert not reading.read(folder, settings, dossiers.CAPTIONS).with_decisions


def test_a_study_with_the_model_of_gvhd_alone_is_not_told_of_a_rejection(ill):
    alone = ill[0].config | {"models": {"gvhd": ill[0].config["models"]["gvhd"]}}
    read = replace(ill[0], fits={}, compare=None, settings=ill[0].settings | {"studies": {"s1": alone}})
    asked = "the config asks for no model of progression and death."
    assert report.missing.missing(read)["intervals"] == f"No progression-free interval is described: {asked}"
    assert answer.basis(read).endswith(asked) and summary.summary(read)["answer"].endswith(asked)


@pytest.mark.parametrize(
    ("gap", "patients", "said"),
    [(9.0, 5, "clearly so"), (7.0, 5, "not clearly so"), (9.0, 3, "but 3 patients are too few to say how clearly")],
)
def test_how_clearly_a_model_predicts_better_is_not_said_of_a_handful_of_patients(gap, patients, said):
    assert answer.firmly(gap, 4.0, patients) == said


def test_a_chapter_that_cannot_be_written_says_why(plain, joint):
    assert chapter(plain[1], "mrd") == ["No MRD was measured in this study, hence there is no threshold."]
    assert chapter(plain[1], "gvhd") == ["The study has no GVHD table, and the config asks for no model of GVHD."]
    assert chapter(plain[1], "decisions")[0].endswith("that takes MRD, and none was measured in this study.")
    assert "no refits without a part of the patients" in chapter(plain[1], "validation")[0]
    assert len(chapter(joint[1], "gvhd")) == 1 and len(chapter(joint[1], "validation")) > 20


def test_superscripts_in_the_page(joint):
    _, html, _ = joint
    assert "10<sup>−2.9</sup> (0.13 %)" in html
    assert "10^-" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", html).split("<pre>")[0]


def test_patients_without_an_outlook_get_a_reason(plain):
    read, _, _ = plain
    rows = [[c.text for c in row] for row in tables.selection.without_outlook(read, read.best).rows]
    assert len(rows) == 4
    assert [dossiers.PATIENTS[2], dossiers.GREEK, "3", "death", "died"] in rows


def test_a_horizon_that_a_group_did_not_reach_is_left_out(plain):
    read, _, _ = plain
    rows = [[c.text for c in row] for row in tables.intervals.lengths(read, read.best).rows]
    assert [(r[0], r[4]) for r in rows] == [
        (dossiers.LONG, "180 days (5.9 months)"),
        (dossiers.LONG, "365 days (12.0 months)"),
        (dossiers.CHINESE, "180 days (5.9 months)"),
    ]
    assert rows[1][5:] == ["41 % (31 to 51 %)", "41 %", "292 (256 to 328)", "292"]


def test_the_gate_names_the_worst_parameter(plain):
    read, _, _ = plain
    row = [c.text for c in tables.checking.gate(read).rows[0]]
    assert row[:4] == ["intervals", "accepted", "1.009 (omega_v)", "433.2 (omega_v)"]


def test_a_fault_in_the_checks_is_listed_without_its_folder(plain):
    read, _, _ = plain
    assert [c.text for c in tables.data.warnings(read).rows[0]] == [
        "warning",
        "mrd.csv row 3",
        dossiers.EVIL,
        "late",
        "look",
    ]


def test_residuals_are_judged_by_cause_and_interval_number(plain):
    read, html, _ = plain
    rows = [[c.text for c in row] for row in tables.checking.residuals(read, read.best).rows]
    assert rows[0] == ["progression", "all", "8", "4", "4.2", "0.61", "0.44", "agrees"]
    assert rows[2] == ["death", "all", "8", "1", "6.0", "< 0.001", "< 0.001", "not described"]
    assert "twice the median over the draws" in html


def test_what_the_priors_move_is_named_with_the_prior_that_moves_it(plain, ill):
    rows = [[c.text for c in row] for row in tables.checking.sensitivity(plain[0], plain[0].best).rows]
    assert rows[0][3:] == ["prior and data both matter", "omega_v (0.07)"]
    assert rows[1] == ["sd of the frailty", "0.4", "0.01", "the prior dominates", "omega_v (0.41)"]
    assert len(rows) == 2  # the third is robust
    of_gvhd = [[c.text for c in row] for row in tables.checking.sensitivity(ill[0], ill[0].gvhd).rows]
    assert of_gvhd[0][0] == "P(acute GVHD), 3 infusions of NK"
    assert "Episodes of GVHD, observed and replicated" in ill[1]


def test_the_answer_says_what_the_checks_say(plain, ill):
    said = answer.answer(plain[0])["What the checks say"]
    assert "Residuals, model intervals: not described: death (all intervals)." in said
    assert (
        "they move 1 of 1 quantities that decisions rest on (P(progression-free 180 days on), mean of patients)" in said
    )
    assert said.endswith("known from the prior alone: sd of the frailty.")
    assert "Priors, model gvhd: they move 1 of 1" in answer.answer(ill[0])["What the checks say"]


def test_outcomes_are_counted_by_interval_number(plain):
    read, _, _ = plain
    table = tables.data.outcomes(read)
    assert table.columns[2:6] == [
        "ended by progression",
        "ended by death",
        "ended by transplant",
        "ended by end of follow-up",
    ]
    assert [c.text for c in table.rows[0]][:6] == ["1", "6", "2", "1", "1", "2"]
    assert [c.text for c in table.rows[1]][:6] == ["2", "1", "1", "0", "0", "0"]


def test_only_priors_in_use_are_listed_with_their_source(plain, joint):
    names = {row[0].text for row in tables.methods.priors(plain[0]).rows}
    assert names == {"rate_progression", "omega_v", "hazard_ratio"}
    assert {"tau", "sigma"} <= {row[0].text for row in tables.methods.priors(joint[0]).rows}


def test_the_equations_are_those_of_the_models_page(joint):
    read, html, _ = joint
    assert list(report.equations(read)) == ["joint_step and joint_value", "intervals"]
    assert "λ_ik(t)" in html


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.019, "< 0.05"), (-0.01, "> −0.05"), (0.05, "0.0500"), (14.83, "14.8")]
)
def test_an_amount_that_is_not_zero_is_not_called_zero(value, text):
    assert tables.cells.amount(value) == text


def test_the_same_results_give_the_same_page(plain, tmp_path):
    assert report.render(plain[0], dossiers.pictured_in(plain[0], tmp_path), report.Printed()) == plain[1]


def test_every_figure_has_its_caption_with_the_numbers_of_the_config():
    drawn = {*reading.FIGURES, *reading.COHORT_FIGURES, *reading.GVHD_FIGURES, *reading.VALIDATION_FIGURES}
    drawn |= {*reading.STUDY_FIGURES, "answer", "calibration"}
    for name in drawn:
        text = dossiers.CAPTIONS[name]
        assert "How to read it:" in text, name
        assert "What would worry you:" in text, name
    assert set(report.ALT) == drawn


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1234.5, "1 234"),
        (0.01234, "0.0123"),
        (-2.0, "−2.00"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (9.996, "10.00"),
    ],
)
def test_numbers_have_sensible_digits(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (0.001, "< 1 %"), (0.5, "50 %"), (0.999, "> 99 %"), (1.0, "100 %")]
)
def test_percentages_do_not_round_to_certainty(share, text):
    assert words.percent(share) == text


def test_words_for_bands_levels_and_days():
    assert words.band(0.31, 0.51, words.percent) == "31 to 51 %"
    assert words.mrd(-4) == "10^-4.0 (0.010 %)"
    assert words.mrd(math.inf) == "above any MRD"
    assert words.days(365.25) == "365 days (12.0 months)"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert str(words.powers("<i> 10^-3.5")) == "&lt;i&gt; 10<sup>−3.5</sup>"


@pytest.mark.parametrize(("value", "text"), [(0.999, "strong"), (0.97, "moderate"), (0.92, "weak"), (0.6, "no clear")])
def test_strength_of_evidence(value, text):
    assert words.evidence(value).startswith(text)


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


def test_the_index_says_of_every_study_what_its_dossier_says(plain, joint, ill):
    studies = {name: summary.summary(read[0]) for name, read in (("a b", plain), ("joint", joint), ("ill", ill))}
    assert [m["name"] for m in studies["joint"]["models"]] == ["joint_step", "joint_value", "intervals"]
    assert all(m["accepted"] for m in studies["joint"]["models"])
    assert studies["joint"]["simulated"] and not studies["a b"]["simulated"]
    assert studies["joint"]["answer"].startswith("At 10^-2.0 (1.0 %), with tests every 168 days. It gains 324 quality-")
    assert studies["a b"]["answer"] == answer.intervals(plain[0])
    studies["ill"]["models"][1]["accepted"] = False
    html = report.index(studies)
    page, text = Page(html), " ".join(Page(html).text)
    linked = [f"{study}/{page}.html" for study in ("a%20b", "joint", "ill") for page in ("report", "answer")]
    assert [r for r in page.references if not r.startswith("data:")] == linked
    assert page.open == [] and len(page.ids) == len(set(page.ids)) == 3
    assert "<img src=x" not in html and dossiers.EVIL in text
    assert text.count("This study is simulated") == 1
    assert text.count("rejected by the gate") == 1
    assert "6 patients, 7 progression-free intervals" in text


def cells(table) -> list[list[str]]:
    return [[c.text for c in row] for row in table.rows]


def test_what_is_checked_stands_in_one_table(plain, joint, ill):
    rows = {(r[0], r[1]): r[2:] for r in cells(tables.overview.overview(joint[0]))}
    assert rows["joint_step", "alive and progression-free"][:2] == ["Kaplan-Meier, 3 curves at 120 points", "100 %"]
    assert rows["joint_step", "MRD below the limit of detection"][1:3] == ["100 %", "nothing: all within"]
    assert rows["joint_step", "when events come"][2] == "not described: death, all intervals"
    assert rows["joint_step", "leaving a patient out"][2] == f"1 above 0.7, the highest 0.90 ({dossiers.PATIENTS[5]})"
    assert rows["intervals", "incidence of death"][3] == "intervals/incidence.svg"  # the page shows the best model's
    assert not [r for r in cells(tables.overview.overview(plain[0])) if "MRD" in r[1]]
    of_gvhd = {r[1]: r[2:] for r in cells(tables.overview.overview(ill[0])) if r[0] == "gvhd"}
    assert of_gvhd["number and grade of GVHD"][:2] == ["episodes by kind and grade, 5 counts", "100 %"]


def test_what_lies_outside_its_band_is_named(ill):
    read = ill[0]
    counts, curves = read.gvhd.counts.copy(), read.best.curves.copy()
    counts.loc[2, "high"] = 2.0  # three of grade 4 were seen
    here = (curves["group"] == dossiers.LONG) & (curves["interval"] == "2") & (curves["quantity"] == "free")
    curves.loc[here & (curves["day"] > 200), "high"] = 0.0
    assert tables.overview.counts(replace(read.gvhd, counts=counts))[4].text == "outside: acute 4 (3)"
    said = tables.overview.curves(read, replace(read.best, curves=curves))[0]
    assert said[3].text == "83 %"  # 20 of 120 points
    assert said[4].text == f"most outside: {dossiers.LONG}, second interval (50 % of its points)"


@pytest.mark.parametrize("which", WHICH)
def test_every_link_of_a_table_leads_to_a_chapter(which, request):
    read, *_ = request.getfixturevalue(which)
    for table in (tables.overview.overview(read), tables.barg.barg(read)):
        chapters = {c.chapter for row in table.rows for c in row if c.chapter}
        assert chapters <= set(report.CHAPTERS)
        assert chapters or not read.fits


def test_the_guidelines_are_filled_from_the_run(plain, joint, ill):
    rows = {(r[0][:1], r[1]): r[2:4] for r in cells(tables.barg.barg(joint[0]))}
    assert len(rows) == 2 + 5 + 4 + 3 + 5 + 5 + 7
    assert rows["2", "convergence of chains"][1].startswith("Largest R-hat 1.009 (limit 1.01), 0 divergent draws")
    assert "Smallest ESS 433 in the bulk (limit 400) and 900 in the tails" in rows["2", "resolution of chains"][1]
    assert rows["3", "Bayes factors, model probabilities"][0] == "no"
    assert rows["4", "loss function"] == [
        "yes",
        "7 weights and 8 costs, and 150 000 paid for a quality-adjusted year: assumptions.",
    ]
    assert rows["6", "script and data"][0] == "yes"
    bare = {(r[0][:1], r[1]): r[2:4] for r in cells(tables.barg.barg(plain[0]))}
    assert bare["4", "loss function"] == [
        "does not apply",
        "Nothing is decided: no model of this study simulates regimes.",
    ]
    assert bare["6", "script and data"][0] == "in part"  # whether a study's tables are public is not for us to say
    assert {r[2] for r in cells(tables.barg.barg(ill[0]))} == {"yes", "in part", "does not apply"}


def test_symbols_are_those_of_the_models_and_cover_their_equations(plain, joint, ill):
    letters = " ".join(r[0] for r in cells(tables.symbols.symbols(joint[0])))
    for letter in "λβωφζBMyσεbgδKhψρθκξατ":
        assert letter in letters, letter
    assert not [r for r in cells(tables.symbols.symbols(plain[0])) if r[1] != "models of progression"]
    assert "λG_ij(t)" in [r[0] for r in cells(tables.symbols.symbols(ill[0])) if r[1] == "GVHD"]


def test_the_prior_of_a_half_life_is_that_of_the_lineage(joint):
    read = joint[0]
    table = pd.DataFrame({"parameter": ["half_life[A]", "half_life[B]", "weights_death[3]"], "level": "population"})
    about = read.about | {"products": {"A": {"lineage": "NK"}, "B": {"lineage": "CIML-NK"}}}
    found = tables.methods.named_priors(replace(read, about=about), replace(read.best, diagnostics=table))
    assert {"half_life", "half_life_memory"} <= found
    assert set(found) & set(dossiers.CONFIG["priors"]) == {"half_life", "half_life_memory"}


def test_the_settings_can_be_read_and_used_again_but_tell_nothing_of_the_machine(plain):
    read, html, _ = plain
    known = yaml.safe_load(config.readable(read.settings))
    assert known["priors"] == read.settings["priors"] and known["seed"] == read.settings["seed"]
    assert known["studies"]["s1"]["folder"] == "(a place on the machine of the run)"
    given = {"folder": "data/x", "newcomers": "../y", "privacy": {"salt": "pepper"}, "z": ["~/a", "C:\\b", 1e-6]}
    elsewhere = "(a place on the machine of the run)"
    shown = {"folder": "data/x", "newcomers": elsewhere, "privacy": {"salt": "(not shown)"}}
    assert yaml.safe_load(config.readable(given)) == shown | {"z": [elsewhere, elsewhere, 1e-6]}
    assert "smallest_step: 1.5" in html


def test_a_calibration_is_shown_where_the_config_asks_for_it(joint, tmp_path):
    assert "./run calibration" in "".join(joint[2].text)
    folder = dossiers.write(tmp_path / "s1", ["intervals"])
    dossiers.calibrate(tmp_path / "calibration")
    settings = dossiers.settings("s1", ["intervals"])
    settings["studies"]["s1"]["calibration"] = True
    read = reading.read(folder, settings, dossiers.CAPTIONS)
    assert cells(tables.checking.calibrated(read))[1:] == [
        ["prognostic threshold τ", "90 % intervals hold the truth", "90 %", "0.80", "1.00", "20", "calibrated"],
        ["kill of an infusion", "ranks, all together", "–", "< 0.001", "0.002", "20", "not calibrated"],
    ]
    assert cells(tables.overview.overview(read))[-1][4] == "not calibrated: delta"
    page = Page(report.render(read, dossiers.pictured_in(read, folder)))
    assert "of 2 quantities 1 is not calibrated" in "".join(page.text)
    assert "Ranks of true values" in " ".join(i["alt"] for i in page.images if i["alt"].endswith("model joint_step"))


@pytest.mark.parametrize("which", ["plain", "joint", "ill", "halved"])
def test_small_counts_are_not_shown_where_the_study_asks_for_it(which, request):
    """Six patients, two an arm: hardly a count of a subgroup is left, and all of the study stay."""
    shown, html, _ = request.getfixturevalue(which)
    assert "privacy: fewest" not in html
    own = shown.config | {"privacy": {"fewest": 5}}
    asked = replace(shown, settings=shown.settings | {"studies": {shown.study: own}})
    page = Page(report.render(asked, "data:,", printed := report.Printed()))
    of_groups = next(t for t in printed.tables.values() if t.caption == tables.data.by_group(asked).caption)
    written = report.printed.frame(of_groups)  # its CSV
    assert written["patients (value)"].isna().all() and set(written["patients"]) <= {"< 5", "withheld"}
    assert "Counts from 1 to 4 are shown as < 5" in " ".join(page.text)
    groups = tables.data.by_group(asked)
    assert len(groups.rows) == 3
    for row in groups.rows:
        assert {cell.text for cell in row[1:5]} <= {"< 5", "withheld", "0"}
    assert tables.data.contents(asked) == tables.data.contents(shown)
    for fit in asked.fits.values():
        assert tables.checking.residuals(asked, fit).remark and not tables.checking.residuals(asked, fit).file
        assert tables.intervals.lengths(asked, fit) == tables.intervals.lengths(shown, fit)  # 12 intervals, 7 events


def test_what_lies_outside_its_band_is_named_without_its_small_count(ill):
    counts = ill[0].gvhd.counts.copy()
    counts.loc[2, "high"] = 2.0  # three of grade 4 were seen
    assert tables.overview.counts(replace(ill[0].gvhd, counts=counts), 5)[4].text == "outside: acute 4"


def test_the_flow_of_patients_by_arm(plain):
    table = tables.data.flow(plain[0])
    assert table.columns == ["step", "all patients", dossiers.LONG, dossiers.GREEK, dossiers.CHINESE]
    rows = cells(table)
    assert rows[0] == ["enrolled", "6", "2", "2", "2"]
    assert ["interval 1: ended by end of follow-up", "2", "1", "1", "0"] in rows
    assert ["interval 2: started", "1", "1", "0", "0"] in rows
    assert not [r for r in rows if "infused" in r[0] or "new therapy" in r[0]]  # neither is in this study


def test_table_1_has_units_quartiles_and_a_column_for_all(plain):
    rows = cells(tables.data.baseline(plain[0]))
    assert rows[0] == ["patients", "6", "2", "2", "2"]
    assert rows[1][:3] == ["burden <b>, cm: median (quartiles)", "3.5 (2.2 to 4.8)", "1.5 (1.2 to 1.8)"]
    assert rows[2][:3] == ["burden <b>, cm: range", "1 to 6", "1 to 2"]
    assert "p value" not in plain[1]


def test_what_is_missing_is_said_with_what_becomes_of_it(plain, joint):
    rows = cells(tables.data.missing(joint[0]))
    assert next(r for r in rows if r[:2] == ["mrd", "mrd"])[:5] == ["mrd", "mrd", "18", "6", "33 %"]
    assert "censored there in the likelihood" in next(r for r in rows if r[:2] == ["mrd", "mrd"])[5]
    assert "Nothing is imputed. Every column of the patients is complete." in " ".join("".join(plain[2].text).split())
    assert tables.data.assays(plain[0]) is None
    assert cells(tables.data.assays(joint[0]))[0][:6] == ["flow", "18", "6", "3", "33 %", "0.0001"]


def test_kill_and_doubling_in_clinical_words_beside_prior_and_truth(joint):
    read, html, _ = joint
    rows = {r[0]: r[1:] for r in cells(tables.mrd.kinetics(read, read.with_thresholds[0]))}
    kill = rows[f"kill of {dossiers.EVIL}: median patient"]
    assert kill == ["1.00 (0.800 to 1.30) log10", "90 % of the disease killed", "1.00 (0.300 to 4.00)", "6", "1.20"]
    assert rows["kill by burden <b>: 6 against −1.5"][:2] == ["0.750 (0.600 to 0.900)", "25 % less"]
    assert rows["doubling time: median patient"][1] == "tenfold in 120 days"  # 36 / log10(2)
    assert rows[f"half-life of the cells, {dossiers.EVIL}"][1] == "1 % of the effect to come after 13 days"
    assert [r[0] for r in cells(tables.mrd.lots(read, read.with_thresholds[0]))] == [
        f"kill of lot {dossiers.GREEK}",
        f"kill of lot {dossiers.CHINESE}",
    ]
    assert html.count("Kill of an infusion and doubling time, model") == 1  # of the main model


def test_small_counts_of_the_flow_and_of_table_1_are_not_shown_on_request(plain):
    read = replace(plain[0], settings=plain[0].settings | {"privacy": {"fewest": 5}})
    table = tables.data.flow(read)
    assert cells(table)[0] == ["enrolled", "6", "< 5", "< 5", "< 5"]  # the whole study is no subgroup
    assert table.file == "" and "privacy: fewest" in table.remark
    assert not [r for r in cells(table) if "no further" in r[0]]  # the intervals begun next would tell
    assert cells(tables.data.baseline(read))[1][2:] == ["withheld", "withheld", "withheld"]
    assert cells(tables.data.baseline(read))[1][1] == "3.5 (2.2 to 4.8)"
