"""Parts of the joint page: the latent marker at any point, the assay, what moves the kill."""

import json
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from redose.assay import DETECTED_AT_LOD, FALSE_POSITIVE_SCALE
from redose.models import pooled
from redose.models.linear import combination

NO_LIMIT = -50.0  # log10: the limit of samples without one, as the detection curve needs a number


def kinetics_of(data: xr.Dataset) -> dict:
    """The config's `kinetics`, every default filled in."""
    return json.loads(data.attrs["options"])["kinetics"]


def effects(data: xr.Dataset, name: str, belief: dict, *dims: str):
    """Independent normal effects over `dims`; an empty array, and no random variable, where nothing varies."""
    if any(data.sizes[d] == 0 for d in dims):
        return pt.zeros([data.sizes[d] for d in dims])
    return pm.Normal(name, **belief, dims=dims)


# The latent marker


def dose_states(data: xr.Dataset, coefficients, half_life):
    """(total, running), shape (infusion + 1,) and by product: A_l and R_pl of `kinetics.dose_states`, as a graph."""
    weight = pt.exp(combination(data["dose_features"].to_numpy(), coefficients))
    earlier, later = data["pair_earlier"].to_numpy(), data["pair_later"].to_numpy() + 1
    each, empty = weight[earlier], pt.zeros(data.sizes["infusion"] + 1)
    running = []
    for p in range(data.sizes["product"]):
        of = np.flatnonzero(data["dose_product"].to_numpy()[earlier] == p)
        decayed = each[of] * pt.exp2(-data["pair_gap"].to_numpy()[of] / half_life[p])
        running.append(empty[later[of]].inc(decayed))
    return empty[later].inc(each), running


def killed(data: xr.Dataset, coefficients, half_life):
    """(done, rate) at every point: kill since the interval's start in units of the patient's kill, and its derivative
    by day; shape (point,) each."""
    total, running = dose_states(data, coefficients, half_life)
    slot, since = data["point_slot"].to_numpy(), data["point_since"].to_numpy()
    start_slot, start_since = data["start_slot"].to_numpy(), data["start_since"].to_numpy()
    interval, owner = data["point_interval"].to_numpy(), data["interval_patient"].to_numpy()
    done, rate = total[slot], pt.zeros(len(slot))
    done_at_start = total[start_slot]
    for p, state in enumerate(running):
        given = data["dose_patient"].to_numpy()[data["dose_product"].to_numpy() == p]
        at, began = np.flatnonzero(np.isin(owner[interval], given)), np.flatnonzero(np.isin(owner, given))
        left = state[slot[at]] * pt.exp2(-since[at] / half_life[p])
        done, rate = done[at].inc(-left), rate[at].inc(left * np.log(2) / half_life[p])
        left_at_start = state[start_slot[began]] * pt.exp2(-start_since[began] / half_life[p])
        done_at_start = done_at_start[began].inc(-left_at_start)
    return done - done_at_start[interval], rate


def log10_fraction(ratio):
    """(M, dM/dB) of a log10 ratio B: M = B - log10(1 + 10^B) and 1 / (1 + 10^B), by one exponential each.

    As softplus and sigmoid they took two, and the gradient a third.
    """
    small = pt.exp2(-np.log2(10) * pt.abs(ratio))  # 10^-|B|
    return pt.minimum(ratio, 0.0) - pt.log1p(small) / np.log(10), pt.where(ratio > 0, small, 1.0) / (1 + small)


# The assay


def log_one_plus_exp(x):
    """log(1 + exp(x)) by one exponential, which serves the gradient too."""
    return pt.maximum(x, 0.0) + pt.log1p(pt.exp2(-pt.abs(x) / np.log(2)))


def log_normal_below(z):
    """log Φ(z) by one scaled complementary error function, of which the gradient needs no other.

    PyMC's takes one for either tail, everywhere, and once more for the gradient: a sixth of the time of joint_step's.
    """
    far = pt.where(z > 0, z, -z)
    tail = pt.log(pt.erfcx(far / np.sqrt(2)) / 2) - far**2 / 2  # log Φ(-|z|)
    return pt.where(z > 0, pt.log1p(-pt.exp(tail)), tail)


@dataclass(frozen=True)
class Noise:
    """How readings scatter about the latent level: sigma by assay; degrees of freedom of a Student t (None: normal);
    detection, the width of the detection curve in log10 units (None: a sharp limit)."""

    sigma: pt.TensorVariable
    degrees: float | None = None
    detection: pt.TensorVariable | None = None

    def around(self, data: xr.Dataset, fraction, which: np.ndarray):
        sigma = self.sigma[data["sample_assay"].to_numpy()[which]]
        if self.degrees is None:
            return pm.Normal.dist(fraction[which], sigma)
        return pm.StudentT.dist(nu=self.degrees, mu=fraction[which], sigma=sigma)

    def log_missed(self, data: xr.Dataset, fraction, which: np.ndarray):
        """log P(not detected): the reading lies under its limit, or the detection curve has missed it."""
        if self.detection is None:
            lod = data["sample_lod"].to_numpy()[which]
            if self.degrees is None:
                return log_normal_below((lod - fraction[which]) / self.sigma[data["sample_assay"].to_numpy()[which]])
            return pm.logcdf(self.around(data, fraction, which), lod)
        return log_normal_below(-self.above(data, fraction))[which]

    def log_found(self, data: xr.Dataset, fraction, which: np.ndarray):
        """log P(found) on the detection curve; 0 for samples without a limit."""
        return log_normal_below(self.above(data, fraction))[which]

    def above(self, data: xr.Dataset, fraction):
        """Probit of the detection curve, shape (sample,). Of all samples: PyTensor 3.3 fails to rewrite the curve of a
        choice of them ("multiple destroyers")."""
        lod = np.maximum(data["sample_lod"].to_numpy(), NO_LIMIT)
        return DETECTED_AT_LOD + (fraction[: len(lod)] - lod) / self.detection


def assay(data: xr.Dataset, fraction, noise: Noise):
    """Log likelihood of every patient's samples, shape (patient,): noise about the latent level, left-censored at each
    sample's own limit; with the assay's known probability ε a sample that would not be detected reads above its limit,
    by an exponential amount. fraction: latent level, shape (sample,) or longer."""
    below, patient = data["sample_below"].to_numpy(), data["sample_patient"].to_numpy()
    seen, unseen = np.flatnonzero(~below), np.flatnonzero(below)
    y, lod = data["sample_y"].to_numpy(), data["sample_lod"].to_numpy()
    wrong = data["sample_false_positive"].to_numpy()
    log_seen = pm.logp(noise.around(data, fraction, seen), y[seen])
    if noise.detection is not None:
        log_seen = log_seen + noise.log_found(data, fraction, seen)
    spurious = np.flatnonzero(wrong[seen] > 0)
    if len(spurious):
        which = seen[spurious]
        excess = np.maximum(y - lod, 0.0)[which]
        log_wrong = np.log(wrong[which]) - excess / FALSE_POSITIVE_SCALE - np.log(FALSE_POSITIVE_SCALE)
        log_wrong += noise.log_missed(data, fraction, which)
        log_seen = log_seen + pt.zeros(len(seen))[spurious].inc(log_one_plus_exp(log_wrong - log_seen[spurious]))
    total = pt.zeros(data.sizes["patient"])[patient[seen]].inc(log_seen)
    if not len(unseen):
        return total
    return total[patient[unseen]].inc(noise.log_missed(data, fraction, unseen) + np.log1p(-wrong[unseen]))


# What moves the kill of an infusion, and the class that never regrows


def kill_coefficients(data: xr.Dataset, prior: dict, log_delta):
    """Coefficients of the features of an infusion, shape (feature,): ψ, ρ, θ by agent, ξ by property of products, and
    a lot's own effect, partially pooled.

    What is sampled are the lots' own kills, log δ + ξ'z + u_lot, for infusions tell of those, and of δ only through
    them: in orthogonal directions of which they tell one by one, whose prior is as independent as that of u_lot.
    """
    psi, rho = (pm.Normal(n, **prior[n], initval=start(data, n, prior[n])) for n in ("psi", "rho"))
    theta = effects(data, "theta", prior["theta"], "timed")
    xi = effects(data, "xi", prior["eta"], "property")
    parts = [pt.stack([psi, rho]), theta, xi]
    if data.sizes["lot"]:
        mean = log_delta + (data["lot_property"].to_numpy() * xi).sum(1)
        turned, told, centre = (data[f"lot_{x}"].to_numpy() for x in ("turned", "information", "centre"))
        omega = pooled.spread("omega_lot", prior, told)
        kill = pooled.effects("z_lot", combination(turned.T, mean), omega, told, centre, dims="turn")
        parts.append(pm.Deterministic("u_lot", combination(turned, kill) - mean, dims="lot"))
    return pt.concatenate(parts)


def start(data: xr.Dataset, name: str, prior: dict) -> float | None:
    """Where the sampler starts a coefficient: at its prior's mean (None), and beside it where no infusion tells of the
    coefficient (all of one dose, or one a patient): there the gradient is zero, which nutpie takes for a fault."""
    told = data["dose_features"].to_numpy()[:, data["feature"].to_numpy() == name].any()
    return None if told else prior["mu"] + 0.1 * prior["sigma"]


def by_product(data: xr.Dataset, prior: dict) -> dict:
    """mu and sigma of the log half-life of every product, shape (product,) each: the prior of its lineage."""
    of = [prior[name] for name in data["product_half_life"].to_numpy()]
    return {k: np.array([p[k] for p in of]) for k in ("mu", "sigma")}


def mixed(cured, still: tuple, growing: tuple) -> tuple:
    """(samples, events): log likelihood of a patient's samples, and of its events given its samples, with the class
    (marker still, or growing) summed out; shape (patient,) each. still, growing: (samples, events) of either class."""
    samples = pt.logaddexp(pt.log(cured) + still[0], pt.log1p(-cured) + growing[0])
    both = pt.logaddexp(pt.log(cured) + sum(still), pt.log1p(-cured) + sum(growing))
    log_odds = pt.log(cured) - pt.log1p(-cured) + sum(still) - sum(growing)
    pm.Deterministic("log_odds_cured", log_odds, dims="patient")
    return samples, both - samples
