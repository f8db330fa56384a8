"""What moves the posterior, the priors or the data? Power-scaling sensitivity (Kallioinen, Paananen, Bürkner & Vehtari
2024, Statistics and Computing 34:57).

The posterior under p(θ)^α p(y | θ), or p(θ) p(y | θ)^α, is that of the draws weighted by p(θ)^(α - 1), or
p(y | θ)^(α - 1), without a new fit. Sensitivity of a quantity: the distance (cumulative Jensen-Shannon) of its
distribution from the unscaled one per doubling of α, at α = 0.99 and 1.01. Only priors of population parameters are
scaled: the distributions of patients, trials and sites are part of the model, and to raise them to a power would ask
what another model says.
"""

import numpy as np
import pandas as pd
import xarray as xr
from arviz_base import dataset_to_dataframe
from arviz_stats import psense

from redose import clinical, episodes, prediction, selection, thresholds

DRAWS = 800  # for quantities that decisions rest on
SHIFTS = 4  # pairings from which noise is measured
FAR = 0.05  # share of prior draws below which a posterior lies in the tail of its prior
LIMIT = 0.05  # sensitivity above which a component matters (the same paper)
SAMPLE = ("chain", "draw")
ROBUST = "robust to the prior"


def parameters(tree: xr.DataTree) -> xr.Dataset:
    """Every scalar parameter that has a prior, named as in diagnostics.csv; dims (chain, draw)."""
    posterior = tree["posterior"].to_dataset()
    return named(dataset_to_dataframe(posterior[[n for n in tree["log_prior"].data_vars if n in posterior]]), posterior)


def named(table, like: xr.Dataset) -> xr.Dataset:
    """Columns of `table`, one row a draw, as variables with the chains and draws of `like`."""
    shape = tuple(like.sizes[d] for d in SAMPLE)
    found = {str(name): (SAMPLE, np.asarray(table[name], dtype=float).reshape(shape)) for name in table}
    return xr.Dataset(found, coords={d: like[d] for d in SAMPLE})


def decisions(tree: xr.DataTree, data: xr.Dataset, outcomes: pd.Series, decision: dict, seed: int) -> xr.Dataset:
    """What decisions rest on, from evenly spaced draws, DRAWS at most; dims (chain, draw).

    Of a model of progression: P(progression) and P(death) of the reference patient within a year, the mean outlook of
    the trial's patients, risk thresholds of MRD (one outside the levels looked at lies just beyond them; a threshold
    that no draw has is left out). Of the model of GVHD: P(acute GVHD) after courses of infusions.

    outcomes: of each patient's last interval, by patient index.
    """
    posterior = tree["posterior"].to_dataset()
    posterior = posterior.isel(draw=slice(None, None, -(-posterior.sizes["chain"] * posterior.sizes["draw"] // DRAWS)))
    draws = prediction.thin(posterior, DRAWS)
    if "link" not in data.attrs:
        return named(after_infusions(data, draws, decision), posterior)
    found = {n: x for n, x in clinical.quantities(data, draws).items() if n.endswith("_1y")}
    last = selection.last_intervals(data)
    ahead = np.flatnonzero((outcomes.to_numpy() == "censored") & (last >= 0))
    if len(ahead):
        days = decision["horizons"]
        found |= {f"free_{d}": x[0].mean(0) for d, x in selection.outlook(data, draws, last[ahead], days).items()}
    if data.attrs["link"] != "none":
        found |= risk_thresholds(data, draws, decision, seed)
    return named({n: x for n, x in found.items() if np.ptp(x) > 0}, posterior)


def risk_thresholds(data: xr.Dataset, draws: prediction.Draws, decision: dict, seed: int) -> dict[str, np.ndarray]:
    """Name -> log10 MRD at which the risk of progression reaches each configured level, shape (draw,)."""
    levels = thresholds.levels_of(data)
    curve = thresholds.risk_curve(data, draws, decision["risk_horizon"], decision["risk_clock"], seed)
    beyond = levels[[0, -1]] + (levels[1] - levels[0]) * np.array([-1, 1])
    return {f"risk_threshold_{r:g}": np.clip(thresholds.crossing(curve, r, levels), *beyond) for r in decision["risks"]}


def after_infusions(data: xr.Dataset, draws: prediction.Draws, decision: dict) -> dict[str, np.ndarray]:
    """Name -> P(acute GVHD) that infusions of the reference dose alone bring, closely spaced, by product and number."""
    asked, found = decision["gvhd"], {}
    for place, product in enumerate(data["product"].to_numpy()):
        for n in (1, *asked["infusions"]):
            of = episodes.risk(draws, place, 1.0, n, min(asked["spacings"]), asked["horizon"])[0]
            found[f"gvhd_after[{n} of {product}]"] = of
    return found


def summed(tree: xr.DataTree, group: str, quantities: xr.Dataset, prior: str | None) -> xr.DataArray:
    """Sum of a tree's group log_prior or log_likelihood, or of one parameter's log prior, at the quantities' draws."""
    terms = tree[f"log_{group}"].to_dataset()
    terms = terms[list(terms.data_vars) if prior is None else [prior]].sel({d: quantities[d] for d in SAMPLE})
    return sum(x.sum([d for d in x.dims if d not in SAMPLE]) for x in terms.data_vars.values())


def sensitivity(term: xr.DataArray, quantities: xr.Dataset) -> np.ndarray:
    """Sensitivity of every quantity to the scaling of a log prior or log likelihood, shape (quantity,)."""
    made = xr.DataTree.from_dict({"posterior": quantities, "log_prior": xr.Dataset({"term": term})})
    return psense(made, group="prior").to_dataarray().to_numpy()


def beyond_noise(term: xr.DataArray, quantities: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """(excess, noise): sensitivity beyond what a term of no consequence would show by chance, and that; shape
    (quantity,) each.

    A distance is never 0: where the likelihood of many patients varies by tens of units between draws, noise alone may
    exceed LIMIT. It is measured on the same draws, paired with those of another chain at another time, and subtracted
    as a divergence (a square).
    """
    chains, draws = (term.sizes[d] for d in SAMPLE)
    shifts = [(1 + k % max(chains - 1, 1), (2 * k + 1) * draws // (2 * SHIFTS)) for k in range(SHIFTS)]
    strange = [term.copy(data=np.roll(term.transpose(*SAMPLE).to_numpy(), by, axis=(0, 1))) for by in shifts]
    noise = np.mean([sensitivity(x, quantities) ** 2 for x in strange], axis=0)
    return np.sqrt(np.maximum(sensitivity(term, quantities) ** 2 - noise, 0.0)), np.sqrt(noise)


def tails(tree: xr.DataTree, prior: xr.DataTree) -> pd.Series:
    """Parameter -> share of prior draws whose prior density is at most that of a median draw of the posterior: small
    where the posterior lies far out in its prior (Evans & Moshonov 2006)."""
    before, after = (dataset_to_dataframe(x["log_prior"].to_dataset()) for x in (prior, tree))
    return (before <= after.median()[before.columns]).mean()


def verdict(prior: float, likelihood: float, noise: float, tail: float) -> str:
    """What the sensitivities say, in words. noise: of that to the likelihood; tail: from `tails`, or NaN."""
    if prior < LIMIT:
        return ROBUST
    if tail < FAR:
        return "prior and data in conflict"
    if likelihood >= LIMIT:
        return "prior and data both matter"
    return "the prior dominates" if noise < LIMIT else "the prior matters"


def table(tree: xr.DataTree, prior: xr.DataTree, kinds: dict[str, xr.Dataset]) -> pd.DataFrame:
    """One row per quantity: kind, quantity, prior and likelihood (sensitivities beyond noise), likelihood_noise, tail
    (of parameters, from `tails`), verdict in words, and of those that the priors move by LIMIT or more the parameter
    whose prior moves it most (`moved_by`) and by how much (`moved`).

    tree: a fit with log_prior and log_likelihood; prior: draws of the prior with log_prior. kinds: kind -> quantities
    by draw, from `parameters` and `decisions`.
    """
    tail, parts = tails(tree, prior), []
    for kind, quantities in kinds.items():
        if not quantities.data_vars:
            continue
        names = list(quantities.data_vars)
        found = {"prior": beyond_noise(summed(tree, "prior", quantities, None), quantities)[0]}
        both = beyond_noise(summed(tree, "likelihood", quantities, None), quantities)
        found |= dict(zip(("likelihood", "likelihood_noise"), both, strict=True))
        found["tail"] = tail.reindex(names).to_numpy()
        part = pd.DataFrame({"kind": kind, "quantity": names, **found})
        part["verdict"] = [verdict(*x) for x in part[list(found)].itertuples(index=False)]
        parts.append(part.merge(movers(tree, quantities[[*part.loc[part["prior"] >= LIMIT, "quantity"]]]), how="left"))
    return pd.concat(parts, ignore_index=True)


def movers(tree: xr.DataTree, quantities: xr.Dataset) -> pd.DataFrame:
    """The parameter whose prior, scaled by itself, moves a quantity most: columns quantity, moved_by, moved."""
    names = list(quantities.data_vars)
    priors = [n for n, x in tree["log_prior"].data_vars.items() if np.ptp(x.to_numpy()) > 0] if names else []
    each = {p: sensitivity(summed(tree, "prior", quantities, p), quantities) for p in priors}
    of = pd.DataFrame(each, index=pd.Index(names, name="quantity", dtype=str))
    if of.empty:
        return of.reset_index()[["quantity"]].assign(moved_by="", moved=np.nan)
    return pd.DataFrame({"moved_by": of.idxmax(axis=1), "moved": of.max(axis=1)}).reset_index()
