"""Decisions: utility by threshold and interval, what tests and infusions buy, the suppression boundary."""

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from redose import kinetics
from redose.figures import labels, mrd, style

COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.VERMILLION, style.SKY, style.PURPLE, style.BLACK)
STATES = {  # columns of a worked patient -> colour and words
    "free": (style.SKY, "without GVHD"),
    "gvhd": (style.ORANGE, "GVHD"),
    "severe": (style.PURPLE, "severe GVHD"),
    "progressed": (style.VERMILLION, "progressed"),
    "dead": (style.GREY, "died before progression"),
}
POWER = re.compile(r"10\^(-?[0-9]+(?:\.[0-9]+)?)")
LINEAR = 20.0  # quality-adjusted days up to which the axis of gains is linear
CROWD = 200  # draws of the population that are drawn as dots


def raised(text: str) -> str:
    """`text` with 10^-3.5 written 10⁻³·⁵."""
    return POWER.sub(lambda m: labels.power(float(m[1])), text)


def name_of(regime: str) -> str:
    """A regime as a reader sees it: 10⁻³·⁵ every 28 d."""
    return labels.short(raised(str(regime)))


def region(p: np.ndarray, mass: float) -> np.ndarray:
    """The fewest cells that hold at least `mass` of the probability p, shape of p."""
    order = np.argsort(-p, kind="stable")
    inside = np.zeros(len(p), dtype=bool)
    inside[order[: int(np.searchsorted(np.cumsum(p[order]), mass * p.sum() - 1e-12)) + 1]] = True
    return inside


@style.styled
def utility(table: pd.DataFrame, best: pd.DataFrame, ci_prob: float) -> Figure:
    """Gain over no redosing by threshold and interval between tests, the posterior of the best pair on it (left); the
    posterior of the best threshold for every interval (right); the gain of all other regimes (below).

    table: regimes.csv. best: best.csv."""
    cells = table[table["tau"].notna()]
    taus, gaps = np.sort(cells["tau"].unique()), np.sort(cells["every"].unique())
    others = pd.concat([table[table["tau"].isna()], cells.loc[[cells["utility"].idxmax()]]])
    figure = Figure(figsize=(style.WIDTH, 3.1 + 0.19 * len(others) + 0.4))
    grid = figure.add_gridspec(2, 2, height_ratios=[3.1, 0.19 * len(others) + 0.3])
    left, right, below = (figure.add_subplot(g) for g in (grid[0, 0], grid[0, 1], grid[1, :]))
    pairs = best[best["within"] == "all pairs"]
    surface = cells.pivot_table(index="every", columns="tau", values="gain").loc[gaps, taus].to_numpy()
    image = left.imshow(surface, origin="lower", aspect="auto", cmap="viridis")
    figure.colorbar(image, ax=left, label="gain over no redosing,\nquality-adjusted days")
    for row, inside in zip(pairs.itertuples(), region(pairs["p"].to_numpy(), ci_prob), strict=True):
        x, y = np.searchsorted(taus, row.tau), np.searchsorted(gaps, row.every)
        if inside:
            left.add_patch(
                Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, fill=False, edgecolor=style.BLACK, linewidth=1.4)
            )
        if row.chosen:
            left.plot(x, y, "*", color=style.VERMILLION, markeredgecolor="white", markersize=12)
    left.set_title(f"boxes: where the best pair lies with {100 * ci_prob:.0f} %; star: chosen")
    for k, gap in enumerate(gaps):
        of_gap = best[best["within"] == f"every {gap:g} d"].sort_values("tau")
        right.plot(
            np.arange(len(taus)), of_gap["p"], "o-", color=COLOURS[k % len(COLOURS)], markersize=3, label=f"{gap:.0f} d"
        )
    right.set_ylim(-0.02, 1.02)
    right.set_ylabel("P(best threshold | interval)")
    right.legend(title="tests every", fontsize=7, title_fontsize=7)
    for axis in (left, right):
        every = range(0, len(taus), 2 if len(taus) > 5 else 1)  # more labels would overlap
        axis.set_xticks(every, [labels.power(taus[k]) for k in every])
        axis.set_xticks(range(len(taus)), minor=True)
        axis.set_xlabel("threshold (MRD)")
    left.set_yticks(range(len(gaps)), [f"{g:.0f}" for g in gaps])
    left.set_ylabel("days between tests")
    gains(below, others)
    return figure


def gains(axis: Axes, table: pd.DataFrame) -> None:
    """Gain over no redosing with its band, a line a regime; hollow where the data hardly visited the regime."""
    ordered = table.sort_values("gain").reset_index(drop=True)
    for y, row in ordered.iterrows():
        axis.plot([row["gain_low"], row["gain_high"]], [y, y], color=style.BLUE, linewidth=2)
        face = "white" if row["far"] else style.BLUE
        axis.plot(row["gain"], y, "o", color=style.BLUE, markerfacecolor=face, markersize=5)
    axis.axvline(0, color=style.GREY, linewidth=0.8, linestyle="--")
    axis.set_yticks(range(len(ordered)), [name_of(n) for n in ordered["regime"]])
    axis.set_xscale("symlog", linthresh=LINEAR)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "−")))
    axis.set_xlabel("gain over no redosing, quality-adjusted days (hollow: far from the data)")


@style.styled
def frontier(table: pd.DataFrame, false_positive_rate: float) -> Figure:
    """What is bought with tests and infusions: delay against tests and false triggers against tests, of the adaptive
    regimes, and days free against infusions, of all. table: regimes.csv."""
    figure = Figure(figsize=(style.WIDTH, 3.2))
    delay, wrong, days = figure.subplots(1, 3)
    cells = table[table["tau"].notna()]
    for k, (gap, part) in enumerate(cells.groupby("every", sort=True)):
        colour = COLOURS[k % len(COLOURS)]
        ordered = part.sort_values("tau")
        for axis, name in ((delay, "delay"), (wrong, "any_false_trigger")):
            axis.plot(ordered["tests"], ordered[name], "o-", color=colour, markersize=3, label=f"{gap:.0f} d")
        for row, (side, way) in zip(ordered.iloc[[0, -1]].itertuples(), (("left", 2), ("right", -2)), strict=True):
            place = {"xytext": (way, way), "textcoords": "offset points", "ha": side, "va": "center"}
            delay.annotate(labels.power(row.tau), (row.tests, row.delay), fontsize=6, color=colour, **place)
    number = np.linspace(0, max(float(cells["tests"].max()), 1.0), 50)
    wrong.plot(
        number,
        1 - (1 - false_positive_rate) ** number,
        color=style.GREY,
        linestyle="--",
        label=f"1 − (1 − {false_positive_rate:g})ⁿ",
    )
    delay.set_ylabel("days from crossing to infusion")
    wrong.set_ylabel("P(an infusion triggered below τ)")
    for axis in (delay, wrong):
        axis.set_xlabel("tests a patient")
        axis.set_ylim(bottom=0)
    for axis in (delay, wrong):
        axis.set_xlim(left=0)
    wrong.legend(title="tests every", fontsize=6, title_fontsize=6)
    efficient(days, table)
    return figure


def efficient(axis: Axes, table: pd.DataFrame) -> None:
    """Days alive and progression-free against infusions, with the frontier: regimes that none beats with fewer."""
    for kind, colour in zip(("none", "fixed", "adaptive", "bridge", "autologous"), COLOURS, strict=False):
        part = table[table["kind"] == kind]
        if len(part):
            axis.plot(part["infusions"], part["rmst"], "o", color=colour, markersize=4, alpha=0.8, label=kind)
    ordered = table.sort_values(["infusions", "rmst"], ascending=[True, False])
    best = ordered[ordered["rmst"] > ordered["rmst"].cummax().shift(fill_value=-np.inf)]
    axis.plot(best["infusions"], best["rmst"], color=style.BLACK, linewidth=0.9)
    axis.set_xlabel("infusions a patient")
    axis.set_ylabel("days alive and progression-free")
    axis.legend(fontsize=6)


@style.styled
def boundary(table: pd.DataFrame) -> Figure:
    """Kill of an infusion against doublings between two infusions, the median patient of every draw, and the line on
    which MRD stays flat. table: suppression.csv."""
    figure, (axis,) = style.panels(1, 1, 3.0)
    if table.empty:
        style.empty(axis, "no regime with a fixed interval")
        return figure
    for k, (days, part) in enumerate(table.groupby("spacing", sort=True)):
        some = part.head(CROWD)
        held = f"every {days:.0f} d: holds {100 * part['held'].mean():.0f} % of patients"
        axis.plot(
            some["doublings"], some["kill"], "o", color=COLOURS[k % len(COLOURS)], markersize=2.5, alpha=0.5, label=held
        )
    edge = 1.15 * table["doublings"].max()
    line = np.array([0.0, edge])
    axis.plot(line, kinetics.LOG10_2 * line, color=style.BLACK, label="kill = 0.301 · interval / doubling time")
    top = max(1.2 * table["kill"].max(), kinetics.LOG10_2 * edge)
    axis.set_xlim(0, edge)
    axis.set_ylim(0, top)
    axis.text(0.02 * edge, 0.93 * top, "MRD falls", color=style.GREY)
    axis.text(0.98 * edge, 0.03 * top, "MRD rises", color=style.GREY, ha="right")
    axis.set_xlabel("doublings between two infusions")
    axis.set_ylabel("kill of an infusion, log10")
    figure.legend(loc="outside upper center", ncols=1, fontsize=7)
    return figure


@style.styled
def patient(table: pd.DataFrame, lod: float) -> Figure:
    """One patient under a few regimes: MRD with tests and infusions above, probabilities of its states below. table:
    worked.csv. lod: log10."""
    names = list(dict.fromkeys(table["regime"]))
    figure = Figure(figsize=(style.WIDTH, 4.6))
    axes = figure.subplots(2, len(names), squeeze=False, sharex=True, sharey="row")
    low = np.floor(max(table["level"].min(), lod - 3.0))
    for (above, below), name in zip(axes.T, names, strict=True):
        part = table[table["regime"] == name]
        above.plot(part["day"], part["level"], color=style.BLUE)
        seen = part[part["reading"].notna()]
        under = seen["below"].astype(str) == "True"
        above.plot(seen.loc[~under, "day"], seen.loc[~under, "reading"], **mrd.SEEN)
        above.plot(seen.loc[under, "day"], seen.loc[under, "reading"], **mrd.BELOW)
        above.vlines(
            part.loc[part["infusion"] > 0, "day"],
            0,
            0.07,
            transform=above.get_xaxis_transform(),
            color=style.GREEN,
            linewidth=1.8,
        )
        above.axhline(lod, color=style.GREY, linestyle=":", linewidth=0.8)
        above.set_title(name_of(name))
        below.stackplot(part["day"], *(part[c] for c in STATES), colors=[c for c, _ in STATES.values()], linewidth=0)
        below.set_ylim(0, 1)
        style.in_months(below, part["day"].max(), 4)
        below.set_xlim(0, part["day"].max())
    axes[0, 0].set_ylim(low, 0.2)
    mrd.log10_axis(axes[0, 0], low)
    axes[0, 0].set_ylabel("MRD (fraction)")
    axes[1, 0].set_ylabel("probability of the state")
    figure.supxlabel("days since day 0 (months in brackets)", fontsize=8)
    handles = [Rectangle((0, 0), 1, 1, color=c, label=words) for c, words in STATES.values()]
    handles += mrd.keys(set())[1:4]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, fontsize=7)
    return figure


@style.styled
def weights(preferred: pd.DataFrame, curve: pd.DataFrame) -> Figure:
    """The preferred regime over the cost of an infusion and the willingness to pay (left), and the probability that a
    regime is cost-effective (right). preferred: preferred.csv. curve: acceptability.csv."""
    figure = Figure(figsize=(style.WIDTH, 3.4))
    left, right = figure.subplots(1, 2)
    often = [*preferred["regime"].value_counts(sort=True).index, *curve["regime"]]
    shown = list(dict.fromkeys(often))[: len(COLOURS) - 1]
    colour = {name: COLOURS[k] for k, name in enumerate(shown)}
    steps = np.sort(preferred["willingness"].unique())
    for name, part in preferred.groupby("regime", sort=False):
        place = np.searchsorted(steps, part["willingness"])
        left.plot(place, part["infusion"] / 1000, "s", color=colour.get(name, style.GREY), markersize=11)
    left.set_xticks(range(len(steps)), [f"{x / 1000:g}" for x in steps])
    left.margins(x=0.1, y=0.1)
    left.set_yscale("log")
    ticks = preferred["infusion"].unique()[::2] / 1000
    left.set_yticks(ticks, [f"{t:.2g}" for t in ticks])
    left.minorticks_off()
    left.set_xlabel("willingness to pay for a year, thousands")
    left.set_ylabel("cost of an infusion, thousands")
    left.set_title("regime with the highest expected utility")
    for name, part in curve.groupby("regime", sort=False):
        ordered = part.sort_values("willingness")
        right.plot(ordered["willingness"] / 1000, ordered["p"], "o-", color=colour.get(name, style.GREY), markersize=3)
    right.set_ylim(-0.02, 1.02)
    right.set_xlabel("willingness to pay for a year, thousands")
    right.set_ylabel("P(highest net benefit)")
    right.set_title("acceptability")
    words = [*shown, *(["another regime"] if len(set(often)) > len(shown) else [])]
    handles = [Rectangle((0, 0), 1, 1, color=colour.get(n, style.GREY), label=name_of(n)) for n in words]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=7)
    return figure
