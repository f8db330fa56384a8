"""Patients: their keys in all tables, and their covariates."""

import difflib

import pandas as pd

from redose import contract, problems
from redose.follow_up import Sheets
from redose.sheets import Sheet, entries, escaped, faults_of_numbers, numbers

# What people write for "unknown" in a column of words
UNKNOWN = ("na", "n/a", "nan", "null", ".", "-", "missing", "unknown")
MOSTLY = 0.5  # of the different values: above this share of numbers, a column is meant to be numeric


def columns(sheet: Sheet) -> list[str]:
    """The covariates of the table patients: all columns that are not in the contract."""
    known = {column.name for column in sheet.table.columns}
    return [name for name in sheet.raw if name not in known]


def with_covariates(sheet: Sheet, described: dict[str, dict]) -> tuple[Sheet, list[pd.DataFrame]]:
    """The sheet of patients with its covariates read as numbers or words, and the problems of their numbers.

    described: the covariates of `study.yaml`. A column with a unit, `per` or `centre` is numeric, one with a
    reference level is categorical; any other is numeric when most of its different values are numbers.
    """
    found = []
    for name in columns(sheet):
        values, rule = numbers(sheet.raw[name])
        if is_numeric(values, rule, described.get(name, {})):
            found += faults_of_numbers(sheet, name, rule)
        else:
            values = entries(sheet.raw[name])
            values = values.mask(values.str.lower().isin(UNKNOWN), None)
        sheet = Sheet(sheet.table, sheet.file, sheet.raw, sheet.read.assign(**{name: values}))
    return sheet, found


def is_numeric(values: pd.Series, rule: pd.Series, described: dict) -> bool:
    if "reference" in described:
        return False
    if described.keys() & {"unit", "centre"} or described.get("per", 1.0) != 1.0:
        return True
    given = pd.DataFrame({"value": values, "fault": rule != ""})[values.notna() | (rule != "")]
    different = given.drop_duplicates()
    return bool(len(different)) and (~different["fault"]).mean() > MOSTLY


def column_near(sheet: Sheet) -> list[pd.DataFrame]:
    """Covariates whose name looks like a column of the contract that is absent."""
    found = []
    absent = [column.name for column in sheet.table.columns if column.name not in sheet.raw]
    for name in columns(sheet):
        near = difflib.get_close_matches(name.lower(), absent, n=1, cutoff=0.8)
        if near:
            message = f"the column {problems.shown(name)!r} is taken as a covariate, and the column {near[0]} is absent"
            cure = f"rename it to {near[0]} if that is meant"
            found.append(problems.remark("column_near", sheet.file, message, cure, row=1, column=name))
    return found


def covariate_column_missing(sheet: Sheet, described: dict[str, dict], about_file: str) -> list[pd.DataFrame]:
    found = []
    contracted = {column.name for column in sheet.table.columns}
    for name in described:
        if name in sheet.raw or name in contracted:
            continue
        near = difflib.get_close_matches(name, columns(sheet), n=1)
        shown = problems.shown(name)
        cure = f"did you mean {near[0]}" if near else f"add the column to {sheet.file}, or leave the covariate out"
        message = f"covariates.{shown}: the table patients has no column {shown}"
        found.append(problems.remark("covariate_column_missing", about_file, message, cure, column=name))
    return found


def missing_covariate(sheet: Sheet, described: dict[str, dict]) -> list[pd.DataFrame]:
    """Patients without a covariate: an error for those in `study.yaml`, else one warning per column."""
    found = []
    for name in columns(sheet):
        # Text that is no number, or a code for missing, has its own problem already
        unknown = sheet.read[name].isna()
        if pd.api.types.is_float_dtype(sheet.read[name]):
            unknown &= sheet.raw[name].str.strip() == ""
        shown = escaped(name)
        if name in described:
            message = f"{shown} is missing, and missing covariates are not imputed"
            cure = "give its value, leave the patient out, or take the covariate out of study.yaml"
            found.append(sheet.listing("missing_covariate", unknown, name, message, cure))
        elif unknown.any():
            message = f"{shown} is missing for {int(unknown.sum())} of {len(unknown)} patients, this the first"
            cure = "give the values, or do not use it as a covariate: none is imputed"
            first = unknown.index[unknown][:1]
            found.append(sheet.listing("missing_unlisted_covariate", first, name, message, cure))
    return found


def unknown_reference(sheet: Sheet, described: dict[str, dict], about_file: str) -> list[pd.DataFrame]:
    found = []
    for name, keys in described.items():
        if name not in sheet.read or "reference" not in keys:
            continue
        levels = sorted(sheet.read[name].dropna().unique())
        if keys["reference"] not in levels:
            message = f"covariates.{problems.shown(name)}: no patient has the reference level {keys['reference']}"
            cure = f"give one of {problems.shown(', '.join(levels))}"
            where = {"column": name, "value": problems.shown(keys["reference"])}
            found.append(problems.remark("unknown_reference", about_file, message, cure, **where))
    return found


def unknown_patient(sheets: Sheets) -> list[pd.DataFrame]:
    """Patients of any table that do not stand in the table patients, once per table and patient."""
    if "patients" not in sheets or "patient" not in sheets["patients"].read:
        return []
    known = sheets["patients"].read["patient"].dropna()
    alike = {simplified(key): key for key in reversed(known.tolist())}
    found = []
    for name, sheet in sheets.items():
        if name == "patients" or "patient" not in sheet.read:
            continue
        patient = sheet.read["patient"]
        offends = patient.notna() & ~patient.isin(known)
        guess = patient[offends].map(lambda key: alike.get(simplified(key)))
        cure = guess.map(
            lambda key: (
                f"did you mean {problems.shown(key)}" if key else "add the patient to patients, or correct the key"
            )
        )
        message = "the patient {value} is not in the table patients"
        found.append(sheet.grouped("unknown_patient", offends, "patient", message, "{suggested}", suggested=cure))
    return found


def simplified(key: str) -> str:
    """A key without case, punctuation and leading zeros: what is left of 017, B-017 and b17 when they are mistyped."""
    parts = "".join(letter.lower() if letter.isalnum() else " " for letter in key).split()
    return " ".join(part.lstrip("0") for part in parts)


def patient_without_interval(sheets: Sheets) -> list[pd.DataFrame]:
    if "intervals" not in sheets or any("patient" not in sheets[name].read for name in ("patients", "intervals")):
        return []
    sheet = sheets["patients"]
    with_interval = sheets["intervals"].read["patient"].dropna()
    patient = sheet.read["patient"]
    offends = patient.notna() & ~patient.isin(with_interval) & ~patient.duplicated()
    message = "the patient has no interval"
    cure = "give at least one, censored if nothing happened, or leave the patient out and say so in study.yaml"
    return [sheet.listing("patient_without_interval", offends, "patient", message, cure)]


def unknown_product(sheets: Sheets, products: dict[str, dict]) -> list[pd.DataFrame]:
    found = []
    for name in ("patients", "infusions"):
        if name in sheets and "product" in sheets[name].read:
            found.append(unknown_name(sheets[name], "product", products, ("none",) if name == "patients" else ()))
    return found


def unknown_assay(sheets: Sheets, assays: dict[str, dict]) -> list[pd.DataFrame]:
    if "mrd" not in sheets or "assay" not in sheets["mrd"].read:
        return []
    return [unknown_name(sheets["mrd"], "assay", assays, ())]


def unknown_name(sheet: Sheet, column: str, described: dict[str, dict], further: tuple[str, ...]) -> pd.DataFrame:
    """Names of products or assays that are not in `study.yaml`, once per name."""
    values, known = sheet.read[column], [*described, *further]
    offends = values.notna() & ~values.isin(known)
    near = {value: difflib.get_close_matches(value, known, n=1) for value in values[offends].unique()[:1000]}
    cure = values.map({value: f"did you mean {match[0]}" for value, match in near.items() if match})
    cure = cure.fillna(f"describe it under {column}s in study.yaml, or correct the name")
    message = f"{column} {{value}} is not described in study.yaml"
    return sheet.grouped(f"unknown_{column}", offends, column, message, "{suggested}", suggested=cure)


def table_empty(sheets: Sheets) -> list[pd.DataFrame]:
    return [
        problems.remark("table_empty", sheets[table.name].file, "the table has no rows", f"give the {table.name}")
        for table in contract.TABLES.values()
        if table.required and table.name in sheets and sheets[table.name].raw.empty
    ]
