"""Leave-one-patient-out predictive accuracy of the event outcome, with the patient's effects integrated out.

For patient i with events T_i and samples y_i, and population parameters θ, the score is

    elpd_i = log p(T_i | y_i, data of the others) = log Σ_s w_s p(T_i, y_i | θ_s) - log Σ_s w_s p(y_i | θ_s)

with Pareto-smoothed weights w_s ∝ 1 / p(T_i, y_i | θ_s) (Vehtari et al. 2017, eq. 10). Every model scores the same T_i,
so models with and without MRD are comparable: what does knowing y_i add? The patient's own effects (level, growth,
kill, frailty) are integrated out in every p(. | θ_s): Gauss-Hermite in one dimension where there is only a frailty,
importance sampling from the fit's own spread of these effects otherwise. Conditioning on effects that the patient's
own data have informed would make the weights useless (Merkle, Furr & Rabe-Hesketh 2019).
"""

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.base import array_stats
from scipy.special import logsumexp

from redose import coordinates, prediction
from redose.assay import log_normal
from redose.one_patient import About, OwnPrior, events, own_likelihood, shifts, without_patient

DRAWS = 400
PROPOSALS = 96  # importance samples of a patient's effects


def frailty_only(data: xr.Dataset, draws: prediction.Draws, rows: np.ndarray) -> np.ndarray:
    """log p(T_i | θ_s), shape (draw,), of a patient without latent MRD."""
    return events(data, draws, without_patient(data, draws, rows), rows).integrated(draws)[:, 0]


def with_mrd(data: xr.Dataset, draws: prediction.Draws, i: int, block: np.ndarray, rng: np.random.Generator):
    """(log p(T_i, y_i | θ_s), log p(y_i | θ_s)), shape (draw,) each: importance sampling over the patient's effects."""
    frail = "omega_v" in draws
    own = np.vstack([draws["traits"][block], draws["v"][i]]) if frail else draws["traits"][block]
    about = About.of(own)
    effects = about.draw((PROPOSALS,), rng)  # (proposal, effect)
    traits, log_proposal = effects[None, :, : len(block)], about.log_density(effects)
    log_prior = OwnPrior.of(data, draws, i, block).log_density(traits)
    v = np.zeros_like(log_prior)
    if frail:
        v = v + effects[:, -1]
        log_prior += log_normal(v / draws["omega_v"][:, None]) - np.log(draws["omega_v"][:, None])
    classes = [(0.0, 0.0)]  # (still, log share): one class, or two with the class of the patient summed out
    if "cured" in draws:
        classes = [(0.0, np.log1p(-draws["cured"])), (1.0, np.log(draws["cured"]))]
    joint, alone = [], []
    for still, log_share in classes:
        log_y, happened = own_likelihood(data, draws, i, block, traits, still)
        weighted = np.reshape(log_share, (-1, 1)) + log_prior - log_proposal - np.log(PROPOSALS)
        log_t = happened.given(shifts(draws, list(happened.exposure), v))
        joint.append(logsumexp(weighted + log_y + log_t, axis=1))
        alone.append(logsumexp(weighted + log_y, axis=1))
    given = logsumexp(alone, axis=0)
    sampled = bool((data["sample_patient"].to_numpy() == i).any())
    return logsumexp(joint, axis=0), given if sampled else np.zeros_like(given)


def score(data: xr.Dataset, draws: prediction.Draws, seed: int) -> pd.DataFrame:
    """One row per patient: elpd (leave-one-patient-out log predictive density of its events) and pareto_k."""
    rows_of = data["interval_patient"].to_numpy()[data["row_interval"].to_numpy()]
    blocks = coordinates.patient_blocks(data) if data.attrs["link"] != "none" else None
    rng = np.random.default_rng(seed)
    elpd, khat = [], []
    for i in range(data.sizes["patient"]):
        if blocks is None:
            joint = frailty_only(data, draws, np.flatnonzero(rows_of == i))
            given = np.zeros_like(joint)
        else:
            joint, given = with_mrd(data, draws, i, blocks[i], rng)
        log_weight, k = array_stats.psislw(-joint)
        elpd.append(logsumexp(log_weight + joint) - logsumexp(log_weight + given))
        khat.append(float(k))
    return pd.DataFrame({"patient": data["patient"].to_numpy(), "elpd": elpd, "pareto_k": khat})


def compare(scores: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per model, best first: elpd (sum over patients), se, difference to the best and its se (paired over
    patients), patients with Pareto k above 0.7."""
    total = {m: s["elpd"].sum() for m, s in scores.items()}
    best = max(total, key=total.get)
    rows = []
    for model, table in scores.items():
        gap = table["elpd"].to_numpy() - scores[best]["elpd"].to_numpy()
        n = len(table)
        rows.append(
            {
                "model": model,
                "elpd": total[model],
                "se": np.sqrt(n) * table["elpd"].std(),
                "difference": gap.sum(),
                "difference_se": np.sqrt(n) * gap.std(ddof=1),
                "patients": n,
                "pareto_k_above_0.7": int((table["pareto_k"] > 0.7).sum()),
            }
        )
    return pd.DataFrame(rows).sort_values("elpd", ascending=False, ignore_index=True)
