"""Predictions of the windows of `accuracy` by methods that need no model of ours, learnt from other patients.

`incidence`: Aalen-Johansen from the landmark on among the training patients at risk there; everybody has that risk.

`landmark_cox`: a Cox model of each cause's hazard among the training patients at risk at the landmark (cause-specific
landmark model: van Houwelingen 2007; Nicolaie et al. 2013). With Breslow's increments dΛ_c at the training event days,

    dΛ_c(t | x) = exp(β_c x) dΛ_c(t),   S(t) = Π_{s ≤ t} (1 - Σ_c dΛ_c(s | x)),   F_c(h) = Σ_{t ≤ h} S(t-) dΛ_c(t | x)

which without covariates is Aalen-Johansen again. Where Σ_c dΛ_c(t | x) exceeds 1, for a patient far outside the
training patients or on a late day with few of them left, the hazards of that day are cut in proportion, to a sum of 1.
The partial likelihood (Efron's for ties) is lifelines'.
"""

import warnings
from dataclasses import dataclass

import lifelines
import numpy as np
import pandas as pd
from lifelines.exceptions import ConvergenceError

from redose import survival
from redose.accuracy import COX, INCIDENCE, LOST, NONE, Window, check_outcomes, once, refuse

PENALTY = 0.01  # lifelines' ridge on covariates of unit sd: takes n·PENALTY/2·β² from the log likelihood of n patients
EXACT = {"precision": 1e-10, "r_precision": 1e-13}  # as lifelines is set, it stops 1e-4 of a slope away
FARTHEST = 20.0  # log relative hazard: beyond it a covariate is far outside the training patients', and exp overflows


def incidence(
    training: pd.DataFrame, tested: pd.DataFrame, horizons: list[float], causes: list[str], model: str = INCIDENCE
) -> pd.DataFrame:
    """One row per landmark, horizon, cause and patient of `tested`: landmark, horizon, cause, model, patient, risk,
    reason (what the risk is short of, or empty).

    training: landmark, patient, time, event of patients at risk at the landmark, as `accuracy.judged` takes them.
    tested: landmark, patient. ValueError: a landmark without training patients, or a patient on both sides.
    """
    parts = []
    for landmark, own, new in landmarks(training, tested):
        known = causes_of(own, causes)
        code = own["event"].map({c: k for k, c in enumerate(known, 1)} | {NONE: 0}).to_numpy()
        time = own["time"].to_numpy(dtype=float)
        day, _, grown = survival.aalen_johansen(np.zeros(len(own)), time, code, range(1, len(known) + 1))
        for horizon in horizons:
            at = np.searchsorted(day, horizon, side="right")
            risks = {c: grown[k, at - 1] if at else 0.0 for k, c in enumerate(known)}
            parts.append(rows(landmark, own, new, horizon, {c: (risks[c], "") for c in causes}, model))
    return pd.concat(parts, ignore_index=True)


def landmark_cox(
    training: pd.DataFrame,
    tested: pd.DataFrame,
    covariates: list[str],
    horizons: list[float],
    causes: list[str],
    model: str = COX,
) -> pd.DataFrame:
    """As `incidence`, by a Cox model of every cause with the covariates, numeric columns of both tables.

    `reason` also says which covariates of the cause had one value in training and were dropped, that the fit needed a
    ridge penalty, or that the cause's hazard is without covariates, for it had fewer events than covariates + 1 or no
    fit converged. ValueError: as `incidence`, and where a covariate is missing, not finite or not a number.
    """
    for name, table in (("training", training), ("tested", tested)):
        check_covariates(table, covariates, name)
    parts = []
    for landmark, own, new in landmarks(training, tested):
        hazards = {c: fitted(own, c, covariates) for c in causes_of(own, causes)}
        for horizon in horizons:
            risks = incidences(hazards, new, horizon)
            parts.append(rows(landmark, own, new, horizon, {c: (risks[c], hazards[c].reason) for c in causes}, model))
    return pd.concat(parts, ignore_index=True)


def landmarks(training: pd.DataFrame, tested: pd.DataFrame):
    """(landmark, training patients, tested patients) of each landmark that is tested."""
    check_outcomes(training)
    for landmark, new in tested.groupby("landmark", observed=True):
        own = training[training["landmark"] == landmark]
        if not len(own):
            raise ValueError(f"landmark {landmark}: no training patient is at risk; train on more or leave it out")
        both = new[new["patient"].isin(own["patient"])]
        refuse(both, ["landmark", "patient"], "a patient is trained on and tested; keep the two apart")
        yield landmark, own, new


def check_covariates(table: pd.DataFrame, covariates: list[str], name: str) -> None:
    """ValueError where a covariate is absent, not a number or not finite."""
    for covariate in covariates:
        if covariate not in table:
            raise ValueError(f"{name}: there is no column {covariate}; add it or leave the covariate out")
        if not pd.api.types.is_numeric_dtype(table[covariate]):
            raise ValueError(f"{name}: {covariate} is not a number; code its categories as 0 and 1")
        wrong = table[~np.isfinite(table[covariate].to_numpy(dtype=float, na_value=np.nan))]
        refuse(wrong, ["landmark", "patient"], f"{name}: {covariate} is missing or not finite; fill it first")


def causes_of(own: pd.DataFrame, causes: list[str]) -> list[str]:
    """The causes that are asked for, and then all others that compete with them in training."""
    return [*causes, *sorted(set(own["event"]) - {NONE} - set(causes))]


@dataclass(frozen=True)
class Hazard:
    """Cause-specific hazard of anybody: increment, shape (day,), at the cause's days, times exp(slope · (x - centre)).

    covariates: columns of x; slope, centre: shape (covariate,). reason: what the fit fell short of, or empty.
    """

    day: np.ndarray
    increment: np.ndarray
    covariates: tuple[str, ...]
    slope: np.ndarray
    centre: np.ndarray
    reason: str

    @classmethod
    def of(cls, own: pd.DataFrame, cause: str, covariates=(), slope=(), reason: str = "") -> "Hazard":
        """Breslow's increments, given the slopes; without covariates Nelson-Aalen's."""
        time, happened = own["time"].to_numpy(dtype=float), (own["event"] == cause).to_numpy()
        slope, centre = np.asarray(slope, dtype=float), own[list(covariates)].to_numpy(dtype=float).mean(0)
        day, events = np.unique(time[happened], return_counts=True)
        fresh = cls(day, events, tuple(covariates), slope, centre, reason)
        order = np.argsort(-time, kind="stable")
        exposed = np.concatenate([[0.0], np.cumsum(fresh.relative(own)[order])])
        at_risk = exposed[np.searchsorted(-time[order], -day, side="right")]
        return cls(day, events / at_risk, tuple(covariates), slope, centre, reason)

    def relative(self, patients: pd.DataFrame) -> np.ndarray:
        """Hazard relative to a patient at the centre, shape (patient,)."""
        x = patients[list(self.covariates)].to_numpy(dtype=float)
        return np.exp(np.clip((x - self.centre) @ self.slope, -FARTHEST, FARTHEST))


def fitted(own: pd.DataFrame, cause: str, covariates: list[str]) -> Hazard:
    """Hazard of a cause with the covariates as far as the events allow."""
    told = [c for c in covariates if np.ptp(own[c].to_numpy()) > 0]
    dropped = [c for c in covariates if c not in told]
    said = [f"{', '.join(dropped)} left out: one value in training"] if dropped else []
    events = int((own["event"] == cause).sum())
    if events < len(told) + 1:
        said.append(f"no covariates: {events} events of {cause} in training, of {len(told) + 1} needed")
        return Hazard.of(own, cause, reason="; ".join(said))
    if not told:
        return Hazard.of(own, cause, reason="; ".join(said))
    slope = slopes(own, cause, told, 0.0)
    if slope is None:
        slope = slopes(own, cause, told, PENALTY)
        said.append(f"ridge penalty {PENALTY}: the fit did not converge without")
    if slope is None:
        said[-1] = "no covariates: the fit did not converge, with a ridge penalty neither"
        return Hazard.of(own, cause, reason="; ".join(said))
    return Hazard.of(own, cause, told, slope, "; ".join(said))


def slopes(own: pd.DataFrame, cause: str, covariates: list[str], penalty: float) -> np.ndarray | None:
    """Log hazard ratios per unit, shape (covariate,), or None where lifelines warns, stops or runs away."""
    x = own[covariates].to_numpy(dtype=float)
    sd = x.std(0)
    table = pd.DataFrame((x - x.mean(0)) / sd, columns=[f"x{k}" for k in range(len(sd))])
    table["time"], table["event"] = own["time"].to_numpy(dtype=float), (own["event"] == cause).to_numpy(dtype=int)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = lifelines.CoxPHFitter(penalizer=penalty).fit(table, "time", "event", fit_options=EXACT)
        except (ConvergenceError, ValueError, ArithmeticError, np.linalg.LinAlgError):
            return None
    found = fit.params_.to_numpy()
    doubtful = [w for w in caught if issubclass(w.category, RuntimeWarning)]  # ConvergenceWarning is one
    return None if doubtful or not np.isfinite(found).all() else found / sd


def incidences(hazards: dict[str, Hazard], patients: pd.DataFrame, horizon: float) -> dict[str, np.ndarray]:
    """Cause -> its cumulative incidence at the horizon, shape (patient,), by the product integral."""
    days = np.unique(np.concatenate([h.day[h.day <= horizon] for h in hazards.values()]))
    step = np.zeros((len(hazards), len(patients), len(days)))
    for own, hazard in zip(step, hazards.values(), strict=True):
        inside = hazard.day <= horizon
        own[:, np.searchsorted(days, hazard.day[inside])] = np.outer(
            hazard.relative(patients), hazard.increment[inside]
        )
    step /= np.maximum(step.sum(0), 1.0)  # no more than everybody has an event, where a relative hazard is extreme
    free = np.cumprod(1 - step.sum(0), axis=1)
    before = np.concatenate([np.ones((len(patients), 1)), free[:, :-1]], axis=1)[:, : len(days)]
    return dict(zip(hazards, np.clip((before * step).sum(2), 0.0, 1.0), strict=True))


def rows(landmark, own: pd.DataFrame, new: pd.DataFrame, horizon: float, risks: dict, model: str) -> pd.DataFrame:
    """Rows of `incidence` for one landmark and horizon. own, new: training and tested patients. risks: cause -> (risk,
    a float or shape (patient,); reason)."""
    window = Window.of(own["time"], own["event"], horizon)
    followed = window.weights(once(window))[1][0]
    short = "" if followed else f"training tells of fewer days: {LOST}"
    parts = []
    for cause, (risk, reason) in risks.items():
        where = {"landmark": landmark, "horizon": horizon, "cause": cause, "model": model}
        own_rows = where | {"patient": new["patient"].to_numpy(), "risk": risk}
        parts.append(pd.DataFrame(own_rows | {"reason": "; ".join(x for x in (reason, short) if x)}))
    return pd.concat(parts, ignore_index=True)
