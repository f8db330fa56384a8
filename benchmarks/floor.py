"""The least that a calculation could take: its exponentials, logarithms and random numbers alone, an array of each
kind in a compiled loop, and nothing else: no products, no sums, no look-up of anything."""

import math
import statistics
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from numba import njit

FUNCTIONS = {
    "exp": math.exp,
    "log1p": math.log1p,
    "log": math.log,
    "erfc": math.erfc,
    "gamma": math.lgamma,
    "cos": math.cos,
}
REPEATS = 500
MOST = 10_000  # evaluations that a loop is timed with: more of them take as long each


def median_time(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median wall time of a call, s; the median, because a shared machine interrupts some calls."""
    spent = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        spent.append(time.perf_counter() - started)
    return statistics.median(spent)


def loop(function: Callable[[float], float]) -> Callable[[np.ndarray, np.ndarray], None]:
    """A compiled loop that writes function(x) of every x."""

    @njit(error_model="numpy")
    def each(x, out):
        for k in range(len(x)):
            out[k] = function(x[k])

    return each


def floor_time(counts: Counter, **own: Callable[[float], float]) -> float:
    """Median time of so many evaluations of FUNCTIONS, s, one compiled loop for each function. own: further ones."""
    functions = FUNCTIONS | own
    total = 0.0
    for name, count in counts.items():
        each, x = loop(functions[name]), np.linspace(0.1, 2.0, min(math.ceil(count), MOST))
        out = np.empty_like(x)
        each(x, out)
        total += median_time(lambda each=each, x=x, out=out: each(x, out)) * count / len(x)
    return total
