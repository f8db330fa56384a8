"""What is read of a run: verdicts of the gate first, nothing of an earlier run that they or the config now refuse."""

import copy
import json
import re
from dataclasses import replace

import dossiers
from pages import chapter

from redose import report
from redose.report import answer, reading, summary, tables


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
