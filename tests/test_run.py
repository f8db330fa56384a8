"""`run`, the command of the README, with a uv that only pretends: the real set-up is what CI starts with."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
INPUTS = ["run", "bootstrap.lock", "requirements.lock", "pyproject.toml", ".python-version"]

# Writes down how it was called; REHEARSE chooses how it fails.
UV = """#!/bin/sh
echo "$*" >> uv-calls
case "$REHEARSE $1" in
"no-python venv") echo "error: No interpreter found"; exit 2 ;;
"offline pip") echo "error: error sending request for url"; exit 1 ;;
"forged pip") echo "error: Hash mismatch for numpy"; exit 1 ;;
"disk-full pip") echo "error: No space left on device"; exit 1 ;;
"killed pip") kill -KILL $PPID; exit 1 ;;
"slow venv") sleep 0.5 ;;
esac
mkdir -p .venv/bin
ln -sf /bin/sh .venv/bin/python
for tool in snakemake pytest; do
    printf '#!/bin/sh\\necho %s "$@"\\necho "${PATH%%%%:*}"\\npwd\\nexit ${CODE:-0}\\n' $tool > .venv/bin/$tool
    chmod +x .venv/bin/$tool
done
"""


def program(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


@pytest.fixture
def clone(tmp_path):
    """Folder with the files that the set-up reads, whose uv, already installed, is the one above."""
    folder = (tmp_path / "a clone").resolve()
    folder.mkdir()
    for name in INPUTS:
        shutil.copy(ROOT / name, folder / name)
    spec = importlib.util.spec_from_loader("run", SourceFileLoader("run", str(folder / "run")))
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    program(folder / ".venv-bootstrap/uv/bin/uv", UV)
    program(folder / ".venv-bootstrap/uv/bin/python", "#!/bin/sh\necho \"global.index-url='somewhere'\"\n")
    run.write_stamp(run.UV_VENV, [run.digest("bootstrap.lock")])
    return folder


def call(clone, *arguments, **environment):
    """The finished call of `run` in this clone, from another folder."""
    return subprocess.run(
        [sys.executable, str(clone / "run"), *arguments],
        cwd="/",
        env={**os.environ, "PYENV_ROOT": "/nowhere", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def uv_calls(clone) -> list[str]:
    """First two words of each call of uv."""
    file = clone / "uv-calls"
    return [" ".join(line.split()[:2]) for line in file.read_text().splitlines()] if file.exists() else []


SET_UP = ["venv --clear", "pip sync", "pip install"]


def test_arguments_environment_and_exit_code_pass_through(clone):
    done = call(clone, "--cores", "1", "a b", CODE="7")
    assert done.stdout.splitlines() == ["snakemake --cores 1 a b", f"{clone}/.venv/bin", str(clone)]
    assert done.returncode == 7


def test_no_arguments_is_the_main_job(clone):
    assert call(clone).stdout.splitlines()[0].strip() == "snakemake"


def test_arguments_of_tests_come_last_so_that_they_win(clone):
    said = call(clone, "tests", "-n", "0").stdout.splitlines()[0]
    assert said == "pytest -n 2 --dist loadfile --no-loadscope-reorder -n 0"


def test_second_call_does_no_set_up(clone):
    call(clone)
    assert uv_calls(clone) == SET_UP
    program(clone / ".venv-bootstrap/uv/bin/uv", "#!/bin/sh\nexit 1\n")
    second = call(clone)
    assert (second.returncode, second.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "repeated"),
    [("pyproject.toml", SET_UP[1:]), ("requirements.lock", SET_UP[1:]), (".python-version", SET_UP)],
)
def test_changed_file_repeats_what_depends_on_it(clone, name, repeated):
    call(clone)
    with (clone / name).open("a") as file:
        file.write("\n")
    call(clone)
    assert uv_calls(clone) == SET_UP + repeated


def test_touched_file_repeats_nothing(clone):
    call(clone)
    os.utime(clone / "requirements.lock", (0, 0))
    call(clone)
    assert uv_calls(clone) == SET_UP


def test_removed_interpreter_is_made_again(clone):
    call(clone)
    (clone / ".venv/bin/python").unlink()
    call(clone)
    assert uv_calls(clone) == SET_UP * 2


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        ("no-python", "redose needs Python 3.12"),
        ("offline", "the package index could not be reached"),
        ("forged", "does not have the locked hash"),
        ("disk-full", ".venv-bootstrap/setup.log says why"),
    ],
)
def test_failure_is_one_sentence_and_the_next_call_repeats_the_set_up(clone, failure, cause):
    failed = call(clone, REHEARSE=failure)
    last = failed.stderr.splitlines()[-1]
    assert failed.returncode == 2
    assert cause in last
    assert last.endswith("call ./run again.")
    assert all(line.startswith("run: ") for line in failed.stderr.splitlines())
    assert failed.stdout == ""
    assert call(clone).returncode == 0


def test_python_without_ensurepip_is_one_sentence(clone, tmp_path):
    shutil.rmtree(clone / ".venv-bootstrap")
    (tmp_path / "ensurepip.py").write_text("raise ImportError\n")
    failed = call(clone, PYTHONPATH=str(tmp_path))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert failed.returncode == 2
    assert f"apt-get install python{version}-venv" in failed.stderr.splitlines()[-1]
    assert "Traceback" not in failed.stderr


def test_missing_file_is_one_sentence(clone):
    (clone / "requirements.lock").unlink()
    failed = call(clone)
    assert failed.returncode == 2
    assert failed.stderr.count("\n") == 1
    assert "requirements.lock" in failed.stderr


def test_killed_set_up_is_repeated_from_the_start(clone):
    assert call(clone, REHEARSE="killed").returncode == -9
    assert call(clone).returncode == 0
    assert uv_calls(clone) == SET_UP[:2] + SET_UP


def test_two_calls_at_once_set_up_once(clone):
    command = [sys.executable, str(clone / "run")]
    environment = {**os.environ, "REHEARSE": "slow"}
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    calls = [subprocess.Popen(command, env=environment, **pipes) for _ in range(2)]
    assert [process.wait(timeout=60) for process in calls] == [0, 0]
    assert uv_calls(clone) == SET_UP


def test_index_of_pip_is_given_to_uv_unless_uv_has_its_own(clone):
    program(clone / ".venv-bootstrap/uv/bin/uv", UV.replace('"$*"', '"$1 $UV_DEFAULT_INDEX"'))
    environment = {name: os.environ.get(name, "") for name in ("PATH", "HOME")}
    for index in ({}, {"UV_DEFAULT_INDEX": "mine"}):
        shutil.rmtree(clone / ".venv", ignore_errors=True)
        subprocess.run([sys.executable, str(clone / "run")], env={**environment, **index}, capture_output=True)
    assert uv_calls(clone) == ["venv somewhere", "pip somewhere", "pip somewhere", "venv mine", "pip mine", "pip mine"]


def test_script_parses_on_old_pythons():
    source = (ROOT / "run").read_text()
    ast.parse(source, feature_version=(3, 7))
    assert not any(isinstance(node, ast.JoinedStr) for node in ast.walk(ast.parse(source)))
    assert os.access(ROOT / "run", os.X_OK)


# The locks


def locked(name: str) -> dict[str, str]:
    """Text of each requirement of a lock file, by name; its first line has the version, the next ones the hashes."""
    text = re.sub(r"^#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text.strip())
    return {re.split(r"[=\[ ]", block)[0]: block for block in blocks}


@pytest.mark.parametrize("name", ["requirements.lock", "kubernetes.lock", "bootstrap.lock"])
def test_lock_has_exact_versions_and_hashes_only(name):
    for block in locked(name).values():
        first, *hashes = block.split("\\\n")
        assert re.match(r"\S+==[\w.+!]+( ; .+)? $", first), first
        assert hashes
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64} ?", line) for line in hashes), block


@pytest.mark.parametrize("name", ["requirements.lock", "kubernetes.lock", "bootstrap.lock"])
def test_lock_names_no_index_and_no_path(name):
    text = (ROOT / name).read_text()
    assert "http" not in text
    assert "/" not in text
    assert "index" not in text


@pytest.mark.parametrize(("name", "left_out"), [("requirements.lock", "kubernetes"), ("kubernetes.lock", "test")])
def test_lock_serves_every_requirement_of_the_project(name, left_out):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = {extra: lines for extra, lines in project["project"]["optional-dependencies"].items() if extra != left_out}
    groups = [*extras.values(), *project["dependency-groups"].values()]
    lines = sum(groups, project["project"]["dependencies"] + project["build-system"]["requires"])
    lock = locked(name)
    for requirement in map(Requirement, lines):
        version = re.search(r"==(\S+)", lock[requirement.name]).group(1)
        assert version in requirement.specifier, f"{requirement}: locked {version}; refresh the lock (CONTRIBUTING.md)"


def test_citation_and_project_have_one_version_and_licence():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
