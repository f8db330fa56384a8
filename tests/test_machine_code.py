"""Machine code of a model: the same draws as nutpie's own, found on disk by the next to ask."""

import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytest

from redose import machine_code


def eight_schools() -> pm.Model:
    with pm.Model() as model:
        spread = pm.HalfNormal("spread", 5.0)
        effect = pm.Normal("effect", 0.0, spread, shape=8)
        pm.Deterministic("largest", effect.max())
        pm.Normal("seen", effect, [15, 10, 16, 11, 9, 11, 10, 18], observed=[28, 8, -3, 7, -1, 1, 18, 12])
    return model


def sampled(made):
    tree = nutpie.sample(made, draws=50, tune=100, chains=2, cores=1, seed=4, progress_bar=False)
    return tree["posterior"].to_dataset()


def test_draws_are_nutpies_own():
    model = eight_schools()
    names = ["spread", "effect", "largest"]
    with pytensor.config.change_flags(numba__fastmath=False):
        theirs = nutpie.compile_pymc_model(model, var_names=names, jitter_rvs=set())
    ours, theirs = (sampled(made) for made in (machine_code.compiled(model, names, set()), theirs))
    assert set(ours) == set(names)
    for name in names:
        assert np.array_equal(ours[name], theirs[name]), name


def test_code_that_was_made_once_is_found():
    machine_code.compiled(eight_schools(), ["effect"], set())
    again = machine_code.compiled(eight_schools(), ["effect"], set())
    assert again.compiled_logp_func.cache_hits == again.compiled_expand_func.cache_hits == 1


def test_code_of_other_numbers_is_not_taken_for_it():
    """A datum more or less changes the draws, whatever is in the cache."""
    model = eight_schools()
    with pm.Model() as other:
        spread = pm.HalfNormal("spread", 5.0)
        effect = pm.Normal("effect", 0.0, spread, shape=8)
        pm.Normal("seen", effect, [15, 10, 16, 11, 9, 11, 10, 18], observed=[28, 8, -3, 7, -1, 1, 18, 13])
    first, second = (sampled(machine_code.compiled(m, ["effect"], set())) for m in (model, other))
    assert not np.array_equal(first["effect"], second["effect"])


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
