"""ADLB, ADTR or a dataset of the study's own -> the tables mrd and burden: values and limits in our units.

A result below its limit is `<x` in the text variable (AVALC), whatever number stands beside it: an imputed number, such
as half the limit, is not used. Records of derived type (DTYPE: LOCF, AVERAGE, ...) are no measurements and are dropped.
"""

import re
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pandas as pd

from redose.adam import cells
from redose.adam.datasets import Dataset, Library
from redose.adam.faults import Faults
from redose.adam.population import Population, dated, known, translated
from redose.adam.record import ALTERED, DROPPED, Record

# Values of a unit are multiplied by a power of ten, as decimals: 0.12 percent is 0.0012 and not 0.0012000000000000001.
FACTORS = {
    "fraction": Decimal(1),
    "percent": Decimal("0.01"),
    "per_10000": Decimal("1e-4"),
    "per_100000": Decimal("1e-5"),
    "per_million": Decimal("1e-6"),
}
BELOW = re.compile(r"\s*(?:<|<=|≤)\s*([0-9.eE+-]+)\s*(?:%|\S*)?\s*")
UNDETECTED = ("<LOD", "<LLOQ", "<LOQ", "BLQ", "BLOQ", "NOT DETECTED", "UNDETECTED", "NEGATIVE")  # ND may mean not done
MRD = ["patient", "day", "assay", "mrd", "lod"]
BURDEN = ["patient", "day", "burden", "lod"]


def mrd(library: Library, people: Population, record: Record, faults: Faults) -> pd.DataFrame:
    """The table mrd; a sample below its limit reads `<lod`, or `<x` where the record has no other limit."""
    parts = [of_choice(library, "mrd", place, people, record) for place in range(len(library.rules["mrd"]))]
    return one_each(parts, ["patient", "day", "assay"], "mrd", MRD, record, faults)


def burden(library: Library, people: Population, record: Record, faults: Faults) -> pd.DataFrame:
    """The table burden."""
    parts = [of_choice(library, "burden", place, people, record) for place in range(len(library.rules["burden"]))]
    return one_each(parts, ["patient", "day"], "burden", BURDEN, record, faults)


def of_choice(
    library: Library, table: str, place: int, people: Population, record: Record
) -> tuple[Dataset, pd.DataFrame]:
    """The dataset and the measurements of one selection, indexed by record."""
    choice, key = library.rules[table][place], f"{table}.{place + 1}"
    data = library.selected(choice, key)
    for name in ("value", "day", "lod_from", "assay_from", "text"):
        if name in choice:
            library.require(data.name, choice[name], f"{key}.{name}")
    if table == "mrd" and not {"assay", "assay_from"} & set(choice):
        library.require(data.name, "PARAMCD", f"{key}.assay")
    frame = known(data, people, table, library.rules["subject"], record)
    if "DTYPE" in frame:
        derived = frame["DTYPE"] != ""
        record.each(data.name, frame[derived], table, DROPPED, "derived, not measured (DTYPE)", "DTYPE")
        frame = frame[~derived]
    day_variable = choice.get("day", "ADT")
    frame = frame.assign(day=dated(frame, day_variable, people))
    undated = frame["day"].isna()
    if undated.any():
        frame = frame.assign(cell=frame.get(day_variable, ""))
        record.each(data.name, frame[undated], table, DROPPED, f"{day_variable} is no whole date", "cell")
        frame = frame[~undated]
    return data, measured(frame, choice, table, data, library, record)


def measured(
    frame: pd.DataFrame, choice: dict, table: str, data: Dataset, library: Library, record: Record
) -> pd.DataFrame:
    """Value and limit of each record as text in our unit; records without a result are dropped."""
    blank = pd.Series("", index=frame.index, dtype=object)
    number = frame.get(choice.get("value", "AVAL"), blank)
    text = frame.get(choice.get("text", "AVALC"), blank)
    limits = text.str.extract(BELOW, expand=False).fillna("")
    limits = limits.where(cells.values(limits).notna(), "")
    below = (limits != "") | text.str.upper().isin(UNDETECTED)
    number = number.where(number != "", text.where(~below, ""))
    value = cells.values(number)
    empty = value.isna() & ~below
    frame = frame.assign(cell=number.where(number != "", text))
    record.each(data.name, frame[empty], table, DROPPED, "no number, and no limit that the result lies below", "cell")
    imputed = below & value.notna() & (value != 0)
    record.each(data.name, frame[imputed], table, ALTERED, "below its limit: the number beside it is not used", "cell")
    own = frame[choice["lod_from"]] if "lod_from" in choice else blank
    if "lod" in choice:
        own = own.where(own != "", cells.of_number(choice["lod"]))
    convert = converter(choice, table)
    result = converted(number, convert).mask(below, "<lod")
    limit = converted(limits, convert)
    result = result.mask((limit != "") & (own == ""), "<" + limit)
    made = pd.DataFrame(
        {"patient": frame["patient"], "day": frame["day"], table: result, "lod": converted(own, convert)}
    )
    if table == "mrd":
        made["assay"] = assays(frame, choice, library)
    convertible(made, number, frame, choice, table, data, record)
    return made[~empty]


def assays(frame: pd.DataFrame, choice: dict, library: Library) -> pd.Series:
    """The assay of each sample."""
    if "assay" in choice:
        return pd.Series(choice["assay"], index=frame.index, dtype=object)
    return translated(frame[choice.get("assay_from", "PARAMCD")], "assay", library.rules)


def converter(choice: dict, table: str) -> Callable[[str], str]:
    """The function that turns the text of a number in the selection's unit into that of ours; "" stays ""."""
    if table == "mrd" and choice["unit"] == "log10":
        return lambda text: cells.of_number(10.0 ** float(text)) if is_number(text) else ""
    factor = FACTORS[choice["unit"]] if table == "mrd" else Decimal(repr(choice["factor"]))
    return lambda text: cells.of_number(float(Decimal(text) * factor)) if is_number(text) else ""


def converted(texts: pd.Series, convert: Callable[[str], str]) -> pd.Series:
    """The texts, converted, also where there are none."""
    return pd.Series([convert(text) for text in texts], index=texts.index, dtype=object)


def is_number(text: str) -> bool:
    return bool(cells.NUMBER.fullmatch(text)) and np.isfinite(float(text))


def convertible(
    made: pd.DataFrame, number: pd.Series, frame: pd.DataFrame, choice: dict, table: str, data: Dataset, record: Record
) -> None:
    """Records the unit of each parameter, with the first value as an example."""
    unit = choice["unit"] if table == "mrd" else "as given"
    factor = "10^x" if unit == "log10" else f"{FACTORS[unit] if table == 'mrd' else choice['factor']:g}"
    parameters = frame.get("PARAMCD", pd.Series("", index=frame.index, dtype=object))
    for parameter, rows in parameters.groupby(parameters, sort=True).groups.items():
        told = [row for row in rows if number[row] and not made[table][row].startswith("<")]
        example = f"{number[told[0]]} -> {made[table][told[0]]}" if told else ""
        record.unit(table, data.name, parameter, unit, factor, len(rows), example)


def one_each(
    parts: list[tuple[Dataset, pd.DataFrame]],
    key: list[str],
    table: str,
    columns: list[str],
    record: Record,
    faults: Faults,
) -> pd.DataFrame:
    """All parts as one table: of records alike the first is kept, and records that contradict each other are faults."""
    filled = [
        part.assign(dataset=data.name, record=part.index, file=data.file, row=[data.row(r) for r in part.index])
        for data, part in parts
    ]
    if not filled:
        return pd.DataFrame(columns=columns)
    frame = pd.concat(filled, ignore_index=True)
    again = frame.duplicated([*key, table, "lod"])
    for name, lines in frame[again].groupby("dataset"):
        record.each(name, lines.set_index("record"), table, DROPPED, "the same result twice on a day", table)
    frame = frame[~again]
    for _, lines in frame[frame.duplicated(key, keep=False)].groupby(key, sort=False):
        first, second = lines.iloc[0], lines.iloc[1]
        message = (
            f"{table} {second[table]} contradicts {first[table]} of row {first['row']}, of the same {', '.join(key)}"
        )
        cure = f"let where or except of {table} choose one of them, such as ANL01FL: Y, or an AVISIT"
        faults.add("adam_duplicate", second["file"], message, cure, row=second["row"], patient=second["patient"],
                   at=f"day {second['day']:g}", value=second[table])  # fmt: skip
    frame = frame.sort_values(key, kind="stable", ignore_index=True)
    for name, lines in frame.groupby("dataset"):
        record.count(table, name, "rows of the table", len(lines), lines["patient"].nunique())
    frame["day"] = cells.of_numbers(frame["day"])
    return frame[columns]
