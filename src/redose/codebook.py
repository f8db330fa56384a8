"""What stands in the tables of a run: every CSV and Parquet file, what a row of it is, and its columns.

`dictionary` makes `docs/results.md` of it, and the rule `describe` a dictionary.csv for every study. A test holds every
column of a run's results to exactly one entry here.

In names of files and columns `<model>` and the like stand for a name or number of the study, and `gain[_low|_high]` for
gain, gain_low and gain_high: a mean over the draws and its equal-tailed band, ci_prob of the config wide, where the
meaning says nothing else.
"""

import re
from dataclasses import dataclass

import pandas as pd

from redose import contract

NUMBER = " (value)"  # end of the name of a column of numbers beside a column of text
STANDS_FOR = {
    "<model>": r"(?:intervals|joint_\w+)",
    "<fit>": r"(?:intervals|joint_\w+|gvhd)",
    "<fold>": r"[^/]+",
    "<table>": r"[^/]+",
    "<days>": r"\d+",
    "<percent>": r"[\d.]+",
    "<cause>": r"(?:progression|death|transplant|new_therapy)",
    "<column>": r".+",
    "<heading>": rf".+(?<!{re.escape(NUMBER)})",
    "<covariate>": r".+",
}
BAND = "[_low|_high]"


@dataclass(frozen=True)
class Column:
    """A column, or a family of them; kind: a key of `dictionary.TYPES`; optional: not in every study."""

    name: str
    kind: str
    meaning: str
    unit: str = ""
    optional: bool = False

    def matches(self, name: str) -> bool:
        return re.fullmatch(pattern(self.name), name) is not None


@dataclass(frozen=True)
class File:
    """A file below the folder of a study, or a family of them. rows: what a row is. needs: what a study must have, a
    key of `NEEDS`."""

    place: str
    rows: str
    columns: tuple[Column, ...]
    needs: str = ""

    def matches(self, place: str) -> bool:
        return re.fullmatch(pattern(self.place), place) is not None


NEEDS = {
    "": "every study",
    "source": "studies that are simulated or derived from a public data set",
    "joint": "joint models",
    "regimes": "joint models whose marker infusions move",
    "gvhd": "studies with the model gvhd",
    "validation": "studies with a section `validation`",
    "newcomers": "studies with `newcomers`",
    "calibration": "`./run calibration`",
}


def pattern(name: str) -> str:
    """The regular expression of a name with placeholders and endings."""
    parts = re.split(r"(<\w+>|\[[^\]]+\])", name)
    return "".join(STANDS_FOR.get(x) or ending(x) or re.escape(x) for x in parts if x)


def ending(part: str) -> str:
    """The regular expression of `[_low|_high]`; empty for any other part."""
    words = part[1:-1].split("|") if part.startswith("[") else []
    return f"(?:{'|'.join(map(re.escape, words))})?" if words else ""


def text(name: str, meaning: str, **options: bool) -> Column:
    return Column(name, "text", meaning, **options)


def number(name: str, meaning: str, unit: str = "", **options: bool) -> Column:
    return Column(name, "number", meaning, unit, **options)


def count(name: str, meaning: str, **options: bool) -> Column:
    return Column(name, "count", meaning, **options)


def flag(name: str, meaning: str, **options: bool) -> Column:
    return Column(name, "flag", meaning, **options)


def band(of: str, unit: str = "") -> tuple[Column, ...]:
    """Columns mean, low and high."""
    return (
        number("mean", f"{of}, posterior mean", unit),
        number("low", "lower end of its band", unit),
        number("high", "upper end of its band", unit),
    )


def checked(table: contract.Table) -> File:
    """The entry of a checked table, as the contract has it."""
    columns = [
        Column(c.name, c.kind, c.meaning + (f": {', '.join(c.words)}" if c.words else ""), c.unit)
        for c in table.columns
    ]
    if table.name == "patients":
        of_study = "covariate of the study, numeric or categorical"
        columns.append(Column("<covariate>", "any", of_study, optional=True))
    return File(f"tables/{table.name}.parquet", table.meaning.partition(";")[0].rstrip("."), tuple(columns))


LOG = "log10 MRD"
QAD = "quality-adjusted days a patient"
PATIENT = text("patient", "key of the patient, unique over trials")
MODEL = text("model", "name of the model, as in the config")
CAUSE = text("cause", "outcome: progression, or one that competes with it")
GROUP = text("group", "schedule of the patients; their arm where all have one schedule")
OF_GROUP = text("group", "all patients, or a schedule (an arm where all have one schedule)")
NUMBERED = text("interval", "number of the interval: 1, 2, or 3 and later")
REGIME = text("regime", "name of the regime, of the config or of the grid")
CELL = text("cell", "subgroup by burden and microenvironment, above (high) and below (low) their medians")
LANDMARK = number("landmark", "landmark day, on which the patient is predicted", "days since day 0")
HORIZON = number("horizon", "length of the window after the landmark day", "days")
CHAIN = count("chain", "chain of the draw, as posterior.nc numbers it")
DRAW = count("draw", "number of the draw in its chain, as posterior.nc has it")
SIMULATED = count("draw", "place of the draw among those that regimes are simulated under")
OUTCOMES = (  # of a regime; mean a patient over the horizon
    ("free_days", "days alive and progression-free, without GVHD and before any transplant", "days"),
    ("gvhd_days", "days alive and progression-free with GVHD that is not severe", "days"),
    ("severe_days", "days alive and progression-free with severe GVHD", "days"),
    ("transplanted_days", "days alive and progression-free after a transplant", "days"),
    ("progressed_days", "days alive after a progression", "days"),
    ("progression", "P(progression)", ""),
    ("death", "P(death without progression)", ""),
    ("transplant", "P(transplant)", ""),
    ("other", "P(another competing outcome came first)", ""),
    ("gvhd", "P(acute GVHD II-IV)", ""),
    ("infusions", "infusions", ""),
    ("tests", "MRD tests", ""),
    ("triggers", "tests that ask for an infusion", ""),
    ("false_triggers", "of these, tests with latent MRD below the threshold", ""),
    ("any_false_trigger", "P(at least one false trigger)", ""),
    ("delay_days", "days from the last crossing of the threshold to the infusion, summed over infusions", "days"),
    ("delayed", "infusions that came after a crossing", ""),
)
WEIGHED = (
    ("rmst", "days alive and progression-free, with GVHD or not, before or after a transplant", "days"),
    ("delay", "days from a crossing of the threshold to the infusion", "days"),
    ("cost", "cost", "currency of the config"),
    ("cost_per_free_month", "cost of a month alive and progression-free", "currency of the config"),
    ("health", "outcomes weighed by the config's weights", QAD),
    ("utility", "health less cost at the config's willingness to pay", QAD),
    ("gain", "utility more than without redosing", QAD),
)
GAIN = "days alive and progression-free gained by the one regime of `decision: gain` over the other"

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
        "source/<table>.csv",
        "Rows as in tables/<table>.parquet, before the checks",
        (Column("<column>", "any", "as in tables/<table>.parquet; docs/data.md says what a cell may hold"),),
        "source",
    ),
    *(checked(table) for table in contract.TABLES.values()),
    File(
        "tables/checks.csv",
        "One row per remark of the checks",
        (
            text("severity", "error or warning"),
            text("rule", "name of the rule, docs/data.md"),
            text("file", "file of the study"),
            count("row", "row of the file, the header being row 1; empty: the whole file"),
            PATIENT,
            text("value", "the cell as it was given"),
            text("message", "what is wrong"),
            text("cure", "what to do"),
            text("column", "column of the file"),
            text("at", "which row of the patient is meant: its day or interval"),
        ),
    ),
    File(
        "<model>/prior_predictive.csv",
        "One row per quantity that the prior alone foretells of a reference patient",
        (
            text("quantity", "short name of the quantity"),
            text("meaning", "what it is"),
            text("unit", "its unit"),
            number("low", "2.5 % quantile of the prior draws; inf: beyond 20 years", "as `unit`"),
            number("median", "median of the prior draws", "as `unit`"),
            number("high", "97.5 % quantile of the prior draws", "as `unit`"),
            number("evidence_low", "lower end of the published range (config, `evidence`)", "as `unit`"),
            number("evidence_high", "upper end of the published range", "as `unit`"),
            number("within", "share of the prior draws in that range"),
            text("evidence_source", "where the range was published"),
        ),
    ),
    File(
        "<fit>/diagnostics.csv",
        "One row per scalar parameter",
        (
            text("parameter", "name of the parameter, with its place in brackets"),
            text("level", "population (judged one by one) or patient (judged by the largest R-hat)"),
            number("mean", "posterior mean"),
            number("sd", "posterior standard deviation"),
            number("low", "lower end of the credible interval"),
            number("high", "upper end of the credible interval"),
            number("rhat", "R-hat, rank-normalised and split"),
            number("ess_bulk", "effective sample size of the bulk", "draws"),
            number("ess_tail", "effective sample size of the tails", "draws"),
        ),
    ),
    File(
        "<fit>/prior_sensitivity.csv",
        "One row per parameter and per quantity that decisions rest on",
        (
            text("kind", "decision or parameter"),
            text("quantity", "name of the quantity"),
            number("prior", "power-scaling sensitivity to the priors, beyond noise"),
            number("likelihood", "power-scaling sensitivity to the likelihood, beyond noise"),
            number("likelihood_noise", "noise of the sensitivity to the likelihood"),
            number("tail", "share of prior draws farther out in the prior than the posterior median; parameters only"),
            text("verdict", "what the sensitivities say, in words"),
            text("moved_by", "parameter whose prior moves the quantity most; empty where the priors do not"),
            number("moved", "sensitivity to the prior of that parameter alone"),
        ),
    ),
    File(
        "<model>/curves.csv",
        "One row per group, interval number, quantity and day",
        (
            GROUP,
            NUMBERED,
            text("quantity", "free: P(alive and progression-free); or the cause of a cumulative incidence"),
            number("day", "days on the clock of the model: since the start of the interval, or since day 0", "days"),
            number("observed", "Kaplan-Meier or Aalen-Johansen estimate"),
            number("mean", "the model's curve at the risk sets of the data, posterior mean"),
            number("low", "lower end of the band of replicated trials"),
            number("high", "upper end of the band of replicated trials"),
        ),
    ),
    File(
        "<model>/lengths.csv",
        "One row per group, interval number and quantity",
        (
            GROUP,
            NUMBERED,
            count("n", "intervals of the group"),
            count("events", "of these, intervals that an outcome ended"),
            text("quantity", "free_D: P(alive and progression-free at day D); rmst_D: mean days so up to day D"),
            *band("the quantity", "probability, or days"),
            number("observed", "Kaplan-Meier value", "probability, or days"),
        ),
    ),
    File(
        "<model>/lengths.draws.parquet",
        "One row per draw, group and interval number",
        (
            CHAIN,
            DRAW,
            GROUP,
            NUMBERED,
            number("free_<days>", "P(alive and progression-free at that day); empty: not followed so long"),
            number("rmst_<days>", "mean days alive and progression-free up to that day", "days"),
        ),
    ),
    File(
        "<model>/residuals.csv",
        "One row per cause and group of intervals",
        (
            CAUSE,
            text("interval", "number of the interval, or all"),
            count("intervals", "intervals of the group"),
            count("events", "outcomes of that cause"),
            number("expected", "outcomes that the model expects, mean over the draws"),
            number("distance", "Anderson-Darling distance of the residuals from rate 1, mean over the draws"),
            number("p", "p-value of one draw, chosen by the seed"),
            number("p_median", "median p-value over the draws"),
            text("verdict", "agrees, doubtful or not described"),
        ),
    ),
    File(
        "<model>/residual_curves.csv",
        "One row per cause, group of intervals and point of the curve",
        (
            CAUSE,
            text("interval", "number of the interval, or all"),
            number("residual", "Cox-Snell residual"),
            number("observed", "Nelson-Aalen estimate of the residuals, mean over the draws"),
            number("low", "lower end of the band of replicated events at the same risk sets"),
            number("high", "upper end of that band"),
        ),
    ),
    File(
        "<model>/residuals_by_interval.csv",
        "One row per interval and cause",
        (
            PATIENT,
            count("interval", "number of the interval"),
            CAUSE,
            flag("happened", "whether the cause ended the interval; if not, both numbers are lower bounds"),
            number("residual", "Cox-Snell residual, mean over the draws"),
            number("pit", "probability integral transform 1 - exp(-residual), mean over the draws"),
        ),
    ),
    File(
        "<model>/loo.csv",
        "One row per patient",
        (
            PATIENT,
            number("elpd", "log predictive density of the patient's events, the patient left out"),
            number("pareto_k", "Pareto k of the smoothed weights: good up to 0.7"),
        ),
    ),
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
    File(
        "compare.csv",
        "One row per model of progression, best predicting first",
        (
            MODEL,
            number("elpd", "sum of elpd over the patients"),
            number("se", "standard error of that sum"),
            number("difference", "elpd less that of the best model"),
            number("difference_se", "standard error of the difference, paired over patients"),
            count("patients", "patients"),
            count("pareto_k_above_0.7", "patients whose Pareto k is above 0.7"),
        ),
    ),
    File(
        "<model>/trajectories.csv",
        "One row per point of the MRD of at most nine patients",
        (
            PATIENT,
            text("kind", "latent (what the model says), sample, infusion, or end of the interval"),
            number("interval", "number of the interval; empty for infusions"),
            number("day", "day", "days since day 0"),
            number("mean", "latent MRD, posterior mean; of a sample its reading, or its limit where it was below", LOG),
            number("low", "lower end of the band of latent MRD", LOG),
            number("high", "upper end of the band of latent MRD", LOG),
            flag("below", "of a sample: whether it was below its limit"),
            text("outcome", "of an end: what it was"),
        ),
        "joint",
    ),
    File(
        "<model>/below_lod.csv",
        "One row per window of days",
        (
            number("day", "middle of the window", "days since day 0"),
            count("samples", "samples in the window"),
            number("observed", "share of them below their limit of detection"),
            number("mean", "that share as the model expects it, posterior mean"),
            number("low", "lower end of the band of replicated shares"),
            number("high", "upper end of the band of replicated shares"),
        ),
        "joint",
    ),
    File(
        "<model>/kinetics.csv",
        "One row per quantity of the marker and of dosing",
        (
            text(
                "quantity", "kill, doubling, half_life, change and so on; _low, _high: of patients at outer percentiles"
            ),
            text("of", "product, lot, covariate, agent or time"),
            text("contrast", "patient, or values between which it is told"),
            text("unit", "log10, ratio, days, exponent or share"),
            count("infusions", "infusions of that product or lot in the fit"),
            number("median", "posterior median", "unit"),
            number("low", "lower end of its band", "unit"),
            number("high", "upper end of its band", "unit"),
            number("prior_median", "prior median", "unit"),
            number("prior_low", "lower end of the band of the prior", "unit"),
            number("prior_high", "upper end of the band of the prior", "unit"),
            number("truth", "value behind a simulated study", "unit"),
        ),
        "joint",
    ),
    File(
        "threshold/<model>.csv",
        "One row per threshold of MRD",
        (
            text("threshold", "prognostic (tau), or the risk of progression that is reached"),
            number("median", "posterior median; -inf: reached at any MRD, inf: at none", LOG),
            number("low", "lower end of the band", LOG),
            number("high", "upper end of the band", LOG),
            number("exists", "share of the draws that have such a threshold"),
            text("verdict", "the threshold in words, or why it is not usable"),
            number("truth", "the value that the study was simulated with; empty for real data", LOG),
        ),
        "joint",
    ),
    File(
        "threshold/<model>.draws.parquet",
        "One row per draw",
        (
            CHAIN,
            DRAW,
            number(
                "tau",
                "prognostic threshold; joint_step only. The published row is of the draws with `step` at "
                "or above the config's smallest_step",
                LOG,
                optional=True,
            ),
            number("step", "ratio of the hazards of progression above and below tau; joint_step only", optional=True),
            number(
                "risk_<percent>",
                "MRD at which the risk of progression reaches so many percent; -inf: at any MRD, inf: at none",
                LOG,
            ),
        ),
        "joint",
    ),
    File(
        "threshold/<model>.curve.csv",
        "One row per level of today's MRD",
        (
            number("log10_mrd", "MRD of today", LOG),
            *band("P(progression within the risk horizon)"),
        ),
        "joint",
    ),
    File(
        "selection/<model>.csv",
        "One row per patient: what lies ahead from the end of its follow-up, without a further infusion",
        (
            PATIENT,
            text("state", "state at the end of follow-up"),
            text("reason", "why the patient has no outlook; empty where it has one"),
            number(f"free_<days>{BAND}", "P(alive and progression-free so many days on)"),
            number("progression_<days>", "P(progression within so many days)"),
        ),
    ),
    File(
        "selection/<model>.effects.csv",
        "One row per cause and covariate",
        (
            CAUSE,
            text("covariate", "covariate with its level in brackets, or the link to MRD"),
            number("ratio", "hazard ratio, posterior median; per unit of the covariate as study.yaml centres it"),
            number("low", "lower end of the band of the ratio"),
            number("high", "upper end of the band of the ratio"),
            text("direction", "raises or lowers the hazard"),
            number("probability", "P(that direction)"),
        ),
    ),
    File(
        "selection/<model>.gain.csv",
        "One row per patient: two regimes compared (config, `decision: gain`)",
        (
            PATIENT,
            number("free_regime", "days alive and progression-free under the regime, posterior mean", "days"),
            number("free_against", "the same under the regime that it is compared with", "days"),
            number(f"gain{BAND}", f"{GAIN}, of the patient itself", "days"),
            number("p_gain", "P(the gain exceeds the smallest one that matters)"),
            number(f"like_gain{BAND}", f"{GAIN}, mean of new patients with the same covariates", "days"),
            number("like_p_gain", "P(that mean exceeds the smallest gain that matters)"),
            number(f"gvhd_added{BAND}", "P(acute GVHD II-IV) added"),
            number("infusions_added", "infusions added"),
            text("verdict", "selected, undecided or not selected"),
            text("reason", "why, in a sentence"),
        ),
        "regimes",
    ),
    File(
        "selection/<model>.gain.draws.parquet",
        "One row per draw and patient",
        (
            CHAIN,
            DRAW,
            PATIENT,
            number("gain", f"{GAIN}, of the patient itself", "days"),
            number("gvhd_added", "P(acute GVHD II-IV) added"),
            number("infusions_added", "infusions added"),
            number("like_gain", f"{GAIN}, mean of new patients with the same covariates", "days"),
        ),
        "regimes",
    ),
    File(
        "selection/<model>.rules.csv",
        "One row per rule of whom to treat",
        (
            text("rule", "who is treated"),
            number("treated", "share of the patients who are"),
            number(f"gained{BAND}", "days alive and progression-free gained, mean of all patients", "days"),
            number(f"net{BAND}", "gained, less the smallest gain that matters for everyone who is treated", "days"),
            number("gvhd_per_100", "episodes of GVHD II-IV added a hundred patients"),
            number("infusions_per_100", "infusions added a hundred patients"),
            number("p_best", "P(highest net benefit of all rules)"),
        ),
        "regimes",
    ),
    File(
        "selection/<model>.rules_curve.csv",
        "One row per rule and threshold of the decision curve",
        (
            text("rule", "who is treated"),
            number("threshold", "days that treatment must bring to be worth it", "days"),
            number("net", "net benefit, posterior mean", "days a patient"),
            number("low", "lower end of its band", "days a patient"),
            number("high", "upper end of its band", "days a patient"),
        ),
        "regimes",
    ),
    File(
        "selection/<model>.uplift.csv",
        "One row per number of patients treated, those first whose like gain most in expectation",
        (
            number("treated", "share of the patients who are treated"),
            number("by_chance", "days gained if they were treated in any order", "days a patient"),
            number(f"gained{BAND}", "days gained", "days a patient"),
            number(f"above{BAND}", "gained less by_chance", "days a patient"),
            number(f"area{BAND}", "Qini coefficient: mean of `above` over the shares, the same in every row", "days"),
        ),
        "regimes",
    ),
    File(
        "decision/<model>/regimes.csv",
        "One row per regime; numbers are means of a patient over the horizon",
        (
            REGIME,
            text("kind", "none, fixed, adaptive, bridge or autologous"),
            number("tau", "threshold of a regime of the grid; else empty", LOG),
            number("every", "days between tests of a regime of the grid; else empty", "days"),
            *(number(name + BAND, *of) for name, *of in (*OUTCOMES, *WEIGHED)),
            number("p_best", "P(the regime has the highest utility)"),
            number("p_gain", "P(the gain is above 0)"),
            number("regret", "utility that the best regime of a draw has more, mean over the draws", QAD),
            flag("far", "whether the data hardly visited the regime's decisions (support.csv)"),
        ),
        "regimes",
    ),
    File(
        "decision/<model>/regimes.draws.parquet",
        "One row per draw and regime; numbers are means of a patient over the horizon",
        (CHAIN, DRAW, REGIME, *(number(*of) for of in (*OUTCOMES, *WEIGHED))),
        "regimes",
    ),
    File(
        "decision/<model>/outcomes.parquet",
        "One row per draw, regime and subgroup; numbers are means of a patient over the horizon",
        (SIMULATED, REGIME, CELL, *(number(*of) for of in OUTCOMES)),
        "regimes",
    ),
    File(
        "decision/<model>/best.csv",
        "One row per threshold of the grid and days between tests",
        (
            text("within", "what the threshold is best of: those with as many days between tests, or all pairs"),
            number("every", "days between tests", "days"),
            number("tau", "threshold", LOG),
            number("p", "P(it is the best of those)"),
            flag("chosen", "whether its expected utility is the highest of those"),
        ),
        "regimes",
    ),
    File(
        "decision/<model>/information.csv",
        "One row per thing that could be known",
        (
            text("measure", "expected value of perfect (EVPI), partial perfect (EVPPI) or sample information (EVSI)"),
            text("of", "what would be known"),
            number("days", "what knowing it is worth", QAD),
            number("money", "the same at the config's willingness to pay", "currency of the config, a patient"),
        ),
        "regimes",
    ),
    File(
        "decision/<model>/sensitivity.csv",
        "One row per weight or price and factor by which it is changed",
        (
            text("changed", "the weight or price, as the config names it"),
            number("factor", "what it is multiplied by"),
            text("regime", "regime with the highest expected utility then"),
            number("gain", "utility of that regime more than without redosing", QAD),
            flag("same", "whether it is the regime that is chosen with the config's own numbers"),
        ),
        "regimes",
    ),
    File(
        "decision/<model>/preferred.csv",
        "One row per cost of an infusion and willingness to pay",
        (
            number("infusion", "cost of an infusion", "currency of the config"),
            number("willingness", "willingness to pay for a quality-adjusted year", "currency of the config"),
            text("regime", "regime with the highest expected utility then"),
            number("gain", "utility of that regime more than without redosing", QAD),
        ),
        "regimes",
    ),
    File(
        "decision/<model>/acceptability.csv",
        "One row per willingness to pay and regime that is ever the best",
        (
            number("willingness", "willingness to pay for a quality-adjusted year", "currency of the config"),
            REGIME,
            number("p", "P(highest net benefit)"),
            flag("chosen", "whether its expected net benefit is the highest"),
        ),
        "regimes",
    ),
    File(
        "decision/<model>/subgroups.csv",
        "One row per subgroup",
        (
            CELL,
            count("patients", "simulated patients of the subgroup"),
            text("regime", "regime with the highest expected utility in it"),
            number(f"gain{BAND}", "utility of that regime more than without redosing", QAD),
            number("p_gain", "P(that gain is above 0)"),
            number("regret_of_common", "utility lost by the regime that is chosen for all", QAD),
        ),
        "regimes",
    ),
    File(
        "decision/<model>/support.csv",
        "One row per regime: how often the data did what it asks for",
        (
            REGIME,
            count("acted", "decisions of the data to infuse as the regime would"),
            count("waited", "decisions of the data not to infuse where the regime would"),
            count("tested", "gaps between samples as short as the regime's"),
            flag("far", "whether the data hardly visited the regime's decisions"),
            text("why", "which of these are too few"),
        ),
        "regimes",
    ),
    File(
        "decision/<model>/overlaps.csv",
        "One row per population parameter",
        (
            text("parameter", "name of the parameter, with its place in brackets"),
            text("group", "group of parameters, as in information.csv"),
            number("overlap", "overlap of prior and posterior: 0 apart, 1 the same"),
            flag("marked", "whether it is so large that the data said little of the parameter"),
        ),
        "regimes",
    ),
    File(
        "decision/<model>/suppression.csv",
        "One row per spacing of infusions and draw, of the median patient",
        (
            number("spacing", "days between infusions", "days"),
            SIMULATED,
            number("doublings", "doublings of MRD between two infusions"),
            number("kill", "kill of an infusion of the reference number of cells", "log10"),
            number("held", "share of the patients whose MRD does not rise"),
        ),
        "regimes",
    ),
    File(
        "decision/<model>/worked.csv",
        "One row per regime and step of a typical patient's path",
        (
            REGIME,
            number("day", "day at the start of the step", "days since the start of the interval"),
            number("reading", "reading of the test, the limit where it was below; empty without a test", LOG),
            number("infusion", "whether an infusion is given on the day: 1, else 0"),
            number("free", "P(alive and progression-free) at the end of the step"),
            number("gvhd", "P(so with GVHD that is not severe)"),
            number("severe", "P(so with severe GVHD)"),
            number("progressed", "P(alive after a progression)"),
            number("dead", "P(dead)"),
            number("level", "latent MRD", LOG),
            flag("below", "whether the reading is below the limit"),
        ),
        "regimes",
    ),
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
    File(
        "report/<table>.csv",
        "Rows as in the table of the dossier whose caption names the file; tables that no other file holds",
        (
            text("<heading>", "text of the cell, as shown under that heading"),
            number(f"<heading>{NUMBER}", "the number behind the text, by which the dossier sorts"),
        ),
    ),
    File(
        "run_times.csv",
        "One row per job behind the dossier; it differs from run to run",
        (
            text("rule", "rule of the workflow"),
            text("job", "model, fold or chunk of the job; empty where the study has one such job"),
            number("wall_s", "time from start to end", "s"),
            number("peak_mb", "largest resident memory", "MiB"),
            number("cpu_s", "processor time", "s"),
            number("load_percent", "mean load, 100 being one core", "%"),
        ),
    ),
    File(
        "dictionary.csv",
        "One row per file and column of the study's results, this table",
        (
            text("file", "file, or family of files, below the folder of the study"),
            text("column", "column, or family of columns; empty in the row that says what a row of the file is"),
            text("type", "type of the column"),
            text("unit", "its unit"),
            text("meaning", "what it says"),
        ),
    ),
    File(
        "../calibration/ranks.csv",
        "One row per simulated trial and quantity",
        (
            count("simulation", "number of the simulation"),
            text("quantity", "name of the quantity"),
            number("truth", "its true value"),
            number("median", "posterior median"),
            number("low", "lower end of the band"),
            number("high", "upper end of the band"),
            number("pit", "rank of the true value among the draws, spread over 0 to 1"),
            flag("accepted", "whether the gate accepted the fit"),
            text("reason", "why not"),
        ),
        "calibration",
    ),
    File(
        "../calibration/verdict.csv",
        "One row per quantity and test",
        (
            text("quantity", "name of the quantity"),
            text("test", "ecdf of the ranks, or coverage of central intervals of so many percent"),
            number("value", "share of the true values covered; empty for ecdf"),
            count("simulations", "simulations whose fit was accepted"),
            number("p", "p-value of the test"),
            number("p_adjusted", "the same adjusted for the number of tests (Holm)"),
            flag("calibrated", "whether it stays above the level of the config"),
        ),
        "calibration",
    ),
)


def of_study(has: list[str], covariates: dict, patients: pd.DataFrame) -> tuple[File, ...]:
    """Entries of the files of one study. has: keys of NEEDS that it meets. covariates: of its study.yaml, by column;
    patients: its checked table, whose further columns take the place of `<covariate>`."""
    own = [described(name, covariates.get(name, {}), patients[name]) for name in further(patients)]
    found = []
    for file in FILES:
        if file.needs in ("", *has):
            columns = [c for c in file.columns if c.name != "<covariate>"]
            columns += own if len(columns) < len(file.columns) else []
            found.append(File(file.place, file.rows, tuple(columns), file.needs))
    return tuple(found)


def further(patients: pd.DataFrame) -> list[str]:
    """Columns of the table of patients that the contract does not name."""
    return [name for name in patients if name not in {c.name for c in contract.TABLES["patients"].columns}]


def described(name: str, covariate: dict, values: pd.Series) -> Column:
    """The entry of a covariate, in the words of study.yaml."""
    kind = "number" if pd.api.types.is_numeric_dtype(values) else "text"
    meaning = f"covariate: {covariate.get('label', name)}"
    return Column(name, kind, meaning, covariate.get("unit", ""))
