"""What an accepted gvhd posterior says: incidence over time, counts by grade, and the risk that infusions bring.

The same equations as the model page, in another form (numpy only); a test holds both to the same numbers. Arrays are
shaped (point, draw); a point is a patient and a span of days since day 0.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import yaml
from scipy.special import expit, logit

from redose import onsets, overlay, survival
from redose.onsets import KINDS, WITHIN
from redose.prediction import Draws
from redose.seeds import seed_of

DRAWS = 400
YEAR = 365.0  # days to which incidence is followed
BIN = 5.0  # days
SAME = 1 + 1e-9  # doses no further apart than this are one
DOSES = 25  # points of the curve over the dose
WEEK = 7.0


def number_of(draws: Draws) -> int:
    return next(iter(draws.values())).shape[-1]


def tails(ci_prob: float) -> list[float]:
    return [(1 - ci_prob) / 2, (1 + ci_prob) / 2]


def cumulated(data: xr.Dataset, draws: Draws, kind: str, patient, start, stop) -> np.ndarray:
    """∫ λG over (start, stop] days of a patient, shape (point, draw); patient, start, stop: shape (point,)."""
    total = np.zeros((len(patient), number_of(draws)))
    if f"background_{kind}" in draws:
        cuts = json.loads(data.attrs["options"])["windows"][kind]
        q = draws[f"background_{kind}"].reshape(-1, len(cuts) + 1, total.shape[1])
        hazard = -np.log1p(-q)[data["patient_level"].to_numpy()[patient]] / WITHIN
        total += (onsets.days_in_windows(cuts, start, stop)[:, :, None] * hazard).sum(1)
    if f"risk_{kind}" in draws:
        point, dose = onsets.given_before(data, patient, stop)
        since = [np.maximum(t[point] - data["infusion_day"].to_numpy()[dose], 0.0)[:, None] for t in (start, stop)]
        r = -np.log1p(-draws[f"risk_{kind}"])[data["infusion_product"].to_numpy()]
        r *= np.exp(np.multiply.outer(data["infusion_log_cells"].to_numpy(), draws["rho_gvhd"]))
        halves = [np.exp2(-s / draws["half_life_gvhd"]) for s in since]
        np.add.at(total, point, r[dose] * (halves[0] - halves[1]))
    return total * np.exp(effect(data, draws, kind, "beta"))[patient]


def effect(data: xr.Dataset, draws: Draws, kind: str, name: str) -> np.ndarray:
    """x'β (name beta) or x'γ (gamma), shape (patient, draw); 0 where the model has none."""
    known = draws.get(f"{name}_{kind}", np.zeros((data.sizes[f"{kind}_covariate"], number_of(draws))))
    return data[f"x_{kind}"].to_numpy() @ known


def firsts(data: xr.Dataset, kind: str) -> pd.DataFrame:
    """First spell at risk by patient: columns patient, start, stop, cause (1 onset, 2 death, 0 end of follow-up)."""
    spells = pd.DataFrame({c: data[f"{kind}_spell_{c}"].to_numpy() for c in ("patient", "start", "stop")})
    found = spells.drop_duplicates("patient").reset_index(drop=True)
    fell_ill = set(zip(*(data[f"{kind}_onset_{c}"].to_numpy() for c in ("patient", "day")), strict=True))
    ill = np.array([(p, day) in fell_ill for p, day in zip(found["patient"], found["stop"], strict=True)], dtype=bool)
    died = data["patient_died"].to_numpy()[found["patient"]]
    return found.assign(cause=np.where(ill, 1, np.where(died, 2, 0)))


def incidence(data: xr.Dataset, draws: Draws, label: pd.Series, ci_prob: float, seed: int) -> pd.DataFrame:
    """Cumulative incidence of the first onset by kind and group, death competing: columns kind, group, patients, day,
    observed (Aalen-Johansen), mean, low, high.

    label: group of each patient, in the order of the design. The model's hazards are averaged over those at risk on
    each day; deaths are those that happened. The band is of replicated onsets in the same risk sets. A curve ends where
    fewer than overlay.FEWEST patients are at risk; smaller groups are left out.
    """
    rows = []
    for kind in KINDS:
        first = firsts(data, kind)
        of_patient = label.to_numpy()[first["patient"]]
        for group in sorted(set(of_patient)):
            mine = first[of_patient == group]
            if len(mine) < overlay.FEWEST:
                continue
            last = min(YEAR, float(np.sort(mine["stop"])[-overlay.FEWEST]))
            grid = np.linspace(0.0, last, max(int(np.ceil(last / BIN)), 1) + 1)
            rng = np.random.default_rng(seed_of(seed, "incidence", kind, group))
            curve = expected_incidence(data, draws, kind, mine, grid, rng)
            mean, again = (np.vstack([np.zeros(x.shape[1]), x]) for x in curve)
            low, high = np.quantile(again, tails(ci_prob), axis=1)
            seen = {"day": grid, "observed": observed_incidence(mine, grid), "mean": mean.mean(1)}
            same = {"kind": kind, "group": group, "patients": len(mine)}
            rows.append(pd.DataFrame(same | seen | {"low": low, "high": high}))
    columns = ["kind", "group", "patients", "day", "observed", "mean", "low", "high"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def expected_incidence(data, draws, kind, first, grid, rng) -> list[np.ndarray]:
    """[expected, replicated] cumulative incidence at the ends of the bins of `grid`, shape (bin, draw) each."""
    start, stop = (first[c].to_numpy(float) for c in ("start", "stop"))
    low, high = np.maximum(start[:, None], grid[:-1]), np.minimum(stop[:, None], grid[1:])
    member, bin_ = np.nonzero(high > low)
    span = low[member, bin_], high[member, bin_]
    at_risk = np.bincount(bin_, span[1] - span[0], len(grid) - 1) / np.diff(grid)
    expected = np.zeros((len(grid) - 1, number_of(draws)))
    np.add.at(expected, bin_, cumulated(data, draws, kind, first["patient"].to_numpy()[member], *span))
    deaths = np.histogram(stop[first["cause"] == 2], grid)[0][:, None] * np.ones_like(expected)
    at_risk = np.where(at_risk > 0, at_risk, 1.0)[:, None]
    both = ({"onset": x / at_risk, "death": deaths / at_risk} for x in (expected, rng.poisson(expected)))
    return [overlay.incidence(rates)[1]["onset"] for rates in both]


def observed_incidence(first: pd.DataFrame, grid: np.ndarray) -> np.ndarray:
    """Aalen-Johansen estimate of the first onset at the days of `grid`, death competing."""
    start, stop, cause = (first[c].to_numpy() for c in ("start", "stop", "cause"))
    times, _, found = survival.aalen_johansen(start, stop, cause, [1, 2])
    return np.append(0.0, found[0])[np.searchsorted(times, grid, side="right")]


def counts(data: xr.Dataset, draws: Draws, ci_prob: float, seed: int) -> pd.DataFrame:
    """Episodes by kind and grade: columns kind, grade ("any" first), observed, mean, low, high of replicated counts
    over the days at risk that the study had. Grades are counted among as large a share as was graded."""
    rows = []
    for kind in KINDS:
        spells = (data[f"{kind}_spell_{c}"].to_numpy() for c in ("patient", "start", "stop"))
        patient, start, stop = spells
        expected = cumulated(data, draws, kind, patient, start, stop)
        grade = data[f"{kind}_onset_grade"].to_numpy()
        classes = [("any", len(grade), expected.sum(0))]
        if f"grade_{kind}" in draws:
            graded = np.mean(grade != onsets.NOT_GRADED)
            shares = grade_shares(data, draws, kind)[patient]
            for place, name in enumerate(data[f"{kind}_grade"].to_numpy()):
                classes.append((name, int((grade == place).sum()), graded * (expected * shares[:, place]).sum(0)))
        for name, seen, rate in classes:
            again = np.random.default_rng(seed_of(seed, "counts", kind, name)).poisson(rate)
            low, high = np.quantile(again, tails(ci_prob))
            row = {"kind": kind, "grade": name, "observed": seen, "mean": rate.mean(), "low": low, "high": high}
            rows.append(row)
    return pd.DataFrame(rows)


def grade_shares(data: xr.Dataset, draws: Draws, kind: str) -> np.ndarray:
    """P(grade) of an episode of each patient, shape (patient, grade, draw)."""
    cuts = logit(np.cumsum(draws[f"grade_{kind}"], axis=0)[:-1])
    below = expit(cuts - effect(data, draws, kind, "gamma")[:, None])
    ends = [np.full_like(below[:, :1], x) for x in (0.0, 1.0)]
    return np.diff(np.concatenate([ends[0], below, ends[1]], axis=1), axis=1)


def risks(data: xr.Dataset, posterior: Draws, prior: Draws, decision: dict) -> pd.DataFrame:
    """P(acute GVHD) that infusions alone bring to a reference patient: columns product, cells (of each infusion),
    infusions, spacing (days), seen (whether such a dose was given), given ("posterior", "prior"), mean, low, high; and
    the highest hazard, in percent a week, peak, peak_low, peak_high. An onset counts up to the horizon after the last
    infusion; no background.

    One infusion over the range of doses given; courses of the reference dose, and one infusion of all their cells.
    """
    rows = []
    reference = json.loads(data.attrs["options"])["reference_cells"]
    horizon, course = decision["gvhd"]["horizon"], decision["gvhd"]
    for place, product in enumerate(data["product"].to_numpy()):
        log_cells = data["infusion_log_cells"].to_numpy()[data["infusion_product"].to_numpy() == place]
        smallest, largest = reference * np.exp([log_cells.min(), log_cells.max()])
        named = [n * reference for n in (1, *course["infusions"])]
        between = np.geomspace(smallest, largest, DOSES) if largest > SAME * smallest else [smallest]
        doses = {*named, *(x for x in between if not np.isclose(x, named, rtol=SAME - 1).any())}
        plans = [(cells, 1, 0) for cells in sorted(doses)]
        plans += [(reference, n, spacing) for n in course["infusions"] for spacing in course["spacings"]]
        for given, draws in (("posterior", posterior), ("prior", prior)):
            for cells, n, spacing in plans:
                found = risk(draws, place, cells / reference, n, spacing, horizon)
                row = {"product": product, "cells": cells, "infusions": n, "spacing": spacing}
                row |= {"seen": bool(smallest <= SAME * cells and cells <= SAME * largest), "given": given}
                for name, values in zip(("", "peak"), found, strict=True):
                    low, high = np.quantile(values, tails(decision["ci_prob"]))
                    middle, edge = (name or "mean"), f"{name}_" if name else ""
                    row |= {middle: values.mean(), f"{edge}low": low, f"{edge}high": high}
                rows.append(row)
    columns = ["product", "cells", "infusions", "spacing", "seen", "given", "mean", "low", "high"]
    columns += ["peak", "peak_low", "peak_high"]
    return pd.DataFrame(rows, columns=columns)


def risk(draws: Draws, product: int, dose: float, infusions: int, spacing: float, horizon: float) -> list[np.ndarray]:
    """[P(acute GVHD) up to `horizon` days after the last infusion, highest hazard in percent a week], shape (draw,).
    dose: cells of each infusion, relative to the reference. The hazard is highest right after the last infusion."""
    r, h = -np.log1p(-draws["risk_acute"][product]) * dose ** draws["rho_gvhd"], draws["half_life_gvhd"]
    before = spacing * np.arange(infusions)[:, None]  # days from each infusion to the last one
    grown = r * (1 - np.exp2(-(before + horizon) / h)).sum(0)
    peak = r * np.log(2) / h * np.exp2(-before / h).sum(0)
    return [-np.expm1(-grown), 100 * WEEK * peak]


def read_truth(folder: str | None) -> dict | None:
    """Parameters of the gvhd model as a simulated study has them, from truth.yaml in `folder`: name -> value, or
    name -> {index: value}; None for real data. Windows are the simulator's own."""
    if not folder:
        return None
    written = yaml.safe_load(Path(folder, "truth.yaml").read_text())
    rules, product = written["gvhd"], written["gvhd"]["product"]
    found = {"rho_gvhd": product["dose_exponent"], "half_life_gvhd": product["half_life"]}
    found["risk_acute"] = dict.fromkeys(written["products"], product["risk"])
    for kind in KINDS:
        graft = rules["graft"][kind]
        days = graft["to_day"] - graft["from_day"]
        q = -np.expm1(np.log1p(-graft["incidence"]) * WITHIN / days)
        window = f"days {graft['from_day']:g}-{graft['to_day']:g}"
        found[f"background_{kind}"] = {f"{trial}, {window}": float(q) for trial in rules["graft"]["trials"]}
        found[f"grade_{kind}"] = rules[kind]["grades"]
        found |= {f"duration_{kind}": rules[kind]["duration"] * float(np.log(2)), f"shape_{kind}": 1.0}  # exponential
    return found
