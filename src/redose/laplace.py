"""Laplace's approximation of a joint model's posterior, in the coordinates in which NUTS would move.

For trials so large that an exact fit takes hours. The posterior is replaced by a normal one about its mode. Given what
patients share, their traits are independent of each other, so the precision is a block for what is shared, one for
every patient, and what couples the two: it is found by differences of the gradient, one for every shared
parameter and one for the k-th traits of all patients together, and inverted block by block (Tierney & Kadane 1986; for
joint models Rizopoulos, Verbeke & Lesaffre 2009). The coordinates make traits nearly standard normal whatever the
population's parameters are (`models.traits.WithinPatient`), which is what the approximation needs. How far it is off is
for a comparison with NUTS to say: `python benchmarks/laplace.py`.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.optimize import minimize

from redose import coordinates

DOUBLE = ctypes.POINTER(ctypes.c_double)
STEP = 1e-4  # of the differences; coordinates are of unit scale
ROUNDS, EVALUATIONS = 12, 200  # of the search for the mode
NEWTON = 2  # steps of the traits after one of what is shared
RIDGE = 1e-2  # step over which the traits' room is compared
NEAR, LONGEST = 0.1, 3.0  # sds: of the last step, and of the longest
FLAT = 1e-2  # largest slope at a mode, per sd
CURVATURES = (1e-2, 1e8)  # between which a scale is taken from the curvature


class NoMode(RuntimeError):
    """The search has not ended at a mode: there is no normal approximation about it."""


@dataclass(frozen=True)
class Code:
    """Machine code of a model, called from Python; made: from `sampling.compiled`."""

    made: object

    def density(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """(log density, its gradient, shape (coordinate,)); (-inf, 0) where there is none."""
        x, slope, height = np.ascontiguousarray(x), np.empty_like(x), np.empty(())
        kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, DOUBLE, DOUBLE, DOUBLE, ctypes.c_void_p)
        arrays = [a.ctypes.data_as(DOUBLE) for a in (x, slope, height)]
        wrong = kind(self.made.compiled_logp_func.address)(len(x), *arrays, self.made.user_data.ctypes.data)
        return (-np.inf, 0 * x) if wrong else (float(height), slope)

    def stored(self, x: np.ndarray) -> np.ndarray:
        """The stored variables at a point, one after the other, shape (made.n_expanded,)."""
        x, out = np.ascontiguousarray(x), np.empty(self.made.n_expanded)
        kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, ctypes.c_uint64, DOUBLE, DOUBLE, ctypes.c_void_p)
        arrays = [a.ctypes.data_as(DOUBLE) for a in (x, out)]
        kind(self.made.compiled_expand_func.address)(len(x), len(out), *arrays, self.made.user_data.ctypes.data)
        return out


@dataclass(frozen=True)
class Normal:
    """The approximation: mode, shape (coordinate,); places of what is shared and of every patient's traits among the
    coordinates; root, upper, of the precision of what is shared with the traits integrated out; and of every patient
    the precision of its traits and what couples them to the shared, shape (trait, trait) and (trait, shared)."""

    mode: np.ndarray
    shared: np.ndarray
    blocks: list[np.ndarray]
    root: np.ndarray
    own: list[np.ndarray]
    coupling: list[np.ndarray]

    def ridge(self) -> np.ndarray:
        """A step of RIDGE in each shared coordinate, the traits following their modes, shape (shared, coordinate)."""
        found = np.zeros((len(self.shared), len(self.mode)))
        found[np.arange(len(self.shared)), self.shared] = RIDGE
        for block, own, coupling in zip(self.blocks, self.own, self.coupling, strict=True):
            found[:, block] = -RIDGE * np.linalg.solve(own, coupling).T
        return found

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of all coordinates, shape (count, coordinate)."""
        x = np.tile(self.mode, (count, 1))
        away = np.linalg.solve(self.root, rng.standard_normal((len(self.shared), count)))
        x[:, self.shared] += away.T
        for block, own, coupling in zip(self.blocks, self.own, self.coupling, strict=True):
            expected = -np.linalg.solve(own, coupling @ away)
            noise = np.linalg.solve(np.linalg.cholesky(own).T, rng.standard_normal((len(block), count)))
            x[:, block] += (expected + noise).T
        return x


def mode(code: Code, start: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    """Mode of the density, shape (coordinate,), by rounds of L-BFGS in coordinates of even curvature, which is measured
    anew for each (a course's kill by day and a doubling time differ in scale a hundredfold). Raises NoMode."""
    x = start
    for _ in range(ROUNDS):
        scale = 1 / np.sqrt(np.clip(np.abs(steepness(code, x, blocks)), *CURVATURES))

        def downhill(y, scale=scale):
            height, slope = code.density(scale * y)
            return -height, -scale * slope

        options = {"maxiter": EVALUATIONS, "maxfun": EVALUATIONS, "maxcor": 30, "ftol": 0.0, "gtol": FLAT}
        found = minimize(downhill, x / scale, jac=True, method="L-BFGS-B", options=options)
        x = scale * found.x
        if np.abs(found.jac).max() <= FLAT:
            return x
    raise NoMode(f"no mode after {ROUNDS} times {EVALUATIONS} evaluations of the log density: {found.message}")


def steepness(code: Code, at: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    """Diagonal of the precision, shape (coordinate,)."""
    found, groups = np.empty(len(at)), [*of_patients(blocks), *of_all(len(at), blocks)[:, None]]
    for places, column in zip(groups, curvature(code, at, (indicator(len(at), g) for g in groups)), strict=True):
        found[places] = column[places]
    return found


def of_patients(blocks: list[np.ndarray]) -> list[np.ndarray]:
    """Places of the k-th traits of all patients, which a difference may move together, by k."""
    return [np.array([b[k] for b in blocks if k < len(b)]) for k in range(max(map(len, blocks)))]


def of_all(size: int, blocks: list[np.ndarray]) -> np.ndarray:
    """Places of what patients share."""
    return np.setdiff1d(np.arange(size), np.concatenate(blocks))


def indicator(size: int, places) -> np.ndarray:
    """1 at these places, else 0."""
    found = np.zeros(size)
    found[places] = 1.0
    return found


def curvature(code: Code, at: np.ndarray, directions) -> Iterator[np.ndarray]:
    """Precision times each direction, shape (coordinate,), by differences of the gradient. Raises NoMode where the
    density ends."""
    here = code.density(at)[1]
    for direction in directions:
        height, beside = code.density(at + STEP * direction)
        if not np.isfinite(height):
            raise NoMode("the log density is not finite beside its mode.")
        yield (here - beside) / STEP


def own_precisions(code: Code, at: np.ndarray, blocks: list[np.ndarray]) -> list[np.ndarray]:
    """Precision of every patient's traits given what is shared, shape (trait, trait) each."""
    columns = list(curvature(code, at, (indicator(len(at), places) for places in of_patients(blocks))))
    return [symmetric(np.array([columns[k][block] for k in range(len(block))])) for block in blocks]


def normal(code: Code, at: np.ndarray, blocks: list[np.ndarray]) -> Normal:
    """The normal approximation about a point. Raises NoMode where the curvature is not that of a maximum."""
    shared, own = of_all(len(at), blocks), own_precisions(code, at, blocks)
    by_shared = np.array(list(curvature(code, at, (indicator(len(at), k) for k in shared))))  # (shared, coordinate)
    coupling = [by_shared[:, block].T for block in blocks]
    precision = symmetric(by_shared[:, shared])
    for each, c in zip(own, coupling, strict=True):
        precision -= c.T @ np.linalg.solve(each, c)
    try:
        for each in own:
            np.linalg.cholesky(each)
        return Normal(at, shared, blocks, np.linalg.cholesky(precision).T, own, coupling)
    except np.linalg.LinAlgError:
        raise NoMode("the log density is not curved downwards in every direction at its mode.") from None


def settled(code: Code, at: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    """The traits at their mode given what is shared, by Newton's steps; shape (coordinate,)."""
    for _ in range(NEWTON):
        slope, at = code.density(at)[1], at.copy()
        for block, own in zip(blocks, own_precisions(code, at, blocks), strict=True):
            at[block] += np.clip(np.linalg.solve(own, slope[block]), -1, 1)
    return at


def volume(code: Code, at: np.ndarray, blocks: list[np.ndarray]) -> float:
    """Half the log determinant of the precision of all traits given what is shared."""
    return sum(np.linalg.slogdet(own)[1] for own in own_precisions(code, at, blocks)) / 2


def marginal(code: Code, at: np.ndarray, blocks: list[np.ndarray]) -> Normal:
    """The approximation about the mode of what is shared, with the traits integrated out: where log p(shared, traits at
    their mode) - `volume` is largest. That of the joint density has the noise of assays too small by as many degrees of
    freedom as there are traits. at: a mode of the joint density. Raises NoMode."""
    for _ in range(ROUNDS):
        found = normal(code, at, blocks)
        room = volume(code, at, blocks)
        narrowing = [(volume(code, at + along, blocks) - room) / RIDGE for along in found.ridge()]
        pull = code.density(at)[1][found.shared] - narrowing
        step = np.linalg.solve(found.root, np.linalg.solve(found.root.T, pull))
        size = np.linalg.norm(found.root @ step)  # in sds
        step *= min(1.0, LONGEST / size)
        if size < NEAR:
            return found
        at = at + found.ridge().T @ step / RIDGE
        at = settled(code, at, blocks)
    raise NoMode(f"no mode of what patients share after {ROUNDS} steps.")


def symmetric(x: np.ndarray) -> np.ndarray:
    """The symmetric part: differences leave a little of the other."""
    return (x + x.T) / 2


def fit(made, data: xr.Dataset, count: int, seed: int) -> xr.Dataset:
    """Draws of the approximation, dim draw and those of the model: every stored variable that patients share, and
    traits. made: from `sampling.compiled`; data: the design. Raises NoMode."""
    code, (names, places, shapes) = Code(made), made.shape_info
    of = dict(zip(names, places, strict=True))
    first = next(place.start for name, place in of.items() if name.startswith("traits_"))
    blocks = [first + block for block in coordinates.patient_blocks(data)]
    found = marginal(code, mode(code, made.initial_point_func(seed % 2**32), blocks), blocks)
    flat = np.array([code.stored(x) for x in found.draw(count, np.random.default_rng(seed))])
    kept = {}
    for name, place, shape in zip(names, places, shapes, strict=True):
        dims = made.dims.get(name, ()) if made.dims else ()
        if len(dims) == len(shape) and not name.startswith(("log_likelihood_", "exposure_")) and "__" not in name:
            kept[name] = (("draw", *dims), flat[:, place].reshape(count, *shape))
    return xr.Dataset(kept)
