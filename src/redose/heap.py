"""Memory that an evaluation frees stays with the process."""

import ctypes

# of mallopt(3), glibc
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
KEPT = {ARENA_MAX: 1, MMAP_THRESHOLD: 2**25, TRIM_THRESHOLD: 2**30}  # bytes: arrays of 32 MB, in all 1 GB


def keep() -> None:
    """None. From here on what arrays leave is not given back to the system, where the C library can be told so (glibc).

    A thread that is no main one hands large arrays back at once, and every gradient of thousands of patients then has
    its pages made and cleared anew: of 3,840 patients a sixth of its time, more after other work (docs/speed.md).
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        for option, value in KEPT.items():
            library.mallopt(option, value)
