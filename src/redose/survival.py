"""Baseline hazards and non-parametric estimators of event times (numpy only).

Times are in days; rates are events per patient-year.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline

YEAR = 365.25  # days
DEGREE = 3  # cubic M-splines


def weibull_log_hazard(t, rate, shape):
    """log λ0(t) per day of a Weibull hazard whose cumulative hazard is rate·(t / 1 year)^shape.

    t: days, any shape that broadcasts with rate and shape. rate: cumulative hazard of the first year.
    """
    return np.log(rate) + np.log(shape) + (shape - 1) * np.log(t) - shape * np.log(YEAR)


def weibull_cumulative(t, rate, shape):
    """Λ0(t), no unit; arguments as in `weibull_log_hazard`."""
    return rate * (np.asarray(t) / YEAR) ** shape


@dataclass(frozen=True)
class MSpline:
    """Cubic M-spline basis on [lower, upper] days: every basis function integrates to one (Ramsay 1988, eq. 2).

    A hazard η Σ p_k M_k(t) with Σ p_k = 1 accumulates η over [lower, upper]. Beyond `upper` it stays constant.
    knots: all knots, boundary ones repeated DEGREE + 1 times; shape (basis + DEGREE + 1,).
    """

    knots: np.ndarray

    @property
    def size(self) -> int:
        """Number of basis functions."""
        return len(self.knots) - DEGREE - 1

    @property
    def lower(self) -> float:
        return float(self.knots[0])

    @property
    def upper(self) -> float:
        return float(self.knots[-1])

    @property
    def constant(self) -> np.ndarray:
        """Weights p_k, shape (basis,), that make the hazard constant (Jackson 2023, survextrap, methods §2)."""
        return (self.knots[DEGREE + 1 :] - self.knots[: -DEGREE - 1]) / ((DEGREE + 1) * (self.upper - self.lower))

    def _normaliser(self) -> np.ndarray:
        return (DEGREE + 1) / (self.knots[DEGREE + 1 :] - self.knots[: -DEGREE - 1])

    def hazard(self, t: np.ndarray) -> np.ndarray:
        """M_k(t) per day, shape (t, basis)."""
        inside = np.clip(t, self.lower, self.upper)
        return BSpline.design_matrix(inside, self.knots, DEGREE).toarray() * self._normaliser()

    def cumulative(self, t: np.ndarray) -> np.ndarray:
        """∫ M_k from `lower` to t, shape (t, basis); linear beyond `upper`."""
        t = np.asarray(t, dtype=float)
        inside = np.clip(t, self.lower, self.upper)
        basis = BSpline(self.knots, np.diag(self._normaliser()), DEGREE)
        below = basis.antiderivative()(inside) - basis.antiderivative()(self.lower)
        beyond = np.maximum(t - self.upper, 0.0)[:, None] * self.hazard(np.array([self.upper]))
        return below + beyond


def place_knots(event_times: np.ndarray, lower: float, upper: float, size: int) -> MSpline:
    """M-spline with interior knots at quantiles of the uncensored times, fixed once and stored with the fit.

    event_times: days of observed events. size: wished number of basis functions; fewer distinct event times
    give fewer knots. Censored times take no part: knots derived from them moved brms' estimates (brms issue 1897).
    """
    inside = np.unique(event_times[(event_times > lower) & (event_times < upper)])
    wished = max(min(size - DEGREE - 1, len(inside) // 2), 0)
    interior = np.unique(np.quantile(inside, np.linspace(0, 1, wished + 2)[1:-1])) if wished else np.array([])
    return MSpline(np.concatenate([np.full(DEGREE + 1, lower), interior, np.full(DEGREE + 1, upper)]))


def aalen_johansen(start, stop, cause, causes):
    """(times, survival, incidence): event-free probability, shape (time,), and CIF, shape (cause, time).

    start, stop: days, shape (interval,), delayed entry allowed. cause: 0 censored, else one of `causes` (ints).
    With one cause, survival is the Kaplan-Meier estimate. Aalen & Johansen 1978.
    """
    times = np.unique(stop[cause > 0])
    at_risk = ((start[:, None] < times) & (stop[:, None] >= times)).sum(0)
    deaths = np.array([((stop[:, None] == times) & (cause[:, None] == c)).sum(0) for c in causes])
    survival = np.cumprod(1 - deaths.sum(0) / at_risk)
    before = np.concatenate([[1.0], survival[:-1]])
    return times, survival, np.cumsum(before * deaths / at_risk, axis=1)
