"""What moves the hazards: hazard ratios with their bands."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from redose.figures import labels, style

TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


@style.styled
def hazard_ratios(effects: pd.DataFrame, about: dict, patients: pd.DataFrame) -> Figure:
    """Forest of hazard ratios, a panel per cause, the probability of direction at the right. effects: from
    selection.effects."""
    causes = list(dict.fromkeys(effects["cause"]))
    if not causes:
        return style.blank("this model has no covariate")
    counts = [int((effects["cause"] == c).sum()) for c in causes]
    figure = Figure(figsize=(style.WIDTH, 0.26 * sum(counts) + 0.75 * len(causes) + 0.4))
    axes = figure.subplots(len(causes), 1, squeeze=False, sharex=True, height_ratios=counts).ravel()
    low, high = min(effects["low"].min(), 0.8), max(effects["high"].max(), 1.25)
    for axis, cause in zip(axes, causes, strict=True):
        part = effects[effects["cause"] == cause]
        place = np.arange(len(part))[::-1]
        around = [(part["ratio"] - part["low"]).to_numpy(), (part["high"] - part["ratio"]).to_numpy()]
        colour = style.CAUSES.get(cause, style.BLACK)
        axis.errorbar(
            part["ratio"].to_numpy(), place, xerr=around, fmt="o", color=colour, markersize=4.5, elinewidth=1.6
        )
        axis.axvline(1, color=style.GREY, linewidth=0.8, linestyle=":")
        axis.set_yticks(place, [labels.wrapped(labels.covariate(c, about, patients), 44) for c in part["covariate"]])
        axis.set_ylim(-0.6, len(part) - 0.4)
        axis.set_title(f"hazard of {labels.CAUSES[cause]}", loc="left", fontweight="bold")
        for y, row in zip(place, part.itertuples(), strict=True):
            text = f"{row.direction} it, P {probability(row.probability)}"
            axis.text(1.02, y, text, transform=axis.get_yaxis_transform(), va="center")
    axes[0].set_xscale("log")
    ticks = [t for t in TICKS if low <= t <= high]
    axes[-1].set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes[-1].set_xticks([], minor=True)
    axes[-1].set_xlim(low / 1.1, high * 1.1)
    axes[-1].set_xlabel("hazard ratio (log scale); left of 1 lowers, right of 1 raises the hazard")
    return figure


def probability(value: float) -> str:
    """A probability as a relation, with two digits that never read as certainty."""
    return "> 0.99" if value > 0.995 else f"= {value:.2f}"
