"""Compiled code of the tests lies apart from the user's, in .pytest_cache, and LLVM optimises it lightly.

Most of a small fit is its compilation, and its draws are the same bits. Code compiled so must not stay where an
analysis would find it.
"""

import os
from functools import cache
from pathlib import Path

import pytest

COMPILED = Path(__file__).parents[1] / ".pytest_cache" / "compiled"
os.environ.setdefault("NUMBA_OPT", "1")
os.environ.setdefault("NUMBA_CACHE_DIR", str(COMPILED / "numba"))
os.environ.setdefault("PYTENSOR_FLAGS", f"base_compiledir={COMPILED / 'pytensor'}")


@pytest.fixture(scope="session")
def dossier_of(tmp_path_factory):
    """Kind of `dossiers.KINDS` -> (dossier, HTML, folder with both pages), each made once a session."""
    import dossiers

    return cache(lambda kind: dossiers.rendered(tmp_path_factory.mktemp(kind) / "s1", *dossiers.KINDS[kind]))
