"""Prediction judged on patients whom the fit has not seen: refits without a part of them.

Every fold leaves some patients out, fits the model to the others, and predicts for those left out from what was known
of them on each landmark day (`history`): cumulative incidences of every cause within each horizon. The same patients,
days and horizons are predicted by methods that know less (`references`), learnt from the same others.
"""

import hashlib
import json

import numpy as np
import pandas as pd
import xarray as xr

from redose import (
    acceptance,
    accuracy,
    design,
    diagnostics,
    dynamic,
    history,
    newcomers,
    prediction,
    priors,
    references,
    sampling,
)
from redose import selection as ahead
from redose.covariates import DesignError
from redose.models import MODELS
from redose.seeds import seed_of

COLUMNS = ["landmark", "horizon", "cause", "model", "patient", "risk", "reason"]
NUMBERS = ["estimate", "low", "high", "difference", "difference_low", "difference_high"]
# leaving out a case lowers the incidence of the others: over folds its AUC lies below 0.5
SAME = "everybody of a fold has the same risk"
LAST_READING = "last reading"  # covariate of the landmark Cox model: log10, or the limit where it was below that


def folds(patients: pd.DataFrame, of: dict, seed: int) -> pd.Series:
    """Label of the fold that leaves each patient out, by its key: "1" ... "K", with each trial spread over all of them
    evenly, or the name of its trial. of: the study's `validation`.

    Raises DesignError for a trial that the study does not have, and for more folds than patients.
    """
    keys = patients.set_index("patient")["trial"]
    if "trials" in of:
        unknown = sorted(set(of["trials"]) - set(keys))
        if unknown:
            known = ", ".join(sorted(keys.unique()))
            raise DesignError(f"config: validation.trials: no trial '{unknown[0]}' in this study; trials: {known}.")
        return keys.where(keys.isin(of["trials"])).dropna()
    if of["folds"] > len(keys):
        raise DesignError(f"config: validation.folds: {of['folds']} folds of {len(keys)} patients: give fewer.")
    drawn = keys.index.map(lambda key: hashlib.sha256(f"{seed}\x1f{key}".encode()).hexdigest())
    order = pd.DataFrame({"trial": keys.to_numpy(), "drawn": drawn, "patient": keys.index})
    order = order.sort_values(["trial", "drawn"], ignore_index=True)
    label = (np.arange(len(order)) % of["folds"] + 1).astype(str)
    return pd.Series(label, index=order["patient"]).reindex(keys.index)


def windows(own: dict) -> dict[float, list[float]]:
    """Landmark day -> horizons in days. own: the study's `validation`."""
    return {w["day"]: w["horizons"] for w in own["windows"]}


def without(tables: dict, about: dict, model: str, options: dict, beliefs: dict, left_out: pd.Index) -> xr.Dataset:
    """Design of the patients who are not left out."""
    others = tables["patients"].loc[~tables["patients"]["patient"].isin(left_out), "patient"]
    return design.build(dynamic.part(tables, others), about, model, options, beliefs)


def fitted(data: xr.Dataset, beliefs: dict, settings: dict, limits: dict, names: tuple, seed: int, cores: int) -> tuple:
    """(posterior draws, faults that the gate finds). names: study, model and fold, for messages."""
    model = MODELS[names[1]](data, priors.convert_all(beliefs))
    tree = sampling.fit(model, data, settings, seed, "/".join(names), cores)
    table, summary = diagnostics.summarise(tree, 0.9), diagnostics.sampler_summary(tree)
    verdict = acceptance.judge(table, summary, limits, names[0], f"{names[1]}, fold {names[2]}")
    return tree["posterior"].to_dataset(), verdict.faults


def predicted(
    data: xr.Dataset,
    posterior: xr.Dataset,
    tables: dict,
    about: dict,
    beliefs: dict,
    own: dict,
    shared: dict,
    seed: int,
) -> pd.DataFrame:
    """Risks of the patients in `tables`, whom the fit has not seen: a row per landmark, horizon, cause and patient.

    data: design of the fit. own: the study's `validation`; shared: that of all studies. Patients who are not at risk on
    a landmark day have no row for it.
    """
    options, model = json.loads(data.attrs["options"]), data.attrs["model"]
    draws, rows = prediction.thin(dynamic.shared(posterior), shared["draws"]), []
    for day, horizons in windows(own).items():
        known = history.until(tables, options, day)
        if known["patients"].empty:
            continue
        known = history.with_plan(known, shared["planned"], day, day + max(horizons))
        new = design.build(known, about, model, options, beliefs, like=data)
        owned, _ = newcomers.condition(new, draws, data, seed_of(seed, str(day)))
        last = ahead.last_intervals(new)
        _, ends = ahead.incidence(new, owned, last, horizons)
        for cause, x in ends.items():
            for k, horizon in enumerate(horizons):
                each = {"landmark": day, "horizon": horizon, "cause": cause, "model": model}
                rows.append(pd.DataFrame(each | {"patient": new["patient"].to_numpy(), "risk": x[:, k].mean(1)}))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=COLUMNS)


def fold(
    tables: dict,
    about: dict,
    names: tuple[str, str, str],
    options: dict,
    beliefs: dict,
    settings: dict,
    limits: dict,
    own: dict,
    shared: dict,
    seed: int,
    cores: int,
) -> pd.DataFrame:
    """Predictions for the patients of one fold by a model fitted to all others: COLUMNS; reason says where the gate
    rejected the fit, whose predictions are not judged.

    names: study, model, fold. options, beliefs, settings, limits: of the model, priors, NUTS and the gate. own, shared:
    as in `predicted`. seed: the config's.
    """
    study, model, label = names
    left_out = folds(tables["patients"], own, seed).loc[lambda x: x == label].index
    data = without(tables, about, model, options, beliefs, left_out)
    own_seed = seed_of(seed, study, model, "fold", label)
    posterior, faults = fitted(data, beliefs, settings, limits, names, own_seed, cores)
    found = predicted(data, posterior, dynamic.part(tables, left_out), about, beliefs, own, shared, own_seed)
    return found.assign(reason="; ".join(faults)).reindex(columns=COLUMNS)


def known_at(data: xr.Dataset, causes: list[str]) -> pd.DataFrame:
    """Covariates of every patient at the end of its follow-up, by patient: those of the causes' hazards, and the last
    reading of the marker; a patient without one has the mean of the others."""
    last, parts = ahead.last_intervals(data), {}
    day = (data["interval_exit"] + data["interval_origin"]).to_numpy()[last]
    for cause in causes:
        x = prediction.covariates_at(data, cause, last, day)
        parts |= {str(name): x[:, k] for k, name in enumerate(data[f"{cause}_covariate"].to_numpy())}
    found = pd.DataFrame(parts, index=data["patient"].to_numpy())
    if data.attrs["link"] != "none" and data.sizes["sample"]:
        rows = pd.DataFrame({n: data[f"sample_{n}"].to_numpy() for n in ("patient", "day", "y")})
        reading = (
            rows.sort_values("day", kind="stable").drop_duplicates("patient", keep="last").set_index("patient")["y"]
        )
        found[LAST_READING] = reading.reindex(range(len(found))).fillna(reading.mean()).to_numpy()
    return found.rename_axis("patient").reset_index()


def referred(tables: dict, about: dict, model: str, options: dict, beliefs: dict, own: dict, seed: int) -> pd.DataFrame:
    """Predictions by the references for the same patients, days and horizons: COLUMNS. model: the one whose covariates
    and marker the landmark Cox model has."""
    label, rows = folds(tables["patients"], own, seed), []
    for one in label.unique():
        left_out = label.index[label == one]
        like = without(tables, about, model, options, beliefs, left_out)
        for day, horizons in windows(own).items():
            known = history.until(tables, options, day)
            if known["patients"].empty:
                continue
            data = design.build(known, about, model, options, beliefs, like=like)
            rows.append(
                by_references(data, known_at(data, design.causes(data)), tables, options, day, horizons, left_out)
            )
    return pd.concat(rows, ignore_index=True)[COLUMNS] if rows else pd.DataFrame(columns=COLUMNS)


def by_references(data: xr.Dataset, known: pd.DataFrame, tables: dict, options: dict, day, horizons, left_out):
    """Predictions by both references at one landmark for the patients left out."""
    outcomes = history.outcomes(tables["intervals"], options, day).merge(known, on="patient").assign(landmark=day)
    mine = outcomes["patient"].isin(left_out)
    training, tested = outcomes[~mine], outcomes[mine]
    causes, names = design.causes(data), [c for c in known if c != "patient"]
    by_incidence = references.incidence(training, tested, horizons, causes)
    by_cox = references.landmark_cox(training, tested, names, horizons, causes)
    return pd.concat([by_incidence, by_cox], ignore_index=True)


def outcomes(tables: dict, options: dict, own: dict) -> pd.DataFrame:
    """What happened to the patients at risk on every landmark day: landmark, patient, time, event."""
    parts = [history.outcomes(tables["intervals"], options, day).assign(landmark=day) for day in windows(own)]
    return pd.concat(parts, ignore_index=True)


def judged(
    predictions: pd.DataFrame, happened: pd.DataFrame, shared: dict, ci_prob: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(accuracy, calibration): `accuracy.judged`, differences to the landmark Cox model and `ipa` from the incidence
    among the others, and `accuracy.calibrated`.

    predictions: of all models and references, COLUMNS. happened: from `outcomes`. Patients of a fold whose fit the gate
    rejected are left out for every model; `left_out` in the first table counts them.
    """
    ours = ~predictions["model"].isin((accuracy.INCIDENCE, accuracy.COX))
    rejected = predictions.loc[ours & (predictions["reason"].fillna("") != ""), "patient"].unique()
    kept = predictions[~predictions["patient"].isin(rejected)]
    if kept.empty:
        raise ValueError("the gate rejected the fit of every fold: there is no prediction to judge.")
    known = happened[happened["patient"].isin(kept["patient"])]
    resamples, own_seed = shared["resamples"], seed_of(seed, "resamples") % 2**32
    table = accuracy.judged(kept, known, accuracy.COX, accuracy.INCIDENCE, resamples, own_seed, ci_prob)
    same = (table["model"] == accuracy.INCIDENCE) & (table["metric"] == "auc")
    table.loc[same, NUMBERS] = np.nan
    table.loc[same, "reason"] = SAME
    return table.assign(left_out=len(rejected)), accuracy.calibrated(kept, known, shared["groups"], ci_prob)
