"""A finished run of the real DAG in seconds: in a copy of the repository every script writes empty results."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "config.yaml", "requirements.lock", "workflow", "data", "src", "profiles")
# what the script imports stays below, because a rule's digest is read from it
EMPTY = """from pathlib import Path
for made in map(Path, snakemake.output):
    if made.suffix:
        made.write_text('{"accepted": true}')
    else:
        made.mkdir(exist_ok=True)
raise SystemExit
"""


def repository(folder: Path) -> Path:
    """A copy of the repository in `folder` whose scripts write nothing of worth; returns it."""
    folder.mkdir(parents=True)
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    for script in (folder / "workflow/scripts").glob("*.py"):
        script.write_text(EMPTY + script.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def run(copy: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """Snakemake of the copy, which runs in the folder beside it."""
    folder = cwd or copy.parent / "run"
    folder.mkdir(exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PATH": path}
    called = [sys.executable, "-m", "snakemake", "--snakefile", str(copy / "Snakefile")]
    if "--workflow-profile" not in arguments:
        called += ["--workflow-profile", "none", "--cores", "2"]
    return subprocess.run(
        [*called, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=900
    )


def jobs(said: str) -> dict[str, int]:
    """Rule -> number of its jobs, as a dry run counts them; without the targets."""
    counted = re.findall(r"(?m)^(\w+) +(\d+)$", said[said.rfind("Job stats:") :]) if "Job stats:" in said else []
    return {rule: int(number) for rule, number in counted if rule not in ("all", "total")}
