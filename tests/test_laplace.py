"""Laplace's approximation on densities whose posterior is known otherwise."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from redose import laplace

GROUPS, EACH = 40, 3
BLOCKS = [np.array([1 + i]) for i in range(GROUPS)]  # coordinate 0 is shared: the log of the noise


class OfNormal:
    """A normal density with this mean and precision."""

    def __init__(self, mean: np.ndarray, precision: np.ndarray):
        self.mean, self.precision = mean, precision

    def density(self, x):
        away = self.precision @ (x - self.mean)
        return -0.5 * (x - self.mean) @ away, -away


class OfNoise:
    """y_ij ~ Normal(b_i, σ), b_i ~ Normal(0, 1), log σ flat; coordinates log σ and b."""

    def __init__(self, y: np.ndarray):
        self.y = y

    def density(self, x):
        log_sigma, b = x[0], x[1:]
        residual = (self.y - b[:, None]) / np.exp(log_sigma)
        height = -0.5 * (residual**2).sum() - self.y.size * log_sigma - 0.5 * (b**2).sum()
        slope = np.append((residual**2).sum() - self.y.size, residual.sum(1) / np.exp(log_sigma) - b)
        return height, slope

    def marginal(self, log_sigma: float) -> float:
        """log p(y | σ) with every b integrated out, by the covariance of a group's readings."""
        covariance = np.exp(2 * log_sigma) * np.eye(EACH) + 1.0
        solved = np.linalg.solve(covariance, self.y.T)
        return -0.5 * (self.y.T * solved).sum() - 0.5 * GROUPS * np.linalg.slogdet(covariance)[1]


@pytest.fixture
def noise():
    rng = np.random.default_rng(8)
    return OfNoise(rng.normal(rng.normal(size=(GROUPS, 1)), 0.5, (GROUPS, EACH)))


def test_a_normal_density_is_found_as_it_is():
    """Two shared coordinates, three patients of one, two and three traits: mean and covariance of a million draws."""
    rng, size = np.random.default_rng(3), 8
    blocks = [np.array([2]), np.array([3, 4]), np.array([5, 6, 7])]
    precision = np.diag(np.array([4e4, 2.0, 1.0, 1.5, 2.0, 1.0, 3.0, 2.0]))
    for block in blocks:
        precision[np.ix_(block, block)] += 0.3
        precision[np.ix_([0, 1], block)] = rng.normal(0, [[20.0], [0.2]], (2, len(block)))
        precision[np.ix_(block, [0, 1])] = precision[np.ix_([0, 1], block)].T
    assert np.linalg.eigvalsh(precision).min() > 0
    code = OfNormal(rng.normal(size=size), precision)
    at = laplace.mode(code, np.zeros(size), blocks)
    assert at == pytest.approx(code.mean, abs=1e-2)
    draws = laplace.marginal(code, at, blocks).draw(1_000_000, rng)
    exact = np.linalg.inv(precision)
    sd = np.sqrt(np.diag(exact))
    assert (draws.mean(0) - code.mean) / sd == pytest.approx(0, abs=0.02)
    assert np.cov(draws.T) / np.outer(sd, sd) == pytest.approx(exact / np.outer(sd, sd), abs=0.01)


def test_noise_is_not_taken_for_less_by_the_traits_that_were_fitted(noise):
    """The mode of what is shared is that of the marginal likelihood, which is known; the joint density has another."""
    joint = laplace.mode(noise, np.zeros(1 + GROUPS), BLOCKS)
    found = laplace.marginal(noise, joint, BLOCKS)
    exact = minimize_scalar(lambda s: -noise.marginal(s), bounds=(-3, 1), method="bounded").x
    sd = 1 / np.abs(found.root[0, 0])
    assert abs(joint[0] - exact) > 2 * sd
    assert found.mode[0] == pytest.approx(exact, abs=laplace.NEAR * sd)


def test_traits_are_drawn_about_what_each_draw_of_the_shared_expects(noise):
    """b_i | σ is normal about the mean of its readings, shrunken; sd of all draws by quadrature over σ."""
    found = laplace.marginal(noise, laplace.mode(noise, np.zeros(1 + GROUPS), BLOCKS), BLOCKS)
    draws = found.draw(50_000, np.random.default_rng(1))
    grid = found.mode[0] + np.linspace(-5, 5, 201) / np.abs(found.root[0, 0])
    weight = norm.pdf(grid, found.mode[0], 1 / np.abs(found.root[0, 0]))
    weight /= weight.sum()
    precision = 1 + EACH / np.exp(2 * grid)
    mean = (EACH / np.exp(2 * grid) / precision)[:, None] * noise.y.mean(1)
    first = weight @ mean
    second = weight @ (mean**2 + (1 / precision)[:, None])
    assert draws[:, 1:].mean(0) == pytest.approx(first, abs=0.03)
    assert draws[:, 1:].std(0) == pytest.approx(np.sqrt(second - first**2), rel=0.05)


def test_a_density_without_a_mode_is_said_to_have_none():
    class Rising:
        def density(self, x):
            return float(x.sum()), np.ones_like(x)

    with pytest.raises(laplace.NoMode):
        laplace.mode(Rising(), np.zeros(3), [np.array([1]), np.array([2])])
