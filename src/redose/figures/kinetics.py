"""Kill, what changes it, and doubling time: posterior beside prior, and the truth of a simulated study."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from redose.figures import checking, labels, style

ROW = 0.17  # inches
LOTS = 20  # shown at most: those with most infusions
PANELS = {  # axis label -> (its quantities, whether its scale is logarithmic)
    "log10 killed (share killed), first infusion of the reference dose": (
        ("kill", "kill_low", "kill_high", "kill_lot", "course"),
        False,
    ),
    "ratio": (("kill_ratio", "kill_timed", "kill_dose", "kill_repeat", "kill_lots", "doubling_ratio"), True),
    "days": (("doubling", "doubling_low", "doubling_high", "half_life"), True),
    "change of the marker, log10": (("change", "change_low", "change_high", "change_difference"), False),
}


@style.styled
def kinetics(table: pd.DataFrame, about: dict) -> Figure:
    """Median and interval of every quantity, a panel for each unit; the prior as a grey bar. table: from
    dosing.summary."""
    table = table.fillna({"of": "", "contrast": ""})
    parts = {name: few_lots(table[table["quantity"].isin(which)]) for name, (which, _) in PANELS.items()}
    parts = {name: part for name, part in parts.items() if len(part)}
    counts = [len(part) for part in parts.values()]
    figure = Figure(figsize=(style.WIDTH, ROW * sum(counts) + 0.62 * len(parts) + 0.35))
    axes = figure.subplots(len(parts), 1, squeeze=False, height_ratios=[n + 1 for n in counts]).ravel()
    for axis, (name, part) in zip(axes, parts.items(), strict=True):
        rows(axis, part, about)
        limits(axis, part, name)
        axis.set_xlabel(name)
    figure.legend(*checking.axes_legend(list(axes)), loc="outside upper center", ncols=3)
    return figure


def few_lots(part: pd.DataFrame) -> pd.DataFrame:
    """The rows without the lots beyond LOTS that had fewest infusions."""
    of_lots = part[part["quantity"] == "kill_lot"].sort_values("infusions", ascending=False, kind="stable")
    return part.drop(of_lots.index[LOTS:])


def rows(axis, part: pd.DataFrame, about: dict) -> None:
    """A line for each quantity: prior, posterior and truth."""
    place = np.arange(len(part))
    axis.hlines(
        place, part["prior_low"], part["prior_high"], color=style.GREY, alpha=0.3, linewidth=6, label="prior interval"
    )
    axis.hlines(place, part["low"], part["high"], color=style.BLUE, linewidth=1.8)
    axis.plot(part["median"], place, "o", color=style.BLUE, markersize=4, label="posterior median and interval")
    if part["truth"].notna().any():
        mark = {"marker": "|", "linestyle": "", "markersize": 9, "markeredgewidth": 1.6, "color": style.VERMILLION}
        axis.plot(part["truth"], place, label="truth of the simulation", zorder=4, **mark)
    names = [labels.kinetics(r.quantity, r.of, r.contrast, about) for r in part.itertuples()]
    axis.set_yticks(place, [labels.short(n, 56) for n in names], fontsize=7)
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(len(part) - 0.4, -0.6)


def limits(axis, part: pd.DataFrame, name: str) -> None:
    """A scale that shows every posterior whole; priors may run out of it."""
    known = part[["low", "high", "truth"]].to_numpy(float)
    low, high = np.nanmin(known), np.nanmax(known)
    if PANELS[name][1]:
        low, high = (min(low, 0.8), max(high, 1.25)) if name == "ratio" else (low, high)
        axis.set_xscale("log")
        axis.set_xlim(low / 1.15, high * 1.15)
        checking.sparse(axis, low / 1.15, high * 1.15)
    else:
        low, high = min(low, 0.0), max(high, 0.0)
        axis.set_xlim(low - 0.06 * (high - low) * (low < 0), high + 0.06 * (high - low))
    if name == "ratio":
        axis.axvline(1, color=style.GREY, linewidth=0.8, linestyle=":")
    elif not PANELS[name][1] and low < 0:
        axis.axvline(0, color=style.GREY, linewidth=0.8, linestyle=":")
    if name.startswith("log10 killed"):
        ticks = [t for t in np.arange(np.floor(low), high + 0.01, 0.5 if high - low < 4 else 1.0) if low <= t <= high]
        axis.set_xticks(ticks, [f"{t:g}\n({share(t)})" if t > 0 else f"{t:g}" for t in ticks])


def share(kill: float) -> str:
    """Share killed by so many log10, with the digits that tell it from all: 90 %, 99.7 %."""
    return f"{100 * (1 - 10**-kill):.{max(0, int(np.ceil(kill)) - 2)}f} %"
