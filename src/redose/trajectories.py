"""Latent MRD against the samples: trajectories of a few patients, and the share below the LOD by visit."""

import numpy as np
import pandas as pd
import xarray as xr

from redose import assay, prediction
from redose.seeds import seed_of

DRAWS = 400
SHOWN = 9  # patients drawn
STEP = 4.0  # days between points of a trajectory
VISIT = 56.0  # days; samples are pooled by windows of this length


def chosen(data: xr.Dataset) -> np.ndarray:
    """Patients that are drawn: evenly spaced in the number of their infusions, most samples first within a tie."""
    sampled = np.bincount(
        data["interval_patient"].to_numpy()[data["sample_interval"].to_numpy()], minlength=data.sizes["patient"]
    )
    doses = data["dose_patient"].to_numpy() if "dose_patient" in data else np.array([], dtype=int)
    infused = np.bincount(doses, minlength=data.sizes["patient"])
    able = np.flatnonzero(sampled > 1)
    order = able[np.lexsort((-sampled[able], infused[able]))]
    return order[np.unique(np.linspace(0, len(order) - 1, SHOWN).astype(int))] if len(order) else order


def trajectories(data: xr.Dataset, draws: prediction.Draws, ci_prob: float) -> pd.DataFrame:
    """Rows of kind "latent" (day, mean, low, high), "sample" (day, mean = reading or LOD, below), "infusion" and
    "end" (day, outcome) for the chosen patients, by patient and interval. log10 MRD, days."""
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    rows = []
    owner = data["interval_patient"].to_numpy()
    start = data["interval_start"].to_numpy()
    end = data["interval_origin"].to_numpy() + data["interval_exit"].to_numpy()
    for i in chosen(data):
        name = str(data["patient"].to_numpy()[i])
        for k in np.flatnonzero(owner == i):
            day = np.append(np.arange(start[k], end[k], STEP), end[k])
            latent = prediction.latent_mrd(data, draws, np.full(len(day), k), day)
            low, high = np.quantile(latent, tails, axis=1)
            part = {"day": day, "mean": latent.mean(1), "low": low, "high": high, "kind": "latent"}
            rows.append(pd.DataFrame(part | {"interval": int(data["interval_number"][k])}))
            mine = data["sample_interval"].to_numpy() == k
            seen = {"day": data["sample_day"].to_numpy()[mine], "mean": data["sample_y"].to_numpy()[mine]}
            seen |= {"below": data["sample_below"].to_numpy()[mine], "kind": "sample"}
            rows.append(pd.DataFrame(seen | {"interval": int(data["interval_number"][k])}))
            outcome = str(data["interval_event"].to_numpy()[k])
            rows.append(pd.DataFrame({"day": [end[k]], "kind": "end", "outcome": outcome}))
            for part in rows[-3:]:
                part["patient"] = name
        if "dose_day" in data:
            given = data["dose_day"].to_numpy()[data["dose_patient"].to_numpy() == i]
            rows.append(pd.DataFrame({"day": given, "kind": "infusion", "patient": name}))
    columns = ["patient", "kind", "interval", "day", "mean", "low", "high", "below", "outcome"]
    filled = [r.reindex(columns=columns).astype({"below": "object", "outcome": "object"}) for r in rows if len(r)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)


def share_below(data: xr.Dataset, draws: prediction.Draws, ci_prob: float, seed: int) -> pd.DataFrame:
    """Observed and replicated share of samples below their LOD by window of days: day (middle), samples, observed,
    mean, low, high (band of replicated data at the same samples)."""
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    interval, day = data["sample_interval"].to_numpy(), data["sample_day"].to_numpy()
    fraction = prediction.latent_mrd(data, draws, interval, day)
    lod, wrong = (data[f"sample_{x}"].to_numpy()[:, None] for x in ("lod", "false_positive"))
    noise = prediction.noise(data, draws, np.arange(len(interval)))
    chance = assay.probability_below(lod, wrong, fraction, **noise, degrees=prediction.degrees(data))
    again = np.random.default_rng(seed_of(seed, "share_below")).random(chance.shape) < chance
    window = np.floor(day / VISIT).astype(int)
    rows = []
    for w in np.unique(window):
        mine = window == w
        low, high = np.quantile(again[mine].mean(0), tails)
        seen = float(data["sample_below"].to_numpy()[mine].mean())
        row = {"day": (w + 0.5) * VISIT, "samples": int(mine.sum()), "observed": seen}
        rows.append(row | {"mean": chance[mine].mean(), "low": low, "high": high})
    return pd.DataFrame(rows)
