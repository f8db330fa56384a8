"""Tables of how a study was derived from ADaM: who and what was left out, and events beside those of ADTTE."""

import pandas as pd

from redose.report.reading import Dossier
from redose.report.tables.cells import Cell, Table, cell, count, tally
from redose.report.tables.suppression import small_counts_hidden


@small_counts_hidden
def steps(dossier: Dossier) -> Table:
    """Records and patients after each step from a dataset to a table."""
    rows = [
        [Cell(r.table), Cell(r.dataset), Cell(r.step), *counts(r, (r.table, r.dataset, r.step, place))]
        for place, r in enumerate(dossier.adam["counts"].itertuples())
    ]
    columns = ["table", "dataset", "step", "records", "patients"]
    return Table("From ADaM to the tables, step by step", columns, rows, "adam/counts.csv")


@small_counts_hidden
def reasons(dossier: Dossier) -> Table | None:
    """Why records were dropped, altered or noted; None where none was."""
    found = dossier.adam["reasons"]
    rows = [
        [Cell(r.dataset), Cell(r.table), Cell(r.what), Cell(r.why), *counts(r, (r.dataset, r.table, r.what, r.why))]
        for r in found.itertuples()
    ]
    columns = ["dataset", "table", "what", "why", "records", "patients"]
    caption = "What was dropped or altered on the way; adam/listings.csv names each record"
    return Table(caption, columns, rows, "adam/reasons.csv") if rows else None


@small_counts_hidden
def left_out(dossier: Dossier) -> Table | None:
    """Subjects of ADSL who are not in the study, by reason; None where all are."""
    found = dossier.adam["left_out"]["reason"].value_counts()
    rows = [[Cell(str(reason)), tally(int(number), reason)] for reason, number in found.items()]
    return Table("Subjects of ADSL who are not in the study", ["reason", "subjects"], rows) if rows else None


def endpoints(dossier: Dossier) -> Table | None:
    """Events of PFS and OS in ADTTE and as derived; None without ADTTE."""
    rows = [[Cell(r.endpoint), *(count(int(value)) for value in r[2:])] for r in dossier.adam["endpoints"].itertuples()]
    columns = ["endpoint", "patients in ADTTE", "events", "of them in the study", "their events", "events derived"]
    columns += ["same date"]
    return Table("Endpoints, beside those of ADTTE", columns, rows, "adam/endpoints.csv") if rows else None


def conversions(dossier: Dossier) -> Table | None:
    """Units of measurements and doses, and what became of them; None where nothing is measured."""
    found = dossier.adam["conversions"].fillna("")
    rows = [
        [*(Cell(str(value)) for value in r[1:6]), cell(r.records, "{:d}".format), Cell(str(r.example))]
        for r in found.itertuples()
    ]
    columns = ["table", "dataset", "parameter", "unit", "factor", "records", "example"]
    return Table("Units, as given and as used", columns, rows, "adam/conversions.csv") if rows else None


def counts(line: pd.Series, name: tuple) -> tuple[Cell, Cell]:
    """The cells of records and patients of a line; `name` tells its counts from others'."""
    return tally(int(line.records), *name, "records"), tally(int(line.patients), *name, "patients")
