"""What conclusions rest on: decisions that the data visited, and parameters that stay as the prior has them.

Positivity: a regime asks for decisions (infuse now, or wait). Where the study hardly ever took them, its outcome is
extrapolated by the model alone.
"""

import numpy as np
import pandas as pd
import xarray as xr

from redose import prediction
from redose.decisions import choice
from redose.decisions.regimes import Regime

BINS = 40
EVERY = 10**9  # draws at most
TRANSPLANT, WITHOUT = 30.0, 180.0  # days about a transplant; days without an infusion that count as none


def samples(tables: dict) -> pd.DataFrame:
    """Samples within intervals: patient, day, y (log10; -inf below the limit), rise over the lowest reading since the
    last infusion (log10, the limit where below), until (days to the next infusion, infinite without), gap (days since
    the last sample)."""
    mrd, ends = tables["mrd"], tables["intervals"]
    y = np.where(mrd["below"], -np.inf, np.log10(mrd["mrd"].where(~mrd["below"], 1.0).astype(float)))
    table = mrd[["patient", "day"]].assign(y=y, floor=np.log10(mrd["lod"].astype(float)))
    table = table.sort_values(["patient", "day"], kind="stable")
    parts = []
    for patient, own in table.groupby("patient", sort=False):
        given = np.sort(tables["infusions"].loc[tables["infusions"]["patient"] == patient, "day"].to_numpy(float))
        spans = ends.loc[ends["patient"] == patient, ["start_day", "end_day"]].to_numpy(float)
        day, read = own["day"].to_numpy(float), np.maximum(own["y"], own["floor"]).to_numpy()
        after = np.searchsorted(given, day, side="left")
        until = np.append(given, np.inf)[after] - day
        nadir = pd.Series(read).groupby(after).transform(lambda x: x.cummin().shift(fill_value=np.inf)).to_numpy()
        inside = ((day[:, None] >= spans[:, 0]) & (day[:, None] < spans[:, 1])).any(1)
        rise = np.where(np.isfinite(own["y"]), own["y"].to_numpy() - nadir, -np.inf)
        found = own.assign(rise=rise, until=until, gap=np.diff(day, prepend=np.nan))
        parts.append(found[inside])
    return pd.concat(parts, ignore_index=True) if parts else table.assign(rise=0.0, until=0.0, gap=0.0)


def positivity(tables: dict, regimes: list[Regime], step: float, of: dict) -> pd.DataFrame:
    """A row per regime: acted (decisions of the data to infuse as the regime would), waited (decisions not to, where it
    would), tested (gaps between samples as short as its), far (the data hardly visited it), why.

    of: `decision.support` of the config. step: days.
    """
    seen, near = samples(tables), of["tolerance"]
    infusions = tables["infusions"].sort_values(["patient", "day"])
    between = infusions.groupby("patient")["day"].diff().dropna().to_numpy(float)
    rows = []
    for r in regimes:
        row = {"regime": r.name, "acted": 0, "waited": 0, "tested": 0}
        if r.tests:
            hit = seen[(seen["y"] >= r.tau) | (seen["rise"] >= r.rise)]
            soon = hit["until"] <= step * r.wait + near
            row["acted"], row["waited"] = int(soon.sum()), int((~soon).sum())
            row["tested"] = int((seen["gap"] <= step * r.test + near).sum())
            short = [words for words, n in zip(WORDS, list(row.values())[1:], strict=True) if n < of["fewest"]]
        else:
            row["acted"] = visits(tables, r, between, step, near)
            short = [WORDS[0]] if row["acted"] < of["fewest"] else []
        rows.append(row | {"far": bool(short), "why": "; ".join(f"fewer than {of['fewest']} {w}" for w in short)})
    return pd.DataFrame(rows)


WORDS = ("decisions as the regime's", "decisions against it", "samples as close together")


def visits(tables: dict, regime: Regime, between: np.ndarray, step: float, near: float) -> int:
    """How often the data did what a regime without tests asks for: infusions so far apart, transplants on that day, or
    patients without a further infusion."""
    intervals = tables["intervals"]
    if regime.kind == "fixed":
        return int((np.abs(between - step * regime.fixed) <= near).sum())
    if regime.kind == "bridge":
        days = (intervals["end_day"] - intervals["start_day"])[intervals["outcome"] == "transplant"]
        return int(((days - step * regime.transplant).abs() <= TRANSPLANT).sum())
    if regime.kind == "autologous":
        first = tables["infusions"].groupby("patient")["day"].min()
        return int(((first - step * regime.start).abs() <= near).sum()) if regime.start > 0 else len(first)
    last = tables["infusions"].groupby("patient")["day"].max()
    end = intervals.groupby("patient")["end_day"].max().reindex(last.index)
    return int((end - last >= WITHOUT).sum())


def overlap(prior: np.ndarray, posterior: np.ndarray) -> float:
    """Overlap of two samples, 0 (apart) to 1 (the same): Σ min of their shares in bins of equal share of both."""
    edges = np.quantile(np.concatenate([prior, posterior]), np.linspace(0, 1, BINS + 1))
    edges[0], edges[-1] = -np.inf, np.inf
    shares = [np.histogram(x, np.unique(edges))[0] / len(x) for x in (prior, posterior)]
    return float(np.minimum(*shares).sum())


def overlaps(prior: xr.Dataset, posterior: xr.Dataset, most: float) -> pd.DataFrame:
    """Population parameters with the overlap of prior and posterior: columns parameter, group, overlap, marked."""
    rows = []
    for name in posterior.data_vars:
        group = group_of(str(name))
        if group is None or name not in prior:
            continue
        flat = [prediction.thin(x[[name]], EVERY)[name] for x in (prior, posterior)]
        flat = [x.reshape(-1, x.shape[-1]) for x in flat]
        dims = [d for d in posterior[name].dims if d not in ("chain", "draw")]
        labels = pd.MultiIndex.from_product([posterior[d].to_numpy() for d in dims]) if dims else [""]
        for k, label in enumerate(labels):
            where = ", ".join(map(str, label)) if dims else ""
            shared = overlap(flat[0][k], flat[1][k])
            rows.append((f"{name}[{where}]" if dims else str(name), group, shared, shared >= most))
    table = pd.DataFrame(rows, columns=["parameter", "group", "overlap", "marked"])
    return table.sort_values("overlap", ascending=False, kind="stable", ignore_index=True)


def group_of(name: str) -> str | None:
    """The group of a parameter, None for what is no population parameter."""
    stem = choice.stem_of(name)
    return next((group for group, stems in choice.GROUPS.items() if stem in stems), None)
