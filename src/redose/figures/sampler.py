"""How well the sampler moved: its energy, the parameters that it found hardest, and all parameters at a glance."""

import numpy as np
import pandas as pd
import xarray as xr
from arviz_base.labels import MapLabeller
from arviz_plots import plot_energy, plot_pair
from matplotlib import pyplot
from matplotlib.figure import Figure

from redose.figures import checking, labels, style

SHOWN = 5  # parameters of the pair plot
DOTS = 400  # draws of a pair plot, about; divergent ones are all there
POINTS = 100  # of a density
MEASURES = {"rhat": "R-hat", "ess_bulk": "bulk ESS", "ess_tail": "tail ESS"}
LEVELS = {"population": ("shared by\npatients", style.BLUE), "patient": ("of one\npatient", style.ORANGE)}
DOT = {"color": style.BLUE, "size": 2, "marker": "s", "alpha": 0.7, "rasterized": True, "antialiased": False}
GOLDEN = (5**0.5 - 1) / 2  # its multiples spread dots evenly across a strip


def released(collection) -> Figure:
    """The figure of an ArviZ plot, no longer held by pyplot."""
    figure = collection.viz["figure"].item()
    pyplot.close(figure)
    return figure


@style.styled
def energy(tree: xr.DataTree, limit: float) -> Figure:
    """BFMI of every chain against its limit (left), and the energy beside its changes from draw to draw (right).

    tree: of a fit, with sample_stats."""
    drawn = plot_energy(
        tree,
        backend="matplotlib",
        threshold=limit,
        color=[style.BLUE, style.ORANGE],
        visuals={
            "face": {"alpha": 0.15},
            "legend": False,
            "title": False,
            "ylabel": False,
            "bfmi_points": {"color": style.BLACK, "size": 22},
            "ref_line": {"color": style.VERMILLION},
        },
        stats={"dist": {"grid_len": POINTS}},
        figure_kwargs={"figsize": (style.WIDTH, 2.2), "figsize_units": "inches"},
    )
    figure = released(drawn)
    left, right = figure.axes
    chains = tree["sample_stats"].sizes["chain"]
    left.set_yticks(range(chains), [f"chain {k + 1}" for k in range(chains)])
    left.set_ylim(-0.7, chains - 0.3)
    left.set_xlim(0, None)
    left.set_xlabel(f"BFMI (limit {limit:g})")
    right.set_xlabel("energy less its mean")
    for line, words in zip(right.lines, ("of a draw", "change to the next draw"), strict=False):
        line.set_label(words)
    right.legend(loc="upper right")
    return figure


def hardest(table: pd.DataFrame, posterior: xr.Dataset, scales: dict) -> list[str]:
    """Parameters that a pair plot should show: highest R-hat, fewest effective draws, and the two most correlated.

    table: diagnostics.csv; scales: parameter -> function to the scale that it is shown on."""
    judged = table[(table["level"] == "population") & table["parameter"].isin(scales)].set_index("parameter")
    fewest = judged[["ess_bulk", "ess_tail"]].min(axis=1).sort_values(kind="stable", na_position="first")
    worst = judged["rhat"].sort_values(ascending=False, kind="stable", na_position="first")
    named = list(scales)
    values = np.array([to(checking.one(posterior, name).ravel()) for name, to in scales.items()])
    moving = np.ptp(values, axis=1) > 0
    related = np.zeros((len(named), len(named)))
    related[np.ix_(moving, moving)] = np.abs(np.corrcoef(values[moving])) if moving.any() else 0.0
    related[np.tril_indices(len(named))] = 0.0
    pair = [named[k] for k in np.unravel_index(related.argmax(), related.shape)]
    order = [*worst.index[:1], *fewest.index[:2], *pair, *fewest.index[2:]]
    return list(dict.fromkeys(order))[:SHOWN]


def scales_of(posterior: xr.Dataset, table: dict, link: str) -> dict:
    """Parameter -> function to the scale on which it is sampled: positive ones and shares as logs (ratios are kept as
    logs). table: the config's priors."""
    names = checking.scalars(posterior)
    return {n: np.log if scale_of(n, table, link) in ("positive", "share") else np.asarray for n in names}


def scale_of(name: str, table: dict, link: str) -> str:
    """The scale of a parameter's prior in the config."""
    return table[checking.key(name.partition("[")[0], link)]["scale"]


@style.styled
def pairs(
    tree: xr.DataTree, diagnostics: pd.DataFrame, table: dict, about: dict, patients: pd.DataFrame, link: str
) -> Figure:
    """The hardest parameters against each other, on the scale that the sampler moves on; divergent draws marked.

    tree: of a fit; diagnostics: diagnostics.csv; table: the config's priors."""
    posterior, divergent = tree["posterior"].to_dataset(), tree["sample_stats"]["diverging"].to_numpy().ravel()
    scales = scales_of(posterior, table, link)
    names = hardest(diagnostics, posterior, scales)
    kept = np.flatnonzero(divergent | (np.arange(len(divergent)) % -(-len(divergent) // DOTS) == 0))
    values = {f"p{k}": scales[n](checking.one(posterior, n).ravel())[None, kept] for k, n in enumerate(names)}
    coords = {"chain": [0], "draw": kept}  # plot_pair marks divergent draws chain by chain, and needs its coordinate
    shown = xr.Dataset({key: (("chain", "draw"), x) for key, x in values.items()}, coords)
    marks = xr.Dataset({"diverging": (("chain", "draw"), divergent[None, kept])}, coords)
    logged = {n for n in names if scale_of(n, table, link) in ("positive", "share", "ratio")}
    words = {f"p{k}": named(n, n in logged, about, patients, link) for k, n in enumerate(names)}
    drawn = plot_pair(
        xr.DataTree.from_dict({"posterior": shown, "sample_stats": marks}),
        backend="matplotlib",
        labeller=MapLabeller(var_name_map=words),
        visuals={
            "scatter": DOT,
            "divergence": {"color": style.VERMILLION, "size": 14, "marker": "x", "width": 1.0, "alpha": 1.0},
            "label": {"size": 6.5, "color": style.BLACK},
        },
        marginal=False,
        figure_kwargs={"figsize": (style.WIDTH, 1.15 * len(names) + 0.6), "figsize_units": "inches"},
    )
    figure = released(drawn)
    grid = np.reshape(figure.axes, (len(names), len(names)))
    for k in range(len(names)):  # shared by column and row; no dot shall lie on an edge
        grid[-1, k].set_xlim(*wider(*grid[-1, k].get_xlim()))
        grid[k, 0].set_ylim(*wider(*grid[k, 0].get_ylim()))
    for axis in figure.axes:
        axis.tick_params(labelsize=6.5)
        axis.locator_params(nbins=3)
    return figure


def wider(low: float, high: float) -> tuple[float, float]:
    return low - 0.06 * (high - low), high + 0.06 * (high - low)


def named(name: str, logged: bool, about: dict, patients: pd.DataFrame, link: str) -> str:
    """A parameter in words on a few short lines. logged: its draws are logs."""
    words = labels.parameter(name, about, patients, link)
    return labels.wrapped(f"log of {words}" if logged and not words.startswith("log") else words, 21, 4)


@style.styled
def convergence(table: pd.DataFrame, limits: dict) -> Figure:
    """R-hat, bulk and tail ESS of every parameter, a dot each, those of patients apart, against the gate's limits.

    table: diagnostics.csv; limits: the config's `acceptance`."""
    levels = [level for level in LEVELS if (table["level"] == level).any()]
    figure = Figure(figsize=(style.WIDTH, 0.6 + 0.75 * len(levels)))
    axes = figure.subplots(1, 3, sharey=True)
    for axis, (column, words) in zip(axes, MEASURES.items(), strict=True):
        for place, level in enumerate(levels):
            strip(axis, table.loc[table["level"] == level, column].dropna().to_numpy(), -place, LEVELS[level][1])
            limit = limits["rhat_patient"] if (column, level) == ("rhat", "patient") else limits[column]
            if level == "population" or column == "rhat":  # the gate judges patients by R-hat alone
                axis.vlines(limit, -place - 0.45, 0.45 - place, color=style.VERMILLION, linestyle="--")
        beside = f", {limits['rhat_patient']:g}" if column == "rhat" and len(levels) > 1 else ""
        axis.set_xlabel(f"{words} (limit{'s' if beside else ''} {limits[column]:g}{beside})")
    axes[0].locator_params(axis="x", nbins=5)
    counts = [int((table["level"] == level).sum()) for level in levels]
    named = [f"{LEVELS[level][0]}\n({n})" for level, n in zip(levels, counts, strict=True)]
    axes[0].set_yticks([-place for place in range(len(levels))], named)
    axes[0].set_ylim(0.5 - len(levels), 0.5)
    for axis in axes[1:]:
        axis.set_xscale("log")
        checking.sparse(axis, *axis.get_xlim())
    return figure


def strip(axis, values: np.ndarray, place: float, colour: str) -> None:
    """Dots at `values`, spread about the height `place` in the same way at every run."""
    height = place + 0.7 * ((np.arange(len(values)) * GOLDEN) % 1 - 0.5)
    axis.plot(values, height, "o", color=colour, markersize=2.2, markeredgewidth=0, alpha=0.6, rasterized=True)
