"""Parts of the joint page: latent MRD at any point, patient traits in sampling coordinates, the assay."""

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pymc.logprob.transforms import Transform

from redose.assay import FALSE_POSITIVE_SCALE


def assay(data: xr.Dataset, fraction, sigma, patient):
    """Log likelihood of every patient's samples, shape (patient,): normal, left-censored at each sample's own LOD; with
    the assay's known probability ε a sample that would read below its LOD reads above it, by an exponential amount.
    fraction: latent log10 MRD, patient: index, shape (sample,)."""
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
    censored = pm.logcdf(pm.Normal.dist(fraction[unseen], sigma), lod[unseen]) + np.log1p(-wrong[unseen])
    return pt.zeros(data.sizes["patient"])[patient[seen]].inc(log_seen)[patient[unseen]].inc(censored)


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
