"""Entries of the comparison of models, of MRD and of its thresholds."""

from redose.codebook.columns import CHAIN, DRAW, LOG, MODEL, PATIENT, File, band, count, flag, number, text

FILES = (
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
)
