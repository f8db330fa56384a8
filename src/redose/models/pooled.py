"""Effects that are partially pooled, sampled in coordinates that depend little on their sd."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform
from threadpoolctl import threadpool_limits

from redose.models.linear import combination
from redose.survival import ONE_EVENT


def spread(name: str, prior: dict, told: np.ndarray | None = None):
    """An sd ω ~ half-normal up to its sign, for effects sampled as `Informed`, whose density is even in it.

    The sampler may then cross 0; on the log scale ω_v lingered near 0 (R-hat 1.018, bulk ESS 335 in 3,200 draws of
    joint_value), and so did that of sites (tail ESS 308). told: as for `effects`, of those whose sd it is: ω is then
    sampled as `Resolved`. None where data tell little of each of many, as of patients.
    """
    sigma = prior[name]["sigma"]
    own = None if told is None else Resolved(sigma, told)
    signed = pm.Normal(f"z_{name}", 0, sigma, initval=sigma, default_transform=own)
    pm.Deterministic(name, pt.abs(signed))
    return signed


def effects(name: str, mean, sd, told: np.ndarray, centre, strange: float = 0.0, **how):
    """Effects ~ Normal(mean, |sd|), shape (effect,), sampled as `Informed`. With `strange`, each is a stranger with
    that probability: Normal(mean, √(sd² + 1)), which knows as much as one event tells (robust MAP, Schmidli 2014).

    mean, centre: shape (effect,) or numbers. centre: where the data put the effects, given other parameters or not.
    told: how much they tell of them, roughly, fixed before sampling; shape (effect,), or (effect, effect) where they
    tell of several together. how: dims.
    """
    mean, centre = pt.as_tensor(mean), pt.as_tensor(centre)
    vectors = ["(e)" if x.ndim else "()" for x in (mean, centre)]

    def distribution(mean, sd):
        if not strange:
            return pm.Normal.dist(mean, pt.abs(sd))
        either = pt.stack([pt.abs(sd), pt.sqrt(sd**2 + ONE_EVENT**2)])
        return pm.NormalMixture.dist([1 - strange, strange], pt.expand_dims(mean, -1), either)

    return pm.CustomDist(
        name,
        mean,
        sd,
        centre,
        logp=lambda value, mean, sd, centre: pm.logp(distribution(mean, sd), value),
        dist=lambda mean, sd, centre, size: distribution(mean + np.zeros(len(told)), sd),
        signature=f"{vectors[0]},(),{vectors[1]}->(e)",
        default_transform=Informed(told),
        **how,
    )


def told_of(own: np.ndarray, others: list[np.ndarray], sds: list[float]) -> np.ndarray:
    """What events tell of the log hazard ratios of a group, shape (level, level): of each as many as it has, less what
    they leave open for other groups, which are known by their prior sds besides.

    own, others: which level each event belongs to, shape (event, level), 0 and 1; sds: of each of others.
    """
    beside = np.hstack(others)
    known = np.repeat(1 / np.square(sds), [x.shape[1] for x in others])
    cross = own.T @ beside
    return own.T @ own - cross @ np.linalg.solve(beside.T @ beside + np.diag(known), cross.T)


class Informed(Transform):
    """Sampling coordinates z of effects ~ Normal(μ, ω): effect = V [V'μ + V'(c - μ) (1 - 1 / P) + ω z / √P], with
    P = 1 + L ω² and what the data tell V diag(L) V'; c is the centre of `effects`.

    A direction of which the data say much is centred, one of which they say little is not (Papaspiliopoulos, Roberts
    & Sköld 2007, section 3).
    """

    name = "informed"

    def __init__(self, told: np.ndarray):
        self.information, self.turned = told, None
        if told.ndim == 2:
            with threadpool_limits(1):  # the same bits whatever the cores
                information, self.turned = np.linalg.eigh(told)
            self.information = np.maximum(information, 0.0)

    # inputs: size, mean, sd, centre, generator
    def backward(self, value, *inputs):
        mean, scale = self._expected(*inputs[1:4])
        found = mean + value * scale
        return found if self.turned is None else combination(self.turned, found)

    def forward(self, value, *inputs):
        mean, scale = self._expected(*inputs[1:4])
        return (self._along(value) - mean) / scale

    def log_jac_det(self, value, *inputs):
        return pt.log(pt.abs(self._expected(*inputs[1:4])[1]))

    def _along(self, effect):
        return effect if self.turned is None else combination(self.turned.T, effect)

    def _expected(self, mean, sd, centre):
        precision = 1 + self.information * sd**2
        return self._along(mean) + self._along(centre - mean) * (1 - 1 / precision), sd / pt.sqrt(precision)


class Resolved(Transform):
    """Sampling coordinate of an sd up to its sign, asinh(ω / s), with 1/s² = 1/σ² + what the data tell of an effect on
    the average. Straight below s, where 0 is to be crossed, and a logarithm above.

    Of few effects that are well known ω has a density that falls as a power, from a mode near which it is stiff: with
    three of 1,280 events each, ω itself had bulk ESS of 560 to 670 in 2,000 draws, this has 2,400 to 2,900
    (`python benchmarks/spreads.py`).
    """

    name = "resolved"

    def __init__(self, sigma: float, told: np.ndarray):
        each = told if told.ndim == 1 else np.diag(told)
        self.scale = 1 / np.sqrt(1 / sigma**2 + each.mean())

    def backward(self, value, *inputs):
        return self.scale * pt.sinh(value)

    def forward(self, value, *inputs):
        return pt.arcsinh(value / self.scale)

    def log_jac_det(self, value, *inputs):
        return np.log(self.scale) + pt.log(pt.cosh(value))
