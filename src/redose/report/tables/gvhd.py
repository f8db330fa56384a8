"""Tables of the model of GVHD."""

import math

from redose.figures import labels
from redose.report import words
from redose.report.reading import Dossier
from redose.report.tables.cells import Cell, Sum, Table, cell, count, estimate, tally
from redose.report.tables.suppression import small_counts_hidden


@small_counts_hidden
def counts(dossier: Dossier) -> Table:
    """Episodes by kind and grade, observed and replicated."""
    rows = []
    for r in dossier.gvhd.counts.itertuples():
        again = estimate(r.mean, r.low, r.high, lambda x: words.number(x, 2) if x < 10 else f"{x:.0f}")
        rows.append([Cell(r.kind), Cell(str(r.grade)), tally(int(r.observed), r.kind, str(r.grade)), again])
    columns = ["kind", "grade", "observed", "replicated by the model"]
    names = [row[2].counted for row in rows]
    graded = {kind: tuple(n for n in names if n[0] == kind and n[1] != "any") for kind, _ in names}
    sums = [Sum(own, (kind, "any") if (kind, "any") in names else None) for kind, own in graded.items() if own]
    sums.append(Sum(tuple(n for n in names if n[1] == "any")))
    caption = "Episodes of GVHD, observed and replicated"
    return Table(caption, columns, rows, "gvhd/counts.csv", tuple(sums))


def effects(dossier: Dossier) -> Table | None:
    """Ratios of the hazard of GVHD and of the odds of a higher grade, e to the posterior mean and band of the log; None
    without covariates."""
    table = dossier.gvhd.diagnostics
    rows = []
    for r in table[table["parameter"].str.startswith(("beta_", "gamma_"))].itertuples():
        name = labels.parameter(r.parameter, dossier.about, dossier.tables["patients"])
        rows.append([Cell(name), estimate(*(math.exp(x) for x in (r.mean, r.low, r.high)))])
    if not rows:
        return None
    return Table("What moves GVHD", ["per unit of a covariate", "ratio"], rows, "gvhd/diagnostics.csv")


def risks(dossier: Dossier) -> Table | None:
    """Risk of acute GVHD after courses and after one infusion of all their cells; None without infusions."""
    table = dossier.gvhd.risk
    if table.empty:
        return None
    dose = dossier.settings["model"]["reference_cells"]
    doses = [n * dose for n in (1, *dossier.settings["decision"]["gvhd"]["infusions"])]
    shown = (table["infusions"] > 1) | table["cells"].map(lambda c: any(math.isclose(c, d) for d in doses))
    keys, rows = ["product", "cells", "infusions", "spacing"], []
    for (product, cells, infusions, spacing), part in table[shown].groupby(keys, sort=False):
        after, before = (part[part["given"] == g].iloc[0] for g in ("posterior", "prior"))
        row = [Cell(str(product)), count(int(infusions)), Cell(f"{cells:.1e}", float(cells))]
        row.append(cell(spacing, lambda d: f"{d:.0f}" if d else "–"))
        row += [estimate(x["mean"], x["low"], x["high"], words.small_percent) for x in (after, before)]
        peak = (after[f"peak{end}"] / 100 for end in ("", "_low", "_high"))
        rows.append([*row, estimate(*peak, words.small_percent)])
    columns = ["product", "infusions", "cells of each", "days apart", "P(acute GVHD)", "by the prior alone"]
    caption = "Acute GVHD brought about by infusions alone"
    return Table(caption, [*columns, "highest hazard, per week"], rows, "gvhd/risk.csv")
