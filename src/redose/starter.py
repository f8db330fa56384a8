"""The files that a new study starts from: `study.yaml`, the eight tables, a page on how to fill them in, a config.

Columns, keys, meanings and units are those of the contract. In the YAML files `# ` begins a remark; a `#` without
a space stands before a setting that is switched off.
"""

import csv
import io
import re
import shlex
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from redose import about, contract, dictionary
from redose.adam import propose
from redose.estimand import STRATEGIES

REPOSITORY = Path(__file__).resolve().parents[2]  # of an editable installation: the folder of Snakefile and config.yaml
REMARK = "# A # without a space after it switches a setting off: take it away to use the setting."

ABOUT = {
    "title": "Six invented patients of a redosable NK product",
    "source": "invented by redose new",
    "licence": "Apache-2.0",
    "day_0": "first infusion",
    "units": {"day": "days", "cells": "cells per infusion", "mrd": "fraction of nucleated cells", "burden": "mm"},
    "assays": {"NGS": {"lod": 1e-5, "false_positive_rate": 0.0024}, "flow": {"lod": 1e-4}},
    "products": {"iPSC-NK": {"source": "iPSC", "lineage": "NK", "edits": ["CD38", "PDCD1"], "safety_switch": True}},
    "covariates": {
        "age": {"label": "age", "role": "baseline", "unit": "years", "per": 10, "centre": 60},
        "stage": {"label": "stage", "role": "baseline", "reference": "II"},
    },
}

# Rows in the order of the contract's columns; of patients, the covariates follow.
ROWS = {
    "patients": """
        P01,alder,alder-1,redosed,quarterly,iPSC-NK,0,61,II
        P02,alder,alder-1,redosed,adaptive,iPSC-NK,12,48,III
        P03,alder,alder-2,redosed,quarterly,iPSC-NK,40,70,II
        P04,alder,alder-2,single,single,iPSC-NK,77,55,III
        P05,alder,alder-1,single,single,iPSC-NK,95,66,II
        P06,alder,alder-2,single,single,iPSC-NK,130,59,III""",
    "infusions": """
        P01,0,9e8,iPSC-NK,lot-01
        P01,91,9e8,iPSC-NK,lot-02
        P01,190,9e8,iPSC-NK,lot-02
        P02,0,9e8,iPSC-NK,lot-01
        P02,97,9e8,iPSC-NK,
        P03,0,3e8,iPSC-NK,lot-01
        P03,91,9e8,iPSC-NK,lot-02
        P03,182,9e8,iPSC-NK,lot-02
        P04,0,9e8,iPSC-NK,lot-01
        P05,0,9e8,iPSC-NK,lot-02
        P06,0,3e8,iPSC-NK,lot-01""",
    "courses": """
        P01,chemotherapy,-5,-3
        P02,chemotherapy,-6,-4
        P04,radiotherapy,77,91""",
    "mrd": """
        P01,-7,NGS,0.02,
        P01,28,NGS,<lod,
        P01,84,NGS,0.0004,
        P01,170,NGS,0.011,
        P01,218,NGS,<2e-5,
        P02,-7,flow,0.08,
        P02,28,flow,0.0009,
        P02,84,flow,0.02,
        P03,-2,NGS,0.004,1e-6
        P03,28,NGS,0,1e-6
        P03,182,NGS,,1e-6
        P04,-7,NGS,0.05,
        P04,28,NGS,0.003,
        P05,-3,NGS,0.01,
        P05,84,NGS,<lod,
        P06,-7,NGS,0.002,
        P06,180,NGS,<lod,""",
    "burden": """
        P01,-7,24,
        P01,170,31.5,
        P02,-7,40,
        P03,28,<5,
        P03,182,<lod,5""",
    "intervals": """
        P01,1,0,,170,183,progression
        P01,2,190,,365,402,censored
        P02,1,0,,84,97,progression
        P02,2,97,,,210,transplant
        P03,1,0,,364,391,censored
        P04,1,0,,56,70,progression
        P04,2,77,,112,140,death
        P05,1,0,,168,196,progression
        P05,2,203,,280,300,new_therapy
        P06,1,0,,,388,censored""",
    "gvhd": """
        P01,acute,II,20,45
        P03,chronic,mild,120,""",
    "conditions": """
        P02,neutropenia,0,17""",
}

# Of the templates, in place of the example's.
OWN = {"source": "data cut of 2026-06-30", "licence": "confidential"}

# Models beside `intervals`, switched off; the example's tables hold what they need.
FURTHER = """\
joint_step: # with the step of the hazard in MRD; needs infusions and mrd
  kinetics: {level: [interval], growth: [], kill: []}
  progression: {covariates: [interval], time_dependent: [gvhd]}
  death: {covariates: []}
gvhd: # who gets GVHD; needs infusions or an earlier graft
  background: none
  acute: {covariates: []}
  chronic: {covariates: []}
"""


class NameTaken(ValueError):
    """A folder whose name cannot become a study's name; its text says why and the cure."""


def study_name(folder: Path) -> str:
    """The name of the study in the config: that of the folder, in letters, digits and hyphens.

    Raises NameTaken where nothing is left, where the path cannot stand in a text, and for the name of an example study.
    """
    path = folder.resolve()
    if not path.as_posix().isprintable():
        raise NameTaken(f"the path {path.as_posix()!r} holds a character that cannot be printed; give another.")
    name = re.sub(r"[^A-Za-z0-9]+", "-", path.name).strip("-")
    if not name:
        raise NameTaken(f"the folder's name {path.name!r} has no letter or digit to name the study by; give another.")
    if name in examples():
        raise NameTaken(
            f"{name} is the name of an example study of config.yaml, whose settings would mix with yours; give the "
            "folder another name."
        )
    return name


@cache
def examples() -> frozenset[str]:
    """The studies of the repository's `config.yaml`."""
    config = REPOSITORY / "config.yaml"
    return frozenset(yaml.safe_load(config.read_text(encoding="utf-8"))["studies"] if config.is_file() else ())


def files(name: str, folder: Path, example: bool) -> dict[str, str]:
    """The texts of all files of a new study, by file name; with an example, of six invented patients."""
    tables = {f"{table}.csv": table_csv(table, example) for table in contract.TABLES}
    return {
        "study.yaml": study_yaml(ABOUT if example else ABOUT | OWN | {"title": name}, example),
        **tables,
        "config.yaml": config_yaml(name, folder, example),
        "README.md": readme(name, folder, example),
    }


def files_from_adam(name: str, folder: Path, datasets: Path, within: str) -> dict[str, str]:
    """The texts of the files of a new study from ADaM, by file name. datasets: the folder of them; within: its path in
    that of the study. Raises StudyError where no ADSL can be read."""
    return {
        "adam.yaml": propose.proposal(datasets, within, name),
        "config.yaml": config_yaml(name, folder, example=False, source="adam"),
    }


def next_steps_from_adam(folder: Path) -> list[str]:
    """What to do with a new folder from ADaM, in lines for a terminal."""
    given, out = quoted(folder), quoted(folder.with_name(f"{folder.resolve().name}-tables"))
    return [
        f"made {folder.as_posix()}: adam.yaml, config.yaml",
        "next:",
        f"  look at every line of {given}/adam.yaml",
        f"  redose adapt {given} {out}",
        f"  redose check {out}",
        f"  {run(folder)} --dry-run",
    ]


def next_steps(folder: Path, example: bool) -> list[str]:
    """What to do with the new folder, in lines for a terminal."""
    given = quoted(folder)
    analysis = run(folder)
    if (REPOSITORY / "run").is_file() and Path.cwd() != REPOSITORY:
        analysis = shlex.quote(f"{REPOSITORY}/run") + analysis.removeprefix("./run")
    return [
        f"made {folder.as_posix()}: study.yaml, {len(contract.TABLES)} tables, config.yaml, README.md",
        "next:",
        *([] if example else [f"  fill in study.yaml and the tables, as {given}/README.md says"]),
        f"  redose check {given}",
        f"  {analysis} --dry-run",
    ]


def study_yaml(values: dict, everything: bool) -> str:
    """`study.yaml` with every key and its meaning; of the optional ones all values, or all switched off."""
    blocks = []
    for key, spec in about.STUDY.items():
        lines = part(key, values[key]) if key in about.PARTS else plain(key, values[key])
        need = "required" if spec.required else "optional"
        blocks.append([f"# {spec.meaning} ({need})", *(lines if everything or spec.required else off(lines))])
    heading = ["# What the tables of this folder are: docs/data.md of redose.", *([] if everything else [REMARK])]
    return "\n\n".join("\n".join(block) for block in [heading, *blocks]) + "\n"


def plain(key: str, value: Any) -> list[str]:
    """The YAML lines of a key with a text or a mapping of texts."""
    if isinstance(value, dict):
        return [f"{key}:", *(f"  {name}: {scalar(entry)}" for name, entry in value.items())]
    return [f"{key}: {scalar(value)}"]


def part(key: str, entries: dict) -> list[str]:
    """The YAML lines of assays, products or covariates, with the meaning of a key where it comes first."""
    lines, explained = [f"{key}:"], set()
    for name, values in entries.items():
        lines.append(f"  {name}:")
        for own, value in values.items():
            spec = about.PARTS[key][own]
            remark = f" # {spec.meaning} ({'required' if spec.required else 'optional'})"
            lines.append(f"    {own}: {scalar(value)}" + ("" if own in explained else remark))
            explained.add(own)
    return lines


def off(lines: list[str]) -> list[str]:
    """The lines of settings, switched off: a # where the text begins."""
    return [re.sub("^( *)", r"\1#", line) for line in lines]


def scalar(value: Any) -> str:
    """A value as YAML writes it on one line."""
    line = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
    return line.removesuffix("...\n").strip()


def table_csv(table: str, example: bool) -> str:
    """A table as CSV: the contract's header, and of the example its rows and covariates."""
    header = [column.name for column in contract.TABLES[table].raw]
    rows = [line.strip().split(",") for line in ROWS[table].strip().splitlines()] if example else []
    if example and table == "patients":
        header += ABOUT["covariates"]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def config_yaml(name: str, folder: Path, example: bool, source: str = "tables") -> str:
    """A config for `snakemake --configfile` that names the study, its estimand and one model."""
    covariates = ["interval", *(ABOUT["covariates"] if example else [])]
    words = "\n".join(wrapped(f"{word} = {meaning}", "      #   ") for word, meaning in STRATEGIES.items())
    further = "\n".join(f"      {line}" for line in off(FURTHER.splitlines()))
    return f"""\
# How the study {name} is analysed. In the folder of redose:
#     {run(folder)} --dry-run    shows what would run
#     {run(folder)}              writes results/{name}/report.html
# What is not said here comes from redose's own config.yaml: sampling, limits of acceptance, priors.
{REMARK}
studies:
  {scalar(name)}: # its folder under results/
    folder: {scalar(place(folder))} # of study.yaml and the tables
    source: {source}
    #privacy: {{salt: salt.txt, fewest: 5}} # pseudonyms, no small counts of subgroups: docs/privacy.md of redose
    estimand:
      # What ends an interval without a progression counts as (death cannot be followed through):
{words}
      death: competing
      transplant: hypothetical
      new_therapy: hypothetical
    models:
      intervals: # progression-free intervals; covariates are columns of patients, and `interval` is the interval number
        progression: {{covariates: {scalar(covariates)}, time_dependent: []}}
        death: {{covariates: []}}
{further}
"""


def wrapped(text: str, margin: str) -> str:
    """Text in lines of at most 110 characters behind a margin; further lines are indented."""
    return textwrap.fill(text, 110, initial_indent=margin, subsequent_indent=margin + "  ")


def readme(name: str, folder: Path, example: bool) -> str:
    """A page on how to fill the folder in, with every column of the contract."""
    required = " and ".join(f"`{table.name}.csv`" for table in contract.TABLES.values() if table.required)
    invented = "The six patients in the tables are invented: put yours in their place.\n\n" if example else ""
    sections = "\n\n".join(section(table) for table in contract.TABLES.values())
    return f"""\
# {name}

{invented}1. `study.yaml`: say what the study is. `day_0` is the event that all days count from.
2. The tables: one CSV file each (UTF-8, commas, decimal points), or a Parquet file of the same name. {required}
   must be there; delete the others where you have no such data. Delete an optional column that you do not have: a
   column that is there must be filled, unless it may be empty. Months become days by x 30.4375, weeks by x 7.
3. `patients.csv`: add a column for every covariate, and describe those that models use under `covariates` in
   `study.yaml`.
4. `redose check {quoted(folder)}` lists every fault with its row and cure; mend and repeat.
5. `config.yaml`: choose estimand, covariates and models; then, in the folder of redose, `{run(folder)}`.

More on every table, with examples, and all rules of the check: docs/data.md of redose.

{sections}
"""


def section(table: contract.Table) -> str:
    """A table's columns as Markdown."""
    lines = []
    for column in table.raw:
        meaning = column.meaning + (f": {', '.join(column.words)}" if column.words else "")
        need = "required" if column.required else "optional"
        cell = ", may be empty" if column.empty else ""
        lines.append([f"`{column.name}`", need + cell, column.unit or dictionary.TYPES[column.kind], meaning])
    need = "Required" if table.required else "Optional"
    heading = f"## {table.name}.csv\n\n{table.meaning} {need}. No two rows agree in {dictionary.names(table.key)}."
    return f"{heading}\n\n" + dictionary.grid(["column", "", "unit or type", "meaning"], lines)


def place(folder: Path) -> str:
    """The folder as a config names it: relative to the repository where it lies in it, else absolute."""
    folder = folder.resolve()
    inside = (REPOSITORY / "Snakefile").is_file() and folder.is_relative_to(REPOSITORY)
    return (folder.relative_to(REPOSITORY) if inside else folder).as_posix()


def run(folder: Path) -> str:
    """The command that analyses the study of the folder, in the repository."""
    return f"./run --configfile {shlex.quote(place(folder) + '/config.yaml')}"


def quoted(folder: Path) -> str:
    return shlex.quote(folder.as_posix())
