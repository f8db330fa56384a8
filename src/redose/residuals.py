"""Cox-Snell residuals of every interval and cause, and a test of them by interval number.

The residual of an interval for a cause is what the model let the cause's hazard accumulate from entry to end,

    r_c = ∫ λ_c(t) E[exp(φ_c v) | events and exposure before t] dt        (φ = 1 for progression)

for one draw of the parameters and of the traits of the MRD kinetics (Cox & Snell 1968). The frailty is predicted from
the patient's past, as in `overlay`: its own event does not explain itself. At the parameters that made the data the
residuals of a cause are unit exponential, censored where another outcome or the end of follow-up came first, and
independent, late entry included (random time change, Aalen & Hoem 1978). A draw from the posterior has with the data
the joint distribution that the true parameters have with them, so this holds for every single draw (Johnson 2007;
Yuan & Johnson 2012), though the data were used to find it.

A progression between two assessments has its residual between two values, and takes one at random there.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from redose import overlay, prediction, ranks
from redose.seeds import seed_of

DRAWS = 100
NODES = 24  # Gauss-Hermite, over the frailty
PARTS = 8  # pieces into which a row is cut where its hazards are cumulated in closed form
REPLICATES = 20  # a draw
BINS = 60
LEVEL = 0.05  # of the verdicts of a model together
EVERY = "all"


@dataclass(frozen=True)
class Residuals:
    """Residuals of one cause: residual, shape (interval, draw), and whether the cause ended the interval, shape
    (interval,)."""

    residual: np.ndarray
    happened: np.ndarray


def parted(data: xr.Dataset) -> xr.Dataset:
    """The design with every row cut into PARTS of equal length; nodes of a joint model stay as they are."""
    if "row_weight" in data:
        return data
    rows = data.isel(row=np.repeat(np.arange(data.sizes["row"]), PARTS))
    entry, width = rows["row_entry"], (rows["row_exit"] - rows["row_entry"]) / PARTS
    start = entry + np.tile(np.arange(PARTS), data.sizes["row"]) * width
    return rows.assign(row_entry=start, row_exit=start + width, row_clock=start + width / 2)


def increments(data: xr.Dataset, draws: prediction.Draws) -> dict[str, np.ndarray]:
    """Cause -> what its hazard adds on every row, without the frailty; shape (row, draw)."""
    alone, rows = {name: x for name, x in draws.items() if name != "v"}, np.arange(data.sizes["row"])
    hazards = prediction.log_hazards(data, alone, data["row_interval"].to_numpy(), data["row_clock"].to_numpy())
    return {c: prediction.cumulated(data, draws, c, rows, x) for c, x in hazards.items()}


def cumulated(data: xr.Dataset, draws: prediction.Draws) -> tuple[dict, dict]:
    """(seen, total): cause -> residual up to the last assessment free of progression, and up to the end; shape
    (interval, draw). They differ where progression is known only to lie between the two."""
    fine = parted(data)
    grown = increments(fine, draws)
    node, weight = np.polynomial.hermite_e.hermegauss(NODES if "omega_v" in draws else 1)
    v = np.multiply.outer(draws.get("omega_v", np.zeros(len(draws["rate_progression"]))), node)  # (draw, node)
    factor = {
        c: np.exp(v if c == "progression" else draws.get(f"phi_{c}", np.zeros(len(v)))[:, None] * v) for c in grown
    }
    at, inside = fine["row_interval"].to_numpy(), fine["row_inside"].to_numpy()
    owner, number = data["interval_patient"].to_numpy(), data["interval_number"].to_numpy()
    events = data["interval_event"].to_numpy()
    seen, total = ({c: np.empty((data.sizes["interval"], len(v))) for c in grown} for _ in range(2))
    past, patient = None, -1
    for k in np.lexsort((number, owner)):
        if owner[k] != patient:
            past, patient = np.log(weight / weight.sum()) * np.ones_like(v), owner[k]
        rows = np.flatnonzero(at == k)
        own, between = {c: x[rows] for c, x in grown.items()}, inside[rows]
        for cause, x in expected(own, factor, past).items():
            seen[cause][k] = x[~between].sum(0) if cause == "progression" else x.sum(0)
            total[cause][k] = x.sum(0)
        past = past + told(own, factor, between, events[k])
    return seen, total


def expected(grown: dict, factor: dict, past: np.ndarray) -> dict[str, np.ndarray]:
    """Cause -> what its hazard adds on each row with the frailty as predicted from the past; shape (row, draw).

    grown: without the frailty, (row, draw). factor: cause -> exp(φ v), (draw, node). past: log weights, (draw, node).
    """
    log_weight = past
    for cause, x in grown.items():
        log_weight = log_weight - (np.cumsum(x, axis=0) - x / 2)[:, :, None] * factor[cause]  # to the row's middle
    weight = np.exp(log_weight - log_weight.max(2, keepdims=True))
    weight /= weight.sum(2, keepdims=True)
    return {c: x * (weight * factor[c]).sum(2) for c, x in grown.items()}


def told(grown: dict, factor: dict, between: np.ndarray, event: str) -> np.ndarray:
    """What an interval tells of the frailty: its log likelihood at the nodes, shape (draw, node).

    between: rows after the last assessment free of a progression whose day is not known, shape (row,).
    """
    log_density = 0.0
    for cause, x in grown.items():
        late = between & (cause == "progression")
        log_density = log_density - x[~late].sum(0)[:, None] * factor[cause]
        if late.any():
            log_density = log_density + np.log(-np.expm1(-x[late].sum(0)[:, None] * factor[cause]))
        elif cause == event:
            log_density = log_density + np.log(factor[cause])
    return log_density


def residuals(data: xr.Dataset, draws: prediction.Draws, seed: int) -> dict[str, Residuals]:
    """Cause -> its residuals. A progression between two assessments: unit exponential between its two bounds."""
    events, free = data["interval_event"].to_numpy(), data["interval_free"].to_numpy()
    uniform = np.random.default_rng(seed).random((data.sizes["interval"], len(draws["rate_progression"])))
    seen, total = cumulated(data, draws)
    found = {}
    for cause in total:
        low, width = seen[cause], total[cause] - seen[cause]
        hidden = (np.isfinite(free) & (cause == "progression"))[:, None]
        inside = low - np.log1p(uniform * np.expm1(-width))
        found[cause] = Residuals(np.where(hidden, inside, total[cause]), events == cause)
    return found


def groups(data: xr.Dataset) -> dict[str, np.ndarray]:
    """Name -> places of its intervals: all of them, and by number where there are enough (see `overlay.groups`)."""
    alike = pd.Series([EVERY] * data.sizes["patient"])
    numbers = {g.number: g.members for g in overlay.groups(data, alike)}
    return {EVERY: np.arange(data.sizes["interval"])} | (numbers if len(numbers) > 1 else {})


def by_size(of: Residuals, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(values, happened) of some intervals, smallest first within each draw; shape (interval, draw) each."""
    order = np.argsort(of.residual[members], axis=0, kind="stable")
    return np.take_along_axis(of.residual[members], order, axis=0), of.happened[members][order]


def on_test(values: np.ndarray, happened: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(points, total): total time on test at every event, shape (draw, event), and over all intervals, shape (draw,).

    values, happened: from `by_size`. Under the model the points are a Poisson process of rate 1 on (0, total)
    (Barlow & Campo 1975; Aalen & Hoem 1978).
    """
    left = np.arange(len(values))[::-1, None]  # intervals with a larger residual
    at = np.cumsum(values, axis=0) + left * values
    return at.T[happened.T].reshape(values.shape[1], -1), values.sum(0)


def distance(points: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Anderson-Darling distance of a counting process N from rate 1: 1/E ∫ (N(a) - a)² / a da over (0, E), whose
    integrand has mean 1; shape (...). points: increasing, shape (..., event), those beyond E do not count. total: E."""
    edges = np.minimum(np.concatenate([points, total[..., None]], axis=-1), total[..., None])
    count, low, high = np.arange(1, edges.shape[-1]), edges[..., :-1], edges[..., 1:]
    parts = count**2 * np.log(high / low) - 2 * count * (high - low) + (high**2 - low**2) / 2
    return (edges[..., 0] ** 2 / 2 + parts.sum(-1)) / total


def replicated(total: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Distances of REPLICATES Poisson processes of rate 1 on (0, E) for each E of `total`, shape (draw, replicate)."""
    most = int(np.ceil(total.max() + 8 * np.sqrt(total.max()) + 20))
    points = np.cumsum(rng.exponential(size=(len(total), REPLICATES, most)), axis=-1)
    return distance(points, np.repeat(total[:, None], REPLICATES, axis=1))


def p_values(values: np.ndarray, happened: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(distances, p), shape (draw,) each. p: share of replicated processes that lie as far from rate 1. Of any one draw
    it is uniform under the model (Johnson 2007); those of several draws depend on each other."""
    points, total = on_test(values, happened)
    apart, null = distance(points, total), np.sort(replicated(total, rng).ravel())
    return apart, (len(null) - np.searchsorted(null, apart) + 0.5) / (len(null) + 1)


def judged(median: np.ndarray) -> np.ndarray:
    """Verdicts in words on median p-values of all draws. Twice the median is a valid p however the draws depend on each
    other (Rüger 1978; Vovk & Wang 2020), and is adjusted for the number of verdicts by Holm."""
    adjusted = ranks.holm(np.minimum(2 * median, 1.0))
    return np.select([adjusted < LEVEL, median < LEVEL], ["not described", "doubtful"], "agrees")


def test(found: dict[str, Residuals], members: dict[str, np.ndarray], seed: int) -> pd.DataFrame:
    """One row per cause and group of intervals: cause, interval, intervals, events, expected and distance (means over
    the draws), p (of one draw, chosen by the seed), p_median (over all draws) and the verdict in words."""
    rows = []
    for cause, of in found.items():
        for name, mine in members.items():
            rng = np.random.default_rng(seed_of(seed, "residuals", cause, name))
            apart, p = p_values(*by_size(of, mine), rng)
            row = {"cause": cause, "interval": name, "intervals": len(mine), "events": int(of.happened[mine].sum())}
            row |= {"expected": of.residual[mine].sum(0).mean(), "distance": apart.mean()}
            rows.append(row | {"p": rng.choice(p), "p_median": np.median(p)})
    table = pd.DataFrame(rows)
    return table.assign(verdict=judged(table["p_median"].to_numpy()))


def curves(found: dict[str, Residuals], members: dict[str, np.ndarray], ci_prob: float, seed: int) -> pd.DataFrame:
    """Nelson-Aalen estimates of the residuals: cause, interval, residual, observed (mean over the draws), low, high.

    The estimate of unit exponential residuals follows the diagonal. low, high: range of replicated events at the same
    risk sets. A curve ends where fewer than overlay.FEWEST intervals are at risk.
    """
    tails, parts = [(1 - ci_prob) / 2, (1 + ci_prob) / 2], []
    for cause, of in found.items():
        for name, mine in members.items():
            values, happened = by_size(of, mine)
            grid = np.linspace(0.0, np.median(values[-min(overlay.FEWEST, len(values))]), BINS + 1)
            at_risk = np.diff(np.minimum(values[:, None], grid[:, None]).sum(0), axis=0)[..., None]  # (bin, draw, 1)
            rng = np.random.default_rng(seed_of(seed, "band", cause, name))
            events = rng.poisson(at_risk, size=(*at_risk.shape[:2], REPLICATES))
            again = np.cumsum(events / np.maximum(at_risk, 1e-300), axis=0).reshape(BINS, -1) * grid[1]
            low, high = np.pad(np.quantile(again, tails, axis=1), ((0, 0), (1, 0)))
            seen = {
                "residual": grid,
                "observed": nelson_aalen(values, happened, grid).mean(1),
                "low": low,
                "high": high,
            }
            parts.append(pd.DataFrame({"cause": cause, "interval": name, **seen}))
    return pd.concat(parts, ignore_index=True)


def nelson_aalen(values: np.ndarray, happened: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Cumulative hazard at the points of `grid`, shape (point, draw). values, happened: from `by_size`."""
    steps = np.cumsum(happened / np.arange(len(values), 0, -1)[:, None], axis=0)
    steps = np.concatenate([np.zeros((1, values.shape[1])), steps])
    place = [np.searchsorted(x, grid, side="right") for x in values.T]
    return np.take_along_axis(steps, np.array(place).T, axis=0)


def listed(data: xr.Dataset, found: dict[str, Residuals]) -> pd.DataFrame:
    """One row per interval and cause: patient, interval, cause, happened, residual, and the probability integral
    transform 1 - exp(-r), means over the draws; where the cause did not happen both are lower bounds."""
    patient = data["patient"].to_numpy()[data["interval_patient"].to_numpy()]
    own = {"patient": patient, "interval": data["interval_number"].to_numpy()}
    parts = []
    for cause, of in found.items():
        means = {"residual": of.residual.mean(1), "pit": -np.expm1(-of.residual).mean(1)}
        parts.append(pd.DataFrame(own | {"cause": cause, "happened": of.happened, **means}))
    return pd.concat(parts, ignore_index=True)
