"""Leave-one-patient-out predictive accuracy of the event outcome, with the patient's effects integrated out.

For patient i with events T_i and samples y_i, and population parameters θ, the score is

    elpd_i = log p(T_i | y_i, data of the others) = log Σ_s w_s p(T_i, y_i | θ_s) - log Σ_s w_s p(y_i | θ_s)

with Pareto-smoothed weights w_s ∝ 1 / p(T_i, y_i | θ_s) (Vehtari et al. 2017, eq. 10). Every model scores the same T_i,
so models with and without MRD are comparable: what does knowing y_i add? The patient's own effects (level, growth,
kill, frailty) are integrated out in every p(. | θ_s): Gauss-Hermite in one dimension where there is only a frailty,
importance sampling from the fit's own spread of these effects otherwise. Conditioning on effects that the patient's
own data have informed would make the weights useless (Merkle, Furr & Rabe-Hesketh 2019).
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.base import array_stats
from scipy import stats
from scipy.special import logsumexp

from redose import assay, coordinates, prediction

DRAWS = 400
NODES = 40  # Gauss-Hermite nodes over a frailty
PROPOSALS = 96  # importance samples of a patient's effects
WIDER = 1.3  # proposal sd relative to the posterior's


def event_terms(data: xr.Dataset, draws: prediction.Draws, log_hazards: dict, rows: np.ndarray, v: np.ndarray):
    """log p(events | effects), shape (draw, proposal), for one patient's rows.

    log_hazards: cause -> (row, draw, proposal or 1) without the frailty. v: frailty, shape (draw, proposal).
    """
    total = np.zeros_like(v)
    inside = data["row_inside"].to_numpy()[rows]
    for cause, value in log_hazards.items():
        shift = v if cause == "progression" else loading(draws, cause)[:, None] * v
        happened = data[f"row_{cause}"].to_numpy()[rows]
        grown = prediction.cumulated(data, draws, cause, rows, value) * np.exp(shift)
        total += (value[happened] + shift).sum(0) if happened.any() else 0.0
        within = inside & (cause == "progression")
        total -= grown[~within].sum(0)
        for interval in np.unique(data["row_interval"].to_numpy()[rows][within]):
            mine = within & (data["row_interval"].to_numpy()[rows] == interval)
            total += np.log(-np.expm1(-grown[mine].sum(0)))
    return total


def loading(draws: prediction.Draws, cause: str) -> np.ndarray:
    """φ of a competing cause, zeros in a model without a frailty; shape (draw,)."""
    return draws.get(f"phi_{cause}", np.zeros(len(draws["rate_progression"])))


def without_patient(data: xr.Dataset, draws: prediction.Draws, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Cause -> log hazard at rows without MRD link and frailty, shape (row, draw, 1)."""
    alone = {k: v for k, v in draws.items() if k != "v"}
    interval = data["row_interval"].to_numpy()[rows]
    clock = data["row_clock"].to_numpy()[rows]
    day = clock + data["interval_origin"].to_numpy()[interval]
    patient = data["interval_patient"].to_numpy()[interval]
    found = {}
    for cause in prediction.causes(data):
        value = prediction.log_baseline(data, draws, cause, clock)
        value = value + prediction.covariates_at(data, cause, interval, day) @ draws[f"beta_{cause}"]
        value = value + prediction.patient_effect(data, alone, cause)[patient]
        found[cause] = (value + prediction.interval_effect(data, draws, cause)[interval])[:, :, None]
    return found


def frailty_only(data: xr.Dataset, draws: prediction.Draws, rows: np.ndarray) -> np.ndarray:
    """log p(T_i | θ_s), shape (draw,), of a patient without latent MRD."""
    hazards = without_patient(data, draws, rows)
    draw_count = len(draws["rate_progression"])
    if "omega_v" not in draws:
        return event_terms(data, draws, hazards, rows, np.zeros((draw_count, 1)))[:, 0]
    node, weight = np.polynomial.hermite_e.hermegauss(NODES)
    terms = event_terms(data, draws, hazards, rows, draws["omega_v"][:, None] * node)
    return logsumexp(terms + np.log(weight / weight.sum()), axis=1)


def sample_terms(data: xr.Dataset, draws: prediction.Draws, mine: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """log p(y_i | effects), shape (draw, proposal). mine: places of the patient's samples. fraction: latent level,
    shape (sample, draw, proposal)."""
    y, lod, below, wrong = (data[f"sample_{x}"].to_numpy()[mine] for x in ("y", "lod", "below", "false_positive"))
    y, lod, below, wrong = (x[:, None, None] for x in (y, lod, below, wrong))
    noise = {k: x[..., None] for k, x in prediction.noise(data, draws, mine).items() if k != "degrees"}
    return assay.log_density(y, lod, below, wrong, fraction, **noise, degrees=prediction.degrees(data)).sum(0)


def trait_means(data: xr.Dataset, draws: prediction.Draws, i: int, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mean, sd) of the patient's own traits in their population, shape (trait of the patient, draw)."""
    at = coordinates.groups(data)
    levels = int(np.isin(block, at["level"]).sum())
    none = np.zeros((0, len(draws["mu_b"])))
    mean = [draws["mu_b"] + data["x_level"].to_numpy()[k] @ draws.get("beta_b", none) for k in block[:levels]]
    sd, x_growth = [draws["omega_b"]] * levels, data["x_growth"].to_numpy()[i]
    if not coordinates.infused(data):
        for m in range(len(at["growth"])):
            mean.append(draws["slope"][m] + x_growth @ (draws["beta_s"][:, m] if "beta_s" in draws else none))
        return np.array(mean), np.array([*sd, *draws["omega_s"]])
    mean.append(np.log(draws["doubling"]) + x_growth @ draws.get("beta_g", none))
    log_kill = np.log(draws["delta"]) + data["x_kill"].to_numpy()[i] @ draws.get("eta", none)
    mean.append(log_kill + data["mean_features"].to_numpy()[i] @ prediction.coefficients(data, draws))
    return np.array(mean), np.array([*sd, draws["omega_g"], draws["omega_delta"]])


def trait_density(data: xr.Dataset, draws: prediction.Draws, i: int, block: np.ndarray, effects: np.ndarray):
    """log p(traits of the patient | population), shape (draw, proposal). effects: proposals, (proposal, trait)."""
    mean, sd = trait_means(data, draws, i, block)
    e = (effects.T[:, None, :] - mean[:, :, None]) / sd[:, :, None]  # (trait, draw, proposal)
    kinds = len(coordinates.trait_kinds(data)) - 1
    order = [*range(len(block) - kinds, len(block)), *range(len(block) - kinds)]  # patient-level traits, then levels
    matrix = prediction.trait_correlation(data, draws, len(block) - kinds)  # (draw, trait, trait) in that order
    root = np.linalg.cholesky(matrix)
    white = np.linalg.solve(root, np.moveaxis(e[order], 0, 1))
    scale = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1) + np.log(sd).sum(0)
    return -0.5 * (white**2).sum(1) - scale[:, None] - 0.5 * len(block) * np.log(2 * np.pi)


def with_mrd(data: xr.Dataset, draws: prediction.Draws, i: int, block: np.ndarray, rng: np.random.Generator):
    """(log p(T_i, y_i | θ_s), log p(y_i | θ_s)), shape (draw,) each: importance sampling over the patient's effects."""
    frail = "omega_v" in draws
    own = np.vstack([draws["traits"][block], draws["v"][i]]) if frail else draws["traits"][block]
    centre, root = own.mean(1), np.linalg.cholesky(np.atleast_2d(np.cov(own)) + 1e-9 * np.eye(len(own))) * WIDER
    z = rng.standard_t(8, size=(PROPOSALS, len(own)))
    effects = centre + z @ root.T  # (proposal, effect)
    log_proposal = stats.t.logpdf(z, 8).sum(1) - np.log(np.diag(root)).sum()
    log_prior = trait_density(data, draws, i, block, effects[:, : len(block)])
    if frail:
        log_prior += stats.norm.logpdf(effects[:, -1], 0.0, draws["omega_v"][:, None])
    classes = [(0.0, 0.0)]  # (still, log share): one class, or two with the class of the patient summed out
    if "cured" in draws:
        classes = [(0.0, np.log1p(-draws["cured"])), (1.0, np.log(draws["cured"]))]
    joint, alone = [], []
    for still, log_share in classes:
        log_y, log_t = own_likelihood(data, draws, i, block, effects, still)
        weighted = np.reshape(log_share, (-1, 1)) + log_prior - log_proposal - np.log(PROPOSALS)
        joint.append(logsumexp(weighted + log_y + log_t, axis=1))
        alone.append(logsumexp(weighted + log_y, axis=1))
    given = logsumexp(alone, axis=0)
    sampled = bool((data["sample_patient"].to_numpy() == i).any())
    return logsumexp(joint, axis=0), given if sampled else np.zeros_like(given)


def own_likelihood(data: xr.Dataset, draws: prediction.Draws, i: int, block, effects, still: float):
    """(log p(y_i | effects), log p(T_i | effects)), shape (draw, proposal) each. still: 1 if it never regrows."""
    points = np.flatnonzero(data["interval_patient"].to_numpy()[data["point_interval"].to_numpy()] == i)
    count = data.sizes["sample"]
    samples, rows = points[points < count], points[points >= count] - count
    fraction, slope = own_marker(data, draws, points, block, effects[:, : len(block)], still)
    log_y = sample_terms(data, draws, samples, fraction[: len(samples)])
    wide = {k: x[..., None] for k, x in draws.items() if k == "tau" or k.startswith("alpha_")}
    hazards = without_patient(data, draws, rows)
    after = len(samples)
    for cause in hazards:
        linked = prediction.association(data, wide, cause, fraction[after:], None if slope is None else slope[after:])
        hazards[cause] = hazards[cause] + linked
    v = np.broadcast_to(effects[:, -1] if "omega_v" in draws else 0.0, log_y.shape)
    return log_y, event_terms(data, draws, hazards, rows, v)


def own_marker(data: xr.Dataset, draws: prediction.Draws, points, block, effects, still: float):
    """(level, slope) of the marker at a patient's points for proposed effects, shape (point, draw, proposal). The slope
    is None where no hazard depends on it."""
    interval = data["point_interval"].to_numpy()[points]
    day = data["interval_start"].to_numpy()[interval] + data["point_elapsed"].to_numpy()[points]
    shared = prediction.shared_at(data, draws, interval, day)
    wide = {k: getattr(shared, k)[:, :, None] for k in ("done", "rate", "drop", "dropping")}
    at = coordinates.groups(data)
    levels = np.isin(block, at["level"])
    start = effects[:, np.searchsorted(block[levels], interval)].T[:, None, :]
    shape = (len(points), 1, len(effects))
    growth = [np.broadcast_to(effects[:, np.isin(block, g)].T[:, None], shape) for g in at["growth"]]
    log_kill = effects[:, np.isin(block, at["kill"])].T[:, None] if coordinates.infused(data) else 0.0
    sloping = any(name.startswith("alpha_slope") for name in draws)
    return prediction.marker(data, replace(shared, **wide), start, np.array(growth), log_kill, still, sloping)


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
