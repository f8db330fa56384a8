"""Every table of the decision layer, from the simulated outcomes and what they rest on."""

import json

import numpy as np
import pandas as pd
import xarray as xr

from redose import prediction
from redose.decisions import choice, outcomes, path, people, support, utility, worked
from redose.decisions import regimes as rules
from redose.decisions.regimes import RegimeError
from redose.prediction import Draws

FEW = 50  # draws from which the path of one patient is chosen


def draws_of(posterior: xr.Dataset, of_gvhd: xr.Dataset | None, most: int) -> tuple[Draws, Draws | None]:
    """At most `most` draws of the joint model and as many of the model gvhd, paired in any order: the two posteriors
    are independent."""
    sizes = [x.sizes["chain"] * x.sizes["draw"] for x in (posterior, of_gvhd) if x is not None]
    count = min(most, *sizes)
    return prediction.thin(posterior, count), None if of_gvhd is None else prediction.thin(of_gvhd, count)


def require_infusions(data: xr.Dataset) -> None:
    """Raises RegimeError for a study without infusions: there is no kill to simulate a regime with."""
    if not data.sizes["infusion"]:
        raise RegimeError(
            "config: decision.regimes: this study has no infusions, so nothing is known of what one does; say "
            "`trajectory: linear` (or spline) under kinetics of the model, which then has no regimes."
        )


def deeper_ratio(data: xr.Dataset, draws: Draws, lod: float) -> float:
    """Samples above the limit that a deeper assay would add, per one that is above it now: what it would say more of
    the kinetics. A sample below its limit counts as saying nothing, so this is at most what there is. lod: log10."""
    rows = data[["sample_interval", "sample_day"]]
    interval, day = (rows[n].to_numpy() for n in ("sample_interval", "sample_day"))
    level = prediction.latent_mrd(data, draws, interval, day)
    below = data["sample_below"].to_numpy()
    now = float((~below).sum())
    gained = (level[below] >= np.minimum(lod, data["sample_lod"].to_numpy()[below])[:, None]).mean(1).sum()
    return float(gained / max(now, 1.0))


def verdict(
    found: xr.Dataset,
    data: xr.Dataset,
    prior: xr.Dataset,
    draws: Draws,
    fit_of_gvhd: tuple | None,
    tables: dict,
    about: dict,
    decision: dict,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Name -> table: regimes, best, information, sensitivity, preferred, acceptability, subgroups, support, overlaps,
    suppression, worked. found: the chunks of `outcomes.simulate`, put together along the draws."""
    every, lod = simulated(data, about, decision)
    everybody, of = outcomes.everybody(found), decision["utility"]
    u = utility.utility(everybody, every, of)
    known = choice.parameters(draws, fit_of_gvhd[1] if fit_of_gvhd else None)
    wanted = decision["information"]
    deeper = deeper_ratio(data, few(draws), float(np.log10(wanted["lod"])))
    summary = choice.summary(everybody, every, of, decision["ci_prob"])
    visited = support.positivity(tables, every, decision["ahead"]["step"], decision["support"])
    interval = people.members(data, decision["ahead"]["patients"], decision["ahead"]["most"])
    cell = np.zeros(len(interval), dtype=int)
    own = (fit_of_gvhd[0], few(fit_of_gvhd[1])) if fit_of_gvhd else None
    world = outcomes.arrays(data, few(draws), own, about, decision, every, interval, cell, 0, seed)
    places = worked.shown(every, u.mean(0))
    spacings = sorted({decision["ahead"]["step"] * r.fixed for r in every if r.fixed > 0})
    crowd = people.people(data, draws, interval, decision["ahead"]["patients"], cell, seed)
    return {
        "regimes": summary.merge(visited[["regime", "far"]], on="regime"),
        "best": choice.best_tau(u, every),
        "information": choice.information(
            u, known, data.sizes["patient"], wanted["patients"], deeper, of["willingness"]
        ),
        "sensitivity": choice.sensitivity(everybody, every, of),
        "preferred": choice.preferred(everybody, every, of),
        "acceptability": choice.acceptability(everybody, every, of),
        "subgroups": choice.by_subgroup(found, every, of, decision["ci_prob"]),
        "support": visited,
        "overlaps": support.overlaps(prior, unthinned(draws, prior), decision["support"]["overlap"]),
        "suppression": worked.suppression(draws, crowd, spacings),
        "worked": worked.example(every, places, world, lod),
    }


def simulated(data: xr.Dataset, about: dict, decision: dict) -> tuple[list[rules.Regime], float]:
    """(regimes in the order of the outcomes, log10 LOD of their tests)."""
    lod = float(np.log10(outcomes.assay_of(about, decision)["lod"]))
    return rules.all_of(decision, json.loads(data.attrs["options"])["reference_cells"], lod), lod


def by_draw(found: xr.Dataset, data: xr.Dataset, about: dict, decision: dict) -> pd.DataFrame:
    """What `regimes` is the summary of, a row per draw (the index) and regime. Arguments as in `verdict`."""
    return choice.by_draw(outcomes.everybody(found), simulated(data, about, decision)[0], decision["utility"])


def few(draws: Draws) -> Draws:
    """The first FEW draws."""
    return {name: x[..., :FEW] for name, x in draws.items()}


def unthinned(draws: Draws, like: xr.Dataset) -> xr.Dataset:
    """Draws in the form of `like`, one chain."""
    named = {n: x for n, x in draws.items() if n in like}
    dims = {n: ["draw", *(d for d in like[n].dims if d not in ("chain", "draw"))] for n in named}
    found = {n: (dims[n], np.moveaxis(x, -1, 0)) for n, x in named.items()}
    coords = {d: like[d] for names in dims.values() for d in names if d != "draw" and d in like.coords}
    return xr.Dataset(found, coords=coords).expand_dims("chain")


def wide(found: xr.Dataset) -> pd.DataFrame:
    """The outcomes as a table, a row per draw, regime and cell; float32, for Parquet."""
    table = found["outcomes"].to_dataset("outcome").to_dataframe().reset_index()
    return table[["draw", "regime", "cell", *path.OUTCOMES]]
