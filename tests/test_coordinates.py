"""Sampling coordinates: they standardise the traits, and the approximation behind them finds the traits, and the class,
of simulated patients."""

from pathlib import Path

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import yaml
from pytensor.compile.mode import Mode
from pytensor.graph.rewriting.db import RewriteDatabaseQuery
from scipy import stats
from test_models import (
    ABOUT,
    CONFIG,
    CURVE,
    PLAIN_PYTHON,
    PRIOR,
    STRANDS,
    built,
    evaluated,
    options,
    prior_draws,
    small_study,
)

from redose import checks, coordinates, design, sampling, simulate, tables
from redose.models import MODELS, linear, pooled, traits

ROOT = Path(__file__).parents[1]
STUDY = CONFIG["studies"]["redosable"]
PROTOCOL = yaml.safe_load((ROOT / "data/redosable/simulation.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def approximated(tmp_path_factory):
    """(design, approximation, truth) of 80 simulated patients, of whom every fifth or so never regrows."""
    folder = tmp_path_factory.mktemp("study")
    change = {"patients": {"count": 80}, "parameters": {"cured": 0.2, "rate_progression": 0.1}}
    simulated, truth = simulate.simulate(simulate.protocol_with(PROTOCOL, change))
    simulate.write(simulated, truth, folder)
    study = tables.read_study(ROOT / "data/redosable/study.yaml", folder, "redosable")
    options = CONFIG["model"] | {"estimand": STUDY["estimand"]} | STUDY["models"]["joint_step"]
    options |= {"kinetics": options["kinetics"] | {"cured": True}}
    data = design.build(checks.check(study).tables, study.about, "joint_step", options, CONFIG["priors"])
    return data, coordinates.approximate(data, CONFIG["priors"]), truth


def test_modes_lie_near_the_true_traits(approximated):
    """Within three approximate sds for 19 in 20 of those who grow, whose growth can be told from their samples."""
    data, found, truth = approximated
    patients = [truth["patients"][name] for name in data["patient"].to_numpy()]
    growth = coordinates.groups(data)["growth"][0]
    error = (found.centre[growth] - np.log([p["doubling"] for p in patients])) / np.sqrt(found.variance[growth])
    known = ~np.array([p["still"] for p in patients]) & (found.grows > 0)
    assert known.sum() > 50
    assert (np.abs(error[known]) < 3).mean() >= 0.95


def test_who_never_regrows_is_told_from_who_does(approximated):
    """Most of those put into the class belong there; of growers hardly any is."""
    data, found, truth = approximated
    still = np.array([truth["patients"][name]["still"] for name in data["patient"].to_numpy()])
    assert still.sum() >= 10
    assert still[found.grows == 0].mean() > 0.7
    assert (found.grows[~still] == 1).mean() > 0.9


def test_noise_is_that_of_each_assay(approximated):
    """0.30 by flow and 0.20 by sequencing, within a quarter: traits that were fitted take some of it."""
    data, found, truth = approximated
    for name, sigma in truth["parameters"]["sigma"].items():
        of = data["sample_assay"].to_numpy() == list(data["assay"].to_numpy()).index(name)
        assert np.unique(found.sigma[of]).item() == pytest.approx(sigma, rel=0.25)


def information_of(data) -> np.ndarray:
    """L, the samples' information about all traits, as a dense matrix."""
    n, patients, owner = data.sizes["interval"], data.sizes["patient"], data["interval_patient"].to_numpy()
    own = data.sizes["own"]
    found = np.diag(np.append(data["info_level"].to_numpy(), np.zeros(own * patients)))
    for k in range(own):
        for level, i in enumerate(owner):
            place = n + k * patients + i
            found[level, place] = found[place, level] = data["info_cross"].to_numpy()[k, level]
        for j in range(own):
            for i in range(patients):
                found[n + j * patients + i, n + k * patients + i] = data["info_own"].to_numpy()[j, k, i]
    return found


def conditional(data, mean, sd, small, shared) -> tuple[np.ndarray, np.ndarray]:
    """(mean, covariance) of all traits given their samples' approximation and the population, by dense matrices."""
    n, patients, owner = data.sizes["interval"], data.sizes["patient"], data["interval_patient"].to_numpy()
    own = len(small) - 1
    owners, kinds = (
        np.append(owner, np.tile(np.arange(patients), own)),
        np.append(np.full(n, own), np.repeat(range(own), patients)),
    )
    same = owners[:, None] == owners
    correlation = np.where(same, small[np.ix_(kinds, kinds)], 0.0)
    between = small[-1, :-1] @ np.linalg.inv(small[:-1, :-1]) @ small[:-1, -1]
    levels = (kinds[:, None] == own) & (kinds == own) & same & ~np.eye(len(kinds), dtype=bool)
    population = np.linalg.inv(np.where(levels, between, correlation) * np.outer(sd, sd))
    pull = data["trait_pull"].to_numpy() + population @ mean
    if data.sizes["shared"]:
        pull = pull - data["trait_pull_shared"].to_numpy() @ (shared - data["shared_reference"].to_numpy())
    covariance = np.linalg.inv(information_of(data) + population)
    return covariance @ pull, covariance


def test_effects_are_sampled_between_their_own_and_the_population_mean():
    """z = 0 is the precision-weighted mean of what samples and population say, a unit step its sd; an effect of which
    the samples say nothing stands at the population's mean."""
    information, centre, mean, sd = np.array([0.0, 75.0]), np.array([9.0, 0.4]), np.array([0.2, 0.0]), 0.2
    transform, inputs = pooled.Informed(information), [None, *(pt.constant(x) for x in (mean, sd, centre))]
    assert transform.backward(np.zeros(2), *inputs).eval() == pytest.approx([0.2, 0.3])  # (75 * 0.4 + 25 * 0) / 100
    step = transform.backward(np.ones(2), *inputs).eval() - transform.backward(np.zeros(2), *inputs).eval()
    assert step == pytest.approx([0.2, 0.1])
    assert transform.log_jac_det(np.zeros(2), *inputs).eval() == pytest.approx(np.log(step))
    assert transform.forward(transform.backward(np.array([0.3, -2.0]), *inputs), *inputs).eval() == pytest.approx(
        [0.3, -2]
    )


def test_effects_of_which_the_data_tell_together_are_standardised_together():
    """z = 0 is (A + 1/ω²)^-1 (A c + μ/ω²), unit steps of z span (A + 1/ω²)^-1, forward inverts backward, and the
    Jacobian is the determinant of backward; also at a negative ω, which is an sd up to its sign."""
    told, centre, mean = np.array([[5.0, -3.0, -2.0], [-3.0, 9.0, -6.0], [-2.0, -6.0, 8.0]]), 0.3, np.array([0.1, 0, 1])
    for omega in (0.4, -0.4):
        transform = pooled.Informed(told)
        inputs = [None, *(pt.constant(x) for x in (mean, omega, np.full(3, centre)))]
        covariance = np.linalg.inv(told + np.eye(3) / omega**2)
        at_zero = transform.backward(np.zeros(3), *inputs).eval()
        assert at_zero == pytest.approx(covariance @ (told @ np.full(3, centre) + mean / omega**2))
        step = np.array([transform.backward(z, *inputs).eval() - at_zero for z in np.eye(3)]).T
        assert step @ step.T == pytest.approx(covariance)
        jacobian = transform.log_jac_det(np.zeros(3), *inputs).eval().sum()
        assert jacobian == pytest.approx(np.log(abs(np.linalg.det(step))))
        z = np.array([0.3, -2.0, 1.1])
        assert transform.forward(transform.backward(z, *inputs), *inputs).eval() == pytest.approx(z)


def test_events_tell_of_a_group_what_they_do_not_leave_to_others():
    """Fisher's information of Poisson counts at their fit: with a free rate, two trials of 30 and 60 events differ by a
    log ratio of variance 1/30 + 1/60, and nothing is told of their mean; with a known rate each is known by its own."""
    trial = np.repeat(np.eye(2), [30, 60], axis=0)
    free = pooled.told_of(trial, [np.ones((90, 1))], [1e6])
    assert np.linalg.eigvalsh(free)[0] == pytest.approx(0, abs=1e-6)
    assert free @ np.ones(2) == pytest.approx(np.zeros(2), abs=1e-6)
    assert np.array([1, -1]) @ np.linalg.pinv(free, rcond=1e-6) @ np.array([1, -1]) == pytest.approx(1 / 30 + 1 / 60)
    assert pooled.told_of(trial, [np.ones((90, 1))], [1e-6]) == pytest.approx(np.diag([30.0, 60.0]), abs=1e-6)


@pytest.mark.parametrize("pool", [["trial", "site"], ["site"], ["trial", "interval"]])
def test_pooled_effects_keep_their_distribution(pool):
    """u = ω z with standard normal z, of trials, sites and interval numbers: in draws of the prior, and as density."""
    data = design.build(small_study(), ABOUT, "intervals", options() | {"pooled": pool}, CONFIG["priors"])
    model = MODELS["intervals"](data, PRIOR)
    draws = prior_draws(model, 500)
    for name, group in (("u_trial", "trial"), ("u_site", "site"), ("zeta", "interval")):
        if group in pool:
            z = (draws[name] / draws[f"omega_{group}"]).ravel()
            assert stats.kstest(z, "norm").pvalue > 1e-3, name
            omega = model[f"z_omega_{group}"]
            value = np.linspace(-1, 1, model[name].type.shape[0])
            density = pm.logp(model[name], value).eval({omega: -0.7})
            assert density == pytest.approx(stats.norm.logpdf(value, 0, 0.7))


@pytest.mark.parametrize("told", [np.zeros(3), np.array([4.0, 900.0, 20.0]), 5000 * np.eye(2)])
def test_a_sampled_sd_keeps_its_distribution(told):
    """Normal(0, 0.3) in its coordinate is a density that integrates to 1, half of it below 0.3 × 0.6745 in size."""
    transform, y = pooled.Resolved(0.3, told), np.linspace(-12, 12, 200_001)
    sd = transform.backward(pt.constant(y)).eval(mode=PLAIN_PYTHON)
    density = stats.norm.pdf(sd, 0, 0.3) * np.exp(transform.log_jac_det(pt.constant(y)).eval(mode=PLAIN_PYTHON))
    assert density.sum() * (y[1] - y[0]) == pytest.approx(1, abs=1e-6)
    assert density[np.abs(sd) < 0.3 * stats.norm.ppf(0.75)].sum() * (y[1] - y[0]) == pytest.approx(0.5, abs=1e-3)
    assert transform.forward(pt.constant(sd)).eval(mode=PLAIN_PYTHON) == pytest.approx(y, abs=1e-9)


def test_lots_keep_their_distribution_in_the_directions_that_are_sampled():
    """u_lot ~ Normal(0, omega_lot), independent: draws of the prior, through the directions and back."""
    data, model = built("joint_value", kinetics=STRANDS)
    turned = data["lot_turned"].to_numpy()
    assert turned.T @ turned == pytest.approx(np.eye(data.sizes["lot"]), abs=1e-12)
    draws = prior_draws(model, 2000)
    u = draws["u_lot"] / draws["omega_lot"]
    assert np.cov(u) == pytest.approx(np.eye(data.sizes["lot"]), abs=5 / np.sqrt(2000))


@pytest.mark.parametrize(
    ("model", "kinetics"), [("joint_step", {}), ("joint_value", STRANDS), ("joint_value", CURVE | {"correlated": True})]
)
def test_sampling_coordinates_standardise_the_traits(model, kinetics):
    """z = 0 is the mean of straight traits given their samples and population, unit steps of z span their covariance,
    forward inverts backward, and the Jacobian is the determinant of backward."""
    data, _ = built(model, kinetics=kinetics)
    n, own, rng = data.sizes["trait"], len(coordinates.trait_kinds(data)), np.random.default_rng(0)
    small = np.full((own, own), 0.3) + 0.7 * np.eye(own) if kinetics else np.eye(own)
    mean, sd, shared = rng.normal(size=n), rng.uniform(0.1, 2.0, n), rng.normal(size=data.sizes.get("shared", 0))
    inputs = [None, *(pt.constant(x) for x in (mean, sd, np.linalg.cholesky(small), shared))]  # None: the size
    transform, z = traits.WithinPatient(data), pt.vector("z")
    compiled = {}
    for name in ("backward", "forward", "straight"):
        compiled[name] = pytensor.function([z], getattr(transform, name)(z, *inputs), mode=PLAIN_PYTHON)
    at = rng.normal(size=n)
    assert np.allclose(compiled["forward"](compiled["backward"](at)), at)
    origin = compiled["straight"](np.zeros(n))
    steps = np.column_stack([compiled["straight"](e) - origin for e in np.eye(n)])
    centre, covariance = conditional(data, mean, sd, small, shared)
    assert origin == pytest.approx(centre, rel=1e-6, abs=1e-6)
    assert steps @ steps.T == pytest.approx(covariance, rel=1e-6, abs=1e-6)
    around = 1e-5 * np.eye(n)
    jacobian = np.column_stack([compiled["backward"](at + e) - compiled["backward"](at - e) for e in around]) / 2e-5
    assert transform.log_jac_det(at, *inputs).eval() == pytest.approx(np.linalg.slogdet(jacobian)[1], abs=1e-6)


def test_growth_and_kill_are_sampled_linearly_above_their_centre_and_by_their_logarithm_below():
    """Steps of one: of slope 1 at the centre, even in growth and kill far above it, even in the traits far below."""
    data, _ = built("joint_step")
    bend, at = traits.Bend.of(data), coordinates.groups(data)
    centre = data["trait_centre"].to_numpy()

    def bent(places, by):
        straight = centre.copy()
        straight[places] += by
        return bend.bent(pt.constant(straight)).eval() - centre

    for places, sign in ((at["growth"][0], -1), (at["kill"], 1)):
        assert bent(places, 0.0) == pytest.approx(np.zeros(len(centre)), abs=1e-12)
        assert (bent(places, 1e-4) - bent(places, -1e-4))[places] / 2e-4 == pytest.approx(1.0, abs=1e-6)
        above = np.exp([sign * bent(places, sign * by)[places] for by in (8.0, 9.0, 10.0)])
        assert np.diff(above, axis=0) == pytest.approx(2.0, rel=1e-3)
        below = np.array([sign * bent(places, sign * by)[places] for by in (-8.0, -9.0, -10.0)])
        assert np.diff(below, axis=0) == pytest.approx(-2 * np.log(2), rel=1e-3)
    assert bent(at["level"], 3.0)[at["level"]] == pytest.approx(3.0)


def test_normal_approximation_is_the_samples_likelihood_near_the_mode():
    """At the mode its gradient is that of the exact log likelihood of the samples."""
    data, model = built("joint_step")
    draws = prior_draws(model)
    centre = data["trait_centre"].to_numpy()
    reference = data["shared_reference"].to_numpy()
    at = {k: v.copy() for k, v in draws.items()}
    at["psi"][0], at["rho"][0], at["half_life"][:, 0] = reference[0], reference[1], np.exp(reference[2:])
    at["sigma"][:, 0] = coordinates.approximate(data, CONFIG["priors"]).sigma[0]

    at["traits"][:, 0] = centre
    stable = Mode(linker="py", optimizer=RewriteDatabaseQuery(include=["canonicalize", "stabilize"]))
    gradient = evaluated(model, at, 0, [pytensor.grad(model["samples"], model["traits"])], stable)[0]
    assert data["trait_pull"].to_numpy() - information_of(data) @ centre == pytest.approx(gradient, rel=0.02, abs=0.02)


@pytest.mark.parametrize("positive", [False, True])
def test_an_intercept_is_sampled_beside_what_moves_it_and_has_its_own_prior(positive):
    """Density of (coefficient, intercept) as of the same two in PyMC's own coordinates, at the same point."""
    belief = {"mu": 0.3, "sigma": 0.6}
    with pm.Model() as sheared:
        beta = pm.Normal("beta", 0.0, 0.5)
        linear.intercept("start", belief, 0.88 * beta, positive=positive)
    with pm.Model() as plain:
        pm.Normal("beta", 0.0, 0.5)
        (pm.LogNormal if positive else pm.Normal)("start", **belief)
    at = {"plain": {"beta": 0.7, "start_log__" if positive else "start": -0.4}}
    at["sheared"] = {"beta": 0.7, "start_moved__": -0.4 + 0.88 * 0.7}
    density = {
        "plain": plain.compile_logp(mode=PLAIN_PYTHON)(at["plain"]),
        "sheared": sheared.compile_logp(mode=PLAIN_PYTHON)(at["sheared"]),
    }
    assert density["sheared"] == pytest.approx(density["plain"], rel=1e-12)
    assert {v.name for v in sampling.with_prior(sheared)} == {"beta", "start"}
    (start,) = sheared.unobserved_value_vars[-1:]
    value = sheared.compile_fn(start, inputs=sheared.value_vars, mode=PLAIN_PYTHON)(at["sheared"])
    assert value == pytest.approx(np.exp(-0.4) if positive else -0.4, rel=1e-12)
