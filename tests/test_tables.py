"""Reading a study folder, and the checked form on disk."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import studies
from hypothesis import given, settings
from hypothesis import strategies as st

from redose import checks, contract, problems, tables


def read(folder, raw=None, about=None) -> tables.Study:
    return tables.read_study(studies.write(folder, about or studies.about(), raw or studies.tables()), folder)


def faults(study: tables.Study) -> list[tuple]:
    """Rule, file name and row (0 for a whole file) of each problem of reading."""
    listed = study.problems
    return [
        (rule, file.rsplit("/", 1)[-1], row)
        for rule, file, row in zip(listed["rule"], listed["file"], listed["row"].fillna(0), strict=True)
    ]


def test_text_is_kept_with_the_rows_of_the_file(tmp_path):
    study = read(tmp_path / "trial")
    assert study.name == "trial" and study.problems.empty
    assert study.tables["mrd"].loc[3].to_dict() == {
        "patient": "001", "day": "28", "assay": "NGS", "mrd": "<lod", "lod": "1e-5"
    }  # fmt: skip
    assert study.tables["mrd"].index.tolist() == list(range(2, 11))


def test_a_list_of_files_and_a_folder_read_the_same(tmp_path):
    about_file = studies.write(tmp_path, studies.about(), studies.tables())
    listed = tables.read_study(about_file, [tmp_path / f"{name}.csv" for name in studies.TABLES], name="mine")
    in_folder = tables.read_study(about_file, tmp_path)
    assert listed.name == "mine" and listed.files == in_folder.files
    for name, table in listed.tables.items():
        pd.testing.assert_frame_equal(table, in_folder.tables[name])


def test_absent_tables_are_fine_but_patients_and_intervals(tmp_path):
    about_file = studies.write(tmp_path, studies.about(), {})
    study = tables.read_study(about_file, [tmp_path / f"{name}.csv" for name in contract.TABLES])
    assert faults(study) == [("file_missing", "patients.csv", 0), ("file_missing", "intervals.csv", 0)]
    assert faults(tables.read_study(about_file, tmp_path / "nowhere")) == faults(study)
    assert not checks.check(study).passed


def test_a_byte_order_mark_spaces_and_blank_lines_are_tolerated(tmp_path):
    about_file = studies.write(tmp_path, studies.about(), studies.tables())
    path = tmp_path / "burden.csv"
    path.write_bytes(b"\xef\xbb\xbfpatient , day,burden\r\n001,-7,12.5\r\n\r\n,,\r\n003, 28 ,30\r\n")
    study = tables.read_study(about_file, tmp_path)
    assert study.problems.empty
    assert study.tables["burden"].index.tolist() == [2, 5]
    verdict = checks.check(study)
    assert verdict.tables["burden"]["day"].tolist() == [-7.0, 28.0]


@pytest.mark.parametrize(
    ("content", "row", "words"),
    [
        (b"", 0, "has no header"),
        (b"patient,day,burden\n\xff\xfe,1,2\n", 2, "is not UTF-8"),
        (b"patient;day;burden\n001;1;2,5\n", 1, "has no commas"),
        (b'patient,day,burden\n001,1,"2\n', 2, "is not CSV"),
    ],
)
def test_a_file_that_is_not_csv(content, row, words, tmp_path):
    about_file = studies.write(tmp_path, studies.about(), studies.tables())
    (tmp_path / "burden.csv").write_bytes(content)
    study = tables.read_study(about_file, tmp_path)
    ((rule, file, at),) = faults(study)
    assert (rule, file, at) == ("file_unreadable", "burden.csv", row)
    assert words in study.problems["message"][0]
    with pytest.raises(checks.StudyError):
        checks.require(checks.check(study))


def test_a_file_that_is_neither_csv_nor_parquet(tmp_path):
    about_file = studies.write(tmp_path, studies.about(), studies.tables())
    (tmp_path / "mrd.csv").rename(tmp_path / "mrd.xlsx")
    (tmp_path / "gvhd.parquet").write_bytes(b"PAR1 not really")
    (tmp_path / "gvhd.csv").unlink()
    files = [tmp_path / name for name in ("patients.csv", "intervals.csv", "mrd.xlsx", "gvhd.parquet")]
    study = tables.read_study(about_file, files)
    assert faults(study) == [("file_unreadable", "mrd.xlsx", 0), ("file_unreadable", "gvhd.parquet", 0)]


def test_a_table_given_twice(tmp_path):
    about_file = studies.write(tmp_path, studies.about(), studies.tables())
    pd.read_csv(tmp_path / "mrd.csv", dtype=str).to_parquet(tmp_path / "mrd.parquet")
    assert faults(tables.read_study(about_file, tmp_path)) == [("table_twice", "mrd.parquet", 0)]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("title: [unclosed", "file_unreadable"),
        ("- a\n- b\n", "file_unreadable"),
        ("", "file_unreadable"),
        ("title: !!python/object:os.system x\n", "file_unreadable"),
        ("title: a\nday_0: b\ntitle: c\n", "study_key_unknown"),
    ],
)
def test_a_study_yaml_at_fault(content, rule, tmp_path):
    studies.write(tmp_path, studies.about(), studies.tables())
    path = tmp_path / "study.yaml"
    path.write_text(content)
    assert faults(tables.read_study(path, tmp_path))[0][:2] == (rule, "study.yaml")
    with pytest.raises(checks.StudyError, match=r"study\.yaml"):
        tables.read_about(path)


def test_no_study_yaml(tmp_path):
    studies.write(tmp_path, studies.about(), studies.tables()).unlink()
    study = tables.read_study(tmp_path / "study.yaml", tmp_path)
    assert ("file_missing", "study.yaml", 0) in faults(study)
    assert not checks.check(study).passed


def test_the_description_has_its_defaults(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(
        "title: T\nday_0: randomisation\nassays: {NGS: {lod: 1e-5}}\ncovariates: {age: {label: age, role: baseline}}\n"
        "products: {P: {source: none, lineage: T}}\n"
    )
    assert tables.read_about(path) == {
        "title": "T",
        "source": "",
        "licence": "",
        "day_0": "randomisation",
        "units": {},
        "assays": {"NGS": {"lod": 1e-5, "false_positive_rate": 0.0}},  # YAML reads 1e-5 as text; we as a number
        "products": {"P": {"source": "none", "lineage": "T", "edits": [], "safety_switch": False}},
        "covariates": {"age": {"label": "age", "role": "baseline"}},
    }


def test_csv_and_parquet_give_the_same_checked_tables(tmp_path):
    about_file = studies.write(tmp_path / "csv", studies.about(), studies.tables())
    from_csv = checks.check(tables.read_study(about_file, tmp_path / "csv", name="s"))
    numeric = {"day", "cells", "start_day", "stop_day", "end_day", "onset_day", "last_free_day", "burden", "lod", "age"}
    (tmp_path / "study=1").mkdir()  # a folder name that a data set reader would take for a column
    for name in studies.TABLES:
        frame = pd.read_csv(tmp_path / "csv" / f"{name}.csv", dtype=str)
        for column in numeric & set(frame):
            frame[column] = frame[column].astype(float)
        if "interval" in frame:
            frame["interval"] = frame["interval"].astype("int64")
        frame.to_parquet(tmp_path / "study=1" / f"{name}.parquet")
    from_parquet = checks.check(tables.read_study(about_file, tmp_path / "study=1", name="s"))
    assert from_parquet.passed, from_parquet.text()
    for name, table in from_csv.tables.items():
        pd.testing.assert_frame_equal(table, from_parquet.tables[name])


@pytest.mark.parametrize(
    ("column", "values", "rule"),
    [
        ("day", pd.to_datetime(["2024-03-11", "2024-04-11"]), "calendar_date"),
        ("day", [True, False], "not_a_number"),
        ("day", [[1], [2]], "file_unreadable"),
        ("burden", [float("inf"), 1.0], "infinite"),
        ("burden", [None, 1.0], "missing_value"),
        ("patient", pd.array([None, 3], dtype="Int64"), "missing_value"),
        ("patient", [b"\xff", b"001"], "file_unreadable"),
    ],
)
def test_parquet_of_other_types(column, values, rule, tmp_path):
    about_file = studies.write(tmp_path, studies.about(), studies.tables())
    (tmp_path / "burden.csv").unlink()
    frame = pd.DataFrame({"patient": ["001", "003"], "day": [0, 28], "burden": [1.5, 2.5]})
    frame.assign(**{column: values}).to_parquet(tmp_path / "burden.parquet")
    problem = checks.check(tables.read_study(about_file, tmp_path)).problems.iloc[0]
    assert (problem["rule"], problem["file"]) == (rule, (tmp_path / "burden.parquet").as_posix())


def awkward() -> dict[str, pd.DataFrame]:
    """Checked tables with numbers that a decimal text could lose."""
    patients = pd.DataFrame({"patient": ["a", "b\u00e9"], "age": [0.1 + 0.2, np.nextafter(1, 2)], "sex": ["", "x,y"]})
    mrd = pd.DataFrame(
        {
            "patient": ["a", "a"],
            "day": [-1 / 3, 30.4375 * 7],
            "assay": ["NGS", "NGS"],
            "mrd": [np.nan, 5e-324],
            "lod": [1e-5, 1e-6],
            "below": [True, False],
        }
    )
    return {name: contract.empty(name) for name in contract.TABLES} | {
        "patients": contract.finished("patients", patients),
        "mrd": contract.finished("mrd", mrd),
    }


def test_the_checked_form_survives_the_disk_exactly(tmp_path):
    written = awkward()
    tables.write_checked(written, tmp_path / "tables")
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == sorted(
        f"{name}.parquet" for name in contract.TABLES
    )
    back = tables.read_checked(tmp_path / "tables")
    assert list(back) == list(contract.TABLES)
    for name, table in written.items():
        pd.testing.assert_frame_equal(back[name], table, check_exact=True)


def test_the_same_tables_give_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        tables.write_checked(awkward(), tmp_path / folder)
    for name in contract.TABLES:
        assert (tmp_path / "one" / f"{name}.parquet").read_bytes() == (
            tmp_path / "two" / f"{name}.parquet"
        ).read_bytes()


def test_a_table_that_cannot_be_written_leaves_the_old_ones(tmp_path):
    tables.write_checked(awkward(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    spoilt = awkward()
    spoilt["mrd"] = spoilt["mrd"].assign(day="soon")
    with pytest.raises(Exception, match="soon"):
        tables.write_checked(spoilt, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_checked_tables_that_are_not_there(tmp_path):
    with pytest.raises(problems.StudyError, match=r"patients\.parquet: no checked table"):
        tables.read_checked(tmp_path)


def test_the_reader_needs_no_model(tmp_path):
    """Checking a study loads neither PyMC nor ArviZ: a bad table is answered within seconds."""
    code = "import sys, redose.checks; sys.exit('pymc' in sys.modules or 'arviz' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=60) | st.text(st.characters(codec="utf-8"), max_size=60).map(str.encode))
def test_any_bytes_are_read_or_named(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("study")
    (folder / "mrd.csv").write_bytes(content)
    (folder / "gvhd.parquet").write_bytes(content)
    (folder / "study.yaml").write_bytes(content)
    study = tables.read_study(folder / "study.yaml", folder)
    assert not checks.check(study).passed
