"""Priors stated in clinical words, turned into parameters of distributions: the one place where that happens.

`python -m redose.priors config.yaml docs/priors.md` brings the page of the priors up to date; a test fails when it is
not.
"""

import sys
from pathlib import Path

import numpy as np
import yaml
from scipy.special import betaincinv, expit, logit, ndtri

from redose import dictionary

UPPER = ndtri(0.975)
HALF = 0.5  # first shape of a share's beta: Jeffreys' for a count, so that no event in n weighs as half an event in n
SHAPES = (HALF, 1e4)  # second shapes: from Jeffreys' own, Beta(1/2, 1/2), to 10,000 earlier patients without an event
SHOWN = (0.025, 0.5, 0.975)  # quantiles on the page


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
        return {"sigma": upper / half_normal(0.975)}
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


def half_normal(at):
    """Quantiles of the half-normal of sd 1; scipy.stats, which has them, takes half a second to import."""
    return ndtri((1 + at) / 2)


def second_shape(name: str, upper: float) -> float:
    """b at which the 97.5th percentile of Beta(1/2, b) is `upper`. Raises PriorError."""
    largest, smallest = (betaincinv(HALF, b, 0.975) for b in SHAPES)
    if not smallest < upper < largest:
        raise PriorError(f"config: priors.{name}: a share needs upper between {smallest:.1g} and 0.998, got {upper}.")
    from scipy import optimize  # takes half a second to import, and few configs change a share's prior

    return float(optimize.brentq(lambda b: betaincinv(HALF, b, 0.975) - upper, *SHAPES))


def convert_all(table: dict) -> dict:
    """Every prior of the config's table, converted: name -> keyword arguments. Raises PriorError."""
    return {name: convert(name, prior) for name, prior in table.items()}


def quantiles(name: str, prior: dict, at: tuple[float, ...] = SHOWN) -> np.ndarray:
    """Quantiles on the natural scale (days, log10, ratios), shape (at,). Raises PriorError."""
    made = convert(name, prior)
    if prior["scale"] == "share":
        return betaincinv(made["alpha"], made["beta"], at)
    if prior["scale"] == "spread":
        return made["sigma"] * half_normal(np.array(at))
    found = made["mu"] + made["sigma"] * ndtri(at)
    if prior["scale"] == "fraction":
        return expit(found)
    return np.exp(found) if prior["scale"] in ("positive", "ratio") else found


def distribution(name: str, prior: dict) -> str:
    """The distribution in words, with its parameters to three digits. Raises PriorError."""
    made, scale = convert(name, prior), prior["scale"]
    if scale == "spread":
        return f"half-normal, scale {made['sigma']:.3g}"
    if scale == "share":
        return f"beta(1/2, {made['beta']:.3g})"
    if scale == "fraction":
        return f"normal on the logit, median {prior['median']:g}, sd {made['sigma']:.3g}"
    if scale == "level":
        return f"normal, mean {prior['median']:g}, sd {made['sigma']:.3g}"
    of = "log-normal" if scale == "positive" else "normal on the log of the ratio"
    return f"{of}, median {prior['median']:g}, log sd {made['sigma']:.3g}"


def text(table: dict) -> str:
    """The config's table of priors as a Markdown table, one row per prior. Raises PriorError."""
    rows = []
    for name, prior in table.items():
        numbers = [f"{x:.3g}" for x in quantiles(name, prior)]
        row = [f"`{name}`", prior["meaning"], distribution(name, prior), *numbers]
        unit = prior.get("unit", "ratio" if prior["scale"] == "ratio" else "")
        rows.append([*row, unit, prior["source"]])
    header = ["prior", "meaning", "distribution", "2.5 %", "50 %", "97.5 %", "unit", "source"]
    return dictionary.grid(header, rows)


def filled(page: str, table: dict) -> str:
    """The page with the block `priors` written anew from the config's table."""
    return dictionary.with_block(page, "priors", text(table))


if __name__ == "__main__":
    config, path = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])
    path.write_text(filled(path.read_text(encoding="utf-8"), config["priors"]), encoding="utf-8")
