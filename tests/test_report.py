"""The dossier as a page: whole, escaped, self-contained, the same for the same results; its figures and index."""

import base64
import re

import columns
import dossiers
import pandas as pd
import pytest
import yaml
from pages import WHICH, Page, cells, chapter

from redose import codebook, report
from redose.report import answer, config, reading, summary, tables


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


def test_the_equations_are_those_of_the_models_page(joint):
    read, html, _ = joint
    assert list(report.equations(read)) == ["joint_step and joint_value", "intervals"]
    assert "λ_ik(t)" in html


def test_the_same_results_give_the_same_page(plain, tmp_path):
    assert report.render(plain[0], dossiers.pictured_in(plain[0], tmp_path), report.Printed()) == plain[1]


def test_every_figure_has_its_caption_with_the_numbers_of_the_config():
    drawn = {*reading.FIGURES, *reading.COHORT_FIGURES, *reading.GVHD_FIGURES, *reading.VALIDATION_FIGURES}
    drawn |= {*reading.STUDY_FIGURES, *reading.CUTS_FIGURES, "answer", "calibration"}
    for name in drawn:
        text = dossiers.CAPTIONS[name]
        assert "How to read it:" in text, name
        assert "What would worry you:" in text, name
    assert set(report.ALT) == drawn


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
