"""What a fixed schedule of infusions would give the patients of a trial: mean time free over their first interval.

    RMST_s = 1/n Σ_i ∫_0^H exp(-Λ_i(t) - ΛD_i(t)) dt

Patient i keeps its level at the start, growth, kill, frailty, trial, site and covariates (docs/methods.md gives the
letters) and is given the reference number of cells on the days of schedule s; GVHD and other conditions are absent.
"""

import numpy as np
import pandas as pd
import xarray as xr

from redose import coordinates, design, prediction

STEP = 7.0  # days; hazards are taken at the middle of each week


def planned(tables: dict, days: list[float], cells: float, horizon: float) -> dict:
    """Tables of the same patients, each in its first interval up to `horizon` days, infused on `days`."""
    names = tables["patients"]["patient"].to_numpy()
    first = {
        "patient": names,
        "interval": 1,
        "start_day": 0.0,
        "entry_day": np.nan,
        "last_free_day": np.nan,
        "end_day": float(horizon),
    }
    given = {"patient": np.repeat(names, len(days)), "day": np.tile(np.asarray(days, float), len(names))}
    given |= {"product": tables["infusions"]["product"].mode()[0], "lot": ""}
    return tables | {
        "intervals": pd.DataFrame(first | {"outcome": "censored"}),
        "infusions": pd.DataFrame(given | {"cells": float(cells)}),
        "gvhd": tables["gvhd"].iloc[:0],
        "conditions": tables["conditions"].iloc[:0],
    }


def designs(
    tables: dict, about: dict, model: str, options: dict, priors: dict, schedules: dict, horizon: float
) -> dict:
    """Schedule -> the design of the patients on it. schedules: name -> days of its infusions of the usual product.

    Joint models of infusions whose kill knows neither lots, courses nor properties of products, with a Weibull
    baseline only: a flexible one has its knots at the events of the study. Days that lie at `horizon` or later are left
    out.
    """
    found = {}
    for name, days in schedules.items():
        inside = [day for day in days if day < horizon]
        changed = planned(tables, inside, options["reference_cells"], horizon)
        found[name] = design.build(changed, about, model, options, priors)
    return found


def carried(data: xr.Dataset, plan: xr.Dataset, draws: prediction.Draws) -> prediction.Draws:
    """The draws with the traits of the fit's design turned into those of the plan's, which has first intervals only.

    The kill trait is that of a patient's average infusion, so it moves with the infusions that are averaged.
    """
    place = pd.Index(data["trait"].to_numpy()).get_indexer(plan["trait"].to_numpy())
    traits = draws["traits"][place]
    moved = plan["mean_features"].to_numpy() - data["mean_features"].to_numpy()
    traits[coordinates.groups(plan)["kill"]] += moved @ prediction.coefficients(plan, draws)
    return draws | {"traits": traits}


def rmst(data: xr.Dataset, plan: xr.Dataset, draws: prediction.Draws, horizon: float) -> np.ndarray:
    """RMST to `horizon` in days, averaged over the patients of the plan, shape (draw,). data: the design of the fit."""
    edges = np.append(np.arange(0.0, horizon, STEP), horizon)
    patients, middle = plan.sizes["interval"], (edges[1:] + edges[:-1]) / 2
    interval, clock = np.repeat(np.arange(patients), len(middle)), np.tile(middle, patients)
    hazards = prediction.log_hazards(plan, carried(data, plan, draws), interval, clock)
    total = sum(np.exp(x) for x in hazards.values()).reshape(patients, len(middle), -1)
    free = np.exp(-np.cumsum(total * np.diff(edges)[:, None], axis=1))
    free = np.concatenate([np.ones_like(free[:, :1]), free], axis=1)
    return np.trapezoid(free, edges, axis=1).mean(axis=0)
