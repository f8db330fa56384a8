"""The data contract: the eight tables of a study, their columns, and their pandera schemas.

The raw form is what users write; the checked form is what everything after the checks reads: all eight tables, all
columns in the order given here, of the dtypes in `DTYPES`, without rows that say nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import pyarrow as arrow

if TYPE_CHECKING:
    import pandera.pandas as pa

SCHEDULES = ("single", "quarterly", "biannual", "adaptive", "bridge", "none")
OUTCOMES = ("progression", "death", "transplant", "new_therapy", "censored")
GRADES = {"acute": ("1", "2", "3", "4"), "chronic": ("mild", "moderate", "severe")}

DTYPES = {"text": "object", "number": "float64", "count": "int64", "flag": "bool"}
ARROW = {"text": arrow.string(), "number": arrow.float64(), "count": arrow.int64(), "flag": arrow.bool_()}
DAYS = "days since day 0"
LONGEST = 36525.0  # days, 100 years: no patient is followed so long before or after day 0


class Check(NamedTuple):
    """What numbers of a column must be, by number, and the rule of `rules.RULES` that others break."""

    holds: Callable[[pd.Series], pd.Series]
    rule: str


@dataclass(frozen=True)
class Column:
    """A column: `kind` is a key of `DTYPES`; `default` fills an absent column; `words` are the values allowed."""

    name: str
    kind: str
    meaning: str
    unit: str = ""
    required: bool = True  # the column must be there
    empty: bool = False  # a cell may be empty
    default: str | None = None
    words: tuple[str, ...] = ()
    check: Check | None = None
    example: str = ""
    derived: bool = False  # only in the checked form
    limited: bool = False  # a cell may say that it lies below a limit: text until `samples` has read it


@dataclass(frozen=True)
class Table:
    """A table: no two rows agree in `key`; the checked form is sorted by `order`."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    required: bool = False

    @property
    def raw(self) -> tuple[Column, ...]:
        """The columns that users write."""
        return tuple(column for column in self.columns if not column.derived)

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


PATIENT = Column("patient", "text", "key, unique over trials", example="017")
FROM_DAY_0 = Check(lambda x: x >= 0, "before_day_0")
NOT_NEGATIVE = Check(lambda x: x >= 0, "outside_range")


def day(name: str, meaning: str, example: str, baseline: bool = False, **options: object) -> Column:
    """A column of days; `baseline` allows days before day 0."""
    check = None if baseline else FROM_DAY_0
    return Column(name, "number", meaning, DAYS, check=check, example=example, **options)


def group(name: str, meaning: str, example: str) -> Column:
    """A column of patients that may be absent: then all patients are in one group."""
    return Column(name, "text", meaning, required=False, default="all", example=example)


TABLES = {
    table.name: table
    for table in (
        Table(
            "patients",
            "One row per patient; every further column is a covariate, numeric or categorical.",
            (
                PATIENT,
                group("trial", "trial", "alder"),
                group("site", "site, unique over trials", "alder-1"),
                group("arm", "randomised or planned treatment", "A"),
                Column(
                    "schedule",
                    "text",
                    "how doses were planned",
                    required=False,
                    default="none",
                    words=SCHEDULES,
                    example="quarterly",
                ),
                Column(
                    "product",
                    "text",
                    "planned product, a name of `study.yaml` or none",
                    required=False,
                    default="none",
                    example="iPSC-NK",
                ),
                Column(
                    "enrolled_day",
                    "number",
                    "calendar day of the patient's own day 0, counted from that of the first patient; for data cuts",
                    "days",
                    required=False,
                    empty=True,
                    check=NOT_NEGATIVE,
                    example="91",
                ),
            ),
            key=("patient",),
            order=("patient",),
            required=True,
        ),
        Table(
            "infusions",
            "One row per infusion of cells.",
            (
                PATIENT,
                day("day", "day of the infusion", "91"),
                Column(
                    "cells",
                    "number",
                    "cells infused, above 0",
                    "`study.yaml`, units",
                    check=Check(lambda x: x > 0, "outside_range"),
                    example="3e8",
                ),
                Column("product", "text", "a name of `study.yaml`, products", example="iPSC-NK"),
                Column(
                    "lot",
                    "text",
                    "lot or donor; empty: unknown",
                    required=False,
                    empty=True,
                    default="",
                    example="lot-07",
                ),
            ),
            key=("patient", "day", "cells", "product", "lot"),
            order=("patient", "day", "product", "lot", "cells"),
        ),
        Table(
            "courses",
            "One row per course of a co-treatment.",
            (
                PATIENT,
                Column(
                    "agent", "text", "radiotherapy, checkpoint inhibitor, chemotherapy, TKI, ...", example="nivolumab"
                ),
                day("start_day", "first day; may be before day 0", "-5", baseline=True),
                day("stop_day", "last day; of an ongoing course, the end of follow-up", "84", baseline=True),
            ),
            key=("patient", "agent", "start_day"),
            order=("patient", "start_day", "agent"),
        ),
        Table(
            "mrd",
            "One row per sample and assay.",
            (
                PATIENT,
                day("day", "day of the sample; may be before day 0", "-1", baseline=True),
                Column("assay", "text", "a name of `study.yaml`, assays", example="NGS"),
                Column(
                    "mrd",
                    "number",
                    "measured MRD in (0, 1]; below its LOD: 0, empty, <lod or <1e-5",
                    "fraction",
                    empty=True,
                    example="0.0012",
                    limited=True,
                ),
                Column(
                    "lod",
                    "number",
                    "limit of detection of this sample; empty: that of its assay",
                    "fraction",
                    required=False,
                    empty=True,
                    example="1e-5",
                ),
                Column("below", "flag", "whether the sample lies below its LOD", example="false", derived=True),
            ),
            key=("patient", "day", "assay"),
            order=("patient", "day", "assay"),
        ),
        Table(
            "burden",
            "One row per measurement of tumour burden.",
            (
                PATIENT,
                day("day", "day of the measurement; may be before day 0", "28", baseline=True),
                Column(
                    "burden",
                    "number",
                    "size, volume, M-protein, ..., at least 0; below its limit: <lod, <0.5, or 0 with an lod",
                    "`study.yaml`, units",
                    check=NOT_NEGATIVE,
                    example="12.5",
                    limited=True,
                ),
                Column(
                    "lod",
                    "number",
                    "limit of quantification of this measurement, above 0; empty: none",
                    "as burden",
                    required=False,
                    empty=True,
                    example="0.5",
                ),
                Column("below", "flag", "whether the burden lies below its limit", example="false", derived=True),
            ),
            key=("patient", "day"),
            order=("patient", "day"),
        ),
        Table(
            "intervals",
            "One row per progression-free interval of a patient.",
            (
                PATIENT,
                Column(
                    "interval",
                    "count",
                    "1, 2, 3, ... in order of time",
                    check=Check(lambda k: (k >= 1) & (k % 1 == 0), "outside_range"),
                    example="2",
                ),
                day(
                    "start_day",
                    "(re)treatment; may be the day the interval before ended, or before day 0 with an entry_day",
                    "183",
                    baseline=True,
                ),
                day(
                    "entry_day",
                    "first day at risk and observed; empty: start_day",
                    "190",
                    required=False,
                    empty=True,
                ),
                day("last_free_day", "last assessment without progression", "365", required=False, empty=True),
                day("end_day", "day of the outcome, after start_day", "402"),
                Column("outcome", "text", "what ended the interval", words=OUTCOMES, example="progression"),
            ),
            key=("patient", "interval"),
            order=("patient", "interval"),
            required=True,
        ),
        Table(
            "gvhd",
            "One row per episode of GVHD.",
            (
                PATIENT,
                Column("kind", "text", "kind of GVHD", words=tuple(GRADES), example="acute"),
                Column(
                    "grade",
                    "text",
                    "acute: 1-4 or I-IV (MAGIC); chronic: mild, moderate, severe (NIH); empty: not graded",
                    required=False,
                    empty=True,
                    default="",
                    example="2",
                ),
                day("onset_day", "first day", "34"),
                day("end_day", "last day; empty: until the end of follow-up", "60", required=False, empty=True),
            ),
            key=("patient", "kind", "onset_day"),
            order=("patient", "onset_day", "kind"),
        ),
        Table(
            "conditions",
            "One row per episode of any other time-dependent condition.",
            (
                PATIENT,
                Column("condition", "text", "name of the condition", example="platelet_recovery"),
                day("onset_day", "first day", "21"),
                day("end_day", "last day; empty: until the end of follow-up", "", required=False, empty=True),
            ),
            key=("patient", "condition", "onset_day"),
            order=("patient", "condition", "onset_day"),
        ),
    )
}


def schema(table: Table) -> "pa.DataFrameSchema":
    """The pandera schema of a table whose text has been read: dtypes, required cells, words, ranges, key.

    The name of a failed check is that of the rule in `rules.RULES`, or pandera's own for columns, empty cells and keys.
    """
    import pandera.pandas as pa  # takes 0.15 s to import, and most who read this module check nothing

    columns = {}
    for column in table.raw:
        checks = [pa.Check.isin(column.words, error="unknown_word")] if column.words else []
        checks += [pa.Check(column.check.holds, error=column.check.rule)] if column.check else []
        dtype = float if column.kind in ("number", "count") else str
        columns[column.name] = pa.Column(dtype, checks, nullable=column.empty, required=column.required)
    strict = table.name != "patients"
    return pa.DataFrameSchema(columns, strict=strict, unique=list(table.key), report_duplicates="exclude_first")


def finished(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The checked form of a table: all columns in order with their dtypes, defaults filled in, sorted, rows from 0."""
    table = TABLES[name]
    frame = frame.copy()
    for column in table.columns:
        if column.name not in frame:
            frame[column.name] = column.default if column.kind == "text" else float("nan")
        if column.kind == "text":
            frame[column.name] = frame[column.name].fillna(column.default or "")
    further = [name for name in frame.columns if name not in {column.name for column in table.columns}]
    frame = frame.astype({column.name: DTYPES[column.kind] for column in table.columns})
    frame = frame[[column.name for column in table.columns] + further]
    return frame.sort_values(list(table.order), kind="stable").reset_index(drop=True).rename_axis(None, axis=1)


def empty(name: str) -> pd.DataFrame:
    """The checked form of a table without rows."""
    return finished(name, pd.DataFrame({column.name: [] for column in TABLES[name].columns}))


def arrow_schema(name: str, frame: pd.DataFrame) -> arrow.Schema:
    """The Parquet types of a table in its checked form; covariates are float64 or text."""
    kinds = {column.name: column.kind for column in TABLES[name].columns}
    for column in frame.columns.difference(list(kinds)):
        kinds[column] = "number" if pd.api.types.is_float_dtype(frame[column]) else "text"
    return arrow.schema([(column, ARROW[kinds[column]]) for column in frame.columns])
