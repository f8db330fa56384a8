"""Patient traits of the joint page: their prior, correlated or not, and the coordinates in which they are sampled.

Of patient i the traits are `own` (growth..., kill) and one level for every interval. Residuals e = (trait - mean) / sd;
with C the Cholesky factor of the kinds' correlation, own w_i = C_own^-1 e_own and a level | w ~ Normal(c'w, C_kk) for
C's last row (c, C_kk). Levels of different intervals are therefore independent given `own`, in the prior as in the
samples' likelihood: the precision of a patient's traits is a diagonal for the levels, bordered by a small block for
`own`, and its square root costs a few vector operations for all patients at once.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pymc.logprob.transforms import Transform

from redose import coordinates
from redose.models.linear import combination
from redose.models.marker import kinetics_of

ETA = 2.0  # of the LKJ prior: correlations near +-1 are unlikely


def starts(data: xr.Dataset) -> dict:
    """Where the population's parameters start: mean and sd of the traits in the approximation of
    `redose.coordinates`, by kind; growth by basis function."""
    at, found = coordinates.groups(data), {}
    for prefix, name in (("", "trait_mean"), ("sd_", "trait_spread")):
        values = data[name].to_numpy()
        found[f"{prefix}level"] = values[at["level"]].mean()
        found[f"{prefix}growth"] = values[at["growth"]].mean(1)
        found[f"{prefix}kill"] = values[at["kill"]].mean() if len(at["kill"]) else 0.0
    return found


def correlation(data: xr.Dataset):
    """Cholesky factor of the correlation of a patient's traits, order growth..., kill, level; LKJ(2) by its canonical
    partial correlations, beta on (-1, 1) (Lewandowski, Kurowicka & Joe 2009, section 2.4). The identity where the
    config has them independent."""
    kinds = len(coordinates.trait_kinds(data))
    if not kinetics_of(data)["correlated"]:
        return pt.constant(np.eye(kinds))
    row, column = np.tril_indices(kinds, -1)
    shape = ETA + (kinds - 2 - column) / 2
    partial = 2 * pm.Beta("z_correlation", shape, shape) - 1
    entries = [[pt.constant(0.0)] * kinds for _ in range(kinds)]
    for i in range(kinds):
        left = pt.constant(1.0)  # of the row's unit norm
        for j in range(i):
            p = partial[int(np.flatnonzero((row == i) & (column == j))[0])]
            entries[i][j], left = p * pt.sqrt(left), left * (1 - p**2)
        entries[i][i] = pt.sqrt(left)
    chol = pt.stack([pt.stack(r) for r in entries])
    low, high = np.triu_indices(kinds, 1)
    pm.Deterministic("correlation", (chol[low] * chol[high]).sum(1), dims="trait_pair")
    return chol


def traits(data: xr.Dataset, mean, sd, chol, shared):
    """The traits, shape (trait,): normal about `mean` with `sd` (of every trait, shape (trait,)) and the correlation
    whose factor is `chol`. shared: what else moves the marker, in the order of `coordinates.shared`, which the
    coordinates follow (without it rho had a bulk ESS of 340 in 4,000 draws)."""
    prior = TraitPrior(Places.of(data))
    return pm.CustomDist(
        "traits",
        mean,
        sd,
        chol,
        shared,
        logp=prior.logp,
        dist=prior.dist,
        signature="(t),(t),(k,k),(s)->(t)",
        dims="trait",
        default_transform=WithinPatient(data),
        initval=data["trait_centre"].to_numpy(),
    )


@dataclass(frozen=True)
class Places:
    """Where a vector of traits holds what: numbers of levels, patients and own traits; patient of each level."""

    levels: int
    patients: int
    own: int
    owner: np.ndarray

    @staticmethod
    def of(data: xr.Dataset) -> "Places":
        own = len(coordinates.trait_kinds(data)) - 1
        return Places(data.sizes["interval"], data.sizes["patient"], own, data["interval_patient"].to_numpy())

    def split(self, vector) -> tuple:
        """(levels, [own]): shape (interval,), and a list over own traits of shape (patient,)."""
        ends = self.levels + self.patients * np.arange(self.own + 1)
        return vector[: self.levels], [vector[a:b] for a, b in itertools.pairwise(ends)]

    def over_levels(self, x):
        """Sum over the levels of each patient, shape (patient,)."""
        return pt.zeros(self.patients)[self.owner].inc(x)


@dataclass(frozen=True)
class TraitPrior:
    """Density and random draws of the traits given mean, sd and correlation (`shared` only moves coordinates)."""

    at: Places

    def logp(self, value, mean, sd, chol, shared):
        level, own = self.at.split((value - mean) / sd)
        white = []
        for k, e in enumerate(own):
            white.append((e - sum(chol[k, j] * w for j, w in enumerate(white))) / chol[k, k])
        last = len(own)
        given = (level - sum(chol[last, j] * w[self.at.owner] for j, w in enumerate(white))) / chol[last, last]
        squares = sum((w**2).sum() for w in white) + (given**2).sum()
        scale = sum(self.at.patients * pt.log(chol[k, k]) for k in range(last))
        scale += self.at.levels * pt.log(chol[last, last]) + pt.log(sd).sum()
        count = self.at.levels + self.at.patients * last
        return -0.5 * squares - scale - 0.5 * count * np.log(2 * np.pi)

    def dist(self, mean, sd, chol, shared, size):
        level, white = self.at.split(pm.Normal.dist(0.0, 1.0, shape=self.at.levels + self.at.patients * self.at.own))
        last = self.at.own
        level = chol[last, last] * level + sum(chol[last, j] * w[self.at.owner] for j, w in enumerate(white))
        own = [sum(chol[k, j] * white[j] for j in range(k + 1)) for k in range(last)]
        return mean + sd * pt.concatenate([level, *own])


def inverse_of_lower(chol, size: int) -> list[list]:
    """Entries of the inverse of the leading block of a lower triangular matrix; entries above the diagonal are 0."""
    found = [[pt.constant(0.0)] * size for _ in range(size)]
    for k in range(size):
        found[k][k] = 1 / chol[k, k]
        for i in range(k + 1, size):
            found[i][k] = -sum(chol[i, j] * found[j][k] for j in range(k, i)) / chol[i, i]
    return found


@dataclass(frozen=True)
class Root:
    """Lower square root R of the precision of all patients' traits, P = R R', levels before own. level: shape
    (interval,); across: list over own traits, shape (interval,); own: lower triangle of lists, shape (patient,)."""

    at: Places
    level: pt.TensorVariable
    across: list
    own: list[list]

    @staticmethod
    def of(at: Places, level, cross: list, own: list[list]) -> "Root":
        """From the precision: of the levels, between own traits and levels, and among own traits."""
        root = pt.sqrt(level)
        across = [x / root for x in cross]
        lower = [[None] * at.own for _ in range(at.own)]
        for i in range(at.own):
            for j in range(i + 1):
                left = own[i][j] - at.over_levels(across[i] * across[j])
                left = left - sum(lower[i][m] * lower[j][m] for m in range(j))
                lower[i][j] = pt.sqrt(left) if i == j else left / lower[j][j]
        return Root(at, root, across, lower)

    def solve(self, vector):
        """R^-1 vector."""
        level, own = self.at.split(vector)
        level, found = level / self.level, []
        for i, x in enumerate(own):
            left = x - self.at.over_levels(self.across[i] * level)
            found.append((left - sum(self.own[i][j] * found[j] for j in range(i))) / self.own[i][i])
        return pt.concatenate([level, *found])

    def solve_transposed(self, vector):
        """R'^-1 vector."""
        level, own = self.at.split(vector)
        found: list = [None] * self.at.own
        for i in reversed(range(self.at.own)):
            found[i] = (own[i] - sum(self.own[j][i] * found[j] for j in range(i + 1, self.at.own))) / self.own[i][i]
        level = level - sum(a * x[self.at.owner] for a, x in zip(self.across, found, strict=True))
        return pt.concatenate([level / self.level, *found])

    def times_transposed(self, vector):
        """R' vector."""
        level, own = self.at.split(vector)
        first = self.level * level + sum(a * x[self.at.owner] for a, x in zip(self.across, own, strict=True))
        rest = [sum(self.own[j][i] * own[j] for j in range(i, self.at.own)) for i in range(self.at.own)]
        return pt.concatenate([first, *rest])

    def log_det(self):
        """log |R|."""
        return pt.log(self.level).sum() + sum(pt.log(self.own[k][k]).sum() for k in range(self.at.own))


CURVE = 2 * np.log(2)  # makes the slope of `Bend` 1 at the centre


@dataclass(frozen=True)
class Bend:
    """Growth and kill of a patient as functions of straight coordinates: e^±trait = e^±centre softplus(c x) / log 2.

    What samples say is linear in growth per day and kill, not in their logarithms: a wall of censored samples, whose
    hardness grows as e^trait in the logarithm, is of even hardness in x, in which both are linear above their centre
    and logarithmic below. (A patient of `redosable` with three readings and 17 below the limit let chains diverge.) The
    slope is 1 at the centre. Levels, and curves of models without infusions, are linear already.
    """

    at: Places
    centre: np.ndarray
    signs: tuple  # of growth (a doubling time falls as growth rises) and kill; none without infusions

    @staticmethod
    def of(data: xr.Dataset) -> "Bend":
        signs = (-1, 1) if coordinates.infused(data) else ()
        return Bend(Places.of(data), data["trait_centre"].to_numpy(), signs)

    def bent(self, straight):
        """Traits from straight coordinates, shape (trait,)."""
        return self.centre + self.each(straight, lambda x: pt.log(pt.softplus(CURVE * x)) - np.log(np.log(2)))

    def straightened(self, traits):
        """Straight coordinates of traits, shape (trait,)."""

        def inverse(u):
            grown = np.log(2) * pt.exp(u)
            return (grown + pt.log(-pt.expm1(-grown))) / CURVE

        return self.centre + self.each(traits, inverse)

    def log_slope(self, straight):
        """Log of the derivative of `bent`, summed over the traits."""
        own = self.at.split(straight - self.centre)[1]
        bends = [CURVE * sign * x for sign, x in zip(self.signs, own, strict=False)]
        each = [np.log(CURVE) - pt.softplus(-x) - pt.log(pt.softplus(x)) for x in bends]
        return sum((x.sum() for x in each), pt.constant(0.0))

    def each(self, vector, bend):
        """`bend` of the distance from the centre, of growth and kill in their direction."""
        level, own = self.at.split(vector - self.centre)
        signs = [*self.signs, *[0] * (len(own) - len(self.signs))]
        return pt.concatenate(
            [level, *(sign * bend(sign * x) if sign else x for sign, x in zip(signs, own, strict=True))]
        )


class WithinPatient(Transform):
    """Sampling coordinates z of the traits: trait = bent(P^-1 r + R'^-1 z), P = R R' = L + Q, r = h - H (s - s0) + Q m.

    L, h, H, s0: what the samples say, fixed before sampling (`redose.coordinates`). Q, m: precision and mean of the
    population at the draw. z is nearly standard normal whatever the population's parameters are: a patient whose
    samples say much is centred, one whose samples say nothing is not.
    """

    name = "within_patient"

    def __init__(self, data: xr.Dataset):
        self.data, self.at, self.bend = data, Places.of(data), Bend.of(data)

    # inputs: size, the four of `TraitPrior.dist`, generators
    def backward(self, value, *inputs):
        return self.bend.bent(self.straight(value, *inputs))

    def forward(self, value, *inputs):
        root, pull = self.system(*inputs[1:5])
        return root.times_transposed(self.bend.straightened(value)) - root.solve(pull)

    def log_jac_det(self, value, *inputs):
        return self.bend.log_slope(self.straight(value, *inputs)) - self.system(*inputs[1:5])[0].log_det()

    def straight(self, value, *inputs):
        """P^-1 r + R'^-1 z, shape (trait,)."""
        root, pull = self.system(*inputs[1:5])
        return root.solve_transposed(value + root.solve(pull))

    def system(self, mean, sd, chol, shared) -> tuple:
        """(R, r) at the population's mean, sd and correlation factor, and the shared parameters."""
        data, at = self.data, self.at
        level_sd, own_sd = at.split(sd)
        inverse, scale = inverse_of_lower(chol, at.own), chol[at.own, at.own]
        slope = [sum(chol[at.own, j] * inverse[j][k] for j in range(k, at.own)) for k in range(at.own)]  # of a level
        count = np.bincount(at.owner, minlength=at.patients)
        information = {n: data[f"info_{n}"].to_numpy() for n in ("level", "cross", "own")}
        level = information["level"] + 1 / (scale * level_sd) ** 2
        cross = [
            information["cross"][k] - slope[k] / (scale**2 * level_sd * own_sd[k][at.owner]) for k in range(at.own)
        ]
        own = [[None] * at.own for _ in range(at.own)]
        for i in range(at.own):
            for j in range(i + 1):
                prior = sum(inverse[m][i] * inverse[m][j] for m in range(i, at.own))
                prior = prior + count * slope[i] * slope[j] / scale**2
                own[i][j] = information["own"][i, j] + prior / (own_sd[i] * own_sd[j])
        pull = data["trait_pull"].to_numpy() + self.pull_of_prior(mean, sd, inverse, slope, scale)
        if data.sizes["shared"]:
            pull = pull - combination(
                data["trait_pull_shared"].to_numpy(), shared - data["shared_reference"].to_numpy()
            )
        return Root.of(at, level, cross, own), pull

    def pull_of_prior(self, mean, sd, inverse, slope, scale):
        """Q m, shape (trait,)."""
        (level_sd, own_sd), (level, own) = self.at.split(sd), self.at.split(mean / sd)
        given = (level - sum(s * e[self.at.owner] for s, e in zip(slope, own, strict=True))) / scale
        white = [sum(inverse[j][k] * own[k] for k in range(j + 1)) for j in range(self.at.own)]
        rest = []
        for k in range(self.at.own):
            by_own = sum(inverse[j][k] * white[j] for j in range(k, self.at.own))
            rest.append((by_own - slope[k] / scale * self.at.over_levels(given)) / own_sd[k])
        return pt.concatenate([given / (scale * level_sd), *rest])
