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
from scipy import stats
from scipy.special import logsumexp

from redose import assay, coordinates, kinetics, prediction

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
        found[cause] = (value + prediction.patient_effect(data, alone, cause)[patient])[:, :, None]
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


def sample_terms(data: xr.Dataset, mine: np.ndarray, fraction: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """log p(y_i | effects), shape (draw, proposal). fraction: (sample, draw, proposal); sigma: (draw,)."""
    y, lod, below, wrong = (data[f"sample_{x}"].to_numpy()[mine] for x in ("y", "lod", "below", "false_positive"))
    y, lod, below, wrong = (x[:, None, None] for x in (y, lod, below, wrong))
    return assay.log_density(y, lod, below, wrong, fraction, sigma[None, :, None]).sum(0)


def with_mrd(data: xr.Dataset, draws: prediction.Draws, i: int, block: np.ndarray, rng: np.random.Generator):
    """(log p(T_i, y_i | θ_s), log p(y_i | θ_s)), shape (draw,) each: importance sampling over the patient's effects."""
    frail = "omega_v" in draws
    own = np.vstack([draws["traits"][block], draws["v"][i]]) if frail else draws["traits"][block]
    centre, root = own.mean(1), np.linalg.cholesky(np.atleast_2d(np.cov(own)) + 1e-9 * np.eye(len(own))) * WIDER
    z = rng.standard_t(8, size=(PROPOSALS, len(own)))
    effects = centre + z @ root.T  # (proposal, effect)
    log_proposal = stats.t.logpdf(z, 8).sum(1) - np.log(np.diag(root)).sum()

    level = draws["mu_b"] + data["x_level"].to_numpy()[block[:-2]] @ draws["beta_b"]
    log_kill = np.log(draws["delta"]) + data["x_kill"].to_numpy()[i] @ draws["eta"]
    log_kill = (
        log_kill + draws["psi"] * float(data["mean_log_cells"][i]) + draws["rho"] * float(data["mean_earlier"][i])
    )
    means = [*level, np.log(draws["doubling"]), log_kill]
    spreads = [*[draws["omega_b"]] * len(level), draws["omega_g"], draws["omega_delta"]]
    if frail:
        means.append(np.zeros_like(draws["omega_v"]))
        spreads.append(draws["omega_v"])
    log_prior = sum(
        stats.norm.logpdf(effects[:, k], m[:, None], s[:, None])
        for k, (m, s) in enumerate(zip(means, spreads, strict=True))
    )

    points = np.flatnonzero(data["interval_patient"].to_numpy()[data["point_interval"].to_numpy()] == i)
    fraction = _own_mrd(data, draws, points, block, effects)
    samples = points[points < data.sizes["sample"]]
    rows = points[points >= data.sizes["sample"]] - data.sizes["sample"]
    log_y = sample_terms(data, samples, fraction[: len(samples)], draws["sigma"])
    linked = prediction.link(
        data, {**draws, "tau": draws["tau"][:, None]} if "tau" in draws else draws, fraction[len(samples) :]
    )
    hazards = {c: x + draws[f"alpha_{c}"][:, None] * linked for c, x in without_patient(data, draws, rows).items()}
    v = np.broadcast_to(effects[:, -1] if frail else 0.0, log_y.shape)
    log_t = event_terms(data, draws, hazards, rows, v)
    importance = log_prior - log_proposal - np.log(PROPOSALS)
    given = logsumexp(importance + log_y, axis=1) if len(samples) else np.zeros(len(draws["sigma"]))
    return logsumexp(importance + log_y + log_t, axis=1), given


def _own_mrd(data: xr.Dataset, draws: prediction.Draws, points: np.ndarray, block: np.ndarray, effects: np.ndarray):
    """M at a patient's points for proposed effects, shape (point, draw, proposal)."""
    doses, h = prediction.doses_of(data), draws["half_life"]
    total, running = kinetics.dose_states(doses, draws["psi"], draws["rho"], h)
    done = kinetics.kill_done(
        total, running, data["point_slot"].to_numpy()[points], data["point_since"].to_numpy()[points], h
    )
    interval = data["point_interval"].to_numpy()[points]
    start = (data[f"start_{x}"].to_numpy()[interval] for x in ("slot", "since"))
    done -= kinetics.kill_done(total, running, *start, h)
    level = effects[:, np.searchsorted(block[:-2], interval)].T[:, None, :]
    k = len(block) - 2
    growth = kinetics.LOG10_2 / np.exp(effects[:, k])
    grown = np.outer(data["point_elapsed"].to_numpy()[points], growth)[:, None, :]
    return kinetics.log10_fraction(level + grown - np.exp(effects[:, k + 1]) * done[:, :, None])


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
