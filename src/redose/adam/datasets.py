"""The datasets of a study's ADaM folder: found by name whatever their capitals, read when first asked for."""

import difflib
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from redose.adam import cells, formats, mapping
from redose.adam.faults import Faults
from redose.delimited import Unreadable
from redose.problems import shown


@dataclass(frozen=True)
class Dataset:
    """A dataset: `frame` holds text, indexed by record (1, 2, ...), a column for each variable that is used."""

    name: str
    path: Path
    frame: pd.DataFrame

    @property
    def file(self) -> str:
        """The file as messages write it."""
        return self.path.as_posix()

    def row(self, record: int) -> int:
        """The row of a record as messages give it: in CSV as a spreadsheet counts (header: row 1); else the record."""
        return int(record) + (self.path.suffix.casefold() == ".csv")

    def get(self, variable: str) -> pd.Series:
        """The cells of a variable; empty ones where the dataset lacks it."""
        return self.frame[variable] if variable in self.frame else pd.Series("", index=self.frame.index, dtype=object)


class Library:
    """The datasets of one study's mapping. Raises StudyError through `faults`."""

    def __init__(self, rules: mapping.Mapping, faults: Faults) -> None:
        self.rules, self.faults = rules, faults
        self.folder = within(rules.study_folder, rules["folder"], faults)
        self.wanted = mapping.used(rules)
        self.read: dict[str, Dataset] = {}

    def has(self, name: str) -> bool:
        """Whether the folder holds a file for the dataset."""
        return bool(self.files(name))

    def files(self, name: str) -> list[Path]:
        """The files that could be the dataset: by the name that the mapping gives, or by its own."""
        wanted = self.rules["datasets"].get(name, name).casefold()
        return [path for path in listed(self.folder) if wanted in (path.stem.casefold(), path.name.casefold())]

    def dataset(self, name: str) -> Dataset:
        """The dataset, read at most once; raises StudyError where it is missing, twice there, or unreadable."""
        if name not in self.read:
            path = self.file(name)
            try:
                frame = formats.read(path, self.wanted.get(name), self.rules["encoding"])
            except Unreadable as fault:
                self.faults.stop_at("adam_dataset", path, fault.message, fault.cure, **fault.where)
            self.read[name] = Dataset(name, path, frame)
            self.require(name, self.rules["subject"], "subject")
        return self.read[name]

    def file(self, name: str) -> Path:
        """The one file of the dataset; raises StudyError."""
        found = self.files(name)
        if not found:
            given = sorted(path.name for path in listed(self.folder))
            near = difflib.get_close_matches(
                name.casefold(), [Path(file).stem.casefold() for file in given], n=1, cutoff=0.5
            )
            guess = f", perhaps {{{name}: {near[0]}}}" if near else ""
            cure = f"put it there, or name its file under datasets{guess} (the folder holds {', '.join(given[:12])})"
            wanted = self.rules["datasets"].get(name, name.lower())
            endings = ", ".join(formats.READERS)
            message = f"there is no {wanted} with one of the endings {endings}"
            self.faults.stop_at("adam_dataset", self.folder, message, cure)
        if len(found) > 1:
            names = " and ".join(path.name for path in found)
            cure = f"remove all but one, or name it with its ending under datasets: {{{name}: {found[0].name}}}"
            self.faults.stop_at("adam_dataset", self.folder, f"{name} is there more than once: {names}", cure)
        return inside(found[0], self.rules.study_folder, self.faults)

    def require(self, name: str, variable: str, key: str) -> None:
        """Stops unless the dataset has the variable. key: the key of the mapping that asks for it."""
        data = self.read[name]
        if variable not in data.frame:
            near = difflib.get_close_matches(variable, list(formats.read(data.path, None, self.rules["encoding"])), n=1)
            guess = f"did you mean {near[0]}?" if near else "name another variable"
            message = f"there is no variable {shown(variable)}, which adam.yaml asks for ({key})"
            self.faults.stop_at(
                "adam_variable", data.path, message, f"correct adam.yaml: {guess.rstrip('?')}", column=variable
            )

    def selected(self, choice: dict, key: str, may_lack: bool = False) -> Dataset:
        """The records of a selection's dataset that `where` names and `except` does not.

        Words are compared without regard to case. key: of the mapping, such as mrd.1. Raises StudyError where a value
        of `where` does not occur, unless `may_lack`: events may not have happened yet.
        """
        data = self.dataset(choice["dataset"])
        keep = pd.Series(True, index=data.frame.index)
        for wanted, part in ((True, "where"), (False, "except")):
            for variable, allowed in choice[part].items():
                self.require(data.name, variable, f"{key}.{part}")
                own = data.frame[variable].str.casefold()
                among = own.isin([text.casefold() for text in allowed])
                if wanted and not among.any() and not may_lack:
                    held = sorted(set(data.frame[variable]) - {""})
                    near = difflib.get_close_matches(allowed[0], held, n=1)
                    guess = f"; did you mean {shown(near[0])}" if near else f"; it holds {shown(', '.join(held[:8]))}"
                    message = f"no record has {variable} {shown(' or '.join(allowed))} ({key})"
                    self.faults.stop_at(
                        "adam_nothing", data.path, message, f"correct adam.yaml{guess}", column=variable
                    )
                keep &= among == wanted
        return Dataset(data.name, data.path, data.frame[keep])

    def digests(self) -> pd.DataFrame:
        """A row for every dataset read: dataset, file, SHA-256, records, variables used."""
        rows = [
            (data.name, data.path.name, digest(data.path), len(data.frame), len(data.frame.columns))
            for _, data in sorted(self.read.items())
        ]
        return pd.DataFrame(rows, columns=["dataset", "file", "sha256", "records", "variables"])


def listed(folder: Path) -> list[Path]:
    """The files of a folder that could be datasets, sorted."""
    return sorted(
        path for path in folder.iterdir() if path.suffix.casefold() in formats.READERS and path.name[0] != "."
    )


def within(study_folder: Path, name: str, faults: Faults) -> Path:
    """The folder of the datasets; raises StudyError where it is none, or lies outside the study's folder."""
    folder = study_folder / name
    if not folder.is_dir():
        cure = "correct folder in adam.yaml, or put the datasets there"
        faults.stop_at("adam_folder", study_folder / mapping.FILE, f"folder: there is no folder {shown(name)}", cure)
    return inside(folder, study_folder, faults)


def inside(path: Path, study_folder: Path, faults: Faults) -> Path:
    """The path, where it leads to a place within the study's folder, links followed; else raises StudyError."""
    if not path.resolve().is_relative_to(study_folder.resolve()):
        cure = "copy it into the study's folder"
        faults.stop_at("adam_folder", path, "lies outside the study's folder", cure)
    return path


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def first_date(data: Dataset, variables: list[str]) -> pd.Series:
    """The first whole date of several variables, by record, as days since 1960; NaN where there is none."""
    found = pd.Series(np.nan, index=data.frame.index)
    for variable in variables:
        found = found.fillna(cells.dates(data.get(variable)))
    return found
