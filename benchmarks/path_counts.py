"""Exponentials, logarithms and random numbers of paths under regimes, by the path's own code, run without compilation:

    NUMBA_DISABLE_JIT=1 python benchmarks/path_counts.py PATIENTS REGIMES    without GVHD, and with; JSON, by step

Counted are the calls themselves. Two exponentials the path does not evaluate as such, and they are counted by names of
their own: the share that a hazard takes, an approximant, and the link of the marker to the hazard of a cause at a node,
which is looked up in a table.
"""

import json
import sys
import warnings
from collections import Counter

import numpy as np
from crowds import crowd_of

from redose.decisions import path, regimes

NAMES = {"exp": "exp", "exp2": "exp", "expm1": "exp", "log": "log", "log10": "log", "log1p": "log1p", "cos": "cos"}
found = Counter()


class Counted:
    """numpy, whose functions in NAMES count their calls."""

    def __getattr__(self, name: str):
        function = getattr(np, name)
        return counting(function, NAMES[name]) if name in NAMES else function


def counting(function, name: str, times: int = 1):
    """The function, which counts its calls as so many evaluations of `name`."""

    def counts(*arguments):
        found[name] += times
        return function(*arguments)

    return counts


def by_step(parts, every: list) -> dict[str, float]:
    """Evaluations a step of a path, of these patients under these regimes and one draw."""
    found.clear()
    patients = parts.people.level.shape[1]
    path.outcomes(*regimes.rules(every), parts, np.array([patients]))
    steps = patients * len(every) * parts.setting.steps
    return {name: count / steps for name, count in found.items()}


def main(patients: int, number: int) -> None:
    parts, every = crowd_of(patients, number)
    path.np = Counted()
    path._gone = counting(path._gone, "share")
    path._place = counting(path._place, "link", len(parts.hazards.kind))
    path.uniform = counting(path.uniform, "random_number")
    warnings.simplefilter("ignore", RuntimeWarning)  # a hash overflows
    print(json.dumps([by_step(parts._replace(gvhd=parts.gvhd._replace(present=p)), every) for p in (False, True)]))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
