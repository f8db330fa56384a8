"""Tables of MRD and its thresholds."""

import pandas as pd

from redose.report import words
from redose.report.reading import Dossier, Fit
from redose.report.tables.cells import Cell, Table, cell


def thresholds(dossier: Dossier, fit: Fit) -> Table:
    """Prognostic and risk thresholds; the truth beside them where the study is simulated."""
    rows = []
    for r in fit.threshold.itertuples():
        middle = Cell(words.mrd(r.median), float(r.median))
        row = [Cell(r.threshold), middle, Cell(words.band(r.low, r.high, words.power)), cell(r.exists, words.percent)]
        row.append(Cell(verdict(r)))
        rows.append(row + [Cell("–" if pd.isna(r.truth) else words.mrd(r.truth))] * dossier.simulated)
    columns = ["threshold", "median MRD", "band", "draws that have one", "verdict", *["truth"] * dossier.simulated]
    return Table(f"Thresholds of MRD, model {fit.model}", columns, rows, f"threshold/{fit.model}.csv")


def verdict(row) -> str:
    """The verdict of thresholds.csv; a usable one is not said twice."""
    return "usable" if str(row.verdict).startswith("10^") else str(row.verdict)
