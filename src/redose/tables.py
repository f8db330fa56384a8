"""A study on disk: reading its folder as it was written, and writing and reading the checked form.

Nothing is judged here but whether a file can be read: all text stays as it stands, each row keeps its row number in
the file (the header is row 1), and what cannot be read becomes a problem for `checks`.
"""

import difflib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from redose import about, contract, delimited, problems
from redose.delimited import Unreadable
from redose.files import whole

ENDINGS = (".csv", ".parquet")


@dataclass(frozen=True)
class Study:
    """A study as it was written. `tables` holds text ("" for an empty cell), indexed by the row of the file."""

    name: str
    about: dict
    about_file: str
    tables: dict[str, pd.DataFrame]
    files: dict[str, str]
    problems: pd.DataFrame


def read_study(about_file: Path | str, tables: list[Path] | Path | str, name: str | None = None) -> Study:
    """The study that `about_file` describes; `tables` is a folder of tables or a list of their files.

    name: the study's name; by default that of the folder of `about_file`. Never raises for what the files hold: that
    stands in `Study.problems`, and `checks.check` reports it with all else.
    """
    about_file = Path(about_file)
    description, faults = about.read(about_file)
    read, files, found = read_tables(tables)
    name = name or about_file.resolve().parent.name
    return Study(name, description, about_file.as_posix(), read, files, problems.joined([faults, *found]))


def read_tables(tables: list[Path] | Path | str) -> tuple[dict[str, pd.DataFrame], dict[str, str], list[pd.DataFrame]]:
    """(tables by name, as text; the file of each; problems): of a folder of tables, or of a list of their files."""
    found, read, files = [], {}, {}
    for path in table_files(tables):
        table = path.stem
        if table not in contract.TABLES:
            found.append(table_unknown(path))
        elif table in files:
            cure = f"remove one of the two; {files[table]} is read"
            found.append(problems.remark("table_twice", path.as_posix(), f"the table {table} is given twice", cure))
        elif isinstance(tables, Path | str) and delimited.outside(path, Path(tables)):
            files[table] = path.as_posix()
            found.append(delimited.file_outside(path))
        elif path.exists() or path.is_symlink():  # a link that leads nowhere cannot be read, and is not absent
            files[table] = path.as_posix()
            frame, faults = read_table(path)
            found += faults
            if frame is not None:
                read[table] = frame
    for table in contract.TABLES.values():
        if table.required and table.name not in files:
            found.append(file_missing(table.name, tables))
    return read, files, found


def table_files(tables: list[Path] | Path | str) -> list[Path]:
    """The files to read: those listed, or all CSV and Parquet files of a folder, sorted."""
    if not isinstance(tables, Path | str):
        return [Path(path) for path in tables]
    folder = Path(tables)
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.casefold() in ENDINGS and path.name[0] != ".")


def table_unknown(path: Path) -> pd.DataFrame:
    near = difflib.get_close_matches(path.stem.casefold(), contract.TABLES, n=1)
    cure = f"did you mean {near[0]}? Else move it out of the folder" if near else "move it out of the folder"
    message = f"is none of the tables {', '.join(contract.TABLES)}"
    return problems.remark("table_unknown", path.as_posix(), message, cure)


def file_missing(table: str, tables: list[Path] | Path | str) -> pd.DataFrame:
    listed = [Path(path) for path in tables] if isinstance(tables, list | tuple) else []
    file = next((path for path in listed if path.stem == table), None)
    folder = Path(tables) if isinstance(tables, Path | str) else Path()
    file = file or folder / f"{table}.csv"
    return problems.remark("file_missing", file.as_posix(), "there is no such file", f"give the table {table}")


def read_table(path: Path) -> tuple[pd.DataFrame | None, list[pd.DataFrame]]:
    """A table as text, indexed by the row of the file, and the problems of reading it; None where nothing was read."""
    file = path.as_posix()
    try:
        if path.suffix.casefold() == ".parquet":
            header, frame, ragged = *read_parquet(path), pd.Series(dtype=object)
        elif path.suffix.casefold() == ".csv":
            header, frame, ragged = read_csv(path)
        else:
            raise Unreadable("is neither CSV nor Parquet by its name", "convert it, or name it .csv or .parquet")
    except Unreadable as fault:
        return None, [problems.remark(fault.rule, file, fault.message, fault.cure, **fault.where)]
    frame, found = with_names(frame, header, path)
    cure = "a comma within a text needs quotes around the text, and a decimal comma must be a point"
    for row, cells in ragged.items():
        patient = frame["patient"].get(row, "") if "patient" in frame else ""
        message = f"the row has {cells} cells, the header {len(header)}"
        where = {"row": row, "patient": problems.shown(patient), "value": str(cells)}
        found.append(problems.remark("ragged_row", file, message, cure, **where))
    return frame, found


def columns_of(path: Path) -> set[str]:
    """The columns that users write into the table of that name; none for a name that is no table's."""
    return {column.name for column in contract.TABLES[path.stem].raw} if path.stem in contract.TABLES else set()


def with_names(frame: pd.DataFrame, header: list[str], path: Path) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """The table under the names of the contract, each column once, and the problems of its names.

    A nameless column without a filled cell is what a spreadsheet program leaves behind, and is left out.
    """
    file, known, found = path.as_posix(), columns_of(path), []
    for place in (place for place, name in enumerate(header) if not name):
        filled = frame.index[frame.iloc[:, place].str.strip() != ""]
        if len(filled):
            message = f"column {place + 1} has no name, and cells, the first in row {filled[0]}"
            value = problems.shown(frame.iloc[:, place][filled[0]].strip())
            found.append(problems.remark("column_unnamed", file, message, "name it, or remove it", row=1, value=value))
    frame = frame.loc[:, [bool(name) for name in header]]
    names = [name for name in header if name]
    for name in sorted({name for name in names if names.count(name) > 1}):
        message = f"the column {problems.shown(name)!r} occurs {names.count(name)} times"
        found.append(problems.remark("column_twice", file, message, "keep one of them", row=1, column=name))
    frame = frame.loc[:, ~frame.columns.duplicated()]
    folded = [name.casefold() for name in frame]
    meant = {name: name.casefold() for name in frame if name.casefold() in known - set(frame)}
    meant = {name: right for name, right in meant.items() if folded.count(right) == 1}
    for name, right in meant.items():
        message, cure = f"the column {problems.shown(name)!r} is read as {right}", f"write it as {right}"
        found.append(problems.remark("column_case", file, message, cure, row=1, column=right, value=name))
    return frame.rename(columns=meant), found


def read_csv(path: Path) -> tuple[list[str], pd.DataFrame, pd.Series]:
    """Header, table, and the number of cells of each row that has not as many as the header, by row."""
    rows = delimited.rows(path)
    header = [name.strip() for name in rows[0]] if rows else []
    if any(header):
        delimited.refuse_other_separators(header)
    delimited.refuse_titles(rows or [[]], columns_of(path))
    width = len(header)
    index = pd.RangeIndex(2, len(rows) + 1)
    cells = pd.Series([len(row) for row in rows[1:]], index=index, dtype=int)
    blank = pd.Series([not any(map(str.strip, row)) for row in rows[1:]], index=index, dtype=bool)
    ragged = cells[(cells != width) & ~blank]
    for row in ragged.index:
        rows[row - 1] += [""] * width
    kept = index[~blank]
    columns = list(zip(*(rows[row - 1][:width] for row in kept), strict=True)) or [()] * width
    frame = pd.DataFrame(dict(enumerate(columns)), index=kept, dtype=object).set_axis(header, axis=1)
    return header, frame.rename_axis(index="row"), ragged


def read_parquet(path: Path) -> tuple[list[str], pd.DataFrame]:
    """Header and table; numbers as the shortest text that reads back as the same number."""
    raw = delimited.content(path)
    delimited.refuse_pickled(raw)
    try:
        table = parquet.ParquetFile(arrow.BufferReader(raw)).read()
        columns = [as_text(column) for column in table.columns]
    except (arrow.ArrowException, OSError, ValueError) as fault:
        reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        cure = "write it again, with columns of numbers and text only"
        raise Unreadable(f"is not a Parquet table ({problems.shown(reason)})", cure) from None
    header = [name.strip() for name in table.column_names]
    if not header:
        raise Unreadable("has no columns", "give the columns of the table")
    delimited.refuse_titles([header], columns_of(path))
    rows = pd.RangeIndex(2, len(table) + 2, name="row")
    frame = pd.DataFrame(dict(enumerate(columns)), index=rows, dtype=object)
    return header, frame.set_axis(header, axis=1)


def as_text(column: arrow.ChunkedArray) -> list[str]:
    if arrow.types.is_floating(column.type):
        column = compute.if_else(compute.is_nan(column), None, column)
    return compute.fill_null(compute.cast(column, arrow.string()), "").to_pylist()


def read_about(path: Path | str) -> dict:
    """The description of a study with its defaults filled in; raises StudyError when the file is at fault."""
    path = Path(path)
    description, found = about.read(path)
    if not found.empty:
        raise problems.StudyError(problems.text(path.resolve().parent.name, found))
    return description


def write_checked(tables: dict[str, pd.DataFrame], folder: Path | str) -> None:
    """Writes the eight tables of the checked form as Parquet; all are written before the first takes its name."""
    folder = Path(folder)
    frames = {name: tables.get(name, contract.empty(name)) for name in contract.TABLES}
    contents = {
        name: arrow.Table.from_pandas(frame, schema=contract.arrow_schema(name, frame), preserve_index=False)
        for name, frame in frames.items()
    }
    for name, content in contents.items():
        with whole(folder / f"{name}.parquet") as temporary:
            # Without the metadata of pandas the bytes depend on the content alone
            parquet.write_table(content.replace_schema_metadata(None), temporary)


def read_checked(folder: Path | str) -> dict[str, pd.DataFrame]:
    """The eight tables of the checked form; raises StudyError when one is missing or unreadable."""
    tables = {}
    for name in contract.TABLES:
        path = Path(folder) / f"{name}.parquet"
        try:
            tables[name] = parquet.ParquetFile(path).read().to_pandas()
        except (arrow.ArrowException, OSError):
            raise problems.StudyError(f"{path.as_posix()}: no checked table; run the rule `check` again.") from None
        for column in contract.TABLES[name].columns:
            tables[name][column.name] = tables[name][column.name].astype(contract.DTYPES[column.kind])
    return tables
