"""Executes the steps of the Dockerfile in a folder, without an engine: `.venv/bin/python .ci/container.py FOLDER`.

What the Dockerfile puts below /opt lies below FOLDER/opt then. Not executed: FROM (its python3.12 is the Python that
runs this) and the step that installs Debian packages. Prints the commands; ends with the first one that fails.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LATER = ("apt-get",)  # what changes the machine and not the folder


def instructions(text: str) -> list[tuple[str, str]]:
    """(name, arguments) of every instruction, continued lines joined and comments left out."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def tracked() -> list[str]:
    """Files of the repository: what `COPY . .` takes, but for what .dockerignore leaves out."""
    named = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(named, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()


def copy(names: list[str], place: Path) -> None:
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    place, environment = folder, dict(os.environ)
    for name, said in instructions((ROOT / "Dockerfile").read_text(encoding="utf-8")):
        said = re.sub(r"(?<![\w.])/(opt|workdir)\b", rf"{folder}/\1", said)
        if name == "RUN":  # the name need not be on the PATH: a shim of pyenv may be, and refuse
            said = re.sub(r"\bpython3\.12\b", sys.executable, said)
        print(f"{name} {said}", flush=True)
        if name == "WORKDIR":
            place = Path(said)
            place.mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            *given, _ = said.split()
            copy(tracked() if given == ["."] else given, place)
        elif name == "ENV":
            pairs = dict(word.split("=", 1) for word in said.split())
            environment |= {key: value.replace("$PATH", environment["PATH"]) for key, value in pairs.items()}
        elif name == "RUN" and not any(word in said for word in LATER):
            subprocess.run(["/bin/sh", "-c", said], cwd=place, env=environment, check=True)
    asked = [
        "snakemake",
        "--snakefile",
        str(folder / "opt/redose/Snakefile"),
        "--cores",
        "1",
        "--dry-run",
        "--quiet",
        "all",
    ]
    subprocess.run(asked, cwd=place, env=environment, check=True)


if __name__ == "__main__":
    main()
