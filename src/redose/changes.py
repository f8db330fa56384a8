"""What has changed since a study was analysed: its results, its inputs, and what made the ones of the other."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from redose import digests, provenance

SAME, CHANGED, MISSING, NEW, UNKNOWN = "same", "changed", "missing", "new", "not found"
UNRECORDED = {provenance.NAME, "run_times.csv"}  # the record itself, and what differs from run to run


@dataclass(frozen=True)
class Change:
    """One thing that is no longer as it was. part: results, inputs, settings, package, workflow, lock or environment;
    name: file, setting or package; state: a word of this module; detail: what more there is to say."""

    part: str
    name: str
    state: str
    detail: str = ""


def changes(folder: Path, record: dict, root: Path, settings: dict | None) -> Iterator[Change]:
    """Everything that is not as the record of a run says.

    folder: of the study's results. root: of the Snakefile. settings: the config of today, `studies` narrowed to this
    one, None where it is not known.
    """
    yield from of_results(folder, record["results"])
    own = settings or record["settings"]["shown"]
    yield from of_inputs(record["inputs"], folder.parents[1], root, Path(own["studies"][record["study"]]["folder"]))
    if settings is not None:
        now = provenance.of_settings(settings, {})
        if now["sha256"] != record["settings"]["sha256"]:
            yield from of_settings(record["settings"]["shown"], now["shown"])
    uses = users(record["rules"])
    for change in compared("package", record["package"], digests.of_files(provenance.PACKAGE, provenance.OF_PACKAGE)):
        used = uses.get(change.name, [])
        yield Change("package", change.name, change.state, f"used by {', '.join(used)}" if used else "")
    yield from compared("workflow", record["workflow"], digests.of_files(root, provenance.OF_WORKFLOW))
    yield from compared("lock", {provenance.LOCK: record["lock"]}, digests.of_files(root, [provenance.LOCK]))
    yield from of_environment(record["environment"])


def of_results(folder: Path, recorded: dict) -> Iterator[Change]:
    """Files of the study's results that are not those of the run."""
    for name, made in recorded.items():
        file = folder / name
        if not file.is_file():
            yield Change("results", name, MISSING, f"made by {made['rule']}")
        elif digests.of_file(file) != made["sha256"]:
            yield Change("results", name, CHANGED, f"made by {made['rule']}")
    found = {file.relative_to(folder).as_posix() for file in provenance.below(folder)}
    for name in sorted(found - set(recorded) - UNRECORDED):
        yield Change("results", name, NEW, "no file of this run")


def of_inputs(recorded: dict, place: Path, root: Path, own: Path) -> Iterator[Change]:
    """Inputs that are not those of the run. place: where the run was started; own: the study's folder."""
    for name, was in recorded.items():
        file = next((f for f in (place / name, root / name, place / own / Path(name).name) if f.is_file()), None)
        if file is None:
            elsewhere = "it lies outside the folders of the run and of the workflow"
            gone = name.startswith(provenance.ELSEWHERE)
            yield Change("inputs", name, UNKNOWN if gone else MISSING, elsewhere if gone else "")
        elif digests.of_file(file) != was:
            yield Change("inputs", name, CHANGED)


def of_settings(was: dict, now: dict, place: str = "") -> Iterator[Change]:
    """Settings that are not those of the run, by their names joined with dots."""
    for name in dict.fromkeys([*was, *now]):
        old, new, known = was.get(name), now.get(name), f"{place}{name}"
        if isinstance(old, dict) and isinstance(new, dict):
            yield from of_settings(old, new, f"{known}.")
        elif name not in now or name not in was:
            yield Change("settings", known, MISSING if name not in now else NEW, short(old if name in was else new))
        elif old != new:
            yield Change("settings", known, CHANGED, f"{short(old)} -> {short(new)}")


def short(value: object) -> str:
    """A setting on a line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def compared(part: str, was: dict, now: dict) -> Iterator[Change]:
    """Names whose digests differ, or that stand on one side only."""
    for name in sorted({*was, *now}):
        if was.get(name) != now.get(name):
            yield Change(part, name, MISSING if name not in now else NEW if name not in was else CHANGED)


def users(rules: dict) -> dict:
    """Module of the package -> rules whose scripts depend on it."""
    found = {}
    for rule, modules in rules.items():
        for module in modules:
            found.setdefault(module, []).append(rule)
    return found


def of_environment(was: dict) -> Iterator[Change]:
    """Packages of another version than in the run."""
    for name, old in was.items():
        try:
            new = version(name)
        except PackageNotFoundError:
            yield Change("environment", name, MISSING, old)
            continue
        if new != old:
            yield Change("environment", name, CHANGED, f"{old} -> {new}")
