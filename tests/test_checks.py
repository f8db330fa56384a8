"""Each rule finds its fault, with file, row and patient, and a study without faults raises nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import studies
from hypothesis import given, settings
from hypothesis import strategies as st

from redose import checks, contract, rules, tables


def verdict_on(folder: Path, about: dict, raw: dict) -> checks.Verdict:
    return checks.check(tables.read_study(studies.write(folder, about, raw), folder))


@dataclass(frozen=True)
class Fault:
    """A change to the small study, and where it must be found; row None: a problem of the whole file."""

    rule: str
    spoil: Callable[[dict, dict], None]
    file: str
    row: int | None
    patient: str = ""
    value: str | None = None
    rows: int = 1


def cell(table: str, row: int, column: str, text: str, **where: object) -> tuple:
    """A spoiler that puts `text` into one cell."""

    def spoil(about: dict, raw: dict) -> None:
        raw[table][row - 1][raw[table][0].index(column)] = text

    return spoil


def line(table: str, *cells: str) -> Callable:
    """A spoiler that adds a row."""
    return lambda about, raw: raw[table].append(list(cells))


def key(path: str, value: object) -> Callable:
    """A spoiler that sets a key of study.yaml."""

    def spoil(about: dict, raw: dict) -> None:
        *place, last = path.split(".")
        for name in place:
            about = about[name]
        about[last] = value

    return spoil


def together(*spoilers: Callable) -> Callable:
    def spoil(about: dict, raw: dict) -> None:
        for each in spoilers:
            each(about, raw)

    return spoil


def without_column(table: str, column: str) -> Callable:
    def spoil(about: dict, raw: dict) -> None:
        at = raw[table][0].index(column)
        for cells in raw[table]:
            del cells[at]

    return spoil


def with_column(table: str, column: str, text: str = "1") -> Callable:
    def spoil(about: dict, raw: dict) -> None:
        for cells in raw[table]:
            cells.append(text)
        raw[table][0][-1] = column

    return spoil


def divided(table: str, columns: list[str]) -> Callable:
    """A spoiler that writes whole weeks for days."""

    def spoil(about: dict, raw: dict) -> None:
        for column in columns:
            at = raw[table][0].index(column)
            for cells in raw[table][1:]:
                cells[at] = str(round(float(cells[at]) / 7)) if cells[at] else ""

    return spoil


def entered(row: str, start: str, entry: str) -> Callable:
    """A spoiler that dates start and delayed entry of an interval."""
    given = cell("intervals", int(row), "start_day", start), cell("intervals", int(row), "entry_day", entry)
    return together(with_column("intervals", "entry_day", ""), *given)


def dated_from_1960(about: dict, raw: dict) -> None:
    """All days as SAS counts dates: 24176 is 11 March 2026."""
    for rows in raw.values():
        for at in (at for at, name in enumerate(rows[0]) if name.endswith("day")):
            for cells in rows[1:]:
                cells[at] = str(24176 + int(cells[at])) if cells[at] else ""


def dense_samples(about: dict, raw: dict) -> None:
    """Samples each four weeks for 52 weeks in two patients followed for a year, written as weeks."""
    raw["intervals"][2][4] = "380"
    raw["mrd"] = raw["mrd"][:1] + [
        [patient, str(week), "NGS", "0.01", "1e-5"] for patient in ("001", "004") for week in range(4, 53, 4)
    ]
    for row in (2, 5):
        raw["patients"][row - 1][2] = "a1"


def repeated_code(about: dict, raw: dict) -> None:
    """Six patients followed beyond 1200 days, five of them with the age 999 among ages up to 1000."""
    for number in range(10, 17):
        raw["patients"].append([f"0{number}", "A", "a1", "redosed", "none", "none", "999", "male"])
        raw["intervals"].append([f"0{number}", "1", "0", "", "300", "censored"])
    raw["patients"][2][6] = "1000"


# Where a fault is one in a second respect too
COMPANIONS = {
    "table_empty": {"patient_without_interval"},
    "unknown_patient": {"patient_without_interval"},
    "study_value": {"unknown_assay", "lod_missing"},
    "weeks_for_days": {"after_follow_up", "event_after_death"},
}

PATIENTS, INTERVALS = "patients.csv", "intervals.csv"

FAULTS = [
    Fault("table_unknown", lambda about, raw: raw.update(infusion=[["patient"], ["001"]]), "infusion.csv", None),
    Fault("table_empty", lambda about, raw: raw.update(intervals=raw["intervals"][:1]), INTERVALS, None),
    Fault("ragged_row", lambda about, raw: raw["mrd"][3].append("x"), "mrd.csv", 4, "001", "6"),
    Fault("file_missing", lambda about, raw: raw.pop("intervals"), INTERVALS, None),
    Fault("study_key_unknown", key("licens", "CC0"), "study.yaml", None),
    Fault("study_key_unknown", key("assays.NGS.limit", 1e-5), "study.yaml", None),
    Fault("study_key_missing", lambda about, raw: about.pop("title"), "study.yaml", None),
    Fault("study_value", key("assays.NGS.lod", 5), "study.yaml", None, value="5"),
    Fault("study_value", key("products.NK-1.source", "ipsc"), "study.yaml", None, value="ipsc"),
    Fault("study_value", key("products.NK-1.safety_switch", "yes"), "study.yaml", None, value="yes"),
    Fault("study_value", key("products.NK-1.edits", "CD38"), "study.yaml", None, value="CD38"),
    Fault("study_value", key("covariates.age.per", "ten"), "study.yaml", None, value="ten"),
    Fault("study_value", key("units.day", "weeks"), "study.yaml", None, value="weeks"),
    Fault("study_value", key("assays", ["NGS"]), "study.yaml", None, value="['NGS']"),
    Fault("column_missing", without_column("intervals", "end_day"), INTERVALS, 1),
    Fault("column_missing", without_column("mrd", "patient"), "mrd.csv", 1),
    Fault("column_unknown", with_column("mrd", "loq"), "mrd.csv", 1, value="loq"),
    Fault("column_twice", with_column("burden", "day"), "burden.csv", 1),
    Fault(
        "column_near",
        together(without_column("patients", "schedule"), with_column("patients", "shedule", "none")),
        PATIENTS,
        1,
    ),
    Fault("missing_value", cell("intervals", 3, "end_day", ""), INTERVALS, 3, "001", ""),
    Fault("missing_value", cell("intervals", 3, "patient", " "), INTERVALS, 3),
    Fault("missing_value", cell("patients", 3, "site", ""), PATIENTS, 3, "002"),
    Fault("not_a_number", cell("intervals", 4, "end_day", "12 weeks"), INTERVALS, 4, "002", "12 weeks"),
    Fault("not_a_number", cell("mrd", 4, "mrd", "NA"), "mrd.csv", 4, "001", "NA"),
    Fault("not_a_number", cell("patients", 4, "age", "7O"), PATIENTS, 4, "003", "7O"),
    Fault("decimal_comma", cell("burden", 2, "burden", "12,5"), "burden.csv", 2, "001", "12,5"),
    Fault("decimal_comma", cell("mrd", 2, "mrd", "0,02"), "mrd.csv", 2, "001", "0,02"),
    Fault("calendar_date", cell("intervals", 3, "end_day", "2026-03-11"), INTERVALS, 3, "001", "2026-03-11"),
    Fault("calendar_date", cell("mrd", 4, "day", "11.03.2026"), "mrd.csv", 4, "001", "11.03.2026"),
    Fault(
        "calendar_date", cell("infusions", 5, "day", "11MAR2026:08:00"), "infusions.csv", 5, "002", "11MAR2026:08:00"
    ),
    Fault("formula", cell("patients", 3, "arm", "=cmd|' /C calc'!A0"), PATIENTS, 3, "002", "=cmd|' /C calc'!A0"),
    Fault("formula", cell("courses", 3, "agent", "@SUM(1+1)"), "courses.csv", 3, "003", "@SUM(1+1)"),
    Fault("formula", cell("patients", 5, "sex", "#REF!"), PATIENTS, 5, "004", "#REF!"),
    Fault("formula", with_column("patients", "=1+1", "x"), PATIENTS, 1, value="=1+1"),
    Fault("study_value", key("title", "=1+1"), "study.yaml", None, value="=1+1"),
    Fault("infinite", cell("burden", 3, "burden", "inf"), "burden.csv", 3, "003", "inf"),
    Fault("infinite", cell("infusions", 3, "cells", "1e999"), "infusions.csv", 3, "001", "1e999"),
    Fault("sentinel", cell("mrd", 4, "day", "999"), "mrd.csv", 4, "001", "999"),
    Fault("sentinel", cell("intervals", 6, "end_day", "999"), INTERVALS, 6, "004", "999"),
    Fault("sentinel", cell("intervals", 3, "end_day", "1000000"), INTERVALS, 3, "001", "1000000"),
    Fault("sentinel", cell("gvhd", 2, "end_day", "-99"), "gvhd.csv", 2, "001", "-99"),
    Fault("sentinel", cell("mrd", 3, "mrd", "-999"), "mrd.csv", 3, "001", "-999"),
    Fault("sentinel", cell("mrd", 3, "lod", "9999"), "mrd.csv", 3, "001", "9999"),
    Fault("sentinel", cell("patients", 3, "age", "999"), PATIENTS, 3, "002", "999"),
    Fault("sentinel", cell("burden", 3, "burden", "1e6"), "burden.csv", 3, "003", "1e6"),
    Fault("sentinel", cell("infusions", 2, "cells", "-99"), "infusions.csv", 2, "001", "-99"),
    Fault("sentinel", repeated_code, PATIENTS, 6, "010", "999", 7),
    Fault("implausible_day", cell("mrd", 4, "day", "20240311"), "mrd.csv", 4, "001", "20240311"),
    Fault("dates_for_days", dated_from_1960, INTERVALS, 2, "001", "24176"),
    Fault("before_day_0", cell("gvhd", 2, "onset_day", "-3"), "gvhd.csv", 2, "001", "-3"),
    Fault("before_day_0", cell("infusions", 5, "day", "-1"), "infusions.csv", 5, "002", "-1"),
    Fault("before_day_0", cell("intervals", 2, "start_day", "-5"), INTERVALS, 2, "001", "-5"),
    Fault("before_day_0", entered("2", "-5", "-3"), INTERVALS, 2, "001", "-3"),
    Fault("outside_range", cell("infusions", 5, "cells", "-9e8"), "infusions.csv", 5, "002", "-9e8"),
    Fault(
        "outside_range",
        together(with_column("patients", "enrolled_day", "7"), cell("patients", 3, "enrolled_day", "-2")),
        PATIENTS,
        3,
        "002",
        "-2",
    ),
    Fault("outside_range", cell("burden", 3, "burden", "-30"), "burden.csv", 3, "003", "-30"),
    Fault("outside_range", cell("intervals", 5, "interval", "1.5"), INTERVALS, 5, "003", "1.5"),
    Fault("unknown_word", cell("intervals", 3, "outcome", "cens"), INTERVALS, 3, "001", "cens"),
    Fault("unknown_word", cell("patients", 2, "schedule", "monthly"), PATIENTS, 2, "001", "monthly"),
    Fault("unknown_word", cell("gvhd", 4, "kind", "late"), "gvhd.csv", 4, "003", "late"),
    Fault(
        "duplicate_patient", line("patients", "002", "A", "a1", "x", "none", "none", "50", "male"), PATIENTS, 6, "002"
    ),
    Fault("unknown_patient", cell("mrd", 10, "patient", "3"), "mrd.csv", 10, "3", "3"),
    Fault("unknown_patient", line("intervals", "077", "1", "0", "", "90", "censored"), INTERVALS, 7, "077", "077"),
    Fault(
        "patient_without_interval",
        line("patients", "005", "A", "a1", "x", "none", "none", "50", "male"),
        PATIENTS,
        6,
        "005",
    ),
    Fault("duplicate_row", line("mrd", "003", "84", "NGS", "0.05", "1e-5"), "mrd.csv", 11, "003"),
    Fault("duplicate_row", line("intervals", "003", "1", "0", "84", "111", "death"), INTERVALS, 7, "003"),
    Fault("duplicate_row", line("infusions", "003", "0", "9e8", "NK-1", "L1"), "infusions.csv", 7, "003"),
    Fault("unknown_product", cell("infusions", 6, "product", "NK-2"), "infusions.csv", 6, "003", "NK-2"),
    Fault("unknown_product", cell("patients", 5, "product", "placebo"), PATIENTS, 5, "004", "placebo"),
    Fault("unknown_assay", cell("mrd", 6, "assay", "PCR"), "mrd.csv", 6, "002", "PCR"),
    Fault("covariate_column_missing", without_column("patients", "age"), "study.yaml", None),
    Fault("missing_covariate", cell("patients", 4, "age", ""), PATIENTS, 4, "003", ""),
    Fault("missing_covariate", cell("patients", 4, "sex", "unknown"), PATIENTS, 4, "003", "unknown"),
    Fault(
        "missing_unlisted_covariate",
        together(with_column("patients", "weight", "70"), cell("patients", 3, "weight", "")),
        PATIENTS,
        3,
        "002",
    ),
    Fault("unknown_reference", key("covariates.sex.reference", "f"), "study.yaml", None, value="f"),
    Fault("zero_length", cell("intervals", 5, "end_day", "0"), INTERVALS, 5, "003", "0"),
    Fault("end_before_start", cell("intervals", 3, "end_day", "150"), INTERVALS, 3, "001", "150"),
    Fault("entry_outside", entered("2", "5", "3"), INTERVALS, 2, "001", "3"),
    Fault("entry_outside", entered("2", "0", "182"), INTERVALS, 2, "001", "182"),
    Fault("last_free_outside", cell("intervals", 2, "last_free_day", "190"), INTERVALS, 2, "001", "190"),
    Fault("overlapping_intervals", cell("intervals", 3, "start_day", "175"), INTERVALS, 3, "001", "175"),
    Fault("interval_numbers", cell("intervals", 3, "interval", "3"), INTERVALS, 3, "001", "3"),
    Fault("interval_numbers", cell("intervals", 4, "interval", "2"), INTERVALS, 4, "002", "2"),
    Fault("interval_after_death", line("intervals", "003", "2", "111", "", "200", "censored"), INTERVALS, 7, "003"),
    Fault("interval_without_progression", cell("intervals", 2, "outcome", "censored"), INTERVALS, 3, "001"),
    Fault(
        "interval_without_progression",
        together(cell("intervals", 2, "outcome", "new_therapy"), cell("intervals", 3, "start_day", "190")),
        INTERVALS,
        3,
        "001",
        "190",
    ),
    Fault("event_after_death", line("infusions", "003", "150", "9e8", "NK-1", "L1"), "infusions.csv", 7, "003", "150"),
    Fault("event_after_death", cell("gvhd", 4, "onset_day", "112"), "gvhd.csv", 4, "003", "112"),
    Fault("infusion_after_transplant", cell("infusions", 5, "day", "130"), "infusions.csv", 5, "002", "130"),
    Fault("after_follow_up", cell("mrd", 10, "day", "140"), "mrd.csv", 10, "003", "140"),
    Fault("after_follow_up", cell("infusions", 4, "day", "410"), "infusions.csv", 4, "001", "410"),
    Fault("after_follow_up", line("conditions", "002", "rash", "150", ""), "conditions.csv", 3, "002", "150"),
    Fault("course_stop_before_start", cell("courses", 3, "stop_day", "10"), "courses.csv", 3, "003", "10"),
    Fault("end_before_onset", cell("gvhd", 2, "end_day", "10"), "gvhd.csv", 2, "001", "10"),
    Fault("gvhd_grade", cell("gvhd", 2, "grade", "5"), "gvhd.csv", 2, "001", "5"),
    Fault("gvhd_grade", cell("gvhd", 2, "grade", "mild"), "gvhd.csv", 2, "001", "mild"),
    Fault("weeks_for_days", divided("infusions", ["day"]), "infusions.csv", 3, "001", "13"),
    Fault(
        "weeks_for_days",
        divided("intervals", ["start_day", "last_free_day", "end_day"]),
        INTERVALS,
        2,
        "001",
    ),
    Fault("weeks_for_days", dense_samples, "mrd.csv", 2, "001", "4"),
    Fault("mrd_outside", cell("mrd", 6, "mrd", "3.2"), "mrd.csv", 6, "002", "3.2"),
    Fault("mrd_outside", cell("mrd", 6, "mrd", "-2.5"), "mrd.csv", 6, "002", "-2.5"),
    Fault("below_own_lod", cell("mrd", 4, "mrd", "2e-7"), "mrd.csv", 4, "001", "2e-7"),
    Fault("below_own_lod", cell("mrd", 5, "mrd", "2e-7"), "mrd.csv", 5, "001", "2e-7"),
    Fault("below_own_lod", line("burden", "003", "60", "0.2", "0.5"), "burden.csv", 4, "003", "0.2"),
    Fault("lod_missing", cell("mrd", 6, "lod", ""), "mrd.csv", 6, "002", ""),
    Fault("lod_missing", line("burden", "003", "60", "<lod", ""), "burden.csv", 4, "003", "<lod"),
    Fault("lod_outside", line("burden", "003", "60", "30", "-1"), "burden.csv", 4, "003", "-1"),
    Fault("lod_contradiction", line("burden", "003", "60", "<1", "0.5"), "burden.csv", 4, "003", "<1"),
    Fault("not_a_number", cell("burden", 3, "burden", "NA"), "burden.csv", 3, "003", "NA"),
    Fault("missing_value", cell("burden", 3, "burden", ""), "burden.csv", 3, "003", ""),
    Fault("lod_outside", cell("mrd", 3, "lod", "1"), "mrd.csv", 3, "001", "1"),
    Fault("lod_outside", cell("mrd", 3, "lod", "-5"), "mrd.csv", 3, "001", "-5"),
    Fault("lod_contradiction", cell("mrd", 8, "lod", "1e-6"), "mrd.csv", 8, "002", "<1e-4"),
]


def test_a_study_without_faults_raises_nothing(tmp_path):
    verdict = verdict_on(tmp_path / "small", studies.about(), studies.tables())
    assert verdict.text() == "study small: no errors, no warnings"
    assert verdict.passed
    checks.require(verdict)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule}-{fault.file}-{fault.row}")
def test_each_rule_finds_its_fault(fault, tmp_path):
    about, raw = studies.about(), studies.tables()
    fault.spoil(about, raw)
    verdict = verdict_on(tmp_path, about, raw)
    found = verdict.problems[verdict.problems["rule"] == fault.rule]
    assert len(found) == fault.rows, verdict.text()
    assert set(verdict.problems["rule"]) - COMPANIONS.get(fault.rule, set()) == {fault.rule}, verdict.text()
    problem = found.iloc[0]
    assert problem["file"] == (tmp_path / fault.file).as_posix()
    assert pd.isna(problem["row"]) if fault.row is None else problem["row"] == fault.row
    assert problem["patient"] == fault.patient
    assert fault.value is None or problem["value"] == fault.value
    assert problem["message"] and problem["cure"]
    assert problem["severity"] == rules.RULES[fault.rule].severity
    assert verdict.passed == (verdict.problems["severity"] == "warning").all()
    assert "{" not in verdict.text() and "}" not in verdict.text()


def test_every_rule_has_its_fault():
    elsewhere = {"file_unreadable", "table_twice"}  # in test_tables
    elsewhere |= {"file_outside", "header_missing", "column_unnamed", "column_case"}  # in test_faults
    assert {fault.rule for fault in FAULTS} | elsewhere == set(rules.RULES)


def test_five_faults_are_listed_together_with_file_row_patient_and_cure(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    about, raw = studies.about(), studies.tables()
    for spoil in (
        cell("mrd", 4, "mrd", "2e-7"),
        cell("intervals", 3, "start_day", "175"),
        cell("gvhd", 2, "grade", "7"),
        cell("infusions", 6, "patient", "33"),
        cell("patients", 4, "age", ""),
    ):
        spoil(about, raw)
    verdict = verdict_on(Path("trial"), about, raw)
    assert not verdict.passed and verdict.tables == {}
    with pytest.raises(ValueError) as stopped:
        checks.require(verdict)
    assert isinstance(stopped.value, checks.StudyError)
    lines = str(stopped.value).splitlines()
    assert lines[:2] == ["study trial: 5 errors", "errors:"]
    assert set(lines[2:]) == {
        "trial/mrd.csv row 4 (patient 001, day 90): mrd 2e-7 lies below its own LOD 2e-05; "
        'give it as "<lod" or correct the LOD.',
        "trial/intervals.csv row 3 (patient 001, interval 2): the interval starts on day 175, before interval 1 "
        "(row 2) ends on day 182; let it start no earlier, or join the two.",
        "trial/gvhd.csv row 2 (patient 001, onset_day 20): grade 7 is no grade of acute GVHD; "
        "give 1, 2, 3, 4, or leave it empty where it was not graded.",
        "trial/infusions.csv row 6 (patient 33, day 0): the patient 33 is not in the table patients; "
        "add the patient to patients, or correct the key.",
        "trial/patients.csv row 4 (patient 003): age is missing, and missing covariates are not imputed; "
        "give its value, leave the patient out, or take the covariate out of study.yaml.",
    }


def test_the_text_is_cut_but_the_table_of_problems_is_whole(tmp_path):
    about, raw = studies.about(), studies.tables()
    raw["mrd"] += [["001", str(day), "NGS", "1e-7", "1e-5"] for day in range(100, 350) if day != 180]
    verdict = verdict_on(tmp_path, about, raw)
    assert len(verdict.problems) == 249
    assert verdict.text().count("lies below its own LOD") == 200
    assert verdict.text().endswith("... and 49 errors more; the table of problems holds all.")


@pytest.mark.parametrize(
    ("written", "lod", "below", "mrd", "limit"),
    [
        ("0", "1e-6", True, None, 1e-6),
        ("0.0", "1e-6", True, None, 1e-6),
        ("", "1e-6", True, None, 1e-6),
        ("<lod", "1e-6", True, None, 1e-6),
        ("< LOD ", "1e-6", True, None, 1e-6),
        ("<1e-6", "1e-6", True, None, 1e-6),
        ("<1e-6", "", True, None, 1e-6),  # the text gives the LOD
        ("< 0.0001", "", True, None, 1e-4),
        ("<lod", "", True, None, 1e-5),  # the assay gives the LOD
        ("0", "", True, None, 1e-5),
        ("0.02", "", False, 0.02, 1e-5),
        ("1e-6", "1e-6", False, 1e-6, 1e-6),  # at the LOD is measured
        ("1", "1e-6", False, 1.0, 1e-6),
    ],
)
def test_a_sample_below_its_lod(written, lod, below, mrd, limit, tmp_path):
    about, raw = studies.about(), studies.tables()
    raw["mrd"] = [raw["mrd"][0], ["001", "7", "NGS", written, lod]]
    sample = verdict_on(tmp_path, about, raw).tables["mrd"].iloc[0]
    assert bool(sample["below"]) is below
    assert pd.isna(sample["mrd"]) if mrd is None else sample["mrd"] == mrd
    assert sample["lod"] == limit


@pytest.mark.parametrize(
    ("written", "lod", "below", "burden", "limit"),
    [
        ("0", "0.5", True, None, 0.5),
        ("<lod", "0.5", True, None, 0.5),
        ("<0.5", "", True, None, 0.5),
        ("<1", "1", True, None, 1.0),
        ("0", "", False, 0.0, None),  # nothing was found, by a method without a limit
        ("30", "", False, 30.0, None),
        ("30", "0.5", False, 30.0, 0.5),
    ],
)
def test_a_burden_below_its_limit(written, lod, below, burden, limit, tmp_path):
    about, raw = studies.about(), studies.tables()
    raw["burden"] = [raw["burden"][0], ["001", "7", written, lod]]
    found = verdict_on(tmp_path, about, raw).tables["burden"].iloc[0]
    assert bool(found["below"]) is below
    for name, expected in (("burden", burden), ("lod", limit)):
        assert pd.isna(found[name]) if expected is None else found[name] == expected


def test_study_yaml_may_describe_the_burden_of_the_table(tmp_path):
    about, raw = studies.about(), studies.tables()
    about["covariates"]["burden"] = {"label": "bilirubin", "role": "burden", "unit": "mg/dl", "centre": 1}
    assert verdict_on(tmp_path / "with", about, raw).passed
    del raw["burden"]
    assert verdict_on(tmp_path / "without", about, raw).problems["rule"].tolist() == ["covariate_column_missing"]


def test_a_table_of_burden_needs_no_limits(tmp_path):
    about, raw = studies.about(), studies.tables()
    without_column("burden", "lod")(about, raw)
    found = verdict_on(tmp_path, about, raw).tables["burden"]
    assert found["burden"].tolist() == [12.5, 30.0] and found["lod"].isna().all() and not found["below"].any()


def test_real_numbers_are_no_codes(tmp_path):
    """999 among the days of a long study, 1e6 and 1e9 cells, and a baseline sample 99 days before day 0."""
    about, raw = studies.about(), studies.tables()
    cell("intervals", 6, "end_day", "2640")(about, raw)
    raw["mrd"] += [["004", day, "NGS", "0.01", "1e-5"] for day in ("-99", "-60", "999", "1000", "2000")]
    raw["burden"] += [["004", "0", "999", ""], ["004", "9", "1000", ""], ["004", "99", "850", ""]]
    raw["infusions"][1][2] = "1000000"
    verdict = verdict_on(tmp_path, about, raw)
    assert verdict.text().endswith("no errors, no warnings")


def test_a_covariate_may_bear_the_name_of_another_tables_column(tmp_path):
    about, raw = studies.about(), studies.tables()
    with_column("patients", "day", "Monday")(about, raw)
    with_column("patients", "cells", "0")(about, raw)
    patients = verdict_on(tmp_path, about, raw).tables["patients"]
    assert set(patients["day"]) == {"Monday"} and set(patients["cells"]) == {0.0}


def test_numbers_read_as_covariates_or_words_as_described(tmp_path):
    about, raw = studies.about(), studies.tables()
    about["covariates"]["stage"] = {"label": "stage", "role": "baseline", "reference": 1}
    with_column("patients", "stage", "1")(about, raw)
    with_column("patients", "weight", "70")(about, raw)
    patients = verdict_on(tmp_path, about, raw).tables["patients"]
    assert patients["stage"].tolist() == ["1"] * 4
    assert patients["weight"].tolist() == [70.0] * 4
    assert patients["sex"].tolist() == ["female", "male", "male", "female"]


def test_the_checked_form_is_the_contract(tmp_path):
    about, raw = studies.about(), studies.tables()
    raw = {name: raw[name] for name in ("patients", "intervals", "gvhd")}
    for column in ("trial", "schedule", "product"):
        without_column("patients", column)(about, raw)
    checked = verdict_on(tmp_path, about, raw).tables
    assert list(checked) == list(contract.TABLES)
    for name, table in checked.items():
        expected = {column.name: contract.DTYPES[column.kind] for column in contract.TABLES[name].columns}
        assert {column: str(dtype) for column, dtype in table.dtypes.items() if column in expected} == expected
    patients = checked["patients"]
    assert set(patients["trial"]) == {"all"} and set(patients["schedule"]) == set(patients["product"]) == {"none"}
    assert checked["gvhd"]["grade"].tolist() == ["2", "mild", ""] and checked["mrd"].empty


def test_an_interval_may_start_before_day_0_and_be_entered_later(tmp_path):
    about, raw = studies.about(), studies.tables()
    entered(2, "-60", "0")(about, raw)
    verdict = verdict_on(tmp_path, about, raw)
    assert verdict.text().endswith("no errors, no warnings")
    assert verdict.tables["intervals"][["start_day", "entry_day"]].iloc[0].tolist() == [-60, 0]
    assert verdict.tables["intervals"]["entry_day"].iloc[1:].isna().all()


@pytest.mark.parametrize("outcome", ["transplant", "new_therapy"])
def test_follow_up_may_go_on_through_a_transplant_or_a_new_therapy(outcome, tmp_path):
    """Patient 001 has an infusion on day 182, the end of interval 1, and is infused again later in interval 2."""
    about, raw = studies.about(), studies.tables()
    cell("intervals", 2, "outcome", outcome)(about, raw)
    line("infusions", "001", "273", "1e9", "NK-1", "")(about, raw)
    verdict = verdict_on(tmp_path, about, raw)
    assert verdict.text().endswith("no errors, no warnings")


@pytest.mark.parametrize("value", ["1.7976931348623153e+308", "-8.988465676404368e+307"])
@pytest.mark.parametrize(("table", "column"), [("infusions", "cells"), ("burden", "burden"), ("patients", "age")])
def test_the_largest_numbers_that_a_computer_holds_give_a_verdict(table, column, value, tmp_path):
    about, raw = studies.about(), studies.tables()
    cell(table, 2, column, value)(about, raw)
    assert "999" not in verdict_on(tmp_path, about, raw).text()  # no code for missing


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_whatever_stands_in_the_cells_gives_a_verdict(tmp_path_factory, data):
    about, raw = studies.about(), studies.tables()
    likely = st.sampled_from(["", " ", "NA", "999", "-99", "1e999", "<", "<lod", "<0", "1,5", "inf", "nan", "{0}", "0"])
    anything = st.text(st.characters(codec="utf-8"), max_size=12) | likely | st.floats().map(str)
    for _ in range(data.draw(st.integers(1, 8))):
        rows = raw[data.draw(st.sampled_from(sorted(raw)))]
        cells = data.draw(st.sampled_from(rows))
        cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(anything)
    verdict = verdict_on(tmp_path_factory.mktemp("study"), about, raw)
    assert isinstance(verdict.text(), str)
    assert verdict.passed == bool(verdict.tables)
    if not verdict.passed:
        with pytest.raises(checks.StudyError):
            checks.require(verdict)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_whatever_stands_in_study_yaml_gives_a_verdict(tmp_path_factory, data):
    about, raw = studies.about(), studies.tables()
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=8)
    value = st.recursive(leaf, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(leaf, inner, max_size=2))
    place = data.draw(st.sampled_from([about, about["assays"], about["products"]["NK-1"], about["covariates"]]))
    place[data.draw(st.sampled_from(sorted(place)) | st.text(st.characters(codec="utf-8"), max_size=5))] = data.draw(
        value
    )
    verdict = verdict_on(tmp_path_factory.mktemp("study"), about, raw)
    assert isinstance(verdict.text(), str)
