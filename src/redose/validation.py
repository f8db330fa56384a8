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
)
from redose import selection as ahead
from redose.covariates import DesignError
from redose.seeds import seed_of

COLUMNS = ["landmark", "horizon", "cause", "model", "patient", "risk", "reason"]
JUDGED = [*accuracy.WINDOW, "model", "metric", "estimate", "low", "high", "patients", "cases", "left_out"]
CALIBRATED = [*accuracy.WINDOW, "model", "group", "predicted", "observed", "low", "high"]
JUST_AFTER = 1e-6  # days: a condition counts from the day after its onset on
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
    """Landmark day -> horizons in days, of all windows of that day. own: the study's `validation`."""
    found: dict[float, list[float]] = {}
    for window in own["windows"]:
        known = found.setdefault(window["day"], [])
        known += [h for h in window["horizons"] if h not in known]
    return found


def without(tables: dict, about: dict, model: str, options: dict, beliefs: dict, left_out: pd.Index) -> xr.Dataset:
    """Design of the patients who are not left out."""
    others = tables["patients"].loc[~tables["patients"]["patient"].isin(left_out), "patient"]
    return design.build(dynamic.part(tables, others), about, model, options, beliefs)


def fitted(data: xr.Dataset, beliefs: dict, settings: dict, limits: dict, names: tuple, seed: int, cores: int) -> tuple:
    """(posterior draws, faults that the gate finds). names: study, model and fold, for messages."""
    from redose import sampling  # only fits need PyMC: references and verdicts start without
    from redose.models import MODELS

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


def known_at(data: xr.Dataset) -> pd.DataFrame:
    """Covariates of every patient at the end of its follow-up, by patient: those of the hazards, whatever began that
    day included, and the last reading of the marker, NaN where there is none."""
    last, parts = ahead.last_intervals(data), {}
    day = (data["interval_exit"] + data["interval_origin"]).to_numpy()[last] + JUST_AFTER
    for cause in design.causes(data):
        x = prediction.covariates_at(data, cause, last, day)
        parts |= {str(name): x[:, k] for k, name in enumerate(data[f"{cause}_covariate"].to_numpy())}
    found = pd.DataFrame(parts, index=data["patient"].to_numpy())
    if data.attrs["link"] != "none" and data.sizes["sample"]:
        rows = pd.DataFrame({n: data[f"sample_{n}"].to_numpy() for n in ("patient", "day", "y")})
        reading = (
            rows.sort_values("day", kind="stable").drop_duplicates("patient", keep="last").set_index("patient")["y"]
        )
        found[LAST_READING] = reading.reindex(range(len(found))).to_numpy()
    return found


def planned_treatment(patients: pd.DataFrame) -> pd.DataFrame:
    """Indicators of the schedules but the first, by patient: what was planned, which a prediction may know."""
    schedules = sorted(patients["schedule"].unique())[1:]
    columns = {f"schedule {s}": (patients["schedule"] == s).to_numpy(float) for s in schedules}
    return pd.DataFrame(columns, index=patients["patient"].to_numpy())


def referred(tables: dict, about: dict, models: dict[str, dict], beliefs: dict, own: dict, seed: int) -> pd.DataFrame:
    """Predictions by the references for the same patients, days and horizons: COLUMNS. models: model -> options, of all
    models that are judged: the landmark Cox model has the covariates of all their hazards, the last reading, and the
    schedule."""
    label, rows = folds(tables["patients"], own, seed), []
    options = next(iter(models.values()))
    for one in label.unique():
        left_out = label.index[label == one]
        like = {m: without(tables, about, m, o, beliefs, left_out) for m, o in models.items()}
        for day, horizons in windows(own).items():
            at = history.until(tables, options, day)
            if at["patients"].empty:
                continue
            parts = [planned_treatment(at["patients"])]
            parts += [known_at(design.build(at, about, m, o, beliefs, like=like[m])) for m, o in models.items()]
            known = pd.concat(parts, axis=1)
            known = known.loc[:, ~known.columns.duplicated()]
            happened = history.outcomes(tables["intervals"], options, day).assign(landmark=day)
            rows.append(by_references(happened, known, horizons, design.causes_of(options), left_out))
    return pd.concat(rows, ignore_index=True)[COLUMNS] if rows else pd.DataFrame(columns=COLUMNS)


def by_references(happened: pd.DataFrame, known: pd.DataFrame, horizons: list, causes: list[str], left_out: pd.Index):
    """Predictions by both references at one landmark for the patients left out. A patient without a reading has the
    mean of the others'."""
    table = happened.merge(known.rename_axis("patient").reset_index(), on="patient")
    mine = table["patient"].isin(left_out)
    table = table.fillna({name: table.loc[~mine, name].mean() for name in known})
    table = table.fillna(dict.fromkeys(known, 0.0))  # where none of the others has a reading
    by_incidence = references.incidence(table[~mine], table[mine], horizons, causes)
    by_cox = references.landmark_cox(table[~mine], table[mine], list(known), horizons, causes)
    return pd.concat([by_incidence, by_cox], ignore_index=True)


def outcomes(tables: dict, options: dict, own: dict, shared: dict, seed: int) -> pd.DataFrame:
    """What happened to the patients at risk on every landmark day: landmark, patient, time, event; fold, which left the
    patient out, and stratum, within which censoring is taken to be independent.

    Raises DesignError where the patients lack the column of the strata."""
    parts = [history.outcomes(tables["intervals"], options, day).assign(landmark=day) for day in windows(own)]
    found, patients = pd.concat(parts, ignore_index=True), tables["patients"].set_index("patient")
    column = shared["censored_by"]
    if column and column not in patients:
        known = ", ".join(patients.columns)
        raise DesignError(
            f"config: validation.censored_by: no column '{column}' in the patients table; it has {known}."
        )
    stratum = patients[column].astype(str) if column else pd.Series("all", index=patients.index)
    fold = folds(tables["patients"], own, seed)
    return found.assign(fold=found["patient"].map(fold), stratum=found["patient"].map(stratum))


def judged(
    predictions: pd.DataFrame, happened: pd.DataFrame, shared: dict, ci_prob: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(accuracy, calibration): `accuracy.judged`, differences to the landmark Cox model and `ipa` from the incidence
    among the others, and `accuracy.calibrated`. Bands are of the patients, the fits held fixed.

    predictions: of all models and references, COLUMNS. happened: from `outcomes`. Patients of a fold whose fit the gate
    rejected are left out for every model; `left_out` in the first table counts those of the landmark. Both tables are
    without a row where the gate rejected the fit of every fold: a study's dossier is written nevertheless, and says so.
    """
    ours = ~predictions["model"].isin((accuracy.INCIDENCE, accuracy.COX))
    rejected = set(predictions.loc[ours & (predictions["reason"].fillna("") != ""), "patient"])
    kept = predictions[~predictions["patient"].isin(rejected)]
    if kept.empty:
        return pd.DataFrame(columns=JUDGED), pd.DataFrame(columns=CALIBRATED)
    known = happened[happened["patient"].isin(kept["patient"])]
    resamples, own_seed = shared["resamples"], seed_of(seed, "resamples") % 2**32
    table = accuracy.judged(kept, known, accuracy.COX, accuracy.INCIDENCE, resamples, own_seed, ci_prob)
    gone = happened[happened["patient"].isin(rejected)].groupby("landmark").size()
    table["left_out"] = table["landmark"].map(gone).fillna(0).astype(int)
    return table, accuracy.calibrated(kept, known, shared["groups"], ci_prob)
