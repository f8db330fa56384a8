"""What a job takes before it does anything, and the compilation of every strand: `python benchmarks/start.py`.

Imports are those of the named scripts of the workflow, each in a process of its own, the fastest of a few repeats.
joint_step is compiled from empty caches, in temporary folders, and once more from what that left there.
"""

import argparse
import ast
import subprocess
import sys
import tempfile
from pathlib import Path

import prepared
import processes
import rows
from rows import Measure

from redose import files

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"
ONE = str(Path(__file__).with_name("one_fit.py"))
ASKS = "import sys; sys.exit('pymc' in sys.modules)"


def imports_of(script: str) -> str:
    """The import statements of a script of the workflow."""
    page = ast.parse((SCRIPTS / f"{script}.py").read_text(encoding="utf-8"))
    return "\n".join(ast.unparse(node) for node in page.body if isinstance(node, ast.Import | ast.ImportFrom))


def with_pymc(lines: str) -> bool:
    """Whether these imports load PyMC."""
    return subprocess.run([sys.executable, "-c", f"{lines}\n{ASKS}"]).returncode == 1


def imported(script: str, repeats: int) -> list[Measure]:
    """Wall and processor time to import what a script does, s."""
    lines = imports_of(script)
    note = "with PyMC" if with_pymc(lines) else "without PyMC"
    fastest = min((processes.timed("-c", lines) for _ in range(repeats)), key=lambda spent: spent.cpu)
    said = f"{note}, fastest of {repeats}, {rows.load()}"
    return [
        Measure(f"imports of {script}, processor time", fastest.cpu, "s", note),
        Measure(f"imports of {script}, wall time", fastest.wall, "s", said),
    ]


def compiled(patients: int) -> list[Measure]:
    """Wall and processor time to build and compile joint_step with every strand, from empty and from full caches, s."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared.prepare("redosable", "joint_step", patients, {}, folder)
        caches = {"NUMBA_CACHE_DIR": f"{name}/numba", "PYTENSOR_FLAGS": f"base_compiledir={name}/pytensor"}
        for state in ("cold", "cached"):
            spent = processes.timed(ONE, name, "compile", "1", **caches)
            within = files.read_json(folder / "compile.json")["compile"]
            found += [
                Measure(f"compilation of joint_step, {state}", within, "s", rows.load()),
                Measure(f"compilation of joint_step, {state}, processor time of the process", spent.cpu, "s"),
            ]
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--scripts", nargs="+", default=["check", "judge", "report", "fit"])
    options.add_argument("--patients", type=int, default=60, help="of the model that is compiled; 0: none is")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--table", help="CSV to write")
    asked = options.parse_args()
    measures = [m for script in asked.scripts for m in imported(script, asked.repeats)]
    measures += compiled(asked.patients) if asked.patients else []
    rows.say(rows.table("start", "process", measures), asked.table)


if __name__ == "__main__":
    main()
