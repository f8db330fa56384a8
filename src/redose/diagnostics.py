"""R-hat, ESS, divergences and BFMI of a fit; `acceptance` judges them."""

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

PATIENT_DIMS = {"patient", "interval", "trait"}


def population(posterior: xr.Dataset) -> list[str]:
    """Names of the population parameters: every variable without a patient-level dimension."""
    return [name for name, x in posterior.data_vars.items() if not PATIENT_DIMS & set(x.dims)]


def summarise(tree: xr.DataTree, ci_prob: float) -> pd.DataFrame:
    """One row per scalar parameter: parameter, level (population | patient), mean, sd, low, high, rhat, ess_bulk,
    ess_tail.

    R-hat is rank-normalised and split, ESS bulk and tail as in Vehtari et al. 2021. Chains that never moved give NaN.
    """
    names = population(tree["posterior"].to_dataset())
    table = az.summary(tree, ci_prob=ci_prob, ci_kind="eti", round_to="none", kind="all")
    table = table.rename(columns={"r_hat": "rhat"}).rename_axis("parameter").reset_index()
    bounds = [c for c in table.columns if c.startswith("eti")]
    table = table.rename(columns=dict(zip(bounds, ("low", "high"), strict=True)))
    stem = table["parameter"].str.split("[", n=1).str[0]
    table.insert(1, "level", np.where(stem.isin(names), "population", "patient"))
    return table[["parameter", "level", "mean", "sd", "low", "high", "rhat", "ess_bulk", "ess_tail"]]


def sampler_summary(tree: xr.DataTree) -> dict:
    """divergences (count), bfmi (smallest over chains), steps (mean leapfrog steps a draw), deepest tree share."""
    stats = tree["sample_stats"].to_dataset()
    energy = stats["energy"].to_numpy()
    bfmi = np.square(np.diff(energy, axis=1)).mean(1) / energy.var(1)
    return {
        "divergences": int(stats["diverging"].sum()),
        "bfmi": float(bfmi.min()),
        "steps_per_draw": float(stats["n_steps"].mean()),
        "draws": int(stats.sizes["chain"] * stats.sizes["draw"]),
    }
