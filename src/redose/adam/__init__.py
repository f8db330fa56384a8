"""CDISC ADaM in: the datasets of a trial become the tables of the data contract. ADaM's words stop here.

`adapt` reads the mapping of a study's folder (`adam.yaml`) and the datasets that it names, and returns the tables, the
description of the study and the record of what became of every record. docs/adam.md says how each column is derived.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import yaml

from redose import contract, files, pseudonyms
from redose.adam import intervals, mapping, measures, population, summaries, treatments
from redose.adam.datasets import Library
from redose.adam.faults import Faults
from redose.adam.record import Record

REPORTS = ["datasets", "counts", "reasons", "listings", "left_out", "conversions", "endpoints", "distributions"]
REPORTS += ["limits", "adherence"]


@dataclass(frozen=True)
class Adapted:
    """A study that came from ADaM: `about` for study.yaml, `tables` of the raw form, `reports`: the record, by name."""

    about: dict
    tables: dict[str, pd.DataFrame]
    reports: dict[str, pd.DataFrame]


def adapt(study_folder: Path | str, name: str | None = None) -> Adapted:
    """The study that `adam.yaml` of the folder describes. Raises StudyError with all faults that could be found.

    name: the study's name in messages; by default that of the folder.
    """
    rules = mapping.read(study_folder)
    faults, record = Faults(name or Path(study_folder).resolve().name), Record()
    library = Library(rules, faults)
    people = population.population(library, record, faults)
    infused = treatments.infusions(library, people, record)
    dates = {
        name: treatments.days(library, name, people, record) for name in ("transplant", "new_therapy", "retreatment")
    }
    dates["treated"] = treated(infused, dates.pop("retreatment"))
    source = rules["intervals"]["from"]
    if source == "ADRS":
        found = intervals.from_assessments(library, people, dates, record, faults)
    else:
        found = intervals.from_times(library, people, record, faults)
    endpoints = summaries.endpoints(library, people, found)
    if source == "ADRS" and library.has("ADTTE"):
        intervals.compared(found, library, people, record, faults)
    finished, people = intervals.finished(found, people, source, rules["intervals"], record)
    summaries.refuse_empty(people, faults.study)
    tables = {
        "patients": people.patients,
        "intervals": finished,
        "infusions": of(infused, people),
        "courses": treatments.courses(library, people, record),
        "mrd": measures.mrd(library, people, record, faults),
        "burden": measures.burden(library, people, record, faults),
        "gvhd": treatments.gvhd(library, people, record, faults),
        "conditions": treatments.conditions(library, people, record),
    }
    faults.stop()
    tables = {name: tables[name] for name in contract.TABLES if len(tables[name])}
    reports = {
        "datasets": library.digests(),
        "counts": record.counts,
        "reasons": record.reasons,
        "listings": record.listings,
        "left_out": people.left_out,
        "conversions": record.conversions,
        "endpoints": endpoints,
        "distributions": summaries.distributions(tables),
        "limits": summaries.limits(tables),
        "adherence": summaries.adherence(library, people),
    }
    return Adapted(described(rules, tables), tables, reports)


def treated(infused: pd.DataFrame, further: dict[str, list[float]]) -> dict[str, list[float]]:
    """Patient -> sorted days on which a next interval may start: infusions, and further retreatments."""
    days = {patient: set(own["day"].astype(float)) for patient, own in infused.groupby("patient")}
    for patient, own in further.items():
        days.setdefault(patient, set()).update(own)
    return {patient: sorted(own) for patient, own in days.items()}


def of(table: pd.DataFrame, people: population.Population) -> pd.DataFrame:
    """The rows of patients who are still there."""
    return table[table["patient"].isin(people.dates.index)].reset_index(drop=True)


def described(rules: mapping.Mapping, tables: dict[str, pd.DataFrame]) -> dict:
    """`study.yaml`: what the mapping says of the study, day 0, and the assays that occur."""
    day_0 = {"TRTSDT": "first study treatment (TRTSDT of ADSL)", "RANDDT": "randomisation (RANDDT of ADSL)"}
    own = dict(rules["study"])
    made = {"title": own.pop("title"), "source": own.pop("source", f"CDISC ADaM datasets in {rules['folder']}")}
    made |= {"day_0": own.pop("day_0", day_0.get(rules["day_0"], f"{rules['day_0']} of ADSL"))}
    assays = sorted(set(tables["mrd"]["assay"])) if "mrd" in tables else []
    if assays:
        made["assays"] = dict(own.pop("assays", {})) | {
            name: {} for name in assays if name not in rules["study"].get("assays", {})
        }
    return made | own


def write(adapted: Adapted, tables: Path | str, study: Path | str, reports: Path | str) -> None:
    """Writes the tables as CSV into a folder of their own, the description to `study`, the reports into `reports`."""
    with files.whole_folder(tables) as folder:
        for name, table in adapted.tables.items():
            table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    text = yaml.safe_dump(adapted.about, sort_keys=False, allow_unicode=True, width=110)
    files.write_text(text, study)
    for name, table in adapted.reports.items():
        files.write_table(table, Path(reports) / f"{name}.csv")


def write_study(adapted: Adapted, folder: Path | str) -> None:
    """Writes the whole study into a new or empty folder: study.yaml, the tables, and the reports in adam/."""
    with files.whole_folder(folder) as new:
        write(adapted, new / "tables", new / "study.yaml", new / "adam")
        for path in (new / "tables").iterdir():
            path.rename(new / path.name)
        (new / "tables").rmdir()


def hidden(adapted: Adapted, salt: str) -> Adapted:
    """The same with pseudonyms for keys in the reports, in their order, and without the cells and records that tell who
    is who. The tables stay: the check gives them pseudonyms."""
    listings, left_out = adapted.reports["listings"], adapted.reports["left_out"]
    names = pseudonyms.pseudonyms(salt, {*listings["patient"], *left_out["patient"]} - {""})
    none = pd.array([pd.NA] * len(listings), dtype="Int64")
    listings = listings.assign(record=none, value="", patient=[names.get(key, "") for key in listings["patient"]])
    left_out = left_out.assign(patient=[names[key] for key in left_out["patient"]])
    made = {"listings": listings, "left_out": left_out}
    made = {name: table.sort_values([*table], kind="stable", ignore_index=True) for name, table in made.items()}
    made = adapted.reports | made
    return replace(adapted, reports=made)


def text(adapted: Adapted) -> str:
    """What became of the datasets, in a few lines that name no patient."""
    counts, reasons = adapted.reports["counts"], adapted.reports["reasons"]
    subjects = int(counts.loc[counts["step"] == "subjects", "records"].iloc[0])
    left = adapted.reports["left_out"]["reason"].value_counts()
    lines = [f"{subjects - int(left.sum())} of {subjects} subjects are in the study"]
    lines += [f"  left out: {number}, {reason}" for reason, number in left.items()]
    lines += ["rows: " + ", ".join(f"{name} {len(table)}" for name, table in adapted.tables.items())]
    lines += [f"{r.dataset}, {r.table}: {r.records} {r.what}: {r.why}" for r in reasons.itertuples()]
    for r in adapted.reports["endpoints"].itertuples():
        lines.append(
            f"{r.endpoint}: {r.events_kept} events of {r.patients_kept} patients in ADTTE, {r.events_derived} derived"
        )
    return "\n".join(lines)
