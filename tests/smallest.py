"""The smallest of the example studies at tiny settings, analysed by Snakemake in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
SAMPLING = {"chains": 2, "tune": 60, "draws": 60, "target_accept": 0.8}
EASY = {"rhat": 5.0, "rhat_patient": 5.0, "ess_bulk": 1, "ess_tail": 1, "divergences": 10000, "bfmi": 0.0}


def settings() -> dict:
    """A config of the study bladder with one model, quick to compile and to sample."""
    study = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]["bladder"]
    model = study["models"]["intervals"] | {"baseline": "weibull", "sampling": SAMPLING}
    studies = {"bladder": study | {"models": {"intervals": model}}}
    return {"studies": studies, "sampling": SAMPLING, "acceptance": EASY}


def write(folder: Path, known: dict | None = None) -> Path:
    """Makes `folder` a place to run in: a config.yaml of its own lies there. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(known or settings()))
    return folder


def command(folder: Path, *arguments: str, profile: str = "none") -> list[str]:
    """How Snakemake is called to analyse the study in `folder`."""
    place = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    known = ["--configfile", str(folder / "tiny.yaml"), "--workflow-profile", profile]
    return [sys.executable, "-m", "snakemake", *place, *known, *arguments]


def environment(**own: str) -> dict:
    """Variables of the processes; PATH starts with this environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), own.pop("PATH", os.environ["PATH"])])
    return {**os.environ, **own, "PATH": path}


def run(folder: Path, *arguments: str, profile: str = "none", **own: str) -> subprocess.CompletedProcess:
    """What Snakemake said. own: environment variables."""
    called = command(folder, *arguments, profile=profile)
    return subprocess.run(called, env=environment(**own), capture_output=True, text=True, timeout=1800)
