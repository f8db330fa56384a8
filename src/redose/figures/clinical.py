"""What the prior says of patients, beside what was published."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from redose.figures import checking, labels, style

BINS = 30
SHOWN = (0.005, 0.995)  # quantiles between which values are drawn; those beyond join the outermost bins


@style.styled
def prior_predictive(table: pd.DataFrame, values: dict[str, np.ndarray]) -> Figure:
    """Histogram of every quantity over the prior draws, its median and its 95 % interval, and the published range.

    table: from clinical.summarise; values: from clinical.quantities, shape (draw,) each.
    """
    figure, axes = style.panels(len(table), 3, 1.75)
    for axis, row in zip(axes, table.itertuples(), strict=True):
        edges = bins(values[row.quantity], row)
        counts = np.histogram(np.clip(values[row.quantity], edges[0], edges[-1]), edges)[0]
        axis.stairs(counts, edges, fill=True, color=style.SKY, alpha=0.6, label="prior draws")
        if not np.isnan(row.evidence_low):
            evidence(axis, row)
        top = 1.12 * counts.max()
        shown = np.clip([row.low, row.median, row.high], edges[0], edges[-1])
        axis.plot(shown[[0, 2]], [top, top], color=style.BLUE, linewidth=1.6, label="95 % of them")
        axis.plot(shown[1], top, "o", color=style.BLUE, markersize=4.5, label="median")
        axis.set_ylim(0, 1.25 * counts.max())
        if row.unit != "probability":
            axis.set_xscale("log")
            checking.sparse(axis, edges[0], edges[-1])
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
        unit = "" if row.unit == "probability" else f", {row.unit}"
        axis.set_title(labels.wrapped(row.meaning.split(", ")[0] + unit, 34, 2), fontsize=7)
        axis.set_xlabel(numbers(row), fontsize=7)
    found = checking.axes_legend(axes)
    figure.legend(*found, loc="outside upper center", ncols=len(found[0]))
    return figure


def bins(value: np.ndarray, row) -> np.ndarray:
    """Edges of the bins: of equal width for a probability, of equal ratio for all else."""
    if row.unit == "probability":
        return np.linspace(0, 1, BINS + 1)
    finite = value[np.isfinite(value)]
    ends = [*np.quantile(finite, SHOWN), row.evidence_low / 1.2, row.evidence_high * 1.2]
    return np.geomspace(np.nanmin(ends), np.nanmax(ends), BINS + 1)


def evidence(axis, row) -> None:
    """Shades the published range, or draws a line where there is one figure only."""
    if row.evidence_low < row.evidence_high:
        axis.axvspan(row.evidence_low, row.evidence_high, color=style.ORANGE, alpha=0.25, lw=0, label="published")
    else:
        axis.axvline(row.evidence_low, color=style.ORANGE, linestyle="--", label="published, one figure")


def numbers(row) -> str:
    """median (low to high), two digits each."""
    text = [f"{float(f'{x:.2g}'):g}" if np.isfinite(x) else "> 20 years" for x in (row.median, row.low, row.high)]
    return f"{text[0]} ({text[1]} to {text[2]})"
