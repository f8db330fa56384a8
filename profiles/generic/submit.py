#!/usr/bin/env python3
"""Prints the id under which the scheduler has taken a job: submit.py SCRIPT, whose comment says what the job needs.

REDOSE_SCHEDULER: slurm, sge or pbs. REDOSE_SUBMIT: what the site wants besides, such as "-q long". REDOSE_PE: the
parallel environment of Grid Engine, smp if it is not said.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

MARK = "# properties = "  # the line of a job script that says what its job is
LOGS = Path("logs", "generic")


def properties(script: Path) -> dict:
    """rule or group, threads, resources and more of the job in a script."""
    line = next(x for x in script.read_text(encoding="utf-8").splitlines() if x.startswith(MARK))
    return json.loads(line.removeprefix(MARK))


def command(name: str, threads: int, mem_mb: int, minutes: int, scheduler: str) -> list[str]:
    """How a job script is submitted; its name follows."""
    log = str(LOGS)
    if scheduler == "slurm":
        asked = ["--cpus-per-task", str(threads), "--mem", f"{mem_mb}M", "--time", str(minutes)]
        return ["sbatch", "--parsable", "--job-name", name, *asked, "--output", f"{log}/{name}.%j.log"]
    if scheduler == "sge":  # h_vmem is that of one slot
        environment = ["-pe", os.environ.get("REDOSE_PE", "smp"), str(threads)]
        asked = ["-l", f"h_vmem={-(-mem_mb // threads)}M", "-l", f"h_rt={60 * minutes}"]
        return ["qsub", "-terse", "-V", "-cwd", "-N", name, *environment, *asked, "-j", "y", "-o", log]
    if scheduler == "pbs":
        asked = [
            "-l",
            f"select=1:ncpus={threads}:mem={mem_mb}mb",
            "-l",
            f"walltime={minutes // 60}:{minutes % 60:02d}:00",
        ]
        return ["qsub", "-V", "-N", name[:15], *asked, "-j", "oe", "-o", f"{log}/"]
    raise SystemExit(f"REDOSE_SCHEDULER is {scheduler!r}; set it to slurm, sge or pbs.")


def main() -> None:
    script = Path(sys.argv[-1])
    job = properties(script)
    resources = job["resources"]
    name = f"redose.{job.get('rule', job.get('groupid', 'group'))}"
    scheduler = os.environ.get("REDOSE_SCHEDULER", "slurm")
    start = command(name, job.get("threads", 1), resources["mem_mb"], resources["runtime"], scheduler)
    LOGS.mkdir(parents=True, exist_ok=True)
    own = shlex.split(os.environ.get("REDOSE_SUBMIT", ""))
    raise SystemExit(subprocess.run([*start, *own, str(script)], check=False).returncode)


if __name__ == "__main__":
    main()
