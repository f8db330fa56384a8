"""Studies through profiles/slurm and profiles/generic on a SLURM of the test's own, against a run without one."""

import re
from pathlib import Path

import pandas as pd
import pytest
import smallest
from loopback import needs_slurm, running

from redose import differences

pytestmark = [pytest.mark.slurm, needs_slurm]
STUDIES = ("bladder", "transplant", "redosable")
PROFILES = smallest.ROOT / "profiles"
# the profiles' pace is that of a site with other users
PACE = ["--max-status-checks-per-second", "10", "--latency-wait", "5"]
SOON = ["--slurm-init-seconds-before-status-checks", "1"]


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Path:
    """Folder of a run of the default studies on this machine alone."""
    folder = smallest.write(tmp_path_factory.mktemp("local"), smallest.settings(*STUDIES))
    result = smallest.run(folder, "--cores", "2")
    assert result.returncode == 0, result.stderr[-4000:]
    return folder


def unlike(one: Path, other: Path, study: str) -> list[differences.Difference]:
    """Files of a study in two runs that are not the same bits, but for what may differ."""
    found = differences.differences(one / "results" / study, other / "results" / study)
    assert len(found) > 80
    return [d for d in found if d.state not in (differences.SAME, differences.ALLOWED)]


def seconds(text: str) -> float:
    """A time of SLURM, such as 1-02:03:04."""
    days, _, clock = text.rpartition("-")
    hours, minutes, rest = map(int, clock.split(":"))
    return 86400 * int(days or 0) + 3600 * hours + 60 * minutes + rest


def overheads(jobs: str, folder: Path) -> pd.DataFrame:
    """Of every job of one rule: its run time in SLURM (slurm), and that of the rule's own script (script), in s."""
    files = {f"{f.parent.name} {f.stem.replace('.', '_')}": f for f in folder.glob("logs/*/*.tsv")}
    own = {job: pd.read_csv(file, sep="\t").loc[0, "s"] for job, file in files.items()}
    found = re.findall(r"RunTime=(\S+).*?Comment=rule_(\w+?)_wildcards_(\w+)", jobs)
    rows = [(rule, seconds(time), own[f"{rule} {of}"]) for time, rule, of in found]
    return pd.DataFrame(rows, columns=["rule", "slurm", "script"])


def test_the_default_studies_from_tables_to_their_dossiers(local, tmp_path, capsys):
    folder = smallest.write(tmp_path / "run", smallest.settings(*STUDIES))
    with running(tmp_path / "slurm", memory=6000) as slurm:  # two of the largest jobs beside each other
        result = smallest.run(folder, *PACE, *SOON, profile=str(PROFILES / "slurm"), **slurm.environment)
        jobs = slurm.say("scontrol", "--oneliner", "show", "job")
    assert result.returncode == 0, result.stderr[-4000:]
    for study in STUDIES:
        assert (folder / f"results/{study}/report.html").stat().st_size > 50_000
        assert unlike(local, folder, study) == []
    assert set(re.findall(r"JobState=(\w+)", jobs)) == {"COMPLETED"}
    assert len(re.findall(r"NumCPUs=2 .*Comment=rule_fit_", jobs)) == 4  # a thread a chain, where cores are shared out
    times = overheads(jobs, folder)
    assert len(times) > 40 and {"fit", "simulate_regimes", "report"} <= set(times["rule"])
    assert "judge" not in set(times["rule"])  # seconds long: where Snakemake is
    with capsys.disabled():
        over = (times["slurm"] - times["script"]).median()
        print(f"\nSLURM: {len(times)} jobs; in SLURM beyond the rule's own script {over:.1f} s a job (median)")


def test_a_study_through_commands_of_submission_and_status(local, tmp_path):
    """profiles/generic, whose submit.py, status.sh and cancel.sh speak to SLURM as to any other scheduler."""
    folder = smallest.write(tmp_path / "run")
    with running(tmp_path / "slurm") as slurm:
        environment = slurm.environment | {"REDOSE_SCHEDULER": "slurm"}
        result = smallest.run(folder, *PACE, profile=str(PROFILES / "generic"), **environment)
        jobs = slurm.say("scontrol", "--oneliner", "show", "job")
    assert result.returncode == 0, result.stderr[-4000:]
    assert unlike(local, folder, "bladder") == []
    assert set(re.findall(r"JobState=(\w+)", jobs)) == {"COMPLETED"}
    assert re.search(r"JobName=redose\.fit .*NumCPUs=2 .*MinMemoryNode=1000M", jobs)  # as its rule asks


def test_what_the_commands_of_the_generic_profile_say_of_a_job(tmp_path):
    status, cancel = (str(PROFILES / "generic" / name) for name in ("status.sh", "cancel.sh"))
    with running(tmp_path / "slurm") as slurm:
        job = slurm.say("sbatch", "--parsable", "--output=/dev/null", "--wrap", "sleep 300").strip()
        assert slurm.say(status, job) == "running\n"
        slurm.say(cancel, job)
        slurm.wait(lambda: slurm.say(status, job) == "failed\n")
        done = slurm.say("sbatch", "--parsable", "--output=/dev/null", "--wrap", "true").strip()
        slurm.wait(lambda: slurm.say(status, done) == "success\n")
        assert slurm.say(status, "99999") == "failed\n"  # forgotten
