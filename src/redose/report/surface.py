"""What the utility surface of a dossier shows when looked around in: measures by threshold and days between tests."""

import numpy as np

from redose.figures import decisions, labels
from redose.report import words
from redose.report.reading import Dossier, Fit
from redose.report.tables.cells import amount

MEASURES = {
    "gain": ("gain over no redosing, quality-adjusted days", amount),
    "rmst": ("days alive and progression-free", amount),
    "progression": ("P(progression)", words.percent),
    "gvhd": ("P(GVHD II-IV)", words.small_percent),
    "infusions": ("infusions a patient", amount),
    "tests": ("tests a patient", amount),
    "delay": ("days from crossing to infusion", amount),
    "cost": ("cost a patient", amount),
}


def surface(dossier: Dossier, fit: Fit) -> dict | None:
    """taus and gaps (texts of the axes, in ascending order), chosen (column, row), and measures: label, values and
    texts (what hovering says) by row and column. None where no grid of regimes was simulated."""
    table = fit.decision["regimes"]
    cells = table[table["tau"].notna() & table["every"].notna()]
    if cells.empty:
        return None
    taus, gaps = np.sort(cells["tau"].unique()), np.sort(cells["every"].unique())
    best = cells.loc[cells["utility"].idxmax()]
    inside = credible(fit, dossier.settings["decision"]["ci_prob"])
    at = {(r["every"], r["tau"]): r for r in cells.to_dict("records")}
    measures = {}
    for name, (label, write) in MEASURES.items():
        rows = [[at.get((gap, tau)) for tau in taus] for gap in gaps]
        measures[name] = {
            "label": label,
            "values": [[None if r is None else float(r[name]) for r in row] for row in rows],
            "texts": [[told(r, name, write, inside) for r in row] for row in rows],
        }
    return {
        "model": fit.model,
        "taus": [labels.power(t) for t in taus],
        "gaps": [f"{g:.0f}" for g in gaps],
        "chosen": [int(np.searchsorted(taus, best["tau"])), int(np.searchsorted(gaps, best["every"]))],
        "measures": measures,
    }


def credible(fit: Fit, ci_prob: float) -> set[tuple[float, float]]:
    """Pairs (days between tests, threshold) among which the best lies with that probability."""
    pairs = fit.decision["best"].query("within == 'all pairs'")
    kept = pairs[decisions.region(pairs["p"].to_numpy(), ci_prob)] if len(pairs) else pairs
    return set(zip(kept["every"], kept["tau"], strict=True))


def told(row: dict | None, name: str, write, inside: set) -> str:
    """What hovering over a cell says."""
    if row is None:
        return "not simulated"
    band = words.band(row[f"{name}_low"], row[f"{name}_high"], write)
    lines = [decisions.name_of(row["regime"]), f"{MEASURES[name][0]}: {write(row[name])} ({band})"]
    lines.append(f"P(best of all regimes): {words.percent(row['p_best'])}")
    lines += ["among the pairs that hold the best"] * ((row["every"], row["tau"]) in inside)
    lines += ["far from the data: the model's extrapolation"] * (str(row["far"]) == "True")
    return "\n".join(lines)
