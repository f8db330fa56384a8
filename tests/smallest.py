"""The example studies at tiny settings, one or all three, analysed by Snakemake in a process of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
SAMPLING = {"chains": 2, "tune": 60, "draws": 60, "target_accept": 0.8, "longer": {"times": 1}}
EASY = {"rhat": 5.0, "rhat_patient": 5.0, "ess_bulk": 1, "ess_tail": 1, "divergences": 10000, "bfmi": 0.0}
MODELS = {"bladder": ("intervals",), "transplant": ("intervals", "gvhd"), "redosable": ("joint_step",)}
PATIENTS = 20  # of redosable
# adaptive regimes of two levels and two spacings, for few patients and draws
DECISION = {
    "ahead": {"most": 4, "draws": 20, "chunk": 10},
    "grid": {"tau": [-4, -3], "every": [56, 112]},
    "dynamic": {"draws": 40},
}


def settings(*names: str) -> dict:
    """A config of these example studies, of bladder if none is named, quick to compile and to sample. redosable is
    simulated from its own folder beside the config (`write`)."""
    known, studies = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"], {}
    for name in names or ("bladder",):
        own = {"sampling": SAMPLING, "baseline": "weibull"}
        models = {m: known[name]["models"][m] | (own if m != "gvhd" else {"sampling": SAMPLING}) for m in MODELS[name]}
        studies[name] = known[name] | {"models": models}
    if "redosable" in studies:
        studies["redosable"]["folder"] = "redosable"
    return {"studies": studies, "sampling": SAMPLING, "acceptance": EASY, "decision": DECISION}


def write(folder: Path, known: dict | None = None) -> Path:
    """Makes `folder` a place to run in: a config of its own lies there, and redosable's protocol for few patients where
    the config has that study. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    known = known or settings()
    (folder / "tiny.yaml").write_text(yaml.safe_dump(known))
    if "redosable" in known["studies"]:
        shutil.copytree(ROOT / "data/redosable", folder / "redosable")
        protocol = yaml.safe_load((folder / "redosable/simulation.yaml").read_text())
        protocol["patients"]["count"] = PATIENTS
        (folder / "redosable/simulation.yaml").write_text(yaml.safe_dump(protocol))
    return folder


def command(folder: Path, *arguments: str, profile: str = "none") -> list[str]:
    """How Snakemake is called to analyse the studies in `folder`."""
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
