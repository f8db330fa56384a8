"""Sampling coordinates of the kills of lots: what the samples say of each, and how sure they are.

A patient's infusions come of several lots, so that the drops after them tell lots apart far better than patients do.
The samples' normal approximation at `coordinates.Approximation` is taken in the traits and in what patients share, and
the traits are profiled out. Without it, by patients' average kills alone, the information about contrasts of lots was a
thirtieth of what the posterior of `redosable` knew, and omega_lot had a bulk ESS of 0.2 a draw.
"""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from redose.coordinates import Approximation, Samples

LEAST = 1e-3  # information, from which a centre is read
LARGEST_STEP = 1.0  # log kill: a linear approximation is not trusted further


def told(
    data: xr.Dataset,
    blocks: list[np.ndarray],
    found: "Approximation",
    samples: "Samples",
    response: tuple,
    moved: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(information, score) about the shared parameters, shape (shared, shared) and (shared,), at the reference, with
    each patient's traits at their best for every value of these.

    blocks: places of each patient's traits (`coordinates.patient_blocks`). response: (jacobian, residual, information)
    of the samples (`coordinates.working_response`). moved: dM/d(shared), shape (sample, shared). Features of the kill
    move the mean of a patient's own kill too, by its infusions' mean.
    """
    jacobian, residual, weight = response
    information, score = np.zeros((moved.shape[1],) * 2), np.zeros(moved.shape[1])
    for i, block in enumerate(blocks):
        mine = samples.patient == i
        of_level = samples.interval[mine][:, None] == block[: np.count_nonzero(block < data.sizes["interval"])]
        x, m, w = np.column_stack([jacobian[mine, :1] * of_level, jacobian[mine, 1:]]), moved[mine], weight[mine]
        precision, mean = 1 / found.spread[block] ** 2, np.zeros((len(block), moved.shape[1]))
        mean[-1, : data.sizes["feature"]] = data["mean_features"].to_numpy()[i]
        within = x.T @ (w[:, None] * x) + np.diag(precision)
        cross = x.T @ (w[:, None] * m) - precision[:, None] * mean
        information += m.T @ (w[:, None] * m) + mean.T @ (precision[:, None] * mean)
        information -= cross.T @ np.linalg.solve(within, cross)
        score += m.T @ (w * residual[mine]) + mean.T @ (precision * (found.centre - found.mean)[block])
    return information, score


def of_lots(data: xr.Dataset, blocks: list[np.ndarray], found: "Approximation", *about: object) -> dict:
    """lot_turned, shape (lot, turn): orthogonal directions in the log kills of lots, of which the samples tell one by
    one, whatever else patients share; lot_information and lot_centre, shape (turn,): how much, and what. Arguments as
    for `told`."""
    information, score = told(data, blocks, found, *about)
    features = data["feature"].to_numpy()
    lot = np.arange(len(features) - data.sizes["lot"], len(features))
    by_property = [k for k, name in enumerate(features) if str(name).startswith("xi")]  # part of the kill of its lots
    others = np.setdiff1d(np.arange(len(score)), [*lot, *by_property])
    prior = np.eye(len(others))  # sd 1: one that hardly bears on what samples tell of
    tied = np.linalg.solve(information[np.ix_(others, others)] + prior, information[np.ix_(others, lot)])
    known, turned = np.linalg.eigh(information[np.ix_(lot, lot)] - information[np.ix_(lot, others)] @ tied)
    step = turned.T @ (score[lot] - tied.T @ score[others]) / np.maximum(known, LEAST)
    centre = turned.sum(0) * np.mean([found.mean[block[-1]] for block in blocks])
    return {
        "lot_turned": (("lot", "turn"), turned),
        "lot_information": ("turn", np.maximum(known, 0.0)),
        "lot_centre": ("turn", centre + np.clip(step, -LARGEST_STEP, LARGEST_STEP)),
    }
