"""Tables of regimes, of what knowing more is worth, and of what the choice rests on."""

from redose.report import words
from redose.report.reading import Dossier, Fit
from redose.report.tables.cells import Cell, Table, amount, cell, count, estimate, sums_over, tally
from redose.report.tables.suppression import small_counts_hidden

SHOWN_OF_REGIMES = ["gain", "rmst", "progression", "gvhd", "infusions", "tests", "delay", "cost", "cost_per_free_month"]
MOST_CELLS = 10  # of the grid that the table of regimes shows


def regimes(dossier: Dossier, fit: Fit) -> Table:
    """Regimes by expected utility, the named ones and the ten best of the grid."""
    table = fit.decision["regimes"].sort_values("utility", ascending=False)
    cells = table["tau"].notna()
    rows = []
    for r in table[~cells | (cells.cumsum() <= MOST_CELLS)].to_dict("records"):
        row = [Cell(r["regime"])]
        for name in SHOWN_OF_REGIMES:
            low, high = r[f"{name}_low"], r[f"{name}_high"]
            write = {"progression": words.percent, "gvhd": words.small_percent}.get(name, amount)
            shown = r["kind"] == "adaptive" or name not in ("tests", "delay")
            row.append(estimate(r[name], low, high, write) if shown else Cell("–", -1.0))
        row += [cell(r["p_best"], words.percent), cell(r["regret"], amount)]
        rows.append([*row, Cell("far" if r["far"] else "visited")])
    columns = ["regime", "gain, days", "days free", "P(progression)", "P(GVHD II-IV)", "infusions", "tests"]
    columns += ["delay, days", "cost", "cost a month free", "P(best)", "regret, days", "data"]
    caption = f"Regimes, model {fit.model}: {len(rows)} of {len(table)}"
    return Table(caption, columns, rows, f"decision/{fit.model}/regimes.csv")


def information(dossier: Dossier, fit: Fit) -> Table:
    """What knowing more is worth."""
    rows = []
    for r in fit.decision["information"].itertuples():
        rows.append([Cell(r.measure), Cell(r.of), cell(r.days, amount), cell(r.money, amount)])
    columns = ["measure", "of", "quality-adjusted days a patient", "money a patient"]
    return Table(
        f"Expected value of information, model {fit.model}", columns, rows, f"decision/{fit.model}/information.csv"
    )


def moving_weights(dossier: Dossier, fit: Fit) -> Table | None:
    """Weights and prices whose change moves the choice; None where none does."""
    table = fit.decision["sensitivity"]
    rows = []
    for r in table[table["same"].astype(str) != "True"].itertuples():
        rows.append([Cell(r.changed), cell(r.factor, "× {:g}".format), Cell(r.regime), cell(r.gain, amount)])
    if not rows:
        return None
    columns = ["weight or price", "changed", "regime then chosen", "its gain, days"]
    caption = f"Weights that move the choice, {len(rows)} of {len(table)} changes, model {fit.model}"
    return Table(caption, columns, rows, f"decision/{fit.model}/sensitivity.csv")


@small_counts_hidden
def subgroups(dossier: Dossier, fit: Fit) -> Table | None:
    """The choice by subgroup; None where the study has one group."""
    table = fit.decision["subgroups"]
    if len(table) < 2:
        return None
    real = dossier.settings["decision"]["ahead"]["patients"] == "trial"  # else they are made up
    rows = []
    for r in table.itertuples():
        gain = estimate(r.gain, r.gain_low, r.gain_high, amount)
        simulated = tally(r.patients, r.cell, "patients") if real else count(r.patients)
        row = [Cell(r.cell), simulated, Cell(r.regime), gain, cell(r.p_gain, words.probability)]
        rows.append([*row, cell(r.regret_of_common, amount)])
    columns = ["subgroup", "simulated", "regime chosen", "gain, days", "P(gain)", "lost by the common choice, days"]
    caption = f"The choice by subgroup, model {fit.model}"
    return Table(caption, columns, rows, f"decision/{fit.model}/subgroups.csv", sums_over(rows))


def prior_bound(dossier: Dossier, fit: Fit) -> list[str]:
    """Parameters of the model on which the data said little."""
    table = fit.decision["overlaps"]
    return list(table.loc[table["marked"].astype(str) == "True", "parameter"])


def far_regimes(dossier: Dossier, fit: Fit) -> list[str]:
    """Regimes whose decisions the data hardly visited."""
    table = fit.decision["regimes"]
    return list(table.loc[table["far"].astype(str) == "True", "regime"])
