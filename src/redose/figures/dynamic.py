"""One patient's history so far, and what it says of the days ahead."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from redose.figures import labels, style
from redose.figures.mrd import BELOW, SEEN, log10_axis

SHOWN = {"free": ("alive and progression-free", style.BLACK)} | {
    cause: (words, style.CAUSES[cause]) for cause, words in labels.CAUSES.items() if cause in style.CAUSES
}


@style.styled
def ahead(table: pd.DataFrame, curves: pd.DataFrame, history: dict, tau: float | None, title: str) -> Figure:
    """Left (models of MRD): samples, infusions, the latent level with its band, and the action threshold. Right:
    probabilities of the days ahead, with bands. Days count from today.

    table: the patient's row of `dynamic.predict`; curves: its curves; history: its checked tables. tau: log10.
    """
    level, today = curves[curves["outcome"] == "mrd"], float(table["today"].iloc[0])
    figure = Figure(figsize=(style.WIDTH, 3.4))
    panels = list(np.atleast_1d(figure.subplots(1, 2 if len(level) else 1)))
    note = str(table["reason"].iloc[0])
    figure.suptitle(labels.short(title, 110) + (f"\n{labels.wrapped(note, 120)}" if note else ""), fontsize=8)
    if len(level):
        marker(panels[0], level, history, today, tau)
    for outcome, (words, colour) in SHOWN.items():
        part = curves[curves["outcome"] == outcome].sort_values("days")
        if len(part):
            panels[-1].fill_between(part["days"], part["low"], part["high"], color=colour, alpha=0.2, linewidth=0)
            panels[-1].plot(part["days"], part["mean"], color=colour, label=words)
    panels[-1].set_ylim(-0.02, 1.02)
    panels[-1].set_ylabel("probability")
    for axis in panels:
        axis.set_xlabel("days from today")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
    return figure


def marker(axis, level: pd.DataFrame, history: dict, today: float, tau: float | None) -> None:
    """Samples, infusions and the latent level of one patient."""
    level = level.sort_values("days")
    samples = history["mrd"].assign(days=history["mrd"]["day"] - today)
    samples = samples[(samples["days"] >= level["days"].min() - 30) & (samples["days"] <= 0)]
    given = history["infusions"]["day"] - today
    seen = [np.log10(samples.loc[~samples["below"], "mrd"]).min(), np.log10(samples["lod"]).min(), level["mean"].min()]
    floor = np.floor(max(np.nanmin([*seen, -2.0]), -8.0)) - 0.3
    axis.fill_between(
        level["days"], np.maximum(level["low"], floor), level["high"], color=style.BLUE, alpha=0.25, linewidth=0
    )
    axis.plot(level["days"], np.maximum(level["mean"], floor), color=style.BLUE, label="latent MRD, with band")
    for below, look, words in ((False, SEEN, "sample"), (True, BELOW, "below its LOD (drawn at the LOD)")):
        part = samples[samples["below"] == below]
        if len(part):
            axis.plot(part["days"], np.log10(part["lod" if below else "mrd"]), label=words, **look)
    inside = given[given.between(level["days"].min(), level["days"].max())]
    for part, colour, words in (
        (inside[inside <= 0], style.GREEN, "infusion"),
        (inside[inside > 0], style.GREY, "planned"),
    ):
        if len(part):
            axis.plot(part, np.full(len(part), floor + 0.15), "|", color=colour, markersize=8, label=words)
    axis.axvline(0, color=style.GREY, linewidth=0.8)
    if tau is not None:
        axis.axhline(tau, color=style.BLACK, linewidth=0.8, linestyle="--", label="action threshold")
    axis.set_ylim(floor, 0.2)
    log10_axis(axis, floor)
    axis.set_ylabel("MRD (fraction)")
