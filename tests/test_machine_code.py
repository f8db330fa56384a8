"""Machine code of a model: the same draws as nutpie's own, found on disk by the next to ask."""

import gc

import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from numba.core.dispatcher import Dispatcher
from pytensor.graph.fg import FunctionGraph
from pytensor.link.numba.dispatch import basic
from test_models import built

from redose import laplace, machine_code, sampling

SEEN = [28, 8, -3, 7, -1, 1, 18, 12]


def schools(seen: list[float] = SEEN) -> pm.Model:
    """Rubin's eight schools, or others. The number of schools enters as one, as an array and as a bound of slices."""
    error = np.array([15, 10, 16, 11, 9, 11, 10, 18, *range(10, 400)])[: len(seen)]
    with pm.Model() as model:
        spread = pm.HalfNormal("spread", 5.0)
        effect = pm.Normal("effect", 0.0, spread, shape=len(seen))
        pm.Deterministic("largest", effect.max())
        pm.Potential("small", -((effect / len(seen)) ** 2)[np.arange(len(seen))[::-1] // 2].sum())
        pm.Normal("seen", effect, error, observed=seen)
    return model


def sampled(made):
    tree = nutpie.sample(made, draws=50, tune=100, chains=2, cores=1, seed=4, progress_bar=False)
    return tree["posterior"].to_dataset()


@pytest.mark.parametrize("seen", [SEEN, SEEN * 40])
def test_draws_are_nutpies_own(seen):
    """Also of 320 schools, whose code is that of eight, which is found."""
    model = schools(seen)
    names = ["spread", "effect", "largest"]
    with pytensor.config.change_flags(numba__fastmath=False):
        theirs = nutpie.compile_pymc_model(model, var_names=names, jitter_rvs=set())
    machine_code.compiled(schools(), names, set())
    ours = machine_code.compiled(model, names, set())
    assert ours.compiled_logp_func.cache_hits == ours.compiled_expand_func.cache_hits == 1
    ours, theirs = sampled(ours), sampled(theirs)
    assert set(ours) == set(names)
    for name in names:
        assert np.array_equal(ours[name], theirs[name]), name


@pytest.mark.parametrize("name", ["intervals", "joint_value"])
def test_the_gradient_is_that_of_the_density(name):
    """By central differences, in each coordinate. (Operations that overwrite their input must come after those that
    read it: that order is a feature of PyTensor's graph, which the twin without constants keeps.)"""
    _, model = built(name)
    code = laplace.Code(machine_code.compiled(model, sampling.kept(model), set()))
    x = 0.3 * np.random.default_rng(1).normal(size=code.made.n_dim)
    gradient, step = code.density(x)[1], 1e-5 * np.eye(len(x))
    by_hand = [(code.density(x + e)[0] - code.density(x - e)[0]) / 2e-5 for e in step]
    np.testing.assert_allclose(gradient, by_hand, rtol=1e-5, atol=1e-5)


def test_code_that_was_made_once_is_found():
    machine_code.compiled(schools(), ["effect"], set())
    again = machine_code.compiled(schools(), ["effect"], set())
    assert again.compiled_logp_func.cache_hits == again.compiled_expand_func.cache_hits == 1


def test_code_of_other_numbers_reads_those():
    """A datum more or less changes the draws, though the code is one; data of two models at once stay apart."""
    first, second = (machine_code.compiled(schools(x), ["effect"], set()) for x in (SEEN, [*SEEN[:7], 13]))
    assert second.compiled_logp_func.cache_hits == 1
    again = machine_code.compiled(schools(), ["effect"], set())
    draws = [sampled(made)["effect"] for made in (first, second, again)]
    assert not np.array_equal(draws[0], draws[1])
    assert np.array_equal(draws[0], draws[2])


def test_operations_of_one_key_and_types_are_one_function():
    """Of three running sums two are of doubles; nothing is left of it in PyTensor."""
    before = basic.numba_funcify_ensure_cache
    x, y, k = pt.dvector(), pt.dvector(), pt.lvector()
    with machine_code.each_made_once():
        made, _ = basic.numba_funcify_and_cache_key(FunctionGraph([x, y, k], [pt.cumsum(z) for z in (x, y, k)]))
    called = [f for f in made.py_func.__globals__.values() if isinstance(f, Dispatcher) and f.__name__ == "cumop"]
    assert len(called) == 2
    assert basic.numba_funcify_ensure_cache is before


def test_numbers_live_as_long_as_the_code_that_reads_them():
    made = machine_code.compiled(schools(), ["effect"], set())
    before = sampled(made)
    gc.collect()
    held = [np.full(8, 1e6) for _ in range(2000)]  # would take the place of what was let go
    assert np.array_equal(sampled(made)["effect"], before["effect"]) and len(held)


def test_a_density_that_is_not_finite_is_said_to_nutpie():
    with pm.Model() as model:
        x = pm.Normal("x", initval=0.0)
        pm.Potential("hole", pm.math.log(x))
    made = machine_code.compiled(model, ["x"], set())
    with pytest.raises(RuntimeError, match="ErrorCode"):
        sampled(made)


def test_shared_variables_are_refused():
    with pm.Model() as model:
        pm.Normal("seen", pm.Normal("x"), 1.0, observed=pm.Data("given", [1.0, 2.0]))
    with pytest.raises(TypeError, match=r"given.*enter data as arrays"):
        machine_code.compiled(model, ["x"], set())
