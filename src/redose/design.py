"""The arrays that a model reads: one dataset per study and model, with named dimensions.

Rows are where a hazard is evaluated. In `intervals` a row is a piece of an interval on which every covariate is
constant; in the joint models it is a quadrature node (weight in days) or the end of an interval that ended in an
event (weight 0). Events sit on rows, so the log likelihood is one sum over rows in every model.
"""

import itertools
import json
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import xarray as xr

from redose import coordinates, covariates, estimand, markers, survival
from redose.covariates import LAST_BURDEN, DesignError

LINKS = {
    "intervals": "none",
    "joint_value": "value",
    "joint_slope": "slope",
    "joint_value_slope": "value_slope",
    "joint_step": "step",
}
NODES, NODES_OF_CURVE = 3, 4  # Gauss-Legendre nodes a piece, where infusions move the marker and where it is a curve
NODES_OF_FIRST = 4  # of a piece from clock 0, near which a Weibull hazard rises or falls most
NODES_OF_SHORT, SHORT = 2, 8.0  # of a piece of at most so many days: within them a marker hardly bends
AFTER_DOSE = (3.0,)  # half-lives after an infusion at which a piece is cut: the hazard bends there
LONGEST = 120.0  # days; longer pieces are cut, where infusions move the marker
PARTS = 8  # of the longest follow-up: the longest piece of a marker that follows a curve in time
DEGREES = {"piecewise": 0, "mspline": survival.CUBIC}  # of a flexible baseline
FIRST = 30.0  # days; longest first piece, whose nodes crowd towards clock 0
OF_PEOPLE = ("patient", "interval", "row", "point", "sample", "infusion", "pair", "trait", "episode", "turn")


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
        parts += [e.at(patient, day)[:, None] for e in self.conditions.values()]
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class Frame:
    """A study as one model sees it: patients, their intervals on the clock, causes, infusions.

    intervals: columns patient (index), number, origin (day at which the clock is 0), entry, exit (clock, days), time
    (exit; the middle of the two assessments where a progression lies between them), event ("none" or a cause), free
    (clock of the last progression-free assessment, NaN if exact), end_day (calendar).
    infusions, half_lives (prior medians by product, days): of joint models. breaks: patient index -> days on which the
    marker bends beside the infusions: its courses start or stop. baselines: cause -> flexible baseline; empty for
    Weibull. codings: of the covariates (`codings_of`). longest, nodes: of a piece of the quadrature, days
    and number.
    """

    patients: pd.DataFrame
    intervals: pd.DataFrame
    causes: dict
    infusions: markers.Infusions | None
    half_lives: np.ndarray | None
    breaks: dict
    baselines: dict
    codings: dict
    longest: float
    nodes: int


def frame(tables: dict, about: dict, model: str, options: dict, priors: dict, like: xr.Dataset | None) -> Frame:
    """The study as a model with these options sees it. like: as in `build`. Raises DesignError where they do not fit
    together."""
    patients = tables["patients"].reset_index(drop=True)
    index = pd.Index(patients["patient"])
    intervals = clocked(tables["intervals"], index, options)
    starts = (intervals["origin"] + intervals["entry"]).groupby(intervals["patient"]).min()
    entered = pd.Series(starts.reindex(range(len(index))).to_numpy(), index=index)
    known = codings_of(tables, about, model, options) if like is None else json.loads(like.attrs["codings"])
    causes = {}
    for name in causes_of(options):
        where, wanted = place_of(name), {"time_dependent": [], **options[name]}

        def changing(c, where=where):
            if c != covariates.BURDEN:
                return covariates.episodes(tables, c, index, where, needed=like is None)
            return covariates.last_burden(
                covariates.burden_levels(tables["burden"], where), known[LAST_BURDEN]["centre"], entered, where
            )

        causes[name] = Cause(
            name,
            covariates.of_patients(patients, wanted["covariates"], known, where),
            covariates.INTERVAL in wanted["covariates"],
            {c: changing(c) for c in wanted["time_dependent"]},
        )
    infusions = markers.infusions(tables, about, index, intervals, options, like) if LINKS[model] != "none" else None
    return Frame(
        patients,
        intervals,
        causes,
        infusions,
        np.array([priors[name]["median"] for name in infusions.half_lives]) if infusions else None,
        breaks(tables["courses"], index, options),
        baselines(intervals, list(causes), options) if like is None else baselines_of(like),
        known,
        *longest_and_nodes(model, options, intervals),
    )


def longest_and_nodes(model: str, options: dict, intervals: pd.DataFrame) -> tuple[float, int]:
    """Longest piece of the quadrature, days, and nodes of a piece: a curve in time bends slowly, infusions do not."""
    if LINKS[model] == "none" or markers.options_of(options)["trajectory"] == "infusions":
        return LONGEST, NODES
    return intervals["exit"].max() / PARTS, NODES_OF_CURVE


def place_of(cause: str) -> str:
    """Where the config says what the hazard of a cause depends on, for errors."""
    return f"config: models.*.{cause}"


def codings_of(tables: dict, about: dict, model: str, options: dict) -> dict[str, dict]:
    """The coding of every covariate of the model (`covariates.coding`), and under LAST_BURDEN the centre of the last
    burden. Raises DesignError where a covariate does not fit the study, or a competing cause has no entry."""
    patients, wanted = tables["patients"], {}
    for name in causes_of(options):
        if name not in options:
            raise DesignError(
                f"{place_of(name)} is missing, but estimand.{name} is {options['estimand'][name]}, which gives it a "
                f"hazard: say what that depends on, such as `{name}: {{covariates: []}}`, or choose another word in "
                "the estimand."
            )
        wanted[place_of(name)] = options[name]["covariates"]
    if LINKS[model] != "none":
        wanted |= markers.covariates_of(markers.options_of(options))
    known = covariates.codings(patients, wanted, about)
    for name in causes_of(options):
        if covariates.BURDEN in options[name].get("time_dependent", []):
            levels = covariates.burden_levels(tables["burden"], place_of(name))
            known[LAST_BURDEN] = {"centre": covariates.burden_centre(levels, about)}
    return known


def baseline_of(data: xr.Dataset, cause: str) -> survival.MSpline:
    """The flexible baseline of a cause, with the knots that were fixed at the fit."""
    knots = data[f"{cause}_knots"].to_numpy()
    return survival.MSpline(knots, len(knots) - data.sizes[f"{cause}_basis"] - 1)


def baselines_of(data: xr.Dataset) -> dict:
    """Cause -> its flexible baseline; empty for Weibull."""
    return {c: baseline_of(data, c) for c in ("progression", *estimand.INTERCURRENT) if f"{c}_knots" in data}


def breaks(courses: pd.DataFrame, index: pd.Index, options: dict) -> dict:
    """Patient index -> first and last days of the courses that act on the marker."""
    agents = markers.options_of(options)["courses"] if "kinetics" in options else []
    table = courses[courses["agent"].isin(agents)]
    ends = table.groupby(index.get_indexer(table["patient"]))[["start_day", "stop_day"]]
    return {i: days.to_numpy(float).ravel() for i, days in ends}


def causes_of(options: dict) -> list[str]:
    """Names of the modelled causes: progression, and every intercurrent outcome that competes with it."""
    return ["progression", *estimand.competing(options["estimand"])]


def causes(data: xr.Dataset) -> list[str]:
    """Modelled causes of a design, progression first."""
    return [c for c in ("progression", *estimand.INTERCURRENT) if f"x_{c}" in data]


def clocked(intervals: pd.DataFrame, index: pd.Index, options: dict) -> pd.DataFrame:
    """Intervals on the analysis clock (columns as in Frame): gap restarts at 0 each interval, total runs on.

    The estimand decides which intervals count and what ended them (ICH E9(R1); module estimand).
    """
    intervals = estimand.followed(intervals, options["estimand"])
    origin = intervals["start_day"].to_numpy(float) if options["clock"] == "gap" else np.zeros(len(intervals))
    happened = intervals["outcome"].map(estimand.events(options["estimand"])).to_numpy()
    entry = intervals["entry_day"].fillna(intervals["start_day"]).to_numpy(float)
    end = intervals["end_day"].to_numpy(float)
    seen = np.maximum(intervals["last_free_day"].to_numpy(float), entry)  # who enters is free of progression
    between = (intervals["outcome"] == "progression").to_numpy() & (seen < end)
    free = np.where(between, seen, np.nan)
    # a censored patient is known to be free until its last assessment only, and one day where that was the first
    stop = np.where((happened == "none") & (seen < end), np.maximum(seen, np.minimum(entry + 1, end)), end)
    return pd.DataFrame(
        {
            "patient": index.get_indexer(intervals["patient"]),
            "number": intervals["interval"].to_numpy(),
            "origin": origin,
            "entry": entry - origin,
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
        doses, origin = study.infusions.doses, row["origin"]
        mine = doses.patient == row["patient"]
        bends = np.multiply.outer(study.half_lives[doses.product[mine]], [0.0, *AFTER_DOSE])
        at += list(((doses.day[mine] - origin)[:, None] + bends).ravel())
        at += list(study.breaks.get(row["patient"], np.array([])) - origin)
        at += [x for b in study.baselines.values() if b.degree == 0 for x in b.knots]  # the hazard jumps there
    inside = [x for x in at if row["entry"] < x < row["exit"]]  # NaN compares false
    edges = np.unique([row["entry"], row["exit"], *inside])
    if not with_doses or len(edges) < 2:
        return edges
    edges = np.unique([*edges, min(FIRST, edges[-1])]) if edges[0] == 0 else edges
    parts = np.maximum(np.ceil(np.diff(edges) / study.longest).astype(int), 1)
    fine = [np.linspace(a, b, n + 1)[:-1] for a, b, n in zip(edges[:-1], edges[1:], parts, strict=True)]
    return np.append(np.concatenate(fine), edges[-1])


def pieces(study: Frame) -> pd.DataFrame:
    """Rows of the intervals model: interval, entry, exit on the clock, inside (of a censoring interval), event."""
    found = []
    for place, row in enumerate(study.intervals.itertuples()):
        edges = cuts(study, place, with_doses=False)
        if len(edges) < 2:
            found.append(no_rows("entry", "exit"))
            continue
        one = pd.DataFrame({"interval": place, "entry": edges[:-1], "exit": edges[1:], "event": "none"})
        one["inside"] = one["entry"] >= row.free
        if np.isnan(row.free):
            one.loc[one.index[-1], "event"] = row.event
        found.append(one)
    return pd.concat(found, ignore_index=True)


def no_rows(*days: str) -> pd.DataFrame:
    """The rows of an interval that has no length, with these columns of days."""
    kinds = dict.fromkeys(days, float) | {"interval": int, "event": object, "inside": bool}
    return pd.DataFrame({name: np.array([], dtype=kind) for name, kind in kinds.items()})


def nodes(study: Frame) -> pd.DataFrame:
    """Rows of the joint models: interval, clock, weight (days; 0 at an event), inside, event."""
    found = []
    for place, row in enumerate(study.intervals.itertuples()):
        edges = cuts(study, place, with_doses=True)
        if len(edges) < 2:  # a history of no day yet
            found.append(no_rows("clock", "weight"))
            continue
        clock, days = np.concatenate([of_piece(a, b, study.nodes) for a, b in itertools.pairwise(edges)], axis=1)
        one = pd.DataFrame({"clock": clock, "weight": days, "interval": place, "event": "none"})
        one["inside"] = one["clock"] > row.free
        found.append(one)
        if row.event != "none" and np.isnan(row.free):
            end = {"clock": row.exit, "weight": 0.0, "interval": place, "event": row.event, "inside": False}
            found.append(pd.DataFrame([end]))
    return pd.concat(found, ignore_index=True)


def of_piece(start: float, end: float, usual: int) -> np.ndarray:
    """Clock and weight of the nodes of a piece, days, shape (2, node)."""
    count = NODES_OF_FIRST if start == 0 else NODES_OF_SHORT if end - start <= SHORT else usual
    abscissa, weight = np.polynomial.legendre.leggauss(count)
    x, share = (abscissa + 1) / 2, weight / 2
    if start == 0:  # t = end x³: a Weibull hazard with shape < 1 is singular at 0, but smooth in x
        return end * np.array([x**3, 3 * x**2 * share])
    return np.array([start + (end - start) * x, (end - start) * share])


def baselines(ends: pd.DataFrame, causes: list[str], options: dict) -> dict:
    """M-spline of each cause (empty for Weibull), knots from its own uncensored exits. ends: intervals on the clock."""
    if options["baseline"] == "weibull":
        return {}
    lower, upper, degree = float(ends["entry"].min()), float(ends["exit"].max()), DEGREES[options["baseline"]]
    times = {c: ends.loc[ends["event"] == c, "time"].to_numpy() for c in causes}
    return {c: survival.place_knots(t, lower, upper, options["basis"], degree) for c, t in times.items()}


def build(
    tables: dict, about: dict, model: str, options: dict, priors: dict, like: xr.Dataset | None = None
) -> xr.Dataset:
    """Everything that `model` reads, as a dataset whose coords name patients, intervals, covariates, trials, sites.

    tables: the checked tables. about: study.yaml. options: the config's entry of this study and model.
    priors: the config's table of priors (its medians place nodes and starting points, nothing else).
    like: the design of a fit, or its `vocabulary`, whose codings, levels and knots are taken, for predictions of other
    patients; levels of trials, sites, lots and interval numbers that it lacks come after its own. None: of this study.
    Raises DesignError where the config asks for what the study does not hold.
    """
    study = frame(tables, about, model, options, priors, like)
    rows = pieces(study) if LINKS[model] == "none" else nodes(study)
    at = study.intervals.iloc[rows["interval"]]
    patient, number = at["patient"].to_numpy(), at["number"].to_numpy()
    # a piece takes its covariates at its end: they are constant on (entry, exit]
    clock = rows["exit" if LINKS[model] == "none" else "clock"].to_numpy(float)
    day = clock + at["origin"].to_numpy()
    data = xr.Dataset(attrs={"model": model, "link": LINKS[model], "options": json.dumps(options)})
    data.attrs["codings"] = json.dumps(study.codings)
    cells = tables["infusions"]["cells"].to_numpy(float)
    data.attrs["cells"] = (
        ([cells.min(), cells.max()] if len(cells) else [0.0, 0.0]) if like is None else like.attrs["cells"]
    )
    data.attrs["longest"] = float(study.intervals["exit"].max() if like is None else like.attrs["longest"])
    data = data.assign_coords(patient=study.patients["patient"].to_numpy(str))
    data = data.assign_coords(interval=label(study))
    data = data.assign(_intervals(study)).assign(_groups(study.patients, like))
    data["patient_weight"] = ("patient", weights(study.patients, options.get("borrowed", {})))
    numbers, code = covariates.levels(study.intervals["number"].to_numpy(), None if like is None else like["k"])
    data = data.assign(k=("k", numbers), interval_k=("interval", code))
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
    found = markers.arrays(tables, about, study, options, rows.assign(day=day), like)
    data = data.assign(found)
    data.attrs["options"] = json.dumps(options | {"kinetics": markers.options_of(options)})
    data = data.assign_coords(trait=trait_names(study, data), trait_pair=coordinates.trait_pairs(data))
    return data.assign(coordinates.sampling_coordinates(data, priors)) if like is None else data


def vocabulary(data: xr.Dataset) -> xr.Dataset:
    """What of a design other patients must follow: codings, levels and knots. It holds nothing of any patient."""
    return data.drop_dims([d for d in data.dims if d in OF_PEOPLE or str(d).endswith("_episode")])


def weights(patients: pd.DataFrame, borrowed: dict) -> np.ndarray:
    """Weight of every patient's likelihood, shape (patient,): 1, or that of a trial from which the config borrows (a
    power prior, Ibrahim & Chen 2000). Raises DesignError for an unknown trial."""
    unknown = sorted(set(borrowed) - set(patients["trial"]))
    if unknown:
        known = ", ".join(sorted(patients["trial"].unique()))
        raise DesignError(f"config: borrowed: no trial '{unknown[0]}' in this study; trials: {known}.")
    return patients["trial"].map(borrowed).fillna(1.0).to_numpy(float)


def trait_names(study: Frame, data: xr.Dataset) -> np.ndarray:
    """Names of the traits in their order: levels of intervals, growth of patients (one set a basis function), kill of
    patients where there are infusions; shape (trait,)."""
    people = data["patient"].to_numpy()
    names = [f"level {x}" for x in label(study)]
    if "product" in data:
        return np.array([*names, *(f"log doubling {p}" for p in people), *(f"log kill {p}" for p in people)], dtype=str)
    return np.array([*names, *(f"slope {m + 1} {p}" for m in range(data.sizes["basis"]) for p in people)], dtype=str)


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
    """Covariates of every interval with the time-dependent ones at 0, and the episodes that give these their values."""
    patient, number = ends["patient"].to_numpy(), ends["number"].to_numpy()
    off = cause.matrix(patient, number, np.full(len(ends), -np.inf))
    column = {c: len(cause.columns) - len(cause.conditions) + j for j, c in enumerate(cause.conditions)}
    dim = f"{cause.name}_episode"
    none = (np.array([], int),) * 2 + (np.array([]),) * 3
    parts = [(np.full(len(e.patient), column[c]), *vars(e).values()) for c, e in cause.conditions.items()]
    columns = [np.concatenate(x) for x in zip(none, *parts, strict=True)]
    names = ("column", *(f.name for f in fields(covariates.Episodes)))
    found = {f"{dim}_{n}": (dim, v) for n, v in zip(names, columns, strict=True)}
    return found | {f"static_{cause.name}": (("interval", f"{cause.name}_covariate"), off)}


def _groups(patients: pd.DataFrame, like: xr.Dataset | None) -> dict:
    """Index of the trial and site of each patient, and the levels; a group of one level is left to the intercept."""
    found = {}
    for group in ("trial", "site"):
        levels, code = covariates.levels(patients[group].to_numpy(str), None if like is None else like[group])
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
    if spline.degree:  # the pieces of a piecewise constant hazard are independent
        walk, known = spline.walk(data["row_clock"].to_numpy()[data[f"row_{cause}"].to_numpy()])
        found |= {f"{cause}_walk": ((basis, f"{cause}_step"), walk), f"{cause}_known": (f"{cause}_step", known)}
    if link == "none":
        grown = spline.cumulative(data["row_exit"].to_numpy()) - spline.cumulative(data["row_entry"].to_numpy())
        found[f"{cause}_cumulative"] = (("row", basis), grown)
    return found
