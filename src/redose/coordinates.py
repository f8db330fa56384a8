"""Sampling coordinates of patient traits: what a patient's samples say about its level, growth and kill.

Level, growth and kill of one patient are strongly correlated in the posterior (a saw-tooth can be explained by more
growth and more kill), and the fewer its samples, the more a patient's traits follow the population's. NUTS with a
diagonal metric needs long trajectories for either. Here the likelihood of every patient's samples is approximated,
before sampling, by a normal one in its traits: by a few steps of an approximate EM with Gauss-Newton modes per patient,
at fixed values of the half-lives and of everything else that patients share. `models.traits.WithinPatient` combines it
with the population's mean and spread at every draw, and samples the traits by their distance from what both together
expect: centred where samples say much, non-centred where they say little (Papaspiliopoulos, Roberts & Sköld 2007,
section 3). It only sets coordinates: the posterior does not depend on it, and a poor approximation costs speed, not
correctness.
"""

import json
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy.special import log_ndtr

from redose import kinetics, lots
from redose.assay import log_normal

ROUNDS = 6  # of EM
NEWTON = 4  # Gauss-Newton steps in each round
LARGEST_STEP = 1.0
LEAST_LOG_DENSITY = -8.0  # of a reading: a false positive does not tell the classes apart
STARTING_SPREAD = {"level": 0.8, "growth": 0.5, "kill": 0.5}


@dataclass(frozen=True)
class Samples:
    """What a patient's samples say: indices of its interval and patient, shape (sample,); basis of growth, shape
    (sample, basis); done, the kill since the interval's start in units of the patient's, and drop, what courses did."""

    interval: np.ndarray
    patient: np.ndarray
    basis: np.ndarray
    done: np.ndarray
    drop: np.ndarray
    y: np.ndarray
    below: np.ndarray


@dataclass(frozen=True)
class Approximation:
    """Approximate posterior of the traits: mode and variance, shape (trait,); mean and sd of every trait in its
    population, shape (trait,); noise of each sample's assay, shape (sample,); grows, 0 for patients taken to never
    regrow, else 1, shape (patient,)."""

    centre: np.ndarray
    variance: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    sigma: np.ndarray
    grows: np.ndarray


def infused(data: xr.Dataset) -> bool:
    """True where the marker is moved by infusions: growth is exponential with a ceiling, and there is a kill."""
    return "product" in data


def doses_of(data: xr.Dataset) -> kinetics.Doses:
    """The infusions as the design holds them."""
    names = ("dose_patient", "dose_day", "dose_product", "dose_features", "mean_features")
    return kinetics.Doses(*(data[n].to_numpy() for n in (*names, "pair_later", "pair_earlier", "pair_gap")))


def groups(data: xr.Dataset) -> dict[str, np.ndarray]:
    """Places of the traits by kind: "level", shape (interval,); "growth", shape (basis, patient); "kill", shape
    (patient,), empty without infusions."""
    intervals, patients = data.sizes["interval"], data.sizes["patient"]
    basis = 1 if infused(data) else data.sizes["basis"]
    kill = intervals + basis * patients
    return {
        "level": np.arange(intervals),
        "growth": np.arange(intervals, kill).reshape(basis, patients),
        "kill": np.arange(kill, kill + patients if infused(data) else kill),
    }


def patient_blocks(data: xr.Dataset) -> list[np.ndarray]:
    """For each patient the places of its traits: levels of its intervals, growth, kill."""
    at, owner = groups(data), data["interval_patient"].to_numpy()
    own = [np.append(at["growth"][:, i], at["kill"][i : i + 1]) for i in range(data.sizes["patient"])]
    return [np.append(np.flatnonzero(owner == i), places) for i, places in enumerate(own)]


def trait_kinds(data: xr.Dataset) -> list[str]:
    """Kinds of traits in the order of their correlation matrix."""
    basis = groups(data)["growth"].shape[0]
    growth = ["growth"] if infused(data) else [f"slope {m + 1}" for m in range(basis)]
    return [*growth, *(["kill"] if infused(data) else []), "level"]


def trait_pairs(data: xr.Dataset) -> np.ndarray:
    """Names of the pairs of kinds, in the order of the stored correlations."""
    names = trait_kinds(data)
    pairs = zip(*np.triu_indices(len(names), 1), strict=True)
    return np.array([f"{names[i]} ~ {names[j]}" for i, j in pairs], dtype=str)


def shared(data: xr.Dataset, priors: dict) -> np.ndarray:
    """What moves the marker and patients share, at prior medians: coefficients of the features of the kill, log
    half-lives, kill rates of courses; the last alone without infusions."""
    kappa = np.full(data.sizes["course"], priors["kappa"]["median"])
    if not infused(data):
        return kappa
    coefficients = [priors["psi"]["median"] if f == "psi" else 0.0 for f in data["feature"].to_numpy()]
    half_lives = [np.log(priors[name]["median"]) for name in data["product_half_life"].to_numpy()]
    return np.array([*coefficients, *half_lives, *kappa])


def kill_since_start(data: xr.Dataset, doses: kinetics.Doses, at: np.ndarray) -> np.ndarray:
    """Kill done at every sample since its interval began, in units of the patient's kill; shape (sample,)."""
    n, features = data.sizes["sample"], data.sizes["feature"]
    h = np.exp(at[features : features + data.sizes["product"]])
    total, running = kinetics.dose_states(doses, at[:features], h)
    done = kinetics.kill_done(total, running, data["point_slot"].to_numpy()[:n], data["point_since"].to_numpy()[:n], h)
    start = kinetics.kill_done(total, running, data["start_slot"].to_numpy(), data["start_since"].to_numpy(), h)
    return done - start[data["point_interval"].to_numpy()[:n]]


def reference_samples(data: xr.Dataset, priors: dict) -> Samples:
    """Samples with the kill done at the reference of the shared parameters; shape (sample,) each."""
    n = data.sizes["sample"]
    interval = data["point_interval"].to_numpy()[:n]
    if infused(data):
        basis = data["point_elapsed"].to_numpy()[:n, None]
        done = kill_since_start(data, doses_of(data), shared(data, priors))
    else:
        basis, done = data["point_basis"].to_numpy()[:n], np.zeros(n)
    return Samples(
        interval,
        data["interval_patient"].to_numpy()[interval],
        basis,
        done,
        data["point_on"].to_numpy()[:n].sum(1) * priors["kappa"]["median"],
        data["sample_y"].to_numpy(),
        data["sample_below"].to_numpy(),
    )


def expected(data: xr.Dataset, samples: Samples, found: Approximation) -> tuple[np.ndarray, np.ndarray]:
    """(jacobian, M) of every sample at the traits' modes: dM/d(level, growth..., kill), shape (sample, trait of a
    patient), and the latent level, shape (sample,)."""
    at, traits = groups(data), found.centre
    growth, grows = traits[at["growth"]][:, samples.patient].T, found.grows[samples.patient][:, None]
    moved = grows * samples.basis * (kinetics.LOG10_2 / np.exp(growth) if infused(data) else growth)
    columns = [np.ones((len(samples.y), 1)), -moved if infused(data) else grows * samples.basis]
    ratio = traits[samples.interval] + moved.sum(1) - samples.drop
    if not infused(data):
        return np.column_stack(columns), ratio
    kill = np.exp(traits[at["kill"]][samples.patient]) * samples.done
    jacobian = np.column_stack([*columns, -kill[:, None]])
    return kinetics.slope_of_fraction(ratio - kill)[:, None] * jacobian, kinetics.log10_fraction(ratio - kill)


def working_response(data: xr.Dataset, samples: Samples, found: Approximation):
    """(jacobian, residual, information) of every sample: as from `expected`, score / information, and the information
    about M; shape (sample,) each but for the first. Below the LOD: Tobit score and curvature."""
    jacobian, fraction = expected(data, samples, found)
    z = (samples.y - fraction) / found.sigma
    mills = np.exp(log_normal(z) - log_ndtr(z))
    score = np.where(samples.below, -mills, z) / found.sigma
    information = np.where(samples.below, np.clip(mills * (mills + z), 1e-3, 1.0), 1.0) / found.sigma**2
    return jacobian, score / information, information


def starting_means(data: xr.Dataset, priors: dict) -> dict[str, np.ndarray]:
    """Means of the traits by kind from which the EM starts: prior medians, and for a curve the samples' own mean."""
    if infused(data):
        return {
            "level": np.array(priors["mu_b"]["median"]),
            "growth": np.log([[priors["doubling"]["median"]]]),
            "kill": np.log(priors["delta"]["median"]),
        }
    return {"level": data["sample_y"].to_numpy().mean(), "growth": np.zeros((data.sizes["basis"], 1)), "kill": 0.0}


def own_design(block: np.ndarray, interval: np.ndarray, jacobian: np.ndarray) -> np.ndarray:
    """Derivative of a patient's samples by its own traits, shape (sample, trait of the patient)."""
    others = jacobian.shape[1] - 1
    design = np.zeros((len(interval), len(block)))
    design[np.arange(len(interval)), np.searchsorted(block[:-others], interval)] = jacobian[:, 0]
    design[:, -others:] = jacobian[:, 1:]
    return design


def noise_about(data: xr.Dataset, samples: Samples, residual: np.ndarray, median: float) -> np.ndarray:
    """Noise of the assay of each sample, shape (sample,): from the median absolute residual of the readings, which
    false positives do not move. residual: reading less mode. median: of the prior, to which all is held near."""
    assay, sigma = data["sample_assay"].to_numpy(), np.full(len(samples.y), median)
    for which in np.unique(assay):
        seen = residual[(assay == which) & ~samples.below]
        if len(seen):
            sigma[assay == which] = np.clip(1.4826 * np.median(np.abs(seen)), median / 4, 4 * median)
    return sigma


def modes(data: xr.Dataset, samples: Samples, found: Approximation) -> tuple[Approximation, np.ndarray]:
    """(the approximation at the traits' modes, log determinant of their covariance by patient, shape (patient,)), given
    the population: by Gauss-Newton steps."""
    blocks, centre = patient_blocks(data), found.centre.copy()
    variance, log_det = np.zeros(len(centre)), np.zeros(len(blocks))
    order = np.argsort(samples.patient, kind="stable")
    bounds = np.searchsorted(samples.patient[order], np.arange(len(blocks) + 1))
    for _ in range(NEWTON):
        parts = working_response(data, samples, replace(found, centre=centre))
        for i, block in enumerate(blocks):
            mine = order[bounds[i] : bounds[i + 1]]
            jacobian, response, information = (p[mine] for p in parts)
            design = own_design(block, samples.interval[mine], jacobian)
            prior = 1.0 / found.spread[block] ** 2
            covariance = np.linalg.inv(np.diag(prior) + design.T @ (information[:, None] * design))
            score = design.T @ (information * response) - prior * (centre[block] - found.mean[block])
            centre[block] += np.clip(covariance @ score, -LARGEST_STEP, LARGEST_STEP)
            variance[block], log_det[i] = np.diag(covariance), np.linalg.slogdet(covariance)[1]
    return replace(found, centre=centre, variance=variance), log_det


def by_em(data: xr.Dataset, samples: Samples, found: Approximation, median: float) -> Approximation:
    """The approximation after ROUNDS of EM: modes given the population, and the population given the modes.

    median: prior median of the noise. Growth of those who do not grow says nothing of the others'.
    """
    at = groups(data)
    for _ in range(ROUNDS):
        found, _ = modes(data, samples, found)
        sigma = noise_about(data, samples, working_response(data, samples, found)[1], median)
        mean, spread = found.mean.copy(), found.spread.copy()
        for kind, places in (("level", at["level"]), *(("growth", x) for x in at["growth"]), ("kill", at["kill"])):
            of = places[found.grows > 0] if kind == "growth" else places
            if len(of):
                mean[places] = found.centre[of].mean()
                second = np.mean((found.centre - mean)[of] ** 2 + found.variance[of])
                spread[places] = np.clip(np.sqrt(second), 0.1, 2.0)
        found = replace(found, mean=mean, spread=spread, sigma=sigma)
    return found


def evidence(data: xr.Dataset, samples: Samples, found: Approximation) -> np.ndarray:
    """log p(samples | population) of every patient by Laplace's method, but for a constant; shape (patient,)."""
    found, log_det = modes(data, samples, found)
    z = (samples.y - expected(data, samples, found)[1]) / found.sigma
    log_density = np.where(samples.below, log_ndtr(z), np.maximum(log_normal(z), LEAST_LOG_DENSITY))
    total = np.bincount(samples.patient, log_density, data.sizes["patient"]) + log_det / 2
    e = (found.centre - found.mean) / found.spread
    for i, block in enumerate(patient_blocks(data)):
        total[i] -= 0.5 * (e[block] ** 2).sum()
    return total


def approximate(data: xr.Dataset, priors: dict) -> Approximation:
    """The approximation by EM; with a class that never regrows, every patient is first put into the likelier class.
    priors: the config's table."""
    samples, at, median = reference_samples(data, priors), groups(data), priors["sigma"]["median"]
    mean, spread = np.zeros(data.sizes["trait"]), np.zeros(data.sizes["trait"])
    for kind, value in starting_means(data, priors).items():
        mean[at[kind]], spread[at[kind]] = value, STARTING_SPREAD[kind]
    grows, sigma = np.ones(data.sizes["patient"]), np.full(len(samples.y), median)
    found = by_em(data, samples, Approximation(mean.copy(), 0 * mean, mean, spread, sigma, grows), median)
    if not json.loads(data.attrs["options"])["kinetics"]["cured"]:
        return found
    share = priors["cured"]["median"]
    log_odds = evidence(data, samples, found) - evidence(data, samples, replace(found, grows=0 * grows))
    return by_em(data, samples, replace(found, grows=1.0 * (log_odds + np.log1p(-share) - np.log(share) > 0)), median)


def moved_by_shared(data: xr.Dataset, priors: dict, samples: Samples, jacobian: np.ndarray) -> np.ndarray:
    """dM/d(shared) of every sample, shape (sample, shared): by central differences of the kill done, and the days on
    courses."""
    by_courses = -jacobian[:, :1] * data["point_on"].to_numpy()[: len(jacobian)]
    if not infused(data):
        return by_courses
    at, doses = shared(data, priors), doses_of(data)
    step = 1e-4 * np.eye(len(at))[: len(at) - data.sizes["course"]]
    moved = [kill_since_start(data, doses, at + e) - kill_since_start(data, doses, at - e) for e in step]
    per_kill = np.divide(jacobian[:, -1], samples.done, out=np.zeros(len(samples.done)), where=samples.done != 0)
    return np.column_stack([per_kill[:, None] * np.array(moved).T / 2e-4, by_courses])


def sampling_coordinates(data: xr.Dataset, priors: dict) -> dict:
    """Variables of the design dataset for `models.traits`.

    trait_centre, shape (trait,), where the traits start, and trait_mean, trait_spread, shape (trait,), where the
    population's parameters do. The normal approximation of the samples' log likelihood, -t'Lt/2 + h't - (s - s0)'H't
    in a patient's traits t and the shared parameters s of the kill: L by info_level, shape (interval,), info_cross,
    shape (own, interval), and info_own, shape (own, own, patient), where `own` are growth..., kill (levels of different
    intervals share no sample); h by trait_pull, shape (trait,); H by trait_pull_shared, shape (trait,
    shared), and s0 by shared_reference, shape (shared,).

    priors: the config's table; its medians are where the approximation is found.
    """
    found, samples = approximate(data, priors), reference_samples(data, priors)
    jacobian, residual, information = working_response(data, samples, found)
    information = information * data["patient_weight"].to_numpy()[samples.patient]  # of a power prior
    level, own = jacobian[:, 0], jacobian[:, 1:].T  # own: (own, sample)
    intervals, patients = data.sizes["interval"], data.sizes["patient"]

    def by_interval(x):
        return np.bincount(samples.interval, information * x, intervals)

    def by_patient(x):
        return np.bincount(samples.patient, information * x, patients)

    def pull(x):
        return np.concatenate([by_interval(level * x), *(by_patient(k * x) for k in own)])

    at_own = intervals + patients * np.arange(len(own))[:, None] + samples.patient  # places, shape (own, sample)
    expected = level * found.centre[samples.interval] + (own * found.centre[at_own]).sum(0)
    variables = {
        "trait_centre": ("trait", found.centre),
        "trait_mean": ("trait", found.mean),
        "trait_spread": ("trait", found.spread),
        "info_level": ("interval", by_interval(level**2)),
        "info_cross": (("own", "interval"), np.array([by_interval(level * k) for k in own])),
        "info_own": (("own", "own_", "patient"), np.array([[by_patient(j * k) for k in own] for j in own])),
        "trait_pull": ("trait", pull(residual + expected)),
    }
    moved = moved_by_shared(data, priors, samples, jacobian)
    pulls = np.array([pull(m) for m in moved.T]).reshape(moved.shape[1], data.sizes["trait"])
    variables |= {"trait_pull_shared": (("trait", "shared"), pulls.T)}
    variables |= {"shared_reference": ("shared", shared(data, priors))}
    if not infused(data):
        return variables
    about = (found, samples, (jacobian, residual, information), moved)
    return variables | lots.of_lots(data, patient_blocks(data), *about)
