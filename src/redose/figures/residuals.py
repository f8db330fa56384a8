"""Cox-Snell residuals: does every cause happen when the model expects it, in first and in later intervals?"""

import pandas as pd
from matplotlib.figure import Figure

from redose.figures import labels, style

LOOKS = {"all": (style.BLACK, "all"), "1": (style.BLUE, "first"), "2": (style.ORANGE, "second")}
LOOKS |= {"3 and later": (style.GREEN, "third and later")}


@style.styled
def residuals(curves: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Nelson-Aalen estimate of the residuals of each cause against the diagonal that unit exponential ones follow, a
    line per interval number with its band. curves, table: from residuals.curves, residuals.test."""
    causes = list(dict.fromkeys(curves["cause"]))
    figure, axes = style.panels(len(causes), 2, 3.1)
    for axis, cause in zip(axes, causes, strict=True):
        judged = table[table["cause"] == cause].set_index("interval")
        mine = curves[curves["cause"] == cause]
        end = mine["residual"].max()
        axis.plot([0, end], [0, end], color=style.GREY, linewidth=0.8, linestyle=":")
        for name, part in mine.groupby("interval", sort=False):
            (colour, words), at = LOOKS[name], judged.loc[name]
            x = part["residual"]
            if name == "all":
                axis.fill_between(x, part["low"], part["high"], color=style.GREY, alpha=0.2, linewidth=0)
            else:
                axis.plot(x, part[["low", "high"]], color=colour, linewidth=0.7, linestyle=(0, (4, 2)))
            text = f"{words}: {at['events']} events, {at['expected']:.1f} expected"
            axis.plot(x, part["observed"], color=colour, linewidth=1.6, label=text)
        axis.set_title(labels.CAUSES[cause])
        axis.set_xlim(0, end)
        axis.set_ylim(0, None)
        axis.legend(loc="upper left", fontsize=7)
    figure.supxlabel("residual: cumulative hazard to the end of the interval", fontsize=8)
    figure.supylabel("Nelson-Aalen estimate", fontsize=8)
    return figure
