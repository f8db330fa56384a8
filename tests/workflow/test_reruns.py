"""What runs again after which edit: dry runs over a finished run, whose scripts wrote empty results."""

import ast
import base64
import json
import subprocess
from pathlib import Path

import pytest
import rehearsed
import yaml

ROOT = Path(__file__).parents[2]
ENDS = {"report", "record", "index", "confirm"}  # what hangs on everything
UNJUDGED = {
    "diagnose",
    "predict_prior",
    "draw_sampler",
    "judge",
    "draw_workflow",
} | ENDS  # more is known after the verdict
REFITTED = {"fit", "sample_prior"} | UNJUDGED
FROM_TABLES = {"check", "describe", "describe_patients", "design", "draw_data"} | REFITTED


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """Folder of a finished run, with the copy of the repository that it was made by: a simulated study with two models
    and one of GVHD, and a study with tables of its own."""
    base = tmp_path_factory.mktemp("finished")
    copy, folder = rehearsed.repository(base / "copy"), base / "run"
    known = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]
    del known["redosable"]["models"]["joint_value"]
    own = known["bladder"] | {"folder": "mine", "source": "tables"}
    (folder / "mine").mkdir(parents=True)
    (folder / "mine/study.yaml").write_text("title: mine\n")
    for table in ("patients", "intervals"):
        (folder / f"mine/{table}.csv").write_text("patient\n1\n")
    settings = {"studies": {"redosable": known["redosable"], "mine": own}}
    (folder / "own.yaml").write_text(yaml.safe_dump(settings))
    result = rehearsed.run(copy, "--configfile", "own.yaml")
    assert result.returncode == 0, result.stderr[-4000:]
    return base


@pytest.fixture
def edited(finished, tmp_path) -> Path:
    """A copy of all that, for an edit; ages of files are kept."""
    subprocess.run(["cp", "-a", f"{finished}/.", str(tmp_path)], check=True)
    return tmp_path


def planned(base: Path, *arguments: str) -> dict[str, int]:
    """Rule -> number of jobs that would run."""
    result = rehearsed.run(base / "copy", "--configfile", "own.yaml", "--dry-run", *arguments)
    assert result.returncode == 0, result.stderr[-4000:]
    said = result.stdout + result.stderr
    found = rehearsed.jobs(said)
    assert found or "Nothing to be done" in said, said[-2000:]
    return found


def set_in_config(base: Path, **sections) -> None:
    path = base / "run/own.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | sections))


def append(path: Path, text: str = "# edited\n") -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def changed_prior(base: Path) -> None:
    set_in_config(base, priors={"doubling": {"median": 40}})


def changed_row(base: Path) -> None:
    append(base / "run/mine/intervals.csv", "2\n")


def changed_figure(base: Path) -> None:
    append(base / "copy/src/redose/figures/mrd.py")


def changed_caption(base: Path) -> None:
    append(base / "copy/workflow/report/threshold.rst")


def changed_seed(base: Path) -> None:
    set_in_config(base, seed=1)


def changed_regime(base: Path) -> None:
    regimes = yaml.safe_load((ROOT / "config.yaml").read_text())["decision"]["regimes"]
    set_in_config(base, decision={"regimes": [*regimes, {"name": "yearly", "kind": "fixed", "every": 364}]})


def changed_name(base: Path) -> None:
    studies = yaml.safe_load((base / "run/own.yaml").read_text())["studies"]
    set_in_config(base, studies={"redosable": studies["redosable"], "ours": studies["mine"]})


def touched(base: Path) -> None:
    """As a checkout, a copy or an editor does that saves what was not edited."""
    for folder in ("src", "workflow/rules", "workflow/report", "data"):
        for file in (base / "copy" / folder).rglob("*.*"):
            file.touch()
    for file in [base / "copy/Snakefile", base / "copy/config.yaml", *(base / "run").glob("*.*")]:
        file.touch()
    for file in (base / "run/mine").iterdir():
        file.touch()


def changed_sampling(base: Path) -> None:
    append(base / "copy/src/redose/sampling.py")


def changed_template(base: Path) -> None:
    append(base / "copy/src/redose/templates/report.css", "/* edited */")


def changed_script(base: Path) -> None:
    append(base / "copy/workflow/scripts/draw_mrd.py")


def changed_command(base: Path) -> None:
    append(base / "copy/src/redose/cli/new.py")


EDITS = [
    (changed_prior, {"design"} | REFITTED, 4),
    (changed_row, FROM_TABLES, 1),
    (changed_figure, {"draw_data", "draw_decision", "draw_mrd"} | ENDS, 0),
    (changed_caption, ENDS, 0),
    (changed_seed, REFITTED, 4),
    (changed_regime, {"simulate_regimes", "decide", "gain", "draw_decision", "foresee", "predictor"} | ENDS, 0),
    (changed_name, FROM_TABLES, 1),
    (touched, set(), 0),
    (changed_sampling, REFITTED, 4),
    (changed_template, ENDS, 0),
    (changed_script, {"draw_mrd"} | ENDS, 0),
    (changed_command, set(), 0),
]


@pytest.mark.parametrize(("edit", "rules", "fits"), EDITS, ids=[edit.__name__ for edit, *_ in EDITS])
def test_what_depends_on_an_edit_runs_again_and_nothing_else(edit, rules, fits, edited):
    """fits: number of models that are fitted again, of four."""
    edit(edited)
    found = planned(edited)
    assert set(found) == rules
    assert found.get("fit", 0) == fits


@pytest.mark.parametrize(
    "machine",
    [
        ["--cores", "1"],
        ["--set-threads", "fit=3"],
        ["--set-resources", "fit:mem_mb=9000"],
        ["--workflow-profile", "slurm"],
        ["--workflow-profile", "generic"],
    ],
)
def test_threads_memory_and_profiles_ask_for_nothing(machine, finished):
    machine = [str(finished / "copy/profiles" / x) if x in ("slurm", "generic") else x for x in machine]
    assert planned(finished, *machine) == {}


def imported(path: Path, package: Path) -> set[Path]:
    """Files of the package that a Python file imports, at any depth."""
    todo, found = [path], set()
    while todo:
        names = set()
        for node in ast.walk(ast.parse(todo.pop().read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        places = [package.parent.joinpath(*name.split(".")) for name in names if name.split(".")[0] == "redose"]
        new = {f for place in places for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file()} - found
        found |= new
        todo += new
    return found


def test_the_modules_behind_a_rule_are_those_that_its_script_imports(finished):
    """The rules find them as text; here they are parsed."""
    names = {base64.b64decode(f.name).decode(): f for f in (finished / "run/.snakemake/metadata").iterdir()}
    params = json.loads(names["results/redosable/provenance.json"].read_text())["params"]
    known = next(value for value in map(ast.literal_eval, params) if isinstance(value, dict) and "fit" in value)
    package = finished / "copy/src/redose"
    assert len(known) > 30
    for rule, modules in known.items():
        script = finished / f"copy/workflow/scripts/{rule}.py"
        assert {package / m for m in modules} == imported(script, package), rule
