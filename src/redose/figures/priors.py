"""How much the priors, and how much the data, move what is concluded."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from redose.figures import checking, labels, style
from redose.sensitivity import LIMIT, ROBUST

SHOWN = 20  # parameters, those that the priors move most
FLOOR = 0.005  # smaller sensitivities are drawn here
COLOURS = {ROBUST: style.BLACK, "prior and data in conflict": style.VERMILLION}

BEFORE = {"linestyle": "", "marker": "o", "color": style.BLUE, "markersize": 4.5}
AFTER = {"linestyle": "", "marker": "o", "color": style.ORANGE, "markersize": 5.5, "markerfacecolor": "none"}
NOISE = {"linestyle": "", "marker": "|", "color": style.GREY, "markersize": 5}


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that are drawn: what decisions rest on, then the parameters that the priors move most."""
    moved = table[table["kind"] == "parameter"].sort_values("prior", ascending=False, kind="stable")
    return pd.concat([table[table["kind"] == "decision"], moved.head(SHOWN)], ignore_index=True)


@style.styled
def sensitivity(table: pd.DataFrame, about: dict, patients: pd.DataFrame, link: str, settings: dict) -> Figure:
    """Sensitivity of quantities to the priors (dots) and to the likelihood (rings), with the verdict at the right.

    table: from sensitivity.table. settings: the config's `decision`.
    """
    rows = shown(table)
    counts = [max(int((rows["kind"] == kind).sum()), 1) for kind in ("decision", "parameter")]
    figure = Figure(figsize=(style.WIDTH, 0.21 * sum(counts) + 1.5))
    axes = figure.subplots(2, 1, sharex=True, height_ratios=counts)
    for axis, kind, title in zip(
        axes, ("decision", "parameter"), ("what decisions rest on", "parameters"), strict=True
    ):
        part = rows[rows["kind"] == kind]
        place = np.arange(len(part))[::-1]
        named = [name(q, kind, about, patients, link, settings) for q in part["quantity"]]
        axis.axvline(LIMIT, color=style.GREY, linewidth=0.9, linestyle="--")
        axis.plot(np.maximum(part["prior"], FLOOR), place, label="to the priors", **BEFORE)
        heard = (part["likelihood"] >= LIMIT) | (part["likelihood_noise"] < LIMIT)
        axis.plot(np.maximum(part["likelihood"], FLOOR).where(heard), place, label="to the likelihood", **AFTER)
        axis.plot(np.maximum(part["likelihood_noise"], FLOOR), place, label="its noise, subtracted", **NOISE)
        for y, verdict in zip(place, part["verdict"], strict=True):
            axis.text(1.02, y, verdict, transform=axis.get_yaxis_transform(), va="center", **look_of(verdict))
        axis.set_yticks(place, named, fontsize=7)
        axis.set_ylim(-0.7, max(len(part), 1) - 0.3)
        axis.set_title(title, loc="left", fontweight="bold")
        if part.empty:
            style.empty(axis, "no such quantity in this model")
    axes[1].set_xscale("log")
    axes[1].set_xlim(0.8 * FLOOR, 1.3 * max(rows["prior"].max(), rows["likelihood"].max(), 10 * LIMIT))
    checking.sparse(axes[1], FLOOR, 1.0)
    axes[1].set_xlabel("sensitivity: distance per doubling of the power of the priors, or of the likelihood")
    figure.legend(*checking.axes_legend(list(axes)), loc="outside upper center", ncols=3)
    return figure


def look_of(verdict: str) -> dict:
    return {"color": COLOURS.get(verdict, style.BLUE), "fontsize": 7}


def name(quantity: str, kind: str, about: dict, patients: pd.DataFrame, link: str, settings: dict) -> str:
    """A quantity of the table in words, on one line."""
    words = labels.decision(quantity, settings) if kind == "decision" else None
    return labels.short(words or labels.parameter(quantity, about, patients, link), 60)
