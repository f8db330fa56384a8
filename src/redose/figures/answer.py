"""The answer in one figure: gain by threshold, by days between tests and by patient; without regimes, what is known."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redose.figures import labels, style
from redose.figures.thresholds import powers

MOST = 8  # hazard ratios that are drawn


@style.styled
def choices(regimes: pd.DataFrame, gain: pd.DataFrame, step: tuple[float, float] | None, smallest: float) -> Figure:
    """Gain over no redosing by threshold at the best days between tests (left), by days between tests at the best
    threshold for each (middle), and of every patient, sorted (right); with bands.

    regimes: regimes.csv. gain: gain.csv. step: band of the log10 MRD at which the hazard steps up, None where it is not
    known. smallest: days that matter to a patient.
    """
    cells = regimes.dropna(subset=["tau", "every"])
    figure = Figure(figsize=(style.WIDTH, 2.7))
    axes = figure.subplots(1, 3 if len(cells) else 1, squeeze=False).ravel()
    if len(cells):
        left, middle = axes[:2]
        best = cells.loc[cells["utility"].idxmax()]
        by_threshold = cells[cells["every"] == best["every"]].sort_values("tau")
        by_days = cells.loc[cells.groupby("every")["utility"].idxmax()].sort_values("every")
        banded(left, by_threshold["tau"], by_threshold, best["tau"])
        if step:
            left.axvspan(*step, color=style.VERMILLION, alpha=0.2, linewidth=0, label="hazard steps up")
            left.legend(loc="lower left", fontsize=7)
        left.set_title(f"tests every {best['every']:g} days")
        powers(left, cells["tau"].min(), cells["tau"].max())
        left.set_xlabel("threshold (MRD)")
        left.set_ylabel("gain over no redosing,\nquality-adjusted days")
        middle.sharey(left)
        banded(middle, by_days["every"], by_days, best["every"])
        middle.set_title("best threshold for each")
        middle.set_xticks(by_days["every"])
        middle.set_xlabel("days between tests")
    of_patients(axes[-1], gain, smallest)
    return figure


def banded(axis: Axes, x: pd.Series, rows: pd.DataFrame, star: float) -> None:
    """The gain with its band over x, the chosen x marked."""
    axis.fill_between(x, rows["gain_low"], rows["gain_high"], color=style.BLUE, alpha=0.2, linewidth=0)
    axis.plot(x, rows["gain"], "o-", color=style.BLUE, markersize=3)
    axis.plot(star, rows["gain"][x == star], "*", color=style.VERMILLION, markersize=11)
    axis.axhline(0, color=style.GREY, linewidth=0.8, linestyle="--")


def of_patients(axis: Axes, gain: pd.DataFrame, smallest: float) -> None:
    """Gain of every patient with its band, sorted, coloured by verdict."""
    ordered = gain.sort_values("gain", kind="stable").reset_index(drop=True)
    for verdict, colour in style.VERDICTS.items():
        part = ordered[ordered["verdict"] == verdict]
        if len(part):
            rank = 100 * (part.index + 0.5) / len(ordered)
            axis.vlines(rank, part["gain_low"], part["gain_high"], color=colour, linewidth=0.8, alpha=0.35)
            axis.plot(rank, part["gain"], ".", color=colour, markersize=3, label=f"{verdict}: {len(part)}")
    axis.axhline(smallest, color=style.BLACK, linewidth=0.8, linestyle=":")
    axis.legend(loc="upper left", fontsize=7, markerscale=2)
    axis.set_title(f"dotted: {smallest:g} days")
    axis.set_xlabel("patients, % (sorted by gain)")
    axis.set_ylabel("days alive and\nprogression-free gained")


@style.styled
def known(lengths: pd.DataFrame, effects: pd.DataFrame, horizon: int | None, names: list[str]) -> Figure:
    """Without regimes: P(alive and progression-free) at `horizon` in first intervals by group (left, where a group was
    followed so long), and hazard ratios of progression (right, where covariates enter). names: words of the effects."""
    first = lengths[(lengths["interval"] == "1") & (lengths["quantity"] == f"free_{horizon}")].sort_values("mean")
    some = effects.assign(words=names).sort_values("probability", ascending=False, kind="stable").head(MOST)[::-1]
    parts = [(part, draw) for part, draw in ((first, probabilities), (some, ratios)) if len(part)]
    rows = max([len(part) for part, _ in parts] or [1])
    figure = Figure(figsize=(style.WIDTH, 1.1 + 0.24 * rows))
    axes = figure.subplots(1, max(len(parts), 1), squeeze=False).ravel()
    for axis, (part, draw) in zip(axes, parts, strict=False):
        draw(axis, part)
    if len(first):
        axes[0].set_xlabel(f"P(alive and progression-free {horizon} days\ninto the first interval)")
    if not parts:
        style.empty(axes[0], "no group was followed long enough, and no covariate enters")
    return figure


def probabilities(axis: Axes, part: pd.DataFrame) -> None:
    for y, row in enumerate(part.itertuples()):
        axis.plot([row.low, row.high], [y, y], color=style.BLUE, linewidth=2)
        axis.plot(row.mean, y, "o", color=style.BLUE, markersize=5)
    axis.set_yticks(range(len(part)), [labels.wrapped("all patients" if g == "all" else g, 22) for g in part["group"]])
    axis.set_ylim(-0.6, len(part) - 0.4)
    axis.set_xlim(0, 1)


def ratios(axis: Axes, part: pd.DataFrame) -> None:
    for y, row in enumerate(part.itertuples()):
        axis.plot([row.low, row.high], [y, y], color=style.BLUE, linewidth=2)
        axis.plot(row.ratio, y, "o", color=style.BLUE, markersize=5)
    axis.axvline(1, color=style.GREY, linewidth=0.8, linestyle="--")
    axis.set_xscale("log")
    low, high = min(part["low"].min(), 0.9), max(part["high"].max(), 1.1)
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low * 0.8 <= t <= high * 1.25]
    axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axis.minorticks_off()
    axis.set_yticks(range(len(part)), [labels.wrapped(w, 30) for w in part["words"]])
    axis.set_ylim(-0.6, len(part) - 0.4)
    axis.set_xlabel("hazard ratio of progression")


def spread(row: pd.Series) -> tuple[float, float] | None:
    """The band of the prognostic threshold, where it is finite."""
    ends = (float(row["low"]), float(row["high"]))
    return ends if np.isfinite(ends).all() else None
