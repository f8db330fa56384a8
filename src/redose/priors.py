"""Priors stated in clinical words, turned into parameters of distributions: the one place where that happens."""

import numpy as np
from scipy import stats
from scipy.special import logit

UPPER = stats.norm.ppf(0.975)
SCALES = ("positive", "ratio", "level", "spread", "share")


class PriorError(ValueError):
    """A prior that cannot be what it says."""


def convert(name: str, prior: dict) -> dict:
    """Keyword arguments of the distribution: {mu, sigma} (log scale for positive and ratio, logit scale for a share),
    {sigma} for a spread.

    `upper` is the 97.5th percentile; for a spread, of the half-normal sd itself. Raises PriorError.
    """
    upper, median, scale = prior["upper"], prior.get("median"), prior["scale"]
    if scale == "spread":
        if upper <= 0:
            raise PriorError(f"config: priors.{name}: a spread needs upper > 0, got {upper}.")
        return {"sigma": upper / stats.halfnorm.ppf(0.975)}
    if median is None or upper <= median:
        raise PriorError(f"config: priors.{name}: upper ({upper}) must exceed median ({median}).")
    if scale == "share":
        if not 0 < median < upper < 1:
            raise PriorError(f"config: priors.{name}: a share needs 0 < median < upper < 1, got {median} and {upper}.")
        return {"mu": float(logit(median)), "sigma": float((logit(upper) - logit(median)) / UPPER)}
    if scale == "level":
        return {"mu": float(median), "sigma": (upper - median) / UPPER}
    if median <= 0:
        raise PriorError(f"config: priors.{name}: a {scale} prior needs median > 0, got {median}.")
    return {"mu": float(np.log(median)), "sigma": float(np.log(upper / median) / UPPER)}


def convert_all(table: dict) -> dict:
    """Every prior of the config's table, converted: name -> keyword arguments. Raises PriorError."""
    return {name: convert(name, prior) for name, prior in table.items()}
