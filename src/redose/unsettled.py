"""Patients between whose explanations the chains moved too rarely: their traits are drawn anew after sampling.

Readings just above the limit are a marker that touches it, or false positives: such a patient has two modes, and NUTS
passes from one to the other a few times in a thousand draws (alder-041 of `redosable`: R-hat 1.14, bulk ESS 18, where
no parameter that patients share had an R-hat above 1.006). Given what patients share, the traits of one patient are
independent of all others and few. At every draw a patient's traits θ_0 are exchanged by iterated sampling importance
resampling: candidates θ_1 ... θ_N come from a proposal q, and θ_j is taken with probability proportional to
p(θ_j, its data | shared) / q(θ_j), j = 0 ... N. For a fixed q the posterior is invariant under this step, whatever q
and N are (Tjelmeland 2004; Andrieu, Lee & Vihola 2018). Here q is fitted to all draws of the patient together, and
patients are chosen by their R-hat: either depends on one draw among thousands by a thousandth. What patients share
stays as it was drawn: that it has mixed over the patient's modes is for its own R-hat and ESS to say, no longer for the
patient's, which is small after the step unless candidates are hardly ever taken.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr
from arviz_stats import rhat
from threadpoolctl import threadpool_limits

from redose import coordinates, prediction
from redose.one_patient import About, Events, OwnPrior, own_likelihood

RHAT = 1.02  # a patient with a trait above it is unsettled; of 2,000 draws chance takes 4 % of patients above 1.01
CANDIDATES = 128
CHUNK = 100  # draws at a time, which bounds the memory


def settle(posterior: xr.Dataset, data: xr.Dataset, seed: int, cores: int = 1) -> tuple[xr.Dataset, xr.Dataset]:
    """(the posterior with the traits of unsettled patients drawn anew, and the log likelihoods and exposures that
    depend on them; what was done). The second has dim redrawn, named by patient: rhat, the largest of its traits
    before, and moved, the share of draws at which a candidate was taken.

    posterior: as sampled, with log_likelihood_*, exposure_* and log_odds_cured where the model has them; the arrays of
    these and of traits are overwritten, for a copy of all would be half of the memory of a fit. data: the design.
    seed: from `seed_of`; every patient has a stream of its own. cores: patients at a time, in threads, which write to
    places of their own: what is drawn does not depend on it.
    """
    blocks, size = coordinates.patient_blocks(data), posterior.sizes["chain"] * posterior.sizes["draw"]
    of_trait = rhat(xr.Dataset({"traits": posterior["traits"]}))["traits"].to_numpy()
    largest = np.array([of_trait[block].max() for block in blocks])
    redrawn = np.flatnonzero(largest > RHAT)
    of_patients = [n for n in posterior.data_vars if of_a_patient(n)]
    posterior = posterior.assign({n: in_memory(posterior[n]) for n in of_patients})
    flat = {n: posterior[n].to_numpy().reshape(size, -1) for n in of_patients}
    draws = prediction.thin(posterior.drop_vars(of_patients), size)

    def redraw(i: int) -> float:
        return exchange(flat, draws, data, i, blocks[i], np.random.default_rng([seed, i]))

    with threadpool_limits(1), ThreadPoolExecutor(cores) as pool:  # a thread of BLAS each, whatever the cores
        moved = list(pool.map(redraw, redrawn))
    done = {"rhat": ("redrawn", largest[redrawn]), "moved": ("redrawn", np.array(moved, dtype=float))}
    return posterior, xr.Dataset(done, {"redrawn": data["patient"].to_numpy()[redrawn]})


def of_a_patient(name: str) -> bool:
    """True for variables that depend on a patient's own traits."""
    return name in ("traits", "log_odds_cured") or name.startswith(("log_likelihood_", "exposure_"))


def in_memory(x: xr.DataArray) -> xr.DataArray:
    """The same, its numbers in one piece that can be overwritten: itself, if they are."""
    flags = x.to_numpy().flags
    return x if flags.writeable and flags.c_contiguous else x.copy(data=np.array(x.to_numpy(), order="C"))


def exchange(flat: dict, draws: prediction.Draws, data: xr.Dataset, i: int, block, rng: np.random.Generator) -> float:
    """Share of draws at which patient i took a candidate. flat: variables of patients, shape (draw, ...), which are
    changed to what was taken."""
    own, weight, moved = flat["traits"][:, block].T.copy(), data["patient_weight"].to_numpy()[i], []
    about = About.of(own)
    for first in range(0, own.shape[1], CHUNK):
        part = slice(first, first + CHUNK)
        some = {k: x[..., part] for k, x in draws.items()}
        prior = OwnPrior.of(data, some, i, block)
        tried, log_q = candidates(own.T[part], prior, about, rng)
        with np.errstate(over="ignore"):  # a hazard that overflows has no weight
            said = outcomes(data, some, i, block, tried)
            log_w = prior.log_density(tried) + weight * (said["samples"] + said["events"]) - log_q
        taken = np.argmax(np.where(np.isnan(log_w), -np.inf, log_w) + rng.gumbel(size=log_w.shape), axis=1)
        moved.append(taken > 0)
        at = np.arange(len(taken))
        flat["traits"][first + at[:, None], block] = tried[at, taken]
        for name in ("samples", "events"):
            flat[f"log_likelihood_{name}"][part, i] = weight * said.pop(name)[at, taken]
        for (name, place), x in said.items():
            if name in flat:
                flat[name][part, place] = x[at, taken]
    return float(np.concatenate(moved).mean())


def candidates(own: np.ndarray, prior: OwnPrior, about: About, rng: np.random.Generator) -> tuple:
    """(tried, log q): traits at every draw, shape (draw, 1 + CANDIDATES, trait), the draw's own first, and the log
    density of the proposal at each, shape (draw, 1 + CANDIDATES): with equal chances a Student t about all draws of the
    patient, or its population, without which a mode that no chain has seen would never be tried."""
    shape = (len(own), CANDIDATES)
    new = np.where(rng.random(shape)[..., None] < 0.5, about.draw(shape, rng), prior.draw(CANDIDATES, rng))
    tried = np.concatenate([own[:, None], new], axis=1)
    return tried, np.logaddexp(about.log_density(tried), prior.log_density(tried)) - np.log(2)


def outcomes(data: xr.Dataset, draws: prediction.Draws, i: int, block: np.ndarray, traits: np.ndarray) -> dict:
    """What the model stores of patient i at these traits, shape (draw, proposal) each: "samples" and "events", their
    log likelihoods, frailty and class integrated out; and by (name, place) what frailty and class are drawn from."""
    log_y, happened = own_likelihood(data, draws, i, block, traits, 0.0)
    log_t = happened.integrated(draws)
    if "cured" not in draws:
        return {"samples": log_y, "events": log_t} | exposures(happened, i, "")
    y_still, happened_still = own_likelihood(data, draws, i, block, traits, 1.0)
    t_still, cured = happened_still.integrated(draws), draws["cured"][:, None]
    samples = np.logaddexp(np.log(cured) + y_still, np.log1p(-cured) + log_y)
    both = np.logaddexp(np.log(cured) + y_still + t_still, np.log1p(-cured) + log_y + log_t)
    log_odds = np.log(cured) - np.log1p(-cured) + y_still + t_still - log_y - log_t
    said = {"samples": samples, "events": both - samples, ("log_odds_cured", i): log_odds}
    return said | exposures(happened, i, "") | exposures(happened_still, i, "_cured")


def exposures(happened: Events, i: int, suffix: str) -> dict:
    """Exposures by the name and place under which the model stores them."""
    by_cause = {(f"exposure_{cause}{suffix}", i): x for cause, x in happened.exposure.items()}
    return by_cause | {(f"exposure_between{suffix}", k): x for k, x in happened.between.items()}
