"""Latent MRD and hazards of the patients of a fit, at any day, for many draws at once (numpy only).

The same equations as the model pages, in another form; a test holds both to the same numbers.
Arrays are shaped (point, draw). A point is an interval of the design and a time on its clock.
"""

import json

import numpy as np
import xarray as xr
from scipy.special import expit

from redose import kinetics, survival
from redose.design import causes

Draws = dict[str, np.ndarray]


def thin(posterior: xr.Dataset, most: int) -> Draws:
    """At most `most` draws, evenly spaced over all chains: name -> array with the draw as its last axis."""
    stacked = posterior.stack(sample=("chain", "draw"))
    total = stacked.sizes["sample"]
    keep = np.linspace(0, total - 1, min(most, total)).astype(int)
    return {name: x.transpose(..., "sample").to_numpy()[..., keep] for name, x in stacked.data_vars.items()}


def doses_of(data: xr.Dataset) -> kinetics.Doses:
    """The infusions as the design holds them."""
    names = ("dose_patient", "dose_day", "dose_log_cells", "dose_earlier", "mean_log_cells", "mean_earlier")
    return kinetics.Doses(*(data[n].to_numpy() for n in (*names, "pair_later", "pair_earlier", "pair_gap")))


def covariates_at(data: xr.Dataset, cause: str, interval: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Covariates of a cause at points, shape (point, covariate); day: calendar days, shape (point,)."""
    x = data[f"static_{cause}"].to_numpy()[interval].copy()
    patient = data["interval_patient"].to_numpy()[interval]
    found = (data[f"{cause}_episode_{n}"].to_numpy() for n in ("column", "patient", "onset", "end"))
    for column, who, onset, end in zip(*found, strict=True):
        x[(patient == who) & (day > onset) & (day <= end), column] = 1.0
    return x


def traits(data: xr.Dataset, draws: Draws) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(b, growth, kill): level at each interval's start, shape (interval, draw); log10 units a day and log10 kill of
    the patient's average infusion, shape (patient, draw)."""
    n, p = data.sizes["interval"], data.sizes["patient"]
    values = draws["traits"]
    return values[:n], kinetics.LOG10_2 / np.exp(values[n : n + p]), np.exp(values[n + p :])


def latent_mrd(data: xr.Dataset, draws: Draws, interval: np.ndarray, day: np.ndarray) -> np.ndarray:
    """log10 malignant fraction M_i(t), shape (point, draw), given the infusions that the data hold."""
    b, growth, kill = traits(data, draws)
    patient = data["interval_patient"].to_numpy()[interval]
    doses, h = doses_of(data), draws["half_life"]
    total, running = kinetics.dose_states(doses, draws["psi"], draws["rho"], h)
    slot, since = kinetics.last_dose(doses, patient, day)
    done = kinetics.kill_done(total, running, slot, since, h)
    start = (data["start_slot"].to_numpy(), data["start_since"].to_numpy())
    done -= kinetics.kill_done(total, running, *start, h)[interval]
    elapsed = day - data["interval_start"].to_numpy()[interval]
    return kinetics.log10_fraction(b[interval] + growth[patient] * elapsed[:, None] - kill[patient] * done)


def link(data: xr.Dataset, draws: Draws, fraction: np.ndarray) -> np.ndarray:
    """f(M), shape of `fraction`, which ends in the draw axis."""
    options = json.loads(data.attrs["options"])
    if data.attrs["link"] == "step":
        return expit((fraction - draws["tau"]) / options["step_width"])
    return fraction - options["reference_level"]


def baseline_of(data: xr.Dataset, cause: str) -> survival.MSpline:
    """The flexible baseline of a cause, with the knots that were fixed at the fit."""
    knots = data[f"{cause}_knots"].to_numpy()
    return survival.MSpline(knots, len(knots) - data.sizes[f"{cause}_basis"] - 1)


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
    """Trial, site and frailty effects on the log hazard of a cause, shape (patient, draw)."""
    effect = np.zeros((data.sizes["patient"], len(draws["rate_progression"])))
    if cause == "progression":
        for group in ("trial", "site"):
            if f"u_{group}" in draws:
                effect += draws[f"u_{group}"][data[f"patient_{group}"].to_numpy()]
        return effect + draws.get("v", 0.0)
    return effect + draws[f"phi_{cause}"] * draws["v"] if "v" in draws else effect


def log_hazards(data: xr.Dataset, draws: Draws, interval: np.ndarray, clock: np.ndarray) -> dict[str, np.ndarray]:
    """Cause -> log λ per day at points, shape (point, draw). interval: index; clock: days, shape (point,) each."""
    day = clock + data["interval_origin"].to_numpy()[interval]
    patient = data["interval_patient"].to_numpy()[interval]
    linked = None
    if data.attrs["link"] != "none":
        linked = link(data, draws, latent_mrd(data, draws, interval, day))
    found = {}
    for cause in causes(data):
        value = log_baseline(data, draws, cause, clock)
        value = value + covariates_at(data, cause, interval, day) @ draws[f"beta_{cause}"]
        value += patient_effect(data, draws, cause)[patient]
        if linked is not None:
            value += draws[f"alpha_{cause}"] * linked
        found[cause] = value
    return found
