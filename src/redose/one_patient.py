"""Log densities of one patient's samples, events and traits for many values of its own effects (numpy only).

The same equations as the model pages, for the scores and for effects that are drawn anew. Arrays are shaped
(draw, proposal): at every draw of what patients share several values of the patient's effects are tried.
"""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy.special import gammaln

from redose import assay, coordinates, prediction

NODES = 40  # Gauss-Hermite nodes over a frailty, as many as in the model
GRID = np.linspace(-6.0, 6.0, 121)  # standardised values at which a frailty's distribution function is inverted
IMPOSSIBLE = -1e100  # log likelihood that still can be multiplied by 0
DEGREES = 8  # of freedom of proposals about draws: tails heavier than a posterior's
T_CONSTANT = gammaln((DEGREES + 1) / 2) - gammaln(DEGREES / 2) - np.log(DEGREES * np.pi) / 2
WIDER = 1.3  # sd of these proposals relative to the draws'


@dataclass(frozen=True)
class Events:
    """What a patient's events say but for its frailty: log_hazard, summed over its events, and exposure, ∫ λ by cause,
    shape (draw, proposal); count, events by cause; between, ∫ λ over the (L, R] that hold a progression, by interval,
    shape (draw, proposal)."""

    log_hazard: np.ndarray
    count: dict[str, int]
    exposure: dict[str, np.ndarray]
    between: dict[int, np.ndarray]

    def given(self, shift: dict[str, np.ndarray]) -> np.ndarray:
        """log p(events | frailty), shape (draw, proposal). shift: of the log hazard by cause, broadcasting to it."""
        total = self.log_hazard
        for cause, exposure in self.exposure.items():
            total = total + self.count[cause] * shift[cause] - exposure * np.exp(shift[cause])
        for exposure in self.between.values():
            total = total + np.log(-np.expm1(-exposure * np.exp(shift["progression"])))
        return total

    def integrated(self, draws: prediction.Draws) -> np.ndarray:
        """log p(events), shape (draw, proposal), the frailty integrated out by Gauss-Hermite quadrature."""
        if "omega_v" not in draws:
            return self.given(dict.fromkeys(self.exposure, 0.0))
        node, weight = np.polynomial.hermite_e.hermegauss(NODES)
        shift = shifts(draws, list(self.exposure), draws["omega_v"][:, None, None] * node)
        given = self.at_nodes().given(shift)
        largest = given.max(-1, keepdims=True)
        largest = np.where(np.isfinite(largest), largest, 0.0)
        # a sum of products: the order in which a library takes a matrix product may depend on the cores
        return largest[..., 0] + np.log((np.exp(given - largest) * (weight / weight.sum())).sum(-1))

    def moved(self, u: np.ndarray) -> "Events":
        """The same with u, shape (draw, proposal), added to the log hazard of progression."""
        log_hazard = self.log_hazard + self.count["progression"] * u
        exposure = {c: x * np.exp(u) if c == "progression" else x + 0 * u for c, x in self.exposure.items()}
        return Events(log_hazard, self.count, exposure, {k: x * np.exp(u) for k, x in self.between.items()})

    def at_nodes(self) -> "Events":
        """The same with an axis for nodes of the frailty behind the others."""
        exposure, between = ({k: x[..., None] for k, x in of.items()} for of in (self.exposure, self.between))
        return Events(self.log_hazard[..., None], self.count, exposure, between)


def shifts(draws: prediction.Draws, causes: list[str], v: np.ndarray) -> dict[str, np.ndarray]:
    """Cause -> shift of its log hazard by the frailty v, shape (draw, ...): v, and φ v of a competing cause."""
    wide = (slice(None),) + (None,) * (v.ndim - 1)
    others = {c: draws[f"phi_{c}"][wide] * v if f"phi_{c}" in draws else 0.0 * v for c in causes}
    return others | {"progression": v}


def frailty(draws: prediction.Draws, count: dict, exposure: dict, between: list, uniform: np.ndarray) -> np.ndarray:
    """One draw of a patient's frailty from its conditional given its events at each draw of the parameters, shape
    (draw,), by inverting its distribution function.

    count: events by cause. exposure: ∫ λ by cause, shape (draw,). between: ∫ λ over each (L, R] that holds a
    progression, shape (draw,). uniform: shape (draw,).
    """
    at = draws["omega_v"][:, None] * GRID
    log_density = np.broadcast_to(-0.5 * GRID**2, at.shape).copy()
    for cause in count:
        shift = at if cause == "progression" else draws[f"phi_{cause}"][:, None] * at
        log_density += count[cause] * shift - exposure[cause][:, None] * np.exp(shift)
    for grown in between:
        log_density += np.log(-np.expm1(-grown[:, None] * np.exp(at)))
    log_density = np.nan_to_num(log_density, nan=IMPOSSIBLE, neginf=IMPOSSIBLE)  # hazards that overflow
    density = np.exp(log_density - log_density.max(1, keepdims=True))
    mass = np.cumsum((density[:, 1:] + density[:, :-1]) / 2, axis=1)
    wanted = uniform[:, None] * mass[:, -1:]
    cell, row = np.minimum((mass < wanted).sum(1), len(GRID) - 2), np.arange(len(mass))
    before = np.where(cell > 0, mass[row, cell - 1], 0.0)
    share = (wanted[:, 0] - before) / np.maximum(mass[row, cell] - before, 1e-300)
    return draws["omega_v"] * (GRID[cell] + share * (GRID[1] - GRID[0]))


def events(data: xr.Dataset, draws: prediction.Draws, log_hazards: dict, rows: np.ndarray) -> Events:
    """What the events on a patient's rows say. log_hazards: cause -> (row, draw, proposal or 1), without frailty."""
    inside, interval = data["row_inside"].to_numpy()[rows], data["row_interval"].to_numpy()[rows]
    at_events, count, exposure, between = 0.0, {}, {}, {}
    for cause, value in log_hazards.items():
        happened = data[f"row_{cause}"].to_numpy()[rows]
        grown = prediction.cumulated(data, draws, cause, rows, value)
        at_events = at_events + value[happened].sum(0)
        within = inside & (cause == "progression")
        count[cause], exposure[cause] = int(happened.sum()), grown[~within].sum(0)
        between |= {k: grown[within & (interval == k)].sum(0) for k in np.unique(interval[within])}
    return Events(at_events, count, exposure, between)


def without_patient(data: xr.Dataset, draws: prediction.Draws, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Cause -> log hazard at rows without MRD link and frailty, shape (row, draw, 1)."""
    alone = {k: v for k, v in draws.items() if k not in ("v", "u_new")}
    interval = data["row_interval"].to_numpy()[rows]
    clock = data["row_clock"].to_numpy()[rows]
    day = clock + data["interval_origin"].to_numpy()[interval]
    patient = data["interval_patient"].to_numpy()[interval]
    found = {}
    for cause in prediction.causes(data):
        value = prediction.log_baseline(data, draws, cause, clock)
        value = value + prediction.covariates_at(data, cause, interval, day) @ draws[f"beta_{cause}"]
        value = value + prediction.patient_effect(data, alone, cause)[patient]
        found[cause] = (value + prediction.interval_effect(data, draws, cause)[interval])[:, :, None]
    return found


def sample_terms(data: xr.Dataset, draws: prediction.Draws, mine: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """log p(y_i | effects), shape (draw, proposal). mine: places of the patient's samples. fraction: latent level,
    shape (sample, draw, proposal)."""
    y, lod, below, wrong = (data[f"sample_{x}"].to_numpy()[mine] for x in ("y", "lod", "below", "false_positive"))
    y, lod, below, wrong = (x[:, None, None] for x in (y, lod, below, wrong))
    noise = {k: x[..., None] for k, x in prediction.noise(data, draws, mine).items() if k != "degrees"}
    return assay.log_density(y, lod, below, wrong, fraction, **noise, degrees=prediction.degrees(data)).sum(0)


def trait_means(data: xr.Dataset, draws: prediction.Draws, i: int, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mean, sd) of the patient's own traits in their population, shape (trait of the patient, draw)."""
    at = coordinates.groups(data)
    levels = int(np.isin(block, at["level"]).sum())
    none = np.zeros((0, len(draws["mu_b"])))
    mean = [draws["mu_b"] + data["x_level"].to_numpy()[k] @ draws.get("beta_b", none) for k in block[:levels]]
    sd, x_growth = [draws["omega_b"]] * levels, data["x_growth"].to_numpy()[i]
    if not coordinates.infused(data):
        for m in range(len(at["growth"])):
            mean.append(draws["slope"][m] + x_growth @ (draws["beta_s"][:, m] if "beta_s" in draws else none))
        return np.array(mean), np.array([*sd, *draws["omega_s"]])
    mean.append(np.log(draws["doubling"]) + x_growth @ draws.get("beta_g", none))
    log_kill = np.log(draws["delta"]) + data["x_kill"].to_numpy()[i] @ draws.get("eta", none)
    mean.append(log_kill + data["mean_features"].to_numpy()[i] @ prediction.coefficients(data, draws))
    return np.array(mean), np.array([*sd, draws["omega_g"], draws["omega_delta"]])


@dataclass(frozen=True)
class OwnPrior:
    """Normal prior of one patient's traits at every draw: mean, shape (draw, trait), and the lower root of its
    covariance, shape (draw, trait, trait)."""

    mean: np.ndarray
    root: np.ndarray

    @staticmethod
    def of(data: xr.Dataset, draws: prediction.Draws, i: int, block: np.ndarray) -> "OwnPrior":
        mean, sd = trait_means(data, draws, i, block)
        kinds = len(coordinates.trait_kinds(data)) - 1
        levels = len(block) - kinds
        matrix = prediction.trait_correlation(data, draws, levels)  # order: patient-level traits, then levels
        place = [*range(kinds, len(block)), *range(kinds)]
        covariance = matrix[:, place][:, :, place] * sd.T[:, :, None] * sd.T[:, None, :]
        return OwnPrior(mean.T, np.linalg.cholesky(covariance))

    def log_density(self, effects: np.ndarray) -> np.ndarray:
        """log p(traits | population), shape (draw, proposal). effects: (draw or 1, proposal, trait)."""
        white = np.linalg.solve(self.root, np.moveaxis(effects - self.mean[:, None], 1, 2))  # (draw, trait, proposal)
        scale = np.log(np.diagonal(self.root, axis1=1, axis2=2)).sum(1)
        return -0.5 * (white**2).sum(1) - scale[:, None] - 0.5 * self.mean.shape[1] * np.log(2 * np.pi)

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Traits of `count` such patients at every draw, shape (draw, proposal, trait)."""
        z = rng.standard_normal((len(self.mean), self.mean.shape[1], count))
        return self.mean[:, None] + np.moveaxis(self.root @ z, 1, 2)


@dataclass(frozen=True)
class About:
    """Student t about draws of a patient's effects: their mean, shape (effect,), and a lower root of their covariance,
    wider by WIDER, shape (effect, effect)."""

    centre: np.ndarray
    root: np.ndarray

    @staticmethod
    def of(own: np.ndarray) -> "About":
        """own: draws, shape (effect, draw)."""
        covariance = np.atleast_2d(np.cov(own)) + 1e-9 * np.eye(len(own))
        return About(own.mean(1), np.linalg.cholesky(covariance) * WIDER)

    def draw(self, shape: tuple, rng: np.random.Generator) -> np.ndarray:
        """Proposals, shape (*shape, effect)."""
        return self.centre + rng.standard_t(DEGREES, size=(*shape, len(self.centre))) @ self.root.T

    def log_density(self, effects: np.ndarray) -> np.ndarray:
        """Log density at effects of shape (..., effect)."""
        z = np.linalg.solve(self.root, np.moveaxis(effects - self.centre, -1, -2))
        of_each = T_CONSTANT - (DEGREES + 1) / 2 * np.log1p(np.square(z) / DEGREES)  # Student t
        return of_each.sum(-2) - np.log(np.diag(self.root)).sum()


def own_likelihood(data: xr.Dataset, draws: prediction.Draws, i: int, block, traits, still: float):
    """(log p(y_i | traits), shape (draw, proposal); what the events say). traits: shape (draw or 1, proposal, trait).
    still: 1 if the marker never regrows."""
    points = np.flatnonzero(data["interval_patient"].to_numpy()[data["point_interval"].to_numpy()] == i)
    count = data.sizes["sample"]
    samples, rows = points[points < count], points[points >= count] - count
    fraction, slope = own_marker(data, draws, points, block, traits, still)
    log_y = sample_terms(data, draws, samples, fraction[: len(samples)])
    wide = {k: x[..., None] for k, x in draws.items() if k == "tau" or k.startswith("alpha_")}
    hazards = without_patient(data, draws, rows)
    after = len(samples)
    for cause in hazards:
        linked = prediction.association(data, wide, cause, fraction[after:], None if slope is None else slope[after:])
        hazards[cause] = hazards[cause] + linked
    return log_y, events(data, draws, hazards, rows)


def own_marker(data: xr.Dataset, draws: prediction.Draws, points, block, traits, still: float):
    """(level, slope) of the marker at a patient's points for proposed traits, shape (point, draw, proposal). The slope
    is None where no hazard depends on it."""
    interval = data["point_interval"].to_numpy()[points]
    day = data["interval_start"].to_numpy()[interval] + data["point_elapsed"].to_numpy()[points]
    shared = prediction.shared_at(data, draws, interval, day)
    wide = {k: getattr(shared, k)[:, :, None] for k in ("done", "rate", "drop", "dropping")}
    at, own = coordinates.groups(data), np.moveaxis(traits, -1, 0)  # (trait, draw or 1, proposal)
    levels = np.isin(block, at["level"])
    start = own[np.searchsorted(block[levels], interval)]
    growth = [np.broadcast_to(own[np.isin(block, g)], (len(points), *own.shape[1:])) for g in at["growth"]]
    log_kill = own[np.isin(block, at["kill"])] if coordinates.infused(data) else 0.0
    sloping = any(name.startswith("alpha_slope") for name in draws)
    return prediction.marker(data, replace(shared, **wide), start, np.array(growth), log_kill, still, sloping)
