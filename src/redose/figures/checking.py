"""Is the fit to be believed: prior against posterior, chains against each other."""

import itertools

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from redose.figures import labels, style

POINTS = 120  # of a density
SHOWN = 6  # parameters whose chains are drawn
BINS = 20  # of a rank plot
KEPT = 100  # draws of a chain in a rank plot, at least: chains that disagree have a tiny ESS, and should show it
TRACED = 200  # draws of a chain in a trace, about: more become a smear, and megabytes
DENSE = 1000  # draws behind a density
CHAINS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, style.VERMILLION, style.SKY, style.BLACK, style.GREY)
# They follow from what is shown, or are counted; correlations have no numbers in the config (LKJ).
LEFT_OUT = ("u_", "weights_", "zeta", "grade_", "correlation")
PRIORS = {  # parameter -> its prior in the config, where they differ
    **dict.fromkeys(("beta_acute", "beta_chronic"), "hazard_ratio"),
    **dict.fromkeys(("gamma_acute", "gamma_chronic"), "gvhd_odds"),
    **dict.fromkeys(("shape_acute", "shape_chronic"), "shape"),
    **{
        f"{name}_{kind}": f"gvhd_{name}" for name in ("background", "risk", "duration") for kind in ("acute", "chronic")
    },
    "rho_gvhd": "gvhd_dose",
    "half_life_gvhd": "gvhd_half_life",
    "xi": "eta",
}


def key(stem: str, link: str) -> str:
    """Name of a parameter's prior in the config."""
    if stem in PRIORS:
        return PRIORS[stem]
    if stem.startswith("alpha_slope_"):
        return "alpha_slope"
    kind, _, cause = stem.partition("_")
    if cause not in labels.CAUSES or kind == "rate":
        return stem
    if kind == "alpha":
        return f"alpha_{link.removesuffix('_slope')}" if cause == "progression" else "alpha_death"
    return "hazard_ratio" if kind == "beta" else kind


def natural(values: np.ndarray, stem: str, scale: str) -> np.ndarray:
    """Draws on the scale of the config's prior: ratios are sampled as logs."""
    return np.exp(values) if scale == "ratio" else values


def scalars(draws: xr.Dataset) -> dict[str, np.ndarray]:
    """Population parameters by name, such as `tau` or `beta_death[age]`: draws of all chains, shape (draw,)."""
    found = {}
    for stem, x in draws.data_vars.items():
        dims = [d for d in x.dims if d not in ("chain", "draw")]
        if stem.startswith(LEFT_OUT) or {"patient", "interval", "trait"} & set(dims):
            continue
        for index in itertools.product(*(x[d].to_numpy() for d in dims)):
            name = f"{stem}[{', '.join(map(str, index))}]" if dims else stem
            found[name] = x.sel(dict(zip(dims, index, strict=True))).to_numpy().ravel()
    return found


def density(values: np.ndarray, grid: np.ndarray, bounded: bool) -> np.ndarray:
    """Kernel density at `grid`, shape (point,); bounded: mass that would lie below 0 is reflected."""
    if np.ptp(values) == 0:
        return np.zeros(len(grid))
    from scipy.stats import gaussian_kde  # half a second, for scripts that need only names of this module

    kernel = gaussian_kde(values[:: -(-len(values) // DENSE)])
    return kernel(grid) + kernel(-grid) if bounded else kernel(grid)


def true_value(name: str, truth: dict | None) -> float | None:
    """The value behind a simulated study on the scale that is sampled, if it has one of that name."""
    stem, _, index = name.partition("[")
    value = (truth or {}).get(stem)
    return value.get(index.removesuffix("]")) if isinstance(value, dict) else value


@style.styled
def priors(
    prior: xr.Dataset,
    posterior: xr.Dataset,
    table: dict,
    about: dict,
    patients: pd.DataFrame,
    link: str,
    truth: dict | None,
) -> Figure:
    """Prior and posterior density of every population parameter on its natural scale.

    prior, posterior: draws; table: the config's priors; truth: parameters of a simulated study, or None.
    """
    before, after = scalars(prior), scalars(posterior)
    names = [n for n in after if n in before]
    figure, axes = style.panels(len(names), 4, 1.35)
    for axis, name in zip(axes, names, strict=True):
        stem = name.partition("[")[0]
        scale = table[key(stem, link)]["scale"]
        positive = scale in ("ratio", "positive", "share")
        # on a log axis a density is one per log unit, or it would not look like the area it covers
        there = np.log if scale in ("positive", "share") else np.asarray
        a, b = there(before[name]), there(after[name])
        low = min(np.quantile(a, 0.025), np.quantile(b, 0.001))
        high = max(np.quantile(a, 0.975), np.quantile(b, 0.999))
        grid = np.linspace(0 if scale == "spread" else low, high, POINTS)
        x = np.exp(grid) if positive else grid
        axis.fill_between(
            x, density(a, grid, scale == "spread"), color=style.GREY, alpha=0.3, linewidth=0, label="prior"
        )
        axis.plot(x, density(b, grid, scale == "spread"), color=style.BLUE, label="posterior")
        value = true_value(name, truth)
        if value is not None:
            true = np.exp(value) if scale == "ratio" else value
            axis.axvline(true, color=style.VERMILLION, linestyle="--", linewidth=1.1, label="truth of the simulation")
        if positive:
            axis.set_xscale("log")
            sparse(axis, x[0], x[-1])
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
        axis.set_ylim(bottom=0)
        axis.set_title(labels.wrapped(labels.parameter(name, about, patients, link), 27, 3), fontsize=7)
    handles = dict(zip(*reversed(axes_legend(axes)), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=3)
    return figure


def axes_legend(axes: list) -> tuple[list, list]:
    """(handles, labels) of the first artist of each label over all panels."""
    found = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def sparse(axis, low: float, high: float) -> None:
    """Three to four plain numbers on a log axis."""
    decades = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for leads in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        ticks = [lead * 10.0**d for d in decades for lead in leads if low <= lead * 10.0**d <= high]
        if len(ticks) >= 2:
            break
    ticks = ticks[:: -(-len(ticks) // 4)] if ticks else [float(f"{np.sqrt(low * high):.2g}")]
    tiny = ticks[0] < 1e-3  # plain numbers would not fit
    axis.set_xticks(ticks, [labels.power(np.log10(t)) if tiny else f"{t:g}" for t in ticks])
    axis.set_xticks([], minor=True)


@style.styled
def chains(posterior: xr.Dataset, table: pd.DataFrame, about: dict, patients: pd.DataFrame, link: str) -> Figure:
    """Traces (of about 200 draws a chain) and rank plots of the population parameters with the fewest effective draws.

    table: diagnostics.csv. Ranks are those of draws thinned to the bulk ESS, so that the band (binomial, 99 % of
    bins) holds although neighbouring draws are alike.
    """
    judged = table[table["level"] == "population"]
    order = judged[["ess_bulk", "ess_tail"]].min(axis=1).sort_values(kind="stable", na_position="first").index
    worst = judged.loc[order[:SHOWN]]
    figure = Figure(figsize=(style.WIDTH, 1.15 * len(worst) + 0.6))
    axes = figure.subplots(len(worst), 2, squeeze=False, sharex="col", width_ratios=[3, 2])
    for (trace, rank), row in zip(axes, worst.itertuples(), strict=True):
        values = one(posterior, row.parameter)
        every = -(-values.shape[1] // TRACED)
        for c, chain in enumerate(values):
            place = np.arange(0, values.shape[1], every)
            trace.plot(place, chain[place], color=CHAINS[c % len(CHAINS)], linewidth=0.5, alpha=0.8)
        name = labels.short(labels.parameter(row.parameter, about, patients, link), 62)
        ess = f"R-hat {row.rhat:.3f}, bulk ESS {row.ess_bulk:.0f}, tail ESS {row.ess_tail:.0f}"
        trace.set_title(f"{name}\n{labels.short(row.parameter, 32)}: {ess}", loc="left", fontsize=7)
        trace.set_xlim(0, values.shape[1])
        ranks(rank, values, row.ess_bulk)
    axes[-1][0].set_xlabel("draw after tuning (one colour a chain; log scale for ratios)")
    axes[-1][1].set_xlabel("rank among all chains")
    axes[0][1].set_title("ranks by chain", loc="left")
    return figure


def one(posterior: xr.Dataset, parameter: str) -> np.ndarray:
    """Draws of one parameter, shape (chain, draw). parameter: as in diagnostics.csv, `tau` or `beta_s[age, 2]`."""
    stem, _, index = parameter.partition("[")
    x = posterior[stem].transpose("chain", "draw", ...)
    names = itertools.product(*(x[d].to_numpy() for d in x.dims[2:]))
    at = [", ".join(map(str, name)) for name in names].index(index.removesuffix("]"))
    return x.to_numpy().reshape(*x.shape[:2], -1)[:, :, at]


def ranks(axis, values: np.ndarray, ess: float) -> None:
    """Rank histogram of each chain and the range of 99 % of bins if the chains agree. values: shape (chain, draw)."""
    from scipy.stats import binom, rankdata

    thin = np.clip(np.ceil(values.size / np.fmax(ess, 1.0)), 1, max(1, values.shape[1] // KEPT)).astype(int)
    values = values[:, ::thin]
    rank = rankdata(values.ravel(), method="ordinal").reshape(values.shape) - 1
    edges = np.linspace(0, values.size, BINS + 1)
    low, high = binom.ppf([0.005, 0.995], values.shape[1], 1 / BINS)
    axis.axhspan(low, high, color=style.GREY, alpha=0.2, linewidth=0)
    for c, chain in enumerate(rank):
        count = np.histogram(chain, edges)[0]
        axis.stairs(count, edges / values.size, color=CHAINS[c % len(CHAINS)], linewidth=1.0, baseline=None)
    axis.set_ylim(0, 1.6 * high)
    axis.set_yticks([])
    axis.set_xlim(0, 1)
