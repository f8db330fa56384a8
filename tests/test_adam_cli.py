"""`redose new --adam`, `redose adapt` and `redose export`: what they write, say and end with."""

from pathlib import Path

import pytest
import studies
import trials
import yaml
from typer.testing import CliRunner, Result

from redose import adam
from redose.cli import app


def redose(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def pilot(tmp_path) -> Path:
    """The pilot's datasets in a folder of their own, ADLB left out for speed, and a file that is no dataset of ours."""
    folder = tmp_path / "delivery"
    folder.mkdir()
    for name in trials.PILOT_FILES[:-1]:
        (folder / f"{name}.parquet").write_bytes(trials.pilot_file(name).read_bytes())
    (folder / "define.json").write_text("{}")
    return folder


def test_a_mapping_is_proposed_that_reads_the_pilot_as_it_is(pilot, tmp_path):
    result = redose("new", tmp_path / "trial", "--adam", pilot)
    assert result.exit_code == 0, result.output
    assert "redose adapt" in result.output
    made = contents(tmp_path / "trial")
    assert set(made) == {"adam.yaml", "config.yaml", *(f"adam/{name}.parquet" for name in trials.PILOT_FILES[:-1])}
    assert all(made[f"adam/{path.name}"] == path.read_bytes() for path in pilot.glob("*.parquet"))
    config = yaml.safe_load(made["config.yaml"])
    assert config["studies"]["trial"]["source"] == "adam"
    result = redose("adapt", tmp_path / "trial", tmp_path / "tables")
    assert result.exit_code == 0, result.output
    assert "254 of 306 subjects are in the study" in result.output
    assert "PFS: 6 events of 254 patients in ADTTE, 6 derived" in result.output
    assert redose("check", tmp_path / "tables").exit_code == 0
    assert contents(tmp_path / "trial") == made  # the inputs are only read


def test_what_is_recognised_in_a_cell_therapy_trial(tmp_path):
    datasets = trials.datasets()
    datasets["ADEX"][0].append("PARAM")
    for row in datasets["ADEX"][1:]:
        row.append("Viable cells (10^6)" if row[2] == "CELLS" else "Total dose")
    trials.write(tmp_path / "old", trials.mapping(), datasets)
    result = redose("new", tmp_path / "new", "--adam", tmp_path / "old/adam")
    assert result.exit_code == 0, result.output
    made = yaml.safe_load((tmp_path / "new/adam.yaml").read_text())
    assert made["day_0"] == "TRTSDT" and made["population"] == {"SAFFL": "Y"}
    assert made["intervals"] == {"from": "ADRS", "where": {"PARAMCD": ["OVR"]}, "pfs": "PFS", "os": "OS"}
    choice = {"dataset": "ADLB", "where": {"PARAMCD": "MRD"}, "assay": "MRD", "unit": "percent", "lod_from": "LBLLOQ"}
    assert made["mrd"] == [choice]
    assert made["infusions"] == [{"dataset": "ADEX", "where": {"PARAMCD": "CELLS"}, "factor": 1e6, "lot": "EXLOT"}]
    gvhd = {"dataset": "ADAE", "where": {"AEDECOD": "Acute GVHD"}, "kind": "acute", "grade": "ATOXGR"}
    assert made["gvhd"] == [gvhd]
    assert made["transplant"] == [{"dataset": "ADPR", "where": {"PRDECOD": ["HCT"]}}]
    found = adam.adapt(tmp_path / "new").tables
    assert [row[2:6] for row in found["intervals"].itertuples(index=False, name=None)] == [
        ("0", "31", "92", "progression"),
        ("96", "214", "214", "censored"),
        ("0", "31", "180", "death"),
        ("0", "31", "52", "transplant"),
    ]


def test_datasets_within_the_studys_folder_stay_where_they_are(tmp_path):
    trials.write(tmp_path / "old", trials.mapping(), trials.datasets())
    (tmp_path / "study").mkdir()
    (tmp_path / "old/adam").rename(tmp_path / "study/adam_2026")
    result = redose("new", tmp_path / "study", "--adam", tmp_path / "study/adam_2026")
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "study").iterdir()} == {"adam_2026", "adam.yaml", "config.yaml"}
    assert adam.mapping.read(tmp_path / "study")["folder"] == "adam_2026"
    again = redose("new", tmp_path / "study", "--adam", tmp_path / "study/adam_2026")
    assert again.exit_code == 2 and "is not empty" in again.output


@pytest.mark.parametrize(("given", "words"), [("absent", "there is no such folder"), ("empty", "there is no ADSL")])
def test_no_datasets_no_study(given, words, tmp_path):
    (tmp_path / "empty").mkdir()
    result = redose("new", tmp_path / "study", "--adam", tmp_path / given)
    assert result.exit_code == 2 and words in result.output
    assert not (tmp_path / "study").exists()


def test_faulty_datasets_are_listed_and_nothing_is_written(tmp_path):
    datasets = trials.datasets()
    datasets["ADRS"][3][4] = "RELAPSE?"
    folder = trials.write(tmp_path / "trial", trials.mapping(), datasets)
    result = redose("adapt", folder, tmp_path / "out")
    assert result.exit_code == 1
    assert "adrs.csv row 4 (patient T1-01): the response RELAPSE? is none that adam.yaml knows" in result.output
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_mapping_and_one_that_is_taken(tmp_path):
    assert redose("adapt", tmp_path, tmp_path / "out").exit_code == 2
    folder = trials.write(tmp_path / "trial", trials.mapping(), trials.datasets())
    result = redose("adapt", folder, folder)
    assert result.exit_code == 2 and "nothing is overwritten" in result.output


def test_check_points_to_adapt(tmp_path):
    folder = trials.write(tmp_path / "trial", trials.mapping(), trials.datasets())
    result = redose("check", folder)
    assert result.exit_code == 2 and f"redose adapt {folder}" in result.output


@pytest.mark.parametrize("form", ["xpt", "csv", "parquet", "json"])
def test_a_study_is_exported(form, tmp_path):
    studies.write(tmp_path / "study", studies.about(), studies.tables())
    result = redose("export", tmp_path / "study", tmp_path / "out", "--format", form)
    assert result.exit_code == 0, result.output
    assert {path.suffix for path in (tmp_path / "out/adam").iterdir()} == {f".{form}"}
    assert redose("adapt", tmp_path / "out", tmp_path / "back").exit_code == 0


def test_what_cannot_be_exported(tmp_path):
    raw = studies.tables()
    raw["mrd"][3][3] = "2e-7"
    studies.write(tmp_path / "study", studies.about(), raw)
    result = redose("export", tmp_path / "study", tmp_path / "out")
    assert result.exit_code == 1 and "lies below its own LOD" in result.output
    assert redose("export", tmp_path / "study", tmp_path / "out", "--format", "sas").exit_code == 2
    assert redose("export", tmp_path, tmp_path / "out").exit_code == 2
    assert not (tmp_path / "out").exists()
