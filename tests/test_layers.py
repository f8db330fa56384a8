"""Modules import from their own or an earlier layer only, and random variables are made in the models alone."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "redose"
LAYERS = [
    {"kinetics", "survival", "assay", "files", "logs", "seeds", "digests", "host"},
    {"problems", "rules", "about", "contract", "tables", "sheets", "sentinels", "samples", "follow_up", "weeks"}
    | {
        "patients",
        "adam",
        "checks",
        "cuts",
        "delimited",
        "findings",
        "examples",
        "dictionary",
        "codebook",
        "inquiry",
        "pseudonyms",
    },
    {"cohort", "coordinates", "covariates", "estimand", "lots", "markers", "design", "history", "onsets", "starter"},
    {"priors", "simulate", "prediction"},
    {"one_patient", "newcomers"},
    {"unsettled", "diagnostics"},
    {"models", "machine_code", "accelerator", "heap"},
    {"sampling"},
    {"acceptance", "overlay", "trajectories", "thresholds", "selection", "scores"}
    | {"clinical", "ranks", "schedules", "episodes", "residuals", "sensitivity", "dynamic"}
    | {"ahead", "accuracy", "references", "dosing", "between_cuts", "laplace"},
    {"decisions"},
    {"calibration", "validation"},
    {"figures", "report"},
    {"provenance", "changes", "differences", "settings"},
    {"cli", "__main__"},
]
DEPTH = {name: depth for depth, names in enumerate(LAYERS) for name in names}
FILES = sorted(f for f in PACKAGE.rglob("*.py") if f != PACKAGE / "__init__.py")


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "redose":
            found |= {f"redose.{a.name}" for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
    return found


def module(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_module_has_a_layer():
    assert {module(f) for f in FILES} == set(DEPTH)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downwards(path):
    depth = DEPTH[module(path)]
    above = {n for n in imports(path) if n.startswith("redose.") and DEPTH[n.split(".")[1]] > depth}
    assert not above
    if depth < DEPTH["models"] or depth > DEPTH["sampling"]:
        assert not {n for n in imports(path) if n.split(".")[0] in ("pymc", "pytensor", "nutpie")}


def test_rules_never_import_the_package():
    for path in (PACKAGE.parents[1] / "workflow" / "rules").glob("*.smk"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert not [x for x in lines if x.strip().startswith(("import redose", "from redose"))], path
