"""The arrays that a model reads: one dataset per study and model, with named dimensions.

Rows are where a hazard is evaluated. In `intervals` a row is a piece of an interval on which every covariate is
constant; in the joint models it is a quadrature node (weight in days) or the end of an interval that ended in an
event (weight 0). Events sit on rows, so the log likelihood is one sum over rows in every model.
"""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from redose import coordinates, covariates, kinetics, survival
from redose.covariates import DesignError

INTERCURRENT = ("death", "transplant", "new_therapy")  # outcomes whose meaning the estimand decides
LINKS = {"intervals": "none", "joint_value": "value", "joint_step": "step"}
NODES = 4  # Gauss-Legendre nodes a piece
AFTER_DOSE = (3.0,)  # half-lives after an infusion at which a piece is cut: the hazard bends there
LONGEST = 120.0  # days; longer pieces are cut
DEGREES = {"piecewise": 0, "mspline": survival.CUBIC}  # of a flexible baseline
FIRST = 30.0  # days; longest first piece, whose nodes crowd towards clock 0


@dataclass(frozen=True)
class Cause:
    """One cause of the end of an interval: its name, design columns and episodes of time-dependent covariates."""

    name: str
    static: pd.DataFrame
    use_interval: bool
    conditions: dict

    @property
    def columns(self) -> list[str]:
        return [covariates.INTERVAL] * self.use_interval + list(self.static.columns) + list(self.conditions)

    def matrix(self, patient: np.ndarray, number: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Covariate values at points, shape (point, column): number is the interval number, day the calendar day."""
        parts = [(number - 1.0)[:, None]] if self.use_interval else []
        parts.append(self.static.to_numpy(float)[patient])
        parts += [e.active(patient, day)[:, None] for e in self.conditions.values()]
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class Frame:
    """A study as one model sees it: patients, their intervals on the clock, causes, infusions.

    intervals: columns patient (index), number, origin (day at which the clock is 0), entry, exit (clock, days),
    time (exit; the middle of the two assessments where a progression lies between them), event ("progression",
    "death", "none"), free (clock of the last progression-free assessment, NaN if exact), end_day (calendar).
    baselines: cause -> flexible baseline; empty for Weibull.
    """

    patients: pd.DataFrame
    intervals: pd.DataFrame
    causes: dict
    doses: kinetics.Doses
    reference_half_life: float
    baselines: dict


def frame(tables: dict, about: dict, options: dict, priors: dict) -> Frame:
    """The study as a model with these options sees it. Raises DesignError where they do not fit together."""
    patients = tables["patients"].reset_index(drop=True)
    index = pd.Index(patients["patient"])
    causes = {}
    for name in causes_of(options):
        where = f"config: models.*.{name}"
        wanted = options[name]
        causes[name] = Cause(
            name,
            covariates.of_patients(patients, wanted["covariates"], about, where),
            covariates.INTERVAL in wanted["covariates"],
            {c: covariates.episodes(tables, c, index, where) for c in wanted["time_dependent"]},
        )
    infusions = tables["infusions"]
    intervals = clocked(tables["intervals"], index, options)
    return Frame(
        patients,
        intervals,
        causes,
        kinetics.arrange_doses(
            index.get_indexer(infusions["patient"]),
            infusions["day"].to_numpy(),
            infusions["cells"].to_numpy(),
            options["reference_cells"],
            len(patients),
        ),
        priors["half_life"]["median"],
        baselines(intervals, list(causes), options),
    )


def causes_of(options: dict) -> list[str]:
    """Names of the modelled causes: progression, and every intercurrent outcome that competes with it."""
    return ["progression", *(c for c in INTERCURRENT if options["estimand"][c] == "competing")]


def causes(data: xr.Dataset) -> list[str]:
    """Modelled causes of a design, progression first."""
    return [c for c in ("progression", *INTERCURRENT) if f"x_{c}" in data]


def clocked(intervals: pd.DataFrame, index: pd.Index, options: dict) -> pd.DataFrame:
    """Intervals on the analysis clock (columns as in Frame): gap restarts at 0 each interval, total runs on.

    The estimand decides what an intercurrent outcome is: composite counts as progression, competing keeps its
    own cause, hypothetical censors (ICH E9(R1)).
    """
    origin = intervals["start_day"].to_numpy(float) if options["clock"] == "gap" else np.zeros(len(intervals))
    role = {"progression": "composite", "censored": "hypothetical", **options["estimand"]}
    event = {k: {"composite": "progression", "competing": k, "hypothetical": "none"}[v] for k, v in role.items()}
    happened = intervals["outcome"].map(event).to_numpy()
    start, end = intervals["start_day"].to_numpy(float), intervals["end_day"].to_numpy(float)
    seen = intervals["last_free_day"].to_numpy(float)
    between = (intervals["outcome"] == "progression").to_numpy() & (seen < end)
    free = np.where(between, seen, np.nan)
    # a censored patient is known to be free until its last assessment only, and one day where that was the first
    stop = np.where((happened == "none") & (seen < end), np.maximum(seen, np.minimum(start + 1, end)), end)
    return pd.DataFrame(
        {
            "patient": index.get_indexer(intervals["patient"]),
            "number": intervals["interval"].to_numpy(),
            "origin": origin,
            "entry": intervals["start_day"].to_numpy(float) - origin,
            "exit": stop - origin,
            "time": np.where(between, (seen + end) / 2, stop) - origin,
            "event": happened,
            "free": free - origin,
            "end_day": end,
        }
    )


def cuts(study: Frame, place: int, with_doses: bool) -> np.ndarray:
    """Clock times at which one interval is cut, both ends included; shape (piece + 1,)."""
    row = study.intervals.iloc[place]
    at = [row["free"]]
    for cause in study.causes.values():
        for e in cause.conditions.values():
            mine = e.patient == row["patient"]
            at += [*(e.onset[mine] - row["origin"]), *(e.end[mine] - row["origin"])]
    if with_doses:
        given = study.doses.day[study.doses.patient == row["patient"]] - row["origin"]
        bends = np.array([0.0, *AFTER_DOSE]) * study.reference_half_life
        at += list(np.add.outer(given, bends).ravel())
        at += [x for b in study.baselines.values() if b.degree == 0 for x in b.knots]  # the hazard jumps there
    inside = [x for x in at if row["entry"] < x < row["exit"]]  # NaN compares false
    edges = np.unique([row["entry"], row["exit"], *inside])
    if not with_doses:
        return edges
    edges = np.unique([*edges, min(FIRST, edges[-1])]) if edges[0] == 0 else edges
    parts = np.maximum(np.ceil(np.diff(edges) / LONGEST).astype(int), 1)
    fine = [np.linspace(a, b, n + 1)[:-1] for a, b, n in zip(edges[:-1], edges[1:], parts, strict=True)]
    return np.append(np.concatenate(fine), edges[-1])


def pieces(study: Frame) -> pd.DataFrame:
    """Rows of the intervals model: interval, entry, exit on the clock, inside (of a censoring interval), event."""
    found = []
    for place, row in enumerate(study.intervals.itertuples()):
        edges = cuts(study, place, with_doses=False)
        one = pd.DataFrame({"interval": place, "entry": edges[:-1], "exit": edges[1:], "event": "none"})
        one["inside"] = one["entry"] >= row.free
        if np.isnan(row.free):
            one.loc[one.index[-1], "event"] = row.event
        found.append(one)
    return pd.concat(found, ignore_index=True)


def nodes(study: Frame) -> pd.DataFrame:
    """Rows of the joint models: interval, clock, weight (days; 0 at an event), inside, event."""
    abscissa, weight = np.polynomial.legendre.leggauss(NODES)
    found = []
    for place, row in enumerate(study.intervals.itertuples()):
        edges = cuts(study, place, with_doses=True)
        half = np.diff(edges) / 2
        clock = (edges[:-1] + half)[:, None] + half[:, None] * abscissa
        days = half[:, None] * weight
        if edges[0] == 0:  # t = L x³: a Weibull hazard with shape < 1 is singular at 0, but smooth in x
            x = (abscissa + 1) / 2
            clock[0], days[0] = edges[1] * x**3, edges[1] * 3 * x**2 * weight / 2
        one = {"clock": clock.ravel(), "weight": days.ravel()}
        one = pd.DataFrame(one | {"interval": place, "event": "none"})
        one["inside"] = one["clock"] > row.free
        found.append(one)
        if row.event != "none" and np.isnan(row.free):
            end = {"clock": row.exit, "weight": 0.0, "interval": place, "event": row.event, "inside": False}
            found.append(pd.DataFrame([end]))
    return pd.concat(found, ignore_index=True)


def samples(tables: dict, about: dict, study: Frame) -> pd.DataFrame:
    """MRD samples of the likelihood: interval, day, y (log10; the LOD where below), below, false_positive.

    A sample on the day one interval ends and the next starts belongs to the next; samples before day 0 belong to
    the first interval; those after the end of an interval and before the next (salvage goes on) are left out.
    """
    mrd = tables["mrd"]
    if mrd.empty:
        raise DesignError("a joint model needs the table 'mrd', which this study lacks; ask for `intervals` only.")
    index = pd.Index(study.patients["patient"])
    spans = study.intervals.assign(
        start=study.intervals["origin"] + study.intervals["entry"],
        end=study.intervals["end_day"],
        place=np.arange(len(study.intervals)),
    )
    who = index.get_indexer(mrd["patient"])
    rows = pd.DataFrame({"patient": who, "day": mrd["day"].to_numpy(float)})
    rows["y"] = np.log10(np.where(mrd["below"], mrd["lod"], mrd["mrd"].fillna(1.0)))
    rows["lod"] = np.log10(mrd["lod"].to_numpy(float))
    rows["below"] = mrd["below"].to_numpy(bool)
    rates = {name: a.get("false_positive_rate", 0.0) for name, a in about.get("assays", {}).items()}
    rows["false_positive"] = mrd["assay"].map(rates).fillna(0.0).to_numpy(float)
    start = spans[["patient", "start", "end", "place"]].sort_values("start")
    merged = pd.merge_asof(rows.sort_values("day", kind="stable"), start, left_on="day", right_on="start", by="patient")
    first = spans.groupby("patient")["place"].first()
    merged["interval"] = merged["place"].fillna(merged["patient"].map(first)).astype(int)
    merged = merged[~(merged["day"] > merged["end"])]  # NaN before day 0 compares false
    return merged.sort_values(["patient", "day"], kind="stable", ignore_index=True)


def baselines(ends: pd.DataFrame, causes: list[str], options: dict) -> dict:
    """M-spline of each cause (empty for Weibull), knots from its own uncensored exits. ends: intervals on the clock."""
    if options["baseline"] == "weibull":
        return {}
    lower, upper, degree = float(ends["entry"].min()), float(ends["exit"].max()), DEGREES[options["baseline"]]
    times = {c: ends.loc[ends["event"] == c, "time"].to_numpy() for c in causes}
    return {c: survival.place_knots(t, lower, upper, options["basis"], degree) for c, t in times.items()}


def build(tables: dict, about: dict, model: str, options: dict, priors: dict) -> xr.Dataset:
    """Everything that `model` reads, as a dataset whose coords name patients, intervals, covariates, trials, sites.

    tables: the checked tables. about: study.yaml. options: the config's entry of this study and model.
    priors: the config's table of priors (its medians place nodes and starting points, nothing else).
    Raises DesignError where the config asks for what the study does not hold.
    """
    study = frame(tables, about, options, priors)
    rows = pieces(study) if LINKS[model] == "none" else nodes(study)
    at = study.intervals.iloc[rows["interval"]]
    patient, number = at["patient"].to_numpy(), at["number"].to_numpy()
    # a piece takes its covariates at its end: they are constant on (entry, exit]
    clock = rows["exit" if LINKS[model] == "none" else "clock"].to_numpy(float)
    day = clock + at["origin"].to_numpy()
    data = xr.Dataset(attrs={"model": model, "link": LINKS[model], "options": json.dumps(options)})
    data = data.assign_coords(patient=study.patients["patient"].to_numpy(str))
    data = data.assign_coords(interval=label(study))
    data = data.assign(_intervals(study)).assign(_groups(study.patients))
    data = data.assign({f"row_{c}": ("row", rows[c].to_numpy()) for c in rows.columns if c != "event"})
    if LINKS[model] == "none":
        data = data.assign(row_clock=("row", clock))
    for cause in study.causes.values():
        data = data.assign_coords({f"{cause.name}_covariate": np.array(cause.columns, dtype=str)})
        data[f"x_{cause.name}"] = (("row", f"{cause.name}_covariate"), cause.matrix(patient, number, day))
        data[f"row_{cause.name}"] = ("row", (rows["event"] == cause.name).to_numpy())
        data = data.assign(_covariates(cause, study.intervals))
    for cause, spline in study.baselines.items():
        data = data.assign(_spline(cause, spline, data, LINKS[model]))
    if LINKS[model] == "none":
        return data
    data = data.assign(_markers(tables, about, study, options, rows, day))
    names = [*(f"level {x}" for x in label(study)), *(f"log doubling {p}" for p in data["patient"].to_numpy())]
    names += [f"log kill {p}" for p in data["patient"].to_numpy()]
    data = data.assign(coordinates.sampling_coordinates(data, study.doses, reference(priors)))
    return data.assign_coords(trait=np.array(names, dtype=str))


def reference(priors: dict) -> dict:
    """Prior medians at which the sampling coordinates are found."""
    names = {"level": "mu_b", **{n: n for n in ("half_life", "psi", "sigma", "doubling", "delta")}}
    return {name: float(priors[prior]["median"]) for name, prior in names.items()}


def label(study: Frame) -> np.ndarray:
    """Names of the intervals, `patient/number`; shape (interval,)."""
    names = study.patients["patient"].to_numpy(str)[study.intervals["patient"]]
    return np.array([f"{p}/{k}" for p, k in zip(names, study.intervals["number"], strict=True)], dtype=str)


def _intervals(study: Frame) -> dict:
    frame_ = study.intervals
    return {
        f"interval_{c}": ("interval", frame_[c].to_numpy(str) if c == "event" else frame_[c].to_numpy())
        for c in frame_.columns
    }


def _covariates(cause: Cause, ends: pd.DataFrame) -> dict:
    """Covariates of every interval with the time-dependent ones off, and the episodes that switch these on."""
    patient, number = ends["patient"].to_numpy(), ends["number"].to_numpy()
    off = cause.matrix(patient, number, np.full(len(ends), -np.inf))
    column = {c: len(cause.columns) - len(cause.conditions) + j for j, c in enumerate(cause.conditions)}
    dim = f"{cause.name}_episode"
    parts = [(np.full(len(e.patient), column[c]), e.patient, e.onset, e.end) for c, e in cause.conditions.items()]
    columns = (
        [np.concatenate(x) for x in zip(*parts, strict=True)] if parts else [np.array([], int)] * 2 + [np.array([])] * 2
    )
    names = ("column", "patient", "onset", "end")
    found = {f"{dim}_{n}": (dim, v) for n, v in zip(names, columns, strict=True)}
    return found | {f"static_{cause.name}": (("interval", f"{cause.name}_covariate"), off)}


def _groups(patients: pd.DataFrame) -> dict:
    """Index of the trial and site of each patient, and the levels; a group of one level is left to the intercept."""
    found = {}
    for group in ("trial", "site"):
        levels, code = np.unique(patients[group].to_numpy(str), return_inverse=True)
        found[group] = (group, levels)
        found[f"patient_{group}"] = ("patient", code)
    return found


def _spline(cause: str, spline: survival.MSpline, data: xr.Dataset, link: str) -> dict:
    basis = f"{cause}_basis"
    found = {
        f"{cause}_knots": (f"{cause}_knot", spline.knots),
        f"{cause}_constant": (basis, spline.constant),
        f"{cause}_hazard": (("row", basis), spline.hazard(data["row_clock"].to_numpy())),
    }
    if link == "none":
        grown = spline.cumulative(data["row_exit"].to_numpy()) - spline.cumulative(data["row_entry"].to_numpy())
        found[f"{cause}_cumulative"] = (("row", basis), grown)
    return found


def _markers(tables: dict, about: dict, study: Frame, options: dict, rows: pd.DataFrame, day: np.ndarray) -> dict:
    """Samples, infusions and dose slots of every point: points are the samples first, then the rows."""
    taken = samples(tables, about, study)
    doses, ends = study.doses, study.intervals
    inside = np.concatenate([taken["interval"].to_numpy(), rows["interval"].to_numpy()])
    who = ends["patient"].to_numpy()[inside]
    when = np.concatenate([taken["day"].to_numpy(), day])
    slot, since = kinetics.last_dose(doses, who, when)
    start = (ends["origin"] + ends["entry"]).to_numpy()
    start_slot, start_since = kinetics.last_dose(doses, ends["patient"].to_numpy(), start)
    level = covariates.of_patients(study.patients, options["kinetics"]["level"], about, "config: kinetics.level")
    kill = covariates.of_patients(study.patients, options["kinetics"]["kill"], about, "config: kinetics.kill")
    x_level = level.to_numpy(float)[ends["patient"]]
    names = list(level.columns)
    if covariates.INTERVAL in options["kinetics"]["level"]:
        x_level = np.column_stack([ends["number"] - 1.0, x_level])
        names = [covariates.INTERVAL, *names]
    found = {
        f"sample_{c}": ("sample", taken[c].to_numpy()) for c in taken.columns if c not in ("start", "end", "place")
    }
    return found | {
        "level_covariate": ("level_covariate", np.array(names, dtype=str)),
        "kill_covariate": ("kill_covariate", np.array(list(kill.columns), dtype=str)),
        "x_level": (("interval", "level_covariate"), x_level),
        "x_kill": (("patient", "kill_covariate"), kill.to_numpy(float)),
        "dose_patient": ("infusion", doses.patient),
        "dose_day": ("infusion", doses.day),
        "dose_log_cells": ("infusion", doses.log_cells),
        "dose_earlier": ("infusion", doses.earlier),
        "mean_log_cells": ("patient", doses.mean_log_cells),
        "mean_earlier": ("patient", doses.mean_earlier),
        "pair_later": ("pair", doses.pair_later),
        "pair_earlier": ("pair", doses.pair_earlier),
        "pair_gap": ("pair", doses.pair_gap),
        "point_slot": ("point", slot),
        "point_since": ("point", since),
        "start_slot": ("interval", start_slot),
        "start_since": ("interval", start_since),
        "interval_start": ("interval", start),
        "point_interval": ("point", inside),
        "point_elapsed": ("point", when - start[inside]),
    }
