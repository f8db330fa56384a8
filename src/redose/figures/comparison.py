"""Which model predicts the events best, and of which patients that estimate can be relied on."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from redose.figures import labels, style

LIMIT = 0.7  # Pareto k up to which the smoothed weights can be relied on (Vehtari et al. 2024)
NAMED = 4  # patients of a model, at most


@style.styled
def differences(table: pd.DataFrame) -> Figure:
    """Difference in elpd to the best model, with two standard errors. table: from scores.compare, several models."""
    figure = Figure(figsize=(0.8 * style.WIDTH, 0.4 * len(table) + 1.0))
    axis = figure.subplots()
    place = np.arange(len(table))[::-1]
    axis.barh(place, table["difference"], color=style.SKY, height=0.55)
    worse = (table["difference_se"] > 0).to_numpy()
    gap, se = table["difference"].to_numpy()[worse], table["difference_se"].to_numpy()[worse]
    axis.errorbar(gap, place[worse], xerr=2 * se, fmt="none", color=style.BLACK, capsize=3)
    axis.axvline(0, color=style.BLACK, linewidth=0.9)
    axis.set_yticks(
        place, [f"{m} (best)" if d == 0 else m for m, d in zip(table["model"], table["difference"], strict=True)]
    )
    axis.set_xlabel("difference in elpd to the best model (bar: ± 2 SE, paired over patients)")
    return figure


@style.styled
def pareto(tables: dict[str, pd.DataFrame]) -> Figure:
    """Pareto k of every patient against the limit, a panel per model; those above it by name, else the highest.

    tables: model -> loo.csv."""
    figure = Figure(figsize=(style.WIDTH, 1.35 * len(tables) + 0.5))
    axes = figure.subplots(len(tables), 1, squeeze=False, sharex=True, sharey=True).ravel()
    for axis, (model, table) in zip(axes, tables.items(), strict=True):
        k = table["pareto_k"].to_numpy()
        place = np.arange(1, len(k) + 1)
        for beyond, colour in ((False, style.BLUE), (True, style.VERMILLION)):
            mine = (k > LIMIT) == beyond
            axis.plot(place[mine], k[mine], "o", color=colour, markersize=2.8, markeredgewidth=0, rasterized=True)
        axis.axhline(LIMIT, color=style.BLACK, linewidth=0.9, linestyle="--")
        worst = np.argsort(-k, kind="stable")[: min(max(int((k > LIMIT).sum()), 1), NAMED)]
        for at in worst:
            left = place[at] > 0.75 * len(k)
            axis.annotate(
                labels.short(table["patient"].iloc[at], 24),
                (place[at], k[at]),
                xytext=(-4 if left else 4, 0),
                textcoords="offset points",
                ha="right" if left else "left",
                va="center",
                fontsize=7,
            )
        axis.set_title(f"{model}: {(k > LIMIT).sum()} of {len(k)} above {LIMIT:g}", loc="left")
        axis.set_xlim(0, len(k) + 1)
    axes[0].set_ylim(min(axes[0].get_ylim()[0], -0.1), max(axes[0].get_ylim()[1], 1.05))
    axes[-1].set_xlabel("patients, in the order of the table")
    figure.supylabel("Pareto k", fontsize=8)
    return figure
