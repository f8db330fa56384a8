"""The patients and regimes whose paths are timed and counted; builds on tests/worlds.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import worlds

from redose.decisions.records import World
from redose.decisions.regimes import Regime


def crowd_of(patients: int, number: int) -> tuple[World, list[Regime]]:
    """(what the kernel reads of so many patients and one draw, with GVHD; so many regimes, one of them none)."""
    adaptive = [r for r in worlds.RECORDS if r["kind"] == "adaptive"]
    every = worlds.rules_of(*({**adaptive[k % len(adaptive)], "name": f"r{k}"} for k in range(number - 1)))
    return worlds.true_world(worlds.crowd(patients, 1), every), every
