"""Posterior of the own effects of patients whom the fit has not seen, given their histories: no refit is needed.

At every draw of what patients share, a new patient's traits have a density that is known but for a constant,

    p(traits | history, shared) ∝ p(traits | population) p(samples | traits) p(events so far | traits)

with frailty and class integrated out (`one_patient`), and one vector is drawn from it by sampling importance resampling
(Rubin 1987). Candidates come from the population and from Student t about what the history says, with false positives
among its readings and without, which are found by importance sampling at falling temperatures: the likelihood is raised
to a power that lets a hundred candidates count, and the power is raised until it is 1 (Cappé et al. 2004, population
Monte Carlo; Del Moral et al. 2006). Class and frailty follow from their conditionals. What patients share is not learnt
from the newcomer: one among hundreds (Rizopoulos 2011, Biometrics 67:819, equation 4, does the same).
"""

import json

import numpy as np
import xarray as xr
from scipy.special import expit, logsumexp

from redose import coordinates, one_patient, prediction, survival
from redose.one_patient import IMPOSSIBLE, WIDER, About, OwnPrior
from redose.prediction import Draws
from redose.seeds import seed_of

CANDIDATES = 64  # a draw
MANY = 1024  # a draw, where too few of those count: a patient of two modes, or of a history that surprises
ENOUGH = 10.0  # candidates that count, on average over draws
PILOT = 40  # draws that the proposal is fitted at
LARGEST = 4_000_000  # numbers in an array of points, draws and candidates
COUNTING = 150.0  # candidates that count, over all pilot draws, at every temperature
ROUNDS = 12  # of falling temperatures at most


def condition(
    data: xr.Dataset, draws: Draws, words: xr.Dataset, seed: int, common: bool = False
) -> tuple[Draws, np.ndarray]:
    """(draws with traits, shape (trait, draw), and where the model has them v, still and u_new, shape (patient, draw),
    of the patients in `data`; candidates that counted a draw, shape (patient,): NaN for models without traits).

    data: design of the new patients, built like that of the fit. draws: of the fit. words: the fit's design or
    vocabulary. seed: every patient has a stream of its own by its key, whoever else is in the call; common: the same
    one, so that two plans for a patient, or one history under two keys, do not differ by chance.
    """
    strange = between(data, draws, words, seed)
    draws = with_new_levels(data, draws, words, seed)
    linked, count = data.attrs["link"] != "none", prediction.count(draws)
    found, counted = {}, np.full(data.sizes["patient"], np.nan)
    blocks = coordinates.patient_blocks(data) if linked else [None] * data.sizes["patient"]
    if linked:
        found["traits"] = np.empty((data.sizes["trait"], count))
    for name, there in (("v", "omega_v" in draws), ("still", "cured" in draws), ("u_new", strange.any())):
        if there:
            found[name] = np.zeros((data.sizes["patient"], count))
    for i, key in enumerate(data["patient"].to_numpy()):
        rng = np.random.default_rng(seed_of(seed, "newcomer", "" if common else str(key)))
        if linked:
            own, happened, counted[i] = of_one(data, draws, i, blocks[i], strange[i], rng)
            found["traits"][blocks[i]] = own.pop("traits")
        else:
            own, happened = without_traits(data, draws, i, strange[i], rng)
        for name, x in own.items():
            if name in found:
                found[name][i] = x
        if "v" in found:
            found["v"][i] = drawn_frailty(draws, happened, rng)
    return draws | found, counted


def between(data: xr.Dataset, draws: Draws, words: xr.Dataset, seed: int) -> np.ndarray:
    """Sd of what a patient's trial and site, where the fit has not seen them, add to its log hazard of progression,
    shape (patient, draw). It is the patient's own unknown, of which its history tells."""
    robust = json.loads(data.attrs["options"]).get("robust", 0.0)
    variance = np.zeros((data.sizes["patient"], prediction.count(draws)))
    for group in ("trial", "site"):
        if f"u_{group}" not in draws:
            continue
        new, spread = data[f"patient_{group}"].to_numpy() >= words.sizes[group], draws[f"omega_{group}"]
        if group == "trial" and robust:
            strange = np.random.default_rng(seed_of(seed, "strange")).random(len(spread)) < robust
            spread = np.where(strange, np.hypot(spread, survival.ONE_EVENT), spread)
        variance[new] += spread**2
    return np.sqrt(variance)


def with_new_levels(data: xr.Dataset, draws: Draws, words: xr.Dataset, seed: int) -> Draws:
    """The draws with effects of levels that the fit has not seen: 0 of trials and sites, whose effects are drawn by
    patient (`between`), and draws from their population of interval numbers and lots."""
    added = {}
    for dim, name, sd in (
        ("trial", "u_trial", None),
        ("site", "u_site", None),
        ("k", "zeta", "omega_interval"),
        ("lot", "u_lot", "omega_lot"),
    ):
        if name not in draws:
            continue
        effects = [draws[name]]
        for level in data[dim].to_numpy()[words.sizes[dim] :]:
            z = np.random.default_rng(seed_of(seed, dim, str(level))).standard_normal(prediction.count(draws))
            effects.append((0 * z if sd is None else draws[sd] * z)[None])
        added[name] = np.concatenate(effects)
    return draws | added


def without_traits(data: xr.Dataset, draws: Draws, i: int, strange: np.ndarray, rng: np.random.Generator) -> tuple:
    """(u_new, shape (draw,), by name; what the events say at it) of a patient of a model without MRD."""
    rows = np.flatnonzero(data["interval_patient"].to_numpy()[data["row_interval"].to_numpy()] == i)
    happened = one_patient.events(data, draws, one_patient.without_patient(data, draws, rows), rows)
    if not strange.any():
        return {"u_new": np.zeros(len(strange))}, happened
    u = strange[:, None] * rng.standard_normal((len(strange), CANDIDATES))
    log_w = np.nan_to_num(happened.moved(u).integrated(draws), nan=IMPOSSIBLE, neginf=IMPOSSIBLE)
    chosen = u[np.arange(len(u)), np.argmax(log_w + rng.gumbel(size=log_w.shape), axis=1)]
    return {"u_new": chosen}, happened.moved(chosen[:, None])


def of_one(data: xr.Dataset, draws: Draws, i: int, block, strange: np.ndarray, rng: np.random.Generator) -> tuple:
    """(traits, shape (trait of the patient, draw), u_new and still, shape (draw,), the last where there are classes;
    what the events say at them; candidates that counted, on average over draws)."""
    about = proposals(data, prediction.some(draws, PILOT), i, block, rng)
    prior = OwnPrior.of(data, draws, i, block)
    for number in (CANDIDATES, MANY):
        tried, log_q = candidates(prior, about, number, rng)
        u = strange[:, None] * rng.standard_normal((len(strange), number)) if strange.any() else None
        log_w, log_odds = in_parts(data, draws, i, block, tried, log_q, u)
        share = np.exp(log_w - logsumexp(log_w, axis=1, keepdims=True))
        counted = float((1 / (share**2).sum(1)).mean())
        if counted >= ENOUGH:
            break
    taken = np.argmax(log_w + rng.gumbel(size=log_w.shape), axis=1)
    at = np.arange(len(taken))
    own = {"traits": tried[at, taken].T}
    still = np.zeros(len(taken))
    if log_odds is not None:
        still = own["still"] = (rng.random(len(taken)) < expit(log_odds[at, taken])).astype(float)
    chosen = tried[at, taken][:, None]
    _, happened = one_patient.own_likelihood(data, draws, i, block, chosen, still[:, None])
    if u is not None:
        own["u_new"] = u[at, taken]
        happened = happened.moved(own["u_new"][:, None])
    return own, happened, counted


def proposals(data: xr.Dataset, draws: Draws, i: int, block: np.ndarray, rng: np.random.Generator) -> list[About]:
    """Where the candidates come from beside the population: about what the history says, and where a reading may be a
    false positive also about what it says if none is. Rising readings that all could be false positives (a patient in
    relapse) are two explanations far apart, and the first alone was found to settle on the wrong one."""
    mine = data["sample_patient"].to_numpy() == i
    doubtful = mine & ~data["sample_below"].to_numpy() & (data["sample_false_positive"].to_numpy() > 0)
    found = [proposal(data, draws, i, block, rng)]
    if doubtful.any():
        real = data.assign(sample_false_positive=data["sample_false_positive"] * 0)
        found.append(proposal(real, draws, i, block, rng))
    return found


def proposal(data: xr.Dataset, draws: Draws, i: int, block: np.ndarray, rng: np.random.Generator) -> About:
    """A Student t about what the patient's history says of its traits, over all draws together."""
    prior, about, power = OwnPrior.of(data, draws, i, block), None, 0.0
    for _ in range(ROUNDS):
        tried, log_q = candidates(prior, [] if about is None else [about], CANDIDATES, rng)
        log_w, _ = weights(data, draws, i, block, prior, tried, log_q, None)
        flat_prior = prior.log_density(tried) - log_q
        done, power = power == 1.0, hottest(flat_prior.ravel(), (log_w - flat_prior).ravel())
        log_tempered = flat_prior + power * (log_w - flat_prior)
        about = weighted(tried.reshape(-1, tried.shape[2]), np.exp(log_tempered - logsumexp(log_tempered)).ravel())
        if done and power == 1.0:
            break
    return about


def hottest(log_base: np.ndarray, log_likelihood: np.ndarray) -> float:
    """The largest power of the likelihood, up to 1, at which COUNTING candidates count (effective sample size)."""
    low, high, power = 0.0, 1.0, 1.0
    for _ in range(30):
        log_w = log_base + power * log_likelihood
        if np.exp(2 * logsumexp(log_w) - logsumexp(2 * log_w)) >= COUNTING:
            low = power
        else:
            high = power
        if low == 1.0:
            break
        power = (low + high) / 2
    return low


def weighted(effects: np.ndarray, weight: np.ndarray) -> About:
    """Student t with the moments of weighted effects, shape (candidate, trait), wider by WIDER."""
    centre = weight @ effects
    covariance = (effects - centre).T @ ((effects - centre) * weight[:, None]) + 1e-6 * np.eye(len(centre))
    return About(centre, np.linalg.cholesky(covariance) * WIDER)


def candidates(prior: OwnPrior, about: list[About], count: int, rng: np.random.Generator) -> tuple:
    """(traits to try, shape (draw, candidate, trait); their log density, shape (draw, candidate)): from the population
    and from each of `about` with equal chances."""
    tried = prior.draw(count, rng)
    which = rng.integers(len(about) + 1, size=tried.shape[:2])[..., None]
    for k, one in enumerate(about, start=1):
        tried = np.where(which == k, one.draw(tried.shape[:2], rng), tried)
    parts = [prior.log_density(tried), *(one.log_density(tried) for one in about)]
    return tried, logsumexp(parts, axis=0) - np.log(len(parts))


def in_parts(data: xr.Dataset, draws: Draws, i: int, block, tried, log_q, u) -> tuple:
    """What `weights` returns, for as many draws at a time as fit into LARGEST numbers an array."""
    points = int((data["interval_patient"].to_numpy()[data["point_interval"].to_numpy()] == i).sum())
    size, found = max(LARGEST // max(points * tried.shape[1], 1), 1), []
    for first in range(0, len(tried), size):
        part = slice(first, first + size)
        some = {k: x[..., part] for k, x in draws.items()}
        own = tried[part], log_q[part], None if u is None else u[part]
        found.append(weights(data, some, i, block, OwnPrior.of(data, some, i, block), *own))
    log_w, log_odds = zip(*found, strict=True)
    return np.concatenate(log_w), None if log_odds[0] is None else np.concatenate(log_odds)


def weights(data: xr.Dataset, draws: Draws, i: int, block, prior: OwnPrior, tried, log_q, u) -> tuple:
    """(log p(traits, history) - log q, shape (draw, candidate); log odds of the class that never regrows, the same
    shape, or None). u: added to the log hazard of progression, drawn from its population, shape (draw, candidate) or
    None."""
    of = (lambda x: x) if u is None else (lambda x: x.moved(u))
    with np.errstate(over="ignore", divide="ignore"):  # a hazard that overflows has no weight
        log_y, happened = one_patient.own_likelihood(data, draws, i, block, tried, 0.0)
        likelihood, log_odds = log_y + of(happened).integrated(draws), None
        if "cured" in draws:
            still_y, still_happened = one_patient.own_likelihood(data, draws, i, block, tried, 1.0)
            still = np.log(draws["cured"])[:, None] + still_y + of(still_happened).integrated(draws)
            growing = np.log1p(-draws["cured"])[:, None] + likelihood
            likelihood, log_odds = np.logaddexp(still, growing), still - growing
    return np.nan_to_num(likelihood, nan=IMPOSSIBLE, neginf=IMPOSSIBLE) + prior.log_density(tried) - log_q, log_odds


def drawn_frailty(draws: Draws, happened: one_patient.Events, rng: np.random.Generator) -> np.ndarray:
    """One draw of the frailty given the events, shape (draw,). happened: with one candidate."""
    exposure = {c: x[:, 0] for c, x in happened.exposure.items()}
    between = [x[:, 0] for x in happened.between.values()]
    uniform = rng.random(len(draws["omega_v"]))
    return one_patient.frailty(draws, happened.count, exposure, between, uniform)
