"""Entries of the codebook: files, columns, names that stand for others, and columns that stand in many files."""

import re
from dataclasses import dataclass

from redose import contract

NUMBER = " (value)"  # end of the name of a column of numbers beside a column of text
STANDS_FOR = {
    "<model>": r"(?:intervals|joint_\w+)",
    "<fit>": r"(?:intervals|joint_\w+|gvhd)",
    "<fold>": r"[^/]+",
    "<table>": r"[^/]+",
    "<days>": r"\d+",
    "<percent>": r"[\d.]+",
    "<cause>": r"(?:progression|death|transplant|new_therapy)",
    "<column>": r".+",
    "<heading>": rf".+(?<!{re.escape(NUMBER)})",
    "<covariate>": r".+",
}
BAND = "[_low|_high]"


@dataclass(frozen=True)
class Column:
    """A column, or a family of them; kind: a key of `dictionary.TYPES`; optional: not in every study."""

    name: str
    kind: str
    meaning: str
    unit: str = ""
    optional: bool = False

    def matches(self, name: str) -> bool:
        return re.fullmatch(pattern(self.name), name) is not None


@dataclass(frozen=True)
class File:
    """A file below the folder of a study, or a family of them. rows: what a row is. needs: what a study must have, a
    key of `NEEDS`."""

    place: str
    rows: str
    columns: tuple[Column, ...]
    needs: str = ""

    def matches(self, place: str) -> bool:
        return re.fullmatch(pattern(self.place), place) is not None


NEEDS = {
    "": "every study",
    "source": "studies that are simulated, or derived from ADaM or a public data set",
    "adam": "studies that come from ADaM",
    "joint": "joint models",
    "regimes": "joint models whose marker infusions move",
    "gvhd": "studies with the model gvhd",
    "validation": "studies with a section `validation`",
    "newcomers": "studies with `newcomers`",
    "cuts": "studies with `cuts`",
    "calibration": "`./run calibration`",
    "benchmark": "`./run benchmark`",
}


def pattern(name: str) -> str:
    """The regular expression of a name with parts that stand for others, and with endings."""
    parts = re.split(r"(<\w+>|\[[^\]]+\])", name)
    return "".join(STANDS_FOR.get(x) or ending(x) or re.escape(x) for x in parts if x)


def ending(part: str) -> str:
    """The regular expression of `[_low|_high]`; empty for any other part."""
    words = part[1:-1].split("|") if part.startswith("[") else []
    return f"(?:{'|'.join(map(re.escape, words))})?" if words else ""


def text(name: str, meaning: str, **options: bool) -> Column:
    return Column(name, "text", meaning, **options)


def number(name: str, meaning: str, unit: str = "", **options: bool) -> Column:
    return Column(name, "number", meaning, unit, **options)


def count(name: str, meaning: str, **options: bool) -> Column:
    return Column(name, "count", meaning, **options)


def flag(name: str, meaning: str, **options: bool) -> Column:
    return Column(name, "flag", meaning, **options)


def band(of: str, unit: str = "") -> tuple[Column, ...]:
    """Columns mean, low and high."""
    return (
        number("mean", f"{of}, posterior mean", unit),
        number("low", "lower end of its band", unit),
        number("high", "upper end of its band", unit),
    )


def checked(table: contract.Table) -> File:
    """The entry of a checked table, as the contract has it."""
    columns = [
        Column(c.name, c.kind, c.meaning + (f": {', '.join(c.words)}" if c.words else ""), c.unit)
        for c in table.columns
    ]
    if table.name == "patients":
        of_study = "covariate of the study, numeric or categorical"
        columns.append(Column("<covariate>", "any", of_study, optional=True))
    return File(f"tables/{table.name}.parquet", table.meaning.partition(";")[0].rstrip("."), tuple(columns))


LOG = "log10 MRD"
QAD = "quality-adjusted days a patient"
PATIENT = text("patient", "key of the patient, unique over trials")
MODEL = text("model", "name of the model, as in the config")
CAUSE = text("cause", "outcome: progression, or one that competes with it")
GROUP = text("group", "schedule of the patients; their arm where all have one schedule")
CHAIN = count("chain", "chain of the draw, as posterior.nc numbers it")
DRAW = count("draw", "number of the draw in its chain, as posterior.nc has it")
