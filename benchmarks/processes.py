"""A command in a process of its own: wall time, processor time and peak memory, of it and what it started."""

import os
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Spent:
    """wall, cpu: s; peak: largest resident memory of one process, GB."""

    wall: float
    cpu: float
    peak: float


def timed(*arguments: str, program: str = sys.executable, **environment: str) -> Spent:
    """What `program arguments` took, Python unless said otherwise, with these environment variables beside ours.

    Ends this program where the command fails.
    """
    started = time.perf_counter()
    child = os.posix_spawnp(program, [program, *arguments], {**os.environ, **environment})
    _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"{program} {' '.join(arguments)[:200]} ended with {os.waitstatus_to_exitcode(status)}.")
    return Spent(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024**2)
