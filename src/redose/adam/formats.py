"""Files of ADaM datasets: XPT v5 and v8, SAS7BDAT, CSV, Parquet, CDISC Dataset-JSON 1.1 (one object, or NDJSON).

Every format becomes a table of text in one form (`cells`), its columns in capitals, its rows counted from 1 as records.
Nothing in a file is executed: Parquet is read without pandas' metadata, JSON by the standard library.
"""

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet

from redose.adam import cells
from redose.delimited import A_SHEET, SHEETS, Unreadable
from redose.problems import shown

SAS_DATES = ("DATE", "E8601DA", "B8601DA", "YYMMDD", "MMDDYY", "DDMMYY", "IS8601DA")
SAS_TIMES = ("DATETIME", "E8601DT", "B8601DT", "IS8601DT", "DATEAMPM")
EXTRA = "install the extra: pip install 'redose[adam]'"


def read(path: Path, wanted: Iterable[str] | None, encoding: str) -> pd.DataFrame:
    """The dataset in `path`: text, indexed by record (1, 2, ...); of the columns in `wanted` those that are there.

    wanted: names in capitals, or None for all. encoding: of CSV and SAS files. Raises Unreadable.
    """
    reader = READERS[path.suffix.casefold()]
    try:
        names, columns = reader(path, encoding, lambda given: chosen(given, wanted))
    except UnicodeDecodeError:
        cure = "name the encoding in adam.yaml, such as encoding: windows-1252"
        raise Unreadable(f"is not {encoding} text", cure) from None
    except LookupError:
        raise Unreadable(f"has the unknown encoding {shown(encoding)}", "correct encoding in adam.yaml") from None
    except OSError as fault:
        raise Unreadable(f"cannot be read ({fault.strerror or fault})", "check the path and its permissions") from None
    length = len(columns[0]) if columns else 0
    rows = pd.RangeIndex(1, length + 1, name="record")
    series = [pd.Series(column, index=rows, dtype=object).str.strip() for column in columns]
    return pd.concat(series, axis=1, keys=names) if series else pd.DataFrame(index=rows)


def chosen(given: list[str], wanted: Iterable[str] | None) -> dict[str, int]:
    """Column in capitals -> its place among `given`, of the wanted ones. Raises Unreadable where two are alike."""
    names = [str(name).strip().upper() for name in given]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Unreadable(f"has the variable {shown(twice[0])} twice (capitals do not count)", "keep one of them")
    keep = set(names) if wanted is None else set(wanted)
    return {name: place for place, name in enumerate(names) if name in keep}


Choice = Callable[[list[str]], dict[str, int]]
Columns = tuple[list[str], list[list[str]]]


def read_csv(path: Path, encoding: str, choose: Choice) -> Columns:
    with path.open("rb") as content:
        if content.read(4) in SHEETS:
            raise Unreadable(*A_SHEET)
    with path.open(encoding="utf-8-sig" if encoding.casefold() in ("utf-8", "utf8") else encoding, newline="") as lines:
        reader = csv.reader(lines, strict=True)
        try:
            header = next(reader, [])
            if len(header) < 2 or not all(name.strip() for name in header):
                cure = "give the names of the variables in the first row, with commas between them"
                raise Unreadable("has no header of variables", cure)
            places = choose(header)
            columns: list[list[str]] = [[] for _ in places]
            for row in reader:
                if len(row) != len(header):
                    if not any(row):
                        continue
                    cure = "a comma within a text needs quotes around the text"
                    message = f"the row has {len(row)} cells, the header {len(header)}"
                    raise Unreadable(message, cure, row=reader.line_num)
                for column, place in zip(columns, places.values(), strict=True):
                    column.append(row[place])
        except csv.Error as fault:
            cure = "check the quotes at and before this row"
            raise Unreadable(f"is not CSV ({fault})", cure, row=reader.line_num) from None
    texts = [pd.Series(column, dtype=object) for column in columns]
    return list(places), [cells.untyped(name, text).tolist() for name, text in zip(places, texts, strict=True)]


def read_parquet(path: Path, encoding: str, choose: Choice) -> Columns:
    try:
        file = parquet.ParquetFile(path)
        given = file.schema_arrow.names
        places = choose(given)
        table = file.read(columns=[given[place] for place in places.values()])
        return list(places), [from_arrow(table.column(place)) for place in range(len(places))]
    except (arrow.ArrowException, ValueError, TypeError) as fault:
        reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        raise Unreadable(f"is not a Parquet table ({shown(reason)})", "write it again") from None


def from_arrow(column: arrow.ChunkedArray) -> list[str]:
    """The text of a column; numbers, dates and times by their type."""
    kind = column.type
    if arrow.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if arrow.types.is_floating(kind) or arrow.types.is_integer(kind) or arrow.types.is_decimal(kind):
        return [cells.of_number(None if value is None else float(value)) for value in column.to_pylist()]
    if arrow.types.is_date(kind):
        return ["" if value is None else value.isoformat() for value in column.to_pylist()]
    return ["" if value is None else str(value) for value in column.cast(arrow.string()).to_pylist()]


def read_sas(path: Path, encoding: str, choose: Choice) -> Columns:
    try:
        import pyreadstat
        from pyreadstat import PyreadstatError, ReadstatError
    except ImportError:
        raise Unreadable("needs pyreadstat, which is not installed", EXTRA) from None
    reader = pyreadstat.read_xport if path.suffix.casefold() == ".xpt" else pyreadstat.read_sas7bdat
    # ReadStat takes XPT for UTF-8 and knows the encoding of SAS7BDAT from its header: only another one is told to it
    options = {} if encoding.casefold() in ("utf-8", "utf8") else {"encoding": encoding.upper()}
    try:
        given = reader(str(path), metadataonly=True, **options)[1].column_names
        places = choose(given)
        names = [given[place] for place in places.values()]
        options |= {"usecols": names, "disable_datetime_conversion": True}
        frame, about = reader(str(path), **options) if names else (pd.DataFrame(), None)
    except UnicodeDecodeError:
        raise
    except (ReadstatError, PyreadstatError, ValueError, OverflowError) as fault:
        cure = "export it again from SAS, or check that the transfer was binary"
        raise Unreadable(f"is no readable SAS file ({shown(fault)})", cure) from None
    kinds = {name: about.original_variable_types.get(name) or "" for name in names} if names else {}
    return list(places), [from_sas(frame[name], kinds[name]) for name in names]


def from_sas(column: pd.Series, kind: str) -> list[str]:
    """The text of a variable; `kind` is its SAS format, such as DATE9."""
    if not pd.api.types.is_numeric_dtype(column):
        return ["" if value is None or value != value else str(value) for value in column]
    kind = kind.upper()
    if kind.startswith(SAS_TIMES):
        return [cells.of_date(value // 86400) for value in column.astype(float)]
    if kind.startswith(SAS_DATES):
        return [cells.of_date(value) for value in column.astype(float)]
    return [cells.of_number(value) for value in column.astype(float)]


def read_json(path: Path, encoding: str, choose: Choice) -> Columns:
    try:
        with path.open(encoding="utf-8-sig") as lines:  # the standard asks for UTF-8
            if path.suffix.casefold() == ".ndjson":
                about, *rows = [json.loads(line) for line in lines if line.strip()]
            else:
                about = json.load(lines)
                rows = about["rows"]
        given = [column["name"] for column in about["columns"]]
        places = choose(given)
        kinds = [about["columns"][place].get("dataType", "string") for place in places.values()]
        ragged = next((record for record, row in enumerate(rows, 1) if len(row) != len(given)), None)
        if ragged:
            raise Unreadable(f"record {ragged} has not as many values as there are columns", "export it again")
        taken = list(zip(places.values(), kinds, strict=True))
        return list(places), [[from_json(row[place], kind) for row in rows] for place, kind in taken]
    except UnicodeDecodeError:
        raise Unreadable("is not UTF-8 text", "Dataset-JSON is UTF-8; export it again") from None
    except (
        json.JSONDecodeError,
        RecursionError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        IndexError,
        OverflowError,
    ) as fault:
        reason = f"{type(fault).__name__}: {fault}"
        cure = "export it as CDISC Dataset-JSON 1.1, with columns and rows"
        raise Unreadable(f"is not Dataset-JSON ({shown(reason)})", cure) from None


def from_json(value: object, kind: str) -> str:
    """The text of one value of Dataset-JSON; `kind` is the dataType of its column."""
    if value is None:
        return ""
    if isinstance(value, str):
        return cells.of_number(float(value)) if kind in ("decimal", "float", "double") and value else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return cells.of_number(float(value))


READERS = {
    ".csv": read_csv,
    ".parquet": read_parquet,
    ".xpt": read_sas,
    ".sas7bdat": read_sas,
    ".json": read_json,
    ".ndjson": read_json,
}
