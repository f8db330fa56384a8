"""Design matrices: covariates of a patient, and conditions that come and go during follow-up."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

INTERVAL = "interval"  # the column k - 1: log hazard per further progression-free interval
BURDEN = "burden"  # log10 of the last burden measured
LAST_BURDEN = "last burden"  # under which codings hold the centre of BURDEN, as a covariate may be called that
GVHD_CLASSES = {
    "gvhd": lambda g: np.ones(len(g), dtype=bool),
    "gvhd_acute": lambda g: (g["kind"] == "acute").to_numpy(),
    "gvhd_chronic": lambda g: (g["kind"] == "chronic").to_numpy(),
    "gvhd_severe": lambda g: g["grade"].isin(["3", "4", "severe"]).to_numpy(),
}


SPLIT = ("burden", "tme")  # roles of the covariates by which patients are told apart in conclusions


class DesignError(ValueError):
    """The config asks a model for something that the study does not hold."""


@dataclass(frozen=True)
class Episodes:
    """Days on which a time-dependent covariate has a value: onset < t <= end, by patient index; shape (episode,) each.

    A condition has the value 1 while it is on.
    """

    patient: np.ndarray
    onset: np.ndarray
    end: np.ndarray
    value: np.ndarray

    def at(self, patient: np.ndarray, day: np.ndarray) -> np.ndarray:
        """The value of the patient's episode on that day, 0.0 outside of all; shape (point,)."""
        found = np.zeros(len(day))
        for i, onset, end, value in zip(self.patient, self.onset, self.end, self.value, strict=True):
            found[(patient == i) & (day > onset) & (day <= end)] = value
        return found


def levels(values: np.ndarray, known=None) -> tuple[np.ndarray, np.ndarray]:
    """(levels, place of every value among them), shape (level,) and (value,): the known ones of a fit, in its order,
    then new ones, sorted."""
    first = np.unique(values)[:0] if known is None else np.asarray(known)
    every = np.append(first, np.setdiff1d(values, first))
    return every, pd.Index(every).get_indexer(values)


def told_apart_by(patients: pd.DataFrame, about: dict) -> list[str]:
    """The first two numeric covariates of burden and microenvironment that the table holds: those by which subgroups,
    gains and rules of whom to treat are told."""
    known = [c for c, x in about["covariates"].items() if x["role"] in SPLIT and c in patients]
    return [c for c in known if pd.api.types.is_numeric_dtype(patients[c])][:2]


def complete(patients: pd.DataFrame, column: str, where: str) -> pd.Series:
    """A covariate of all patients. where: place in the config. Raises DesignError where one is unknown or missing."""
    if column not in patients:
        known = ", ".join(c for c in patients.columns if c != "patient")
        raise DesignError(f"{where}: no column '{column}' in the patients table; it has {known}, and '{INTERVAL}'.")
    missing = patients.loc[patients[column].isna() | (patients[column] == ""), "patient"]
    if len(missing):
        raise DesignError(
            f"{where}: covariate '{column}' is missing for {len(missing)} patients ({', '.join(missing[:5])}); "
            "missing covariates are not imputed: complete them, or leave these patients or the covariate out."
        )
    return patients[column]


def coding(patients: pd.DataFrame, column: str, about: dict, where: str) -> dict:
    """How a covariate enters a linear predictor: `centre` (study.yaml, else the mean over patients) and `per` of a
    numeric one, with `low` and `high`, the range of its values; `levels` and `reference` (study.yaml, else the first
    level in sorted order) of a categorical one.

    Raises DesignError as `complete` does, and where all patients have one value or none has the reference level.
    """
    values, role = complete(patients, column, where), about.get("covariates", {}).get(column, {})
    if len(set(values)) == 1:
        raise DesignError(f"{where}: '{column}' has one value for all patients, '{values.iloc[0]}': leave it out.")
    if pd.api.types.is_numeric_dtype(values):
        centred = {"centre": float(role.get("centre", values.mean())), "per": float(role.get("per", 1.0))}
        return centred | {"low": float(values.min()), "high": float(values.max())}
    levels = sorted(values.unique())
    reference = role.get("reference", levels[0])
    if reference not in levels:
        raise DesignError(f"{where}: reference level '{reference}' of '{column}' does not occur; levels: {levels}.")
    return {"levels": levels, "reference": reference}


def codings(patients: pd.DataFrame, wanted: dict[str, list[str]], about: dict) -> dict[str, dict]:
    """The coding of every covariate that a model asks for. wanted: place in the config -> columns."""
    return {c: coding(patients, c, about, where) for where, names in wanted.items() for c in names if c != INTERVAL}


def coded(patients: pd.DataFrame, column: str, of: dict, where: str) -> pd.DataFrame:
    """Columns that enter a linear predictor, shape (patient, column); names such as `arm[thiotepa]` or `age`.

    of: the column's coding. Raises DesignError as `complete` does, and for a level or number that the coding lacks.
    """
    values = complete(patients, column, where)
    if "centre" in of:
        if not pd.api.types.is_numeric_dtype(values):
            raise DesignError(f"{where}: covariate '{column}' must be a number, but is '{values.iloc[0]}'.")
        return pd.DataFrame({column: (values - of["centre"]) / of["per"]})
    strange = patients.loc[~values.isin(of["levels"]), ["patient", column]]
    for row in strange.itertuples(index=False):
        raise DesignError(
            f"{where}: patient {row[0]} has '{row[1]}' as '{column}', a level that the fit has not seen; give one of "
            f"{', '.join(of['levels'])}, or leave the patient out."
        )
    return pd.DataFrame({f"{column}[{x}]": (values == x).astype(float) for x in of["levels"] if x != of["reference"]})


def beyond(patients: pd.DataFrame, known: dict[str, dict], by: float = 0.0) -> pd.Series:
    """A sentence about every patient with a number outside the range of the fit, widened on both sides by `by` times
    its width, else "". known: from `codings`."""
    said = pd.Series("", index=patients.index)
    for column, of in known.items():
        if "low" not in of or column not in patients:
            continue
        values = patients[column]
        margin = by * (of["high"] - of["low"])
        strange = (values < of["low"] - margin) | (values > of["high"] + margin)
        words = values[strange].map(lambda x, c=column, o=of: f"{c} {x:g} beyond {o['low']:.3g} to {o['high']:.3g}; ")
        said = said.add(words.reindex(said.index, fill_value=""))
    return said.str.removesuffix("; ")


def of_patients(patients: pd.DataFrame, columns: list[str], known: dict[str, dict], where: str) -> pd.DataFrame:
    """Coded covariates, shape (patient, column), without the interval number. known: from `codings`. Errors as in
    `coded`."""
    parts = [coded(patients, c, known[c], where) for c in columns if c != INTERVAL]
    return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=patients.index)


def episodes(tables: dict, name: str, patient_index: pd.Index, where: str, needed: bool = True) -> Episodes:
    """Episodes of a time-dependent covariate: a class of GVHD, or a condition of the `conditions` table.

    An empty end means until the end of follow-up. Raises DesignError where the study has no such condition, if it is
    needed.
    """
    if name in GVHD_CLASSES:
        rows = tables["gvhd"]
        rows = rows[GVHD_CLASSES[name](rows)]
    else:
        rows = tables["conditions"]
        rows = rows[rows["condition"] == name]
        if rows.empty and needed:
            known = ", ".join([*GVHD_CLASSES, BURDEN, *sorted(tables["conditions"]["condition"].unique())])
            raise DesignError(f"{where}: no time-dependent covariate '{name}' in this study; known: {known}.")
    return Episodes(
        patient_index.get_indexer(rows["patient"]),
        rows["onset_day"].to_numpy(float),
        rows["end_day"].fillna(np.inf).to_numpy(float),
        np.ones(len(rows)),
    )


def burden_levels(burden: pd.DataFrame, where: str) -> pd.DataFrame:
    """Measurements by patient and day with `level`, log10 of the burden; one below its limit counts as the limit.

    Raises DesignError for a study without any, and for a burden of 0.
    """
    if burden.empty:
        raise DesignError(f"{where}: no time-dependent covariate '{BURDEN}': this study has no table of that name.")
    rows = burden.sort_values(["patient", "day"], ignore_index=True)
    size = rows["burden"].where(~rows["below"], rows["lod"])
    for row in rows[size <= 0].itertuples():
        raise DesignError(
            f"{where}: the burden of patient {row.patient} on day {row.day:g} is 0, which has no logarithm; give that "
            "measurement the limit of its method as lod, or leave it out."
        )
    return rows.assign(level=np.log10(size))


def burden_centre(levels: pd.DataFrame, about: dict) -> float:
    """log10 of the burden from which it is counted: study.yaml's centre for `burden` (in the unit of burden), else the
    geometric mean of the patients' first values. levels: from `burden_levels`. Raises DesignError for a centre that is
    not above 0."""
    centre = about.get("covariates", {}).get(BURDEN, {}).get("centre")
    if centre is None:
        return float(levels.drop_duplicates("patient")["level"].mean())
    if centre <= 0:
        raise DesignError(
            f"study.yaml: covariates.{BURDEN}.centre is {centre:g}, but must be above 0, as burden itself."
        )
    return float(np.log10(centre))


def last_burden(levels: pd.DataFrame, centre: float, entered: pd.Series, where: str) -> Episodes:
    """log10 of the last burden measured before a day, less its centre: an episode from each measurement to the next.

    levels: from `burden_levels`. centre: from `burden_centre`. entered: day at which each patient's risk begins, in the
    order of the patients. Raises DesignError for a patient without a measurement by then.
    """
    first = levels.drop_duplicates("patient").set_index("patient").reindex(entered.index)
    late = first.index[~(first["day"] <= entered)]
    if len(late):
        raise DesignError(
            f"{where}: {len(late)} patients ({', '.join(late[:5])}) have no burden measured by the day on which their "
            "risk begins, and missing covariates are not imputed: give a baseline value, let them enter later "
            "(entry_day), or leave them or the covariate out."
        )
    return Episodes(
        entered.index.get_indexer(levels["patient"]),
        levels["day"].to_numpy(float),
        levels.groupby("patient")["day"].shift(-1).fillna(np.inf).to_numpy(float),
        (levels["level"] - centre).to_numpy(float),
    )
