"""Baseline hazards and non-parametric estimators of event times (numpy only).

Times are in days; rates are events per patient-year.
"""

from dataclasses import dataclass

import numpy as np

YEAR = 365.25  # days
ONE_EVENT = 1.0  # sd of a log hazard that is known from one event: its variance is 1 / events
CUBIC = 3  # degree of an M-spline; 0 makes a piecewise constant hazard


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
    """M-spline basis on [lower, upper] days: every basis function integrates to one (Ramsay 1988, eq. 2).

    A hazard η Σ p_k M_k(t) with Σ p_k = 1 accumulates η over [lower, upper]. Beyond `upper` it stays constant.
    knots: all knots, boundary ones repeated degree + 1 times; shape (basis + degree + 1,). Of degree 0 the functions
    are constant between neighbouring knots, on (knot, next knot].
    """

    knots: np.ndarray
    degree: int = CUBIC

    @property
    def size(self) -> int:
        """Number of basis functions."""
        return len(self.knots) - self.degree - 1

    @property
    def lower(self) -> float:
        return float(self.knots[0])

    @property
    def upper(self) -> float:
        return float(self.knots[-1])

    @property
    def constant(self) -> np.ndarray:
        """Weights p_k, shape (basis,), that make the hazard constant (Jackson 2023, survextrap, methods §2)."""
        return 1 / (self._normaliser() * (self.upper - self.lower))

    def _normaliser(self) -> np.ndarray:
        order = self.degree + 1
        return order / (self.knots[order:] - self.knots[:-order])

    def hazard(self, t: np.ndarray) -> np.ndarray:
        """M_k(t) per day, shape (t, basis)."""
        inside = np.clip(t, self.lower, self.upper)
        if self.degree == 0:  # scipy's pieces are closed on the left, but an event at a knot ends the piece before it
            return np.eye(self.size)[np.searchsorted(self.knots[1:-1], inside, side="left")] * self._normaliser()
        from scipy.interpolate import BSpline  # takes a tenth of a second to import

        return BSpline.design_matrix(inside, self.knots, self.degree).toarray() * self._normaliser()

    def walk(self, event_times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(directions W, information): a random walk of log weights, in steps turned to where the events tell of one
        alone.

        W x, shape (basis,), has the distribution of a walk from 0 with independent standard normal steps when x is
        standard normal, shape (step,), for W is the cumulative sum times an orthogonal matrix, and the information of
        the events about x is diagonal, shape (step,). That is theirs about a constant hazard of unknown rate: an event
        at t says of log p_k what its share p_k M_k(t) of the hazard differs from the mean share of all events.
        """
        share = np.zeros((0, self.size))
        if len(event_times):
            hazard = self.constant * self.hazard(event_times)
            share = hazard / hazard.sum(1, keepdims=True)
            share -= share.mean(0)
        summed = np.tri(self.size, self.size - 1, -1)
        known, turned = np.linalg.eigh(summed.T @ share.T @ share @ summed)
        return summed @ turned, np.maximum(known, 0.0)

    def cumulative(self, t: np.ndarray) -> np.ndarray:
        """∫ M_k from `lower` to t, shape (t, basis); linear beyond `upper`."""
        from scipy.interpolate import BSpline

        t = np.asarray(t, dtype=float)
        inside = np.clip(t, self.lower, self.upper)
        basis = BSpline(self.knots, np.diag(self._normaliser()), self.degree)
        below = basis.antiderivative()(inside) - basis.antiderivative()(self.lower)
        beyond = np.maximum(t - self.upper, 0.0)[:, None] * self.hazard(np.array([self.upper]))
        return below + beyond


def place_knots(event_times: np.ndarray, lower: float, upper: float, size: int, degree: int = CUBIC) -> MSpline:
    """M-spline with interior knots at quantiles of the uncensored times, fixed once and stored with the fit.

    event_times: days of observed events. size: wished number of basis functions; fewer distinct event times
    give fewer knots. Censored times take no part: knots derived from them moved brms' estimates (brms issue 1897).
    """
    inside = np.unique(event_times[(event_times > lower) & (event_times < upper)])
    wished = max(min(size - degree - 1, len(inside) // 2), 0)
    interior = np.unique(np.quantile(inside, np.linspace(0, 1, wished + 2)[1:-1])) if wished else np.array([])
    return MSpline(np.concatenate([np.full(degree + 1, lower), interior, np.full(degree + 1, upper)]), degree)


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
