"""Swimmer plot: a line per patient with everything that happened to it."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from redose.cohort import histories
from redose.figures import labels, mrd, style

TALLEST, ROW = 6.3, 0.2  # inches: of all rows, and of one at most
INTERVALS = ("#BFD7EA", "#E3D5B8")  # odd and even intervals
GVHD = {"acute": style.VERMILLION, "chronic": style.PURPLE}
AGENTS = (style.BLUE, style.SKY, style.GREY)  # of courses; further ones share the last
ENDS = {o: mrd.ENDS[o] for o in labels.CAUSES} | {"censored": {"marker": ">", "color": style.GREY}}
WORDS = {**labels.CAUSES, "censored": "end of follow-up"}


@style.styled
def swimmer(table: pd.DataFrame, patients: pd.DataFrame) -> Figure:
    """Histories of at most histories.SHOWN patients, by group, the longest followed first. table: from
    histories.histories; patients: the checked table."""
    order = histories.ordered(table, patients)
    if order.empty:
        figure, (axis,) = style.panels(1, 1, 1.5)
        style.empty(axis, "no patient has an interval")
        axis.set_axis_off()
        return figure
    shown = histories.chosen(order)
    row = min(ROW, TALLEST / len(shown))
    rows = table[table["patient"].isin(shown["patient"])]
    rows = rows.assign(place=rows["patient"].map(dict(zip(shown["patient"], shown.index, strict=True))))
    agents = list(rows.loc[rows["kind"] == "course", "label"].value_counts(sort=False).sort_index().index)
    keys = legend(rows, agents)
    figure = Figure(figsize=(style.WIDTH, row * len(shown) + 0.62 + 0.16 * -(-len(keys) // 4)))
    axis = figure.subplots()
    points = 72 * row  # of a row
    spans(axis, rows, agents, points)
    events(axis, rows, points)
    axis.set_yticks(shown.index, [labels.short(p, 16) for p in shown["patient"]], fontsize=min(7.0, 0.75 * points))
    axis.tick_params(axis="y", length=0, pad=2)
    axis.spines["left"].set_visible(False)
    axis.set_ylim(len(shown) - 0.4, -0.6)
    separate(axis, shown, row)
    longest, first = rows["end"].max(), min(0.0, rows["start"].min())
    style.in_months(axis, longest, 8)
    axis.set_xlim(first - 0.015 * longest, 1.02 * longest)
    axis.set_xlabel("days since day 0 (months in brackets)")
    if len(shown) < len(order):
        axis.set_title(f"{len(shown)} of {len(order)} patients, evenly spaced in this order", loc="left")
    figure.legend(handles=keys, loc="outside upper center", ncols=4, fontsize=7)
    return figure


def spans(axis, rows: pd.DataFrame, agents: list, points: float) -> None:
    """Intervals as broad bars; courses as thin lines in their upper, GVHD in their lower half."""
    intervals = rows[rows["kind"] == "interval"]
    even = intervals["label"].astype(float) % 2 == 0
    look = {"linewidth": 0.68 * points, "capstyle": "butt"}
    for part, colour in ((intervals[~even], INTERVALS[0]), (intervals[even], INTERVALS[1])):
        axis.hlines(part["place"], part["start"], part["end"], color=colour, zorder=1, **look)
    thin = {"linewidth": 0.2 * points, "capstyle": "butt", "zorder": 2}
    for k, agent in enumerate(agents):
        mine = rows[(rows["kind"] == "course") & (rows["label"] == agent)]
        axis.hlines(mine["place"] - 0.28, mine["start"], mine["end"], color=agent_colour(k), **thin)
    for kind, colour in GVHD.items():
        mine = rows[rows["kind"] == kind]
        at = mine["place"] + (0.22 if kind == "acute" else 0.36)
        axis.hlines(at, mine["start"], mine["end"], color=colour, **thin | {"linewidth": 0.15 * points})


def events(axis, rows: pd.DataFrame, points: float) -> None:
    """Infusions, samples and outcomes."""
    size = min(4.5, 0.5 * points)
    for kind, look in (
        ("above", {"color": style.BLACK}),
        ("below", {"markerfacecolor": "white", "color": style.BLACK}),
    ):
        mine = rows[rows["kind"] == kind]
        mark = {"marker": "o", "linestyle": "", "markersize": 0.45 * size, "markeredgewidth": 0.4, "zorder": 4}
        axis.plot(mine["start"], mine["place"], **mark | look)
    given = rows[rows["kind"] == "infusion"]
    axis.vlines(given["start"], given["place"] - 0.4, given["place"] + 0.4, color=style.GREEN, linewidth=1.1, zorder=3)
    for outcome, look in ENDS.items():
        mine = rows[rows["kind"] == outcome]
        axis.plot(mine["end"], mine["place"], linestyle="", markersize=size, markeredgewidth=0, zorder=5, **look)


def separate(axis, shown: pd.DataFrame, row: float) -> None:
    """A line between groups, and the name of each at the right of its rows, where it has room."""
    if shown["group"].nunique() < 2:
        return
    for name, part in shown.groupby("group", sort=False):
        first, last = part.index[0], part.index[-1]
        if first:
            axis.axhline(first - 0.5, color=style.GREY, linewidth=0.6)
        lines = max(1, min(3, int(row * len(part) / 0.13)))
        text = labels.wrapped(name, 18, lines)
        axis.text(1.01, (first + last) / 2, text, transform=axis.get_yaxis_transform(), va="center", fontsize=7)


def agent_colour(place: int) -> str:
    return AGENTS[min(place, len(AGENTS) - 1)]


def legend(rows: pd.DataFrame, agents: list) -> list:
    """What the rows hold, in words."""
    found = set(rows["kind"])
    named = agents if len(agents) <= len(AGENTS) else [*agents[: len(AGENTS) - 1], "other courses"]
    dot = {"marker": "o", "linestyle": "", "color": style.BLACK, "markersize": 3.5, "markeredgewidth": 0.6}
    keys = [Patch(color=INTERVALS[0], label="interval 1, 3, ...")]
    if (rows.loc[rows["kind"] == "interval", "label"].astype(float) > 1).any():
        keys.append(Patch(color=INTERVALS[1], label="interval 2, 4, ..."))
    if "infusion" in found:
        keys.append(Line2D([], [], color=style.GREEN, marker="|", linestyle="", markersize=8, label="infusion"))
    if "above" in found:
        keys.append(Line2D([], [], label="MRD found", **dot))
    if "below" in found:
        keys.append(Line2D([], [], label="MRD below its LOD", **dot | {"markerfacecolor": "white"}))
    keys += [Line2D([], [], color=c, linewidth=2.5, label=f"{k} GVHD") for k, c in GVHD.items() if k in found]
    lines = [
        Line2D([], [], color=agent_colour(k), linewidth=2.5, label=labels.short(a, 24)) for k, a in enumerate(named)
    ]
    ends = [
        Line2D([], [], linestyle="", markersize=5, label=WORDS[o], **look) for o, look in ENDS.items() if o in found
    ]
    return [*keys, *lines, *ends]
