"""Dynamic prediction: what a patient's history so far says of the days ahead, without a refit.

A predictor holds what a fit knows of patients in general, and nothing of any patient of its trial: draws of what
patients share, the vocabulary of its design, and the action threshold that the decision layer chose. With the tables of
other patients it gives cumulative incidences with their bands, the latent MRD of today, the probability that it stands
above the threshold, and the day of the next test: the first one on which that probability, if the patient is still
progression-free then, reaches what the config calls `due`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from redose import assay, covariates, design, files, history, newcomers, prediction, selection
from redose.prediction import Draws

STEP = 7  # days between the days on which a test may fall
CHUNK = 50  # patients at a time, which bounds the memory
FORMAT = "1"  # of the predictor's file
NO_SAMPLE = "no sample yet: as patients like this one"
FAR = 1.0  # widths of the trial's range of a covariate, beyond which nothing is foretold
TOO_FAR = "too far from the trial"
FEWEST = 3.0  # candidates that must count a draw
UNLIKE = "a history unlike those of the trial: the numbers are rough"


class PredictorError(ValueError):
    """A file that is no predictor, or none that this version reads."""


@dataclass(frozen=True)
class Action:
    """The action threshold: log10 tau at and above which MRD asks for the next dose, and the regime that it is of."""

    tau: float
    regime: str


@dataclass(frozen=True)
class Predictor:
    """What a fit knows of patients in general. words: the vocabulary of its design. half_lives: the table of priors,
    of which the medians of half-lives place nodes. action: None where no regime asks for a threshold. settings: the
    config's `decision: dynamic` with its ci_prob and the seed."""

    study: str
    model: str
    words: xr.Dataset
    draws: Draws
    about: dict
    options: dict
    priors: dict
    action: Action | None
    settings: dict


def action_of(regimes: pd.DataFrame | None) -> Action | None:
    """The action threshold of the adaptive regime of the highest expected utility; None without such a regime.

    regimes: the table of the decision layer."""
    if regimes is None:
        return None
    known = regimes[(regimes["kind"] == "adaptive") & regimes["tau"].notna()]
    if known.empty:
        return None
    best = known.loc[known["utility"].idxmax()]
    return Action(float(best["tau"]), str(best["regime"]))


def shared(posterior: xr.Dataset) -> xr.Dataset:
    """The variables of a posterior that are of no one patient."""
    return posterior[[n for n, x in posterior.data_vars.items() if not set(x.dims) & set(design.OF_PEOPLE)]]


def thinned(posterior: xr.Dataset, most: int) -> xr.Dataset:
    """At most `most` draws of what patients share, evenly spaced over all chains, dim draw first."""
    general = shared(posterior)
    found = {}
    for name, x in prediction.thin(general, most).items():
        dims = [d for d in general[name].dims if d not in ("chain", "draw")]
        found[name] = (("draw", *dims), np.moveaxis(x, -1, 0))
    return xr.Dataset(found)


def write(
    path: str | Path,
    study: str,
    data: xr.Dataset,
    posterior: xr.Dataset,
    about: dict,
    priors: dict,
    regimes: pd.DataFrame | None,
    settings: dict,
) -> None:
    """Writes the predictor of a fit. data: its design. regimes: the decision layer's table, None without one. settings:
    as in `Predictor`."""
    action = action_of(regimes)
    medians = {name: {"median": p["median"]} for name, p in priors.items() if name.startswith("half_life")}
    root = {"format": FORMAT, "study": study, "about": json.dumps(about), "priors": json.dumps(medians)}
    root |= {"action": json.dumps(None if action is None else vars(action)), "settings": json.dumps(settings)}
    groups = {"draws": thinned(posterior, settings["draws"]), "vocabulary": design.vocabulary(data)}
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs=root)} | groups)
    files.write_tree(tree, path)


def read(path: str | Path) -> Predictor:
    """The predictor at `path`. Raises PredictorError for any other file."""
    try:
        tree = files.read_tree(path)
        attrs, words = tree.attrs, tree["vocabulary"].to_dataset(inherit=False)
        draws = tree["draws"].to_dataset(inherit=False)
        found = attrs["format"]
    except (OSError, KeyError, ValueError) as fault:
        raise PredictorError(
            f"{path} is not a predictor ({type(fault).__name__}); give results/STUDY/MODEL/predictor.nc, which "
            "`snakemake` makes of an accepted fit."
        ) from None
    if found != FORMAT:
        raise PredictorError(f"{path} has format {found}, and this version reads {FORMAT}: make it again.")
    action = json.loads(attrs["action"])
    return Predictor(
        attrs["study"],
        words.attrs["model"],
        words,
        {n: np.moveaxis(x.to_numpy(), 0, -1) for n, x in draws.data_vars.items()},
        json.loads(attrs["about"]),
        json.loads(words.attrs["options"]),
        json.loads(attrs["priors"]),
        None if action is None else Action(**action),
        json.loads(attrs["settings"]),
    )


def condition(of: Predictor, tables: dict, seed: int) -> tuple[xr.Dataset, Draws, np.ndarray]:
    """(design of the patients in `tables`, draws with their own effects, candidates that counted): `newcomers`.

    Raises DesignError for what the fit knows nothing of."""
    data = design.build(tables, of.about, of.model, of.options, of.priors, like=of.words)
    return data, *newcomers.condition(data, of.draws, of.words, seed, common=True)


def part(tables: dict, patients: np.ndarray) -> dict:
    """The tables of some patients."""
    return {n: t[t["patient"].isin(patients)].reset_index(drop=True) for n, t in tables.items()}


def predict(of: Predictor, tables: dict) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(one row per patient, curves): patient, state, reason (empty where all is well), samples and counted (models of
    MRD), and the columns of `forecast`; its curves. In the order of the table of patients.

    tables: checked, of patients whose last interval is censored today, until when they are taken as free of
    progression; infusions after that are planned ones, samples after it are not read. A patient whose last interval
    ended otherwise has no prediction, and the reason says why. Raises DesignError for what the fit knows nothing of.
    """
    keys = tables["patients"]["patient"].to_numpy()
    found = []
    for first in range(0, len(keys), CHUNK):
        some = part(tables, keys[first : first + CHUNK])
        found.append(of_some(of, some))
    rows, lines = zip(*found, strict=True)
    lines = [x for x in lines if len(x)]
    curves = pd.concat(lines, ignore_index=True) if lines else pd.DataFrame(columns=CURVES)
    return pd.concat(rows, ignore_index=True), curves


def of_some(of: Predictor, tables: dict) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As `predict`, of so few patients that they fit into memory."""
    tables = history.today(tables)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # of what lies far from the trial
        return of_these(of, tables)


def of_these(of: Predictor, tables: dict) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As `of_some`, of tables as they stand today."""
    data, draws, counted = condition(of, tables, of.settings["seed"])
    last, outcome = selection.last_intervals(data), selection.last_outcomes(data, tables["intervals"])
    rows = pd.DataFrame({"patient": data["patient"].to_numpy(), "state": outcome.to_numpy()})
    rows["reason"] = rows["state"].map(selection.REASONS).fillna("")
    free, known = (rows["state"] == "censored").to_numpy() & (last >= 0), json.loads(data.attrs["codings"])
    rows.loc[free, "state"] = "progression-free"
    far = covariates.beyond(tables["patients"], known, FAR).to_numpy()
    rows["reason"] = rows["reason"].mask(free & (far != ""), [f"{TOO_FAR}: {x}" for x in far])
    rows["state"] = rows["state"].mask(free & (far != ""), TOO_FAR)
    ahead = np.flatnonzero(free & (far == ""))
    near = covariates.beyond(tables["patients"], known).map(lambda x: x and f"extrapolated from the trial: {x}")
    notes = [near.to_numpy(), late(data, last), strangers(of, data)]
    if data.attrs["link"] != "none":
        rows["samples"] = np.bincount(data["sample_patient"].to_numpy(), minlength=len(rows))
        rows["counted"] = counted
        notes += [np.where(rows["samples"] == 0, NO_SAMPLE, ""), np.where(counted < FEWEST, UNLIKE, "")]
        notes += [doses_beyond(data), doubtful(data, draws)]
    for note in notes:
        said = rows["reason"].where(rows["reason"] == "", rows["reason"] + "; ") + note
        rows["reason"] = rows["reason"].mask((note != "") & (rows["state"] == "progression-free"), said)
    if not len(ahead):
        return rows, pd.DataFrame(columns=CURVES)
    here = forecast(data, draws, last[ahead], of.action, of.settings)
    table = here.table.set_axis(ahead, axis=0)
    return rows.join(table), here.curves


CURVES = ("patient", "days", "outcome", "mean", "low", "high")


def strangers(of: Predictor, data: xr.Dataset) -> np.ndarray:
    """A word about every patient of a trial that the fit has not seen, where it has seen several, shape (patient,)."""
    known, trial = set(of.words["trial"].to_numpy()), data["trial"].to_numpy()[data["patient_trial"].to_numpy()]
    return np.array(
        [f"trial {t} is new to the fit" if len(known) > 1 and t not in known else "" for t in trial], object
    )


def doses_beyond(data: xr.Dataset) -> np.ndarray:
    """A sentence about every patient with an infusion of cells beyond the range of the trial, shape (patient,)."""
    said = np.full(data.sizes["patient"], "", dtype=object)
    if "product" not in data or not data.sizes["infusion"]:
        return said
    place, options = list(data["feature"].to_numpy()).index("psi"), json.loads(data.attrs["options"])
    owner, (low, high) = data["dose_patient"].to_numpy(), data.attrs["cells"]
    raw = data["dose_features"].to_numpy()[:, place] + data["mean_features"].to_numpy()[owner, place]
    cells = options["reference_cells"] * np.exp(raw)
    for k in np.flatnonzero((cells < low * (1 - 1e-6)) | (cells > high * (1 + 1e-6))):
        said[owner[k]] = f"an infusion of {cells[k]:.2g} cells, beyond {low:.2g} to {high:.2g} of the trial"
    return said


def doubtful(data: xr.Dataset, draws: Draws) -> np.ndarray:
    """A sentence about every patient with a reading that is more likely a false positive than not, shape (patient,)."""
    said = np.full(data.sizes["patient"], "", dtype=object)
    if not data.sizes["sample"]:
        return said
    y, lod, below, wrong = (data[f"sample_{x}"].to_numpy()[:, None] for x in ("y", "lod", "below", "false_positive"))
    day, owner = data["sample_day"].to_numpy(), data["sample_patient"].to_numpy()
    level = prediction.latent_mrd(data, draws, data["sample_interval"].to_numpy(), day)
    noise = prediction.noise(data, draws, np.arange(len(day))) | {"degrees": prediction.degrees(data)}
    either, real = (assay.log_density(y, lod, below, w, level, **noise) for w in (wrong, 0.0 * wrong))
    spurious = np.where(below[:, 0], 0.0, -np.expm1(np.minimum(real - either, 0.0)).mean(1))
    for k in np.flatnonzero(spurious > 0.5):
        expected, p = 10 ** np.median(level[k]), "over 0.99" if spurious[k] > 0.99 else f"{spurious[k]:.2f}"
        told = f"day {day[k]:g} reads {10 ** y[k, 0]:.1e} where {expected:.1e} is expected: a false positive with "
        said[owner[k]] += f"{'; ' if said[owner[k]] else ''}{told}probability {p}, repeat the test"
    return said


def late(data: xr.Dataset, last: np.ndarray) -> np.ndarray:
    """A sentence about every patient whose interval has lasted longer than any of the trial, else "", shape
    (patient,). last: its last interval, -1 without one."""
    clock, longest = data["interval_exit"].to_numpy(), data.attrs["longest"]
    told = f"day {{:.0f}} of its interval, beyond all {longest:.0f} of the trial"
    return np.array([told.format(clock[k]) if k >= 0 and clock[k] > longest else "" for k in last], dtype=object)


@dataclass(frozen=True)
class Forecast:
    """table: a row per interval. curves: patient, days (after today; before it negative), outcome ("free" or a cause,
    probabilities; "mrd", log10 from the start of the interval on), mean, low, high."""

    table: pd.DataFrame
    curves: pd.DataFrame


def forecast(data: xr.Dataset, draws: Draws, interval: np.ndarray, action: Action | None, wanted: dict) -> Forecast:
    """What lies ahead of the ends of these intervals. Columns of the table: today, and for D in `wanted.days` the mean
    of free_D, progression_D, ... with _low and _high; of models of MRD mrd, mrd_low, mrd_high (log10, today), and with
    an action threshold p_above (today), next_test (calendar day) and next_test_by ("due", or "latest" where P(above)
    does not reach `due` by then)."""
    tails, days = [(1 - wanted["ci_prob"]) / 2, (1 + wanted["ci_prob"]) / 2], wanted["days"]
    grid = np.unique([*np.arange(0, max(days), wanted["every"]), *days])
    free, ends = selection.incidence(data, draws, interval, list(grid))
    owner = data["patient"].to_numpy()[data["interval_patient"].to_numpy()[interval]]
    end = (data["interval_exit"] + data["interval_origin"]).to_numpy()[interval]
    table, lines = {"today": end}, []
    for name, x in ({"free": free} | ends).items():
        low, high = np.quantile(x, tails, axis=2)
        for d in days:
            k = int(np.searchsorted(grid, d))
            table |= {f"{name}_{d}": x[:, k].mean(1), f"{name}_{d}_low": low[:, k], f"{name}_{d}_high": high[:, k]}
        each = {"patient": np.repeat(owner, len(grid)), "days": np.tile(grid, len(owner)), "outcome": name}
        lines.append(pd.DataFrame(each | {"mean": x.mean(2).ravel(), "low": low.ravel(), "high": high.ravel()}))
    if data.attrs["link"] != "none":
        table |= marker_today(data, draws, interval, end, action, wanted, tails)
        lines.append(trajectories(data, draws, interval, end, max(days), tails))
    return Forecast(pd.DataFrame(table), pd.concat(lines, ignore_index=True))


def marker_today(data: xr.Dataset, draws: Draws, interval, end, action: Action | None, wanted: dict, tails) -> dict:
    """Latent level at the ends of these intervals, and what the action threshold makes of it: columns of `forecast`."""
    now = prediction.latent_mrd(data, draws, interval, end)
    low, high = np.quantile(now, tails, axis=1)
    found = {"mrd": np.median(now, axis=1), "mrd_low": low, "mrd_high": high}
    if action is None:
        return found
    test = np.arange(0, wanted["latest"] + 1, STEP)
    sampled = np.isin(interval, data["sample_interval"].to_numpy()[tested_at_end(data)])
    at, day = np.repeat(interval, len(test)), (end[:, None] + test).ravel()
    level = prediction.latent_mrd(data, draws, at, day).reshape(len(interval), len(test), -1)
    free, _ = selection.incidence(data, draws, interval, list(test))
    above = (free * (level >= action.tau)).sum(2) / free.sum(2)
    due = above >= wanted["due"]
    due[:, 0] &= ~sampled  # whoever was tested today is tested again later
    first = np.where(due.any(1), test[due.argmax(1)], test[-1])
    why = np.where(due.any(1), "due", "latest")
    return found | {"p_above": (now >= action.tau).mean(1), "next_test": end + first, "next_test_by": why}


def trajectories(data: xr.Dataset, draws: Draws, interval, end, horizon: float, tails: list[float]) -> pd.DataFrame:
    """The latent level from the start of each interval to `horizon` days after its end: rows of `Forecast.curves`."""
    rows = []
    for k, today in zip(interval, end, strict=True):
        start = float(data["interval_start"][k])
        day = np.unique([*np.arange(start, today + horizon, STEP), today, today + horizon])
        level = prediction.latent_mrd(data, draws, np.full(len(day), k), day)
        low, middle, high = np.quantile(level, [tails[0], 0.5, tails[1]], axis=1)
        owner = data["patient"].to_numpy()[int(data["interval_patient"][k])]
        each = {"patient": owner, "days": day - today, "outcome": "mrd", "mean": middle, "low": low, "high": high}
        rows.append(pd.DataFrame(each))
    return pd.concat(rows, ignore_index=True)


def tested_at_end(data: xr.Dataset) -> np.ndarray:
    """True for samples of the last day of their interval's follow-up, shape (sample,)."""
    end = (data["interval_exit"] + data["interval_origin"]).to_numpy()
    return data["sample_day"].to_numpy() >= end[data["sample_interval"].to_numpy()]
