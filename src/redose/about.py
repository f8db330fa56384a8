"""`study.yaml`: its keys, and reading it.

A study's description as the program uses it is a dict with all keys of `STUDY`; in each assay, product and
covariate, keys with a default are filled in, other optional keys are present only where the file gives them.
"""

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from redose import delimited, problems

LARGEST = 200_000  # bytes of study.yaml; PyYAML takes seconds for more
VALUES = 20_000  # in it, where every alias (*name) counts as all that it stands for

SOURCES = ("iPSC", "autologous", "donor", "none")
LINEAGES = ("T", "NK", "CIML-NK", "none")
ROLES = ("burden", "tme", "baseline")


@dataclass(frozen=True)
class Key:
    """A key: `read` turns its YAML value into ours or raises ValueError with what was expected."""

    read: Callable[[Any], Any]
    meaning: str
    required: bool = False
    default: Any = None  # None: left out when the file does not give it


def words(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        raise ValueError("text")
    if delimited.FORMULA.fullmatch(str(value).strip()):
        raise ValueError("text that no spreadsheet takes for a formula")
    return str(value).strip()


def number(value: Any) -> float:
    # YAML 1.1 reads 1e-5, without a point, as text
    try:
        if isinstance(value, bool) or not math.isfinite(float(value)):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError("a number") from None
    return float(value)


def between(value: Any, low: float, high: float, expected: str) -> float:
    if not low < number(value) < high:
        raise ValueError(expected)
    return number(value)


def fraction(value: Any) -> float:
    return between(value, 0, 1, "a fraction above 0 and below 1")


def rate(value: Any) -> float:
    return 0.0 if value == 0 else between(value, 0, 1, "a probability of at least 0 and below 1")


def positive(value: Any) -> float:
    return between(value, 0, math.inf, "a number above 0")


def yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def names(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError("a list in square brackets")
    return [words(entry) for entry in value]


def one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return value

    return read


def mapping(value: Any) -> dict:
    if not isinstance(value, dict):
        raise ValueError("a mapping, indented below its key")
    return value


STUDY = {
    "title": Key(words, "title of the study, printed on the dossier", required=True),
    "source": Key(words, "where the data come from, and how they were derived", default=""),
    "licence": Key(words, "terms under which the data may be used", default=""),
    "day_0": Key(words, "the event that day 0 stands for: first study treatment, or randomisation", required=True),
    "units": Key(mapping, "unit of a column in words, by column; `day` can only be days", default={}),
    "assays": Key(mapping, "MRD assays by name", default={}),
    "products": Key(mapping, "cell products by name", default={}),
    "covariates": Key(mapping, "covariates by their column of patients", default={}),
}
PARTS = {
    "assays": {
        "lod": Key(fraction, "limit of detection, a fraction, for samples without one of their own"),
        "false_positive_rate": Key(rate, "probability that a sample without disease reads positive", default=0.0),
    },
    "products": {
        "source": Key(one_of(SOURCES), "source of the cells: " + ", ".join(SOURCES), required=True),
        "lineage": Key(one_of(LINEAGES), "lineage of the cells: " + ", ".join(LINEAGES), required=True),
        "edits": Key(names, "edited genes, such as PDCD1, LAG3, CTLA4", default=[]),
        "safety_switch": Key(yes_no, "whether the cells can be ablated by a drug", default=False),
    },
    "covariates": {
        "label": Key(words, "name for tables and figures", required=True),
        "role": Key(one_of(ROLES), "burden, tme (tumour microenvironment) or baseline", required=True),
        "unit": Key(words, "unit; marks the column as numeric"),
        "per": Key(positive, "the hazard ratio is per this many units; marks the column as numeric"),
        "centre": Key(number, "value at which the covariate has no effect (default: its mean); marks it as numeric"),
        "reference": Key(words, "level that the others are compared with; marks the column as categorical"),
    },
}


def read(path: Path) -> tuple[dict, pd.DataFrame]:
    """The description of a study and the problems of its file; what is at fault is left out of the description."""
    file = path.as_posix()
    if delimited.outside(path, path.parent):
        return filled({}, STUDY), delimited.file_outside(path)
    if not path.exists():
        cure = "write it as docs/data.md shows, or correct the path"
        return filled({}, STUDY), problems.remark("file_missing", file, "there is no such file", cure)
    try:
        node = composed(path)
        content, twice = yaml.SafeLoader("").construct_document(node) if node else None, repeated_keys(node)
    except delimited.Unreadable as fault:
        return filled({}, STUDY), problems.remark(fault.rule, file, fault.message, fault.cure, **fault.where)
    except (ValueError, yaml.YAMLError, RecursionError) as fault:
        mark = getattr(fault, "problem_mark", None)
        reason = getattr(fault, "problem", None) or getattr(fault, "reason", None) or type(fault).__name__
        row = mark.line + 1 if mark else None
        cure = "correct it; colons, indentation and quotes are the usual suspects"
        if isinstance(fault, yaml.constructor.ConstructorError):
            cure = "leave tags (!...) out: study.yaml holds text, numbers, lists and mappings, and no objects"
        message = f"is not YAML ({problems.shown(reason)})"
        return filled({}, STUDY), problems.remark("file_unreadable", file, message, cure, row=row)
    if not isinstance(content, dict):
        cure = "give the keys title, day_0, ... as docs/data.md shows"
        return filled({}, STUDY), problems.remark("file_unreadable", file, "is not a mapping of keys to values", cure)

    reader = Reader(file)
    for key, row in twice:
        reader.fault("study_key_unknown", key, "the key is given twice", "merge the two", row=row)
    about = reader.keys(content, STUDY, "")
    for part, keys in PARTS.items():
        entries = about[part].items()
        about[part] = {str(name): reader.keys(entry, keys, f"{part}.{name}") for name, entry in entries}
    about["units"] = reader.units(about["units"])
    return about, problems.joined(reader.found)


def composed(path: Path) -> yaml.Node | None:
    """The nodes of a YAML file, of which nothing has been made yet. Raises Unreadable or yaml.YAMLError."""
    raw = delimited.content(path)
    if len(raw) > LARGEST:
        cure = f"give what docs/data.md names, in at most {LARGEST:,} bytes"
        raise delimited.Unreadable(f"has {len(raw):,} bytes, which is no description of a study", cure)
    delimited.refuse_pickled(raw)
    node = yaml.compose(raw.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    if values(node, {}) > VALUES:
        cure = "write out what is meant, without aliases (*name) and merges (<<)"
        raise delimited.Unreadable(f"holds more than {VALUES:,} values, every alias counted in full", cure)
    return node


def values(node: yaml.Node | None, known: dict[int, float]) -> float:
    """The number of values below a node when every alias is written out, infinite where it holds itself.

    known: of nodes counted before, by their identity."""
    if id(node) not in known:
        known[id(node)] = math.inf  # met again before it is counted, it holds itself
        inner = [] if node is None or isinstance(node, yaml.ScalarNode) else node.value
        parts = [part for entry in inner for part in (entry if isinstance(entry, tuple) else (entry,))]
        known[id(node)] = 1 + sum(values(part, known) for part in parts)
    return known[id(node)]


def filled(content: dict, keys: dict[str, Key]) -> dict:
    """`content` with the defaults of absent keys; required keys at fault read as empty text."""
    defaults = {name: "" if key.required else key.default for name, key in keys.items()}
    return {name: type(value)(value) for name, value in defaults.items() if value is not None} | content


def repeated_keys(node: yaml.Node | None) -> list[tuple[str, int]]:
    """Keys given twice in one mapping, with their lines: YAML would silently keep the last."""
    found, waiting, seen = [], [node], set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            known = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in known:
                    found.append((key.value, key.start_mark.line + 1))
                known.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
                waiting.append(value)
    return sorted(found, key=lambda entry: entry[1])


class Reader:
    """Reads keys of one file and collects the problems."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[pd.DataFrame] = []

    def fault(self, rule: str, column: str, message: str, cure: str, **where: object) -> None:
        message = f"{problems.shown(column)}: {message}"
        self.found.append(problems.remark(rule, self.file, message, cure, column=column, **where))

    def keys(self, content: Any, keys: dict[str, Key], place: str) -> dict:
        """The known keys of one mapping, read; `place` is where it stands, such as assays.flow."""
        if not isinstance(content, dict):
            message = f"{problems.shown(content)} is not a mapping of keys to values"
            self.fault("study_value", place, message, f"give {', '.join(keys)}", value=problems.shown(content))
            return filled({}, keys)
        known = {}
        for name, value in content.items():
            path = f"{place}.{name}" if place else str(name)
            if name not in keys:
                near = difflib.get_close_matches(str(name), keys, n=1)
                cure = f"did you mean {near[0]}?" if near else f"leave it out; the keys here are {', '.join(keys)}"
                self.fault("study_key_unknown", path, "is no key of the contract", cure.rstrip("?"))
            elif value is not None:
                try:
                    known[name] = keys[name].read(value)
                except ValueError as expected:
                    quoted = problems.shown(value)
                    message = f"{quoted} is not {expected}"
                    self.fault("study_value", path, message, f"give {expected}", value=quoted)
        for name, key in keys.items():
            if key.required and content.get(name) is None:
                path = f"{place}.{name}" if place else name
                self.fault("study_key_missing", path, "the key is missing or empty", f"give {key.meaning}")
        return filled(known, keys)

    def units(self, units: dict) -> dict[str, str]:
        """The units as text. Days must be days: everything that is dated is read as such."""
        read = {}
        for name, value in units.items():
            try:
                read[str(name)] = words(value)
            except ValueError as expected:
                message = f"{problems.shown(value)} is not {expected}"
                self.fault("study_value", f"units.{name}", message, f"give {expected}", value=problems.shown(value))
        for name in {"day", "days", "time"} & set(read):
            if not read[name].casefold().startswith("day"):
                cure = "convert all days: weeks x 7, months x 30.4375, years x 365.25"
                message = f"the unit of time is {problems.shown(read[name])}, not days"
                self.fault("study_value", f"units.{name}", message, cure, value=problems.shown(read[name]))
        return read
