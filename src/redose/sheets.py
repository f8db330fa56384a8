"""A table whose text has been read: numbers, words and keys, with the problems of its cells."""

import difflib
import re
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from redose import contract, delimited, problems

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
COMMA = re.compile(r"[+-]?[0-9]+(,[0-9]+)+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
DATE = re.compile(  # 2026-03-11, 2026-03, 11/03/2026, 11MAR2026, 11-Mar-26, each with or without a time of day
    r"([0-9]{4}([-/.][0-9]{1,2}){1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}"
    r"|[0-9]{1,2}[- ./]?[a-z]{3,9}[- ,./]*[0-9]{2,4})([T: ]+[0-9]{1,2}(:[0-9]{2}){1,2}.*)?",
    re.IGNORECASE,
)
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}

CURES = {
    "not_a_number": "give a number; leave the cell empty only where the contract allows it",
    "decimal_comma": "write a decimal point, and no thousands separators",
    "calendar_date": "give a number: of days, those since the patient's own day 0",
    "infinite": "give a finite number",
}
FAULTS = {
    "not_a_number": "{value} is not a number",
    "decimal_comma": "{value} holds a comma",
    "calendar_date": "{value} is a date, not a number",
    "infinite": "{value} is not finite",
}


@dataclass(frozen=True)
class Sheet:
    """A table: `raw` text and `read` values (NaN or None where empty or at fault), both indexed by the file's row."""

    table: contract.Table
    file: str
    raw: pd.DataFrame
    read: pd.DataFrame

    def listing(
        self, rule: str, offends: pd.Series | pd.Index, column: str, message: str, cure: str, **further: pd.Series
    ) -> pd.DataFrame:
        """Problems of the rows in `offends` (a mask or row numbers); `further` are words for the templates, by row."""
        rows = offends.index[offends] if isinstance(offends, pd.Series) else offends
        phrases = {name: words.loc[rows].tolist() for name, words in further.items()}
        return problems.listing(rule, self.file, self.raw.loc[rows], column, message, cure, phrases)

    def grouped(
        self, rule: str, offends: pd.Series, column: str, message: str, cure: str, **further: pd.Series
    ) -> pd.DataFrame:
        """As `listing`, but one problem per value of `column`: its first row, and the number of the others."""
        values = self.read.loc[offends[offends].index, column]
        first = values.index[~values.duplicated()]
        others = values.map(values.value_counts())[first] - 1
        tail = others.map(lambda n: f" (also in {n} further row{'s' if n > 1 else ''})" if n else "")
        return self.listing(rule, first, column, message + "{others}", cure, others=tail, **further)

    def without(self, cells: pd.Series, column: str) -> "Sheet":
        """The sheet with the numbers of a column emptied where `cells` is true: they are not to be believed."""
        return replace(self, read=self.read.assign(**{column: self.read[column].mask(cells)}))


def numbers(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The numbers of a column of text, NaN where empty or at fault; and the rule that each cell breaks, "" for none."""
    codes, different = pd.factorize(text)  # a column repeats its days and limits: each is read once
    values, rule = numbers_of(pd.Series(different, dtype=object).str.strip())
    return (
        pd.Series(values.to_numpy(dtype=float)[codes], index=text.index),
        pd.Series(rule.to_numpy(dtype=object)[codes], index=text.index),
    )


def numbers_of(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    good = text.str.fullmatch(NUMBER).astype(bool)
    values = pd.Series(np.nan, index=text.index)
    values[good] = text[good].astype(float)
    rule = pd.Series("", index=text.index, dtype=object)
    rule[~good & (text != "")] = "not_a_number"
    faulty = text[rule != ""]
    for name, form in (("decimal_comma", COMMA), ("infinite", INFINITE), ("calendar_date", DATE)):
        rule[faulty.index[faulty.str.fullmatch(form).astype(bool)]] = name
    rule[np.isinf(values)] = "infinite"
    return values.where(rule == ""), rule


def entries(text: pd.Series, lower: bool = False) -> pd.Series:
    """Keys and words of a column of text, without spaces around them; None where empty."""
    text = text.str.strip()
    text = text.str.lower() if lower else text
    return text.astype(object).where(text != "", None)


def faults_of_numbers(sheet: Sheet, column: str, rule: pd.Series) -> list[pd.DataFrame]:
    """The problems of a numeric column, from the second result of `numbers`."""
    return [
        sheet.listing(name, rule == name, column, f"{escaped(column)} {FAULTS[name]}", CURES[name]) for name in CURES
    ]


def escaped(column: str) -> str:
    """A column's name for use within a template."""
    return problems.shown(column).replace("{", "{{").replace("}", "}}")


def formula(sheet: Sheet) -> list[pd.DataFrame]:
    """Cells of text, and names of covariates, that a spreadsheet would take for a formula or that are its errors."""
    found = []
    cure = "write what is meant as text, for instance without the first character"
    for name in sheet.read:
        if pd.api.types.is_numeric_dtype(sheet.read[name]) or name not in sheet.raw:
            continue
        codes, different = pd.factorize(sheet.raw[name])
        is_one = pd.Series(different, dtype=object).str.strip().str.fullmatch(delimited.FORMULA).astype(bool).to_numpy()
        offends = pd.Series(is_one[codes], index=sheet.raw.index)
        message = f"{escaped(name)} {{value}} is a formula or an error of a spreadsheet"
        found.append(sheet.listing("formula", offends, name, message, cure))
        if delimited.FORMULA.fullmatch(str(name)):
            message = f"the name of the column, {problems.shown(name)!r}, is a formula of a spreadsheet"
            found.append(problems.remark("formula", sheet.file, message, cure, row=1, column=name, value=name))
    return found


def read(table: contract.Table, raw: pd.DataFrame, file: str) -> tuple[Sheet, list[pd.DataFrame]]:
    """The sheet of one raw table, without its covariates, and the problems of its numbers.

    Limited columns stay text: `samples` reads them, because a value below its limit need not be a number.
    """
    read_columns, rules = {}, {}
    for column in table.raw:
        if column.name not in raw:
            if not column.required and column.kind == "text":
                read_columns[column.name] = pd.Series(column.default, index=raw.index, dtype=object)
        elif column.kind == "text" or column.limited:
            lower = bool(column.words) or column.name == "grade"
            read_columns[column.name] = entries(raw[column.name], lower)
        else:
            read_columns[column.name], rules[column.name] = numbers(raw[column.name])
    if "grade" in read_columns:
        grades = read_columns["grade"].replace(ROMAN)
        read_columns["grade"] = grades.str.replace(r"\.0+$", "", regex=True)
    if "lot" in read_columns:
        read_columns["lot"] = read_columns["lot"].fillna("")
    sheet = Sheet(table, file, raw, pd.DataFrame(read_columns, index=raw.index))
    found = [problem for column, rule in rules.items() for problem in faults_of_numbers(sheet, column, rule)]
    return sheet, found


def judged(sheet: Sheet) -> list[pd.DataFrame]:
    """The problems that the schema of the table finds: columns, empty cells, words, ranges, key."""
    from pandera.errors import SchemaErrors  # 0.15 s, for those who read tables that were checked before

    frame = sheet.read
    if sheet.table.name != "patients":
        known = [column.name for column in sheet.table.raw]
        unknown = {name: sheet.raw[name] for name in sheet.raw if name not in known}
        frame = frame[[name for name in known if name in frame]].assign(**unknown)
    if "mrd" in frame:
        frame = frame.assign(mrd=np.nan)
    try:
        with warnings.catch_warnings():
            # pandera joins its failure cases in a way that pandas deprecates
            warnings.simplefilter("ignore", FutureWarning)
            contract.schema(sheet.table).validate(frame, lazy=True)
    except SchemaErrors as errors:
        return translated(sheet, errors.failure_cases)
    return []


def translated(sheet: Sheet, cases: pd.DataFrame) -> list[pd.DataFrame]:
    """The failure cases of pandera as our problems."""
    found, table = [], sheet.table
    for name in cases.loc[cases["check"] == "column_in_dataframe", "failure_case"]:
        found.append(column_missing(sheet, name))
    for name in cases.loc[cases["check"] == "column_in_schema", "failure_case"]:
        found.append(column_unknown(sheet, name))
    for (column, check), part in cases[cases["index"].notna()].groupby(["column", "check"], sort=False):
        rows = pd.Index(part["index"].astype(int).unique()).sort_values()
        if check == "not_nullable":
            found.append(missing_value(sheet, column, rows))
        elif check == "unknown_word":
            found.append(unknown_word(sheet, table.column(column), rows))
        elif check == "before_day_0":
            cure = "give days since day 0; what was already there on day 0 starts on day 0"
            found.append(sheet.listing(check, rows, column, f"{column} {{value}} lies before day 0", cure))
        elif check == "outside_range":
            found.append(
                sheet.listing(check, rows, column, f"{column} {{value}} {RANGES[column]}", RANGE_CURES[column])
            )
    rows = cases.loc[cases["check"] == "multiple_fields_uniqueness", "index"]
    return [*found, duplicates(sheet, pd.Index(rows.astype(int).unique()).sort_values())]


RANGES = {
    "cells": "is not above 0",
    "burden": "is below 0",
    "interval": "is not one of 1, 2, 3, ...",
    "enrolled_day": "is below 0",
}
RANGE_CURES = {
    "cells": "give the number of cells infused, or leave the row out if none were",
    "burden": "give the burden itself, neither its logarithm nor its change",
    "interval": "number the intervals of a patient 1, 2, 3, ... in order of time",
    "enrolled_day": "count the days from the first patient's day 0, for all patients from the same",
}


def column_missing(sheet: Sheet, name: str) -> pd.DataFrame:
    known = {column.name for column in sheet.table.columns}
    near = difflib.get_close_matches(name, [str(given).lower() for given in sheet.raw if given not in known], n=1)
    given = next((given for given in sheet.raw if near and str(given).lower() == near[0]), None)
    cure = (
        f"rename the column {problems.shown(given)!r}, if that is meant" if near else f"add it: {meaning(sheet, name)}"
    )
    return problems.remark("column_missing", sheet.file, f"the column {name} is missing", cure, row=1, column=name)


def meaning(sheet: Sheet, name: str) -> str:
    column = sheet.table.column(name)
    return f"{column.meaning} ({column.unit})" if column.unit else column.meaning


def column_unknown(sheet: Sheet, name: str) -> pd.DataFrame:
    known = [column.name for column in sheet.table.raw]
    near = difflib.get_close_matches(name.lower(), known, n=1)
    cure = f"did you mean {near[0]}" if near else f"leave it out; the columns are {', '.join(known)}"
    message = f"the column {problems.shown(name)!r} is not in the contract"
    where = {"row": 1, "column": name, "value": problems.shown(name)}
    return problems.remark("column_unknown", sheet.file, message, cure, **where)


def missing_value(sheet: Sheet, column: str, rows: pd.Index) -> pd.DataFrame:
    # A cell with text that could not be read has its own problem already
    rows = rows[sheet.raw.loc[rows, column].str.strip() == ""] if column in sheet.raw else rows[:0]
    words = sheet.table.column(column).words
    cure = f"fill in {column}: {meaning(sheet, column)}" + (f": {', '.join(words)}" if words else "")
    return sheet.listing("missing_value", rows, column, f"{column} is empty", cure)


def unknown_word(sheet: Sheet, column: contract.Column, rows: pd.Index) -> pd.DataFrame:
    values = sheet.read.loc[rows, column.name]
    near = {value: difflib.get_close_matches(value, column.words, n=1) for value in values.unique()}
    guess = values.map({value: f", perhaps {close[0]}" if close else "" for value, close in near.items()})
    message = f"{column.name} {{value}} is none of {', '.join(column.words)}"
    return sheet.listing("unknown_word", rows, column.name, message, "write one of these{guess}", guess=guess)


def duplicates(sheet: Sheet, rows: pd.Index) -> pd.DataFrame:
    """Rows whose key occurred before. A key that is not complete tells nothing."""
    key = list(sheet.table.key)
    if rows.empty or not set(key) <= set(sheet.read):
        return problems.no_problems()
    known = sheet.read[key].dropna()
    earlier = pd.Series(known.index, index=known.index).groupby([known[name] for name in key]).transform("first")
    rows = rows.intersection(known.index)
    if sheet.table.name == "patients":
        message, cure = (
            "the patient already stands in row {earlier}",
            "keep one row per patient; keys are unique over trials",
        )
        return sheet.listing("duplicate_patient", rows, "patient", message, cure, earlier=earlier)
    named = ", ".join(key)
    message, cure = f"the same {named} as row {{earlier}}", "keep the right one of the two"
    return sheet.listing("duplicate_row", rows, key[-1], message, cure, earlier=earlier)
