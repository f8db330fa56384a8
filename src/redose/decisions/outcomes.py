"""Outcomes of every regime under every draw: all paths of a chunk of draws, averaged over patients and subgroups."""

import json

import numpy as np
import pandas as pd
import xarray as xr

from redose import covariates, prediction
from redose.decisions import path, people, records
from redose.decisions import regimes as rules
from redose.decisions.regimes import Regime, RegimeError
from redose.prediction import Draws

EVERYBODY = "all patients"


def assay_of(about: dict, decision: dict) -> dict:
    """The assay of the regimes' tests: name, lod, false_positive_rate, sigma (None: that of the fit). The config's own
    numbers come before those of study.yaml; without a name it is the assay with the lowest limit.

    Raises RegimeError for an assay that the study does not have.
    """
    own, known = decision["assay"], {n: a for n, a in about["assays"].items() if "lod" in a}
    name = own.get("name", min(known, key=lambda n: known[n]["lod"], default=""))
    if name not in known and "lod" not in own:
        words = ", ".join(known) or "none with a limit of detection"
        raise RegimeError(f"config: decision.assay: no assay '{name}' in study.yaml ({words}): give its lod here.")
    described = {"false_positive_rate": 0.0, "sigma": None} | known.get(name, {}) | own
    return {k: described[k] for k in ("lod", "false_positive_rate", "sigma")} | {"name": name}


def assay(data: xr.Dataset, draws: Draws, of: dict) -> records.Assay:
    """The test, for the kernel. of: from `assay_of`."""
    count, assays = len(draws["mu_b"]), list(data["assay"].to_numpy())
    if of["sigma"] is not None:
        sigma = np.full(count, float(of["sigma"]))
    else:
        sigma = draws["sigma"][assays.index(of["name"])] if of["name"] in assays else draws["sigma"].mean(0)
    width = draws.get("detection", np.zeros(count))
    degrees = prediction.degrees(data) or 0.0
    numbers = float(np.log10(of["lod"])), float(of["false_positive_rate"]), float(degrees)
    return people.plain(records.Assay, numbers[0], sigma, width, *numbers[1:])


def after_transplant(of: dict) -> records.After:
    """Hazards a day from the one-year incidences of the config; two competing constant hazards have them."""
    total = of["progression"] + of["death"]
    hazard = -np.log1p(-total) / 365.25 / total
    return records.After(float(of["progression"] * hazard), float(of["death"] * hazard), float(of["gvhd"]))


def subgroups(
    data: xr.Dataset, patients: pd.DataFrame, about: dict, interval: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """(names, cell of every interval's patient): above and below the medians of the covariates of burden and of the
    microenvironment; one cell where the study has none."""
    table = patients.set_index("patient").loc[data["patient"].to_numpy()]
    columns = covariates.told_apart_by(table, about)
    owner = data["interval_patient"].to_numpy()[interval]
    high = [(table[c] > table[c].median()).to_numpy()[owner] for c in columns]
    labels = [about["covariates"][c]["label"] for c in columns]
    names, cell = [EVERYBODY], np.zeros(len(interval), dtype=int)
    for label, above in zip(labels, high, strict=True):
        of_label = [f"{label} {word}" for word in ("low", "high")]
        names = [word if n == EVERYBODY else f"{n}, {word}" for n in names for word in of_label]
        cell = 2 * cell + above
    return names, cell


def simulate(
    data: xr.Dataset,
    draws: Draws,
    fit_of_gvhd: tuple | None,
    patients: pd.DataFrame,
    about: dict,
    decision: dict,
    first: int,
    seed: int,
) -> xr.Dataset:
    """Mean outcomes of these draws: `outcome`, dims draw, regime, cell, outcome (float32), and `patients` by cell.

    draws: a chunk; first: place of its first draw among all. fit_of_gvhd: (design, the same number of draws) of the
    model gvhd, None without. seed: the config's. Raises RegimeError for regimes that cannot be simulated.
    """
    ahead, used = decision["ahead"], assay_of(about, decision)
    reference = json.loads(data.attrs["options"])["reference_cells"]
    every = rules.all_of(decision, reference, np.log10(used["lod"]))
    interval = people.members(data, ahead["patients"], ahead["most"])
    names, cell = subgroups(data, patients, about, interval)
    counts = np.bincount(cell, minlength=len(names))
    world = arrays(data, draws, fit_of_gvhd, about, decision, every, interval, cell, first, seed)
    found = path.outcomes(*rules.rules(every), world, counts)
    coords = {"draw": first + np.arange(len(found)), "regime": [r.name for r in every], "cell": names}
    coords["outcome"] = list(path.OUTCOMES)
    dims = ("draw", "regime", "cell", "outcome")
    return xr.Dataset({"outcomes": (dims, found.astype(np.float32)), "patients": ("cell", counts)}, coords=coords)


def arrays(
    data, draws, fit_of_gvhd, about, decision: dict, every: list[Regime], interval, cell, first: int, seed: int
) -> records.World:
    """What the kernel reads after the rules."""
    ahead = decision["ahead"]
    steps = int(ahead["horizon"] // ahead["step"])
    reference = json.loads(data.attrs["options"])["reference_cells"]
    return records.World(
        people.people(data, draws, interval, ahead["patients"], cell, seed),
        people.hazards(data, draws, float(ahead["step"]), steps),
        people.kill(data, draws, every, reference),
        people.gvhd(fit_of_gvhd, data, draws, every, interval, decision, about),
        assay(data, draws, assay_of(about, decision)),
        after_transplant(decision["transplant"]),
        records.Setting(float(ahead["step"]), steps, seed, first),
    )


def chunk(draws: Draws, size: int, number: int) -> tuple[Draws, int]:
    """(the draws of a chunk, place of its first one)."""
    first = size * number
    return {name: x[..., first : first + size] for name, x in draws.items()}, first


def everybody(found: xr.Dataset) -> xr.DataArray:
    """Outcomes averaged over all patients, dims draw, regime, outcome, float64."""
    weight = found["patients"] / found["patients"].sum()
    return (found["outcomes"].astype(float) * weight).sum("cell")
