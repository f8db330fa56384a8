"""Tables of progression-free intervals and of what moves their hazards."""

from redose.figures import labels
from redose.report import words
from redose.report.reading import Dossier, Fit
from redose.report.tables.cells import Cell, Sum, Table, cell, computed, estimate, name_of, tally
from redose.report.tables.suppression import small_counts_hidden


@small_counts_hidden
def lengths(dossier: Dossier, fit: Fit) -> Table:
    """P(free) and RMST by group, interval number and horizon; only horizons to which a group was followed."""
    rows = []
    for (group, number), part in fit.lengths.groupby(["group", "interval"], sort=True):
        at = part.set_index("quantity")
        counts = [tally(int(part[c].iloc[0]), group, number, c) for c in ("n", "events")]
        for day in dossier.settings["decision"]["horizons"]:
            if f"free_{day}" not in at.index:
                continue
            row = [Cell(name_of(group)), Cell(str(number)), *counts, Cell(words.days(day), float(day))]
            for name, write in ((f"free_{day}", words.percent), (f"rmst_{day}", "{:.0f}".format)):
                q = at.loc[name]
                row += [estimate(q["mean"], q["low"], q["high"], write), computed(cell(q["observed"], write), *counts)]
            rows.append(row)
    columns = [dossier.group, "interval", "n", "events", "horizon", "P(free)", "observed", "RMST, days", "observed"]
    caption = f"Progression-free intervals, model {fit.model}"
    return Table(caption, columns, rows, f"{fit.model}/lengths.csv", sums_of_lengths(rows))


def sums_of_lengths(rows: list[list[Cell]]) -> tuple[Sum, ...]:
    """Over the interval numbers of a group, over the groups of a number, and events within intervals."""
    names = dict.fromkeys(c.counted for row in rows for c in row if c.counted is not None)
    found: dict[tuple, list] = {}
    for group, number, what in names:
        for key in ((group, None, what), (None, number, what)):
            found.setdefault(key, []).append((group, number, what))
    within = [Sum(((g, k, "events"),), (g, k, "n")) for g, k, what in names if what == "n"]
    return (*(Sum(tuple(parts)) for parts in found.values() if len(parts) > 1), *within)


def effects(dossier: Dossier, fit: Fit) -> Table:
    """Hazard ratios with their band and probability of direction."""
    rows = []
    for r in fit.effects.itertuples():
        name = labels.covariate(r.covariate, dossier.about, dossier.tables["patients"])
        ratio = estimate(r.ratio, r.low, r.high)
        verdict = Cell(words.evidence(r.probability))
        rows.append(
            [
                Cell(name),
                Cell(labels.CAUSES[r.cause]),
                ratio,
                Cell(r.direction),
                cell(r.probability, words.probability),
                verdict,
            ]
        )
    columns = ["covariate", "hazard of", "hazard ratio", "direction", "P(direction)", "strength"]
    return Table(f"Hazard ratios, model {fit.model}", columns, rows, f"selection/{fit.model}.effects.csv")
