"""R-hat, ESS, divergences and BFMI of a fit; `acceptance` judges them."""

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats import summary

PATIENT_DIMS = {"patient", "interval", "trait"}


def population(posterior: xr.Dataset) -> list[str]:
    """Names of the population parameters: every variable without a patient-level dimension."""
    return [name for name, x in posterior.data_vars.items() if not PATIENT_DIMS & set(x.dims)]


def summarise(tree: xr.DataTree, ci_prob: float) -> pd.DataFrame:
    """One row per scalar parameter: parameter, level (population | patient), mean, sd, low, high, rhat, ess_bulk,
    ess_tail.

    R-hat is rank-normalised and split, ESS bulk and tail as in Vehtari et al. 2021. Chains that never moved give NaN.
    """
    posterior = tree["posterior"].to_dataset()
    names = population(posterior)
    posterior = posterior[[name for name, x in posterior.data_vars.items() if x.size]]  # NumPy 2.1 stops at others
    table = summary(posterior, ci_prob=ci_prob, ci_kind="eti", round_to="none", kind="all")
    table = table.rename(columns={"r_hat": "rhat"}).rename_axis("parameter").reset_index()
    bounds = [c for c in table.columns if c.startswith("eti")]
    table = table.rename(columns=dict(zip(bounds, ("low", "high"), strict=True)))
    stem = table["parameter"].str.split("[", n=1).str[0]
    table.insert(1, "level", np.where(stem.isin(names), "population", "patient"))
    return table[["parameter", "level", "mean", "sd", "low", "high", "rhat", "ess_bulk", "ess_tail"]]


def sampler_summary(tree: xr.DataTree) -> dict:
    """divergences (count), divergent_before (of chains that were run again with smaller steps, else 0), target_accept
    (of the chains that count), draws_before (of a first run, where further chains were added for its R-hat or ESS, else
    0), bfmi (smallest over chains), steps_per_draw (mean leapfrog steps), draws (over all chains), redrawn (patients
    whose traits were drawn anew by `unsettled`, with rhat before and share moved)."""
    stats = tree["sample_stats"].to_dataset()
    energy = stats["energy"].to_numpy()
    bfmi = np.square(np.diff(energy, axis=1)).mean(1) / energy.var(1)
    return {
        "divergences": int(stats["diverging"].sum()),
        "divergent_before": int(stats.attrs["divergent_before"]),
        "draws_before": int(stats.attrs["draws_before"]),
        "target_accept": float(stats.attrs["target_accept"]),
        "bfmi": float(bfmi.min()),
        "steps_per_draw": float(stats["n_steps"].mean()),
        "draws": int(stats.sizes["chain"] * stats.sizes["draw"]),
        "redrawn": redrawn(tree),
    }


def redrawn(tree: xr.DataTree) -> list[dict]:
    """patient, rhat (of its traits before), moved (share of draws that changed) of every patient drawn anew."""
    if "redrawn" not in tree.children:
        return []
    done = tree["redrawn"].to_dataset()
    rows = zip(done["redrawn"].to_numpy(), done["rhat"].to_numpy(), done["moved"].to_numpy(), strict=True)
    return [{"patient": str(p), "rhat": float(rhat), "moved": float(moved)} for p, rhat, moved in rows]
