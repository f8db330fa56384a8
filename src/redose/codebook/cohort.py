"""Entries of the tables that describe a study's data."""

from redose.codebook.columns import PATIENT, File, count, number, text

OF_GROUP = text("group", "all patients, or a schedule (an arm where all have one schedule)")

FILES = (
    File(
        "data/flow.csv",
        "One row per group, step and outcome",
        (
            OF_GROUP,
            text("step", "enrolled, infused, MRD sampled (and their opposites), interval 1 to 3, later intervals"),
            text("outcome", "what ended the interval, or no further interval; empty: how many started or came so far"),
            count("count", "patients; of later intervals, intervals"),
        ),
    ),
    File(
        "data/baseline.csv",
        "One row per covariate, category and group",
        (
            text("covariate", "column of the table patients; burden: the last one before the first interval"),
            text("label", "name of the covariate, of study.yaml"),
            text("unit", "unit of the covariate, of study.yaml"),
            text("kind", "number, flag or category"),
            text("category", "level of a category; empty for numbers and flags"),
            OF_GROUP,
            count("patients", "patients of the group"),
            count("missing", "of them without a value"),
            count("count", "patients with a flag of 1 or of that category"),
            number("share", "their share of those whose value is known"),
            number("median", "median of a number", "unit of the covariate"),
            number("q1", "lower quartile", "unit of the covariate"),
            number("q3", "upper quartile", "unit of the covariate"),
            number("low", "smallest value", "unit of the covariate"),
            number("high", "largest value", "unit of the covariate"),
            number("difference", "standardised difference of two groups, on rows of all patients"),
        ),
    ),
    File(
        "data/histories.csv",
        "One row per span or event of a patient",
        (
            PATIENT,
            text(
                "kind",
                "interval, course, acute, chronic (GVHD), infusion, above, below (LOD, of a sample), or an outcome",
            ),
            number("start", "first day", "days since day 0"),
            number("end", "last day; of events the same", "days since day 0"),
            text("label", "number of the interval, agent, grade, product or assay"),
        ),
    ),
    File(
        "data/assays.csv",
        "One row per assay of MRD; of a study without MRD, one for the tumour burden",
        (
            text("assay", "name of the assay, of study.yaml; burden"),
            count("samples", "samples"),
            count("patients", "patients sampled"),
            count("below", "samples below their limit"),
            number("share_below", "their share"),
            number("lod_low", "lowest limit", "fraction; of burden, its unit"),
            number("lod_high", "highest limit", "fraction; of burden, its unit"),
            number("per_patient", "samples per sampled patient, median"),
            number("gap", "days between a patient's samples, median", "days"),
            number("gap_q1", "lower quartile", "days"),
            number("gap_q3", "upper quartile", "days"),
            number("gap_longest", "longest", "days"),
        ),
    ),
    File(
        "data/sampling.csv",
        "One row per measure and bin of days",
        (
            text("measure", "gap (days between samples), rate (of those followed) or below (share, by assay)"),
            text("assay", "name of the assay; empty: all"),
            number("day", "start of the bin; of gap, days between samples", "days since day 0"),
            number("width", "width of the bin", "days"),
            number("value", "pairs of samples, samples per patient and 28 days, or share below the limit"),
            count("number", "pairs of samples in all, patients followed in the bin, or samples in it"),
        ),
    ),
    File(
        "data/missing.csv",
        "One row per column that may be empty, and one for the rows of a table that no model reads",
        (
            text("table", "name of the table"),
            text("column", "name of the column, or whole rows"),
            count("rows", "rows of the table"),
            count("missing", "of them empty, or left out"),
            text("treatment", "what becomes of these"),
        ),
    ),
)
