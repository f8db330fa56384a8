"""MRD: latent trajectories with the samples, and the share of samples below their limit of detection."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from redose.figures import labels, style

ENDS = {
    "progression": {"marker": "X", "color": style.VERMILLION},
    "death": {"marker": "P", "color": style.BLACK},
    "transplant": {"marker": "D", "color": style.GREEN},
    "new_therapy": {"marker": "s", "color": style.PURPLE},
    "none": {"marker": "|", "color": style.GREY},
}
BELOW = {"marker": "v", "markerfacecolor": "none", "markeredgecolor": style.BLACK, "linestyle": "", "markersize": 4}
SEEN = {"marker": "o", "color": style.BLACK, "linestyle": "", "markersize": 3}


def log10_axis(axis, low: float, high: float = 0.0) -> None:
    """Ticks of log10 MRD at whole powers, labelled 10⁻⁴ and so on."""
    ticks = np.arange(np.ceil(low), np.floor(high) + 1)
    ticks = ticks[:: 2 if len(ticks) > 8 else 1]
    axis.set_yticks(ticks, [labels.power(t) for t in ticks])


@style.styled
def trajectories(table: pd.DataFrame) -> Figure:
    """Latent MRD and samples of a few patients, a panel each. table: from trajectories.trajectories."""
    patients = list(dict.fromkeys(table["patient"]))
    if not patients:
        return style.blank("no patient has two samples")
    shown = table.loc[table["kind"].isin(["latent", "sample"]), ["mean", "low"]].min().min()
    floor = max(np.floor(shown) - 0.3, -9.0)
    figure, axes = style.panels(len(patients), 3, 1.8, sharey=True)
    for axis, patient in zip(axes, patients, strict=True):
        part = table[table["patient"] == patient]
        for _, latent in part[part["kind"] == "latent"].groupby("interval", sort=True):
            axis.fill_between(latent["day"], latent["low"], latent["high"], color=style.BLUE, alpha=0.25, linewidth=0)
            axis.plot(latent["day"], latent["mean"], color=style.BLUE)
        samples = part[part["kind"] == "sample"]
        below = samples["below"].astype(str) == "True"  # the column is empty in rows of other kinds
        axis.plot(samples.loc[~below, "day"], samples.loc[~below, "mean"], **SEEN)
        axis.plot(samples.loc[below, "day"], samples.loc[below, "mean"], **BELOW)
        given = part.loc[part["kind"] == "infusion", "day"]
        axis.vlines(given, 0, 0.07, transform=axis.get_xaxis_transform(), color=style.GREEN, linewidth=1.6)
        for outcome, ends in part[part["kind"] == "end"].groupby("outcome", sort=True):
            mark = ENDS.get(outcome, ENDS["none"])
            height = np.full(len(ends), 1.0)
            axis.plot(
                ends["day"],
                height,
                transform=axis.get_xaxis_transform(),
                linestyle="",
                clip_on=False,
                markersize=6,
                **mark,
            )
        axis.set_title(labels.short(patient, 30), pad=8)
        axis.set_ylim(floor, 0.2)
        log10_axis(axis, floor)
        days = part["day"]
        style.in_months(axis, days.max(), 4)
        axis.set_xlim(min(0.0, days.min()) - 0.02 * days.max(), 1.02 * days.max())
    figure.supxlabel("days since day 0 (months in brackets)", fontsize=8)
    figure.supylabel("MRD (fraction)", fontsize=8)
    figure.legend(handles=keys(set(table["outcome"].dropna())), loc="outside upper center", ncols=4)
    return figure


def keys(outcomes: set) -> list:
    """Legend of the trajectories."""
    words = {**labels.CAUSES, "none": "end of follow-up"}
    ends = [Line2D([], [], linestyle="", label=words[k], **ENDS[k]) for k in ENDS if k in outcomes]
    return [
        Patch(color=style.BLUE, alpha=0.4, label="latent MRD, with band"),
        Line2D([], [], label="sample", **SEEN),
        Line2D([], [], label="below its LOD (drawn at the LOD)", **BELOW),
        Line2D(
            [], [], color=style.GREEN, linestyle="", marker="|", markersize=8, markeredgewidth=1.6, label="infusion"
        ),
        *ends,
    ]


@style.styled
def below_lod(table: pd.DataFrame) -> Figure:
    """Share of samples below their LOD by window of days, observed and replicated, with the number of samples.
    table: from trajectories.share_below."""
    figure = Figure(figsize=(0.8 * style.WIDTH, 3.4))
    share, count = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    share.fill_between(
        table["day"],
        table["low"],
        table["high"],
        color=style.BLUE,
        alpha=0.25,
        linewidth=0,
        label="band of replicated data",
    )
    share.plot(table["day"], table["mean"], color=style.BLUE, label="model")
    share.plot(table["day"], table["observed"], label="observed", **SEEN)
    share.set_ylim(-0.02, 1.02)
    share.set_ylabel("share below the LOD")
    width = 0.8 * table["day"].diff().min() if len(table) > 1 else 40.0
    count.bar(table["day"], table["samples"], width=width, color=style.GREY)
    count.set_ylabel("samples")
    count.set_xlabel("days since day 0 (months in brackets)")
    style.in_months(count, table["day"].max(), 8)
    figure.legend(loc="outside upper center", ncols=3)
    return figure
