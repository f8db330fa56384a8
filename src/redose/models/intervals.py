"""Recurrent progression-free intervals with death as a competing cause; no MRD.

    log λ_ik(t) = log λ0(t) + x_ik(t)'β + u_trial + u_site + ζ_k + v_i  progression
    log λD_ik(t) = log λD0(t) + z_ik(t)'β_D + φ v_i                     death, or another competing cause
    v_i ~ Normal(0, ω_v) (integrated out),  u ~ Normal(0, ω_trial), Normal(0, ω_site),  ζ_k ~ Normal(0, ω_interval)

t is days on the clock (gap: since the interval's start; total: since day 0). λ0 is Weibull or an M-spline. A row is
a piece of an interval on which the covariates are constant, so cumulative hazards are exact.
"""

import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from redose.models import parts


def build(data: xr.Dataset, prior: dict) -> pm.Model:
    """The model of one study. data: from `design.build`. prior: from `priors.convert_all`."""
    with pm.Model(coords=parts.coords(data)) as model:
        linear = parts.linear_predictors(data, prior, parts.pooling(data, prior))
        hazards = {}
        for cause, eta in linear.items():
            log_baseline = parts.log_baseline(data, cause, prior, eta)
            grown = parts.cumulative_baseline(data, cause) * pt.exp(eta)  # exact: eta is constant on a row
            hazards[cause] = parts.Hazard(log_baseline + eta, grown)
        log_likelihood = parts.event_log_likelihood(data, hazards, parts.frailty(data, prior))
        log_likelihood = data["patient_weight"].to_numpy() * log_likelihood
        pm.Potential("events", pm.Deterministic("log_likelihood_events", log_likelihood, dims="patient").sum())
    return model
