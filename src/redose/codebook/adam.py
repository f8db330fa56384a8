"""Entries of the record that a study from ADaM leaves: docs/adam.md says how its tables are derived."""

from redose.codebook.columns import PATIENT, File, count, number, text

TABLE = text("table", "table of the study; PFS and OS: endpoint of ADTTE")
DATASET = text("dataset", "ADaM dataset")
DAYS = "days since day 0"

FILES = (
    File(
        "adam/datasets.csv",
        "One row per ADaM dataset that was read",
        (
            DATASET,
            text("file", "its file in the ADaM folder"),
            text("sha256", "SHA-256 of the file, as sha256sum prints it"),
            count("records", "records of the dataset"),
            count("variables", "variables that were used"),
        ),
        "adam",
    ),
    File(
        "adam/counts.csv",
        "One row per step from a dataset to a table, in order",
        (
            TABLE,
            DATASET,
            text("step", "selected by adam.yaml, of patients kept, rows of the table, or who was left out and why"),
            count("records", "records after the step"),
            count("patients", "their patients"),
        ),
        "adam",
    ),
    File(
        "adam/reasons.csv",
        "One row per reason for which records were dropped, altered or noted",
        (
            DATASET,
            TABLE,
            text("what", "dropped, altered or noted"),
            text("why", "the reason"),
            count("records", "records, or patients where no single record is meant"),
            count("patients", "their patients"),
        ),
        "adam",
    ),
    File(
        "adam/listings.csv",
        "One row per record that was dropped or altered, or remark on a patient",
        (
            DATASET,
            count("record", "number of the record in its dataset, from 1; empty: the patient, and under a salt"),
            PATIENT,
            TABLE,
            text("what", "dropped, altered or noted"),
            text("why", "the reason"),
            text("value", "the cell that shows it; empty under a salt"),
        ),
        "adam",
    ),
    File(
        "adam/left_out.csv",
        "One row per subject of ADSL who is not in the study",
        (PATIENT, text("reason", "the first of its reasons, in the order of adam.yaml")),
        "adam",
    ),
    File(
        "adam/conversions.csv",
        "One row per measured parameter and its unit",
        (
            TABLE,
            DATASET,
            text("parameter", "PARAMCD, or the variable of a dose"),
            text("unit", "unit of the dataset, as adam.yaml says"),
            text("factor", "what a value was multiplied by; 10^x: its power of ten was taken"),
            count("records", "records converted"),
            text("example", "the first value before and after"),
        ),
        "adam",
    ),
    File(
        "adam/endpoints.csv",
        "One row per endpoint of ADTTE: PFS and OS",
        (
            text("endpoint", "PARAMCD of ADTTE"),
            count("patients", "patients in ADTTE"),
            count("events_adtte", "events in ADTTE: CNSR 0"),
            count("patients_kept", "patients in ADTTE who are in the study"),
            count("events_kept", "their events in ADTTE"),
            count(
                "events_derived",
                "events as derived: interval 1 ends with progression or death (PFS), a date of death in ADSL (OS)",
            ),
            count("dates_equal", "patients whose date is that of ADTTE: end of interval 1; death, or last seen"),
        ),
        "adam",
    ),
    File(
        "adam/distributions.csv",
        "One row per measured column and assay or product",
        (
            TABLE,
            text("column", "column of the table"),
            text("group", "assay, or product; empty for burden"),
            count("rows", "rows"),
            count("patients", "patients"),
            count("below", "rows below a limit"),
            number("low", "smallest of the other values", "unit of the column"),
            number("q1", "lower quartile", "unit of the column"),
            number("median", "median", "unit of the column"),
            number("q3", "upper quartile", "unit of the column"),
            number("high", "largest value", "unit of the column"),
        ),
        "adam",
    ),
    File(
        "adam/limits.csv",
        "One row per assay and limit of detection",
        (
            text("assay", "assay"),
            number("lod", "limit of detection; empty: that of the assay in study.yaml", "fraction"),
            count("samples", "samples with it"),
            count("below", "of them below it"),
        ),
        "adam",
    ),
    File(
        "adam/adherence.csv",
        "One row per planned visit of MRD and burden",
        (
            TABLE,
            DATASET,
            text("visit", "AVISIT"),
            number("target_day", "AWTARGET, median over the records; empty: none given", "as the dataset counts"),
            count("patients", "patients of the study sampled"),
            count("samples", "samples"),
            number("first_day", "first of their days", DAYS),
            number("median_day", "median of their days", DAYS),
            number("last_day", "last of their days", DAYS),
        ),
        "adam",
    ),
)
