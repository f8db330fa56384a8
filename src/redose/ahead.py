"""What the posterior says of each patient of the study: its latent MRD so far, the days ahead, the next test.

The same quantities as of newcomers (`dynamic`), with the patient's own effects as the fit drew them.
"""

import numpy as np
import pandas as pd
import xarray as xr

from redose import dynamic, selection
from redose.prediction import Draws

CURVES = ("patient", "day", "outcome", "mean", "low", "high")


def foresee(
    data: xr.Dataset, draws: Draws, intervals: pd.DataFrame, action: dynamic.Action | None, wanted: dict
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(one row per patient, curves). Rows: patient, state, reason (why nothing lies ahead), and the columns of
    `dynamic.forecast`. Curves: patient, day (calendar), outcome ("free" or a cause, probabilities from the end of
    follow-up on; "mrd", log10, in every interval and, of whoever is progression-free, `wanted.days` ahead), mean, low,
    high.

    data, draws: of the fit. intervals: the study's table. wanted: the config's `decision: dynamic` with its ci_prob.
    """
    last = selection.last_intervals(data)
    outcome = selection.last_outcomes(data, intervals)
    rows = pd.DataFrame({"patient": data["patient"].to_numpy(), "state": outcome.to_numpy()})
    rows["reason"] = rows["state"].map(selection.REASONS).fillna("")
    free = np.flatnonzero((rows["state"] == "censored").to_numpy() & (last >= 0))
    rows.loc[free, "state"] = "progression-free"
    curves = [pd.DataFrame(columns=CURVES)]
    if len(free):
        here = dynamic.forecast(data, draws, last[free], action, wanted)
        rows = rows.join(here.table.set_axis(free, axis=0))
        today = here.curves["patient"].map(rows.set_index("patient")["today"])
        curves = [here.curves.assign(day=here.curves["days"] + today).reindex(columns=CURVES)]
    if data.attrs["link"] != "none":
        curves.append(so_far(data, draws, np.setdiff1d(np.arange(data.sizes["interval"]), last[free]), wanted))
    return rows, pd.concat([c for c in curves if len(c)] or curves[:1], ignore_index=True)


def so_far(data: xr.Dataset, draws: Draws, interval: np.ndarray, wanted: dict) -> pd.DataFrame:
    """The latent level in these intervals, from start to end: rows of the curves of `foresee`."""
    if not len(interval):
        return pd.DataFrame(columns=CURVES)
    tails = [(1 - wanted["ci_prob"]) / 2, (1 + wanted["ci_prob"]) / 2]
    end = (data["interval_exit"] + data["interval_origin"]).to_numpy()[interval]
    parts = []
    for k, stop in zip(interval, end, strict=True):
        part = dynamic.trajectories(data, draws, [k], [stop], 0.0, tails)
        parts.append(part.assign(day=part["days"] + stop).reindex(columns=CURVES))
    return pd.concat(parts, ignore_index=True)
