"""What an MRD assay reads: noise, limit of detection, false positives (numpy only). All on the log10 scale."""

import numpy as np
from scipy.special import log_ndtr, ndtri

FALSE_POSITIVE_SCALE = 0.5  # log10 units above the LOD that a false positive reads on average; assumption
DETECTED_AT_LOD = ndtri(0.95)  # a limit of detection is the level that is found in 95 % of samples (LOD95)
LOG_ROOT_2_PI = 0.5 * np.log(2 * np.pi)


def log_normal(z):
    """Log density of the standard normal; scipy.stats, which has it, takes half a second to import."""
    return -0.5 * np.square(z) - LOG_ROOT_2_PI


def of_noise(degrees: float | None) -> tuple:
    """(log density, log distribution function) of standardised noise: Student t, or normal for None."""
    if degrees is None:
        return log_normal, log_ndtr
    from scipy import stats

    noise = stats.t(degrees)
    return noise.logpdf, noise.logcdf


def log_density(y, lod, below, wrong, fraction, sigma, degrees=None, detection=None):
    """log p(reading | latent log10 MRD): a density above the LOD, a probability below it; shapes broadcast.

    y: reading, used where not `below`. lod: log10 limit, -inf where there is none. below: reading under its limit.
    wrong: probability that a reading below the limit turns into a false positive, limit +
    Exponential(FALSE_POSITIVE_SCALE). fraction: latent log10 MRD. sigma: noise, log10 units. degrees: of freedom of a
    Student t; None: normal. detection: width of the detection curve, log10 units; None: a sharp limit.
    """
    of_reading, of_missed = of_noise(degrees)
    with np.errstate(divide="ignore", invalid="ignore"):  # log 0: an assay without false positives, or without a limit
        missed = of_missed((lod - fraction) / sigma)
        seen = of_reading((y - fraction) / sigma) - np.log(sigma)
        if detection is not None:
            missed = log_ndtr(-DETECTED_AT_LOD - (fraction - lod) / detection)
            seen = seen + log_ndtr(DETECTED_AT_LOD + (fraction - lod) / detection)
        log_wrong = np.log(wrong) - (y - lod) / FALSE_POSITIVE_SCALE - np.log(FALSE_POSITIVE_SCALE)
        spurious = np.where(np.asarray(wrong) > 0, log_wrong + missed, -np.inf)
        return np.where(below, missed + np.log1p(-wrong), np.logaddexp(seen, spurious))


def probability_below(lod, wrong, fraction, sigma, degrees=None, detection=None):
    """P(reading below the limit); arguments as in `log_density`."""
    return np.exp(log_density(lod, lod, True, wrong, fraction, sigma, degrees, detection))
