# Look-ups in the config, and digests that make a rule run again when the code behind its script has changed.
import ast
import hashlib
import importlib.util
import os
import re
from functools import cache
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

PACKAGE = Path(next(iter(importlib.util.find_spec("redose").submodule_search_locations)))
IMPORTS = re.compile(r"^[ \t]*(?:from (redose[\w.]*) import (\([^)]*\)|.*)|import (redose[\w.]*))", re.MULTILINE)
TABLES = ["patients", "infusions", "courses", "mrd", "burden", "intervals", "gvhd", "conditions"]
DATASETS = [".xpt", ".sas7bdat", ".csv", ".parquet", ".json", ".ndjson"]  # as redose.adam.formats.READERS
ADAM = ["datasets", "counts", "reasons", "listings", "left_out", "conversions", "endpoints", "distributions"]
ADAM += ["limits", "adherence"]  # reports of redose.adam.adapt
EVENT_MODELS = "intervals|joint_value|joint_slope|joint_value_slope|joint_step"  # `gvhd` has conclusions of its own

# a config file that names studies analyses those, and not the examples beside them; likewise the models of a study
named = workflow.config_settings.overwrite_config.get("studies")
if isinstance(named, dict):
    config["studies"] = {name: config["studies"][name] for name in named}
    for name, own in named.items():
        if isinstance(own, dict) and isinstance(own.get("models"), dict):
            config["studies"][name]["models"] = {m: config["studies"][name]["models"][m] for m in own["models"]}


def alternatives(names):
    return "|".join(re.escape(name) for name in names) or "none"


@cache
def imported(path):
    """Files of the package that a Python file imports, directly: found as text, which takes a tenth of the time that
    parsing all of the package does at every start."""
    names = set()
    for whence, what, whole in IMPORTS.findall(path.read_text(encoding="utf-8")):
        listed = re.sub(r"#.*", "", what).strip("()").split(",") if whence else []
        names |= {whence or whole, *(f"{whence}.{name.split()[0]}" for name in listed if name.strip())}
    bases = [PACKAGE.joinpath(*name.split(".")[1:]) for name in names]
    return {f for b in bases for f in (b.with_suffix(".py"), b / "__init__.py") if f.is_file()}


@cache
def modules(script):
    """Every module of the package that workflow/scripts/<script>.py depends on."""
    todo, found = [Path(workflow.basedir, "workflow", "scripts", f"{script}.py")], set()
    while todo:
        new = imported(todo.pop()) - found
        found |= new
        todo += new
    return sorted(found)


@cache
def digest(script):
    """Digest of those modules."""
    return hashlib.sha256(b"\x1f".join(path.read_bytes() for path in modules(script))).hexdigest()[:16]


def chapters():
    """Chapters of the dossier by key, numbered in their order: the categories of `snakemake --report`. They are read as
    text where the package names them, because rules never import it."""
    page = ast.parse((PACKAGE / "report" / "chapters.py").read_text(encoding="utf-8"))
    named = {node.targets[0].id: node.value for node in page.body if isinstance(node, ast.Assign)}
    titles = ast.literal_eval(named["CHAPTERS"])
    return {key: f"{place:02d} {title}" for place, (key, title) in enumerate(titles.items(), start=1)}


CHAPTERS = chapters()


def study_of(wildcards):
    return config["studies"][wildcards.study]


def estimand_of(wildcards):
    return study_of(wildcards)["estimand"]


def folder_of(wildcards):
    """The study's folder: relative to the working directory or, for the examples, to the repository."""
    folder = study_of(wildcards)["folder"]
    return folder if Path(folder).exists() else os.path.relpath(Path(workflow.basedir, folder))


def about_of(wildcards):
    """What the study is: by hand beside the tables, or made with them where they come from ADaM or are those of a cut."""
    source = study_of(wildcards).get("source", "tables")
    if source == "cut":
        return checkpoints.cut.get(study=wildcards.study).output.about
    if source == "adam":
        return f"results/{wildcards.study}/adam/study.yaml"
    return f"{folder_of(wildcards)}/study.yaml"


def options_of_model(wildcards, model):
    study = study_of(wildcards)
    own = {k: v for k, v in study["models"][model].items() if k != "sampling"}
    return {**config["model"], "estimand": study["estimand"], **own}


def options_of(wildcards):
    return options_of_model(wildcards, wildcards.model)


def sampling_of(wildcards):
    return {**config["sampling"], **study_of(wildcards)["models"][wildcards.model].get("sampling", {})}


def threads_of_fit(wildcards):
    """One thread a chain, but on one machine never more than half the cores: on two cores two fits side by side, one
    thread each, end sooner than one after the other with two, as compiling takes one core only. Elsewhere a scheduler
    shares the cores out, and a job has those that it was given. Draws do not depend on it."""
    chains, cores = sampling_of(wildcards)["chains"], workflow.resource_settings.cores
    return min(chains, max(1, cores // 2)) if cores and workflow.is_main_process else chains


def grown(size):
    """A resource such as 2GB or 10m, and as much again at each further attempt: a profile says how many there are."""
    amount, unit = re.fullmatch(r"(\d+)([A-Za-z]+)", size).groups()
    return lambda wildcards, attempt: f"{int(amount) * attempt}{unit}"


def mem_of_fit(wildcards, attempt):
    """Measured peaks: 0.8 GB without MRD, 1.8 GB with, and 0.2 GB of Snakemake where a scheduler runs the job. The larger
    ones are started first."""
    return grown("3GB" if wildcards.model.startswith("joint") else "1GB")(wildcards, attempt)


def studies_from(source):
    return [n for n, s in config["studies"].items() if s.get("source", "tables") == source]


def tables_of(wildcards):
    study = study_of(wildcards)
    if study.get("source") == "cut":
        return checkpoints.cut.get(study=wildcards.study).output.tables
    if study.get("source", "tables") != "tables":
        return f"results/{wildcards.study}/source"
    found = Path(folder_of(wildcards)).glob("*")  # as redose.tables.table_files chooses
    return sorted(str(f) for f in found if f.suffix.casefold() in (".csv", ".parquet") and f.name[0] != ".")


def salt_file(study):
    """File of the salt that turns patient keys of a study into pseudonyms; "" where there is none."""
    return config["studies"][study].get("privacy", {}).get("salt", config["privacy"]["salt"])


# here and not where the file is asked for: where results stand, Snakemake takes them and swallows the error
for name in config["studies"]:
    if salt_file(name) and not Path(salt_file(name)).exists():
        cure = 'make it: python -c "import secrets; print(secrets.token_hex(32))" > ' + salt_file(name)
        raise WorkflowError(f"config: privacy.salt: there is no file {salt_file(name)!r} (study {name}); {cure}")


def salt_of(wildcards):
    cut = study_of(wildcards).get("source") == "cut"  # of checked tables, whose keys are pseudonyms already
    return [] if cut else salt_file(wildcards.study) or []


def mapping_of(wildcards):
    return f"{folder_of(wildcards)}/adam.yaml"


def datasets_of(wildcards):
    """The files of the ADaM folder that adam.yaml names; none where it cannot be read: the job then says why."""
    try:
        own = yaml.safe_load(Path(mapping_of(wildcards)).read_text(encoding="utf-8-sig"))
        found = Path(folder_of(wildcards), str(own.get("folder", "adam"))).glob("*")
        return sorted(str(f) for f in found if f.suffix.casefold() in DATASETS and f.name[0] != ".")
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return []


def protocol_of(wildcards):
    return f"{folder_of(wildcards)}/simulation.yaml"


def models_of(wildcards):
    """Models of progression and death, which are compared with each other."""
    return [m for m in study_of(wildcards)["models"] if m in EVENT_MODELS.split("|")]


def truth_of(wildcards):
    simulated = study_of(wildcards).get("source", "tables") == "simulate"
    return f"results/{wildcards.study}/source" if simulated else []
