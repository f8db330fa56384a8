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


@pytest.mark.parametrize("model", ["intervals", pytest.param("joint_step", marks=pytest.mark.slow)])
def test_density_and_gradient_are_those_of_machine_code(model):
    done = subprocess.run(
        [sys.executable, "-c", COMPARED.format(model=model)],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "equal\n", done.stderr[-2000:]


def test_without_jax_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pm.Model() as model:
        pm.Normal("x")
    with pytest.raises(ModuleNotFoundError, match=r"backend: jax needs JAX.*uv pip install"):
        sampling.compiled(model, "jax")
