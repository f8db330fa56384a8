"""Latent MRD and hazards of the patients of a fit, at any day, for many draws at once (numpy only).

The same equations as the model pages, in another form; a test holds both to the same numbers.
Arrays are shaped (point, draw). A point is an interval of the design and a time on its clock.
"""

import json
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import expit

from redose import coordinates, kinetics, survival
from redose.design import baseline_of, causes

Draws = dict[str, np.ndarray]


def thin(posterior: xr.Dataset, most: int) -> Draws:
    """At most `most` draws, evenly spaced over all chains: name -> array with the draw as its last axis."""
    total, keep, found = posterior.sizes["chain"] * posterior.sizes["draw"], kept(posterior, most), {}
    for name, x in posterior.data_vars.items():
        values = x.transpose(..., "chain", "draw").to_numpy()
        found[name] = values.reshape(*values.shape[:-2], total)[..., keep]
    return found


def kept(posterior: xr.Dataset, most: int) -> np.ndarray:
    """Places of the draws that `thin` keeps, among all of them, chain after chain."""
    total = posterior.sizes["chain"] * posterior.sizes["draw"]
    return np.linspace(0, total - 1, min(most, total)).astype(int)


def origin(posterior: xr.Dataset, most: int) -> dict[str, np.ndarray]:
    """chain and draw, as the posterior numbers them, of every draw that `thin` keeps."""
    chain, draw = np.unravel_index(kept(posterior, most), [posterior.sizes[d] for d in ("chain", "draw")])
    return {"chain": posterior["chain"].to_numpy()[chain], "draw": posterior["draw"].to_numpy()[draw]}


def count(draws: Draws) -> int:
    """Number of draws."""
    return len(draws["rate_progression"])


def some(draws: Draws, most: int) -> Draws:
    """At most `most` of the draws, evenly spaced."""
    keep = np.linspace(0, count(draws) - 1, min(most, count(draws))).astype(int)
    return {name: x[..., keep] for name, x in draws.items()}


def covariates_at(data: xr.Dataset, cause: str, interval: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Covariates of a cause at points, shape (point, covariate); day: calendar days, shape (point,)."""
    x = data[f"static_{cause}"].to_numpy()[interval].copy()
    patient = data["interval_patient"].to_numpy()[interval]
    found = [data[f"{cause}_episode_{n}"].to_numpy() for n in ("column", "patient", "onset", "end", "value")]
    mine = np.isin(found[1], patient)
    for column, who, onset, end, value in zip(*(f[mine] for f in found), strict=True):
        x[(patient == who) & (day > onset) & (day <= end), column] = value
    return x


@dataclass(frozen=True)
class Shared:
    """What moves the marker at points beside a patient's own traits: basis of growth and its slope by day, shape
    (point, basis); kill done since the interval's start in units of the patient's and its rate, and what courses took
    off and take off by day, shape (point, draw)."""

    basis: np.ndarray
    basis_slope: np.ndarray
    done: np.ndarray
    rate: np.ndarray
    drop: np.ndarray
    dropping: np.ndarray


def coefficients(data: xr.Dataset, draws: Draws) -> np.ndarray:
    """Coefficients of the features of an infusion's log kill, shape (feature, draw)."""
    parts = [draws["psi"][None], draws["rho"][None], *(draws[n] for n in ("theta", "xi", "u_lot") if n in draws)]
    return np.concatenate(parts)


def shared_at(data: xr.Dataset, draws: Draws, interval: np.ndarray, day: np.ndarray) -> Shared:
    """What moves the marker at points, given the infusions and courses that the data hold. interval: index; day:
    calendar days, shape (point,) each."""
    patient, start = data["interval_patient"].to_numpy()[interval], data["interval_start"].to_numpy()
    elapsed, count = day - start[interval], len(draws["mu_b"])
    drop, dropping = courses_at(data, draws, patient, day)
    drop = drop - courses_at(data, draws, data["interval_patient"].to_numpy(), start)[0][interval]
    if not coordinates.infused(data):
        knots, none = data["curve_knots"].to_numpy(), np.zeros((len(day), count))
        basis, basis_slope = kinetics.curve_basis(elapsed, knots), kinetics.curve_slope(elapsed, knots)
        return Shared(basis, basis_slope, none, none, drop, dropping)
    doses, h = kinetics.of_patients(coordinates.doses_of(data), patient), draws["half_life"]
    total, running = kinetics.dose_states(doses, coefficients(data, draws), h)
    slot, since = kinetics.last_dose(doses, patient, day)
    done = kinetics.kill_done(total, running, slot, since, h)
    own, place = np.unique(interval, return_inverse=True)
    at_start = kinetics.last_dose(doses, data["interval_patient"].to_numpy()[own], start[own])
    done -= kinetics.kill_done(total, running, *at_start, h)[place]
    rate = kinetics.kill_rate(running, slot, since, h)
    return Shared(elapsed[:, None], np.ones((len(day), 1)), done, rate, drop, dropping)


def courses_at(data: xr.Dataset, draws: Draws, patient: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(taken off, taken off by day): log10 by the continuous courses up to each day, shape (point, draw) each."""
    drop = np.zeros((len(day), len(draws["mu_b"])))
    dropping = np.zeros_like(drop)
    episodes = (data[f"course_{x}"].to_numpy() for x in ("agent", "patient", "start", "stop"))
    for agent, who, start, stop in zip(*episodes, strict=True):
        mine = np.flatnonzero(patient == who)
        on = kinetics.days_on(np.array([start]), np.array([stop]), day[mine])
        drop[mine] += np.multiply.outer(on, draws["kappa"][agent])
        dropping[mine] += np.multiply.outer((day[mine] > start) & (day[mine] <= stop), draws["kappa"][agent])
    return drop, dropping


def marker(data: xr.Dataset, shared: Shared, start, growth, log_kill, still=0.0, sloping=True) -> tuple:
    """(level, slope): log10 of the marker, and its change in log10 per 30 days; shape (point, draw, ...). The slope is
    None where it is not asked for (`sloping`).

    start: level at the interval's start. growth: traits of growth, shape (basis, point, draw, ...). log_kill: trait of
    the kill (ignored without infusions). still: 1 where the marker never regrows. Arrays of `shared` must broadcast.
    """
    pace = kinetics.LOG10_2 / np.exp(growth) if coordinates.infused(data) else growth
    columns = range(len(pace))
    wide = (slice(None), *(None,) * (np.ndim(pace) - 2))
    ratio = start + (1 - still) * sum(pace[m] * shared.basis[:, m][wide] for m in columns) - shared.drop
    if coordinates.infused(data):
        ratio = ratio - np.exp(log_kill) * shared.done
    level = kinetics.log10_fraction(ratio) if coordinates.infused(data) else ratio
    if not sloping:
        return level, None
    slope = (1 - still) * sum(pace[m] * shared.basis_slope[:, m][wide] for m in columns) - shared.dropping
    if not coordinates.infused(data):
        return level, 30 * slope
    slope = slope - np.exp(log_kill) * shared.rate
    return level, 30 * slope * kinetics.slope_of_fraction(ratio)


def latent(data: xr.Dataset, draws: Draws, interval: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(M_i(t), dM_i/dt): log10 level of the marker, and its slope in log10 per 30 days; shape (point, draw)."""
    at, values = coordinates.groups(data), draws["traits"]
    patient = data["interval_patient"].to_numpy()[interval]
    kill = values[at["kill"]][patient] if coordinates.infused(data) else 0.0
    still = draws["still"][patient] if "still" in draws else 0.0
    shared = shared_at(data, draws, interval, day)
    return marker(data, shared, values[at["level"]][interval], values[at["growth"]][:, patient], kill, still)


def noise(data: xr.Dataset, draws: Draws, samples: np.ndarray) -> dict[str, np.ndarray]:
    """sigma of the assay of each sample, shape (sample, draw), and detection where there is a detection curve."""
    found = {"sigma": draws["sigma"][data["sample_assay"].to_numpy()[samples]]}
    return found | ({"detection": draws["detection"][None]} if "detection" in draws else {})


def degrees(data: xr.Dataset) -> float | None:
    """Degrees of freedom of the readings' Student t; None where they are normal."""
    kinetics_ = json.loads(data.attrs["options"])["kinetics"]
    return kinetics_["degrees"] if kinetics_["noise"] == "student_t" else None


def trait_correlation(data: xr.Dataset, draws: Draws, levels: int) -> np.ndarray:
    """Correlation matrices of one patient's traits, order growth..., kill, then its levels; shape (draw, trait, trait).

    levels: number of its intervals, whose levels are independent given growth and kill."""
    kinds, count = len(coordinates.trait_kinds(data)), len(draws["mu_b"])
    small = np.broadcast_to(np.eye(kinds), (count, kinds, kinds)).copy()
    if "correlation" in draws:
        i, j = np.triu_indices(kinds, 1)
        small[:, i, j] = small[:, j, i] = draws["correlation"].T
    place = [*range(kinds - 1), *[kinds - 1] * levels]
    full = small[:, place][:, :, place]
    own, c = small[:, :-1, :-1], small[:, :-1, -1:]
    between = np.swapaxes(c, 1, 2) @ np.linalg.solve(own, c)  # covariance of two levels, shape (draw, 1, 1)
    full[:, kinds - 1 :, kinds - 1 :] = np.eye(levels) * (1 - between) + between
    return full


def latent_mrd(data: xr.Dataset, draws: Draws, interval: np.ndarray, day: np.ndarray) -> np.ndarray:
    """log10 level of the marker M_i(t), shape (point, draw)."""
    return latent(data, draws, interval, day)[0]


def association(data: xr.Dataset, draws: Draws, cause: str, fraction: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """What the marker adds to the log hazard of a cause, shape of `fraction`, which ends in the draw axis.

    fraction: log10 level. slope: log10 per 30 days."""
    options, total = json.loads(data.attrs["options"]), 0.0
    if data.attrs["link"] == "step":
        return draws[f"alpha_{cause}"] * expit((fraction - draws["tau"]) / options["step_width"])
    if f"alpha_{cause}" in draws:
        total = total + draws[f"alpha_{cause}"] * (fraction - options["reference_level"])
    if f"alpha_slope_{cause}" in draws:
        total = total + draws[f"alpha_slope_{cause}"] * slope
    return total


def log_baseline(data: xr.Dataset, draws: Draws, cause: str, clock: np.ndarray) -> np.ndarray:
    """log λ0 per day at clock days, shape (point, draw)."""
    rate = draws[f"rate_{cause}"]
    clock = np.maximum(clock, 1e-9)
    if f"{cause}_knots" not in data:
        return survival.weibull_log_hazard(clock[:, None], rate, draws[f"shape_{cause}"])
    spline = baseline_of(data, cause)
    years = (spline.upper - spline.lower) / survival.YEAR
    return np.log(rate * years) + np.log(spline.hazard(clock) @ draws[f"weights_{cause}"])


def cumulative_baseline(data: xr.Dataset, draws: Draws, cause: str, clock: np.ndarray) -> np.ndarray:
    """Λ0 from 0 (Weibull) or from the spline's lower end to clock days, shape (point, draw)."""
    rate = draws[f"rate_{cause}"]
    if f"{cause}_knots" not in data:
        return survival.weibull_cumulative(clock[:, None], rate, draws[f"shape_{cause}"])
    spline = baseline_of(data, cause)
    years = (spline.upper - spline.lower) / survival.YEAR
    return rate * years * (spline.cumulative(clock) @ draws[f"weights_{cause}"])


def cumulated(data: xr.Dataset, draws: Draws, cause: str, rows: np.ndarray, log_hazard: np.ndarray) -> np.ndarray:
    """∫ λ over the rows' pieces (closed form) or at nodes (weight · λ); shaped as `log_hazard`: (row, draw, ...)."""
    more = (slice(None),) + (None,) * (log_hazard.ndim - 1)
    if "row_weight" in data:
        return data["row_weight"].to_numpy()[rows][more] * np.exp(log_hazard)
    start, stop, at = (data[f"row_{x}"].to_numpy()[rows] for x in ("entry", "exit", "clock"))
    grown = cumulative_baseline(data, draws, cause, stop) - cumulative_baseline(data, draws, cause, start)
    relative = grown / np.exp(log_baseline(data, draws, cause, at))
    return relative.reshape(relative.shape + (1,) * (log_hazard.ndim - 2)) * np.exp(log_hazard)


def patient_effect(data: xr.Dataset, draws: Draws, cause: str) -> np.ndarray:
    """Trial, site and frailty effects on the log hazard of a cause, shape (patient, draw). `u_new`: of a trial or site
    that the fit has not seen, by patient (`newcomers`)."""
    effect = np.zeros((data.sizes["patient"], len(draws["rate_progression"])))
    if cause == "progression":
        for group in ("trial", "site"):
            if f"u_{group}" in draws:
                effect += draws[f"u_{group}"][data[f"patient_{group}"].to_numpy()]
        return effect + draws.get("v", 0.0) + draws.get("u_new", 0.0)
    return effect + draws[f"phi_{cause}"] * draws["v"] if "v" in draws else effect


def interval_effect(data: xr.Dataset, draws: Draws, cause: str) -> np.ndarray:
    """ζ_k on the log hazard of a cause, shape (interval, draw); 0 but for progression, and where it is not pooled."""
    if cause != "progression" or "zeta" not in draws:
        return np.zeros((data.sizes["interval"], len(draws["rate_progression"])))
    return draws["zeta"][data["interval_k"].to_numpy()]


def log_hazards(data: xr.Dataset, draws: Draws, interval: np.ndarray, clock: np.ndarray) -> dict[str, np.ndarray]:
    """Cause -> log λ per day at points, shape (point, draw). interval: index; clock: days, shape (point,) each."""
    day = clock + data["interval_origin"].to_numpy()[interval]
    patient = data["interval_patient"].to_numpy()[interval]
    level = latent(data, draws, interval, day) if data.attrs["link"] != "none" else None
    found = {}
    for cause in causes(data):
        value = log_baseline(data, draws, cause, clock)
        value = value + covariates_at(data, cause, interval, day) @ draws[f"beta_{cause}"]
        value += patient_effect(data, draws, cause)[patient] + interval_effect(data, draws, cause)[interval]
        if level is not None:
            value += association(data, draws, cause, *level)
        found[cause] = value
    return found
