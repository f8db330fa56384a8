"""Log density and gradient of a model by JAX, which runs them on a GPU where it finds one: the extra `accelerator`.

PyTensor writes the numbers of a study into what it hands to JAX, whose compiler then works on them for minutes. Here
they are arguments that lie on the accelerator from the start, so that a call moves the parameters there and the
gradient back.
"""

from collections.abc import Callable

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from nutpie import compile_pymc
from nutpie.compiled_pyfunc import from_pyfunc
from pymc.initial_point import make_initial_point_fn
from pytensor.compile.mode import JAX, Mode
from pytensor.graph.basic import Constant
from pytensor.link.jax.linker import JAXLinker
from pytensor.scalar.math import Erfcx
from pytensor.tensor.subtensor import AdvancedIncSubtensor
from pytensor.tensor.type import TensorType

FEW = 16  # numbers that a constant may have and be written into code: shapes, axes and the like, which JAX must know
CROWD = 512  # terms to one place of a vector, from which on they are summed and then added


class DataApart(JAXLinker):
    """JAX's linker, of functions whose larger constants are arguments that lie on the accelerator."""

    def fgraph_convert(self, fgraph, **storage):
        import jax
        from pytensor.link.jax.dispatch import jax_funcify

        # the lowest PyTensor that is allowed knows no erfcx but that of TensorFlow Probability
        jax_funcify.register(Erfcx, lambda op, **_: jax.scipy.special.erfcx)
        twin, _ = fgraph.clone_get_equiv(attach_feature=True)
        for node in [n for n in twin.toposort() if crowded(n)]:
            twin.replace(node.outputs[0], added(*node.inputs, crowded(node)))
        self.numbers = list(dict.fromkeys(x for n in twin.toposort() for x in n.inputs if is_data(x)))
        for x in self.numbers:
            given = x.type()
            twin.add_input(given)
            twin.replace(x, given)
        return jax_funcify(twin)

    def jit_compile(self, fn):
        import jax

        made, there = jax.jit(fn), [jax.device_put(x.data) for x in self.numbers]
        return lambda *x: made(*x, *there)


def is_data(variable) -> bool:
    """Whether it is an array of a study: constant, larger than what forms the code, and no mask, whose count does."""
    constant = isinstance(variable, Constant) and isinstance(variable.type, TensorType)
    return constant and variable.data.size > FEW and variable.type.dtype != "bool"


def crowded(node) -> list[int]:
    """Places to which the node adds so many terms of a vector that a GPU, where additions to one number wait for each
    other, would do little else: one that 7,077 points of 3,840 patients share took 7.1 of 8.1 ms of a gradient on an
    H100."""
    adds = isinstance(node.op, AdvancedIncSubtensor) and not node.op.set_instead_of_inc and node.op.idx_list == (0,)
    if not adds or not is_data(node.inputs[2]) or [x.type.ndim for x in node.inputs[1:]] != [1, 1]:
        return []
    place = node.inputs[2].data
    return [] if place.min() < 0 else np.flatnonzero(np.bincount(place) > CROWD).tolist()


def added(into, terms, place, many: list[int]):
    """`into` with the terms added, those of the places in `many` by one sum each, which a GPU does side by side."""
    for k in many:
        into = into[k].inc(pt.where(pt.eq(place, k), terms, 0.0).sum())
    rest = np.flatnonzero(~np.isin(place.data, many))
    return into[place.data[rest]].inc(terms[rest]) if rest.size else into


def compiled(model: pm.Model, names: list[str], jittered: set):
    """The model for `nutpie.sample`, as `machine_code.compiled` gives it. The same density to rounding, not to the bit.
    Raises ModuleNotFoundError where JAX is not installed, ImportError where its erfcx is wrong."""
    try:
        import jax
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            "sampling: backend: jax needs JAX, which is not installed: `.venv-bootstrap/uv/bin/uv pip install --python "
            '.venv/bin/python jax`, or for an NVIDIA GPU "jax[cuda13]"; or leave out `backend` (docs/speed.md).'
        ) from missing
    jax.config.update("jax_enable_x64", True)
    require_tails(jax)
    starting = make_initial_point_fn(model=model, jitter_rvs=jittered, return_transformed=True)
    # The gradient is PyTensor's, as in machine code.
    size, _, density, stored, start, (kept, _, shapes), moved = compile_pymc._make_functions(
        model,
        mode=Mode(DataApart(), JAX.provided_optimizer),
        compute_grad=True,
        join_expanded=False,
        pymc_initial_point_fn=compile_pymc._wrap_with_lock(starting),
        var_names=names,
    )
    dims, coords = compile_pymc._prepare_dims_and_coords(model, (kept, _, shapes), moved)
    return from_pyfunc(
        ndim=size,
        make_logp_fn=lambda: density_of(density.vm.jit_fn),
        make_expand_fn=lambda *seeds_and_chain: stored_of(stored.vm.jit_fn, kept, shapes),
        make_initial_point_fn=start,
        expanded_dtypes=[np.dtype(float)] * len(kept),
        expanded_shapes=shapes,
        expanded_names=kept,
        dims=dims,
        coords=coords,
        reparameterized_names=moved,
    )


def require_tails(jax) -> None:
    """Raises ImportError where log Φ would be -inf, and gradients no numbers, of readings 37.5 sds from a limit of
    detection: JAX 0.11 on processors has erfcx = 0 from 26.5433 to 26.6417, where erfc is below the normal numbers."""
    if not jax.scipy.special.erfcx(26.55) > 0.02:
        raise ImportError(
            f"sampling: backend: jax needs JAX >= 0.12: {jax.__version__} has erfcx(26.55) = 0 on "
            f"{jax.default_backend()}, not 0.0212, and chains would stay where they start. Cure: "
            "`.venv-bootstrap/uv/bin/uv pip install --python .venv/bin/python --upgrade jax`, or leave out `backend`."
        )


def density_of(function: Callable) -> Callable:
    """What nutpie calls for a log density and its gradient."""

    def density(x):
        height, slope = function(x)
        return float(height), np.asarray(slope, order="C")

    return density


def stored_of(function: Callable, names: list[str], shapes: list[tuple]) -> Callable:
    """What nutpie calls for the variables that it keeps."""

    def stored(x):
        values = zip(names, function(x), shapes, strict=True)
        return {name: np.asarray(value, order="C", dtype=float).reshape(shape) for name, value, shape in values}

    return stored
