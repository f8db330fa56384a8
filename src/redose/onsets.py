"""The arrays of the gvhd model: who was at risk of an onset and when, what was infused before, grades and durations.

A patient is at risk of a kind (acute, chronic) from day 0 to the end of follow-up, outside of its episodes of that
kind; with `recurrent: false` only up to the first onset. An onset on day t follows infusions before t.
"""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from redose import covariates
from redose.contract import GRADES
from redose.covariates import DesignError

KINDS = tuple(GRADES)
NOT_GRADED = -1
WITHIN = 100.0  # days within which a background probability counts: the first phase after a transplant
SHORTEST = 0.5  # days; an episode that ends, or is last seen, on the day of its onset


@dataclass(frozen=True)
class Course:
    """Episodes and days at risk of one kind; `patient` is an index.

    onsets: columns patient, day, grade (place among the kind's grades, NOT_GRADED), lasted (days), ended (else it
    outlasts follow-up). spells: columns patient, start, stop; at risk on (start, stop] days.
    """

    onsets: pd.DataFrame
    spells: pd.DataFrame


def ends(tables: dict) -> pd.DataFrame:
    """End of follow-up by patient, in the order of `patients`: columns day, died."""
    intervals = tables["intervals"].sort_values("end_day", kind="stable").drop_duplicates("patient", keep="last")
    last = intervals.set_index("patient").loc[tables["patients"]["patient"]]
    return pd.DataFrame({"day": last["end_day"].astype(float), "died": last["outcome"] == "death"})


def episodes(gvhd: pd.DataFrame, kind: str, patient: str) -> list[tuple[float, float, int]]:
    """(onset, end, grade) of a patient's episodes of a kind in order of time; end is infinite where none is given.
    One that starts before the last has ended belongs to it: the higher grade and the later end count."""
    found = []
    mine = gvhd[(gvhd["kind"] == kind) & (gvhd["patient"] == patient)].sort_values("onset_day", kind="stable")
    for row in mine.itertuples():
        grade = GRADES[kind].index(row.grade) if row.grade else NOT_GRADED
        one = (float(row.onset_day), np.inf if pd.isna(row.end_day) else float(row.end_day), grade)
        if found and one[0] <= found[-1][1]:
            onset, end, before = found.pop()
            one = (onset, max(end, one[1]), max(before, grade))
        found.append(one)
    return found


def course(tables: dict, kind: str, recurrent: bool) -> Course:
    """Onsets and days at risk of one kind. An episode that is there on day 0 is no onset: its patient is at risk from
    its end on. Onsets after the end of follow-up are left out."""
    onsets, spells = [], []
    for i, (patient, last) in enumerate(ends(tables)["day"].items()):
        free = 0.0
        known = [e for e in episodes(tables["gvhd"], kind, patient) if e[0] <= last]
        for onset, end, grade in known:
            if free < onset:
                spells.append((i, free, onset))
                lasted = max(min(end, last) - onset, SHORTEST)
                onsets.append((i, onset, grade, lasted, end <= last))
            free = end if recurrent or onset <= 0 else np.inf
        if free < last:
            spells.append((i, max(free, 0.0), last))
    return Course(
        pd.DataFrame(onsets, columns=["patient", "day", "grade", "lasted", "ended"]),
        pd.DataFrame(spells, columns=["patient", "start", "stop"]),
    )


def levels(patients: pd.DataFrame, background: str) -> tuple[np.ndarray, np.ndarray]:
    """(names, code): levels of the background, shape (level,), and the level of each patient, shape (patient,).
    `all` makes one level, `none` has no background at all. Raises DesignError for an unknown column."""
    if background in ("all", "none"):
        names = np.array(["all patients"] if background == "all" else [], dtype=str)
        return names, np.zeros(len(patients), dtype=int)
    if background not in patients:
        known = ", ".join(["all", "none", *(c for c in patients.columns if c != "patient")])
        raise DesignError(
            f"config: models.gvhd.background: no column '{background}' in the patients table; give one of {known}."
        )
    return np.unique(patients[background].to_numpy(str), return_inverse=True)


def window_names(cuts: list[float]) -> list[str]:
    """Words for the windows between `cuts` (days), the last one open."""
    edges = [0, *cuts]
    return [f"days {a:g}-{b:g}" for a, b in zip(edges, cuts, strict=False)] + [f"after day {edges[-1]:g}"]


def build(tables: dict, about: dict, options: dict) -> xr.Dataset:
    """Everything that the gvhd model reads; dims patient, infusion, product and, by kind, `<kind>_onset`, `_spell` and
    so on.

    tables: the checked tables. about: study.yaml. options: the config's entry of this study and model.
    Raises DesignError where the config asks for what the study does not hold.
    """
    patients = tables["patients"].reset_index(drop=True)
    last = ends(tables)
    names, level = levels(patients, options["background"])
    data = xr.Dataset(attrs={"model": "gvhd", "options": json.dumps(options)})
    data = data.assign_coords(patient=patients["patient"].to_numpy(str))
    data = data.assign(
        patient_end=("patient", last["day"].to_numpy()), patient_died=("patient", last["died"].to_numpy())
    )
    data = data.assign(patient_level=("patient", level)).assign(infusions(tables, options["reference_cells"]))
    if not len(names) and not data.sizes["infusion"]:
        raise DesignError("config: models.gvhd: without infusions and without a background there is no hazard of GVHD.")
    for kind in KINDS:
        cuts = [float(x) for x in options["windows"][kind]]
        where = f"config: models.gvhd.{kind}"
        wanted = options[kind]["covariates"]
        x = covariates.of_patients(patients, wanted, covariates.codings(patients, {where: wanted}, about), where)
        windows = window_names(cuts)
        labels = [f"{name}, {window}" if len(names) > 1 else window for name in names for window in windows]
        data = data.assign_coords({f"{kind}_background": np.array(labels, dtype=str)})
        data = data.assign_coords({f"{kind}_covariate": np.array(list(x.columns), dtype=str)})
        data = data.assign_coords({f"{kind}_grade": np.array(GRADES[kind], dtype=str)})
        data[f"x_{kind}"] = (("patient", f"{kind}_covariate"), x.to_numpy(float))
        data = data.assign(_kind(kind, course(tables, kind, options["recurrent"]), cuts, data, where))
    return data


def infusions(tables: dict, reference_cells: float) -> dict:
    """Infusions by patient and day: patient and product (indices), day, log_cells = log(cells / reference)."""
    rows = tables["infusions"].sort_values(["patient", "day"], kind="stable")
    products, product = np.unique(rows["product"].to_numpy(str), return_inverse=True)
    return {
        "product": ("product", products),
        "infusion_patient": ("infusion", pd.Index(tables["patients"]["patient"]).get_indexer(rows["patient"])),
        "infusion_product": ("infusion", product),
        "infusion_day": ("infusion", rows["day"].to_numpy(float)),
        "infusion_log_cells": ("infusion", np.log(rows["cells"].to_numpy(float) / reference_cells)),
    }


def given_before(data: xr.Dataset, patient: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(point, infusion): every pair of a point (patient, day) and an infusion that its patient had before that day."""
    mine = patient[:, None] == data["infusion_patient"].to_numpy()
    return np.nonzero(mine & (data["infusion_day"].to_numpy() < day[:, None]))


def window_of(cuts: list[float], day: np.ndarray) -> np.ndarray:
    """Window of each day; a day on a cut belongs to the window that it ends."""
    return np.searchsorted(np.asarray(cuts), day, side="left")


def days_in_windows(cuts: list[float], start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Days of (start, stop] in each window, shape (spell, window)."""
    edges = np.array([-np.inf, *cuts, np.inf])
    return np.maximum(np.minimum(stop[:, None], edges[1:]) - np.maximum(start[:, None], edges[:-1]), 0.0)


def _kind(kind: str, found: Course, cuts: list[float], data: xr.Dataset, where: str) -> dict:
    """The arrays of one kind: exposure by window, and pairs of spells and onsets with the infusions before them."""
    onsets, spells = found.onsets, found.spells
    inside = days_in_windows(cuts, spells["start"].to_numpy(), spells["stop"].to_numpy())
    days = np.zeros((data.sizes["patient"], len(cuts) + 1))
    np.add.at(days, spells["patient"].to_numpy(int), inside)
    day, infused = data["infusion_day"].to_numpy(), {}
    for name, rows, at in (("spell", spells, "stop"), ("onset", onsets, "day")):
        infused[name] = given_before(data, rows["patient"].to_numpy(int), rows[at].to_numpy(float))
    unexplained = np.setdiff1d(np.arange(len(onsets)), infused["onset"][0])
    if not data.sizes[f"{kind}_background"] and len(unexplained):
        first = onsets.iloc[unexplained[0]]
        patient = str(data["patient"].to_numpy()[int(first["patient"])])
        raise DesignError(
            f"{where}: patient {patient} has {kind} GVHD on day {first['day']:g} without an infusion before; "
            "a hazard that could explain it needs `background: all` or a column of the patients table."
        )
    (spell, dose), (onset, cause) = infused["spell"], infused["onset"]
    start, stop = (spells[c].to_numpy(float)[spell] for c in ("start", "stop"))
    pair, trace = f"{kind}_pair", f"{kind}_trace"
    return {
        f"{kind}_days": (("patient", f"{kind}_window"), days),
        f"{pair}_patient": (pair, spells["patient"].to_numpy(int)[spell]),
        f"{pair}_infusion": (pair, dose),
        f"{pair}_from": (pair, np.maximum(start - day[dose], 0.0)),
        f"{pair}_to": (pair, stop - day[dose]),
        f"{trace}_onset": (trace, onset),
        f"{trace}_infusion": (trace, cause),
        f"{trace}_since": (trace, onsets["day"].to_numpy(float)[onset] - day[cause]),
        f"{kind}_onset_window": (f"{kind}_onset", window_of(cuts, onsets["day"].to_numpy(float))),
        f"{kind}_spell_patient": (f"{kind}_spell", spells["patient"].to_numpy(int)),
        f"{kind}_spell_start": (f"{kind}_spell", spells["start"].to_numpy(float)),
        f"{kind}_spell_stop": (f"{kind}_spell", spells["stop"].to_numpy(float)),
    } | {f"{kind}_onset_{c}": (f"{kind}_onset", onsets[c].to_numpy(t)) for c, t in ONSET.items()}


ONSET = {"patient": int, "day": float, "grade": int, "lasted": float, "ended": bool}
