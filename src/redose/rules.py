"""The rules that a study must keep: name, severity, and what the rule says.

An error stops the analysis, a warning is printed and stays in the data report. The function or schema entry that
applies a rule carries the rule's name; `docs/data.md` prints this list.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A rule: `severity` is "error" or "warning", `meaning` one sentence for the documentation."""

    severity: str
    meaning: str


def error(meaning: str) -> Rule:
    return Rule("error", meaning)


def warning(meaning: str) -> Rule:
    return Rule("warning", meaning)


RULES = {
    # files
    "file_missing": error("`study.yaml` and the tables patients and intervals are there."),
    "file_unreadable": error("A file is what its name says: UTF-8 CSV with commas, Parquet, or YAML."),
    "file_outside": error("A file is in the study's folder itself, and no symbolic link to one elsewhere."),
    "header_missing": error("The first row of a table holds the names of its columns, with no title above."),
    "table_unknown": error("A table file has the name of one of the eight tables."),
    "table_twice": error("A table is given once, as CSV or as Parquet."),
    "table_empty": error("The tables patients and intervals have at least one row."),
    "ragged_row": error("Each row has as many cells as the header."),
    # study.yaml
    "study_key_unknown": error("`study.yaml` has no key that the contract does not know, and none twice."),
    "study_key_missing": error("`study.yaml` has its required keys."),
    "study_value": error("A value in `study.yaml` has the right type and range."),
    # columns
    "column_missing": error("A table has its required columns."),
    "column_unknown": error("A table has no other columns; in patients, a further column is a covariate."),
    "column_twice": error("A column name occurs once."),
    "column_unnamed": error("A column with a filled cell has a name; empty columns without one are left out."),
    "column_case": warning("A column is written in small letters; it is read as such where it is not."),
    "column_near": warning("A covariate's name does not look like a misspelt column of patients."),
    # cells of a table
    "missing_value": error("A cell that must be filled is filled."),
    "not_a_number": error("A cell of a numeric column holds a number."),
    "decimal_comma": error("Numbers are written with a decimal point and without thousands separators."),
    "calendar_date": error("A cell of a numeric column is no date: days count from the patient's own day 0."),
    "infinite": error("Numbers are finite."),
    "sentinel": error(
        "No number is a code for missing: -99, -999, ..., 999, 9999, ..., 100000, 1000000. Such a number counts as a "
        "code when it lies far outside the other values (days: those of the study, or the patient's follow-up), or "
        "occurs more often than all values within 10 % of it; powers of ten never count as codes among doses."
    ),
    "implausible_day": error("A day lies within 100 years of day 0 (a calendar date is not a day)."),
    "before_day_0": error(
        "Intervals, infusions, GVHD and conditions start on day 0 or later; an interval may start earlier where its "
        "entry_day, on day 0 or later, is given."
    ),
    "outside_range": error("cells > 0, burden >= 0, enrolled_day >= 0, interval = 1, 2, 3, ..."),
    "formula": error(
        "No text begins as a spreadsheet's formula does (=, @, or + and - before a function), nor is it the error of "
        "one (#REF!, #N/A): nothing here would compute it, but the spreadsheet in which a result is opened."
    ),
    "unknown_word": error("outcome, schedule and kind take the words of the contract."),
    # keys
    "duplicate_patient": error("A patient has one row in patients."),
    "unknown_patient": error("A patient of any table stands in patients."),
    "patient_without_interval": error("A patient has at least one interval."),
    "duplicate_row": error("No two rows of a table have the same key (two samples of one patient, day and assay)."),
    "unknown_product": error("A product stands in `study.yaml` under products."),
    "unknown_assay": error("An assay stands in `study.yaml` under assays."),
    # covariates
    "covariate_column_missing": error(
        "A covariate named in `study.yaml` is a column of patients, or `burden` where there is a table of burden."
    ),
    "missing_covariate": error("A covariate named in `study.yaml` is known for each patient: none is imputed."),
    "missing_unlisted_covariate": warning("A covariate that `study.yaml` does not name is known for each patient."),
    "unknown_reference": error("The reference level of a covariate occurs in its column."),
    # intervals
    "zero_length": error("An interval is longer than zero days."),
    "end_before_start": error("An interval ends after its start."),
    "entry_outside": error("entry_day lies within its interval: on start_day or later, before end_day."),
    "last_free_outside": error("last_free_day lies within its interval."),
    "overlapping_intervals": error("An interval starts no earlier than the one before it ends."),
    "interval_numbers": error("A patient's intervals are numbered 1, 2, 3, ... in order of time."),
    "interval_after_death": error("No interval follows a death."),
    "interval_without_progression": error(
        "A next interval follows a progression, or starts on the very day of the transplant or new therapy that ended "
        "the one before: follow-up went on."
    ),
    # other events
    "event_after_death": error("No infusion, course, GVHD or condition starts after death."),
    "infusion_after_transplant": error("No infusion is given after the transplant that ended follow-up."),
    "after_follow_up": warning("No sample, infusion, course or onset lies after the patient's last interval."),
    "course_stop_before_start": error("A course stops no earlier than it starts."),
    "end_before_onset": error("An episode of GVHD or of a condition ends no earlier than its onset."),
    "gvhd_grade": error("A grade is 1-4 for acute and mild, moderate or severe for chronic GVHD, or empty."),
    "dates_for_days": warning(
        "Days count from the patient's own day 0, and not from a date such as 1960-01-01 (SAS). Suspected when first "
        "intervals start typically more than ten years after day 0."
    ),
    "weeks_for_days": warning(
        "Days are days, not weeks. Suspected (a) when the samples of a site are on whole days, typically less than "
        "7 apart, and stop at 10-15 % of follow-up (a seventh is 14 %); (b) when samples or infusions of a site "
        "reach typically 3-9 times as far as its intervals; (c) when quarterly or biannual infusions of a patient "
        "are 13 or 26 whole days apart, give or take a fifth."
    ),
    # samples
    "mrd_outside": error("A measured MRD is a fraction in (0, 1]."),
    "below_own_lod": error("A measured MRD or burden is not below the LOD of its own row."),
    "lod_missing": error(
        "A sample has an LOD: its own, that in '<1e-5', or that of its assay in `study.yaml`; a burden below a limit "
        "has one: its own, or that in '<1'."
    ),
    "lod_outside": error("An LOD of MRD is a fraction in (0, 1), one of burden is above 0."),
    "lod_contradiction": error("'<1e-5' agrees with the LOD of the same row."),
}
