"""When the marker was measured, of whom, and what share lay below the limit."""

import pandas as pd
from matplotlib.figure import Figure

from redose.figures import labels, style

ASSAYS = (style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE, style.BLACK)  # further ones share the last


@style.styled
def sampling(table: pd.DataFrame) -> Figure:
    """Days between samples, samples of those still followed, share below the limit by assay; each with its number.
    table: from visits.sampling."""
    if table.empty:
        figure, (axis,) = style.panels(1, 1, 1.5)
        style.empty(axis, "neither MRD nor tumour burden was measured")
        axis.set_axis_off()
        return figure
    figure = Figure(figsize=(style.WIDTH, 4.6))
    grid = figure.add_gridspec(2, 2, height_ratios=[3, 1])
    between = figure.add_subplot(grid[:, 0])
    right = grid[:, 1].subgridspec(3, 1, height_ratios=[2, 1, 2])
    rate = figure.add_subplot(right[0])
    count, below = (figure.add_subplot(right[k], sharex=rate) for k in (1, 2))
    histogram(between, table[table["measure"] == "gap"])
    over_time(rate, count, table[table["measure"] == "rate"])
    shares(below, table[table["measure"] == "below"])
    last = (table.loc[table["measure"] != "gap", "day"] + table.loc[table["measure"] != "gap", "width"]).max()
    style.in_months(below, last, 5)
    for axis in (rate, count):
        axis.tick_params(labelbottom=False)
    below.set_xlabel("days since day 0 (months in brackets)")
    return figure


def histogram(axis, rows: pd.DataFrame) -> None:
    """How many days passed between a patient's samples."""
    if rows.empty:
        style.empty(axis, "no patient has two samples")
        return
    axis.bar(rows["day"], rows["value"], width=rows["width"], align="edge", color=style.BLUE, linewidth=0)
    width = rows["width"].iloc[0]
    total = f"{int(rows['number'].iloc[0]):,}".replace(",", " ")
    axis.set_xlabel(f"days to the patient's next sample (bins of {width:g} days; n = {total})")
    axis.set_ylabel("pairs of samples")
    axis.set_xlim(0, rows["day"].max() + width)


def over_time(rate, count, rows: pd.DataFrame) -> None:
    """Samples per patient and 28 days of those followed, and how many these are."""
    middle = rows["day"] + rows["width"] / 2
    rate.plot(middle, rows["value"], "o-", color=style.BLUE, markersize=3)
    rate.set_ylim(0, 1.15 * max(rows["value"].max(), 0.1))
    rate.set_ylabel("samples per patient\nand 28 days")
    count.bar(middle, rows["number"], width=0.85 * rows["width"], color=style.GREY)
    count.set_ylabel("patients\nfollowed")


def shares(axis, rows: pd.DataFrame) -> None:
    """Share of samples below the limit by assay; the area of a dot grows with the number of samples."""
    most = max(rows["number"].max(), 1)
    for k, (assay, mine) in enumerate(rows.groupby("assay", sort=True)):
        colour = ASSAYS[min(k, len(ASSAYS) - 1)]
        middle = mine["day"] + mine["width"] / 2
        axis.plot(middle, mine["value"], color=colour, linewidth=0.9, label=labels.short(assay, 20))
        axis.scatter(middle, mine["value"], s=3 + 22 * mine["number"] / most, color=colour, linewidth=0)
    axis.set_ylim(-0.03, 1.03)
    axis.set_ylabel("share below\nthe limit")
    axis.legend(loc="upper left", ncols=2, fontsize=7, bbox_to_anchor=(0, 1.22))
