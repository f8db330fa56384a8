"""Sampling coordinates of patient traits: a fixed linear map per patient that makes them nearly independent.

Level, growth and kill of one patient are strongly correlated in the posterior (a saw-tooth can be explained by more
growth and more kill). NUTS with a diagonal metric then needs long trajectories. The map here is found before
sampling by a few steps of an approximate EM with Gauss-Newton modes per patient, at fixed values of the half-lives and
of everything else that patients share. It only sets coordinates: the posterior does not depend on it (a linear map,
constant Jacobian), and a poor map costs speed, not correctness. The centre of the map also follows the shared
parameters of the kill, as the patients' modes do.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

from redose import kinetics

ROUNDS = 6  # of EM
NEWTON = 4  # Gauss-Newton steps in each round
LARGEST_STEP = 1.0
STARTING_SPREAD = {"level": 0.8, "growth": 0.5, "kill": 0.5}


@dataclass(frozen=True)
class Samples:
    """What a patient's samples say: indices of its interval and patient, shape (sample,); basis of growth, shape
    (sample, basis); done, the kill since the interval's start in units of the patient's, and drop, what courses did."""

    interval: np.ndarray
    patient: np.ndarray
    basis: np.ndarray
    done: np.ndarray
    drop: np.ndarray
    y: np.ndarray
    below: np.ndarray


def infused(data: xr.Dataset) -> bool:
    """True where the marker is moved by infusions: growth is exponential with a ceiling, and there is a kill."""
    return "product" in data


def doses_of(data: xr.Dataset) -> kinetics.Doses:
    """The infusions as the design holds them."""
    names = ("dose_patient", "dose_day", "dose_product", "dose_features", "mean_features")
    return kinetics.Doses(*(data[n].to_numpy() for n in (*names, "pair_later", "pair_earlier", "pair_gap")))


def groups(data: xr.Dataset) -> dict[str, np.ndarray]:
    """Places of the traits by kind: "level", shape (interval,); "growth", shape (basis, patient); "kill", shape
    (patient,), empty without infusions."""
    intervals, patients = data.sizes["interval"], data.sizes["patient"]
    basis = 1 if infused(data) else data.sizes["basis"]
    kill = intervals + basis * patients
    return {
        "level": np.arange(intervals),
        "growth": np.arange(intervals, kill).reshape(basis, patients),
        "kill": np.arange(kill, kill + patients if infused(data) else kill),
    }


def patient_blocks(data: xr.Dataset) -> list[np.ndarray]:
    """For each patient the places of its traits: levels of its intervals, growth, kill."""
    at, owner = groups(data), data["interval_patient"].to_numpy()
    own = [np.append(at["growth"][:, i], at["kill"][i : i + 1]) for i in range(data.sizes["patient"])]
    return [np.append(np.flatnonzero(owner == i), places) for i, places in enumerate(own)]


def trait_kinds(data: xr.Dataset) -> list[str]:
    """Kinds of traits in the order of their correlation matrix."""
    basis = groups(data)["growth"].shape[0]
    growth = ["growth"] if infused(data) else [f"slope {m + 1}" for m in range(basis)]
    return [*growth, *(["kill"] if infused(data) else []), "level"]


def trait_pairs(data: xr.Dataset) -> np.ndarray:
    """Names of the pairs of kinds, in the order of the stored correlations."""
    names = trait_kinds(data)
    pairs = zip(*np.triu_indices(len(names), 1), strict=True)
    return np.array([f"{names[i]} ~ {names[j]}" for i, j in pairs], dtype=str)


def shared(data: xr.Dataset, priors: dict) -> np.ndarray:
    """The shared parameters of the kill at their prior medians: coefficients of the features, log half-lives."""
    coefficients = [priors["psi"]["median"] if f == "psi" else 0.0 for f in data["feature"].to_numpy()]
    half_lives = [np.log(priors[name]["median"]) for name in data["product_half_life"].to_numpy()]
    return np.array([*coefficients, *half_lives])


def kill_since_start(data: xr.Dataset, doses: kinetics.Doses, at: np.ndarray) -> np.ndarray:
    """Kill done at every sample since its interval began, in units of the patient's kill; shape (sample,)."""
    n, features = data.sizes["sample"], data.sizes["feature"]
    h = np.exp(at[features:])
    total, running = kinetics.dose_states(doses, at[:features], h)
    done = kinetics.kill_done(total, running, data["point_slot"].to_numpy()[:n], data["point_since"].to_numpy()[:n], h)
    start = kinetics.kill_done(total, running, data["start_slot"].to_numpy(), data["start_since"].to_numpy(), h)
    return done - start[data["point_interval"].to_numpy()[:n]]


def reference_samples(data: xr.Dataset, priors: dict) -> Samples:
    """Samples with the kill done at the reference of the shared parameters; shape (sample,) each."""
    n = data.sizes["sample"]
    interval = data["point_interval"].to_numpy()[:n]
    if infused(data):
        basis = data["point_elapsed"].to_numpy()[:n, None]
        done = kill_since_start(data, doses_of(data), shared(data, priors))
    else:
        basis, done = data["point_basis"].to_numpy()[:n], np.zeros(n)
    return Samples(
        interval,
        data["interval_patient"].to_numpy()[interval],
        basis,
        done,
        data["point_on"].to_numpy()[:n].sum(1) * priors["kappa"]["median"],
        data["sample_y"].to_numpy(),
        data["sample_below"].to_numpy(),
    )


def working_response(data: xr.Dataset, samples: Samples, traits: np.ndarray, sigma: float):
    """(jacobian, residual, information) of every sample: dM/d(level, growth..., kill), score / information, and the
    information about M; shapes (sample, trait of a patient), (sample,), (sample,). Below the LOD: Tobit score and
    curvature."""
    at = groups(data)
    growth = traits[at["growth"]][:, samples.patient].T
    moved = samples.basis * (kinetics.LOG10_2 / np.exp(growth) if infused(data) else growth)
    columns = [np.ones((len(samples.y), 1)), -moved if infused(data) else samples.basis]
    ratio = traits[samples.interval] + moved.sum(1) - samples.drop
    fraction, steep = ratio, np.ones(len(ratio))
    if infused(data):
        kill = np.exp(traits[at["kill"]][samples.patient]) * samples.done
        columns.append(-kill[:, None])
        fraction, steep = kinetics.log10_fraction(ratio - kill), kinetics.slope_of_fraction(ratio - kill)
    z = (samples.y - fraction) / sigma
    mills = np.exp(stats.norm.logpdf(z) - stats.norm.logcdf(z))
    score = np.where(samples.below, -mills, z) / sigma
    information = np.where(samples.below, np.clip(mills * (mills + z), 1e-3, 1.0), 1.0) / sigma**2
    return steep[:, None] * np.column_stack(columns), score / information, information


def starting_means(data: xr.Dataset, priors: dict) -> dict[str, np.ndarray]:
    """Means of the traits by kind from which the EM starts: prior medians, and for a curve the samples' own mean."""
    if infused(data):
        return {
            "level": np.array(priors["mu_b"]["median"]),
            "growth": np.log([[priors["doubling"]["median"]]]),
            "kill": np.log(priors["delta"]["median"]),
        }
    return {"level": data["sample_y"].to_numpy().mean(), "growth": np.zeros((data.sizes["basis"], 1)), "kill": 0.0}


def own_design(block: np.ndarray, interval: np.ndarray, jacobian: np.ndarray) -> np.ndarray:
    """Derivative of a patient's samples by its own traits, shape (sample, trait of the patient)."""
    others = jacobian.shape[1] - 1
    design = np.zeros((len(interval), len(block)))
    design[np.arange(len(interval)), np.searchsorted(block[:-others], interval)] = jacobian[:, 0]
    design[:, -others:] = jacobian[:, 1:]
    return design


@dataclass(frozen=True)
class Approximation:
    """Approximate posterior of the traits: mode, shape (trait,); by patient the places of its traits and their
    covariance; mean and sd of every trait in its population, shape (trait,)."""

    centre: np.ndarray
    blocks: list
    covariances: list
    mean: np.ndarray
    spread: np.ndarray


def approximate(data: xr.Dataset, priors: dict) -> Approximation:
    """The approximation by EM; priors: the config's table."""
    samples, blocks, at = reference_samples(data, priors), patient_blocks(data), groups(data)
    mean, spread, centre = np.zeros(data.sizes["trait"]), np.zeros(data.sizes["trait"]), None
    for kind, value in starting_means(data, priors).items():
        mean[at[kind]], spread[at[kind]] = value, STARTING_SPREAD[kind]
    centre, covariance, sigma = mean.copy(), [np.eye(len(b)) for b in blocks], priors["sigma"]["median"]
    order = np.argsort(samples.patient, kind="stable")
    bounds = np.searchsorted(samples.patient[order], np.arange(len(blocks) + 1))
    for _ in range(ROUNDS):
        for _ in range(NEWTON):
            parts = working_response(data, samples, centre, sigma)
            for i, block in enumerate(blocks):
                mine = order[bounds[i] : bounds[i + 1]]
                jacobian, response, information = (p[mine] for p in parts)
                design = own_design(block, samples.interval[mine], jacobian)
                prior = 1.0 / spread[block] ** 2
                precision = np.diag(prior) + design.T @ (information[:, None] * design)
                score = design.T @ (information * response) - prior * (centre[block] - mean[block])
                covariance[i] = np.linalg.inv(precision)
                centre[block] += np.clip(covariance[i] @ score, -LARGEST_STEP, LARGEST_STEP)
        variance = np.zeros(len(centre))
        for block, c in zip(blocks, covariance, strict=True):
            variance[block] = np.diag(c)
        for places in (at["level"], *at["growth"], at["kill"]):
            if len(places):
                mean[places] = centre[places].mean()
                second = np.mean((centre - mean)[places] ** 2 + variance[places])
                spread[places] = np.clip(np.sqrt(second), 0.1, 2.0)
    return Approximation(centre, blocks, covariance, mean, spread)


def sensitivity(data: xr.Dataset, priors: dict, found: Approximation) -> np.ndarray:
    """How the approximate modes of the traits move with the shared parameters of the kill; shape (trait, shared).

    By the implicit function theorem, -Cov_i J_i' W_i ∂M/∂(shared), with J and W as in `working_response`.
    """
    samples, at, doses = reference_samples(data, priors), shared(data, priors), doses_of(data)
    jacobian, _, information = working_response(data, samples, found.centre, priors["sigma"]["median"])
    step = 1e-4 * np.eye(len(at))
    moved = [kill_since_start(data, doses, at + e) - kill_since_start(data, doses, at - e) for e in step]
    per_kill = np.divide(jacobian[:, -1], samples.done, out=np.zeros(len(samples.done)), where=samples.done != 0)
    slope = per_kill[:, None] * np.array(moved).T / 2e-4  # ∂M/∂(shared), shape (sample, shared)
    moves = np.zeros((len(found.centre), len(at)))
    for i, (block, covariance) in enumerate(zip(found.blocks, found.covariances, strict=True)):
        mine = np.flatnonzero(samples.patient == i)
        design = own_design(block, samples.interval[mine], jacobian[mine])
        moves[block] = -covariance @ design.T @ (information[mine, None] * slope[mine])
    return moves


def sampling_coordinates(data: xr.Dataset, priors: dict) -> dict:
    """Variables of the design dataset for `models.marker.WithinPatient`: trait_centre, and where the population's
    parameters start (trait_mean, trait_spread), shape (trait,); the entries
    trait_row, trait_column, trait_factor, trait_inverse of the block-diagonal map, shape (entry,); trait_log_det; with
    infusions trait_shift, shape (trait, shared), and shared_reference.

    priors: the config's table; its medians are where the map is found.
    """
    approximation = approximate(data, priors)
    centre, blocks = approximation.centre, approximation.blocks
    factors = [np.linalg.cholesky(c) for c in approximation.covariances]
    found = {
        "trait_centre": ("trait", centre),
        "trait_mean": ("trait", approximation.mean),
        "trait_spread": ("trait", approximation.spread),
        "trait_row": ("entry", np.concatenate([np.repeat(b, len(b)) for b in blocks])),
        "trait_column": ("entry", np.concatenate([np.tile(b, len(b)) for b in blocks])),
        "trait_factor": ("entry", np.concatenate([f.ravel() for f in factors])),
        "trait_inverse": ("entry", np.concatenate([np.linalg.inv(f).ravel() for f in factors])),
        "trait_log_det": float(sum(np.log(np.diag(f)).sum() for f in factors)),
    }
    if not infused(data):
        return found
    return found | {
        "trait_shift": (("trait", "shared"), sensitivity(data, priors, approximation)),
        "shared_reference": ("shared", shared(data, priors)),
    }
