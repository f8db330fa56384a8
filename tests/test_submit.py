"""profiles/generic: what is said to each scheduler of a job, and what is made of its answers."""

import importlib.util
import json
import os
import subprocess
from pathlib import Path

import pytest

PROFILE = Path(__file__).parents[1] / "profiles/generic"
SPEC = importlib.util.spec_from_file_location("submit", PROFILE / "submit.py")
submit = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(submit)
JOB = {"type": "single", "rule": "fit", "threads": 4, "resources": {"mem_mb": 3000, "runtime": 90}}


@pytest.fixture
def script(tmp_path, monkeypatch) -> Path:
    """A job script as Snakemake writes it, in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDOSE_PE", raising=False)
    path = tmp_path / "job.sh"
    path.write_text(f"#!/bin/sh\n# properties = {json.dumps(JOB)}\ntrue\n")
    return path


def program(folder: Path, name: str, text: str) -> None:
    """A command that pretends to be a scheduler's."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def called(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """A script of the profile, the working directory first on the PATH."""
    path = os.pathsep.join([str(Path.cwd()), os.environ["PATH"]])
    known = {**os.environ, "PATH": path, **environment}
    return subprocess.run([str(PROFILE / name), *arguments], env=known, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [
        ("slurm", "--cpus-per-task 4 --mem 3000M --time 90"),
        ("sge", "-pe smp 4 -l h_vmem=750M -l h_rt=5400"),
        ("pbs", "-l select=1:ncpus=4:mem=3000mb -l walltime=1:30:00"),
    ],
)
def test_cores_memory_and_time_in_the_words_of_a_scheduler(scheduler, words, script):
    job = submit.properties(script)
    said = submit.command("redose.fit", job["threads"], *job["resources"].values(), scheduler)
    assert words in " ".join(said)


def test_the_id_is_printed_and_the_wishes_of_the_site_are_passed_on(script, tmp_path):
    program(tmp_path, "qsub", 'echo "$@" > said; echo 17')
    result = called("submit.py", str(script), REDOSE_SCHEDULER="sge", REDOSE_SUBMIT="-q 'long q'", REDOSE_PE="mpi")
    assert (result.returncode, result.stdout) == (0, "17\n")
    said = (tmp_path / "said").read_text().split()
    assert said[-4:] == ["-q", "long", "q", str(script)] and "mpi" in said and (tmp_path / "logs/generic").is_dir()


def test_an_unknown_scheduler_is_named_with_those_that_are_known(script):
    result = called("submit.py", str(script), REDOSE_SCHEDULER="lsf")
    assert result.returncode == 1 and "'lsf'; set it to slurm, sge or pbs" in result.stderr


SLURM = [("COMPLETED", "success"), ("RUNNING", "running"), ("PENDING", "running"), ("OUT_OF_MEMORY", "failed")]
PBS = [("F\n Exit_status = 0", "success"), ("F\n Exit_status = 1", "failed"), ("R", "running"), ("Q", "running")]


@pytest.mark.parametrize(("state", "becomes"), SLURM)
def test_states_of_slurm(state, becomes, script, tmp_path):
    program(tmp_path, "scontrol", f"echo 'JobId=17 JobState={state} Reason=None'")
    assert called("status.sh", "17", REDOSE_SCHEDULER="slurm").stdout == f"{becomes}\n"


@pytest.mark.parametrize(("state", "becomes"), PBS)
def test_states_of_pbs(state, becomes, script, tmp_path):
    program(tmp_path, "qstat", f"printf 'Job Id: 17\\n job_state = {state}\\n'")
    assert called("status.sh", "17", REDOSE_SCHEDULER="pbs").stdout == f"{becomes}\n"


@pytest.mark.parametrize(
    ("known", "exit_status", "becomes"), [(1, 0, "running"), (0, 0, "success"), (0, 137, "failed")]
)
def test_states_of_grid_engine(known, exit_status, becomes, script, tmp_path):
    listed = "17 0.5 redose.fit me r 01/01/2026" if known else ""
    program(tmp_path, "qstat", f'if [ "$1" = -j ]; then exit {1 - known}; fi; echo "{listed}"')
    program(tmp_path, "qacct", f"printf 'failed 0\\nexit_status {exit_status}\\n'")
    assert called("status.sh", "17", REDOSE_SCHEDULER="sge").stdout == f"{becomes}\n"


@pytest.mark.parametrize(("scheduler", "asked"), [("slurm", "scontrol squeue"), ("sge", "qstat"), ("pbs", "qstat")])
def test_a_scheduler_that_does_not_answer_has_not_lost_the_job(scheduler, asked, script, tmp_path):
    for name in asked.split():
        program(tmp_path, name, "exit 1")
    assert called("status.sh", "17", REDOSE_SCHEDULER=scheduler).stdout == "running\n"


def test_jobs_are_taken_back(script, tmp_path):
    program(tmp_path, "qdel", 'echo "$@" > said')
    assert called("cancel.sh", "17", "18", REDOSE_SCHEDULER="pbs").returncode == 0
    assert (tmp_path / "said").read_text() == "17 18\n"
