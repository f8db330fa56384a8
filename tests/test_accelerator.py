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


TAILS = """
import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import JAX, Mode
from scipy.special import erfcx, log_ndtr
from redose import accelerator
from redose.models.marker import log_normal_below
at = np.concatenate([np.linspace(-60, 60, 240_001), [37.54, -37.54]])
z = pt.dvector(shape=at.shape)
height = log_normal_below(z)
mode = Mode(accelerator.DataApart(), JAX.provided_optimizer)
found, slope = pytensor.function([z], [height, pytensor.grad(height.sum(), z)], mode=mode)(at)
np.testing.assert_allclose(found, log_ndtr(at), rtol=1e-12, atol=1e-300)
below = at <= 0
hazard = np.sqrt(2 / np.pi) / erfcx(-at[below] / np.sqrt(2))  # φ(z) / Φ(z)
np.testing.assert_allclose(slope[below], hazard, rtol=1e-12)
assert np.isfinite(slope).all()
print("equal")
"""
WRONG = """
import jax
from redose import accelerator
jax.config.update("jax_enable_x64", True)
accelerator.require_tails(jax)
jax.scipy.special.erfcx = lambda x: 0.0 * x
try:
    accelerator.require_tails(jax)
except ImportError as error:
    print(error)
"""


def said(program: str) -> str:
    """What a program prints; it runs beside the tests."""
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True)
    return done.stdout or done.stderr[-2000:]


def test_terms_that_crowd_at_a_place_are_all_added():
    assert said(ADDED) == "equal\n"


def test_tails_of_the_assay_are_those_of_scipy():
    assert said(TAILS) == "equal\n"


def test_a_jax_whose_tails_are_wrong_is_refused():
    assert "needs JAX >= 0.12" in said(WRONG) and "erfcx(26.55) = 0" in said(WRONG)


@pytest.mark.parametrize("model", ["intervals", pytest.param("joint_step", marks=pytest.mark.slow)])
def test_density_and_gradient_are_those_of_machine_code(model):
    assert said(COMPARED.format(model=model)) == "equal\n"


def test_without_jax_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pm.Model() as model:
        pm.Normal("x")
    with pytest.raises(ModuleNotFoundError, match=r"backend: jax needs JAX.*uv pip install"):
        sampling.compiled(model, "jax")
