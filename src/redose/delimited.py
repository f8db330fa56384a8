"""A CSV file as instruments and spreadsheet programs leave it: its rows as text, or why it cannot be read.

Nothing is guessed: another encoding, another separator or a title above the names of the columns is an `Unreadable`
with the row where it shows, because to read it after all would be to correct it silently.
"""

import csv
import io
import os
import re
from pathlib import Path

import pandas as pd

from redose import problems

SAVE = 'save it as "CSV UTF-8"'
SHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx, .ods and .xls begin
A_SHEET = ("is a spreadsheet, not CSV", f"open it with a spreadsheet program, {SAVE}")
FORMS = (  # how files of other kinds begin, whatever their name
    *((start, *A_SHEET) for start in SHEETS),
    (b"PAR1", "is Parquet, not CSV", "name it .parquet"),
    (b"\xff\xfe", "is UTF-16 text, not UTF-8", SAVE),
    (b"\xfe\xff", "is UTF-16 text, not UTF-8", SAVE),
    (b"\x1f\x8b", "is compressed, not CSV", "decompress it"),
    (b"HEADER RECORD", "is a SAS transport file, not CSV", "save it as CSV or Parquet"),
    (b"<", "is XML or HTML, not CSV", "save it as CSV or Parquet"),
)
FORMULA = re.compile(r"[=@].*|[+-].*[(|!].*|#(ref!|n/a|value!|div/0!|name\?|num!|null!)", re.IGNORECASE | re.DOTALL)
PICKLED = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
OTHERS = ";\t|"  # separators of other countries and programs
TITLES = 20  # rows above the names of the columns that are looked through


class Unreadable(Exception):
    """A file that is not what its name says: message, cure, the rule, and where it shows (row, patient, value)."""

    def __init__(self, message: str, cure: str, rule: str = "file_unreadable", **where: object) -> None:
        super().__init__(message)
        self.message, self.cure, self.rule, self.where = message, cure, rule, where


def outside(path: Path, folder: Path) -> bool:
    """Whether a file of a folder lies elsewhere in truth, by a symbolic link or by `..`."""
    # os.path, because Path.resolve raises for a link that leads to itself
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def file_outside(path: Path) -> pd.DataFrame:
    message = "is a link to a file outside the study's folder, and is not read"
    return problems.remark("file_outside", path.as_posix(), message, "put a copy of the file in its place")


def content(path: Path) -> bytes:
    """The bytes of a file. Raises Unreadable for what is no file, such as a pipe, which would never end."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise Unreadable("is a pipe or a device, not a file", "put a file in its place")
        return path.read_bytes()
    except OSError as fault:
        raise Unreadable(f"cannot be read ({fault.strerror})", "check the path and its permissions") from None


def rows(path: Path) -> list[list[str]]:
    """The rows of a CSV file, the header first, cells as they stand. Raises Unreadable."""
    # as a file opened with newline="" gives its lines: str.splitlines would end them at form feeds too
    reader = csv.reader(io.StringIO(decoded(content(path)), newline=""), strict=True)
    try:
        return list(reader)
    except csv.Error as fault:
        cure = "check the quotes at and before this row"
        raise Unreadable(f"is not CSV ({fault})", cure, row=reader.line_num) from None


def decoded(raw: bytes) -> str:
    """The text of a CSV file in UTF-8, with or without a byte order mark. Raises Unreadable."""
    for start, message, cure in FORMS:
        if raw.startswith(start):
            raise Unreadable(message, cure)
    refuse_pickled(raw)
    nul = raw.find(b"\0")
    if nul >= 0:
        raise Unreadable("holds NUL bytes, as no text does", SAVE, row=row_of(raw, nul))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        # utf-8-sig counts from behind the byte order mark
        at = fault.start + (3 if raw.startswith(b"\xef\xbb\xbf") else 0)
    first = raw.rfind(b"\n", 0, at) + 1
    line = raw[first:].split(b"\n", 1)[0].decode("cp1252", "replace").split(",")
    column = raw[first:at].count(b",")
    header = [name.strip() for name in raw.split(b"\n", 1)[0].decode("utf-8-sig", "replace").split(",")]
    key = header.index("patient") if first and "patient" in header else len(line)
    where = {"row": row_of(raw, at), "value": problems.shown(line[column].strip())}
    where["patient"] = problems.shown(line[key].strip()) if key < len(line) else ""
    message = f"is not UTF-8 text: {where['value']} is written in another encoding, such as that of Windows (Latin-1)"
    raise Unreadable(message, SAVE, **where)


def refuse_pickled(raw: bytes) -> None:
    if raw.startswith(PICKLED):
        cure = "save it as CSV or Parquet; a pickle is never opened, because to open one runs what it holds"
        raise Unreadable("is a Python pickle", cure)


def row_of(raw: bytes, place: int) -> int:
    return raw.count(b"\n", 0, place) + 1


def refuse_other_separators(header: list[str]) -> None:
    """Raises Unreadable where columns are separated by anything but commas."""
    joined = ",".join(header)
    mark = max(OTHERS, key=joined.count)
    if joined.count(mark) >= len(header):
        message = f"has no commas between its columns but {problems.shown(repr(mark))}"
        raise Unreadable(message, f"{SAVE}, with commas and decimal points", row=1)


def refuse_titles(rows: list[list[str]], known: set[str]) -> None:
    """Raises Unreadable unless the first row names a column. known: the columns of the table, in small letters."""
    named = [len({cell.strip().casefold() for cell in row} & known) for row in rows[: TITLES + 1]]
    if any(named[:1]):
        return
    if max(named, default=0):
        row = named.index(max(named)) + 1
        message = f"the names of the columns stand in row {row}, not in the first"
        cure = f"remove the {'rows' if row > 2 else 'row'} above them"
    elif not any(cell.strip() for row in rows[:1] for cell in row):
        raise Unreadable("has no header", "give the names of the columns in its first row")
    else:
        message, cure = "its first row names none of the columns", f"give their names there: {', '.join(sorted(known))}"
    value = problems.shown(next((cell.strip() for cell in rows[0] if cell.strip()), ""))
    raise Unreadable(message, cure, "header_missing", row=1, value=value)
