"""Progression-free intervals: observed curves with the model laid over them."""

import pandas as pd
from matplotlib.figure import Figure

from redose.figures import labels, style

NUMBERS = {"1": "first interval", "2": "second interval", "3 and later": "third and later"}
ABSENT = "fewer than\n5 intervals"  # overlay.FEWEST
FEW = "no group has 5 intervals of the same number"


def clock_label(clock: str) -> str:
    start = "the interval started" if clock == "gap" else "day 0"
    return f"days since {start} (months in brackets)"


def grid(curves: pd.DataFrame, clock: str) -> tuple[Figure, dict]:
    """(figure, (group, interval) -> panel): a row per group and a column per interval number, or groups side by side
    where there is one interval number only."""
    groups, numbers = sorted(curves["group"].unique()), [n for n in NUMBERS if n in set(curves["interval"])]
    wide = len(numbers) > 1
    keys = [(g, n) for g in groups for n in numbers]
    figure, axes = style.panels(
        len(keys), len(numbers) if wide else 3, 1.75 if len(keys) > 1 else 2.4, sharex=True, sharey=True
    )
    longest = curves["day"].max()
    present = set(zip(curves["group"], curves["interval"], strict=True))
    for axis, (group, number) in zip(axes, keys, strict=True):
        name = "all patients" if group == "all" else labels.short(group, 26)
        axis.set_title(f"{name}\n{NUMBERS[number]}")
        axis.set_xlim(0, longest)
        axis.set_ylim(-0.02, 1.02)
        style.in_months(axis, longest, 4 if len(axes) > 1 else 6)
        if (group, number) not in present:
            style.empty(axis, ABSENT)
    figure.supxlabel(clock_label(clock), fontsize=8)
    return figure, dict(zip(keys, axes, strict=True))


def from_start(part: pd.DataFrame) -> pd.DataFrame:
    """A curve with its first point, where nothing has happened yet, put before the end of its first bin."""
    part = part.sort_values("day")
    first = 1.0 if part["quantity"].iloc[0] == "free" else 0.0
    width = part["day"].iloc[1] - part["day"].iloc[0] if len(part) > 1 else part["day"].iloc[0]
    start = {"day": part["day"].iloc[0] - width, "observed": first, "mean": first, "low": first, "high": first}
    return pd.concat([pd.DataFrame([start]), part[list(start)]], ignore_index=True)


def draw(axis, part: pd.DataFrame, colour: str, observed: str, name: str = "") -> None:
    part = from_start(part)
    axis.fill_between(
        part["day"], part["low"], part["high"], color=colour, alpha=0.25, linewidth=0, label=f"{name}band"
    )
    axis.plot(part["day"], part["mean"], color=colour, label=f"{name}model")
    axis.step(part["day"], part["observed"], where="post", color=observed, linewidth=1.0, label=f"{name}observed")


@style.styled
def free(curves: pd.DataFrame, clock: str) -> Figure:
    """Probability of being alive and progression-free, Kaplan-Meier and model. curves: from overlay.curves."""
    if curves.empty:
        return style.blank(FEW)
    figure, axes = grid(curves, clock)
    for key, part in curves[curves["quantity"] == "free"].groupby(["group", "interval"], sort=True):
        draw(axes[key], part, style.BLUE, style.BLACK)
    figure.supylabel("alive and progression-free", fontsize=8)
    legend(figure, axes, {"band": "model, band of replicated trials", "observed": "observed (Kaplan-Meier)"})
    return figure


@style.styled
def incidence(curves: pd.DataFrame, clock: str) -> Figure:
    """Cumulative incidence of every cause, Aalen-Johansen and model. curves: from overlay.curves."""
    if curves.empty:
        return style.blank(FEW)
    figure, axes = grid(curves, clock)
    causes = [c for c in style.CAUSES if c in set(curves["quantity"])]
    for cause in causes:
        for key, part in curves[curves["quantity"] == cause].groupby(["group", "interval"], sort=True):
            draw(axes[key], part, style.CAUSES[cause], style.CAUSES[cause], f"{cause} ")
            axes[key].lines[-1].set_linestyle((0, (2, 1)))
    figure.supylabel("cumulative incidence", fontsize=8)
    words = {f"{c} {k}": f"{labels.CAUSES[c]}, {k}" for c in causes for k in ("model", "observed")}
    legend(figure, axes, words)
    return figure


def legend(figure: Figure, axes: dict, words: dict) -> None:
    """One legend above all panels: label of an artist -> words."""
    found = {}
    for axis in axes.values():
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    chosen = [k for k in words if k in found]
    columns = len(chosen) if len(axes) > 1 else 2
    figure.legend([found[k] for k in chosen], [words[k] for k in chosen], loc="outside upper center", ncols=columns)
