"""Linear combinations, and intercepts that are sampled where the data are."""

import pymc as pm
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform


def combination(x, beta):
    """x β, shape (row,). x: shape (row, column); beta: shape (column,).

    A sum of products: numba takes some 50 s to compile PyTensor's matrix product, and a gradient is no faster for it.
    """
    return (pt.as_tensor(x) * beta).sum(-1)


def intercept(name: str, belief: dict, moved, positive: bool = False, **how):
    """A parameter ~ Normal(mu, sigma) of `belief` (LogNormal where `positive`), sampled by its sum with `moved`.

    moved: what is added to it (to its logarithm), shape of the parameter, on the average of those who tell of it. They
    tell of the sum; of the parameter alone they tell as little as of patients whom a coding calls 0 and few are (with
    seven of eight of pbcseq women, the slope of men had a quarter of the effective draws). how: dims, initval.
    """
    distribution = pm.LogNormal if positive else pm.Normal
    return pm.CustomDist(
        name,
        belief["mu"],
        belief["sigma"],
        moved,
        logp=lambda value, mu, sigma, moved: pm.logp(distribution.dist(mu, sigma), value),
        dist=lambda mu, sigma, moved, size: distribution.dist(mu, sigma, size=size),
        signature="(),(),()->()",
        default_transform=Moved(positive),
        **how,
    )


class Moved(Transform):
    """Sampling coordinate of `intercept`: the parameter, or its logarithm, plus `moved`. It shears the space: the
    density is that of the parameter."""

    name = "moved"

    def __init__(self, positive: bool):
        self.positive = positive

    # inputs: size, mu, sigma, moved, generator
    def backward(self, value, *inputs):
        own = value - inputs[3]
        return pt.exp(own) if self.positive else own

    def forward(self, value, *inputs):
        return (pt.log(value) if self.positive else value) + inputs[3]

    def log_jac_det(self, value, *inputs):
        return value - inputs[3] if self.positive else pt.zeros_like(value)
