"""Compiled code of the tests lies apart from the user's, in .pytest_cache, and LLVM optimises it lightly.

Most of a small fit is its compilation, and its draws are the same bits. Code compiled so must not stay where an
analysis would find it.
"""

import os
from functools import cache
from pathlib import Path

import pages
import pytest
from filelock import FileLock

COMPILED = Path(__file__).parents[1] / ".pytest_cache" / "compiled"
os.environ.setdefault("NUMBA_OPT", "1")
os.environ.setdefault("NUMBA_CACHE_DIR", str(COMPILED / "numba"))
os.environ.setdefault("PYTENSOR_FLAGS", f"base_compiledir={COMPILED / 'pytensor'}")


@pytest.fixture(scope="session")
def dossier_of(tmp_path_factory):
    """Kind of `dossiers.KINDS` -> (dossier, HTML, folder with both pages). Results and figures of a kind are made once,
    by the first process that asks."""
    import dossiers

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    @cache
    def of(kind: str) -> tuple:
        folder = shared / f"dossier_{kind}"
        with FileLock(shared / f"dossier_{kind}.lock"):
            if not folder.exists():
                part = dossiers.write_kind(shared / f"dossier_{kind}.part", kind)
                part.rename(folder)
            return dossiers.rendered(folder, kind)

    return of


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=20, help="how often the drill of faults kills a run (20)")


@pytest.fixture(scope="session")
def plain(dossier_of):
    """A study without MRD and with one model."""
    return pages.seen(dossier_of("plain"))


@pytest.fixture(scope="session")
def joint(dossier_of):
    """A simulated study with MRD and three models."""
    return pages.seen(dossier_of("joint"))


@pytest.fixture(scope="session")
def ill(dossier_of):
    """A study with GVHD as an outcome."""
    return pages.seen(dossier_of("ill"))


@pytest.fixture(scope="session")
def hopeless(dossier_of):
    """A study all of whose models the gate rejected."""
    return pages.seen(dossier_of("hopeless"))


@pytest.fixture(scope="session")
def halved(dossier_of):
    """A study of whose models the gate rejected one joint model and that of GVHD."""
    return pages.seen(dossier_of("halved"))
