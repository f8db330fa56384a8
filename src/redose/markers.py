"""The arrays of a joint model's marker: its samples, the curve or the infusions and courses that move it.

The marker is MRD (fraction) or the tumour burden, log10 of either. Points are where it is evaluated: the samples
first, then the rows of the hazards.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from redose import covariates, kinetics
from redose.covariates import DesignError

DEFAULTS = {
    "marker": "mrd",
    "trajectory": "infusions",
    "knots": 4,
    "level": [],
    "growth": [],
    "kill": [],
    "timed_to": {},
    "courses": [],
    "lots": False,
    "correlated": False,
    "noise": "normal",
    "degrees": 4,
    "detection": False,
    "cured": False,
}
HALF_LIVES = {"NK": "half_life", "CIML-NK": "half_life_memory", "T": "half_life_t", "none": "half_life"}  # priors
PARTS = ("level", "growth", "kill")  # of the kinetics that depend on covariates
OF_PRODUCTS = ("product", "edits", "lineage")  # words of `kill` that are properties of the infused product


@dataclass(frozen=True)
class Infusions:
    """The infusions as the kinetics see them, with names of products, of features of the kill, and of lots.

    half_lives: name of the prior of each product's half-life, by lineage. Features: psi, rho, then theta of every
    agent, xi of every property of products (and of the interval number), and a lot each. lot_properties: those of the
    product of each lot, in a first interval, shape (lot, property).
    """

    doses: kinetics.Doses
    products: list[str]
    half_lives: list[str]
    timed: list[str]
    properties: list[str]
    lots: list[str]
    lot_properties: np.ndarray

    @property
    def features(self) -> list[str]:
        return [
            "psi",
            "rho",
            *(f"theta[{x}]" for x in self.timed),
            *(f"xi[{x}]" for x in self.properties),
            *(f"lot[{x}]" for x in self.lots),
        ]


def options_of(options: dict) -> dict:
    """The config's `kinetics` with every default filled in."""
    return DEFAULTS | options["kinetics"]


def infusions(
    tables: dict, about: dict, index: pd.Index, intervals: pd.DataFrame, options: dict, like: xr.Dataset | None
) -> Infusions:
    """The infusions of the patients in `index`. intervals: of the design's frame. options: the model's, with
    `reference_cells` and `kinetics`. like: as in `design.build`.

    Raises DesignError for an agent that the table courses lacks, for properties that do not vary, and for a product
    that the fit has not seen.
    """
    table = tables["infusions"].reset_index(drop=True)
    wanted = options_of(options)
    patient, day = index.get_indexer(table["patient"]), table["day"].to_numpy(float)
    fitted = like is not None and "product" in like
    products = list(like["product"].to_numpy()) if fitted else sorted(table["product"].unique()) or ["none"]
    if fitted:
        require_known(table, "product", products)
    properties = product_features(products, about, wanted["kill"])
    of = table["product"].map({p: k for k, p in enumerate(products)}).to_numpy(int)
    timed = list(wanted["timed_to"])
    windows = [
        timed_to(tables["courses"], index, patient, day, a, wanted["timed_to"][a], needed=like is None) for a in timed
    ]
    seen = table.loc[table["lot"] != "", "lot"].to_numpy(str) if wanted["lots"] else np.array([], dtype=str)
    lots = list(covariates.levels(seen, like["lot"] if fitted else None)[0])
    columns = [
        np.log(table["cells"].to_numpy(float) / options["reference_cells"]),
        kinetics.earlier_infusions(patient, day),
        *windows,
        *(properties[name].to_numpy()[of] for name in properties),
        *later_intervals(intervals, patient, day, wanted["kill"], needed=like is None),
        *((table["lot"] == lot).to_numpy(float) for lot in lots),
    ]
    features = np.column_stack(columns) if len(table) else np.zeros((0, len(columns)))
    doses = kinetics.arrange_doses(patient, day, of, features, len(index))
    properties = properties.assign(**{covariates.INTERVAL: 0.0} if covariates.INTERVAL in wanted["kill"] else {})
    before = like["lot_property"].to_numpy() if fitted else np.zeros((0, properties.shape[1]))
    first = [of[int(np.flatnonzero(table["lot"] == lot)[0])] for lot in lots[len(before) :]]
    of_lots = np.concatenate([before, properties.to_numpy(float).reshape(len(products), -1)[first]])
    lineages = [about.get("products", {}).get(p, {}).get("lineage", "none") for p in products]
    return Infusions(doses, products, [HALF_LIVES[x] for x in lineages], timed, list(properties), lots, of_lots)


def later_intervals(intervals: pd.DataFrame, patient, day, kill: list[str], needed: bool) -> list[np.ndarray]:
    """The number of intervals before the one that each infusion falls in, shape (infusion,), where `kill` asks for it.

    Raises DesignError where every infusion falls in a first interval, if others are needed."""
    if covariates.INTERVAL not in kill:
        return []
    start, owner = start_day(intervals), intervals["patient"].to_numpy()
    begun = (owner == patient[:, None]) & (start <= day[:, None])
    earlier = np.maximum(begun.sum(1) - 1.0, 0.0)
    if needed and not earlier.any():
        raise DesignError(f"config: kinetics.kill: no infusion falls in a later '{covariates.INTERVAL}': leave it out.")
    return [earlier]


def require_known(table: pd.DataFrame, column: str, known: list[str]) -> None:
    """Raises DesignError for the first patient with a product or assay that the fit has not seen."""
    for row in table.loc[~table[column].isin(known), ["patient", column]].itertuples(index=False):
        raise DesignError(
            f"{column} '{row[1]}' of patient {row[0]}: the fit has not seen it and knows nothing of it; it knows "
            f"{', '.join(known)}. Leave it out, or fit a study that has it."
        )


def timed_to(
    courses: pd.DataFrame, index: pd.Index, patient, day, agent: str, window: dict, needed: bool
) -> np.ndarray:
    """1.0 for every infusion from `before` days before the start to `after` days after the end of a course of the
    agent, else 0.0; shape (infusion,). Raises DesignError for an unknown agent, if one is needed."""
    start, stop, who = courses_of(courses, index, agent, "kinetics.timed_to", needed)
    near = (day[:, None] >= start - window["before"]) & (day[:, None] <= stop + window["after"])
    return (near & (patient[:, None] == who)).any(1).astype(float)


def courses_of(courses: pd.DataFrame, index: pd.Index, agent: str, where: str, needed: bool):
    """(start, stop, patient) of the courses of an agent, shape (course,). Raises DesignError where there is none, if
    one is needed."""
    rows = courses[courses["agent"] == agent]
    if rows.empty and needed:
        known = ", ".join(sorted(courses["agent"].unique())) or "none"
        raise DesignError(f"config: {where}: no course of '{agent}' in this study; agents in the table: {known}.")
    return rows["start_day"].to_numpy(float), rows["stop_day"].to_numpy(float), index.get_indexer(rows["patient"])


def product_features(products: list[str], about: dict, kill: list[str]) -> pd.DataFrame:
    """Properties of products that `kill` asks for, shape (product, property): contrasts to the first product
    (`product`), an indicator for every edit (`edits`) or lineage but the first (`lineage`).

    Raises DesignError where all products share the property: it could not be told from δ.
    """
    known = [about.get("products", {}).get(p, {}) for p in products]
    found = {}
    for word in (w for w in kill if w in OF_PRODUCTS):
        if word == "product":
            columns = {f"product {p}": [float(q == p) for q in products] for p in products[1:]}
        elif word == "edits":
            edits = sorted({e for p in known for e in p.get("edits", [])})
            columns = {f"edit {e}": [float(e in p.get("edits", [])) for p in known] for e in edits}
        else:
            lineages = sorted({p.get("lineage", "none") for p in known})
            columns = {f"lineage {x}": [float(p.get("lineage", "none") == x) for p in known] for x in lineages[1:]}
        columns = {n: c for n, c in columns.items() if len(set(c)) > 1}
        if not columns:
            raise DesignError(f"config: kinetics.kill: all infused products share '{word}': leave it out.")
        found |= columns
    return pd.DataFrame(found, index=products)


def table_of(tables: dict, about: dict, marker: str, needed: bool) -> pd.DataFrame:
    """The marker's measurements: patient, day, y (log10; its limit where below), lod (log10, -inf: none), below,
    false_positive, assay. Raises DesignError where the study has none, if they are needed."""
    table = tables[marker]
    if table.empty and needed:
        cure = "ask for `intervals` only"
        raise DesignError(f"a joint model needs the table '{marker}', which this study lacks; {cure}.")
    value = table[marker].to_numpy(float)
    below = table["below"].to_numpy(bool) if "below" in table else np.zeros(len(table), dtype=bool)
    lod = table["lod"].to_numpy(float) if "lod" in table else np.full(len(table), np.nan)
    if ((value <= 0) & ~below).any():
        first = table.loc[(value <= 0) & ~below, "patient"].iloc[0]
        raise DesignError(
            f"config: kinetics.marker: {marker} of patient {first} is 0 without a limit, and its log10 is modelled; "
            "give the limit of quantification (lod) in the table."
        )
    assays = table["assay"] if "assay" in table else pd.Series(marker, index=table.index)
    rates = {name: a.get("false_positive_rate", 0.0) for name, a in about.get("assays", {}).items()}
    log_lod = np.log10(np.where(np.isnan(lod), 1.0, lod))
    return pd.DataFrame(
        {
            "patient": table["patient"].to_numpy(),
            "day": table["day"].to_numpy(float),
            "y": np.where(below, log_lod, np.log10(np.where(below, 1.0, value))),
            "lod": np.where(np.isnan(lod), -np.inf, log_lod),
            "below": below,
            "false_positive": assays.map(rates).fillna(0.0).to_numpy(float),
            "assay": assays.to_numpy(str),
        }
    )


def samples(measured: pd.DataFrame, index: pd.Index, intervals: pd.DataFrame) -> pd.DataFrame:
    """Samples of the likelihood: the columns of `measured` with the patient's index, and interval (index).

    intervals: of the design's frame. A sample on the day one interval ends and the next starts belongs to the next;
    samples before day 0 belong to the first interval; those after the end of an interval and before the next (salvage
    goes on) are left out.
    """
    spans = intervals.assign(start=start_day(intervals), end=intervals["end_day"], place=np.arange(len(intervals)))
    rows = measured.assign(patient=index.get_indexer(measured["patient"]))
    start = spans[["patient", "start", "end", "place"]].sort_values("start")
    merged = pd.merge_asof(rows.sort_values("day", kind="stable"), start, left_on="day", right_on="start", by="patient")
    first = spans.groupby("patient")["place"].first()
    merged["interval"] = merged["place"].fillna(merged["patient"].map(first)).astype(int)
    merged = merged[~(merged["day"] > merged["end"])]  # NaN before day 0 compares false
    return merged.sort_values(["patient", "day"], kind="stable", ignore_index=True).drop(
        columns=["start", "end", "place"]
    )


def start_day(intervals: pd.DataFrame) -> np.ndarray:
    """Calendar day on which every interval of the design's frame starts; shape (interval,)."""
    return (intervals["origin"] + intervals["entry"]).to_numpy(float)


def curve_knots(elapsed: np.ndarray, options: dict) -> np.ndarray:
    """Knots of the spline trajectory at quantiles of the samples' days since the interval's start; none for a line."""
    if options["trajectory"] != "spline":
        return np.array([])
    knots = np.unique(np.quantile(elapsed[elapsed >= 0], np.linspace(0.0, 1.0, options["knots"])))
    if len(knots) < 3:
        raise DesignError("config: kinetics.trajectory: too few different days of samples for a spline; use linear.")
    return knots


def covariates_of(wanted: dict) -> dict[str, list[str]]:
    """Place in the config -> covariates of patients that the kinetics depend on. wanted: from `options_of`."""
    parts = {part: [c for c in wanted[part] if c not in OF_PRODUCTS or part != "kill"] for part in PARTS}
    return {f"config: kinetics.{part}": names for part, names in parts.items()}


def arrays(tables: dict, about: dict, study, options: dict, rows: pd.DataFrame, like: xr.Dataset | None) -> dict:
    """Everything of the marker that a joint model reads, as variables of the design dataset.

    study: the design's frame. options: the model's. rows: of the hazards, with interval and day (calendar). like: as in
    `design.build`. Raises DesignError for an assay that the fit has not seen.
    """
    patients, intervals, taken = study.patients, study.intervals, study.infusions
    wanted, index = options_of(options), pd.Index(patients["patient"])
    measured = table_of(tables, about, wanted["marker"], needed=like is None)
    read = samples(measured, index, intervals)
    inside = np.concatenate([read["interval"].to_numpy(), rows["interval"].to_numpy()])
    when = np.concatenate([read["day"].to_numpy(), rows["day"].to_numpy(float)])
    elapsed = when - start_day(intervals)[inside]
    assays = sorted(read["assay"].unique()) if like is None else list(like["assay"].to_numpy())
    if like is not None:
        require_known(measured, "assay", assays)
    found = {f"sample_{c}": ("sample", read[c].to_numpy()) for c in read.columns if c != "assay"}
    found["sample_assay"] = ("sample", read["assay"].map({a: k for k, a in enumerate(assays)}).to_numpy())
    found |= {"assay": ("assay", np.array(assays, dtype=str)), "point_interval": ("point", inside)}
    found |= {"point_elapsed": ("point", elapsed), "interval_start": ("interval", start_day(intervals))}
    found |= _linear_predictors(patients, intervals, study.codings, wanted)
    found |= _courses(tables["courses"], index, intervals, wanted["courses"], inside, when, needed=like is None)
    if wanted["trajectory"] == "infusions":
        return found | _infusions(taken, intervals, inside, when)
    knots = curve_knots(elapsed[: len(read)], wanted) if like is None else like["curve_knots"].to_numpy()
    basis = kinetics.curve_basis(elapsed, knots)
    return found | {
        "curve_knots": ("curve_knot", knots),
        "point_basis": (("point", "basis"), basis),
        "point_basis_slope": (("point", "basis"), kinetics.curve_slope(elapsed, knots)),
    }


def _linear_predictors(patients: pd.DataFrame, intervals: pd.DataFrame, known: dict, wanted: dict) -> dict:
    """Covariates of the level (by interval), of the growth and of the kill (by patient). known: their codings."""
    found = {}
    for part, (where, names) in zip(PARTS, covariates_of(wanted).items(), strict=True):
        table = covariates.of_patients(patients, names, known, where)
        dim = "interval" if part == "level" else "patient"
        if part == "level":
            table = table.iloc[intervals["patient"]].reset_index(drop=True)
            if covariates.INTERVAL in wanted["level"]:
                table.insert(0, covariates.INTERVAL, intervals["number"].to_numpy() - 1.0)
        found[f"{part}_covariate"] = (f"{part}_covariate", np.array(list(table.columns), dtype=str))
        found[f"x_{part}"] = ((dim, f"{part}_covariate"), table.to_numpy(float))
    return found


def _courses(
    table: pd.DataFrame, index: pd.Index, intervals: pd.DataFrame, agents: list[str], inside, when, needed: bool
) -> dict:
    """Days on each course by every point and by every interval's start, and whether it is on at the point."""
    who, owner, start = intervals["patient"].to_numpy()[inside], intervals["patient"].to_numpy(), start_day(intervals)
    on, active = np.zeros((len(when), len(agents))), np.zeros((len(when), len(agents)))
    at_start, episodes = np.zeros((len(intervals), len(agents))), [np.zeros((4, 0))]
    for k, agent in enumerate(agents):
        first, last, patient = courses_of(table, index, agent, "kinetics.courses", needed)
        episodes.append(np.array([np.full(len(first), k), patient, first, last]))
        for i in np.unique(patient):
            mine, ours, own = who == i, owner == i, patient == i
            on[mine, k] = kinetics.days_on(first[own], last[own], when[mine])
            at_start[ours, k] = kinetics.days_on(first[own], last[own], start[ours])
            active[mine, k] = ((when[mine][:, None] > first[own]) & (when[mine][:, None] <= last[own])).any(1)
    of_agent, of_patient, began, ended = np.concatenate(episodes, axis=1)
    return {
        "course_agent": ("episode", of_agent.astype(int)),
        "course_patient": ("episode", of_patient.astype(int)),
        "course_start": ("episode", began),
        "course_stop": ("episode", ended),
        "course": ("course", np.array(agents, dtype=str)),
        "point_on": (("point", "course"), on - at_start[inside]),
        "point_active": (("point", "course"), active),
    }


def _infusions(taken: Infusions, intervals: pd.DataFrame, inside, when) -> dict:
    """Infusions, their features, and the last one before every point and every interval's start."""
    doses, owner = taken.doses, intervals["patient"].to_numpy()
    slot, since = kinetics.last_dose(doses, owner[inside], when)
    start_slot, start_since = kinetics.last_dose(doses, owner, start_day(intervals))
    return {
        "product": ("product", np.array(taken.products, dtype=str)),
        "product_half_life": ("product", np.array(taken.half_lives, dtype=str)),
        "timed": ("timed", np.array(taken.timed, dtype=str)),
        "property": ("property", np.array(taken.properties, dtype=str)),
        "lot": ("lot", np.array(taken.lots, dtype=str)),
        "feature": ("feature", np.array(taken.features, dtype=str)),
        "lot_property": (("lot", "property"), taken.lot_properties),
        "dose_patient": ("infusion", doses.patient),
        "dose_day": ("infusion", doses.day),
        "dose_product": ("infusion", doses.product),
        "dose_features": (("infusion", "feature"), doses.features),
        "mean_features": (("patient", "feature"), doses.mean_features),
        "pair_later": ("pair", doses.pair_later),
        "pair_earlier": ("pair", doses.pair_earlier),
        "pair_gap": ("pair", doses.pair_gap),
        "point_slot": ("point", slot),
        "point_since": ("point", since),
        "start_slot": ("interval", start_slot),
        "start_since": ("interval", start_since),
    }
