"""What an evaluation of a log density and its gradient takes, and the least that it could: its exponentials alone.

The floor (floor.py) is over as many exponentials, logarithms and error functions as the model's graph evaluates at the
sizes of the data. They are counted after PyTensor has merged what is equal and simplified, before it fuses. A sigmoid
counts as one exponential, a softplus as an exponential and a log1p, a power as an exponential and a logarithm.
"""

import ctypes
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pymc as pm
import pytensor
from floor import median_time
from nutpie.compiled_pyfunc import PyFuncModel
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.scalar.basic import Composite, ScalarOp
from pytensor.tensor.elemwise import Elemwise

PARTS = {
    "Exp": ("exp",),
    "Exp2": ("exp",),
    "Expm1": ("exp",),
    "Sigmoid": ("exp",),
    "Tanh": ("exp",),
    "Softplus": ("exp", "log1p"),
    "Log1mexp": ("exp", "log1p"),
    "Log1p": ("log1p",),
    "Log": ("log",),
    "Pow": ("exp", "log"),
    "Erf": ("erfc",),
    "Erfc": ("erfc",),
    "Erfcx": ("erfc",),
    "GammaLn": ("gamma",),
    "Psi": ("gamma",),
}
OWN = ("pytensor.", "pymc.")  # operations whose exponentials stand in the graph


def gradient_time(made) -> float:
    """Median time of one log density with gradient, s, called as nutpie calls it. made: from `sampling.compiled`."""
    if isinstance(made, PyFuncModel):  # by JAX
        density, at = made._make_logp_func(), made._make_initial_points(1)
        return median_time(lambda: density(at))
    x = np.ascontiguousarray(made.initial_point_func(1))
    slope, height = np.empty_like(x), np.empty(())
    double = ctypes.POINTER(ctypes.c_double)
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, double, double, double, ctypes.c_void_p)
    function = kind(made.compiled_logp_func.address)
    arrays = [a.ctypes.data_as(double) for a in (x, slope, height)]
    if function(made.n_dim, *arrays, made.user_data.ctypes.data):
        raise RuntimeError("the log density has no gradient where the sampler starts: nothing to time.")
    return median_time(lambda: function(made.n_dim, *arrays, made.user_data.ctypes.data))


def scalars(op: ScalarOp) -> Iterator[str]:
    """Names of the scalar operations of which an elementwise one consists."""
    if isinstance(op, Composite):
        for node in op.fgraph.apply_nodes:
            yield from scalars(node.op)
    else:
        yield type(op).__name__


def counted(model: pm.Model) -> Counter:
    """How often each of `floor.FUNCTIONS` is evaluated in one log density with gradient.

    Raises RuntimeError at an operation that is neither PyTensor's nor PyMC's, which nobody has counted.
    """
    graph = FunctionGraph(outputs=[model.logp(), model.dlogp()], clone=True)
    graph = rewrite_graph(graph, include=("merge", "canonicalize", "stabilize", "specialize"))
    foreign = {type(n.op).__name__ for n in graph.apply_nodes if not type(n.op).__module__.startswith(OWN)}
    if foreign:
        raise RuntimeError(f"the exponentials of {', '.join(sorted(foreign))} cannot be counted from the graph.")
    nodes = [n for n in graph.apply_nodes if isinstance(n.op, Elemwise) and {*scalars(n.op.scalar_op)} & {*PARTS}]
    inputs = [v for v in graph.inputs if not isinstance(v, SharedVariable | Constant)]
    sizes = pytensor.function(
        inputs, [n.outputs[0].size for n in nodes], mode=Mode(linker="py", optimizer=None), on_unused_input="ignore"
    )
    point = model.initial_point(random_seed=1)
    found = Counter()
    for node, size in zip(nodes, sizes(*(point[v.name] for v in inputs)), strict=True):
        for name in scalars(node.op.scalar_op):
            found.update(dict.fromkeys(PARTS.get(name, ()), int(size)))
    return found
