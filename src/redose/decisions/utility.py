"""Outcomes weighed: quality-adjusted days, cost, and the utility U by which regimes are compared.

    health = Σ weight · outcome                    quality-adjusted days
    cost   = Σ price · amount                      currency of the config
    U      = health - cost / willingness · 365.25  quality-adjusted days

All three are linear in the outcomes, so a change of a weight or price needs no new simulation.
"""

import numpy as np
import xarray as xr

from redose.decisions.regimes import Regime

DAYS_FREE = (
    "free_days",
    "gvhd_days",
    "severe_days",
    "transplanted_days",
)  # alive and progression-free, with GVHD or not
YEAR = 365.25  # days of a quality-adjusted year
PRICED = {"tests": "test", "transplant": "transplant", "progression": "progression", "gvhd_days": "gvhd_day"}
PRICED |= {"severe_days": "severe_day"}


def health(found: xr.DataArray, weights: dict) -> np.ndarray:
    """Quality-adjusted days, shape (draw, regime). found: from `outcomes.everybody`, or one subgroup of it."""
    return sum(w * found.sel(outcome=name).to_numpy() for name, w in weights.items())


def cost(found: xr.DataArray, regimes: list[Regime], costs: dict) -> np.ndarray:
    """Cost, shape (draw, regime). regimes: in the order of `found`."""
    total = sum(costs[price] * found.sel(outcome=name).to_numpy() for name, price in PRICED.items())
    each = [
        (costs["autologous"] if r.kind == "autologous" else costs["infusion"]) + bool(r.agent) * costs["course"]
        for r in regimes
    ]
    return total + np.array(each) * found.sel(outcome="infusions").to_numpy()


def utility(found: xr.DataArray, regimes: list[Regime], of: dict) -> np.ndarray:
    """U in quality-adjusted days, shape (draw, regime). of: `decision.utility` of the config."""
    return health(found, of["weights"]) - cost(found, regimes, of["costs"]) / of["willingness"] * YEAR


def changed(of: dict, name: str, factor: float) -> dict:
    """The utility with one weight, price or the willingness multiplied by `factor`. name: `weights.tests`, ..."""
    part, _, key = name.partition(".")
    return of | {part: of[part] | {key: of[part][key] * factor} if key else of[part] * factor}


def names(of: dict) -> list[str]:
    """Names of everything that can be changed."""
    return [*(f"weights.{k}" for k in of["weights"]), *(f"costs.{k}" for k in of["costs"]), "willingness"]
