"""Entries of GVHD, of patients left out, and of what lies ahead of patients."""

from redose.codebook.columns import BAND, CAUSE, GROUP, LOG, MODEL, PATIENT, File, band, count, flag, number, text

LANDMARK = number("landmark", "landmark day, on which the patient is predicted", "days since day 0")

HORIZON = number("horizon", "length of the window after the landmark day", "days")

FORETOLD = (  # of a patient, from the end of its follow-up on
    number("today", "day of the prediction: the end of its follow-up", "days since day 0"),
    number(f"free_<days>{BAND}", "P(alive and progression-free so many days on)"),
    number(f"<cause>_<days>{BAND}", "P(that outcome first, within so many days)"),
    number(f"mrd{BAND}", "latent MRD today, median; joint models", LOG, optional=True),
    number("p_above", "P(latent MRD is above the action threshold today)", optional=True),
    number("next_test", "day of the next test", "days since day 0", optional=True),
    text("next_test_by", "due, or latest: P(above the threshold) does not reach `due` by then", optional=True),
)

CURVE = (
    number("mean", "posterior mean of its probability; of mrd the median", f"probability, or {LOG}"),
    number("low", "lower end of its band", f"probability, or {LOG}"),
    number("high", "upper end of its band", f"probability, or {LOG}"),
)

FILES = (
    File(
        "gvhd/incidence.csv",
        "One row per kind of GVHD, group and day",
        (
            text("kind", "acute or chronic"),
            GROUP,
            count("patients", "patients of the group"),
            number("day", "day", "days since day 0"),
            number("observed", "cumulative incidence of the first onset, Aalen-Johansen"),
            number("mean", "the model's, at the risk sets of the data, posterior mean"),
            number("low", "lower end of the band of replicated onsets"),
            number("high", "upper end of the band of replicated onsets"),
        ),
        "gvhd",
    ),
    File(
        "gvhd/counts.csv",
        "One row per kind and grade of GVHD",
        (
            text("kind", "acute or chronic"),
            text("grade", "grade, or any"),
            count("observed", "episodes of the study"),
            number("mean", "episodes that the model expects over the same days at risk, posterior mean"),
            number("low", "lower end of the band of replicated counts"),
            number("high", "upper end of the band of replicated counts"),
        ),
        "gvhd",
    ),
    File(
        "gvhd/risk.csv",
        "One row per product, plan of infusions, and prior or posterior; of a reference patient, by infusions alone",
        (
            text("product", "product that is infused"),
            number("cells", "cells of each infusion", "cells"),
            count("infusions", "number of infusions"),
            number("spacing", "days between them; 0 of a single one", "days"),
            flag("seen", "whether such a dose was given in the study"),
            text("given", "posterior, or the prior alone"),
            *band("P(acute GVHD) up to the horizon after the last infusion"),
            number(f"peak{BAND}", "highest hazard", "percent a week"),
        ),
        "gvhd",
    ),
    File(
        "validation/<model>/<fold>.csv",
        "One row per window, cause and patient that the fit has not seen",
        (
            LANDMARK,
            HORIZON,
            CAUSE,
            MODEL,
            PATIENT,
            number("risk", "predicted P(outcome of the cause within the window)"),
            text("reason", "what the fit fell short of; empty where the gate accepted it"),
        ),
        "validation",
    ),
    File(
        "validation/references.csv",
        "One row per window, cause, reference and patient that the reference has not seen",
        (
            LANDMARK,
            HORIZON,
            CAUSE,
            text("model", "incidence among the others, or landmark_cox"),
            PATIENT,
            number("risk", "predicted P(outcome of the cause within the window)"),
            text("reason", "what the reference fell short of"),
        ),
        "validation",
    ),
    File(
        "validation/outcomes.csv",
        "One row per landmark day and patient at risk on it",
        (
            PATIENT,
            number("time", "days from the landmark day to the end of the interval", "days"),
            text("event", "the cause that ended it, or none"),
            LANDMARK,
            text("fold", "fold that leaves the patient out"),
            text("stratum", "level within which censoring is taken to be independent of what happens"),
        ),
        "validation",
    ),
    File(
        "validation/accuracy.csv",
        "One row per window, cause, model and metric",
        (
            LANDMARK,
            HORIZON,
            CAUSE,
            text("model", "model, or reference: incidence, landmark_cox"),
            text("metric", "auc, brier, ipa (index of prediction accuracy) or observed_expected"),
            number("estimate", "the metric"),
            number("low", "lower end of its bootstrap band over patients"),
            number("high", "upper end of that band"),
            number(f"difference{BAND}", "the metric less that of the landmark Cox model"),
            count("patients", "patients at risk at the landmark"),
            count("cases", "of these, patients with the outcome in the window"),
            text("reason", "why a number is missing"),
            count("left_out", "patients of folds whose fit the gate rejected; they are judged for no model"),
        ),
        "validation",
    ),
    File(
        "validation/calibration.csv",
        "One row per window, cause, model and group of patients of like risk",
        (
            LANDMARK,
            HORIZON,
            CAUSE,
            text("model", "model, or reference: incidence, landmark_cox"),
            count("group", "1 is the group of the lowest risk"),
            count("patients", "patients of the group"),
            count("cases", "of these, patients with the outcome in the window"),
            number("predicted", "mean predicted risk"),
            number("observed", "Aalen-Johansen incidence"),
            number("low", "lower end of the band of the incidence"),
            number("high", "upper end of that band"),
            text("reason", "why a number is missing"),
        ),
        "validation",
    ),
    File(
        "<model>/ahead.csv",
        "One row per patient: what the posterior says of the days ahead, as of newcomers",
        (
            PATIENT,
            text("state", "state at the end of follow-up"),
            text("reason", "why nothing lies ahead; empty where something does"),
            *FORETOLD,
        ),
    ),
    File(
        "<model>/ahead_curves.csv",
        "One row per patient, outcome and day",
        (
            PATIENT,
            number("day", "day", "days since day 0"),
            text("outcome", "free (alive and progression-free), a cause, or mrd"),
            *CURVE,
        ),
    ),
    File(
        "<model>/newcomers.csv",
        "One row per patient who is not of the study",
        (
            PATIENT,
            text("state", "state today"),
            text("reason", "why there is no prediction, or what to mind; empty where all is well"),
            count("samples", "samples of the patient; joint models", optional=True),
            number("counted", "candidates for its traits that counted a draw; joint models", optional=True),
            *FORETOLD,
        ),
        "newcomers",
    ),
    File(
        "<model>/newcomers_curves.csv",
        "One row per patient who is not of the study, outcome and day",
        (
            PATIENT,
            number("days", "days from today; before it negative", "days"),
            text("outcome", "free (alive and progression-free), a cause, or mrd"),
            *CURVE,
        ),
        "newcomers",
    ),
)
