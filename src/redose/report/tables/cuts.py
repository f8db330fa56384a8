"""The table of a study's data cuts."""

import pandas as pd

from redose.report import words
from redose.report.reading import Dossier
from redose.report.tables.cells import Cell, Sum, Table, cell, estimate, tally
from redose.report.tables.suppression import small_counts_hidden

COUNTED = ("patients", "progressions", "samples")


def size(dossier: Dossier) -> Table:
    """What every cut held."""
    table = dossier.cuts.table
    rows = []
    for cut in dict.fromkeys(table["cut"]):
        own = table[table["cut"] == cut]
        of = own[own["quantity"].isin(COUNTED)].set_index("quantity")["value"]
        rows.append([Cell(cut), day_of(own), *(cell(of[name], "{:.0f}".format) for name in COUNTED)])
    return Table("What the data cuts held", ["cut", "calendar day", *COUNTED], rows, "cuts.csv")


@small_counts_hidden
def moved(dossier: Dossier) -> Table:
    """Thresholds, RMST and verdicts on patients by cut, a column each."""
    table = dossier.cuts.table
    cuts = list(dict.fromkeys(table["cut"]))
    table = table[table["model"].notna()]  # the counts are of no model
    rows = []
    for (model, quantity, group), part in table.groupby(["model", "quantity", "group"], sort=False):
        own = part.set_index("cut").reindex(cuts)
        name = f"RMST, {words.days(int(quantity[5:]))}" if quantity.startswith("rmst_") else quantity
        shown = [shown_as(quantity, r, model, group, r.Index) for r in own.itertuples()]
        rows.append([Cell(model), Cell(name), Cell(str(group)), *shown])
    columns = ["model", "quantity", "of", *cuts]
    return Table("What the data cuts said", columns, rows, "cuts.csv", sums_of_verdicts(rows))


def sums_of_verdicts(rows: list[list[Cell]]) -> tuple[Sum, ...]:
    """Over the verdicts of a model at a cut: all patients of the cut, which the other table tells."""
    found: dict[tuple, list] = {}
    for name in (c.counted for row in rows for c in row if c.counted is not None):
        if name[2] != "changed":
            found.setdefault(name[:2], []).append(name)
    return tuple(Sum(tuple(names)) for names in found.values())


def day_of(own: pd.DataFrame) -> Cell:
    day = own["day"].iloc[0]
    return Cell("–", -1.0) if pd.isna(day) else cell(day, "{:g}".format)


def shown_as(quantity: str, r, model: str, group: str, cut: str) -> Cell:
    """A value with its band, or a count of patients; a dash where the cut does not have it."""
    if pd.isna(r.value):
        return Cell("–", -1.0)
    if quantity == "verdict":
        return tally(int(r.value), model, cut, group)
    return estimate(r.value, r.low, r.high, words.mrd if quantity == "threshold" else "{:.0f}".format)
