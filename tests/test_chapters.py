"""The tables of the chapters, against figures written here by hand."""

from dataclasses import replace

import dossiers
import pandas as pd
import pytest
from pages import WHICH, Page, cells

from redose import report
from redose.report import tables


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


def test_the_gate_says_which_fits_were_run_twice(joint):
    read, _, _ = joint
    told = {row[0].text: [row[i].text for i in (5, 7, 8)] for row in tables.checking.gate(read).rows}
    assert told["joint_step"] == [
        "0 (again with smaller steps, target acceptance 0.99, after 1 with larger ones)",
        "800 (400 at first, then further chains)",
        "p2 (R-hat 1.14)",
    ]
    assert told["intervals"] == ["0", "800", "none"]


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
