"""The smallest study through profiles/slurm on a SLURM of the test's own, against a run without one."""

import re
from pathlib import Path

import pandas as pd
import pytest
import smallest
from loopback import needs_slurm, running

from redose import differences

pytestmark = [pytest.mark.slurm, needs_slurm]
PROFILE = str(smallest.ROOT / "profiles/slurm")
# the profile's pace is that of a site with other users
PACE = ["--slurm-init-seconds-before-status-checks", "1", "--max-status-checks-per-second", "10"]


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Path:
    """Folder of a run on this machine alone."""
    folder = smallest.write(tmp_path_factory.mktemp("local"))
    result = smallest.run(folder, "--cores", "2")
    assert result.returncode == 0, result.stderr[-4000:]
    return folder


def unlike(one: Path, other: Path) -> list[differences.Difference]:
    """Files of two runs that are not the same bits, but for what may differ."""
    found = differences.differences(one / "results", other / "results")
    assert len(found) > 80
    return [d for d in found if d.state not in (differences.SAME, differences.ALLOWED)]


def seconds(text: str) -> float:
    """A time of SLURM, such as 1-02:03:04."""
    days, _, clock = text.rpartition("-")
    hours, minutes, rest = map(int, clock.split(":"))
    return 86400 * int(days or 0) + 3600 * hours + 60 * minutes + rest


def overheads(jobs: str, folder: Path) -> pd.DataFrame:
    """Of every job in SLURM's words: its run time there (slurm), and that of the rule's own script (script), in s."""
    own = {f.parent.name: pd.read_csv(f, sep="\t").loc[0, "s"] for f in folder.glob("logs/*/*.tsv")}
    found = re.findall(r"RunTime=(\S+).*?Comment=rule_(\w+?)_wildcards", jobs)
    rows = [(rule, seconds(time), own[rule]) for time, rule in found]
    return pd.DataFrame(rows, columns=["rule", "slurm", "script"])


def test_a_study_from_tables_to_its_dossier(local, tmp_path, capsys):
    folder = smallest.write(tmp_path / "run")
    with running(tmp_path / "slurm") as slurm:
        result = smallest.run(folder, *PACE, profile=PROFILE, **slurm.environment)
        jobs = slurm.say("scontrol", "--oneliner", "show", "job")
    assert result.returncode == 0, result.stderr[-4000:]
    assert (folder / "results/bladder/report.html").stat().st_size > 50_000
    assert unlike(local, folder) == []
    states = set(re.findall(r"JobState=(\w+)", jobs))
    assert states == {"COMPLETED"}
    assert re.search(r"NumCPUs=2 .*Comment=rule_fit_", jobs)  # a thread a chain, where a scheduler shares out the cores
    times = overheads(jobs, folder)
    assert len(times) > 10 and "fit" in set(times["rule"])
    assert "judge" not in set(times["rule"])  # seconds long: where Snakemake is
    with capsys.disabled():
        over = (times["slurm"] - times["script"]).median()
        print(f"\nSLURM: {len(times)} jobs; in SLURM beyond the rule's own script {over:.1f} s a job (median)")
