"""What the prior says of patients instead of parameters: quantities that clinicians hold beliefs about.

The reference patient: reference covariates, first interval, median level, growth and kill, an average trial and site,
no frailty, no GVHD; where the study gives infusions, one of the reference number of cells on the day the interval
starts. The hazards are those of docs/methods.md, section 1, by the functions that predict from a posterior.
"""

import numpy as np
import pandas as pd
import xarray as xr

from redose import coordinates, kinetics, overlay, prediction
from redose.survival import YEAR

DRAWS = 1000
MONTH = 30.4375  # days
EDGES = np.union1d(np.append(0.0, np.geomspace(0.1, 20 * YEAR, 240)), YEAR)  # days since the start of the interval
TAILS = (0.025, 0.5, 0.975)
QUANTITIES = {  # name -> (what it is, unit)
    "median_free": ("median time alive and progression-free, reference patient", "months"),
    "progression_1y": ("P(progression within 1 year), reference patient", "probability"),
    "death_1y": ("P(death without progression within 1 year), reference patient", "probability"),
    "doubling": ("doubling time of MRD, median patient", "days"),
    "kill": ("kill of one infusion of the reference number of cells, median patient", "log10"),
}


def reference_marker(data: xr.Dataset, draws: prediction.Draws, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(level, slope) of the marker of the reference patient (see `prediction.marker`), shape (day, draw) each; infused
    once with the first product, where the study gives infusions."""
    none = np.zeros((len(day), len(draws["mu_b"])))
    if not coordinates.infused(data):
        knots = data["curve_knots"].to_numpy()
        basis, slope = kinetics.curve_basis(day, knots), kinetics.curve_slope(day, knots)
        return prediction.marker(
            data, prediction.Shared(basis, slope, none, none, none, none), draws["mu_b"], draws["slope"][:, None], 0.0
        )
    done = rate = none
    if data.sizes["infusion"]:
        half_life = draws["half_life"][0]
        done = kinetics.kill_kernel(day[:, None], half_life)
        rate = (1 - done) * np.log(2) / half_life
    shared = prediction.Shared(day[:, None], np.ones((len(day), 1)), done, rate, none, none)
    growth = np.log(draws["doubling"])[None, None]
    return prediction.marker(data, shared, draws["mu_b"], growth, np.log(draws["delta"]))


def increments(data: xr.Dataset, draws: prediction.Draws) -> dict[str, np.ndarray]:
    """Cause -> cumulative hazard of the reference patient over each piece between EDGES, shape (piece, draw): exact in
    the baseline, with MRD at the middle of the piece."""
    causes = prediction.causes(data)
    grown = {c: np.diff(prediction.cumulative_baseline(data, draws, c, EDGES), axis=0) for c in causes}
    if data.attrs["link"] == "none":
        return grown
    marker = reference_marker(data, draws, (EDGES[1:] + EDGES[:-1]) / 2)
    return {c: x * np.exp(prediction.association(data, draws, c, *marker)) for c, x in grown.items()}


def half_life_of(free: np.ndarray) -> np.ndarray:
    """Days at which P(free), shape (edge, draw), falls to a half; inf where it stays above it for 20 years."""
    place = (free > 0.5).sum(0)
    inside, column = np.clip(place, 1, len(EDGES) - 1), np.arange(free.shape[1])
    high, low = free[inside - 1, column], free[inside, column]
    share = (high - 0.5) / np.where(high > low, high - low, 1.0)
    days = EDGES[inside - 1] + share * (EDGES[inside] - EDGES[inside - 1])
    return np.where(place == len(EDGES), np.inf, days)


def quantities(data: xr.Dataset, draws: prediction.Draws) -> dict[str, np.ndarray]:
    """Name, as in QUANTITIES -> values, shape (draw,); those that the model has."""
    free, incidence = overlay.incidence(increments(data, draws))
    year = np.searchsorted(EDGES, YEAR) - 1
    found = {"median_free": half_life_of(np.vstack([np.ones(free.shape[1]), free])) / MONTH}
    found |= {f"{cause}_1y": x[year] for cause, x in incidence.items() if f"{cause}_1y" in QUANTITIES}
    names = {"doubling": "doubling", "kill": "delta"}
    return found | {name: draws[parameter] for name, parameter in names.items() if parameter in draws}


def summarise(values: dict[str, np.ndarray], evidence: dict) -> pd.DataFrame:
    """One row per quantity: quantity, meaning, unit, low, median, high (2.5, 50, 97.5 %; inf: beyond 20 years),
    evidence_low, evidence_high, within (share of draws in that range), evidence_source.

    evidence: the config's ranges by quantity; a quantity without one has empty cells.
    """
    rows = []
    for name, value in values.items():
        meaning, unit = QUANTITIES[name]
        known = evidence.get(name, {})
        low, high = known.get("low", np.nan), known.get("high", np.nan)
        quantile = dict(zip(("low", "median", "high"), np.quantile(value, TAILS, method="inverted_cdf"), strict=True))
        within = float(((value >= low) & (value <= high)).mean()) if low < high else np.nan
        row = {"quantity": name, "meaning": meaning, "unit": unit, **quantile}
        row |= {"evidence_low": low, "evidence_high": high, "within": within}
        rows.append(row | {"evidence_source": known.get("source", "")})
    return pd.DataFrame(rows)
