"""Parts that both model pages use: baseline hazards, frailty and pooling, likelihood terms, sampling coordinates."""

import json
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pymc.logprob.transforms import Transform

from redose.assay import FALSE_POSITIVE_SCALE
from redose.survival import YEAR

FRAILTY_NODES = 40  # exact to 1e-3 in the log likelihood of a patient with nine events and omega_v = 1


def coords(data: xr.Dataset) -> dict:
    """Named coordinates of the model: those of the data, and counted ones for dims that carry no names."""
    named = ("patient", "interval", "trial", "site", "level_covariate", "kill_covariate", "trait")
    found = {d: data[d].to_numpy() for d in (*named, *(f"{c}_covariate" for c in causes(data))) if d in data.coords}
    counted = ("row", "infusion", "sample", *(f"{c}_basis" for c in causes(data)))
    found |= {d: np.arange(data.sizes[d]) for d in counted if d in data.sizes}
    return found | {f"{c}_step": np.arange(1, data.sizes[f"{c}_basis"]) for c in causes(data) if has_spline(data, c)}


def causes(data: xr.Dataset) -> list[str]:
    """Modelled causes, progression first."""
    return [c for c in ("progression", "death") if f"x_{c}" in data]


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
    """u, shape (patient,): trial and site effects on the log hazard of progression, partially pooled, non-centred; those
    that the config asks for. A group with one level is left to the intercept."""
    u = pt.zeros(data.sizes["patient"])
    for group in json.loads(data.attrs["options"])["pooled"]:
        if data.sizes[group] > 1:
            omega = pm.HalfNormal(f"omega_{group}", **prior[f"omega_{group}"])
            z = pm.Normal(f"z_{group}", dims=group)
            u += pm.Deterministic(f"u_{group}", omega * z, dims=group)[data[f"patient_{group}"].to_numpy()]
    return u


def log_baseline(data: xr.Dataset, cause: str, prior: dict):
    """log λ0 per day at the clock of every row, shape (row,). `rate_*` is in events per patient-year: the cumulative
    hazard of the first year (Weibull), the mean hazard over follow-up (M-spline), or the hazard of a typical piece."""
    rate = pm.LogNormal(f"rate_{cause}", **prior[f"rate_{cause}"])
    if not has_spline(data, cause):
        shape = pm.LogNormal(f"shape_{cause}", **prior["shape"])
        log_years = np.log(np.maximum(data["row_clock"].to_numpy(), 1e-9) / YEAR)
        return pt.log(rate * shape / YEAR) + (shape - 1) * pm.Data(f"log_years_{cause}", log_years, dims="row")
    constant = np.log(data[f"{cause}_constant"].to_numpy())
    if is_piecewise(data, cause):  # independent pieces: nothing is borrowed from the neighbours
        weights = pt.exp(constant + pm.Normal(f"z_{cause}", **prior["piece"], dims=f"{cause}_basis"))
    else:
        smooth = pm.HalfNormal(f"smooth_{cause}", **prior["smooth"])
        walk = smooth * pt.cumsum(pm.Normal(f"z_{cause}", dims=f"{cause}_step"))
        weights = pt.special.softmax(constant + pt.concatenate([np.zeros(1), walk]))
    weights = pm.Deterministic(f"weights_{cause}", weights, dims=f"{cause}_basis")
    years = np.ptp(data[f"{cause}_knots"].to_numpy()) / YEAR
    return pt.log(rate * years) + pt.log(pt.dot(data[f"{cause}_hazard"].to_numpy(), weights))


def cumulative_baseline(data: xr.Dataset, cause: str):
    """∫ λ0 over each row's piece, shape (row,); call after `log_baseline`, whose parameters it shares."""
    model = pm.modelcontext(None)
    rate = model[f"rate_{cause}"]
    if has_spline(data, cause):
        years = np.ptp(data[f"{cause}_knots"].to_numpy()) / YEAR
        return rate * years * pt.dot(data[f"{cause}_cumulative"].to_numpy(), model[f"weights_{cause}"])
    shape = model[f"shape_{cause}"]
    entry, stop = data["row_entry"].to_numpy() / YEAR, data["row_exit"].to_numpy() / YEAR
    return rate * (stop**shape - pt.where(entry > 0, np.maximum(entry, 1e-12) ** shape, 0.0))


@dataclass(frozen=True)
class Hazard:
    """One cause on the rows, without the frailty: log hazard, and cumulative hazard over the row's piece or at its
    node; shape (row,) each."""

    log_hazard: pt.TensorVariable
    grown: pt.TensorVariable


def event_likelihood(data: xr.Dataset, prior: dict, hazards: dict[str, Hazard]) -> None:
    """Adds Σ log λ at events - Σ ∫ λ, and log[S(L) - S(R)] for progressions known only to lie in (L, R].

    A frailty v_i ~ Normal(0, ω_v), which multiplies the hazards by exp(v) and exp(φ v), is integrated out by
    Gauss-Hermite quadrature: with v sampled, ω_v had a bulk ESS of 410 in 8,000 draws of `redosable`.
    """
    frailty = has_frailty(data)
    z, log_weight = (np.zeros(1), np.zeros(1)) if not frailty else hermite()
    v = frailty_sd(prior) * z if frailty else pt.zeros(1)
    row_patient = data["interval_patient"].to_numpy()[data["row_interval"].to_numpy()]
    conditional = pt.zeros((data.sizes["patient"], len(z)))
    for cause, hazard in hazards.items():
        shift = v if cause == "progression" or not frailty else pm.Normal("phi", **prior["phi"]) * v
        happened = np.flatnonzero(data[f"row_{cause}"].to_numpy())
        count = np.bincount(row_patient[happened], minlength=data.sizes["patient"])
        inside = data["row_inside"].to_numpy() & (cause == "progression")
        outside = np.flatnonzero(~inside)
        exposure = pt.zeros(data.sizes["patient"])[row_patient[outside]].inc(hazard.grown[outside])
        if frailty:
            exposure = pm.Deterministic(f"exposure_{cause}", exposure, dims="patient")
        conditional += count[:, None] * shift - exposure[:, None] * pt.exp(shift)
        pm.Potential(f"events_{cause}", hazard.log_hazard[happened].sum())
        if inside.any():
            within = np.flatnonzero(inside)
            between, owner = known_to_lie_between(data, within, hazard.grown)
            conditional = conditional[owner].inc(pt.log1mexp(-between[:, None] * pt.exp(shift)))
            pm.Deterministic("exposure_between", between)
    pm.Potential("patients", pt.logsumexp(conditional + log_weight, axis=1).sum())


def frailty_sd(prior: dict):
    """ω_v up to its sign, ω_v ~ half-normal. The nodes are symmetric, so the likelihood is even in it and the sampler
    may cross 0; on the log scale ω_v lingered near 0 (R-hat 1.018, bulk ESS 335 in 3,200 draws of joint_value)."""
    signed = pm.Normal("z_omega_v", 0, prior["omega_v"]["sigma"])
    pm.Deterministic("omega_v", pt.abs(signed))
    return signed


def hermite() -> tuple[np.ndarray, np.ndarray]:
    """(nodes, log weights) of Gauss-Hermite quadrature under the standard normal."""
    node, weight = np.polynomial.hermite_e.hermegauss(FRAILTY_NODES)
    return node, np.log(weight / weight.sum())


def known_to_lie_between(data: xr.Dataset, within: np.ndarray, grown):
    """(between, owner): cumulative hazard over (L, R] of every interval-censored progression, and its patient."""
    interval = data["row_interval"].to_numpy()[within]
    places, code = np.unique(interval, return_inverse=True)
    return pt.zeros(len(places))[code].inc(grown[within]), data["interval_patient"].to_numpy()[places]


def assay(data: xr.Dataset, fraction, sigma) -> None:
    """Adds the likelihood of the MRD samples: normal, left-censored at each sample's own LOD; with the assay's known
    probability ε a sample that would read below its LOD reads above it, by an exponential amount.
    fraction: latent log10 MRD, shape (sample,)."""
    below = data["sample_below"].to_numpy()
    seen, unseen = np.flatnonzero(~below), np.flatnonzero(below)
    y, lod = data["sample_y"].to_numpy(), data["sample_lod"].to_numpy()
    wrong = data["sample_false_positive"].to_numpy()
    log_seen = pm.logp(pm.Normal.dist(fraction[seen], sigma), y[seen])
    spurious = np.flatnonzero(wrong[seen] > 0)
    if len(spurious):
        which = seen[spurious]
        excess = np.maximum(y - lod, 0.0)[which]
        log_wrong = np.log(wrong[which]) - excess / FALSE_POSITIVE_SCALE - np.log(FALSE_POSITIVE_SCALE)
        log_wrong += pm.logcdf(pm.Normal.dist(fraction[which], sigma), lod[which])
        log_seen = log_seen[spurious].inc(pt.softplus(log_wrong - log_seen[spurious]))
    pm.Potential("mrd_seen", log_seen.sum())
    censored = pm.logcdf(pm.Normal.dist(fraction[unseen], sigma), lod[unseen]) + np.log1p(-wrong[unseen])
    pm.Potential("mrd_below", censored.sum())


@dataclass(frozen=True)
class Points:
    """Where latent MRD is evaluated, samples first, then rows: indices and days, shape (point,) or (interval,)."""

    interval: pt.TensorVariable
    elapsed: pt.TensorVariable
    slot: pt.TensorVariable
    since: pt.TensorVariable
    start_slot: pt.TensorVariable
    start_since: pt.TensorVariable


def points(data: xr.Dataset) -> Points:
    """The evaluation points of a joint model."""
    names = ("point_interval", "point_elapsed", "point_slot", "point_since", "start_slot", "start_since")
    return Points(*(pm.Data(n, data[n].to_numpy()) for n in names))


def dose_states(data: xr.Dataset, psi, rho, half_life):
    """(total, running), shape (infusion + 1,): A_l and R_l of `kinetics.dose_states`, as a graph."""
    weight = pt.exp(psi * data["dose_log_cells"].to_numpy() + rho * data["dose_earlier"].to_numpy())
    each = weight[data["pair_earlier"].to_numpy()]
    later = data["pair_later"].to_numpy() + 1
    empty = pt.zeros(data.sizes["infusion"] + 1)
    decayed = each * pt.exp(-np.log(2) * data["pair_gap"].to_numpy() / half_life)
    return empty[later].inc(each), empty[later].inc(decayed)


def traits(data: xr.Dataset, mean, sd, shared):
    """traits ~ Normal(mean, sd), shape (trait,), sampled as z with traits = centre + A z + S (shared - reference).

    shared: psi, rho, log half-life. The fixed matrices come from `redose.coordinates`: A makes a patient's own traits
    nearly independent, S lets all patients follow the parameters that they share (without it rho had a bulk ESS of
    340 in 4,000 draws).
    """
    shift = pt.dot(data["trait_shift"].to_numpy(), shared - data["shared_reference"].to_numpy())
    around = pm.Normal(
        "z_traits",
        mean - shift,
        sd,
        dims="trait",
        default_transform=WithinPatient(data),
        initval=data["trait_centre"].to_numpy(),
    )
    return pm.Deterministic("traits", around + shift, dims="trait")


class WithinPatient(Transform):
    """Sampling coordinates z of the traits: trait = centre + A z, with A block-diagonal over patients.

    A is fixed before sampling (redose.coordinates): each block is a square root of the patient's approximate
    posterior covariance, so z has unit scale and little correlation. The log Jacobian is a constant.
    """

    name = "within_patient"

    def __init__(self, data: xr.Dataset):
        self.data = data

    def _apply(self, values, which: str):
        row, column = (self.data[f"trait_{x}"].to_numpy() for x in ("row", "column"))
        return pt.zeros(self.data.sizes["trait"])[row].inc(self.data[f"trait_{which}"].to_numpy() * values[column])

    def backward(self, value, *inputs):
        return self.data["trait_centre"].to_numpy() + self._apply(value, "factor")

    def forward(self, value, *inputs):
        return self._apply(value - self.data["trait_centre"].to_numpy(), "inverse")

    def log_jac_det(self, value, *inputs):
        return pt.constant(float(self.data["trait_log_det"]))
