"""Calls of Snakemake on the repository's Snakefile, in a process of its own, in a folder and with a config."""

import subprocess
import sys
from pathlib import Path

from smallest import ROOT, environment


def snakemake(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    """What it said."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=1800)


def place(folder: Path, config: Path) -> list[str]:
    """Arguments of a run in a folder."""
    profile = ["--workflow-profile", "none", "--cores", "2", "--keep-going"]
    return ["--directory", str(folder), "--configfile", str(config), *profile]


def run(folder: Path, config: Path, *arguments: str) -> subprocess.CompletedProcess:
    """What a run in a folder said."""
    return snakemake(*place(folder, config), *arguments)
