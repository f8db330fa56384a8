"""Drill of faults: whatever kills a run, the next one completes it, and no half-written file bears a final name."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import h5py
import pandas as pd
import pytest
import smallest
from loopback import needs_slurm, running

from redose import differences

pytestmark = pytest.mark.slow
PROFILE = str(smallest.ROOT / "profiles/slurm")
PACE = ["--slurm-init-seconds-before-status-checks", "1", "--max-status-checks-per-second", "10", "--latency-wait", "5"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[Path, float]:
    """(folder, seconds) of a run that nothing happens to."""
    folder, start = smallest.write(tmp_path_factory.mktemp("undisturbed")), time.monotonic()
    result = smallest.run(folder, "--cores", "2")
    assert result.returncode == 0, result.stderr[-4000:]
    return folder, time.monotonic() - start


def same(folder: Path, undisturbed: Path) -> bool:
    found = differences.differences(undisturbed / "results", folder / "results")
    other = [d for d in found if d.state not in (differences.SAME, differences.ALLOWED)]
    assert other == [] and len(found) > 80
    return True


def torn(folder: Path) -> list[str]:
    """Files under a final name that cannot be read to their end. Log and benchmark files are no results."""
    found = []
    for file in (folder / "results").rglob("*"):
        if not file.is_file() or file.name.startswith("."):
            continue
        try:
            READ.get(file.suffix, read_text)(file)
        except Exception as fault:  # any reader's own complaint is what is looked for
            found.append(f"{file.name}: {fault}")
    return found


def read_text(file: Path) -> None:
    text = file.read_bytes()
    ends = {".svg": b"</svg>", ".html": b"</html>", ".png": b"IEND\xaeB`\x82"}
    assert text.rstrip(b"\n").endswith(ends.get(file.suffix, b"")) and text


def read_tree(file: Path) -> None:
    with h5py.File(file) as tree:
        tree.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)


READ = {
    ".json": lambda file: json.loads(file.read_text()),
    ".csv": pd.read_csv,
    ".parquet": pd.read_parquet,
    ".nc": read_tree,
}


def killed(folder: Path, after: float) -> bool:
    """Starts a run and kills Snakemake and all its jobs after so many seconds; whether it was still running."""
    called = smallest.command(folder, "--cores", "2", "--rerun-incomplete")
    process = subprocess.Popen(
        called, env=smallest.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def test_kills_at_random_moments(undisturbed, tmp_path, pytestconfig, capsys):
    """Each kill falls anywhere in the next third of a run; after each, nothing is torn, and the lock can be lifted. At
    every end results are those of the run that nothing happened to."""
    reference, whole = undisturbed
    wanted, rng, hit, start = pytestconfig.getoption("kills"), random.Random(20261126), 0, time.monotonic()
    folder = smallest.write(tmp_path / "run")
    while hit < wanted:
        if killed(folder, rng.uniform(2, whole / 3)):
            hit += 1
            assert torn(folder) == []
            assert smallest.run(folder, "--unlock", "--cores", "1").returncode == 0
        else:  # it came to its end: from here a run has nothing to do, so another one begins
            same(folder, reference)
            shutil.rmtree(folder)
            smallest.write(folder)
    done = {f: f.stat().st_mtime_ns for f in (folder / "results").rglob("*.nc")}
    result = smallest.run(folder, "--cores", "2", "--rerun-incomplete")
    assert result.returncode == 0, result.stderr[-4000:]
    assert same(folder, reference)
    kept = [f.name for f in done if f.stat().st_mtime_ns == done[f]]
    with capsys.disabled():
        print(
            f"\n{hit} kills in {time.monotonic() - start:.0f} s; of the last run's files {len(kept)} were kept: {kept}"
        )


def test_a_full_disk(undisturbed, tmp_path):
    """A clear message; with space again, the same results."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mounted, capture_output=True).returncode:
        pytest.skip("needs root and a tmpfs")
    try:
        folder = smallest.write(disk / "run")
        full = smallest.run(folder, "--cores", "2")
        assert full.returncode != 0
        assert "No space left on device" in full.stderr or "no space" in full.stderr.lower()
        assert torn(folder) == []
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        smallest.run(folder, "--unlock", "--cores", "1")
        result = smallest.run(folder, "--cores", "2", "--rerun-incomplete")
        assert result.returncode == 0, result.stderr[-4000:]
        assert same(folder, undisturbed[0])
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slurm
@needs_slurm
def test_faults_of_a_cluster(undisturbed, tmp_path):
    """One run, through SLURM with two nodes: a node is drained, a job runs out of memory and has more at its second
    attempt, and a fit is cancelled while it runs."""
    folder = smallest.write(tmp_path / "run")
    little = ["--set-resources", "design:mem_mb=150 * attempt ** 3"]
    with running(tmp_path / "slurm", nodes=2) as slurm:
        slurm.say("scontrol", "update", "NodeName=n1", "State=DRAIN", "Reason=drill")
        called = smallest.command(folder, *PACE, *little, profile=PROFILE)
        with (tmp_path / "said.txt").open("w") as said:
            process = subprocess.Popen(
                called, env=smallest.environment(**slurm.environment), stdout=said, stderr=subprocess.STDOUT
            )
            try:
                slurm.wait(lambda: fits(slurm), 300)
                slurm.say("scontrol", "update", "NodeName=n1", "State=RESUME")
                time.sleep(5)  # it runs
                slurm.say("scancel", *fits(slurm))
                assert process.wait(900) == 0, (tmp_path / "said.txt").read_text()[-4000:]
            finally:
                process.kill()
        jobs = slurm.say("scontrol", "--oneliner", "show", "job").splitlines()
    states = {rule: [state_of(job) for job in jobs if f"Comment=rule_{rule}_" in job] for rule in ("design", "fit")}
    assert states["fit"] == ["CANCELLED", "COMPLETED"]
    assert len(states["design"]) == 2 and states["design"][1] == "COMPLETED" != states["design"][0]
    assert "NodeList=n2" in jobs[0]  # the one that was not drained
    assert torn(folder) == [] and same(folder, undisturbed[0])


def fits(slurm) -> list[str]:
    """Ids of the fits that run."""
    lines = slurm.say("squeue", "-h", "-t", "RUNNING", "-o", "%i %k").splitlines()
    return [line.split()[0] for line in lines if line.split()[1].startswith("rule_fit_")]


def state_of(job: str) -> str:
    return job.split("JobState=")[1].split()[0]
