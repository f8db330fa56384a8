"""Parts that the pages of hazards share: baseline hazards, pooling, frailty, the likelihood of events."""

import json
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pytensor.gradient import disconnected_grad

from redose.design import causes
from redose.models.linear import combination, intercept
from redose.models.pooled import effects, spread, told_of
from redose.survival import YEAR

FRAILTY_NODES = 40  # exact to 1e-3 in the log likelihood of a patient with nine events and omega_v = 1


def coords(data: xr.Dataset) -> dict:
    """Named coordinates of the model: those of the data, and counted ones for dims that carry no names."""
    of_marker = ("level_covariate", "growth_covariate", "kill_covariate", "assay", "course", "product", "timed", "lot")
    named = ("patient", "interval", "trial", "site", "k", *of_marker, "property", "trait", "trait_pair")
    found = {d: data[d].to_numpy() for d in (*named, *(f"{c}_covariate" for c in causes(data))) if d in data.coords}
    counted = ("row", "sample", "basis", "turn", *(f"{c}_basis" for c in causes(data)))
    found |= {d: np.arange(data.sizes[d]) for d in counted if d in data.sizes}
    return found | {f"{c}_step": np.arange(1, data.sizes[f"{c}_basis"]) for c in causes(data) if has_spline(data, c)}


def has_spline(data: xr.Dataset, cause: str) -> bool:
    """True where the cause's baseline is flexible (M-spline or piecewise constant), False for Weibull."""
    return f"{cause}_hazard" in data


def is_piecewise(data: xr.Dataset, cause: str) -> bool:
    """True where the cause's flexible baseline is constant between knots."""
    return data.sizes[f"{cause}_knot"] == data.sizes[f"{cause}_basis"] + 1


def has_frailty(data: xr.Dataset) -> bool:
    """True where the config asks for a patient frailty."""
    return '"frailty": true' in data.attrs["options"]


def pooling(data: xr.Dataset, prior: dict):
    """u, shape (patient,): effects of the config's pooled groups (trial, site) on the log hazard of progression,
    partially pooled; with `robust` a trial may be a stranger. A group with one level is left to the intercept.

    Events tell of the sum of the rate, a trial's effect and its site's: the effects of sites are sampled beside those
    of trials, these about what sites leave to them, and the rate beside both.
    """
    options = json.loads(data.attrs["options"])
    happened = data["interval_patient"].to_numpy()[data["row_interval"].to_numpy()[data["row_progression"].to_numpy()]]
    groups = [g for g in ("trial", "site") if g in options["pooled"] and data.sizes[g] > 1]
    of_patient = {g: np.eye(data.sizes[g])[data[f"patient_{g}"].to_numpy()] for g in groups}
    of_event = {g: x[happened] for g, x in of_patient.items()}
    beside, sds = [np.ones((len(happened), 1))], [prior["rate_progression"]["sigma"]]
    told = {}
    for group, own in of_event.items():
        told[group] = told_of(own, beside, sds)
        beside, sds = [*beside, own], [*sds, prior[f"omega_{group}"]["sigma"]]
    u, left = pt.zeros(data.sizes["patient"]), 0.0
    for group in reversed(groups):
        strange = options.get("robust", 0.0) if group == "trial" else 0.0
        omega = spread(f"omega_{group}", prior, told[group])
        own = effects(f"u_{group}", 0.0, omega, told[group], left, strange, dims=group)
        if group == "site" and "trial" in groups:
            shared = of_event["trial"].T @ of_event["site"]
            left = -combination(shared / np.maximum(shared.sum(1, keepdims=True), 1), own)
        u += own[data[f"patient_{group}"].to_numpy()]
    return u


def of_interval_number(data: xr.Dataset, prior: dict):
    """ζ_k at each row's interval number, shape (row,): effects on the log hazard of progression, partially pooled; 0
    unless the config pools `interval` and there are several."""
    if "interval" not in json.loads(data.attrs["options"])["pooled"] or data.sizes["k"] == 1:
        return 0.0
    of_row = data["interval_k"].to_numpy()[data["row_interval"].to_numpy()]
    own = np.eye(data.sizes["k"])[of_row[data["row_progression"].to_numpy()]]
    told = told_of(own, [np.ones((len(own), 1))], [prior["rate_progression"]["sigma"]])
    return effects("zeta", 0.0, spread("omega_interval", prior, told), told, 0.0, dims="k")[of_row]


def log_baseline(data: xr.Dataset, cause: str, prior: dict, relative):
    """log λ0 per day at the clock of every row, shape (row,). `rate_*` is in events per patient-year: the cumulative
    hazard of the first year (Weibull), the mean hazard over follow-up (M-spline), or the hazard of a typical piece.

    relative: log hazard ratio of covariates and groups on the rows, shape (row,), beside which the rate is sampled.
    """
    happened = np.flatnonzero(data[f"row_{cause}"].to_numpy())
    moved = relative[happened].mean() if len(happened) else pt.constant(0.0)
    rate = intercept(f"rate_{cause}", prior[f"rate_{cause}"], moved, positive=True)
    if not has_spline(data, cause):
        shape = pm.LogNormal(f"shape_{cause}", **prior["shape"])
        log_years = np.log(np.maximum(data["row_clock"].to_numpy(), 1e-9) / YEAR)
        return pt.log(rate * shape / YEAR) + (shape - 1) * log_years
    constant = np.log(data[f"{cause}_constant"].to_numpy())
    if is_piecewise(data, cause):  # independent pieces: nothing is borrowed from the neighbours
        weights = pt.exp(constant + pm.Normal(f"z_{cause}", **prior["piece"], dims=f"{cause}_basis"))
    else:
        smooth = pm.HalfNormal(f"smooth_{cause}", **prior["smooth"])
        known = data[f"{cause}_known"].to_numpy()
        steps = effects(f"z_{cause}", 0.0, smooth, known, 0.0, dims=f"{cause}_step")
        walk = combination(data[f"{cause}_walk"].to_numpy(), steps)
        weights = pt.special.softmax(constant + walk)
    weights = pm.Deterministic(f"weights_{cause}", weights, dims=f"{cause}_basis")
    years = np.ptp(data[f"{cause}_knots"].to_numpy()) / YEAR
    return pt.log(rate * years) + pt.log(combination(data[f"{cause}_hazard"].to_numpy(), weights))


def cumulative_baseline(data: xr.Dataset, cause: str):
    """∫ λ0 over each row's piece, shape (row,); call after `log_baseline`, whose parameters it shares."""
    model = pm.modelcontext(None)
    rate = model[f"rate_{cause}"]
    if has_spline(data, cause):
        years = np.ptp(data[f"{cause}_knots"].to_numpy()) / YEAR
        return rate * years * combination(data[f"{cause}_cumulative"].to_numpy(), model[f"weights_{cause}"])
    shape = model[f"shape_{cause}"]
    entry, stop = data["row_entry"].to_numpy() / YEAR, data["row_exit"].to_numpy() / YEAR
    return rate * (stop**shape - pt.where(entry > 0, np.maximum(entry, 1e-12) ** shape, 0.0))


@dataclass(frozen=True)
class Hazard:
    """One cause on the rows, without frailty and ζ_k: log hazard, and cumulative hazard over the row's piece or at its
    node; shape (row,) each."""

    log_hazard: pt.TensorVariable
    grown: pt.TensorVariable


def linear_predictors(data: xr.Dataset, prior: dict, u) -> dict:
    """Cause -> log hazard ratio on the rows by covariates, groups and interval number, shape (row,). u: from
    `pooling`."""
    patient = data["interval_patient"].to_numpy()[data["row_interval"].to_numpy()]
    shared, found = u[patient] + of_interval_number(data, prior), {}
    for cause in causes(data):
        beta = pm.Normal(f"beta_{cause}", **prior["hazard_ratio"], dims=f"{cause}_covariate")
        found[cause] = combination(data[f"x_{cause}"].to_numpy(), beta) + (shared if cause == "progression" else 0.0)
    return found


@dataclass(frozen=True)
class Link:
    """How the marker enters the hazards: kind (a value of `design.LINKS`), the log hazard ratios by cause (alpha for
    value and step, alpha_slope for the slope), and tau of a step."""

    kind: str
    alpha: dict
    alpha_slope: dict
    tau: pt.TensorVariable | None


def link(data: xr.Dataset, prior: dict) -> Link:
    """Parameters of the marker's link to the hazards."""
    kind, alpha, alpha_slope = data.attrs["link"], {}, {}
    tau = pm.Normal("tau", **prior["tau"]) if kind == "step" else None
    first = "alpha_step" if kind == "step" else "alpha_value"
    for cause in causes(data):
        if kind in ("value", "value_slope", "step"):
            belief = prior[first if cause == "progression" else "alpha_death"]
            alpha[cause] = pm.Normal(f"alpha_{cause}", **belief)
        if kind in ("slope", "value_slope"):
            alpha_slope[cause] = pm.Normal(f"alpha_slope_{cause}", **prior["alpha_slope"])
    return Link(kind, alpha, alpha_slope, tau)


def linked_hazards(data: xr.Dataset, linear: dict, link: Link, fraction, slope) -> dict[str, Hazard]:
    """Hazards on the rows, without the frailty. linear: log hazard without the marker, by cause. fraction: latent
    marker, log10; slope: its change in log10 per 30 days; shape (row,) each."""
    options = json.loads(data.attrs["options"])
    weight, found = data["row_weight"].to_numpy(), {}
    for cause, log_hazard in linear.items():
        total = log_hazard
        if link.kind == "step":
            total += link.alpha[cause] * pt.sigmoid((fraction - link.tau) / options["step_width"])
        elif cause in link.alpha:
            total += link.alpha[cause] * (fraction - options["reference_level"])
        if cause in link.alpha_slope:
            total += link.alpha_slope[cause] * slope
        found[cause] = Hazard(total, weight * pt.exp(total))
    return found


@dataclass(frozen=True)
class Frailty:
    """The patient effect at the nodes of its quadrature: its shift of every cause's log hazard, shape (node,), and the
    weights of the nodes. Without a frailty: one node, no shift."""

    shift: dict
    weight: np.ndarray


def frailty(data: xr.Dataset, prior: dict) -> Frailty:
    """v_i ~ Normal(0, ω_v) multiplies the hazard of progression by exp(v), that of another cause by exp(φ v).

    It is integrated out by Gauss-Hermite quadrature: with v sampled, ω_v had a bulk ESS of 410 in 8,000 draws of
    `redosable`. The nodes are symmetric, so the likelihood is even in ω_v.
    """
    if not has_frailty(data):
        return Frailty({c: pt.zeros(1) for c in causes(data)}, np.ones(1))
    signed = spread("omega_v", prior)
    z, weight = hermite()
    v = signed * z
    others = [c for c in causes(data) if c != "progression"]
    shift = {c: pm.Normal(f"phi_{c}", **prior["phi"]) * v for c in others}
    return Frailty({"progression": v, **shift}, weight)


def event_log_likelihood(data: xr.Dataset, hazards: dict[str, Hazard], frailty: Frailty, suffix: str = ""):
    """Log likelihood of every patient's events, shape (patient,), the frailty integrated out: Σ log λ at events -
    Σ ∫ λ, and log[S(L) - S(R)] for progressions known only to lie in (L, R]. suffix: of the names under which the
    exposures are stored, from which frailties are drawn after sampling."""
    row_patient = data["interval_patient"].to_numpy()[data["row_interval"].to_numpy()]
    at_events = pt.zeros(data.sizes["patient"])
    conditional = pt.zeros((data.sizes["patient"], len(frailty.weight)))
    for cause, hazard in hazards.items():
        shift = frailty.shift[cause]
        happened = np.flatnonzero(data[f"row_{cause}"].to_numpy())
        count = np.bincount(row_patient[happened], minlength=data.sizes["patient"])
        inside = data["row_inside"].to_numpy() & (cause == "progression")
        outside = np.flatnonzero(~inside)
        exposure = pt.zeros(data.sizes["patient"])[row_patient[outside]].inc(hazard.grown[outside])
        if has_frailty(data):
            exposure = pm.Deterministic(f"exposure_{cause}{suffix}", exposure, dims="patient")
        conditional += count[:, None] * shift - exposure[:, None] * pt.exp(shift)
        at_events = at_events[row_patient[happened]].inc(hazard.log_hazard[happened])
        if inside.any():
            within = np.flatnonzero(inside)
            places = np.unique(data["row_interval"].to_numpy()[within])
            code = np.searchsorted(places, data["row_interval"].to_numpy()[within])
            between = pt.zeros(len(places))[code].inc(hazard.grown[within])  # ∫ λ over (L, R]
            owner = data["interval_patient"].to_numpy()[places]
            conditional = conditional[owner].inc(pt.log1mexp(-between[:, None] * pt.exp(shift)))
            every = pt.zeros(data.sizes["interval"])[places].set(between)
            pm.Deterministic(f"exposure_between{suffix}", every, dims="interval")
    return at_events + log_mean(frailty.weight, conditional)


def log_mean(weight: np.ndarray, log_values):
    """log Σ_n weight_n exp(log_values_n), shape (patient,). log_values: shape (patient, node).

    The weights stay outside of the exponentials: PyTensor then does not take the sum for a logsumexp, whose gradient
    evaluates every exponential once more. The largest value is a constant to the gradient, which it does not change.
    """
    largest = disconnected_grad(log_values.max(axis=1, keepdims=True))
    return largest[:, 0] + pt.log((weight * pt.exp(log_values - largest)).sum(axis=1))


def hermite() -> tuple[np.ndarray, np.ndarray]:
    """(nodes, weights) of Gauss-Hermite quadrature under the standard normal."""
    node, weight = np.polynomial.hermite_e.hermegauss(FRAILTY_NODES)
    return node, weight / weight.sum()
