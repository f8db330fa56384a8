"""Flow of patients as boxes: enrolled, then a column for each group, down to how its intervals ended."""

import unicodedata

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from redose.cohort.flow import LATER, NO_FURTHER
from redose.cohort.groups import ALL
from redose.figures import labels, style

COLUMNS = 5  # of groups; where there are more, the smallest are pooled
LINE, PAD, GAP, BETWEEN = 0.135, 0.06, 0.17, 0.12  # inches: a line of text, a box's margin, between boxes, columns
LETTER = 0.064  # inches, of a bold name at 6.5 points, at most
ENDS = {**labels.CAUSES, "censored": "end of follow-up", NO_FURTHER: NO_FURTHER}
TITLES = {"infused": "infusions", "MRD sampled": "samples"}  # names of the boxes that begin with this step
SHADE = "#F3F5F7"
INDENT = 0.07  # inches, of the outcomes among the intervals that started


def columns(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Title of each column -> its rows of the table (columns step, outcome, count). table: from cohort.flow."""
    enrolled = table[table["step"] == "enrolled"].set_index("group")["count"]
    names = [g for g in enrolled.index if g != ALL] or [ALL]
    pooled = []
    if len(names) > COLUMNS:
        order = enrolled[names].sort_values(ascending=False, kind="stable").index
        pooled = [g for g in names if g in set(order[COLUMNS - 1 :])]
    found = {g: table[table["group"] == g] for g in names if g not in pooled}
    if pooled:
        rest = table[table["group"].isin(pooled)]
        found[f"the {len(pooled)} other groups"] = rest.groupby(["step", "outcome"], sort=False, as_index=False)[
            "count"
        ].sum()
    return found


def boxes(rows: pd.DataFrame) -> dict[str, list[tuple[str, int]]]:
    """Title of each box -> its lines (text, count), in the order of the flow."""
    found, title = {}, ""
    for row in rows.itertuples():
        if row.step == "enrolled":
            continue
        if row.step.startswith(("interval ", LATER)):
            title = row.step
            text = row.step if row.outcome == "" else ENDS[row.outcome]
        else:
            title = TITLES.get(row.step, title)
            text = row.step
        found.setdefault(title, []).append((text, int(row.count)))
    return found


@style.styled
def flow(table: pd.DataFrame) -> Figure:
    """Boxes of numbers of patients by group. table: from cohort.flow.flow."""
    table = table.assign(outcome=table["outcome"].fillna(""))
    parts = {name: boxes(rows) for name, rows in columns(table).items()}
    titles = list(dict.fromkeys(t for part in parts.values() for t in part))
    kept = {t: shown(parts, t) for t in titles}
    total = int(table.loc[(table["group"] == ALL) & (table["step"] == "enrolled"), "count"].iloc[0])
    enrolled = {n: int(r.loc[r["step"] == "enrolled", "count"].iloc[0]) for n, r in columns(table).items()}
    width = min(2.4, (style.WIDTH - 0.1) / len(parts) - BETWEEN)
    names = {n: labels.wrapped(n, letters(n, width), 3) for n in parts}
    most = max(name.count("\n") + 1 for name in names.values())
    heights = [height(1), height(most + 1), *(height(len(kept[t])) for t in titles)]
    tops = [sum(heights[:k]) + GAP * k for k in range(len(heights))]
    full = len(parts) * (width + BETWEEN) + 0.1
    figure = Figure(figsize=(max(full, 3.0), tops[-1] + heights[-1] + 0.1))
    axis = figure.subplots()
    axis.set_axis_off()
    axis.set_xlim(0, figure.get_figwidth())
    axis.set_ylim(figure.get_figheight() - 0.05, -0.05)
    middle = figure.get_figwidth() / 2
    left = middle - (len(parts) * (width + BETWEEN) - BETWEEN) / 2
    centres = [left + k * (width + BETWEEN) + width / 2 for k in range(len(parts))]
    box(axis, middle, tops[0], 2.0, [("enrolled", total)], bold=True)
    branch(axis, middle, centres, tops[0] + heights[0], tops[1])
    for centre, (name, part) in zip(centres, parts.items(), strict=True):
        title = [(line, None) for line in names[name].split("\n")]
        box(axis, centre, tops[1], width, [*title, ("patients", enrolled[name])], heights[1], True)
        for k, title in enumerate(titles, 2):
            lines = dict(part.get(title, []))
            counts = [(text, lines.get(text, 0)) for text in kept[title]]
            arrow(axis, centre, tops[k - 1] + heights[k - 1], tops[k])
            box(axis, centre, tops[k], width, counts)
    return figure


def letters(name: str, width: float) -> int:
    """Letters of a name that a line of a box holds; those of Chinese and its like are twice as wide."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in name)
    return int((width - 2 * PAD) / LETTER * len(name) / (len(name) + wide))


def shown(parts: dict, title: str) -> list[str]:
    """Lines of a box that is drawn for every group: those with a count in any of them, and what is never left out."""
    texts = dict.fromkeys(text for part in parts.values() for text, _ in part.get(title, []))
    counted = {text for part in parts.values() for text, n in part.get(title, []) if n}
    return [t for t in texts if t in counted or t not in ENDS.values()]


def height(lines: int) -> float:
    return lines * LINE + 2 * PAD


def box(axis, centre: float, top: float, width: float, lines: list, tall: float = 0.0, bold: bool = False) -> None:
    """A box with a text left and a count right in each line; outcomes are set in."""
    tall = tall or height(len(lines))
    edge = {"boxstyle": "round,pad=0,rounding_size=0.04", "linewidth": 0.7, "edgecolor": style.GREY}
    edge["facecolor"] = SHADE if bold else "white"
    axis.add_patch(FancyBboxPatch((centre - width / 2, top), width, tall, **edge))
    for k, (text, count) in enumerate(lines):
        y = top + PAD + (k + 0.5) * LINE
        among = text in ENDS.values()
        heavy = bold or text.startswith(("interval ", LATER))
        look = {"va": "center", "fontsize": 6.5, "fontweight": "bold" if heavy else "normal"}
        look["fontstyle"] = "italic" if text == NO_FURTHER else "normal"
        axis.text(centre - width / 2 + PAD + INDENT * among, y, text, **look)
        if count is not None:
            axis.text(centre + width / 2 - PAD, y, f"{count}", ha="right", **look)


def arrow(axis, x: float, start: float, end: float) -> None:
    look = {"arrowstyle": "-|>", "color": style.GREY, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 6}
    axis.annotate("", (x, end), (x, start), arrowprops=look)


def branch(axis, middle: float, centres: list[float], start: float, end: float) -> None:
    """Lines from one box to those below it."""
    bend = (start + end) / 2
    axis.plot([middle, middle], [start, bend], color=style.GREY, linewidth=0.8)
    axis.plot([min(*centres, middle), max(*centres, middle)], [bend, bend], color=style.GREY, linewidth=0.8)
    for centre in centres:
        arrow(axis, centre, bend, end)
