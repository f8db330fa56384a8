"""Log density and gradient of a model by JAX, which runs them on a GPU where it finds one: the extra `accelerator`."""

import nutpie
import pymc as pm


def compiled(model: pm.Model, names: list[str], jittered: set):
    """The model for `nutpie.sample`, as `machine_code.compiled` gives it. The same density to rounding, not to the bit.
    Raises ModuleNotFoundError where JAX is not installed."""
    try:
        import jax
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            "sampling: backend: jax needs JAX, which is not installed: `.venv-bootstrap/uv/bin/uv pip install --python "
            '.venv/bin/python jax`, or for an NVIDIA GPU "jax[cuda13]"; or leave out `backend` (docs/speed.md).'
        ) from missing
    jax.config.update("jax_enable_x64", True)
    # The gradient is PyTensor's, as in machine code. Data are constants: there is nothing to freeze, and a frozen model
    # has its coordinates in another order.
    how = {"backend": "jax", "gradient_backend": "pytensor", "freeze_model": False}
    return nutpie.compile_pymc_model(model, var_names=names, jitter_rvs=jittered, **how)
