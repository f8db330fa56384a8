"""The same bits whatever the cores, the working directory, the time zone, the locale, the user, the order of sets."""

import subprocess

import pytest
import smallest
from typer.testing import CliRunner

from redose import differences
from redose.cli import app

pytestmark = pytest.mark.slow
HOME = {"TZ": "UTC", "LC_ALL": "C", "USER": "one", "LOGNAME": "one", "PYTHONHASHSEED": "1"}
AWAY = {"TZ": "Asia/Kathmandu", "USER": "zwei", "LOGNAME": "zwei", "PYTHONHASHSEED": "2"}


def known_locale() -> str:
    """A German one, where commas stand in numbers; else the plainest there is."""
    locales = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout.split()
    return next((name for name in locales if name.startswith("de_DE")), "POSIX")


def test_a_run_elsewhere_gives_the_same_bits(tmp_path, monkeypatch):
    """Compiled code is made anew by the second run: its caches are empty."""
    first, second = smallest.write(tmp_path / "first"), smallest.write(tmp_path / "far/away from/home")
    here = smallest.run(first, "--cores", "2", HOME=str(tmp_path), **HOME)
    assert here.returncode == 0, here.stderr[-4000:]
    empty = {"NUMBA_CACHE_DIR": str(tmp_path / "numba"), "PYTENSOR_FLAGS": f"base_compiledir={tmp_path / 'pytensor'}"}
    user = {"HOME": str(second), "LC_ALL": known_locale(), **AWAY, **empty}
    monkeypatch.chdir(second)
    there = smallest.run(second, "--cores", "1", **user)
    assert there.returncode == 0, there.stderr[-4000:]
    for folder in (first, second):
        assert CliRunner().invoke(app, ["verify", str(folder / "results/bladder")]).exit_code == 0
    found = differences.differences(first / "results", second / "results")
    assert len(found) > 80
    assert {d.file for d in found if d.state != differences.SAME} == {"bladder/run_times.csv"}
