"""Interim data cuts: what was known of a study by a calendar day, as tables that are checked and analysed like any.

Patients are enrolled on different calendar days (`enrolled_day`), so that a cut leaves each its own follow-up. Of what
goes on at the cut the end is not known yet, and of an interval that ends later only that it had not ended: it is
censored on the cut, with its last assessment where that came before. A cut at or after the end of follow-up changes
nothing, and of two cuts the earlier one decides.
"""

from pathlib import Path

import pandas as pd
import yaml

from redose import files, problems

DATED = {"mrd": "day", "burden": "day", "infusions": "day"}
LASTING = {
    "gvhd": ("onset_day", "end_day"),
    "conditions": ("onset_day", "end_day"),
    "courses": ("start_day", "stop_day"),
}


def known(tables: dict[str, pd.DataFrame], day: float, study: str) -> dict[str, pd.DataFrame]:
    """The checked tables as they stood on a calendar day, counted as `enrolled_day` is. Patients enrolled later, or of
    whom no interval had begun, are left out.

    Raises StudyError where the day of enrolment of a patient is not known, or nobody was enrolled by then."""
    patients = tables["patients"]
    undated = patients.loc[patients["enrolled_day"].isna(), "patient"]
    if len(undated):
        raise problems.StudyError(
            f"study {study}: a cut on day {day:g} needs enrolled_day of every patient, and {len(undated)} have none "
            f"(patient {undated.iloc[0]} is the first); give it in the table patients, or the cut as a folder."
        )
    last = (day - patients.set_index("patient")["enrolled_day"]).to_dict()
    limits = {name: table["patient"].map(last).astype(float) for name, table in tables.items()}
    found = dict(tables)
    found["intervals"] = intervals(tables["intervals"], limits["intervals"])
    if found["intervals"].empty:
        raise problems.StudyError(
            f"study {study}: no patient was followed by the cut on day {day:g}; the first was enrolled on day "
            f"{patients['enrolled_day'].min():g}, so give a later day."
        )
    for name, column in DATED.items():
        found[name] = tables[name][tables[name][column] <= limits[name]]
    for name, (first, end) in LASTING.items():
        later = tables[name][end] > limits[name]
        # an episode goes on until the end of follow-up where its end is empty; a course has its last day there
        then = limits[name] if name == "courses" else float("nan")
        rows = tables[name].assign(**{end: tables[name][end].mask(later, then)})
        found[name] = rows[rows[first] <= limits[name]]
    kept = found["intervals"]["patient"].unique()
    return {name: table[table["patient"].isin(kept)].reset_index(drop=True) for name, table in found.items()}


def intervals(rows: pd.DataFrame, limit: pd.Series) -> pd.DataFrame:
    """The intervals of which some time at risk was seen by `limit`, a day per row; those that went on are censored."""
    entry = rows["entry_day"].fillna(rows["start_day"])
    rows, limit = rows[entry < limit], limit[entry < limit]
    went_on = rows["end_day"] > limit
    return rows.assign(
        end_day=rows["end_day"].mask(went_on, limit),
        outcome=rows["outcome"].mask(went_on, "censored"),
        last_free_day=rows["last_free_day"].mask(rows["last_free_day"] > limit),
    )


def as_written(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Checked tables in the form that users write: they are checked anew."""
    found = {}
    for name, table in tables.items():
        if "below" in table:
            # numbers as the shortest text that reads back as the same number
            table = table.assign(**{name: table[name].map(repr).mask(table["below"], "<lod")}).drop(columns="below")
        found[name] = table
    return found


def write(tables: dict[str, pd.DataFrame], about: dict, folder: Path | str) -> None:
    """Writes checked tables and the description of their study as users could have written both."""
    for name, table in as_written(tables).items():
        files.write_table(table, Path(folder) / f"{name}.csv")
    files.write_text(yaml.safe_dump(about, allow_unicode=True, sort_keys=False), Path(folder) / "study.yaml")
