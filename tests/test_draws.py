"""Draws of what decisions rest on, as Parquet: they are those of the posterior, and give the published bands back."""

import re

import dossiers
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rscript import with_r
from test_conclusions import exponential, value_draws

from redose import files, overlay, prediction, thresholds
from redose.decisions import choice, gain, outcomes

CI_PROB = 0.9
TAILS = [0.05, 0.95]
UTILITY = dossiers.CONFIG["decision"]["utility"]


def stored(table: pd.DataFrame, folder) -> pd.DataFrame:
    """The table as it comes back from a Parquet file."""
    files.write_parquet(table, folder / "draws.parquet")
    return pd.read_parquet(folder / "draws.parquet")


def test_the_origin_of_a_kept_draw_finds_its_values_in_the_posterior():
    x = 100 * np.arange(4)[:, None] + np.arange(50)
    none = (("chain", "draw", "covariate"), np.zeros((4, 50, 0)))
    posterior = xr.Dataset({"x": (("chain", "draw"), x), "beta": none}, {"chain": range(4), "draw": range(1000, 1050)})
    origin, thinned = prediction.origin(posterior, 7), prediction.thin(posterior, 7)
    assert thinned["beta"].shape == (0, 7)  # a hazard without covariates
    values = thinned["x"]
    assert len(values) == 7 and len(set(origin["chain"])) == 4
    for chain, draw, value in zip(origin["chain"], origin["draw"], values, strict=True):
        assert posterior["x"].sel(chain=chain, draw=draw) == value


def test_thresholds_by_draw_give_the_published_medians_and_bands(tmp_path):
    data, draws = value_draws()
    count, rng = 40, np.random.default_rng(4)
    draws = {name: np.resize(x, count) for name, x in draws.items()}
    draws["rate_progression"] = rng.lognormal(
        -0.7, 0.8, count
    )  # in some draws the risk is reached at no MRD, or at all
    decision = {"ci_prob": CI_PROB, "risk_horizon": 90, "risk_clock": 90, "risks": [0.1, 0.3], "smallest_step": 1.5}
    table, _, by_draw = thresholds.thresholds(data, draws, decision, 1, None)
    back = stored(by_draw, tmp_path)
    assert back.columns.tolist() == ["risk_10", "risk_30"]
    for name, row in zip(back, table.itertuples(), strict=True):
        found = np.quantile(back[name], [0.05, 0.5, 0.95], method="inverted_cdf")
        assert found.tolist() == [row.low, row.median, row.high]
        assert np.isfinite(back[name]).mean() == row.exists
    assert np.isinf(back).any(axis=None)


def test_tau_is_read_where_the_hazard_steps_up(tmp_path):
    rng = np.random.default_rng(3)
    draws = {"tau": rng.normal(-3, 0.3, 400), "alpha_progression": rng.normal(1.0, 0.2, 400)}
    row = thresholds.prognostic(draws, {"ci_prob": CI_PROB, "smallest_step": 1.5}, None)
    back = stored(pd.DataFrame({"tau": draws["tau"], "step": thresholds.step(draws)}), tmp_path)
    kept = back.loc[back["step"] >= 1.5, "tau"]
    assert len(kept) / 400 == row["exists"] < 1
    assert np.quantile(kept, [0.05, 0.5, 0.95], method="inverted_cdf").tolist() == [
        row["low"],
        row["median"],
        row["high"],
    ]


def test_lengths_by_draw_give_the_published_means_and_bands(tmp_path):
    data, draws = exponential(1.2, 0.4)
    draws["rate_progression"] = draws["rate_progression"] * np.linspace(0.5, 2, len(draws["rate_progression"]))
    group = overlay.groups(data, pd.Series(["x"] * 400))
    table, by_draw = overlay.lengths(data, draws, group, [180, 5000], CI_PROB)
    back = stored(by_draw, tmp_path)
    assert set(table["quantity"]) == {"free_180", "rmst_180"}
    assert back[["free_5000", "rmst_5000"]].isna().all(axis=None)  # nobody was followed so long
    for row in table.itertuples():
        values = back.loc[(back["group"] == row.group) & (back["interval"] == row.interval), row.quantity]
        assert [values.mean(), *values.quantile(TAILS)] == pytest.approx([row.mean, row.low, row.high])


def test_without_groups_there_are_columns_and_no_rows():
    data, draws = exponential(1.2, 0.4)
    table, by_draw = overlay.lengths(data, draws, [], [180], CI_PROB)
    assert table.empty and by_draw.empty
    assert by_draw.columns.tolist() == ["group", "interval", "free_180", "rmst_180"]


@pytest.fixture
def regimes(tmp_path):
    """(published table, draws as they come back from Parquet) of made-up outcomes."""
    found, every = dossiers.simulated(100.0, np.random.default_rng(5))
    mean = outcomes.everybody(found)
    table = choice.summary(mean, every, UTILITY, CI_PROB)
    return table.set_index("regime"), stored(choice.by_draw(mean, every, UTILITY), tmp_path)


def test_regimes_by_draw_give_every_column_of_the_published_table(regimes):
    table, back = regimes
    names = [c for c in table if f"{c}_low" in table]
    assert set(names) == set(back.columns) - {"regime"}
    of = back.groupby("regime", sort=False)
    for name in names:
        low, high = (of[name].quantile(t) for t in TAILS)
        expected = table[[name, f"{name}_low", f"{name}_high"]].to_numpy()
        np.testing.assert_allclose(np.column_stack([of[name].mean(), low, high]), expected, rtol=1e-9, atol=1e-9)
    assert of["gain"].apply(lambda x: (x > 0).mean()).tolist() == pytest.approx(table["p_gain"].tolist())


def test_the_example_for_r_gives_the_published_gains(regimes):
    """The code of docs/results.md; only the line that reads the file is another one, as R has no Parquet of its own."""
    table, back = regimes
    page = (dossiers.ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    code = page.split("```r\n")[1].split("```")[0]
    reading = re.search(r"nanoparquet::read_parquet\(\n?.*?\)", code, re.DOTALL)[0]
    code = code.replace(reading, 'read.csv(file("stdin"), check.names = FALSE)')
    found = with_r(f"{code}\nwrite.csv(bands, stdout())", back).set_index("Unnamed: 0")
    expected = table.loc[found.index, ["gain", "gain_low", "gain_high"]]
    np.testing.assert_allclose(found[["mean", "low", "high"]], expected, rtol=1e-6, atol=1e-9)


def test_gains_by_draw_give_the_published_means_bands_and_probabilities(tmp_path):
    found = dossiers.gained(300.0)
    of = dossiers.CONFIG["decision"]["gain"]
    table = gain.table(found, of, 728, CI_PROB).set_index("patient")
    back = stored(gain.by_draw(found), tmp_path).groupby("patient")
    for name in ("gain", "like_gain", "gvhd_added"):
        bands = pd.concat([back[name].mean(), *(back[name].quantile(t) for t in TAILS)], axis=1).loc[table.index]
        np.testing.assert_allclose(bands, table[[name, f"{name}_low", f"{name}_high"]], atol=1e-9)
    for name in ("", "like_"):
        chance = back[f"{name}gain"].apply(lambda x: (x > of["smallest"]).mean())
        assert chance[table.index].tolist() == table[f"{name}p_gain"].tolist()
    assert back["infusions_added"].mean()[table.index].tolist() == table["infusions_added"].tolist()
