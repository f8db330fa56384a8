"""Joint model of a marker (MRD or tumour burden), recurrent progression-free intervals and competing outcomes.

Marker (log10; docs/methods.md gives the same letters). With infusions:

    B_i(t) = b_ik + g_i (t - t_k0) - Σ_l δ_il [K(t - t_il; h) - K(t_k0 - t_il; h)] - Σ_c κ_c [on_c(t) - on_c(t_k0)]
    δ_il   = δ_i exp(ψ log(cells_il / reference) + ρ (l - 1) + Σ_c θ_c [l within the window of c] + ξ'z_il + u_lot)
    g_i    = log10(2) / doubling_i,   K(s; h) = 1 - 2^(-s/h),   M = B - log10(1 + 10^B)
Without:
    M_i(t) = B_i(t) = b_ik + Σ_m s_im φ_m(t - t_k0) - Σ_c κ_c [on_c(t) - on_c(t_k0)]        φ: a line or a spline
Samples:
    y_ij   ~ Normal or Student-t(M_i(t_ij), σ_assay), left-censored at log10 lod_ij, or missed by a detection curve;
             with probability ε a reading below the limit becomes a false positive: log10 lod_ij + Exponential

Hazards (gap clock)

    log λ_ik(t)  = log λ0(t) + α f(M_i(t)) + α_s dM_i/dt + x_ik(t)'β + u_trial + u_site + ζ_k + v_i
    log λC_ik(t) = log λC0(t) + α_C f(M_i(t)) + ... + z_ik(t)'β_C + φ_C v_i                  death, or another cause
    f(M) = M - reference (value)  |  expit((M - τ) / width) (step);  dM/dt in log10 per 30 days (slope)

Patient traits are b_ik, log doubling_i (or slopes s_im) and the log kill of the patient's average infusion (log δ_i
plus the coefficients times the means of their features: with δ_i itself as the trait ψ had a bulk ESS of 93 in 4,000
draws). They are sampled in coordinates that make a patient's own traits nearly independent of each other and of the
population (`traits.WithinPatient`), which changes the geometry and not the posterior. The frailty v_i ~ Normal(0, ω_v)
is integrated out, and so is the class of a patient whose marker never regrows (g_i = 0, probability `cured`), where the
config has one.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from redose import coordinates
from redose.kinetics import LOG10_2
from redose.models import marker, parts
from redose.models import traits as trait_page
from redose.models.linear import combination, intercept


def build(data: xr.Dataset, prior: dict) -> pm.Model:
    """The model of one study. data: from `design.build`. prior: from `priors.convert_all`."""
    kinetics, at = marker.kinetics_of(data), coordinates.groups(data)
    intervals, patients = np.ones(data.sizes["interval"]), np.ones(data.sizes["patient"])
    interval = data["point_interval"].to_numpy()
    patient = data["interval_patient"].to_numpy()[interval]
    starts = trait_page.starts(data)
    with pm.Model(coords=parts.coords(data)) as model:
        # the level at an interval's start, and noise
        beta_b = marker.effects(data, "beta_b", prior["beta_b"], "level_covariate")
        usual = combination(data["x_level"].to_numpy().mean(0), beta_b)
        mu_b = intercept("mu_b", prior["mu_b"], usual, initval=starts["level"])
        omega_b = pm.HalfNormal("omega_b", **prior["omega_b"], initval=starts["sd_level"])
        level = mu_b + combination(data["x_level"].to_numpy(), beta_b)
        sigma = pm.LogNormal("sigma", **prior["sigma"], dims="assay")
        detection = pm.LogNormal("detection", **prior["detection"]) if kinetics["detection"] else None
        noise = marker.Noise(sigma, kinetics["degrees"] if kinetics["noise"] == "student_t" else None, detection)
        kappa = marker.effects(data, "kappa", prior["kappa"], "course")
        on, active = data["point_on"].to_numpy(), data["point_active"].to_numpy()

        # growth and kill, or a curve in time
        chol = trait_page.correlation(data)
        if coordinates.infused(data):
            doubling = pm.LogNormal("doubling", **prior["doubling"], initval=np.exp(starts["growth"][0]))
            beta_g = marker.effects(data, "beta_g", prior["beta_g"], "growth_covariate")
            omega_g = pm.HalfNormal("omega_g", **prior["omega_g"], initval=starts["sd_growth"][0])
            delta = pm.LogNormal("delta", **prior["delta"], initval=np.exp(starts["kill"]))
            eta = marker.effects(data, "eta", prior["eta"], "kill_covariate")
            omega_delta = pm.HalfNormal("omega_delta", **prior["omega_delta"], initval=starts["sd_kill"])
            coefficients = marker.kill_coefficients(data, prior, pt.log(delta))
            half_life = pm.LogNormal("half_life", **marker.by_product(data, prior), dims="product")
            log_doubling = pt.log(doubling) + combination(data["x_growth"].to_numpy(), beta_g)
            log_kill = pt.log(delta) + combination(data["x_kill"].to_numpy(), eta)
            log_kill += combination(data["mean_features"].to_numpy(), coefficients)
            mean = pt.concatenate([level, log_doubling, log_kill])
            sd = pt.concatenate([omega_b * intervals, omega_g * patients, omega_delta * patients])
            shared = pt.concatenate([coefficients, pt.log(half_life), kappa])
            traits = trait_page.traits(data, mean, sd, chol, shared)
            growing = LOG10_2 / pt.exp(traits[at["growth"][0]])[patient]  # per day
            grown = growing * data["point_elapsed"].to_numpy()
            kill = pt.exp(traits[at["kill"]])[patient]
            done, rate = marker.killed(data, coefficients, half_life)
            lost, losing = kill * done + combination(on, kappa), kill * rate + combination(active, kappa)
        else:
            beta_s = marker.effects(data, "beta_s", prior["beta_s"], "growth_covariate", "basis")
            usual = (data["x_growth"].to_numpy().mean(0)[:, None] * beta_s).sum(0)
            how = {"dims": "basis", "initval": starts["growth"]}
            slope = intercept("slope", prior["slope"], usual, **how)  # log10 per year
            omega_s = pm.HalfNormal("omega_s", **prior["omega_s"], dims="basis", initval=starts["sd_growth"])
            slopes = slope + (data["x_growth"].to_numpy()[:, :, None] * beta_s).sum(1)  # (patient, basis)
            mean = pt.concatenate([level, slopes.T.ravel()])
            sd = pt.concatenate([omega_b * intervals, (omega_s[:, None] * patients).ravel()])
            traits = trait_page.traits(data, mean, sd, chol, kappa)
            own = traits[at["growth"]][:, patient].T  # (point, basis)
            grown = (own * data["point_basis"].to_numpy()).sum(1)
            growing = (own * data["point_basis_slope"].to_numpy()).sum(1)
            lost, losing = combination(on, kappa), combination(active, kappa)
        start = traits[at["level"]][interval]

        # hazards
        u = parts.pooling(data, prior)
        link = parts.link(data, prior)
        frailty = parts.frailty(data, prior)
        linear = parts.linear_predictors(data, prior, u)
        linear = {c: parts.log_baseline(data, c, prior, x) + x for c, x in linear.items()}

        def outcomes(grown, growing, suffix=""):
            """Log likelihood of samples and of events, shape (patient,) each, of patients who grow so."""
            ratio = start + grown - lost
            fraction, by_day = ratio, growing - losing
            if coordinates.infused(data):
                fraction, per_ratio = marker.log10_fraction(ratio)
                by_day = by_day * per_ratio
            n = data.sizes["sample"]
            hazards = parts.linked_hazards(data, linear, link, fraction[n:], 30 * by_day[n:])
            return marker.assay(data, fraction, noise), parts.event_log_likelihood(data, hazards, frailty, suffix)

        of_samples, of_events = outcomes(grown, growing)
        if kinetics["cured"]:
            cured = pm.LogitNormal("cured", **prior["cured"])
            still = [pt.zeros_like(grown), pt.zeros_like(growing)]
            of_samples, of_events = marker.mixed(cured, outcomes(*still, "_cured"), (of_samples, of_events))
        weight = data["patient_weight"].to_numpy()
        of_samples = pm.Deterministic("log_likelihood_samples", weight * of_samples, dims="patient")
        of_events = pm.Deterministic("log_likelihood_events", weight * of_events, dims="patient")
        pm.Potential("samples", of_samples.sum())
        pm.Potential("events", of_events.sum())
    return model
