"""The letters of the equations: what each means, its unit, and the name of its draws in posterior.nc."""

from redose.report.reading import Dossier
from redose.report.tables.cells import Cell, Table

EVERY = (  # of models of progression and death
    ("i, k, t", "patient, number of the interval, days on the clock of the model", "days", ""),
    ("λ_ik(t), λC_ik(t)", "hazard of progression, and of another outcome C (D: death)", "per day", ""),
    ("λ0(t)", "baseline: the hazard of a reference patient", "per day", "rate_*, shape_*, weights_*"),
    ("x, z", "covariates of progression, and of the other outcome", "as in the table of hazard ratios", ""),
    ("β, β_C", "log hazard ratios of covariates", "log", "beta_*"),
    ("v_i, ω_v", "frailty of a patient on the log hazard, and its standard deviation", "log", "v, omega_v"),
    ("φ, φ_C", "loading of the frailty on another outcome", "none", "phi_*"),
    (
        "u, ω_trial, ω_site",
        "effects of trial and site on the log hazard, and their standard deviations",
        "log",
        "u_*, omega_trial, omega_site",
    ),
    (
        "ζ_k, ω_interval",
        "effect of the interval number on the log hazard, and its standard deviation",
        "log",
        "zeta, omega_interval",
    ),
)
MARKER = (
    ("B_i(t)", "latent burden: malignant cells per normal cell", "log10", ""),
    ("M_i(t), f(M)", "latent MRD: malignant cells per cell; how it enters a hazard", "log10", ""),
    ("y_ij, lod_ij", "sample j and its limit of detection", "log10", ""),
    ("σ_assay, ε", "noise of the assay; probability of a false positive (study.yaml)", "log10; none", "sigma"),
    ("b_ik", "level at the start t_k0 of the interval: mean μ_b, sd ω_b", "log10", "traits, mu_b, omega_b"),
    ("g_i, doubling_i", "growth; doubling time, sd of its log ω_g", "log10 a day; days", "doubling, omega_g"),
    (
        "δ_il, δ_i",
        "kill of infusion l; of an infusion of reference cells; sd of its log ω_δ",
        "log10",
        "delta, omega_delta",
    ),
    (
        "K(s; h), h",
        "share of the kill done s days after an infusion; half-life of cells",
        "none; days",
        "half_life",
    ),
    ("ψ", "exponent of the dose", "none", "psi"),
    ("ρ", "change of the log kill with every earlier infusion", "log", "rho"),
    ("θ_c", "log ratio of the kill of an infusion timed to course c", "log", "theta"),
    ("κ_c, on_c(t)", "kill by a continuous course c; its days by t", "log10 a day; days", "kappa"),
    (
        "ξ, z_il, u_lot",
        "log ratios of the kill by properties z of the product; effect of the lot",
        "log",
        "xi, u_lot, omega_lot",
    ),
    ("s_im, φ_m", "without infusions: slopes of a patient, and curves in time", "log10 a year", "slope, omega_s"),
    ("α, α_C, α_s", "log hazard ratio by f(M), and by the slope of MRD in 30 days", "log", "alpha_*"),
    ("τ, width", "step: prognostic threshold; its width (config)", "log10", "tau"),
)
GVHD = (
    ("λG_ij(t)", "hazard of GVHD of kind j, t in days since day 0", "per day", ""),
    ("background_ij, q", "hazard without an infusion; P(onset) within 100 days of it", "per day; none", "background_*"),
    ("r_jl, risk", "cumulative hazard of one infusion of reference cells; P(onset) after it", "none", "risk_*"),
    (
        "w_l, ρ_G, h_G",
        "weight of the dose; its exponent; half-life of the hazard",
        "none; days",
        "rho_gvhd, half_life_gvhd",
    ),
    (
        "β_j, γ_j, κ_jc",
        "log hazard ratios; log odds of a higher grade; cuts of the grades",
        "log",
        "beta_*, gamma_*, grade_*",
    ),
    ("duration_j, shape_j", "median and Weibull shape of the length of an episode", "days; none", "duration_*"),
)


def symbols(dossier: Dossier) -> Table:
    """The letters of this study's models."""
    known = [("models of progression", EVERY)]
    known += [("with MRD", MARKER)] if any(m.startswith("joint") for m in dossier.judged) else []
    known += [("GVHD", GVHD)] if "gvhd" in dossier.judged else []
    rows = [[Cell(letter), Cell(of), *map(Cell, rest)] for of, table in known for letter, *rest in table]
    columns = ["symbol", "of", "meaning", "unit", "in posterior.nc"]
    return Table("Symbols", columns, rows)
