"""Latent marker of a patient (numpy only): growth or a curve in time, kill by infusions and courses, soft ceiling.

B_i(t) is log10 of the malignant-to-normal ratio, M_i(t) the log10 fraction that an assay reads.
Letters as in docs/methods.md.
"""

from dataclasses import dataclass

import numpy as np

LOG10_2 = np.log10(2.0)
YEAR = 365.25  # days


def kill_kernel(since, half_life):
    """K(s; h) = 1 - 2^(-s/h) for s > 0, else 0: share of an infusion's kill done s days after it."""
    return np.where(since > 0, 1.0 - 2.0 ** (-np.maximum(since, 0.0) / half_life), 0.0)


def log10_fraction(ratio):
    """M = B - log10(1 + 10^B): log10 malignant fraction from B, the log10 malignant-to-normal ratio."""
    return ratio - np.logaddexp(0.0, np.log(10.0) * ratio) / np.log(10.0)


def slope_of_fraction(ratio):
    """dM/dB = 1 / (1 + 10^B)."""
    return 1.0 / (1.0 + 10.0 ** np.minimum(ratio, 300.0))  # beyond that the power overflows


@dataclass(frozen=True)
class Doses:
    """The infusions of all patients as one list, sorted by patient and day.

    day: days. product: index. features: what moves the log kill of an infusion, minus the patient's own mean of it;
    shape (infusion, feature). Centred so, the kill trait of a patient is the kill of its own average infusion: what
    its samples tell, whatever the coefficients are. mean_features: those means (0 without an infusion), shape
    (patient, feature). pair_later, pair_earlier, pair_gap: every pair l' <= l of one patient, gap in days; shape
    (pair,).
    """

    patient: np.ndarray
    day: np.ndarray
    product: np.ndarray
    features: np.ndarray
    mean_features: np.ndarray
    pair_later: np.ndarray
    pair_earlier: np.ndarray
    pair_gap: np.ndarray


def earlier_infusions(patient: np.ndarray, day: np.ndarray) -> np.ndarray:
    """l - 1, the number of a patient's infusions before each, in the order given; shape (infusion,)."""
    order = np.lexsort((day, patient))
    number = np.empty(len(patient), dtype=np.int64)
    number[order] = np.arange(len(patient)) - np.searchsorted(patient[order], patient[order])
    return number


def arrange_doses(
    patient: np.ndarray, day: np.ndarray, product: np.ndarray, features: np.ndarray, patients: int
) -> Doses:
    """Infusions sorted by patient and day, with their pairs.

    patient, product: indices, shape (infusion,). day: days. features: shape (infusion, feature). patients: number.
    """
    order = np.lexsort((day, patient))
    patient, day, product = patient[order], day[order].astype(float), product[order]
    features = features[order].astype(float)
    first = np.searchsorted(patient, patient)
    earlier = np.arange(len(patient)) - first
    later = np.repeat(np.arange(len(patient)), earlier + 1)
    partner = np.concatenate([np.arange(f, i + 1) for i, f in enumerate(first)]) if len(first) else later
    given = np.maximum(np.bincount(patient, minlength=patients), 1)
    mean = np.zeros((patients, features.shape[1]))
    np.add.at(mean, patient, features)
    mean /= given[:, None]
    return Doses(patient, day, product, features - mean[patient], mean, later, partner, day[later] - day[partner])


def of_patients(doses: Doses, patients: np.ndarray) -> Doses:
    """The infusions of some patients alone, in the same order. patients: indices, in any order."""
    mine = np.isin(doses.patient, patients)
    place, pair = np.cumsum(mine) - 1, mine[doses.pair_later]
    one_by_one = (x[mine] for x in (doses.patient, doses.day, doses.product, doses.features))
    pairs = (place[doses.pair_later[pair]], place[doses.pair_earlier[pair]], doses.pair_gap[pair])
    return Doses(*one_by_one, doses.mean_features, *pairs)


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


def dose_states(doses: Doses, coefficients, half_life) -> tuple[np.ndarray, np.ndarray]:
    """(total, running): A_l = Σ_{l'<=l} w_l', shape (infusion + 1, ...draws), and by product
    R_pl = Σ_{l'<=l of product p} w_l' 2^(-(t_l - t_l')/h_p), shape (product, infusion + 1, ...draws); both lead with 0.

    coefficients: of the features, shape (feature, ...draws). half_life: days, shape (product, ...draws). The kill done
    by day t, relative to that of the patient's average infusion, is A_L - Σ_p R_pL 2^(-(t - t_L)/h_p) for the last
    infusion L before t: one exponential an evaluation and product.
    """
    coefficients, half_life = np.asarray(coefficients, dtype=float), np.asarray(half_life, dtype=float)
    weight = np.exp(np.tensordot(doses.features, coefficients, 1))
    total = np.zeros((len(doses.day) + 1, *weight.shape[1:]))
    running = np.zeros((len(half_life), *total.shape))
    each = weight[doses.pair_earlier]
    np.add.at(total, doses.pair_later + 1, each)
    product = doses.product[doses.pair_earlier]
    for p, h in enumerate(half_life):
        of = product == p
        np.add.at(running[p], doses.pair_later[of] + 1, each[of] * 2.0 ** (-np.divide.outer(doses.pair_gap[of], h)))
    return total, running


def kill_done(total, running, slot, since, half_life):
    """Σ_l w_l K(t - t_l; h), shape (point, ...draws), from `dose_states` and `last_dose`."""
    left = sum(r[slot] * 2.0 ** (-np.divide.outer(since, h)) for r, h in zip(running, half_life, strict=True))
    return total[slot] - left


def kill_rate(running, slot, since, half_life):
    """Its derivative by time, per day, shape (point, ...draws)."""
    pairs = zip(running, half_life, strict=True)
    return sum(r[slot] * np.log(2) / h * 2.0 ** (-np.divide.outer(since, h)) for r, h in pairs)


def days_on(start: np.ndarray, stop: np.ndarray, day: np.ndarray) -> np.ndarray:
    """on(t): days of courses [start, stop] that lie before each day; shape (point,). start, stop: shape (course,)."""
    return (np.minimum(day[:, None], stop) - np.minimum(day[:, None], start)).sum(1)


def curve_basis(elapsed: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """φ_m(t) of a study without infusions, shape (point, basis): years since the interval's start, and for more than
    two knots the natural cubic spline functions of Hastie et al. 2009, eq. 5.4-5.5, in units of the last knot.

    elapsed: days. knots: days, the first and last where the curve turns straight; empty for a line.
    """
    columns = [elapsed / YEAR]
    if len(knots) > 2:
        scale = (knots[-1] - knots[0]) ** 2 * YEAR
        cut = [np.maximum(elapsed - k, 0.0) ** 3 for k in knots]
        d = [(c - cut[-1]) / (knots[-1] - k) for c, k in zip(cut[:-1], knots[:-1], strict=True)]
        columns += [(x - d[-1]) * (knots[-1] - knots[0]) / scale for x in d[:-1]]
    return np.column_stack(columns)


def curve_slope(elapsed: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """dφ_m/dt per day, shape (point, basis); arguments as in `curve_basis`."""
    columns = [np.full(len(elapsed), 1 / YEAR)]
    if len(knots) > 2:
        scale = (knots[-1] - knots[0]) ** 2 * YEAR
        cut = [3 * np.maximum(elapsed - k, 0.0) ** 2 for k in knots]
        d = [(c - cut[-1]) / (knots[-1] - k) for c, k in zip(cut[:-1], knots[:-1], strict=True)]
        columns += [(x - d[-1]) * (knots[-1] - knots[0]) / scale for x in d[:-1]]
    return np.column_stack(columns)
