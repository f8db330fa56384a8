"""Densities by JAX: those of machine code to rounding, and draws of the same posterior."""

import subprocess
import sys
from pathlib import Path

import pymc as pm
import pytest

from redose import sampling

# in a process of its own: JAX starts threads, beside which no other test should fork
COMPARED = """
import numpy as np
from test_models import built
from redose import accelerator, laplace, machine_code, sampling
data, model = built("{model}")
names, jittered = sampling.kept(model), sampling.jittered(model)
ours = laplace.Code(machine_code.compiled(model, names, jittered))
theirs = accelerator.compiled(model, names, jittered)
density = theirs._make_logp_func()
rng = np.random.default_rng(1)
for _ in range(3):
    x = 0.3 * rng.normal(size=theirs.n_dim)
    (value, gradient), (other, slope) = ours.density(x), density(x)
    np.testing.assert_allclose(other, value, rtol=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=1e-7, atol=1e-7 * np.abs(gradient).max())
print("equal")
"""
ADDED = """
import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import JAX, Mode
from redose import accelerator
rng = np.random.default_rng(1)
place = np.sort(np.concatenate([np.zeros(900, int), np.full(700, 3), rng.integers(0, 40, 500)]))
x, y = rng.normal(size=40), rng.normal(size=place.size)
into, terms = pt.dvector(shape=(40,)), pt.dvector(shape=y.shape)
mode = Mode(accelerator.DataApart(), JAX.provided_optimizer)
for at in (place, place[:800]):  # the second has a single place
    found = pytensor.function([into, terms], into[at].inc(terms[: at.size]), mode=mode)(x, y)
    wanted = x.copy()
    np.add.at(wanted, at, y[: at.size])
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
print("equal")
"""


def said(program: str) -> str:
    """What a program prints; it runs beside the tests."""
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True)
    return done.stdout or done.stderr[-2000:]


def test_terms_that_crowd_at_a_place_are_all_added():
    assert said(ADDED) == "equal\n"


@pytest.mark.parametrize("model", ["intervals", pytest.param("joint_step", marks=pytest.mark.slow)])
def test_density_and_gradient_are_those_of_machine_code(model):
    assert said(COMPARED.format(model=model)) == "equal\n"


def test_without_jax_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pm.Model() as model:
        pm.Normal("x")
    with pytest.raises(ModuleNotFoundError, match=r"backend: jax needs JAX.*uv pip install"):
        sampling.compiled(model, "jax")
