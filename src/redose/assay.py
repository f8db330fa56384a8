"""What an MRD assay reads: noise, limit of detection, false positives (numpy only). All on the log10 scale."""

import numpy as np
from scipy import stats

FALSE_POSITIVE_SCALE = 0.5  # log10 units above the LOD that a false positive reads on average; assumption


def log_density(y, lod, below, wrong, fraction, sigma):
    """log p(reading | latent log10 MRD): a density above the LOD, a probability below it; shapes broadcast.

    y: reading, used where not `below`. lod: log10 limit. below: reading under its limit. wrong: probability that a
    reading below the limit turns into a false positive, limit + Exponential(FALSE_POSITIVE_SCALE).
    fraction: latent log10 MRD. sigma: noise, log10 units.
    """
    under = stats.norm.logcdf((lod - fraction) / sigma)
    seen = stats.norm.logpdf((y - fraction) / sigma) - np.log(sigma)
    with np.errstate(divide="ignore"):  # an assay without false positives: log 0
        log_wrong = np.log(wrong)
    spurious = log_wrong - (y - lod) / FALSE_POSITIVE_SCALE - np.log(FALSE_POSITIVE_SCALE)
    return np.where(below, under + np.log1p(-wrong), np.logaddexp(seen, spurious + under))


def probability_below(lod, wrong, fraction, sigma):
    """P(reading below the limit); arguments as in `log_density`."""
    return (1 - wrong) * stats.norm.cdf((lod - fraction) / sigma)
