"""Power-scaling: against a conjugate normal model in closed form, and the words that sensitivities are put into."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from test_models import PRIOR, built

from redose import sampling, sensitivity

SAMPLE = sensitivity.SAMPLE


def distance(p, q, grid: np.ndarray) -> float:
    """Cumulative Jensen-Shannon distance of two distribution functions, the larger of both directions."""
    found = []
    for f, g in ((p.cdf(grid), q.cdf(grid)), (p.sf(grid), q.sf(grid))):
        middle, tiny = (f + g) / 2, 1e-300
        parts = f * np.log2((f + tiny) / (middle + tiny)) + g * np.log2((g + tiny) / (middle + tiny))
        found.append(np.sqrt(np.trapezoid(parts, grid) / np.trapezoid(f + g, grid)))
    return max(found)


def posterior(prior_power: float, data_power: float):
    """Of a mean with prior Normal(0, 1) and one observation 4 with sd 0.8: precisions add, by their powers."""
    precision = prior_power + data_power / 0.64
    return stats.norm(4 * data_power / 0.64 / precision, precision**-0.5)


def per_doubling(of, mu: xr.DataArray) -> float:
    """Distance between the posteriors at powers 0.99 and 1.01 and the unscaled one, per doubling, on average; over the
    range of the draws, as the paper has it."""
    base, grid = posterior(1, 1), np.linspace(float(mu.min()), float(mu.max()), 20001)
    low, high = (distance(base, of(power), grid) / abs(np.log2(power)) for power in (0.99, 1.01))
    return (low + high) / 2


def conjugate(draws: int = 4000) -> tuple[xr.DataTree, xr.DataTree, xr.Dataset]:
    """(fit, prior, quantities) of that model, by independent draws; `other` has nothing to do with it."""
    rng = np.random.default_rng(1)
    mu = posterior(1, 1).rvs((4, draws), random_state=rng)
    coords = {"chain": np.arange(4), "draw": np.arange(draws)}

    def group(**values):
        return xr.Dataset({k: (SAMPLE, x) for k, x in values.items()}, coords=coords)

    before = rng.standard_normal((4, draws))
    quantities = group(mu=mu, other=rng.standard_normal((4, draws)))
    parts = {"posterior": quantities, "log_prior": group(mu=stats.norm.logpdf(mu))}
    parts["log_likelihood"] = group(y=stats.norm.logpdf(4, mu, 0.8))
    prior = xr.DataTree.from_dict({"log_prior": group(mu=stats.norm.logpdf(before))})
    return xr.DataTree.from_dict(parts), prior, quantities


def test_a_conjugate_normal_model_is_as_sensitive_as_its_closed_form():
    tree, prior, quantities = conjugate()
    table = sensitivity.table(tree, prior, {"parameter": quantities}).set_index("quantity")
    assert table.loc["mu", "prior"] == pytest.approx(
        per_doubling(lambda a: posterior(a, 1), quantities["mu"]), rel=0.05
    )
    assert table.loc["mu", "likelihood"] == pytest.approx(
        per_doubling(lambda a: posterior(1, a), quantities["mu"]), rel=0.05
    )
    far = 2 * stats.norm.sf(posterior(1, 1).mean())  # where the posterior's median lies in the prior
    assert table.loc["mu", "tail"] == pytest.approx(far, abs=0.01)
    assert far < sensitivity.FAR
    assert table.loc["mu", "verdict"] == "prior and data in conflict"
    assert table.loc["mu", "moved_by"] == "mu"


def test_what_has_nothing_to_do_with_prior_and_data_is_not_moved():
    tree, prior, quantities = conjugate()
    row = sensitivity.table(tree, prior, {"parameter": quantities}).set_index("quantity").loc["other"]
    assert row["prior"] < sensitivity.LIMIT
    assert row["verdict"] == "robust to the prior"
    assert pd.isna(row["moved_by"])


@pytest.mark.parametrize(
    ("of", "words"),
    [
        ((0.01, 0.9, 0.0, 0.5), "robust to the prior"),
        ((0.2, 0.9, 0.0, 0.5), "prior and data both matter"),
        ((0.2, 0.9, 0.0, 0.01), "prior and data in conflict"),
        ((0.2, 0.01, 0.01, 0.5), "the prior dominates"),
        ((0.2, 0.01, 0.3, np.nan), "the prior matters"),
    ],
)
def test_verdicts_in_words(of, words):
    assert sensitivity.verdict(*of) == words


def test_the_log_prior_is_that_of_the_config():
    """By scipy, at the draws of the prior itself: a normal, a log-normal and a half-normal up to its factor 2."""
    _, made = built("joint_step")
    tree = sampling.sample_prior(made, 5, 1)
    draws, log_prior = (tree[g].to_dataset().isel(chain=0) for g in ("prior", "log_prior"))
    rate = PRIOR["rate_progression"]
    known = {"tau": stats.norm.logpdf(draws["tau"], PRIOR["tau"]["mu"], PRIOR["tau"]["sigma"])}
    known["rate_progression"] = stats.lognorm.logpdf(draws["rate_progression"], rate["sigma"], scale=np.exp(rate["mu"]))
    known["omega_v"] = stats.halfnorm.logpdf(draws["omega_v"], scale=PRIOR["omega_v"]["sigma"]) - np.log(2)
    for name, density in known.items():
        assert log_prior[name].to_numpy() == pytest.approx(density, rel=1e-9), name
    assert log_prior["beta_progression"].dims == ("draw", "progression_covariate")
    assert not {"traits", "z_traits", "u_trial", "z_trial"} & set(log_prior.data_vars)
    assert not [n for n in draws if n.startswith("z_")]


def test_pieces_of_a_baseline_have_a_prior_and_steps_of_a_spline_belong_to_the_model():
    of = {b: {v.name for v in sampling.with_prior(built("intervals", baseline=b)[1])} for b in ("piecewise", "mspline")}
    assert "z_progression" in of["piecewise"] and "smooth_progression" not in of["piecewise"]
    assert "z_progression" not in of["mspline"] and "smooth_progression" in of["mspline"]
