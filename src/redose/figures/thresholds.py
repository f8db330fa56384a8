"""Thresholds of MRD: the risk curve with the risks that the config names, and the posterior of tau."""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from redose.figures import checking, labels, style

RISKS = (style.ORANGE, style.VERMILLION, style.PURPLE, style.GREEN, style.BLACK)


@style.styled
def thresholds(curve: pd.DataFrame, table: pd.DataFrame, draws: dict, risks: list, horizon: int, lods: dict) -> Figure:
    """P(progression within `horizon` days) against the MRD of today; beside it tau where the model has it.

    curve, table: from thresholds.thresholds. draws: {"prior": ..., "posterior": ...} datasets. lods: assay -> LOD.
    """
    both = "tau" in draws["posterior"]
    figure = Figure(figsize=(style.WIDTH if both else 0.75 * style.WIDTH, 3.4))
    axes = figure.subplots(1, 2 if both else 1, squeeze=False, width_ratios=[3, 2] if both else None).ravel()
    risk_curve(axes[0], curve, table, risks, horizon, lods)
    if both:
        tau(axes[1], draws, table)
        handles, words = axes[1].get_legend_handles_labels()
        figure.legend(handles, words, loc="outside upper right", ncols=3)
    return figure


def risk_curve(axis, curve: pd.DataFrame, table: pd.DataFrame, risks: list, horizon: int, lods: dict) -> None:
    axis.fill_between(curve["log10_mrd"], curve["low"], curve["high"], color=style.BLUE, alpha=0.25, linewidth=0)
    axis.plot(curve["log10_mrd"], curve["mean"], color=style.BLUE)
    left, right = curve["log10_mrd"].min(), curve["log10_mrd"].max()
    found = table[table["threshold"].str.startswith("risk")]
    top = max(curve["high"].max(), *risks)
    for colour, risk, row in zip(RISKS * len(risks), risks, found.itertuples(), strict=False):
        axis.axhline(risk, color=colour, linewidth=0.9, linestyle="--")
        axis.text(left, risk + 0.008 * top, f"{100 * risk:g} %", color=colour, va="bottom")
        low, high = np.clip([row.low, row.high], left, right)
        if low < high:
            axis.plot([low, high], [risk, risk], color=colour, linewidth=4, alpha=0.6, solid_capstyle="butt")
        if np.isfinite(row.median):
            axis.plot(row.median, risk, "o", color=colour, markersize=6)
    for name, lod in lods.items():
        axis.axvline(np.log10(lod), color=style.GREY, linewidth=0.9, linestyle=":")
        text = f"LOD of {labels.short(name, 16)} "
        axis.text(np.log10(lod), 1.04 * top, text, rotation=90, ha="right", va="top", color=style.GREY, fontsize=7)
    axis.set_ylim(0, 1.05 * top)
    axis.set_xlim(left, right)
    powers(axis, left, right)
    axis.set_xlabel("MRD of today (fraction)")
    axis.set_ylabel(f"P(progression within {horizon} days)")


def tau(axis, draws: dict, table: pd.DataFrame) -> None:
    prior, posterior = (draws[g]["tau"].to_numpy().ravel() for g in ("prior", "posterior"))
    row = table[table["threshold"].str.startswith("prognostic")].iloc[0]
    left = min(np.quantile(prior, 0.025), posterior.min())
    right = max(np.quantile(prior, 0.975), posterior.max())
    grid = np.linspace(left, right, 300)
    axis.fill_between(
        grid, checking.density(prior, grid, False), color=style.GREY, alpha=0.3, linewidth=0, label="prior"
    )
    axis.plot(grid, checking.density(posterior, grid, False), color=style.BLUE, label="posterior")
    axis.plot([row["low"], row["high"]], [0, 0], color=style.BLUE, linewidth=5, solid_capstyle="butt", clip_on=False)
    if np.isfinite(row["truth"]):
        axis.axvline(row["truth"], color=style.VERMILLION, linestyle="--", label="truth of the simulation")
    axis.set_ylim(bottom=0)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    powers(axis, left, right)
    axis.set_xlabel("prognostic threshold τ (MRD)")
    axis.margins(x=0)


def powers(axis, left: float, right: float) -> None:
    """Ticks of log10 MRD on the horizontal axis."""
    ticks = np.arange(np.ceil(left), np.floor(right + 0.1) + 1)
    ticks = ticks[:: 2 if len(ticks) > 7 else 1]
    axis.set_xticks(ticks, [labels.power(t) for t in ticks])


def draws_of(prior: xr.DataTree, posterior: xr.DataTree) -> dict:
    """What `thresholds` reads of the two trees."""
    return {"prior": prior["prior"].to_dataset(), "posterior": posterior["posterior"].to_dataset()}
