"""Entries of selection and decisions."""

from redose.codebook.columns import BAND, CAUSE, CHAIN, DRAW, LOG, PATIENT, QAD, File, count, flag, number, text

REGIME = text("regime", "name of the regime, of the config or of the grid")

CELL = text("cell", "subgroup by burden and microenvironment, above (high) and below (low) their medians")

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

FILES = (
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
        "cuts.csv",
        "One row per data cut, model, quantity and group",
        (
            text("cut", "name of the data cut, of the config; all data: the study itself"),
            number("day", "calendar day of the cut; empty where it is a folder, and of all data", "days"),
            text("model", "name of the model; empty for what the cut holds"),
            text(
                "quantity",
                "patients, progressions, samples; threshold; rmst_D: mean days alive and progression-free up to day D "
                "of first intervals; verdict: patients by verdict on redosing",
            ),
            text("group", "kind of threshold, schedule or arm, or verdict; changed: other than at the cut before"),
            number("value", "count, or the posterior median of a threshold, or mean", "log10 MRD, days, or patients"),
            number("low", "lower end of its band; empty for counts", "as value"),
            number("high", "upper end of its band", "as value"),
            number(
                "moved", "change since the cut before; empty where one of the two is missing or infinite", "as value"
            ),
        ),
        "cuts",
    ),
)
