"""What every data cut of a study said, one beside the other."""

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redose.figures import labels, style

COLOURS = (style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE, style.ORANGE, style.SKY, style.BLACK)
ROOM = 1.7  # of the width that the cuts need: the legend stands on their right
WIDEST = 0.5  # of the step between two cuts, over which groups are spread


@style.styled
def moved(table: pd.DataFrame) -> Figure:
    """Panels by model: thresholds and RMST with bands, patients by verdict, over the cuts in their order.

    table: of between_cuts.compare."""
    cuts = list(dict.fromkeys(table["cut"]))
    shown = table[(table["model"] != "") & (table["group"] != "changed")]
    longest = max((int(q[5:]) for q in shown["quantity"] if q.startswith("rmst_")), default=0)
    shown = shown[~shown["quantity"].str.startswith("rmst_") | (shown["quantity"] == f"rmst_{longest}")]
    parts = list(shown.groupby(["model", "quantity"], sort=False))
    if not parts:
        return style.blank("no model was accepted at any cut: nothing moved that could be drawn")
    figure, axes = style.panels(len(parts), 2, 2.1)
    for axis, ((model, quantity), part) in zip(axes, parts, strict=True):
        axis.set_title(f"{model}: {'patients by verdict' if quantity == 'verdict' else NAMES.get(quantity, 'RMST')}")
        groups = list(dict.fromkeys(part["group"]))
        (bars if quantity == "verdict" else bands)(axis, part, cuts, groups)
        axis.set_xticks(range(len(cuts)), [labels.short(cut, 14) for cut in cuts])
        axis.set_xlim(-0.6, (len(cuts) - 0.4) * ROOM)
        axis.set_ylabel(UNITS.get(quantity, f"days up to day {longest}"))
    return figure


NAMES = {"threshold": "thresholds of MRD"}
UNITS = {"threshold": "log10 MRD", "verdict": "patients"}


def name_of(group: str) -> str:
    """A group, or a threshold in fewer words: "risk 20 %, 90 d", "step (tau)"."""
    risk = re.fullmatch(r"risk: .* within (\S+) d\) = (\d+)%", group)
    text = f"risk {risk[2]} %, {risk[1]} d" if risk else group
    return labels.short("step (tau)" if group == "prognostic: tau" else text, 20)


def bands(axis: Axes, part: pd.DataFrame, cuts: list[str], groups: list[str]) -> None:
    """A dot and its band for every group and cut; what is infinite has no place and is left out."""
    part = part.replace([np.inf, -np.inf], np.nan)
    for number, group in enumerate(groups):
        own = part[part["group"] == group].set_index("cut").reindex(cuts)
        place = np.arange(len(cuts)) + WIDEST * ((number + 0.5) / len(groups) - 0.5)
        colour = COLOURS[number % len(COLOURS)]
        value = own["value"].to_numpy(float)
        low, high = own["low"].fillna(own["value"]).to_numpy(float), own["high"].fillna(own["value"]).to_numpy(float)
        axis.vlines(place, low, high, color=colour)
        axis.plot(place, value, "o", color=colour, markersize=3.5, label=name_of(group))
    axis.legend(fontsize=6, loc="center right")


def bars(axis: Axes, part: pd.DataFrame, cuts: list[str], groups: list[str]) -> None:
    """Patients by verdict, one on top of the other."""
    below = np.zeros(len(cuts))
    for group in groups:
        number = part[part["group"] == group].set_index("cut")["value"].reindex(cuts).fillna(0).to_numpy(float)
        axis.bar(np.arange(len(cuts)), number, 0.5, bottom=below, color=style.VERDICTS[group], label=group)
        below = below + number
    axis.legend(fontsize=6, loc="center right")
