"""Prognostic and risk thresholds of MRD: posteriors on the log10 scale.

Prognostic: tau of the step model. Risk: the MRD of today at which the probability of progression within the risk
horizon reaches a given level, for a progression-free patient of the trial's population with reference covariates who
is given no further infusion.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import yaml
from scipy.special import ndtri

from redose import coordinates, kinetics, prediction, survival

DRAWS = 400
LEVELS = np.linspace(-6.0, -0.05, 61)  # log10 MRD of today
NODES = 12  # Gauss-Legendre, over the risk horizon
PEOPLE = 64  # members of the population over whom growth and frailty are averaged


def population(data: xr.Dataset, draws: prediction.Draws, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(growth, v, u): traits of growth, shape (basis, person, draw), frailty, trial and site effect, shape (person,
    draw); the same quasi-random people in every draw. Patients whose marker never regrows are not among them: who has
    no growth has no threshold."""
    infused = coordinates.infused(data)
    mean = np.log(draws["doubling"])[None] if infused else draws["slope"]
    sd = draws["omega_g"][None] if infused else draws["omega_s"]
    robust = json.loads(data.attrs["options"]).get("robust", 0.0)  # share whose trial is a stranger (parts.pooling)
    from scipy.stats import qmc  # takes half a second to import, and only thresholds need people

    share = qmc.Sobol(2 + len(mean) + bool(robust), seed=seed).random(PEOPLE)
    z = ndtri(np.clip(share, 1e-6, 1 - 1e-6))
    none, of_growth = np.zeros(mean.shape[-1]), z[:, [0, *range(3, 2 + len(mean))]]
    growth = mean[:, None] + of_growth.T[:, :, None] * sd[:, None]
    between = np.hypot(draws.get("omega_trial", none), draws.get("omega_site", none))
    if robust and "omega_trial" in draws:
        between = np.where(share[:, -1:] < robust, np.hypot(between, survival.ONE_EVENT), between)
    return growth, z[:, 1:2] * draws.get("omega_v", none), z[:, 2:3] * between


def levels_of(data: xr.Dataset) -> np.ndarray:
    """log10 levels of today's marker at which risks are read: of a fraction LEVELS, of another marker the range of its
    samples; shape (level,)."""
    y = data["sample_y"].to_numpy()
    return LEVELS if coordinates.infused(data) else np.linspace(y.min(), y.max(), len(LEVELS))


def risk_curve(data: xr.Dataset, draws: prediction.Draws, days: float, clock: float, seed: int) -> np.ndarray:
    """P(progression within `days`), shape (level, draw), averaged over the population, for the MRD in LEVELS today.

    clock: days since the start of the interval, all of them free of progression: people count with the probability
    of having come so far on the path that led to today's MRD. No infusion from the start on. Death competes.
    """
    growth, v, u = population(data, draws, seed)
    first = draws["zeta"][0] if "zeta" in draws else 0.0
    competing = [c for c in prediction.causes(data) if c != "progression"]
    effect = {"progression": v + u + first, **{c: draws.get(f"phi_{c}", 0.0) * v for c in competing}}
    x, w = np.polynomial.legendre.leggauss(NODES)
    ahead, width = days * (x + 1) / 2, days * w / 2
    behind, back = -clock * (x + 1) / 2, clock * w / 2
    ratio_now = levels_of(data)
    if coordinates.infused(data):
        ratio_now = ratio_now - np.log10(-np.expm1(ratio_now * np.log(10)))  # inverse of log10_fraction

    def hazards(now: float, since: np.ndarray) -> dict:
        """Cause -> hazard per day at days `since` from today, shape (node, person, draw)."""
        level = prediction.marker(data, ahead_of(data, clock, since), now, growth[:, None], 0.0)
        base = {c: prediction.log_baseline(data, draws, c, clock + since)[:, None] for c in prediction.causes(data)}
        return {c: np.exp(b + prediction.association(data, draws, c, *level) + effect[c]) for c, b in base.items()}

    found = np.empty((len(ratio_now), v.shape[1]))
    for k, now in enumerate(ratio_now):
        come_so_far = np.exp(-sum((back[:, None, None] * h).sum(0) for h in hazards(now, behind).values()))
        hazard = hazards(now, ahead)
        total = sum(hazard.values())
        # hazards are smooth over the horizon: survival to each node by the trapezoid between nodes
        gaps = np.diff(np.append(0.0, ahead))[:, None, None]
        previous = np.concatenate([total[:1], total[:-1]])
        free = np.exp(-np.cumsum(gaps * (total + previous) / 2, axis=0))
        risk = (width[:, None, None] * hazard["progression"] * free).sum(0)
        found[k] = (come_so_far * risk).sum(0) / come_so_far.sum(0)
    return found


def ahead_of(data: xr.Dataset, clock: float, since: np.ndarray) -> prediction.Shared:
    """What moves the marker from day `clock` of the interval to `since` days later, without infusions or courses."""
    none = np.zeros((1, 1, 1))
    if coordinates.infused(data):
        return prediction.Shared(since[:, None], np.ones((len(since), 1)), none, none, none, none)
    knots = data["curve_knots"].to_numpy()
    basis = kinetics.curve_basis(clock + since, knots) - kinetics.curve_basis(np.array([clock]), knots)
    return prediction.Shared(basis, kinetics.curve_slope(clock + since, knots), none, none, none, none)


def prognostic(draws: prediction.Draws, decision: dict, truth: float | None) -> dict:
    """The row of tau (see `summarise`). A draw has a threshold where the hazard steps up there by `smallest_step` at
    least; median and band are over those draws."""
    steps = step(draws) >= decision["smallest_step"]
    share, enough = float(steps.mean()), decision["ci_prob"]
    row = summarise("prognostic: tau", draws["tau"][steps] if share > 0 else np.array([np.inf]), enough, truth)
    row["exists"] = share
    if share < enough:
        about = f"hazard steps up at least {decision['smallest_step']:g}-fold in only {share:.0%} of draws"
        row["verdict"] = f"no usable threshold: the {about}"
    return row


def step(draws: prediction.Draws) -> np.ndarray:
    """Ratio of the hazards of progression above and below tau, shape (draw,)."""
    return np.exp(draws["alpha_progression"])


def crossing(curve: np.ndarray, risk: float, levels: np.ndarray = LEVELS) -> np.ndarray:
    """log10 MRD at which each draw's curve, shape (level, draw), reaches `risk`; -inf if it lies above it throughout,
    inf if it never does. The curve is taken as its running maximum, so the first crossing counts."""
    rising = np.maximum.accumulate(curve, axis=0)
    place = (rising < risk).sum(0)
    inside = np.clip(place, 1, len(levels) - 1)
    column = np.arange(curve.shape[1])
    low, high = rising[inside - 1, column], rising[inside, column]
    share = np.where(high > low, (risk - low) / np.where(high > low, high - low, 1.0), 1.0)
    level = levels[inside - 1] + share * (levels[inside] - levels[inside - 1])
    return np.where(place == 0, -np.inf, np.where(place == len(levels), np.inf, level))


def power(level: float) -> str:
    """A level of MRD in words: 10^-3.0, or that it lies outside the range that was looked at."""
    if np.isfinite(level):
        return f"10^{level:.1f}"
    return "below the lowest level" if level < 0 else "no level"


def summarise(kind: str, values: np.ndarray, ci_prob: float, truth: float | None = None) -> dict:
    """A row: threshold (its kind), median, low, high (log10 MRD, infinite where there is none), exists (share of draws
    with a finite one), verdict in words, truth."""
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    low, median, high = np.quantile(values, [tails[0], 0.5, tails[1]], method="inverted_cdf")
    exists = float(np.isfinite(values).mean())
    if exists >= ci_prob:
        verdict = f"{power(median)} ({power(low)} to {power(high)})"
    elif np.isposinf(median):
        verdict = "no usable threshold: this risk is not reached at any MRD in most draws"
    elif np.isneginf(median):
        verdict = "no usable threshold: the risk is higher at every MRD in most draws"
    else:
        verdict = f"uncertain: about {power(median)}, but {1 - exists:.0%} of draws have no threshold"
    row = {"threshold": kind, "median": median, "low": low, "high": high, "exists": exists, "verdict": verdict}
    return row | {"truth": np.nan if truth is None else truth}


def thresholds(data: xr.Dataset, draws: prediction.Draws, decision: dict, seed: int, truth: dict | None):
    """(table, curve, by_draw): a row per threshold (see `summarise`); the risk curve with its band, one row per MRD
    level; the thresholds themselves, one row per draw: tau and step (models with a step), risk_P for every P percent
    of `risks`; log10 MRD, infinite where there is none.

    truth: parameters of a simulated study, to be printed beside the posterior; None for real data.
    """
    rows, by_draw = [], {}
    if "tau" in draws:
        rows.append(prognostic(draws, decision, (truth or {}).get("tau")))
        by_draw |= {"tau": draws["tau"], "step": step(draws)}
    days = decision["risk_horizon"]
    curve = risk_curve(data, draws, days, decision["risk_clock"], seed)
    for risk in decision["risks"]:
        name, level = f"risk: P(progression within {days} d) = {risk:.0%}", crossing(curve, risk, levels_of(data))
        rows.append(summarise(name, level, decision["ci_prob"]))
        by_draw[f"risk_{100 * risk:g}"] = level
    tails = [(1 - decision["ci_prob"]) / 2, (1 + decision["ci_prob"]) / 2]
    low, high = np.quantile(curve, tails, axis=1)
    band = pd.DataFrame({"log10_mrd": levels_of(data), "mean": curve.mean(1), "low": low, "high": high})
    return pd.DataFrame(rows), band, pd.DataFrame(by_draw)


def read_truth(folder: str | None, link: str) -> dict | None:
    """Parameters of a simulated study whose hazards have this link, from truth.yaml in `folder`; else None."""
    if not folder:
        return None
    parameters = yaml.safe_load(Path(folder, "truth.yaml").read_text())["parameters"]
    return parameters if parameters["link"] == link else None


def text(table: pd.DataFrame, study: str, model: str) -> str:
    """The table in words, one threshold a line, the truth of a simulated study beside it."""
    lines = [f"{study}/{model}: thresholds of MRD (fraction)"]
    for row in table.itertuples():
        beside = "" if np.isnan(row.truth) else f"; truth 10^{row.truth:.1f}"
        lines.append(f"  {row.threshold}: {row.verdict}{beside}")
    return "\n".join(lines)
