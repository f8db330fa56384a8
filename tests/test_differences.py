"""`redose compare`: two runs of the same bits, and what it says of each kind of file that differs."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

from redose import differences, files
from redose.cli import app

HERE = {"host": "x86_64 Linux znver4", "numpy": "2.3.1", "seed": "7"}


def write(folder: Path) -> Path:
    """Results with a file of every kind."""
    folder.mkdir()
    values = xr.Dataset({"x": ("draw", [1.0, 2.0, np.nan]), "name": ("draw", ["a", "b", "c"])}, attrs=HERE)
    files.write_tree(xr.DataTree.from_dict({"posterior": values}), folder / "posterior.nc")
    table = pd.DataFrame({"patient": ["a", "b"], "mean": [1.0, 4.0], "sd": [0.5, np.nan]})
    files.write_table(table, folder / "table.csv")
    files.write_parquet(table, folder / "table.parquet")
    files.write_json({"accepted": True, "limits": {"rhat": 1.01}}, folder / "verdict.json")
    files.write_json({"hosts": {"m": "one"}, "seeds": {"m": "7"}}, folder / "provenance.json")
    files.write_text("<svg>one</svg>", folder / "figure.svg")
    files.write_text("rule,wall_s\nfit,1\n", folder / "run_times.csv")
    return folder


@pytest.fixture
def two(tmp_path) -> tuple[Path, Path]:
    # a copy: h5netcdf 1.6 dates what it writes, and two files written in different seconds would differ
    return write(tmp_path / "one"), shutil.copytree(tmp_path / "one", tmp_path / "two")


def compare(*folders: Path) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, ["compare", *map(str, folders)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.stdout.splitlines()


def test_two_runs_of_the_same_bits(two):
    assert compare(*two) == (0, ["7 same bits"])


def test_what_may_differ_is_named_and_does_not_count(two):
    files.write_text("rule,wall_s\nfit,2\n", two[1] / "run_times.csv")
    files.write_json({"hosts": {"m": "another"}, "seeds": {"m": "7"}}, two[1] / "provenance.json")
    tree = files.read_tree(two[0] / "posterior.nc")
    tree["posterior"].attrs |= {"host": "aarch64 Linux", "numpy": "2.4.0"}
    files.write_tree(tree, two[1] / "posterior.nc")
    code, lines = compare(*two)
    assert code == 0
    assert lines == [
        "posterior.nc may differ: versions and class of host",
        "provenance.json may differ: hosts.m",
        "run_times.csv may differ: times, memory and load of jobs",
        "4 same bits; 3 may differ",
    ]


def test_a_table_says_which_column_and_by_how_much(two):
    table = pd.DataFrame({"patient": ["a", "c"], "mean": [1.0, 4.5], "sd": [0.5, np.nan]})
    files.write_table(table, two[1] / "table.csv")
    files.write_parquet(table.drop(columns="sd"), two[1] / "table.parquet")
    code, lines = compare(*two)
    assert code == 1
    mean = "column mean: 1 of 2 values, by up to 0.5 (1.2e-01 of the largest)"
    assert lines[0] == f"table.csv differs: column patient: 1 of 2 values; {mean}"
    assert lines[1].startswith("table.parquet differs: column sd: only in the first; column patient: ")


def test_a_tree_says_which_variable(two):
    tree = files.read_tree(two[0] / "posterior.nc")
    tree["posterior"]["x"] = xr.DataArray([1.0, 2.0, 3.0], dims="draw")
    tree["posterior"].attrs["seed"] = "8"
    files.write_tree(tree, two[1] / "posterior.nc")
    code, lines = compare(*two)
    assert code == 1
    assert "posterior/x: 1 of 3 values" in lines[0] and "attribute seed of posterior" in lines[0]


def test_entries_of_a_record_and_bytes_of_a_figure(two):
    files.write_json({"accepted": True, "limits": {"rhat": 1.05}}, two[1] / "verdict.json")
    files.write_json({"hosts": {"m": "one"}, "seeds": {"m": "8"}}, two[1] / "provenance.json")
    files.write_text("<svg>two!</svg>", two[1] / "figure.svg")
    (two[1] / "run_times.csv").unlink()
    assert compare(*two) == (
        1,
        [
            "figure.svg differs: 14 and 15 bytes, from byte 6 on",
            "provenance.json differs: seeds.m",
            f"run_times.csv on one side only: only in {two[0].as_posix()}",
            "verdict.json differs: limits.rhat: 1.01 and 1.05",
            "3 same bits; 3 differs; 1 on one side only",
        ],
    )


def test_the_same_values_in_other_bytes_are_not_the_same_bits(two):
    (two[1] / "verdict.json").write_text(json.dumps({"limits": {"rhat": 1.01}, "accepted": True}))
    found = {d.file: d for d in differences.differences(*two)}["verdict.json"]
    assert (found.state, found.detail) == (differences.OTHER, "the same values in other bytes")


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_what_is_no_run_is_refused(name, tmp_path):
    (tmp_path / "empty").mkdir()
    result = CliRunner().invoke(app, ["compare", str(tmp_path / "empty"), str(tmp_path / name)])
    assert result.exit_code == 2 and "redose: " in result.stderr
