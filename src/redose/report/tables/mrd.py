"""Tables of MRD and its thresholds."""

import math

import pandas as pd

from redose.figures import labels
from redose.figures.kinetics import share
from redose.report import words
from redose.report.reading import Dossier, Fit
from redose.report.tables.cells import Cell, Table, cell, count, estimate

LEFT = 0.01  # share of its effect after which an infusion is said to be over


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


def kinetics(dossier: Dossier, fit: Fit) -> Table:
    """Kill, what changes it, doubling time, half-lives (or the change of a marker), beside the prior; without lots."""
    table = fit.kinetics[fit.kinetics["quantity"] != "kill_lot"]
    return of_kinetics(dossier, fit, table, f"Kill and doubling, model {fit.model}")


def lots(dossier: Dossier, fit: Fit) -> Table | None:
    """The kill of every lot; None where the model tells none apart."""
    table = fit.kinetics[fit.kinetics["quantity"] == "kill_lot"]
    return None if table.empty else of_kinetics(dossier, fit, table, f"Kill by lot, model {fit.model}")


def of_kinetics(dossier: Dossier, fit: Fit, table: pd.DataFrame, caption: str) -> Table:
    """These rows of kinetics.csv, in clinical words."""
    rows, with_counts = [], table["infusions"].notna().any()
    for r in table.fillna({"of": "", "contrast": ""}).itertuples():
        name = labels.kinetics(r.quantity, r.of, r.contrast, dossier.about)
        unit = {"ratio": "", "exponent": "", "share": ""}.get(r.unit, f" {r.unit}")
        after, before = estimate(r.median, r.low, r.high), estimate(r.prior_median, r.prior_low, r.prior_high)
        row = [Cell(name), Cell(after.text + unit, after.value), Cell(plainly(r)), before]
        row += [Cell("–", -1.0) if pd.isna(r.infusions) else count(int(r.infusions))] * bool(with_counts)
        rows.append(row + [cell(r.truth)] * dossier.simulated)
    band = f"{100 * dossier.settings['decision']['ci_prob']:.0f} % interval"
    columns = ["quantity", f"posterior median ({band})", "in other words", "prior"]
    columns += ["infusions seen"] * bool(with_counts) + ["truth"] * dossier.simulated
    return Table(caption, columns, rows, f"{fit.model}/kinetics.csv")


def plainly(row) -> str:
    """What a median means to a clinician; empty where it says all itself."""
    value = row.median
    if (row.quantity.startswith("kill") and row.unit == "log10") or row.quantity == "course":
        return f"{share(value)} of the disease killed" if value > 0 else "no kill"
    if row.unit == "ratio":
        more = round(100 * (value - 1))
        return "no change" if more == 0 else f"{abs(more)} % {'more' if more > 0 else 'less'}"
    if row.quantity.startswith("doubling"):
        return f"tenfold in {value * math.log2(10):.0f} days"
    if row.quantity == "half_life":
        return f"{words.percent(LEFT)} of the effect to come after {-value * math.log2(LEFT):.0f} days"
    if row.quantity.startswith("change"):
        return f"{words.number(10**value, 2)}-fold"
    return ""
