"""Log density, gradient and stored variables of a model as machine code that the next process finds on disk, whatever
its data: constants are handed over by address.

nutpie wraps the two functions that PyTensor makes into ones that it can call, and compiles these wrappers, with all
that they call, in every process: 17 s for joint_step. PyTensor writes the numbers of a study into its functions, so
that those of another study are others. Here a function finds its constants by a table of their addresses and shapes,
and the wrappers, which take the function that they wrap in, are numba functions kept in PyTensor's cache under its key.
"""

import gc
import math  # noqa: F401  of the sources below
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from weakref import WeakValueDictionary

import numba
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from nutpie import compile_pymc
from pymc.initial_point import make_initial_point_fn
from pytensor import scalar
from pytensor.compile.mode import NUMBA, Mode
from pytensor.graph.basic import Apply, Constant
from pytensor.graph.op import Op
from pytensor.link.numba.cache import compile_numba_function_src
from pytensor.link.numba.dispatch import basic
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key
from pytensor.link.numba.linker import NumbaLinker
from pytensor.scalar.basic import ScalarType
from pytensor.tensor.basic import Join
from pytensor.tensor.type import TensorType
from threadpoolctl import threadpool_limits

NUMBERS, COUNT, CODE = numba.types.CPointer(numba.types.float64), numba.types.uint64, numba.types.int64
TABLE = numba.types.CPointer(numba.types.int64)
# as nutpie calls them: 0, or what is wrong; data: [size, length, places of the second's constants, of the first's]
DENSITY = """
def log_density(size, x, slope, height, data):
    table = numba.carray(data, ({end},))
    if size != table[0]:
        return -1
    try:
        value, gradient = wrapped(numba.carray(x, (size,)), table[{begin}:])
    except Exception:
        return 1
    height[0] = value.item()
    for k in range(size):
        slope[k] = gradient[k]
        if not math.isfinite(gradient[k]):
            return 3
    return 0 if math.isfinite(height[0]) else 4
"""
STORED = """
def stored(size, length, x, out, data):
    table = numba.carray(data, ({end},))
    if size != table[0] or length != table[1]:
        return -1
    try:
        (values,) = wrapped(numba.carray(x, (size,)), table[{begin}:])
    except Exception:
        return -2
    for k in range(length):
        out[k] = values[k]
    return 0
"""


class Datum(Op):
    """A number or array of a study, by its place in a table of addresses and shapes. It enters a graph after all
    rewriting, and numba alone compiles it: nothing asks it to perform."""

    __props__ = ("dtype", "ndim", "scalar")

    def __init__(self, dtype: str, ndim: int, scalar: bool):
        self.dtype, self.ndim, self.scalar = dtype, ndim, scalar

    def make_node(self, table, place, like):
        return Apply(self, [table, place], [like()])

    def perform(self, node, inputs, outputs):
        raise NotImplementedError(f"{self} is read by machine code alone")


@register_funcify_default_op_cache_key(Datum)
def read(op, node, **how):
    """What reads it, compiled."""
    lengths = "".join(f"table[place + {k + 1}], " for k in range(op.ndim))
    at = f"compile_pymc.address_as_void_pointer(table[place]), ({lengths}), dtype"
    source = f"def datum(table, place): return numba.carray({at})" + ("[()]" if op.scalar else "")
    return numba_njit(compile_numba_function_src(source, "datum", globals() | {"dtype": np.dtype(op.dtype)}))


MADE: WeakValueDictionary = WeakValueDictionary()  # functions of operations, by key and types


@contextmanager
def each_made_once() -> Iterator[None]:
    """While it lasts, operations of one key and of the same types are one numba function. PyTensor makes one for each,
    and numba reads it from disk, links it and makes it executable as often: 20 times in joint_step."""
    ensure = basic.numba_funcify_ensure_cache

    def function_of(op, *arguments, node=None, **how):
        function, key = ensure(op, *arguments, node=node, **how)
        if key is None or node is None:
            return function, key
        types = [(x.type.dtype, getattr(x.type, "broadcastable", None)) for x in (*node.inputs, *node.outputs)]
        return MADE.setdefault((key, pytensor.config.numba__fastmath, *types), function), key

    basic.numba_funcify_ensure_cache = function_of
    try:
        yield
    finally:
        basic.numba_funcify_ensure_cache = ensure


@contextmanager
def unhurried() -> Iterator[None]:
    """While it lasts, no search for cycles of objects, of which a compilation makes millions and drops few, and no
    record of where each was made: a fifth of its time."""
    searched = gc.isenabled()
    gc.disable()
    try:
        with pytensor.config.change_flags(traceback__limit=0):
            yield
    finally:
        if searched:
            gc.enable()


class DataApart(NumbaLinker):
    """NUMBA's linker, of functions that take their constants from a table, a second argument. `code` is the function,
    to be written out where it is called."""

    def fgraph_convert(self, fgraph, **storage):
        nodes = fgraph.toposort()
        axes = {node.inputs[0] for node in nodes if isinstance(node.op, Join)}  # part of the code
        constants = dict.fromkeys(x for node in nodes for x in node.inputs if is_number(x) and x not in axes)
        self.constants = [np.array(x.data, dtype=kind_of(x), order="C") for x in constants]
        # with the features of the graph: one of them has what is overwritten read before
        table, twin, own = pt.lvector(), *fgraph.clone_get_equiv(attach_feature=True)
        twin.add_input(table)
        numbers = [[x.ctypes.data, *x.shape] for x in self.constants]
        self.table = [number for place in numbers for number in place]
        begin = np.cumsum([0, *map(len, numbers)])
        for x, place in zip(constants, begin, strict=False):
            kind = Datum(kind_of(x), getattr(x.type, "ndim", 0), isinstance(x.type, ScalarType))
            twin.replace(own[x], kind(table, scalar.constant(int(place), dtype="int64"), x.type))
        with each_made_once():
            made, self.key = basic.numba_funcify_and_cache_key(twin)
        self.code = numba_njit(made.py_func, inline="always")
        return made, self.key

    def create_thunk_inputs(self, storage_map):
        return [*super().create_thunk_inputs(storage_map), [np.array(self.table)]]


def is_number(variable) -> bool:
    """Whether it is a constant number or array, which may be another for another study."""
    return isinstance(variable, Constant) and isinstance(variable.type, TensorType | ScalarType)


def kind_of(constant) -> str:
    """Its type in the table. PyTensor takes the smallest that holds an index: that of a study of few patients is uint8,
    that of a larger one is not."""
    kind = np.dtype(constant.type.dtype)
    if kind.kind not in "iu":
        return kind.name
    return "int64" if isinstance(constant.type, ScalarType) or kind.itemsize == 8 else "int32"


# Of the rewriting that is left out, the first is a third of the time and no part of that of a gradient; the second
# writes numbers into code.
MODE = Mode(DataApart(), NUMBA.provided_optimizer).excluding("inplace_elemwise", "local_inline_composite_constants")


def compiled(model: pm.Model, names: list[str], jittered: set) -> compile_pymc.CompiledPyMCModel:
    """The model for `nutpie.sample`, which keeps the variables `names` and starts those of `jittered` at random."""
    starting = make_initial_point_fn(model=model, jitter_rvs=jittered, return_transformed=True)
    starting = compile_pymc._wrap_with_lock(starting)
    # Constants that it folds must not depend on the cores. Fast-math lets LLVM reorder sums, differently for a function
    # that it inlines and for one from PyTensor's cache: draws would depend on what was compiled before.
    with threadpool_limits(1), pytensor.config.change_flags(numba__fastmath=False), unhurried():
        size, length, density, stored, start, shapes, moved = compile_pymc._make_functions(
            model, mode=MODE, compute_grad=True, join_expanded=True, pymc_initial_point_fn=starting, var_names=names
        )
        of_density, of_stored = table_of(density), table_of(stored)
        table = np.array([size, length, *of_stored, *of_density], dtype=np.int64)
        kinds = CODE(COUNT, NUMBERS, NUMBERS, NUMBERS, TABLE), CODE(COUNT, COUNT, NUMBERS, NUMBERS, TABLE)
        density_code = wrapper(DENSITY, density, kinds[0], len(table) - len(of_density), len(table))
        stored_code = wrapper(STORED, stored, kinds[1], 2, len(table))
    dims, coords = compile_pymc._prepare_dims_and_coords(model, shapes, moved)
    return compile_pymc.CompiledPyMCModel(
        dims=dims,
        reparameterized_names=moved,
        compiled_logp_func=density_code,
        compiled_expand_func=stored_code,
        initial_point_func=start,
        shared_data={},
        shared_var_keys={},
        user_data=table,
        n_expanded=length,
        shape_info=shapes,
        logp_func=density,
        expand_func=stored,
        _n_dim=size,
        _shapes={name: tuple(shape) for name, _, shape in zip(*shapes, strict=True)},
        _coords=coords,
    )


def table_of(function) -> list[int]:
    """The table of a function of `MODE`, whose constants live as long as it does. Raises TypeError for a function of
    shared variables, whose values it would not see."""
    if function.get_shared():
        raise TypeError(f"{function.get_shared()} are shared variables: enter data as arrays.")
    return function.maker.linker.table


def wrapper(source: str, function, signature, begin: int, end: int):
    """A C function of this signature about a compiled PyTensor function, whose table begins at `begin` of the `end`
    numbers that it is given at every call."""
    linker = function.maker.linker
    source = source.format(begin=begin, end=end)
    made = compile_numba_function_src(
        source,
        source.split("(")[0].split()[-1],
        global_env=globals() | {"wrapped": linker.code},
        # no key where PyTensor could not cache an operation
        cache_key=linker.key and f"{linker.key}_{sha256(source.encode()).hexdigest()}_{pytensor.__version__}",
    )
    return numba.cfunc(signature, cache=linker.key is not None)(made)
