"""Draws from posteriors and priors: NUTS by nutpie, seeds that do not depend on the machine."""

import logging
import os
import platform
import threading
import warnings
from importlib.metadata import version

import numpy as np
import pymc as pm
import pytensor
import xarray as xr
from arviz_stats import ess, rhat
from pytensor.compile.mode import Mode
from pytensor.graph.traversal import ancestors
from scipy.special import expit
from threadpoolctl import threadpool_limits

from redose import diagnostics, heap, one_patient, unsettled
from redose.design import causes
from redose.host import host_class
from redose.seeds import seed_of

log = logging.getLogger("redose")
OF_LEVEL = {"mu_b", "beta_b", "omega_b", "sigma", "detection", "kappa", "cured", "z_correlation"}
OF_GROWTH = {"doubling", "beta_g", "omega_g", "slope", "beta_s", "omega_s"}
OF_KILL = {"delta", "eta", "omega_delta", "psi", "rho", "theta", "xi", "z_lot", "half_life"}
SPREADS = {f"z_omega_{x}": f"omega_{x}" for x in ("v", "trial", "site", "interval", "lot")}  # left: up to their sign
INNOVATIONS = SPREADS | {"z_correlation": "correlation"}  # sampled as the first, a parameter as the second
STORED = ("z_", "exposure_", "log_likelihood_", "log_odds_")  # along the way, no parameters
PLAIN_PYTHON = Mode(linker="py", optimizer=None)  # an evaluation or two are not worth a compilation
PACKAGES = ("redose", "pymc", "pytensor", "nutpie", "numba", "numpy", "arviz")


def provenance(seed: int) -> dict:
    """Attributes that say what made a result: versions, seed, class of host. No host name, no time, no user."""
    made_by = {"seed": str(seed), "host": host_class(), "python": platform.python_version()}
    return made_by | {p: version(p) for p in PACKAGES}


class Progress:
    """Logs a line at every tenth of all draws; called by nutpie from a thread of its own."""

    def __init__(self, name: str):
        self.name, self.tenth, self.lock = name, -1, threading.Lock()

    def __call__(self, chains) -> None:
        done, total = sum(c.finished_draws for c in chains), sum(c.total_draws for c in chains)
        with self.lock:
            if total == 0 or 10 * done // total == self.tenth:
                return
            self.tenth = 10 * done // total
        steps = sum(c.total_num_steps for c in chains) / max(done, 1)
        failed = sum(c.divergences for c in chains if not c.tuning)
        log.info(
            "%s: %3d %% of %d draws, %.0f steps a draw, %d divergent", self.name, 10 * self.tenth, total, steps, failed
        )


def fit(model: pm.Model, data: xr.Dataset, sampling: dict, seed: int, name: str, cores: int = 1) -> xr.DataTree:
    """Posterior draws as a DataTree: groups posterior, log_likelihood (of every patient's events and samples, frailty
    integrated out), log_prior (of every parameter that has a prior) and sample_stats, dims chain, draw and those of the
    model; and redrawn (patients whose traits were drawn anew, `unsettled`) where there are traits.

    data: the design that the model was built from. sampling: chains, tune, draws, target_accept; careful, if chains
    with divergent draws are to be run again once at a higher one; longer (rhat, ess, times), if to a fit beyond these
    limits further chains are to be added, to so many times the draws; max_treedepth, if not 10; backend, if not numba:
    jax. seed: from `seed_of`; each chain derives its own from it, so draws do not depend on `cores`. name: for progress
    lines.
    """
    log.info("%s: compiling", name)
    made = compiled(model, sampling.get("backend", "numba"))
    return drawn(made, model, data, sampling, seed, name, cores)


def compiled(model: pm.Model, backend: str = "numba"):
    """The model as machine code, for `drawn`. backend: numba, or jax, for an accelerator."""
    if backend == "jax":
        from redose import accelerator as code
    else:
        from redose import machine_code as code  # either imports nutpie, which takes a second

    names = list(dict.fromkeys([*kept(model), *(v.name for v in with_prior(model))]))
    return code.compiled(model, names, jittered(model))


def drawn(made, model: pm.Model, data: xr.Dataset, sampling: dict, seed: int, name: str, cores: int = 1) -> xr.DataTree:
    """What `fit` returns, of a model that `compiled` made before."""
    tree, how = steady(made, sampling, seed, name, cores)
    times, how["draws_before"] = sampling.get("longer", {}).get("times", 1), 0
    missed = short(tree["posterior"].to_dataset(), sampling["longer"]) if times > 1 else ""
    if missed:
        further = sampling | {"chains": (times - 1) * sampling["chains"], "target_accept": how["target_accept"]}
        log.info("%s: %s; %d further chains", name, missed, further["chains"])
        others, then = steady(made, further, seed_of(seed, "further"), name, cores)
        before = how["divergent_before"] + then["divergent_before"]
        how = then | {"divergent_before": before, "draws_before": sampling["chains"] * sampling["draws"]}
        tree = joined(tree, others)
    return tidy(tree, data, seed, log_prior(model, tree["posterior"].to_dataset()), how, cores)


def steady(made, sampling: dict, seed: int, name: str, cores: int) -> tuple[xr.DataTree, dict]:
    """All chains, run once again with smaller steps (`careful`) if a draw diverged; target_accept of what is returned,
    and divergent_before, the count of the run that is not."""
    tree, aim = chains_of(made, sampling, seed, name, cores), sampling["target_accept"]
    divergent, careful = int(tree["sample_stats"]["diverging"].sum()), sampling.get("careful", aim)
    if not divergent or careful == aim:
        return tree, {"target_accept": aim, "divergent_before": 0}
    log.info("%s: %d divergent draws; again at a target acceptance of %g", name, divergent, careful)
    again = chains_of(made, sampling | {"target_accept": careful}, seed, name, cores)
    return again, {"target_accept": careful, "divergent_before": divergent}


def short(posterior: xr.Dataset, longer: dict) -> str:
    """What of the parameters that patients share is beyond the limits of `longer`, rhat and ess; empty if nothing is.
    A constant has neither."""
    names = [n for n in diagnostics.population(posterior) if not n.startswith(STORED) and posterior[n].size]
    shared = posterior[names]
    largest = max(np.nanmax(x) for x in rhat(shared).values())
    fewest = min(np.nanmin(x) for kind in ("bulk", "tail") for x in ess(shared, method=kind).values())
    beyond = [f"an R-hat of {largest:.3f}"] * bool(largest > longer["rhat"])
    return " and ".join(beyond + [f"an ESS of {fewest:.0f}"] * bool(fewest < longer["ess"]))


def chains_of(made, sampling: dict, seed: int, name: str, cores: int) -> xr.DataTree:
    """All chains, as nutpie returns them."""
    import nutpie

    heap.keep()
    with threadpool_limits(1):  # four chains with four BLAS threads each are slower than four with one
        return nutpie.sample(
            made,
            draws=sampling["draws"],
            tune=sampling["tune"],
            chains=sampling["chains"],
            cores=min(cores, sampling["chains"]),
            target_accept=sampling["target_accept"],
            maxdepth=sampling.get("max_treedepth", 10),
            seed=seed % 2**63,
            save_warmup=False,
            progress_bar=False,
            progress_callback=Progress(name),
        )


def joined(first: xr.DataTree, further: xr.DataTree) -> xr.DataTree:
    """Posterior and sample_stats with the chains of both, those of `first` before the others; both lose their draws,
    as thousands of patients' are too many to be held twice."""
    groups = {}
    for group in ("posterior", "sample_stats"):
        one, other = first[group].to_dataset(), further[group].to_dataset()
        del first[group], further[group]
        number = np.arange(one.sizes["chain"] + other.sizes["chain"])
        found = {}
        for name in list(one.data_vars):
            found[name] = xr.concat([one[name], other[name]], "chain", join="override").assign_coords(chain=number)
            del one[name], other[name]
        groups[group] = xr.Dataset(found, attrs=one.attrs)
    return xr.DataTree.from_dict(groups)


def draw_frailty(posterior: xr.Dataset, data: xr.Dataset, seed: int) -> xr.DataArray:
    """v, dims (chain, draw, patient): one draw of every patient's frailty from its exact conditional given each draw
    of the parameters.

    posterior: omega_v, phi_*, exposure_*; data: the design.
    """
    size = (posterior.sizes["chain"] * posterior.sizes["draw"], data.sizes["patient"])
    flat = {n: x.to_numpy().reshape(size[0], *x.shape[2:]) for n, x in posterior.data_vars.items()}
    owner = data["interval_patient"].to_numpy()[data["row_interval"].to_numpy()]
    uniform = np.random.default_rng(seed).random(size)
    v = np.empty(size)
    for i in range(size[1]):
        count = {c: int(data[f"row_{c}"].to_numpy()[owner == i].sum()) for c in causes(data)}
        exposure, between = {c: flat[f"exposure_{c}"][:, i] for c in count}, []
        if "exposure_between" in flat:
            inside = data["row_inside"].to_numpy()
            places = np.unique(data["row_interval"].to_numpy()[inside])
            mine = places[data["interval_patient"].to_numpy()[places] == i]
            between = [flat["exposure_between"][:, k] for k in mine]
        v[:, i] = one_patient.frailty(flat, count, exposure, between, uniform[:, i])
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], size[1])
    return xr.DataArray(v.reshape(shape), dims=("chain", "draw", "patient"))


def draw_classes(posterior: xr.Dataset, data: xr.Dataset, seed: int) -> xr.Dataset:
    """The posterior with `still`, 1 where a patient's marker never regrows, dims (chain, draw, patient): one draw of
    every patient's class from its conditional; exposures are then those of the class."""
    odds = posterior["log_odds_cured"]
    still = np.random.default_rng(seed).random(odds.shape) < expit(odds.to_numpy())
    of_interval = still[..., data["interval_patient"].to_numpy()]
    chosen = {}
    for name in [n for n in posterior.data_vars if n.startswith("exposure_") and n.endswith("_cured")]:
        of = posterior[name.removesuffix("_cured")]
        of_class = of_interval if "interval" in of.dims else still
        chosen[of.name] = of.copy(data=np.where(of_class, posterior[name], of))
    return posterior.assign(chosen, still=odds.copy(data=still.astype(float)))


def jittered(model: pm.Model) -> set:
    """Variables whose starting values are spread by U(-1, 1): those of the hazards. The marker's start at their
    approximate modes: a unit is far for them (at rho = 1 the tenth infusion would kill 8,000 times as much as the
    first), and a chain that starts there may explain a patient's samples as false positives for good (one chain of
    joint_value on the simulated trial 102 did so for one patient: R-hat 1.53 of its kill).
    """
    return {v for v in model.free_RVs if v.name not in OF_LEVEL | OF_GROWTH | OF_KILL}


def kept(model: pm.Model) -> list[str]:
    """Names of the variables that are stored: all but the standardised innovations, which others determine."""
    return [v.name for v in (*model.free_RVs, *model.deterministics) if not v.name.startswith("z_")]


def with_prior(model: pm.Model) -> list:
    """Random variables at the top of the hierarchy: the parameters whose prior the config states, and shares of grades
    and correlations; their density needs no other variable. What varies about them belongs to the model: traits of
    patients, whose distribution depends on other variables, and trials, sites, lots, interval numbers and steps of a
    spline, sampled as z_*."""
    free = set(model.free_RVs)
    top = [v for v in model.free_RVs if not free & set(ancestors([pm.logp(v, v.type())]))]
    pieces = [v for v in top if model.named_vars_to_dims.get(v.name, ("",))[0].endswith("_basis")]
    return [v for v in top if not v.name.startswith("z_") or v.name in INNOVATIONS or v in pieces]


def log_prior(model: pm.Model, draws: xr.Dataset) -> xr.Dataset:
    """Log density of the prior of every parameter, by name; dims chain, draw and its own, but one for a simplex.

    Densities of the parameters as the model states them, without the Jacobians of the sampler's transformations. draws:
    of the posterior, or of the prior; a parameter that they lack (correlations, pieces of a baseline) is left out.
    """
    found = {}
    for variable in with_prior(model):
        name = INNOVATIONS.get(variable.name, variable.name.replace("z_", "weights_"))
        source = name if variable.name in SPREADS else variable.name  # omega = |z_omega|, whose density is even
        if (
            source not in draws or not draws[source].size
        ):  # a hazard without covariates has coefficients, but none in number
            continue
        x = draws[source].transpose("chain", "draw", ...)
        values = x.to_numpy().reshape(-1, *x.shape[2:])
        density = pytensor.function([], pm.logp(variable, values), mode=PLAIN_PYTHON)()
        shape = (*x.shape[:2], *density.shape[1:])
        found[name] = (x.dims[: len(shape)], density.reshape(shape))
    return xr.Dataset(found, coords=draws.coords)


def tidy(
    tree: xr.DataTree, data: xr.Dataset, seed: int, log_prior: xr.Dataset, how: dict, cores: int = 1
) -> xr.DataTree:
    """The groups that are kept, with unsettled traits, classes and frailties drawn, and provenance instead of time
    stamps. how: what else is to be known of the sampling."""
    groups = {g: tree[g].to_dataset() for g in ("posterior", "sample_stats")} | {"log_prior": log_prior}
    posterior = groups["posterior"]
    if "traits" in posterior:
        posterior, groups["redrawn"] = unsettled.settle(posterior, data, seed_of(seed, "redrawn"), cores)
    if "log_odds_cured" in posterior:
        posterior = draw_classes(posterior, data, seed_of(seed, "classes"))
    if "omega_v" in posterior:
        posterior["v"] = draw_frailty(posterior, data, seed_of(seed, "frailty"))
    posterior = posterior.drop_vars("log_odds_cured", errors="ignore")
    terms = [v for v in posterior if v.startswith("log_likelihood_")]
    needless = [v for v in posterior if v.startswith(("z_", "exposure_"))]
    groups["log_likelihood"] = posterior[terms].rename({v: v.removeprefix("log_likelihood_") for v in terms})
    groups["posterior"] = posterior.drop_vars(needless + terms)
    for group in groups.values():
        group.attrs = provenance(seed)
    groups["sample_stats"].attrs |= how
    return xr.DataTree.from_dict(groups)


def sample_prior(model: pm.Model, draws: int, seed: int) -> xr.DataTree:
    """Prior draws of every kept variable as a DataTree: groups prior, and log_prior as in `fit`; one chain."""
    # compiling took a minute, and a thousand draws take seconds without
    with model, warnings.catch_warnings(), pytensor.config.change_flags(mode=PLAIN_PYTHON):
        # the potentials are the likelihood: prior draws leave the data out on purpose
        warnings.filterwarnings("ignore", message="The effect of Potentials")
        names = [name for name in kept(model) if not name.startswith(("exposure_", "log_likelihood_"))]
        tree = pm.sample_prior_predictive(draws, var_names=names, random_seed=np.random.default_rng(seed))
    prior = tree["prior"].to_dataset()
    prior = xr.Dataset({name: prior[name] for name in names if name in prior})  # PyMC's own order changes between calls
    groups = {"prior": prior, "log_prior": log_prior(model, prior)}
    for group in groups.values():
        group.attrs = provenance(seed)
    return xr.DataTree.from_dict(groups)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
