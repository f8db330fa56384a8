"""Priors stated in clinical words, turned into parameters of distributions: the one place where that happens."""

import numpy as np
from scipy import optimize, stats
from scipy.special import logit

UPPER = stats.norm.ppf(0.975)
SCALES = ("positive", "ratio", "level", "spread", "share", "fraction")
HALF = 0.5  # first shape of a share's beta: Jeffreys' for a count, so that no event in n weighs as half an event in n
SHAPES = (HALF, 1e4)  # second shapes: from Jeffreys' own, Beta(1/2, 1/2), to 10,000 earlier patients without an event


class PriorError(ValueError):
    """A prior that cannot be what it says."""


def convert(name: str, prior: dict) -> dict:
    """Keyword arguments of the distribution: {mu, sigma} (log scale for positive and ratio, logit scale for a
    fraction), {sigma} for a spread, {alpha, beta} for a share.

    `upper` is the 97.5th percentile; for a spread, of the half-normal sd itself; for a share, of a probability that may
    well be near 0, Beta(1/2, beta). Raises PriorError.
    """
    upper, median, scale = prior["upper"], prior.get("median"), prior["scale"]
    if scale == "share":
        return {"alpha": HALF, "beta": second_shape(name, upper)}
    if scale == "spread":
        if upper <= 0:
            raise PriorError(f"config: priors.{name}: a spread needs upper > 0, got {upper}.")
        return {"sigma": upper / stats.halfnorm.ppf(0.975)}
    if median is None or upper <= median:
        raise PriorError(f"config: priors.{name}: upper ({upper}) must exceed median ({median}).")
    if scale == "fraction":
        if not 0 < median < upper < 1:
            raise PriorError(f"config: priors.{name}: a fraction needs 0 < median < upper < 1, got {median}, {upper}.")
        return {"mu": float(logit(median)), "sigma": float((logit(upper) - logit(median)) / UPPER)}
    if scale == "level":
        return {"mu": float(median), "sigma": (upper - median) / UPPER}
    if median <= 0:
        raise PriorError(f"config: priors.{name}: a {scale} prior needs median > 0, got {median}.")
    return {"mu": float(np.log(median)), "sigma": float(np.log(upper / median) / UPPER)}


def second_shape(name: str, upper: float) -> float:
    """b at which the 97.5th percentile of Beta(1/2, b) is `upper`. Raises PriorError."""
    largest, smallest = (stats.beta.ppf(0.975, HALF, b) for b in SHAPES)
    if not smallest < upper < largest:
        raise PriorError(f"config: priors.{name}: a share needs upper between {smallest:.1g} and 0.998, got {upper}.")
    return float(optimize.brentq(lambda b: stats.beta.ppf(0.975, HALF, b) - upper, *SHAPES))


def convert_all(table: dict) -> dict:
    """Every prior of the config's table, converted: name -> keyword arguments. Raises PriorError."""
    return {name: convert(name, prior) for name, prior in table.items()}
