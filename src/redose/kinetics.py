"""Latent MRD of a redosed patient (numpy only): growth, kill by infusions, soft ceiling.

B_i(t) is log10 of the malignant-to-normal ratio, M_i(t) the log10 fraction that an assay reads.
Letters as in docs/methods.md.
"""

from dataclasses import dataclass

import numpy as np

LOG10_2 = np.log10(2.0)


def kill_kernel(since, half_life):
    """K(s; h) = 1 - 2^(-s/h) for s > 0, else 0: share of an infusion's kill done s days after it."""
    return np.where(since > 0, 1.0 - 2.0 ** (-np.maximum(since, 0.0) / half_life), 0.0)


def log10_fraction(ratio):
    """M = B - log10(1 + 10^B): log10 malignant fraction from B, the log10 malignant-to-normal ratio."""
    return ratio - np.logaddexp(0.0, np.log(10.0) * ratio) / np.log(10.0)


def slope_of_fraction(ratio):
    """dM/dB = 1 / (1 + 10^B)."""
    return 1.0 / (1.0 + 10.0**ratio)


@dataclass(frozen=True)
class Doses:
    """The infusions of all patients as one list, sorted by patient and day.

    day: days. log_cells: log of cells / reference, minus the patient's own mean of it; earlier: number of earlier
    infusions (l - 1), minus the patient's own mean; shape (infusion,). Centred so, the kill trait of a patient is the
    kill of its own average infusion: what its samples tell, whatever ψ and ρ are. mean_log_cells, mean_earlier: those
    means (0 without an infusion), shape (patient,).
    pair_later, pair_earlier, pair_gap: every pair l' <= l of one patient, gap in days; shape (pair,).
    """

    patient: np.ndarray
    day: np.ndarray
    log_cells: np.ndarray
    earlier: np.ndarray
    mean_log_cells: np.ndarray
    mean_earlier: np.ndarray
    pair_later: np.ndarray
    pair_earlier: np.ndarray
    pair_gap: np.ndarray


def arrange_doses(
    patient: np.ndarray, day: np.ndarray, cells: np.ndarray, reference_cells: float, patients: int
) -> Doses:
    """Infusions sorted by patient and day, with their pairs.

    patient: index of the patient, shape (infusion,). day: days. cells: number of cells. reference_cells: cells at
    which the kill is δ. patients: number of patients.
    """
    order = np.lexsort((day, patient))
    patient, day, cells = patient[order], day[order].astype(float), cells[order].astype(float)
    first = np.searchsorted(patient, patient)
    earlier = np.arange(len(patient)) - first
    later = np.repeat(np.arange(len(patient)), earlier + 1)
    partner = np.concatenate([np.arange(f, i + 1) for i, f in enumerate(first)]) if len(first) else later
    log_cells, given = np.log(cells / reference_cells), np.maximum(np.bincount(patient, minlength=patients), 1)
    mean_log_cells = np.bincount(patient, log_cells, patients) / given
    mean_earlier = np.bincount(patient, earlier, patients) / given
    return Doses(
        patient,
        day,
        log_cells - mean_log_cells[patient],
        earlier - mean_earlier[patient],
        mean_log_cells,
        mean_earlier,
        later,
        partner,
        day[later] - day[partner],
    )


def last_dose(doses: Doses, patient: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(slot, since): last infusion strictly before each day, as 1 + its place in `doses` (0: none), and days since.

    patient, day: shape (point,). `since` is 0 where there is no infusion.
    """
    slot = np.zeros(len(day), dtype=np.int64)
    since = np.zeros(len(day))
    bounds = np.searchsorted(doses.patient, np.arange(patient.max(initial=-1) + 2))
    for i in np.unique(patient):
        mine = np.flatnonzero(patient == i)
        days = doses.day[bounds[i] : bounds[i + 1]]
        before = np.searchsorted(days, day[mine], side="left")
        slot[mine] = np.where(before > 0, bounds[i] + before, 0)
        since[mine] = np.where(before > 0, day[mine] - np.append(days, 0.0)[before - 1], 0.0)
    return slot, since


def dose_states(doses: Doses, psi, rho, half_life) -> tuple[np.ndarray, np.ndarray]:
    """(total, running): A_l = Σ_{l'<=l} w_l' and R_l = Σ_{l'<=l} w_l' 2^(-(t_l - t_l')/h), with a leading 0.

    Shape (infusion + 1, ...draws): psi, rho, half_life are scalars or arrays of draws. The kill done by day t,
    relative to δ, is A_L - R_L 2^(-(t - t_L)/h) for the last infusion L before t: one exponential an evaluation.
    """
    psi, rho, half_life = (np.asarray(x, dtype=float) for x in (psi, rho, half_life))
    weight = np.exp(np.multiply.outer(doses.log_cells, psi) + np.multiply.outer(doses.earlier, rho))
    total = np.zeros((len(doses.day) + 1, *weight.shape[1:]))
    running = np.zeros_like(total)
    each = weight[doses.pair_earlier]
    np.add.at(total, doses.pair_later + 1, each)
    np.add.at(running, doses.pair_later + 1, each * 2.0 ** (-np.divide.outer(doses.pair_gap, half_life)))
    return total, running


def kill_done(total, running, slot, since, half_life):
    """Σ_l w_l K(t - t_l), shape (point, ...draws), from `dose_states` and `last_dose`."""
    return total[slot] - running[slot] * 2.0 ** (-np.divide.outer(since, np.asarray(half_life, dtype=float)))
