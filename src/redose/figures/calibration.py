"""Ranks of true values among posterior draws: is each posterior as wide, and where, as it says?"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from redose import ranks
from redose.figures import checking, labels, style

NAMES = {
    "tau": "prognostic threshold τ",
    "risk_threshold": "risk threshold",
    "doubling": "doubling time",
    "delta": "kill of an infusion",
    "gvhd_course": "P(acute GVHD) after a course",
}


def named(quantity: str) -> str:
    """A quantity of the config in words: rmst_quarterly, gain_biannual and the rest."""
    kind, _, schedule = quantity.partition("_")
    if kind == "rmst":
        return f"RMST, {schedule}"
    return f"gain in RMST, {schedule} over single" if kind == "gain" else NAMES.get(quantity, quantity)


@style.styled
def differences(table: pd.DataFrame, verdict: pd.DataFrame, level: float, seed: int) -> Figure:
    """ECDF of the ranks less that of a uniform one, a panel per quantity, with simultaneous bands for this quantity
    alone (dark) and for all tests together (light). table, verdict: from `calibration.run`, `ranks.judge`."""
    figure, axes = style.panels(max(table["quantity"].nunique(), 1), 3, 1.7, sharex=True, sharey=True)
    for axis, (quantity, part) in zip(axes, table.groupby("quantity", sort=False), strict=True):
        axis.set_title(labels.wrapped(named(quantity), 34))
        values = np.sort(part.loc[part["accepted"], "pit"].to_numpy())
        if len(values) < 2:
            style.empty(axis, "fewer than two accepted fits")
            continue
        null = ranks.null_extremity(len(values), seed)
        for alone, shade, name in ((level / len(verdict), 0.15, "all tests together"), (level, 0.3, "this one alone")):
            points, low, high = (np.pad(x, 1, constant_values=(0, 1)) for x in ranks.band(len(values), alone, null))
            words = f"{100 * (1 - level):g} % band, {name}"
            axis.fill_between(points, low - points, high - points, color=style.GREY, alpha=shade, lw=0, label=words)
        x = np.repeat(np.concatenate([[0.0], values, [1.0]]), 2)[1:-1]
        y = np.repeat(np.arange(len(values) + 1) / len(values), 2)
        bad = not verdict.loc[verdict["quantity"] == quantity, "calibrated"].all()
        axis.plot(x, y - x, color=style.VERMILLION if bad else style.BLUE, linewidth=1.1)
        axis.axhline(0, color=style.BLACK, linewidth=0.6)
        axis.set_xlim(0, 1)
    figure.supxlabel("rank of the true value among the draws, from 0 to 1", fontsize=8)
    figure.supylabel("ECDF less uniform", fontsize=8)
    handles, names = checking.axes_legend(axes)
    if handles:
        figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure
