"""The table of diagnostics against ArviZ on each parameter alone; parameters of no extent; chains that never moved."""

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from redose import diagnostics


@pytest.fixture(scope="module")
def posterior() -> xr.Dataset:
    """Draws of a scalar, of effects of two covariates and none, of a trait of three patients; 2 chains, 100 draws."""
    rng = np.random.default_rng(1)
    dims = {"sd": [], "beta": ["covariate"], "none": ["nothing"], "traits": ["patient"]}
    extents = {"covariate": 2, "nothing": 0, "patient": 3}
    drawn = {n: (["chain", "draw", *d], rng.normal(size=(2, 100, *(extents[x] for x in d)))) for n, d in dims.items()}
    return xr.Dataset(drawn, coords={"covariate": ["age", "line"], "patient": ["a", "b", "c"]})


def table(posterior: xr.Dataset) -> pd.DataFrame:
    return diagnostics.summarise(xr.DataTree.from_dict({"posterior": posterior}), 0.9).set_index("parameter")


def test_every_scalar_has_a_row_and_a_parameter_of_no_extent_has_none(posterior):
    found = table(posterior)
    of = ["sd", "beta[age]", "beta[line]", "traits[a]", "traits[b]", "traits[c]"]
    assert found.index.tolist() == of
    assert found["level"].tolist() == ["population"] * 3 + ["patient"] * 3


def test_figures_are_those_of_the_draws(posterior):
    row, draws = table(posterior).loc["beta[line]"], posterior["beta"].sel(covariate="line").to_numpy()
    assert row["mean"] == pytest.approx(draws.mean())
    assert row["sd"] == pytest.approx(draws.std(ddof=1))
    assert row[["low", "high"]].tolist() == pytest.approx(np.quantile(draws, [0.05, 0.95]).tolist())
    alone = posterior[["beta"]]
    for name, found in {
        "rhat": az.rhat(alone),
        "ess_bulk": az.ess(alone),
        "ess_tail": az.ess(alone, method="tail"),
    }.items():
        assert row[name] == pytest.approx(float(found["beta"].sel(covariate="line")))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # ArviZ divides by a variance of none
def test_a_chain_that_never_moved_has_no_r_hat(posterior):
    assert np.isnan(table(posterior.assign(sd=xr.full_like(posterior["sd"], 2.0))).loc["sd", "rhat"])
