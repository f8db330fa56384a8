"""Interim data cuts: what was known by a calendar day, and nothing that came later."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import studies
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from redose import between_cuts, checks, cuts, design, files, problems, simulate, tables
from redose.figures import cuts as figures
from redose.figures.reading import read
from redose.report.tables import cuts as shown

ROOT = Path(__file__).parents[1]
END = 500  # of the follow-up of the simulated study, a calendar day


def checked(folder: Path, about: Path) -> dict[str, pd.DataFrame]:
    verdict = checks.check(tables.read_study(about, folder))
    checks.require(verdict)
    return verdict.tables


@pytest.fixture(scope="module")
def trial(tmp_path_factory) -> dict[str, pd.DataFrame]:
    """Checked tables of 40 simulated patients, followed until calendar day END."""
    folder = tmp_path_factory.mktemp("trial")
    protocol = yaml.safe_load((ROOT / "data/redosable/simulation.yaml").read_text(encoding="utf-8"))
    protocol["patients"]["count"] = 40
    protocol["follow_up"] |= {"earliest": 60, "latest": END}
    simulate.write(*simulate.simulate(protocol), folder)
    return checked(folder, ROOT / "data/redosable/study.yaml")


@pytest.fixture
def dated(tmp_path) -> dict[str, pd.DataFrame]:
    """The small study, its patients enrolled on days 0, 50, 100 and 300; 001 also has a late course."""
    raw = studies.tables()
    for cells, day in zip(raw["patients"], ("enrolled_day", "0", "50", "100", "300"), strict=True):
        cells.append(day)
    raw["courses"].append(["001", "azacitidine", "150", "300"])
    return checked(tmp_path, studies.write(tmp_path, studies.about(), raw))


def same(one: dict, other: dict) -> None:
    assert list(one) == list(other)
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name], obj=name)


def test_a_cut_by_hand(dated):
    then = cuts.known(dated, 170, "small")  # day 170 of 001, 120 of 002, 70 of 003; 004 comes later
    assert then["patients"]["patient"].tolist() == ["001", "002", "003"]
    rows = then["intervals"][["patient", "interval", "end_day", "outcome"]].to_numpy().tolist()
    assert rows == [["001", 1, 170, "censored"], ["002", 1, 120, "transplant"], ["003", 1, 70, "censored"]]
    assert then["intervals"]["last_free_day"].tolist()[0] == 170  # seen free on the very day
    assert then["intervals"]["last_free_day"].isna().tolist() == [False, True, True]  # 003 was seen on day 84
    assert then["infusions"][["patient", "day"]].to_numpy().tolist() == [
        ["001", 0],
        ["001", 91],
        ["002", 0],
        ["003", 0],
    ]
    assert then["mrd"].groupby("patient")["day"].max().to_dict() == {"001": 90, "002": 60, "003": 28}
    assert then["courses"].set_index("agent")["stop_day"].to_dict() == {
        "chemotherapy": -3, "azacitidine": 170, "nivolumab": 70
    }  # fmt: skip
    assert then["gvhd"].set_index("patient")["onset_day"].to_dict() == {"001": 20, "002": 100, "003": 30}


def test_the_end_of_what_goes_on_is_not_known(dated):
    then = cuts.known(dated, 30, "small")  # acute GVHD of 001 from day 20 to 45
    assert then["gvhd"]["end_day"].isna().all() and len(then["gvhd"]) == 1
    assert cuts.known(dated, 45, "small")["gvhd"]["end_day"].tolist() == [45]


def test_a_progression_seen_later_is_censored_at_the_last_assessment(dated):
    """001 was free on day 170, and its progression was found on day 182: until then no more is known."""
    then = cuts.known(dated, 175, "small")["intervals"].head(1)
    estimand = {"death": "competing", "transplant": "competing", "new_therapy": "competing"}
    clock = design.clocked(then, pd.Index(["001"]), {"estimand": estimand, "clock": "gap"})
    assert clock["event"].tolist() == ["none"] and clock["time"].tolist() == [170]


@pytest.mark.parametrize("day", [END, END + 1, 10 * END])
def test_a_cut_after_the_end_of_follow_up_changes_nothing(trial, day):
    same(cuts.known(trial, day, "trial"), trial)


@settings(deadline=None, max_examples=25)
@given(day=st.integers(40, END))
def test_nothing_of_later_days_is_known(trial, day):
    then = cuts.known(trial, day, "trial")
    enrolled = then["patients"].set_index("patient")["enrolled_day"]
    assert (enrolled < day).all()
    for name, table in then.items():
        assert set(table["patient"]) <= set(enrolled.index)
        for column in (column for column in table if column.endswith("day") and column != "enrolled_day"):
            assert not (table[column] + table["patient"].map(enrolled) > day).any(), (name, column)
    now = then["intervals"]["end_day"] + then["intervals"]["patient"].map(enrolled) == day
    ended = then["intervals"].merge(trial["intervals"], on=["patient", "interval"], suffixes=("", "_later"))
    pd.testing.assert_series_equal(
        ended["outcome"].mask(now.to_numpy()), ended["outcome_later"].mask(now.to_numpy()), check_names=False
    )


@settings(deadline=None, max_examples=25)
@given(one=st.integers(40, END), other=st.integers(40, END))
def test_of_two_cuts_the_earlier_decides(trial, one, other):
    twice = cuts.known(cuts.known(trial, one, "trial"), other, "trial")
    same(twice, cuts.known(trial, min(one, other), "trial"))


@settings(deadline=None, max_examples=8)
@given(day=st.integers(60, END))
def test_a_cut_is_a_study_without_faults_of_the_same_tables(trial, day, tmp_path_factory):
    """Written as users write and checked anew, every cell is the same."""
    then = cuts.known(trial, day, "trial")
    folder = tmp_path_factory.mktemp("cut") / "source"
    about = tables.read_about(ROOT / "data/redosable/study.yaml")
    cuts.write(then, about, folder)
    study = tables.read_study(folder / "study.yaml", folder)
    assert study.about == about
    verdict = checks.check(study, every_level=False)
    assert not (verdict.problems["severity"] == "error").any(), verdict.text()
    same(verdict.tables, then)


def test_what_a_cut_needs_is_said(dated, tmp_path):
    with pytest.raises(
        problems.StudyError, match="no patient was followed by the cut on day 0; the first was enrolled"
    ):
        cuts.known(dated, 0, "small")
    dated["patients"].loc[1, "enrolled_day"] = float("nan")
    with pytest.raises(problems.StudyError, match=r"enrolled_day of every patient, and 1 have none \(patient 002"):
        cuts.known(dated, 170, "small")


# what the cuts said


THRESHOLDS = "threshold,median,low,high,exists,verdict,truth\nprognostic: tau,{},{},{},0.9,in words,\n"
LENGTHS = "group,interval,n,events,quantity,mean,low,high,observed\n"
GAINS = "patient,verdict\n"


@pytest.fixture
def said(tmp_path, monkeypatch, dated) -> list[str]:
    """Files of two cuts: at the first tau has no place, and 002 is undecided; at the second there is all."""
    monkeypatch.chdir(tmp_path)
    for study, day, tau, rmst, verdicts in (
        ("small-first", 120, ("inf", "-2", "inf"), 150, {"001": "selected", "002": "undecided"}),
        ("small", 1000, ("-3.5", "-4", "-3"), 162.5, {"001": "selected", "002": "selected", "003": "not selected"}),
    ):
        folder = Path("results", study)
        tables.write_checked(cuts.known(dated, day, "small"), folder / "tables")
        (folder / "threshold").mkdir()
        (folder / "threshold/joint_step.csv").write_text(THRESHOLDS.format(*tau))
        (folder / "joint_step").mkdir()
        rows = f"NA,1,9,3,rmst_180,{rmst},140,170,1\nNA,2,9,3,rmst_180,1,1,1,1\nNA,1,9,3,free_180,0.5,0.4,0.6,1\n"
        (folder / "joint_step/lengths.csv").write_text(LENGTHS + rows)
        (folder / "selection").mkdir()
        lines = [f"{patient},{verdict}\n" for patient, verdict in verdicts.items()]
        (folder / "selection/joint_step.gain.csv").write_text(GAINS + "".join(lines))
    return sorted(path.as_posix() for path in Path("results").rglob("*.*"))


PLANNED = [{"cut": "first", "study": "small-first", "day": 120}, {"cut": "all data", "study": "small", "day": None}]


def test_what_moved_between_two_cuts(said):
    table = between_cuts.compare(PLANNED, said, [180, 365]).set_index(["cut", "quantity", "group"])
    assert table.loc[("first", "patients", ""), "value"] == 3 and table.loc[("all data", "patients", ""), "moved"] == 1
    progressions = [table.loc[(cut, "progressions", ""), "value"] for cut in ("first", "all data")]
    assert progressions == [0, 1]  # that of 001 is seen on day 182
    assert table.loc[("all data", "rmst_180", "NA"), ["value", "low", "moved"]].tolist() == [162.5, 140, 12.5]
    tau = table.xs("threshold", level="quantity")
    assert tau["value"].tolist() == [float("inf"), -3.5] and tau["moved"].isna().all()
    verdicts = table.loc["all data"].xs("verdict", level="quantity")["value"].to_dict()
    assert verdicts == {"selected": 2, "undecided": 0, "not selected": 1, "changed": 1}
    assert ("first", "verdict", "changed") not in table.index
    assert table["day"].dropna().unique().tolist() == [120]


def test_a_model_that_was_rejected_at_a_cut_has_nothing_there(said):
    given = [file for file in said if not file.startswith("results/small-first/") or "/tables/" in file]
    table = between_cuts.compare(PLANNED, given, [180])
    assert set(table.loc[table["cut"] == "first", "quantity"]) == {"patients", "progressions", "samples"}
    assert table.loc[table["model"] != "", "moved"].isna().all()
    drawn(figures.moved(table))


def drawn(figure: Figure) -> Figure:
    figure.canvas.draw()
    return figure


def test_the_figure_has_a_panel_for_thresholds_rmst_and_verdicts(said):
    table = between_cuts.compare(PLANNED, said, [180, 365])
    shown = drawn(figures.moved(table)).axes
    titles = [axis.get_title() for axis in shown if axis.get_visible()]
    assert titles == ["joint_step: thresholds of MRD", "joint_step: RMST", "joint_step: patients by verdict"]
    assert [text.get_text() for text in shown[0].get_xticklabels()] == ["first", "all data"]
    assert sum(bar.get_height() for bar in shown[2].patches) == 5
    nothing = table[table["model"] == ""]
    assert "no model was accepted" in figures.moved(nothing).axes[0].texts[0].get_text()


def test_the_dossier_shows_every_cut_and_hides_small_counts(said, tmp_path):
    files.write_table(between_cuts.compare(PLANNED, said, [180, 365]), tmp_path / "cuts.csv")
    table = read(tmp_path / "cuts.csv")
    dossier = SimpleNamespace(cuts=SimpleNamespace(table=table), fewest=0)
    assert [[cell.text for cell in row] for row in shown.size(dossier).rows] == [
        ["first", "120", "3", "0", "6"], ["all data", "–", "4", "1", "9"]
    ]  # fmt: skip
    rows = {(row[1].text, row[2].text): [cell.text for cell in row[3:]] for row in shown.moved(dossier).rows}
    assert rows["threshold", "prognostic: tau"] == [
        "above any MRD (10^-2.0 (1.0 %) to above any MRD)",
        "10^-3.5 (0.032 %) (10^-4.0 (0.010 %) to 10^-3.0 (0.10 %))",
    ]
    assert rows["verdict", "selected"] == ["1", "2"] and rows["verdict", "changed"] == ["–", "1"]
    few = shown.moved(SimpleNamespace(cuts=dossier.cuts, fewest=5))
    assert not {"1", "2"} & {cell.text for row in few.rows for cell in row[3:] if row[1].text == "verdict"}
