"""What an MRD assay reads: noise, limit of detection, false positives (numpy only). All on the log10 scale."""

import numpy as np
from scipy import stats

FALSE_POSITIVE_SCALE = 0.5  # log10 units above the LOD that a false positive reads on average; assumption
DETECTED_AT_LOD = stats.norm.ppf(0.95)  # a limit of detection is the level that is found in 95 % of samples (LOD95)


def log_density(y, lod, below, wrong, fraction, sigma, degrees=None, detection=None):
    """log p(reading | latent log10 MRD): a density above the LOD, a probability below it; shapes broadcast.

    y: reading, used where not `below`. lod: log10 limit, -inf where there is none. below: reading under its limit.
    wrong: probability that a reading below the limit turns into a false positive, limit +
    Exponential(FALSE_POSITIVE_SCALE). fraction: latent log10 MRD. sigma: noise, log10 units. degrees: of freedom of a
    Student t; None: normal. detection: width of the detection curve, log10 units; None: a sharp limit.
    """
    noise = stats.norm if degrees is None else stats.t(degrees)
    with np.errstate(divide="ignore", invalid="ignore"):  # log 0: an assay without false positives, or without a limit
        missed = noise.logcdf((lod - fraction) / sigma)
        seen = noise.logpdf((y - fraction) / sigma) - np.log(sigma)
        if detection is not None:
            missed = stats.norm.logcdf(-DETECTED_AT_LOD - (fraction - lod) / detection)
            seen = seen + stats.norm.logcdf(DETECTED_AT_LOD + (fraction - lod) / detection)
        log_wrong = np.log(wrong) - (y - lod) / FALSE_POSITIVE_SCALE - np.log(FALSE_POSITIVE_SCALE)
        spurious = np.where(np.asarray(wrong) > 0, log_wrong + missed, -np.inf)
        return np.where(below, missed + np.log1p(-wrong), np.logaddexp(seen, spurious))


def probability_below(lod, wrong, fraction, sigma, degrees=None, detection=None):
    """P(reading below the limit); arguments as in `log_density`."""
    return np.exp(log_density(lod, lod, True, wrong, fraction, sigma, degrees, detection))
