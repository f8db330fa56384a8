"""How long Snakemake thinks before it works: `python benchmarks/dag.py [--studies 100] [--repeats 3] [--table CSV]`.

The default studies are run once with scripts that write empty results (tests/rehearsed.py); then a run that has
nothing to do is timed. Then a config of many studies, each with three models, is parsed up to its list of jobs. Wall
time and CPU time of the fastest of a few repeats. Ends with 1 where a limit (3 s, 15 s on an idle machine) is exceeded.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import rehearsed
import rows
from rows import Measure

NOTHING, MANY = 3.0, 15.0  # s


def many(copy: Path, count: int) -> Path:
    """A config of `count` studies that are alike, of three models each: the simulated one without its model of GVHD."""
    known = yaml.safe_load((copy / "config.yaml").read_text())["studies"]["redosable"]
    models = {name: options for name, options in known["models"].items() if name != "gvhd"}
    studies = {f"study{k:03d}": known | {"models": models} for k in range(count)}
    path = copy.parent / "many.yaml"
    path.write_text(yaml.dump({"studies": studies}, Dumper=Plain))
    return path


class Plain(yaml.SafeDumper):
    """Writes what is shared between studies each time."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def timed(copy: Path, repeats: int, folder: Path, *arguments: str) -> tuple[float, float, str]:
    """(wall time, CPU time) of the fastest of `repeats` calls, in s, and what the last one said."""
    folder.mkdir(exist_ok=True)
    found = []
    for _ in range(repeats):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        result = rehearsed.run(copy, *arguments, cwd=folder)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if result.returncode:
            raise SystemExit(result.stderr[-2000:])
        found.append((wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return *min(found), result.stdout + result.stderr


def measures(nothing: tuple, parsed: tuple, studies: int) -> list[Measure]:
    """What `timed` found, as rows."""
    found = []
    for name, (wall, cpu, _) in (("nothing to do, default studies", nothing), (f"jobs of {studies} studies", parsed)):
        found += [Measure(f"{name}, wall time", wall, "s", rows.load())]
        found += [Measure(f"{name}, processor time", cpu, "s")]
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--studies", type=int, default=100)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--table", help="CSV to write; then the limits are not looked at")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        copy = rehearsed.repository(Path(name, "copy"))
        timed(copy, 1, Path(name, "run"))
        nothing = timed(copy, asked.repeats, Path(name, "run"))
        if "Nothing to be done" not in nothing[2]:
            raise SystemExit(f"a second run has something to do: {nothing[2][-2000:]}")
        config = ["--configfile", str(many(copy, asked.studies)), "--dry-run", "--quiet", "all"]
        parsed = timed(copy, asked.repeats, Path(name, "many"), *config)
    print(f"nothing to do, default studies: {nothing[0]:.1f} s, of which {nothing[1]:.1f} s of a core")
    print(f"jobs of {asked.studies} studies of 3 models: {parsed[0]:.1f} s, of which {parsed[1]:.1f} s of a core")
    if asked.table:
        rows.say(rows.table("start", "workflow", measures(nothing, parsed, asked.studies)), asked.table)
        return
    raise SystemExit(1 if nothing[0] > NOTHING or parsed[0] > MANY else 0)


if __name__ == "__main__":
    main()
