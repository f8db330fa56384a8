"""Observed against expected: Kaplan-Meier and cumulative incidence by group, with the model laid over them.

The model's curve averages the hazards of those still at risk, day by day, so it is compared with the data at the very
risk sets that the data had, and no path of doses, tests or GVHD beyond a patient's own follow-up has to be invented.
A patient's frailty is what the model would have predicted from its past on each day: E[exp(v) | events and exposure
before that day]. So observed minus expected events are a martingale (Andersen & Gill 1982), and a patient's own event
does not explain itself. The traits of the MRD kinetics are those of the fit, which has seen the patient's samples.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from redose import prediction, survival
from redose.cohort.groups import grouped_by
from redose.seeds import seed_of

DRAWS = 200
NODES = 24  # Gauss-Hermite, over the frailty
CHUNK = 400  # points whose frailty is predicted at once
BINS = 60
FEWEST = 5  # intervals in a group, and at risk at the end of its curve


@dataclass(frozen=True)
class Group:
    """Intervals that are compared together: by a column of patients, and by interval number."""

    name: str
    number: str
    members: np.ndarray


def label(patients: pd.DataFrame) -> pd.Series:
    """What patients are grouped by: the planned schedule where schedules differ, else the arm."""
    return patients[grouped_by(patients)]


def groups(data: xr.Dataset, label: pd.Series) -> list[Group]:
    """Groups with at least FEWEST intervals: every level of `label` (by patient) x interval 1, 2, 3 and later."""
    patient, number = data["interval_patient"].to_numpy(), data["interval_number"].to_numpy()
    of_interval = label.to_numpy()[patient]
    found = []
    for level in sorted(label.unique()):
        for text, chosen in (("1", number == 1), ("2", number == 2), ("3 and later", number >= 3)):
            members = np.flatnonzero((of_interval == level) & chosen)
            if len(members) >= FEWEST:
                found.append(Group(level, text, members))
    return found


def horizon(data: xr.Dataset, group: Group) -> float:
    """Days on the clock up to which at least FEWEST intervals of the group are at risk."""
    return float(np.sort(data["interval_exit"].to_numpy()[group.members])[-FEWEST])


def expected_events(data: xr.Dataset, draws: prediction.Draws, group: Group, grid: np.ndarray):
    """(exposure, expected): days at risk by bin, shape (bin,); cause -> expected events by bin, shape (bin, draw)."""
    entry, stop = (data[f"interval_{x}"].to_numpy()[group.members] for x in ("entry", "time"))
    low, high = np.maximum(entry[:, None], grid[:-1]), np.minimum(stop[:, None], grid[1:])
    member, bin_ = np.nonzero(high > low)
    overlap = (high - low)[member, bin_]
    middle = ((high + low) / 2)[member, bin_]
    exposure = np.bincount(bin_, overlap, len(grid) - 1)
    alone = {name: x for name, x in draws.items() if name != "v"}
    hazards = prediction.log_hazards(data, alone, group.members[member], middle)
    grown = {c: np.exp(x) * overlap[:, None] for c, x in hazards.items()}
    expected = {}
    for cause, factor in predicted_frailty(data, alone, group.members[member], member, grown).items():
        summed = np.zeros((len(grid) - 1, factor.shape[1]))
        np.add.at(summed, bin_, grown[cause] * factor)
        expected[cause] = summed
    return exposure, expected


def predicted_frailty(data: xr.Dataset, draws: prediction.Draws, interval, member, grown: dict) -> dict:
    """Cause -> E[exp(v)] or E[exp(φ v)] given the patient's past before each point, shape (point, draw).

    interval: index of the interval of each point; member: running number of it, points sorted by member and time;
    grown: cause -> cumulative hazard over the point's bin without the frailty, shape (point, draw).
    """
    if "omega_v" not in draws:
        return {c: np.ones_like(x) for c, x in grown.items()}
    node, weight = np.polynomial.hermite_e.hermegauss(NODES)
    v = draws["omega_v"][:, None] * node  # (draw, node)
    shift = {c: v if c == "progression" else draws[f"phi_{c}"][:, None] * v for c in grown}
    earlier, events = earlier_intervals(data, draws)
    first = np.searchsorted(member, member)
    past = {}
    for cause, x in grown.items():
        total = np.cumsum(x, axis=0)
        past[cause] = earlier[cause][interval] + total - (total - x)[first] - x / 2  # to the middle of the bin
    found = {c: np.empty_like(x) for c, x in grown.items()}
    for at in np.array_split(np.arange(len(interval)), max(len(interval) // CHUNK, 1)):
        log_density = np.log(weight) + events[interval[at], None, None] * v
        for cause, x in past.items():
            log_density = log_density - x[at][:, :, None] * np.exp(shift[cause])
        density = np.exp(log_density - log_density.max(2, keepdims=True))
        for cause in found:
            found[cause][at] = (density * np.exp(shift[cause])).sum(2) / density.sum(2)
    return found


def earlier_intervals(data: xr.Dataset, draws: prediction.Draws) -> tuple[dict, np.ndarray]:
    """(exposure, events): cause -> cumulative hazard without frailty over the patient's earlier intervals, shape
    (interval, draw); number of its earlier progressions, shape (interval,)."""
    rows = np.arange(data.sizes["row"])
    at = data["row_interval"].to_numpy()
    owner, number = data["interval_patient"].to_numpy(), data["interval_number"].to_numpy()
    before = (owner[:, None] == owner) & (number[:, None] > number)  # (interval, earlier interval)
    exposure = {}
    for cause, value in prediction.log_hazards(data, draws, at, data["row_clock"].to_numpy()).items():
        total = np.zeros((data.sizes["interval"], value.shape[1]))
        np.add.at(total, at, prediction.cumulated(data, draws, cause, rows, value))
        exposure[cause] = before.astype(float) @ total
    progressed = data["interval_event"].to_numpy() == "progression"
    return exposure, before.astype(float) @ progressed


def incidence(increments: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(survival, CIF by cause) at bin ends from cumulative-hazard increments, shape (bin, draw) each."""
    total = sum(increments.values())
    free = np.exp(-np.cumsum(total, axis=0))
    before = np.concatenate([np.ones((1, free.shape[1])), free[:-1]])
    share = -np.expm1(-total) / np.where(total > 0, total, 1.0)
    return free, {c: np.cumsum(before * x * share, axis=0) for c, x in increments.items()}


def observed(data: xr.Dataset, group: Group, times: np.ndarray) -> dict[str, np.ndarray]:
    """ "free" (Kaplan-Meier of being alive and progression-free) and the CIF of each cause, at `times`.

    A progression known only to lie between two assessments counts at their middle.
    """
    causes = prediction.causes(data)
    names = data["interval_event"].to_numpy()[group.members]
    code = np.select([names == c for c in causes], np.arange(1, len(causes) + 1), 0)
    entry, stop = (data[f"interval_{x}"].to_numpy()[group.members] for x in ("entry", "time"))
    at, free, cif = survival.aalen_johansen(entry, stop, code, range(1, len(causes) + 1))
    place = np.searchsorted(at, times, side="right")
    steps = {"free": np.append(1.0, free)[place]}
    return steps | {c: np.append(0.0, x)[place] for c, x in zip(causes, cif, strict=True)}


def curves(data: xr.Dataset, draws: prediction.Draws, chosen: list[Group], ci_prob: float, seed: int) -> pd.DataFrame:
    """One row per group, interval number, quantity ("free" or a cause) and day: observed, mean, low, high.

    low, high: equal-tailed band of what a replicated trial with the same risk sets would show (events Poisson about
    the expected number), so the observed curve should leave it about 1 - ci_prob of the time.
    """
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    rows = []
    for group in chosen:
        grid = np.linspace(data["interval_entry"].to_numpy()[group.members].min(), horizon(data, group), BINS + 1)
        exposure, expected = expected_events(data, draws, group, grid)
        at_risk = np.where(exposure > 0, exposure, 1.0)[:, None] / np.diff(grid)[:, None]
        free, cif = incidence({c: x / at_risk for c, x in expected.items()})
        rng = np.random.default_rng(seed_of(seed, "overlay", group.name, group.number))
        again = incidence({c: rng.poisson(x) / at_risk for c, x in expected.items()})
        seen = observed(data, group, grid[1:])
        for name, value, replicate in [("free", free, again[0]), *((c, cif[c], again[1][c]) for c in cif)]:
            low, high = np.quantile(replicate, tails, axis=1)
            part = {"day": grid[1:], "observed": seen[name], "mean": value.mean(1), "low": low, "high": high}
            rows.append(pd.DataFrame({"group": group.name, "interval": group.number, "quantity": name, **part}))
    columns = ["group", "interval", "quantity", "day", "observed", "mean", "low", "high"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def lengths(data: xr.Dataset, draws: prediction.Draws, chosen: list[Group], days: list[int], ci_prob: float):
    """(table, by_draw) of progression-free intervals by group: one row per group, interval number and quantity, with n
    and events; and one row per group, interval number and draw (the index), its quantities as columns, empty where the
    group was not followed so long.

    quantity: "free_D" = P(alive and progression-free at day D), "rmst_D" = restricted mean days free to day D, for
    every D in `days` up to which the group was followed; mean, low, high of the posterior, observed (Kaplan-Meier).
    """
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    rows, by_draw = [], []
    quantities = [f"{name}_{d}" for d in days for name in ("free", "rmst")]
    for group in chosen:
        of_group = {"group": group.name, "interval": group.number}
        events = int((data["interval_event"].to_numpy()[group.members] != "none").sum())
        values = dict.fromkeys(quantities, np.nan)
        for day in (d for d in days if d <= horizon(data, group)):
            for name, (value, empirical) in length(data, draws, group, day).items():
                low, high = np.quantile(value, tails)
                row = of_group | {"n": len(group.members), "events": events, "quantity": name}
                rows.append(row | {"mean": value.mean(), "low": low, "high": high, "observed": empirical})
                values[name] = value
        by_draw.append(pd.DataFrame(of_group | values, index=range(prediction.count(draws))))
    columns = ["group", "interval", "n", "events", "quantity", "mean", "low", "high", "observed"]
    empty = pd.DataFrame(columns=["group", "interval", *quantities])
    return pd.DataFrame(rows, columns=columns), pd.concat(by_draw) if by_draw else empty


def length(data: xr.Dataset, draws: prediction.Draws, group: Group, day: int) -> dict[str, tuple]:
    """Quantity of `lengths` -> (posterior, shape (draw,), Kaplan-Meier value) up to one day."""
    start = data["interval_entry"].to_numpy()[group.members].min()
    grid, fine = (np.linspace(start, day, n * BINS + 1) for n in (1, 20))
    exposure, expected = expected_events(data, draws, group, grid)
    at_risk = np.where(exposure > 0, exposure, 1.0)[:, None] / np.diff(grid)[:, None]
    free, _ = incidence({c: x / at_risk for c, x in expected.items()})
    free = np.vstack([np.ones(free.shape[1]), free])
    seen = observed(data, group, fine)["free"]
    return {
        f"free_{day}": (free[-1], seen[-1]),
        f"rmst_{day}": (np.trapezoid(free, grid, axis=0), np.trapezoid(seen, fine)),
    }
