"""Memory of threads that is not asked for anew."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, threading
import numpy as np
from redose import heap
def evaluate():
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(20):
        arrays = [np.ones(500_000) for _ in range(8)]  # 32 MB
        del arrays
    found.append(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)
found = []
if {kept}:
    heap.keep()
thread = threading.Thread(target=evaluate)
thread.start()
thread.join()
print(found[0])
"""


def faults(kept: bool) -> int:
    """Pages that a thread was given by the system while it made and dropped 32 MB twenty times."""
    done = subprocess.run([sys.executable, "-c", FAULTS.format(kept=kept)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="counts pages as Linux does")
def test_arrays_of_a_thread_find_the_memory_of_those_before():
    once = 32 * 10**6 // 4096
    assert faults(True) < 2 * once < faults(False)
