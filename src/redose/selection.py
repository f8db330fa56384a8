"""What lies ahead of each patient, and what moves the hazards: first version, without regimes.

A patient's outlook starts at the end of its follow-up, if it was alive and progression-free then.
"""

import json

import numpy as np
import pandas as pd
import xarray as xr

from redose import estimand, prediction

DRAWS = 400
STEP = 7.0  # days; over each the baselines are taken exactly, what multiplies them at its middle
MARKER = {"alpha": "MRD, per log10", "alpha_slope": "MRD slope, per log10 in 30 days"}
REASONS = {
    "progression": "progressed at the end of follow-up and not treated again",
    "death": "died",
    "transplant": "transplanted: follow-up ended",
    "new_therapy": "started a new therapy: follow-up ended",
}


def last_intervals(data: xr.Dataset) -> np.ndarray:
    """Index of each patient's last interval, shape (patient,); -1 for a patient without an interval."""
    last = np.full(data.sizes["patient"], -1)
    last[data["interval_patient"].to_numpy()] = np.arange(data.sizes["interval"])
    return last


def last_outcomes(data: xr.Dataset, intervals: pd.DataFrame) -> pd.Series:
    """Outcome of each patient's last interval that the estimand counts, in the order of data.patient."""
    intervals = estimand.followed(intervals, json.loads(data.attrs["options"])["estimand"])
    last = intervals.sort_values("interval").groupby("patient")["outcome"].last()
    return last.reindex(data["patient"].to_numpy())


def incidence(data: xr.Dataset, draws: prediction.Draws, interval: np.ndarray, days: list[float]) -> tuple:
    """(free, ends): P(alive and progression-free), shape (interval, day, draw), and by cause P(it came first), the same
    shape, so many days after the end of each interval's follow-up. No infusion is given in that time but those that the
    design holds, GVHD and other conditions stay as they were."""
    edges = np.unique(np.concatenate([[0.0], np.arange(0.0, max(days), STEP), days]))
    middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    clock = data["interval_exit"].to_numpy()[interval][:, None] + middle
    points, clock = np.repeat(interval, len(middle)), clock.ravel()
    half = np.tile(width / 2, len(interval))
    grown = {}
    for cause, log_hazard in prediction.log_hazards(data, draws, points, clock).items():
        after, before = (prediction.cumulative_baseline(data, draws, cause, clock + s * half) for s in (1, -1))
        relative = np.exp(log_hazard - prediction.log_baseline(data, draws, cause, clock))
        grown[cause] = (relative * (after - before)).reshape(len(interval), len(middle), -1)
    total = sum(grown.values())
    none = np.zeros_like(total[:, :1])  # on the day itself
    free = np.exp(-np.concatenate([none, np.cumsum(total, axis=1)], axis=1))
    ended = free[:, :-1] * -np.expm1(-total) / np.maximum(total, 1e-300)
    at = np.searchsorted(edges, days)
    ends = {c: np.concatenate([none, np.cumsum(ended * x, axis=1)], axis=1) for c, x in grown.items()}
    return free[:, at], {c: x[:, at] for c, x in ends.items()}


def outlook(data: xr.Dataset, draws: prediction.Draws, interval: np.ndarray, days: list[int]) -> dict:
    """Day -> (free, progression): P(alive and progression-free) and P(progression first) within that many days after
    the end of each interval's follow-up, as in `incidence`; shape (interval, draw) each."""
    free, ends = incidence(data, draws, interval, days)
    return {d: (free[:, k], ends["progression"][:, k]) for k, d in enumerate(days)}


def select(data: xr.Dataset, outcomes: pd.Series, draws: prediction.Draws, days: list[int], ci_prob: float):
    """One row per patient: state, reason (empty where there is an outlook), and for every D in `days` the posterior
    mean and band of free_D and the mean of progression_D (as in `outlook`).

    outcomes: outcome of each patient's last interval, by patient index.
    """
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    last = last_intervals(data)
    rows = pd.DataFrame({"patient": data["patient"].to_numpy(), "state": outcomes.to_numpy()})
    rows["reason"] = rows["state"].map(REASONS).fillna("")
    ahead = np.flatnonzero((rows["state"] == "censored").to_numpy() & (last >= 0))
    rows.loc[ahead, "state"] = "progression-free"
    if len(ahead):
        for day, (free, ends) in outlook(data, draws, last[ahead], days).items():
            low, high = np.quantile(free, tails, axis=1)
            columns = {"": free.mean(1), "_low": low, "_high": high}
            for suffix, value in columns.items():
                rows.loc[ahead, f"free_{day}{suffix}"] = value
            rows.loc[ahead, f"progression_{day}"] = ends.mean(1)
    wanted = [f"free_{d}{s}" for d in days for s in ("", "_low", "_high")] + [f"progression_{d}" for d in days]
    return rows.reindex(columns=["patient", "state", "reason", *wanted])


def effects(data: xr.Dataset, draws: prediction.Draws, ci_prob: float) -> pd.DataFrame:
    """Hazard ratio of every covariate on every cause, and of pooled interval numbers against the first: cause,
    covariate, ratio (posterior median), low, high, direction ("raises" or "lowers") and its probability."""
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    rows = []
    for cause in prediction.causes(data):
        names = [*data[f"{cause}_covariate"].to_numpy()]
        values = [*draws[f"beta_{cause}"]]
        for name, words in MARKER.items():
            if f"{name}_{cause}" in draws:
                names.insert(0, words if data.attrs["link"] != "step" else "MRD above tau")
                values.insert(0, draws[f"{name}_{cause}"])
        if cause == "progression" and "zeta" in draws:
            names += [f"interval[{k}]" for k in data["k"].to_numpy()[1:]]
            values += [*(draws["zeta"][1:] - draws["zeta"][0])]
        for name, value in zip(names, values, strict=True):
            low, high = np.exp(np.quantile(value, tails))
            raises = float((value > 0).mean())
            direction = "raises" if raises >= 0.5 else "lowers"
            row = {"cause": cause, "covariate": name, "ratio": np.exp(np.median(value)), "low": low, "high": high}
            rows.append(row | {"direction": direction, "probability": max(raises, 1 - raises)})
    return pd.DataFrame(rows, columns=["cause", "covariate", "ratio", "low", "high", "direction", "probability"])
