"""Sampling coordinates of patient traits: a fixed linear map per patient that makes them nearly independent.

Level, growth and kill of one patient are strongly correlated in the posterior (a saw-tooth can be explained by more
growth and more kill). NUTS with a diagonal metric then needs long trajectories. The map here is found before
sampling by a few steps of an approximate EM with Gauss-Newton modes per patient, at fixed values of half-life, dose
exponent and assay noise. It only sets coordinates: the posterior does not depend on it (a linear map, constant
Jacobian), and a poor map costs speed, not correctness. The centre of the map also follows psi, rho and the half-life,
which all patients share, as the patients' modes do.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

from redose import kinetics

ROUNDS = 6  # of EM
NEWTON = 4  # Gauss-Newton steps in each round
LARGEST_STEP = 1.0


@dataclass(frozen=True)
class Samples:
    """What a patient's samples say: indices of its interval and patient, kill done since the interval's start."""

    interval: np.ndarray
    patient: np.ndarray
    elapsed: np.ndarray
    done: np.ndarray
    y: np.ndarray
    below: np.ndarray


def shared(reference: dict) -> np.ndarray:
    """The shared kinetic parameters at their reference: psi, rho, log half-life; shape (3,)."""
    return np.array([reference["psi"], 0.0, np.log(reference["half_life"])])


def kill_since_start(data: xr.Dataset, doses: kinetics.Doses, at: np.ndarray) -> np.ndarray:
    """Kill done at every sample since its interval began, in units of the patient's kill; shape (sample,)."""
    n, h = data.sizes["sample"], np.exp(at[2])
    total, running = kinetics.dose_states(doses, at[0], at[1], h)
    done = kinetics.kill_done(total, running, data["point_slot"].to_numpy()[:n], data["point_since"].to_numpy()[:n], h)
    start = kinetics.kill_done(total, running, data["start_slot"].to_numpy(), data["start_since"].to_numpy(), h)
    return done - start[data["point_interval"].to_numpy()[:n]]


def reference_samples(data: xr.Dataset, doses: kinetics.Doses, reference: dict) -> Samples:
    """Samples with the kill done at the reference of the shared parameters; shape (sample,) each."""
    n = data.sizes["sample"]
    interval = data["point_interval"].to_numpy()[:n]
    return Samples(
        interval,
        data["interval_patient"].to_numpy()[interval],
        data["point_elapsed"].to_numpy()[:n],
        kill_since_start(data, doses, shared(reference)),
        data["sample_y"].to_numpy(),
        data["sample_below"].to_numpy(),
    )


def working_response(samples: Samples, level, log_doubling, log_kill, sigma):
    """(jacobian, residual, information) of every sample: dM/d(b, log doubling, log δ), score / information,
    and the information about M; shapes (sample, 3), (sample,), (sample,). Below the LOD: Tobit score and curvature."""
    growth = kinetics.LOG10_2 / np.exp(log_doubling[samples.patient])
    kill = np.exp(log_kill[samples.patient]) * samples.done
    ratio = level[samples.interval] + growth * samples.elapsed - kill
    steep = kinetics.slope_of_fraction(ratio)
    jacobian = steep[:, None] * np.column_stack([np.ones(len(ratio)), -growth * samples.elapsed, -kill])
    z = (samples.y - kinetics.log10_fraction(ratio)) / sigma
    mills = np.exp(stats.norm.logpdf(z) - stats.norm.logcdf(z))
    score = np.where(samples.below, -mills, z) / sigma
    information = np.where(samples.below, np.clip(mills * (mills + z), 1e-3, 1.0), 1.0) / sigma**2
    return jacobian, score / information, information


def patient_blocks(data: xr.Dataset) -> list[np.ndarray]:
    """For each patient the places of its traits: levels of its intervals, log doubling, log kill."""
    intervals, patients = data.sizes["interval"], data.sizes["patient"]
    owner = data["interval_patient"].to_numpy()
    return [np.append(np.flatnonzero(owner == i), [intervals + i, intervals + patients + i]) for i in range(patients)]


def approximate(data: xr.Dataset, doses: kinetics.Doses, reference: dict) -> tuple[np.ndarray, list, list]:
    """(centre, blocks, covariances): approximate posterior mode of every trait, shape (trait,), and by patient the
    places of its traits and their covariance. reference: half_life, psi, sigma, level, doubling, delta."""
    samples, blocks = reference_samples(data, doses, reference), patient_blocks(data)
    intervals, patients = data.sizes["interval"], data.sizes["patient"]
    group = np.repeat([0, 1, 2], [intervals, patients, patients])
    mean = np.array([reference["level"], np.log(reference["doubling"]), np.log(reference["delta"])])
    spread = np.array([0.8, 0.5, 0.5])  # starting values of the EM
    centre, covariance = mean[group], [np.eye(len(b)) for b in blocks]
    order = np.argsort(samples.patient, kind="stable")
    bounds = np.searchsorted(samples.patient[order], np.arange(patients + 1))
    for _ in range(ROUNDS):
        for _ in range(NEWTON):
            level, log_doubling, log_kill = np.split(centre, [intervals, intervals + patients])
            parts = working_response(samples, level, log_doubling, log_kill, reference["sigma"])
            for i, block in enumerate(blocks):
                mine = order[bounds[i] : bounds[i + 1]]
                jacobian, response, information = (p[mine] for p in parts)
                design = np.zeros((len(mine), len(block)))
                design[np.arange(len(mine)), np.searchsorted(block, samples.interval[mine])] = jacobian[:, 0]
                design[:, -2:] = jacobian[:, 1:]
                prior = 1.0 / spread[group[block]] ** 2
                precision = np.diag(prior) + design.T @ (information[:, None] * design)
                score = design.T @ (information * response) - prior * (centre[block] - mean[group[block]])
                covariance[i] = np.linalg.inv(precision)
                centre[block] += np.clip(covariance[i] @ score, -LARGEST_STEP, LARGEST_STEP)
        variance = np.zeros(len(centre))
        for block, c in zip(blocks, covariance, strict=True):
            variance[block] = np.diag(c)
        mean = np.array([centre[group == k].mean() for k in range(3)])
        second = [np.mean((centre - mean[group])[group == k] ** 2 + variance[group == k]) for k in range(3)]
        spread = np.clip(np.sqrt(second), 0.1, 2.0)
    return centre, blocks, covariance


def sensitivity(data: xr.Dataset, doses: kinetics.Doses, reference: dict, centre, blocks, covariances) -> np.ndarray:
    """How the approximate modes of the traits move with psi, rho and log half-life; shape (trait, 3).

    By the implicit function theorem, -Cov_i J_i' W_i ∂M/∂(shared), with J and W as in `working_response`.
    """
    samples, at = reference_samples(data, doses, reference), shared(reference)
    split = [data.sizes["interval"], data.sizes["interval"] + data.sizes["patient"]]
    level, log_doubling, log_kill = np.split(centre, split)
    jacobian, _, information = working_response(samples, level, log_doubling, log_kill, reference["sigma"])
    step = 1e-4 * np.eye(3)
    moved = [kill_since_start(data, doses, at + e) - kill_since_start(data, doses, at - e) for e in step]
    per_kill = np.divide(jacobian[:, 2], samples.done, out=np.zeros(len(samples.done)), where=samples.done != 0)
    slope = per_kill[:, None] * np.array(moved).T / 2e-4  # ∂M/∂(shared), shape (sample, 3)
    found = np.zeros((len(centre), 3))
    for i, (block, covariance) in enumerate(zip(blocks, covariances, strict=True)):
        mine = np.flatnonzero(samples.patient == i)
        design = np.zeros((len(mine), len(block)))
        design[np.arange(len(mine)), np.searchsorted(block, samples.interval[mine])] = jacobian[mine, 0]
        design[:, -2:] = jacobian[mine, 1:]
        found[block] = -covariance @ design.T @ (information[mine, None] * slope[mine])
    return found


def sampling_coordinates(data: xr.Dataset, doses: kinetics.Doses, reference: dict) -> dict:
    """Variables of the design dataset for `models.parts.WithinPatient`: trait_centre, shape (trait,); the entries
    trait_row, trait_column, trait_factor, trait_inverse of the block-diagonal map, shape (entry,); trait_log_det."""
    centre, blocks, covariances = approximate(data, doses, reference)
    factors = [np.linalg.cholesky(c) for c in covariances]
    rows = np.concatenate([np.repeat(b, len(b)) for b in blocks])
    columns = np.concatenate([np.tile(b, len(b)) for b in blocks])
    return {
        "trait_centre": ("trait", centre),
        "trait_row": ("entry", rows),
        "trait_column": ("entry", columns),
        "trait_factor": ("entry", np.concatenate([f.ravel() for f in factors])),
        "trait_inverse": ("entry", np.concatenate([np.linalg.inv(f).ravel() for f in factors])),
        "trait_log_det": float(sum(np.log(np.diag(f)).sum() for f in factors)),
        "trait_shift": (("trait", "shared"), sensitivity(data, doses, reference, centre, blocks, covariances)),
        "shared_reference": ("shared", shared(reference)),
    }
