"""Log density, gradient and stored variables of a model as machine code that the next process finds on disk.

nutpie wraps the two functions that PyTensor makes into ones that it can call, and compiles these wrappers, with all
that they call, in every process: 17 s for joint_step. Here the wrappers are numba functions kept in PyTensor's cache,
under the key of the function that they wrap.
"""

import math
import warnings

import numba
import pymc as pm
import pytensor
from nutpie import compile_pymc
from pymc.initial_point import make_initial_point_fn
from pytensor.compile.mode import NUMBA
from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS, compile_numba_function_src
from threadpoolctl import threadpool_limits

MODE = NUMBA.excluding("inplace_elemwise")  # a third of the time of rewriting, and no part of that of a gradient
NUMBERS, COUNT, CODE = numba.types.CPointer(numba.types.float64), numba.types.uint64, numba.types.int64
# as nutpie calls them: 0, or what is wrong
DENSITY = """
def log_density(size, x, slope, height, data):
    if size != {size}:
        return -1
    try:
        value, gradient = wrapped(numba.carray(x, ({size},)))
    except Exception:
        return 1
    height[0] = value.item()
    for k in range({size}):
        slope[k] = gradient[k]
        if not isfinite(gradient[k]):
            return 3
    return 0 if isfinite(height[0]) else 4
"""
STORED = """
def stored(size, length, x, out, data):
    if size != {size} or length != {length}:
        return -1
    try:
        (values,) = wrapped(numba.carray(x, ({size},)))
    except Exception:
        return -2
    for k in range({length}):
        out[k] = values[k]
    return 0
"""


def compiled(model: pm.Model, names: list[str], jittered: set) -> compile_pymc.CompiledPyMCModel:
    """The model for `nutpie.sample`, which keeps the variables `names` and starts those of `jittered` at random."""
    starting = make_initial_point_fn(model=model, jitter_rvs=jittered, return_transformed=True)
    starting = compile_pymc._wrap_with_lock(starting)
    # Constants that it folds must not depend on the cores. Fast-math lets LLVM reorder sums, differently for a function
    # that it inlines and for one from PyTensor's cache: draws would depend on what was compiled before.
    with threadpool_limits(1), pytensor.config.change_flags(numba__fastmath=False):
        size, length, density, stored, start, shapes, moved = compile_pymc._make_functions(
            model, mode=MODE, compute_grad=True, join_expanded=True, pymc_initial_point_fn=starting, var_names=names
        )
        numbers, data = {"size": size, "length": length}, numba.types.voidptr
        density_code = wrapper(DENSITY, density, CODE(COUNT, NUMBERS, NUMBERS, NUMBERS, data), numbers)
        stored_code = wrapper(STORED, stored, CODE(COUNT, COUNT, NUMBERS, NUMBERS, data), numbers)
    dims, coords = compile_pymc._prepare_dims_and_coords(model, shapes, moved)
    return compile_pymc.CompiledPyMCModel(
        dims=dims,
        reparameterized_names=moved,
        compiled_logp_func=density_code,
        compiled_expand_func=stored_code,
        initial_point_func=start,
        shared_data={},
        shared_var_keys={},
        user_data=compile_pymc.make_user_data({}, {}),
        n_expanded=length,
        shape_info=shapes,
        logp_func=density,
        expand_func=stored,
        _n_dim=size,
        _shapes={name: tuple(shape) for name, _, shape in zip(*shapes, strict=True)},
        _coords=coords,
    )


def wrapper(source: str, function, signature, numbers: dict):
    """A C function of this signature about a compiled PyTensor function. Raises TypeError for one of shared variables,
    whose values it would not see."""
    if function.get_shared():
        raise TypeError(f"{function.get_shared()} are shared variables: enter data as arrays.")
    wrapped = function.vm.jit_fn
    key = CACHED_SRC_FUNCTIONS.get(wrapped.py_func)  # none where PyTensor could not cache an operation
    source = source.format(**numbers)
    made = compile_numba_function_src(
        source,
        source.split("(")[0].split()[-1],
        global_env=globals() | {"wrapped": wrapped, "isfinite": math.isfinite},
        cache_key=key and "_".join(map(str, (key, *numbers.values(), pytensor.__version__))),
    )
    with warnings.catch_warnings():
        # above a megabyte, constants are kept by address, and so are compiled again
        warnings.filterwarnings("ignore", "Cannot cache compiled function", numba.NumbaWarning)
        return numba.cfunc(signature, cache=key is not None)(made)
