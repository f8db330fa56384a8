"""Whether a study can be analysed: every rule of `rules.RULES`, all problems at once, and the checked tables."""

from dataclasses import dataclass

import pandas as pd

from redose import contract, follow_up, patients, problems, samples, sentinels, sheets, weeks
from redose.problems import StudyError
from redose.tables import Study

__all__ = ["StudyError", "Verdict", "check", "require"]


@dataclass(frozen=True)
class Verdict:
    """What the checks found. `problems` has the columns of `problems.COLUMNS`; `tables` is the checked form.

    `tables` is empty when there are errors.
    """

    study: str
    problems: pd.DataFrame
    tables: dict[str, pd.DataFrame]

    @property
    def passed(self) -> bool:
        """Whether there is no error; warnings do not stop a study."""
        return not (self.problems["severity"] == "error").any()

    def text(self) -> str:
        """All problems as text, each with file, row, patient, what is wrong, and the cure."""
        return problems.text(self.study, self.problems)


def require(verdict: Verdict) -> None:
    """Raises StudyError with the text of the verdict when the study has errors."""
    if not verdict.passed:
        raise StudyError(verdict.text())


def check(study: Study, every_level: bool = True) -> Verdict:
    """The verdict on a study: all its problems, and its tables in the checked form when none is an error.

    every_level: whether some patient must have the reference level of each covariate; a few patients need not."""
    read, found = read_sheets(study)
    found = [study.problems, *found]
    for sheet in read.values():
        found += [*sheets.judged(sheet), *sheets.formula(sheet)]
    if "patients" in read:
        sheet, covariates = read["patients"], study.about["covariates"]
        found += patients.column_near(sheet)
        of_patients = {name: keys for name, keys in covariates.items() if name not in {"burden"} & set(read)}
        found += patients.covariate_column_missing(sheet, of_patients, study.about_file)
        found += patients.missing_covariate(sheet, covariates)
        found += patients.unknown_reference(sheet, covariates, study.about_file) if every_level else []
    found += patients.table_empty(read)
    found += patients.unknown_patient(read)
    found += patients.patient_without_interval(read) if "patients" in read else []
    found += patients.unknown_product(read, study.about["products"])
    found += patients.unknown_assay(read, study.about["assays"])
    found += [rule(read) for rule in (*follow_up.RULES, weeks.weeks_for_days)]
    everything = problems.joined(found)
    verdict = Verdict(study.name, everything, {})
    return Verdict(study.name, everything, checked(read)) if verdict.passed else verdict


def read_sheets(study: Study) -> tuple[dict[str, sheets.Sheet], list[pd.DataFrame]]:
    """The sheets of all tables given, in the contract's order, and the problems of their cells."""
    read, found = {}, []
    for name, table in contract.TABLES.items():
        if name in study.tables:
            read[name], faults = sheets.read(table, study.tables[name], study.files[name])
            found += faults
    if "patients" in read:
        read["patients"], faults = patients.with_covariates(read["patients"], study.about["covariates"])
        found += faults
    read, faults = sentinels.cleared(read)
    found += faults
    for name in samples.LIMITED:
        if name in read:
            read[name], faults = samples.read(read[name], study.about["assays"])
            found += faults
    return read, found


def checked(read: dict[str, sheets.Sheet]) -> dict[str, pd.DataFrame]:
    """All eight tables in the checked form; those that the study does not have are empty."""
    return {
        name: contract.finished(name, read[name].read) if name in read else contract.empty(name)
        for name in contract.TABLES
    }
