"""Who gets GVHD (graft-versus-host disease), how severe it is, and how long it lasts; kinds j: acute, chronic.

    log λG_ij(t) = log( background_ij(t) + Σ_l r_jl w_l 2^(-(t - t_l)/h_G) log 2 / h_G ) + x_i'β_j
    w_l           = (cells_l / reference)^ρ_G          over all infusions l of patient i before day t
    r_jl          = -log(1 - risk_j,product(l))        risk: P(onset) after one infusion of `reference` cells alone
    background_ij = -log(1 - q_j,level(i),window(t)) / 100 d     q: P(onset) within 100 days without an infusion
    grade_ij      ~ ordered logit: logit P(grade <= c) = κ_jc - x_i'γ_j,  κ_jc = logit(share of grades <= c)
    days_ij       ~ Weibull of median duration_j and shape_j, right-censored at the end of follow-up

t is days since day 0. The background is that of an earlier graft: constant within windows, by level of a column of
patients. Cumulative hazards are exact: over a spell at risk an infusion adds r_jl w_l (2^(-from/h_G) - 2^(-to/h_G)),
from and to in days since the infusion. risk and q ~ Beta(1/2, b): without any event their posterior is that of half an
event (`Share` says where NUTS moves). The shares of grades are uniform a priori. No random effect is shared with the
other models: the joint posterior factorises, so this page is fitted by itself. Grades and durations of a kind enter
where the study holds one.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pymc.logprob.transforms import Transform

from redose.models.linear import combination
from redose.onsets import KINDS, NOT_GRADED, WITHIN

LOG2 = np.log(2.0)


def build(data: xr.Dataset, prior: dict) -> pm.Model:
    """The model of one study. data: from `onsets.build`. prior: from `priors.convert_all`."""
    with pm.Model(coords=coords(data)) as model:
        infused = data.sizes["infusion"] > 0
        if infused:
            rho = pm.Normal("rho_gvhd", **prior["gvhd_dose"])
            half_life = pm.LogNormal("half_life_gvhd", **prior["gvhd_half_life"])
            weight = pt.exp(rho * data["infusion_log_cells"].to_numpy())
        for kind in KINDS:
            at_onset, grown = 0.0, 0.0
            if data.sizes[f"{kind}_background"]:
                how = {"dims": f"{kind}_background", "default_transform": Share(background_alone(data, kind))}
                q = pm.Beta(f"background_{kind}", **prior["gvhd_background"], **how)
                at_onset, grown = background(data, kind, -pt.log1p(-q) / WITHIN)
            if infused:
                how = {"dims": "product", "default_transform": Share(product_alone(data, kind))}
                risk = pm.Beta(f"risk_{kind}", **prior["gvhd_risk"], **how)
                r = -pt.log1p(-risk)[data["infusion_product"].to_numpy()] * weight
                of_infusions = product(data, kind, r, half_life)
                at_onset, grown = at_onset + of_infusions[0], grown + of_infusions[1]
            eta = effect(data, kind, f"beta_{kind}", prior["hazard_ratio"])
            log_hazards = pt.log(at_onset) + eta[data[f"{kind}_onset_patient"].to_numpy()]
            add(f"onsets_{kind}", log_hazards.sum() - (grown * pt.exp(eta)).sum())
            if has_grades(data, kind):
                grades(data, prior, kind)
            if has_durations(data, kind):
                durations(data, prior, kind)
    return model


class Share(Transform):
    """Sampling coordinates of shares q ~ Beta(1/2, b): logit q where an onset has no other cause (`alone`); else z of
    either sign with z² = -log(1 - q).

    The likelihood is then smooth in z at 0: without an onset exp(-E z²), E the exposure, and z nearly normal. That of
    logit q has a long tail to the left, in which chains linger (tail ESS of 287 in 3,200 draws of one window of
    `redosable`). An onset without another cause keeps z away from 0, where its density is not smooth.
    """

    name = "share"

    def __init__(self, alone: np.ndarray):
        self.alone = alone

    def backward(self, value, *inputs):
        return pt.where(self.alone, pt.sigmoid(value), -pt.expm1(-(value**2)))

    def forward(self, value, *inputs):
        return pt.where(self.alone, pt.log(value) - pt.log1p(-value), pt.sqrt(-pt.log1p(-value)))

    def log_jac_det(self, value, *inputs):
        of_logit = -pt.softplus(value) - pt.softplus(-value)
        return pt.where(self.alone, of_logit, pt.log(2 * pt.abs(value)) - value**2)


def background_alone(data: xr.Dataset, kind: str) -> np.ndarray:
    """True for levels and windows with an onset before which its patient had no infusion, shape (background,), levels
    first."""
    onset = np.setdiff1d(np.arange(data.sizes[f"{kind}_onset"]), data[f"{kind}_trace_onset"].to_numpy())
    patient, window = (data[f"{kind}_onset_{c}"].to_numpy()[onset] for c in ("patient", "window"))
    place = data["patient_level"].to_numpy()[patient] * data.sizes[f"{kind}_window"] + window
    return np.isin(np.arange(data.sizes[f"{kind}_background"]), place)


def product_alone(data: xr.Dataset, kind: str) -> np.ndarray:
    """True for products with an onset after infusions of this product only, shape (product,); none where there is a
    background."""
    onset = data[f"{kind}_trace_onset"].to_numpy()
    of_infusion = data["infusion_product"].to_numpy()[data[f"{kind}_trace_infusion"].to_numpy()]
    given = np.zeros((data.sizes[f"{kind}_onset"], data.sizes["product"]), bool)
    given[onset, of_infusion] = True
    return given[given.sum(1) == 1].any(0) & (data.sizes[f"{kind}_background"] == 0)


def add(name: str, log_likelihood) -> None:
    """Adds a term to the log likelihood, and keeps its value."""
    pm.Deterministic(f"log_likelihood_{name}", pm.Potential(name, log_likelihood))


def coords(data: xr.Dataset) -> dict:
    """Named coordinates of the model."""
    names = ["patient", "product", *(f"{k}_{c}" for k in KINDS for c in ("background", "covariate", "grade"))]
    return {name: data[name].to_numpy() for name in names}


def background(data: xr.Dataset, kind: str, hazard):
    """(at onsets, grown): background per day at every onset; its integral over each patient's days at risk, shape
    (patient,). hazard: per day, shape (background,), levels first."""
    days = data[f"{kind}_days"].to_numpy()
    own = pt.reshape(hazard, (-1, days.shape[1]))[data["patient_level"].to_numpy()]
    patient, window = (data[f"{kind}_onset_{c}"].to_numpy() for c in ("patient", "window"))
    return own[patient, window], (own * days).sum(1)


def product(data: xr.Dataset, kind: str, r, half_life):
    """(at onsets, grown) as in `background`, of the infusions. r: onsets expected of each one, shape (infusion,)."""
    patient, infusion, start, stop = (
        data[f"{kind}_pair_{c}"].to_numpy() for c in ("patient", "infusion", "from", "to")
    )
    added = r[infusion] * (pt.exp2(-start / half_life) - pt.exp2(-stop / half_life))
    onset, cause, since = (data[f"{kind}_trace_{c}"].to_numpy() for c in ("onset", "infusion", "since"))
    trace = r[cause] * pt.exp2(-since / half_life) * LOG2 / half_life
    at_onset = pt.zeros(data.sizes[f"{kind}_onset"])[onset].inc(trace)
    return at_onset, pt.zeros(data.sizes["patient"])[patient].inc(added)


def effect(data: xr.Dataset, kind: str, name: str, prior: dict):
    """x'β, shape (patient,); without covariates there is no parameter."""
    if not data.sizes[f"{kind}_covariate"]:
        return pt.zeros(data.sizes["patient"])
    return combination(data[f"x_{kind}"].to_numpy(), pm.Normal(name, **prior, dims=f"{kind}_covariate"))


def has_grades(data: xr.Dataset, kind: str) -> bool:
    """True where an episode of the kind was graded; one that was not says nothing of grades."""
    return bool((data[f"{kind}_onset_grade"] != NOT_GRADED).any())


def has_durations(data: xr.Dataset, kind: str) -> bool:
    """True where an episode of the kind was seen to end: studies that never give an end do not record it."""
    return bool(data[f"{kind}_onset_ended"].any())


def grades(data: xr.Dataset, prior: dict, kind: str) -> None:
    """Adds the ordinal likelihood of the grades that were given."""
    share = pm.Dirichlet(f"grade_{kind}", np.ones(data.sizes[f"{kind}_grade"]), dims=f"{kind}_grade")
    eta = effect(data, kind, f"gamma_{kind}", prior["gvhd_odds"])
    grade = data[f"{kind}_onset_grade"].to_numpy()
    graded = np.flatnonzero(grade != NOT_GRADED)
    who = data[f"{kind}_onset_patient"].to_numpy()[graded]
    below = pt.cumsum(share)[:-1]
    cuts = pt.log(below) - pt.log1p(-below)
    given = {"eta": eta[who], "cutpoints": cuts, "compute_p": False, "observed": grade[graded]}
    log_likelihood = pm.logp(pm.OrderedLogistic(f"graded_{kind}", **given), grade[graded])
    pm.Deterministic(f"log_likelihood_graded_{kind}", log_likelihood.sum())


def durations(data: xr.Dataset, prior: dict, kind: str) -> None:
    """Adds the likelihood of the days that episodes lasted: log density of those that ended, log survival of others."""
    median = pm.LogNormal(f"duration_{kind}", **prior["gvhd_duration"])
    shape = pm.LogNormal(f"shape_{kind}", **prior["shape"])
    relative = data[f"{kind}_onset_lasted"].to_numpy() / median
    ended = np.flatnonzero(data[f"{kind}_onset_ended"].to_numpy())
    log_hazard = pt.log(LOG2 * shape / median) + (shape - 1) * pt.log(relative)
    add(f"lasted_{kind}", log_hazard[ended].sum() - LOG2 * (relative**shape).sum())
