"""GVHD: cumulative incidence with the model laid over it, and the risk that infusions bring by dose and spacing."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from redose.figures import checking, intervals, labels, style

KINDS = {"acute": style.VERMILLION, "chronic": style.BLUE}
NOTHING = "no infusion in this study"
FEW = "no group has 5 patients"  # overlay.FEWEST


@style.styled
def incidence(table: pd.DataFrame) -> Figure:
    """Cumulative incidence of first acute and chronic GVHD by group, Aalen-Johansen and model.
    table: from episodes.incidence."""
    groups = sorted(table["group"].unique())
    if not groups:
        return style.blank(FEW)
    figure, axes = style.panels(len(groups), 3, 2.0, sharex=True, sharey=True)
    longest = table["day"].max()
    for axis, group in zip(axes, groups, strict=True):
        mine = table[table["group"] == group]
        name = "all patients" if group == "all" else labels.short(group, 26)
        axis.set_title(f"{name}\n(n = {mine['patients'].max()})")
        for kind, part in mine.groupby("kind", sort=True):
            day, colour = part["day"], KINDS[kind]
            axis.fill_between(
                day, part["low"], part["high"], color=colour, alpha=0.2, linewidth=0, label=f"{kind} band"
            )
            axis.plot(day, part["mean"], color=colour, label=f"{kind} model")
            seen = {"where": "post", "color": colour, "linewidth": 1.0, "linestyle": (0, (2, 1))}
            axis.step(day, part["observed"], label=f"{kind} observed", **seen)
        axis.set_xlim(0, longest)
        style.in_months(axis, longest, 4)
    axes[0].set_ylim(bottom=0)
    figure.supxlabel("days since day 0 (months in brackets)", fontsize=8)
    figure.supylabel("cumulative incidence of GVHD", fontsize=8)
    words = {f"{k} {what}": f"{k}, {what}" for k in KINDS for what in ("model", "observed")}
    intervals.legend(figure, dict(enumerate(axes)), words)
    return figure


@style.styled
def counts(table: pd.DataFrame) -> Figure:
    """Episodes by kind and grade: observed, and the mean and band of counts that the model replicates.
    table: from episodes.counts."""
    kinds = [k for k in KINDS if (table["kind"] == k).any()]
    figure, axes = style.panels(len(kinds), 2, 2.3)
    for axis, kind in zip(axes, kinds, strict=True):
        part = table[table["kind"] == kind]
        place, around = np.arange(len(part)), [part["mean"] - part["low"], part["high"] - part["mean"]]
        looks = {"fmt": "_", "color": style.BLUE, "markersize": 16, "elinewidth": 7, "alpha": 0.5}
        axis.errorbar(place, part["mean"], yerr=np.maximum(around, 0.0), label="model, mean and band", **looks)
        axis.plot(place, part["observed"], "o", color=style.BLACK, markersize=4.5, label="observed")
        axis.set_xticks(place, part["grade"].astype(str))
        axis.set_xlim(-0.6, len(part) - 0.4)
        axis.set_ylim(bottom=0)
        axis.set_title(f"{kind} GVHD")
        axis.set_xlabel("grade")
    figure.supylabel("episodes", fontsize=8)
    figure.legend(*checking.axes_legend(axes), loc="outside upper center", ncols=2)
    return figure


@style.styled
def risk(table: pd.DataFrame, horizon: int) -> Figure:
    """P(acute GVHD) that infusions alone bring: after one infusion by its cells (left), after courses (right); a row
    per product, the prior in grey. table: from episodes.risks. horizon: days after the last infusion."""
    products = list(table["product"].unique())
    figure = Figure(figsize=(style.WIDTH, 2.9 * max(len(products), 1) + 0.4))
    axes = figure.subplots(max(len(products), 1), 2, squeeze=False, width_ratios=[3, 2], sharey=True)
    for (left, right), product in zip(axes, products, strict=False):
        mine = table[table["product"] == product]
        by_dose(left, mine[(mine["infusions"] == 1) & mine["seen"]])
        left.set_title(f"{labels.short(product)}: one infusion")
        courses(right, mine)
        left.set_ylabel(f"P(acute GVHD) to {horizon} days\nafter the last infusion")
    if not products:
        for axis in axes[0]:
            style.empty(axis, NOTHING)
        return figure
    handles, words = checking.axes_legend(list(axes.ravel()))
    figure.legend(handles, words, loc="outside upper center", ncols=4)
    return figure


def by_dose(axis, table: pd.DataFrame) -> None:
    """Risk against the cells of a single infusion, both axes logarithmic; a bar where all were of one dose."""
    looks = {"prior": (style.GREY, 0.25, "--"), "posterior": (style.BLUE, 0.25, "-")}
    for given, (colour, alpha, line) in looks.items():
        part = table[table["given"] == given].sort_values("cells")
        if len(part) > 1:
            axis.fill_between(part["cells"], part["low"], part["high"], color=colour, alpha=alpha, linewidth=0)
        else:
            width = 9 if given == "prior" else 4
            axis.vlines(part["cells"], part["low"], part["high"], color=colour, alpha=0.5, linewidth=width)
        points = "" if len(part) > 1 else "o"
        axis.plot(part["cells"], part["mean"], points, color=colour, linestyle=line, label=f"{given}, mean and band")
    axis.set_xscale("log")
    percentages(axis)
    low, high = table["cells"].min(), table["cells"].max()
    checking.sparse(axis, low, high)
    axis.set_xticks(axis.get_xticks(), [f"{x:.0e}".replace("e+0", "e") for x in axis.get_xticks()])
    if low == high:
        axis.set_xlim(low / 2, 2 * high)
    axis.set_xlabel("cells of the infusion")


def courses(axis, table: pd.DataFrame) -> None:
    """Risk after several infusions of one dose by their spacing, and after one of all their cells."""
    several = table[table["infusions"] > 1]
    dose = several["cells"].min()
    plans = [(n * dose, 1, 0) for n in sorted({1, *several["infusions"]})]
    plans += [tuple(x) for x in several[["cells", "infusions", "spacing"]].drop_duplicates().to_numpy()]
    names = []
    for place, (cells, infusions, spacing) in enumerate(sorted(plans, key=lambda p: (p[0] * p[1], p[1], p[2]))):
        same = np.isclose(table["cells"], cells) & (table["infusions"] == infusions) & (table["spacing"] == spacing)
        for given, colour, width in (("prior", style.GREY, 5), ("posterior", style.BLUE, 2)):
            row = table[same & (table["given"] == given)].iloc[0]
            axis.plot([place, place], [row["low"], row["high"]], color=colour, linewidth=width, alpha=0.5)
            axis.plot(place, row["mean"], "o", color=colour, markersize=4)
        names.append(f"{infusions:.0f} × {cells:.1e}".replace("e+0", "e") + (f", {spacing:.0f} d" if spacing else ""))
    axis.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor", fontsize=7)
    axis.set_title("courses: infusions × cells, days apart")


def percentages(axis) -> None:
    """A logarithmic axis of probabilities, labelled in percent."""
    axis.set_yscale("log")
    axis.set_ylim(1e-5, 1)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g} %"))
    axis.yaxis.set_minor_formatter(NullFormatter())
