"""The three example studies at tiny settings, from tables to dossiers, and these in a browser."""

import shutil
import subprocess
from pathlib import Path

import columns
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from browser import needs_chromium, opened, pages, violations, wake
from calls import run
from smallest import EASY, ROOT


def tiny(folder: Path) -> Path:
    """A config for all three studies at tiny settings, working in `folder`; returns its path. Of models that go through
    the same rules one: of the joint models, and of the models of GVHD. Each takes long to compile."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    shutil.copytree(ROOT / "data" / "redosable", folder / "redosable")
    protocol = yaml.safe_load((folder / "redosable/simulation.yaml").read_text())
    protocol["patients"]["count"] = 40
    (folder / "redosable/simulation.yaml").write_text(yaml.safe_dump(protocol))
    config["studies"]["redosable"]["folder"] = "redosable"
    config["sampling"] = {"chains": 2, "tune": 60, "draws": 60, "target_accept": 0.8, "longer": {"times": 1}}
    for study in config["studies"].values():
        for model in study["models"].values():
            model["sampling"] = config["sampling"]  # left out, it would be that of config.yaml
    config["studies"]["bladder"]["models"]["intervals"]["baseline"] = "weibull"  # the others' are flexible
    del config["studies"]["redosable"]["models"]["joint_value"], config["studies"]["transplant"]["models"]["gvhd"]
    config["acceptance"] = EASY
    config["decision"]["ahead"] |= {"most": 8, "draws": 40, "chunk": 20}
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True))
    return path


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> tuple[Path, Path, subprocess.CompletedProcess]:
    """(folder, config, what Snakemake said) of the three studies, analysed at tiny settings."""
    folder = tmp_path_factory.mktemp("three")
    config = tiny(folder)
    return folder, config, run(folder, config)


def test_three_studies_from_tables_to_dossiers(three):
    """Every rule runs; a second call has nothing to do; an edit of the limits is judged again, and no more."""
    tmp_path, config, result = three
    assert result.returncode == 0, result.stderr[-4000:]
    for study, models in (("bladder", 1), ("transplant", 1), ("redosable", 2)):
        assert (tmp_path / f"results/{study}/report.html").stat().st_size > 50_000
        assert len(pd.read_csv(tmp_path / f"results/{study}/compare.csv")) == models
        assert len(pd.read_csv(tmp_path / f"results/{study}/intervals/prior_predictive.csv")) == 3
    thresholds = pd.read_csv(tmp_path / "results/redosable/threshold/joint_step.csv")
    assert thresholds.loc[0, "threshold"] == "prognostic: tau"
    assert thresholds.loc[0, "truth"] == -3.0
    selection = pd.read_csv(tmp_path / "results/redosable/selection/joint_step.csv")
    assert len(selection) == 40
    assert selection["free_180"].dropna().between(0, 1).all()
    gains = pd.read_csv(tmp_path / "results/redosable/selection/joint_step.gain.csv")
    assert gains["patient"].tolist() == selection["patient"].tolist()
    assert gains["p_gain"].between(0, 1).all() and gains["reason"].notna().all()
    regimes = pd.read_csv(tmp_path / "results/redosable/decision/joint_step/regimes.csv")
    assert np.isclose(regimes["p_best"].sum(), 1.0) and regimes["rmst"].between(0, 728).all()
    outcomes = pd.read_parquet(tmp_path / "results/redosable/decision/joint_step/outcomes.parquet")
    assert len(outcomes) == 40 * len(regimes) * 4  # draws, regimes, subgroups
    assert not (tmp_path / "results/redosable/decision/joint_step/chunks/0.nc").exists()  # gathered
    index = (tmp_path / "results/index.html").read_text()
    assert [index.count(f'href="{study}/report.html"') for study in ("bladder", "transplant", "redosable")] == [1, 1, 1]
    for study in ("bladder", "transplant", "redosable"):
        assert columns.against_dictionary(tmp_path / "results" / study) == ([], [])
    published_again(tmp_path / "results/redosable")
    assert not (tmp_path / "results/bladder/decision").exists()  # no infusions, no regimes
    assert "steps a draw" in result.stderr  # progress is visible
    assert (tmp_path / "logs/fit/redosable.joint_step.log").read_text().count("%") >= 5

    again = run(tmp_path, config)
    assert "Nothing to be done" in again.stdout + again.stderr
    edited = yaml.safe_load(config.read_text()) | {"acceptance": EASY | {"rhat": 4.0}}
    config.write_text(yaml.safe_dump(edited))
    planned = run(tmp_path, config, "-n")
    stages = {
        line.split()[0] for line in planned.stdout.splitlines() if line[:1].isalpha() and line.split()[-1].isdigit()
    }
    assert "judge" in stages
    assert not stages & {"fit", "design", "check", "simulate"}


@needs_chromium
@pytest.mark.parametrize(("study", "alive"), [("bladder", 2), ("transplant", 2), ("redosable", 3)])
def test_the_dossiers_open_from_disk_in_a_browser(three, study, alive):
    """Quiet, with figures that come alive, without a serious violation of accessibility, and printable."""
    folder = three[0] / "results" / study
    with opened(folder / "report.html") as (page, faults):
        assert wake(page) == alive
        assert page.locator(".explorer .status").text_content().startswith("Patient 1 of ")
        assert violations(page) == []
        assert pages(page.pdf(prefer_css_page_size=True)) > 5
        assert faults == []
    for name, least in (("answer.html", 1), ("../index.html", 1)):
        with opened(folder / name) as (page, faults):
            assert pages(page.pdf(prefer_css_page_size=True)) == least
            assert faults == []


def published_again(folder: Path) -> None:
    """Draws as Parquet give the bands of the CSV files, and are numbered as in the posterior."""
    tails, keys = [0.05, 0.95], ["group", "interval"]
    draws = pd.read_parquet(folder / "intervals/lengths.draws.parquet")
    lengths = pd.read_csv(folder / "intervals/lengths.csv", dtype={"interval": str})
    for row in lengths.itertuples():
        mine = draws.loc[(draws[keys] == [row.group, row.interval]).all(axis=1), row.quantity]
        assert [mine.mean(), *mine.quantile(tails)] == pytest.approx([row.mean, row.low, row.high])
    draws = pd.read_parquet(folder / "decision/joint_step/regimes.draws.parquet").groupby("regime")
    for row in pd.read_csv(folder / "decision/joint_step/regimes.csv").itertuples():
        gain = draws["gain"].get_group(row.regime)
        assert [gain.mean(), *gain.quantile(tails)] == pytest.approx([row.gain, row.gain_low, row.gain_high])
    draws = pd.read_parquet(folder / "selection/joint_step.gain.draws.parquet").groupby("patient")["gain"]
    gains = pd.read_csv(folder / "selection/joint_step.gain.csv").set_index("patient")
    assert draws.quantile(0.95)[gains.index].tolist() == pytest.approx(gains["gain_high"].tolist())
    draws = pd.read_parquet(folder / "threshold/joint_step.draws.parquet")
    risks = pd.read_csv(folder / "threshold/joint_step.csv", float_precision="round_trip").iloc[1:]
    for name, median in zip(("risk_10", "risk_20", "risk_30"), risks["median"], strict=True):
        assert draws[name].quantile(0.5, interpolation="lower") == median
    posterior = xr.open_datatree(folder / "joint_step/posterior.nc", engine="h5netcdf")["posterior"]
    for row in draws.itertuples():
        assert posterior["tau"].sel(chain=row.chain, draw=row.draw).item() == row.tau
