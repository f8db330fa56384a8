"""Fits of real trials against published partial-likelihood estimates, under weak priors and a flexible baseline.

Like the references, these fits know no differences between sites (with pooled site effects platelet recovery comes out
at -1.03), and the baseline is piecewise constant with independent pieces, as a partial likelihood has it.

Anyone with R can recompute the references (R 4.2.2, survival 3.5):

    library(survival)
    coxph(Surv(start, stop, status == 1) ~ treatment + number + size, bladder1)      # Andersen-Gill, Efron ties
    data(bmt, package = "KMsurv"); bmt$id <- seq_len(137)
    d <- tmerge(bmt, bmt, id = id, dfs = event(t2, d3))
    d <- tmerge(d, subset(bmt, da == 1), id = id, agvhd = tdc(ta))                   # likewise tc/dc, tp/dp
    coxph(Surv(tstart, tstop, dfs) ~ factor(group) + agvhd, d, ties = "breslow")
"""

from pathlib import Path

import pytest
import yaml

from redose import checks, design, examples, models, priors, sampling, tables

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
SAMPLING = {"chains": 4, "tune": 500, "draws": 500, "target_accept": 0.9}
WEAK = {
    **CONFIG["priors"],
    "hazard_ratio": {"scale": "ratio", "median": 1, "upper": 1000},
    "piece": {"scale": "ratio", "median": 1, "upper": 1000},
    "rate_progression": {"scale": "positive", "median": 0.7, "upper": 100},
}


def options(**hazard) -> dict:
    composite = {"death": "composite", "transplant": "hypothetical", "new_therapy": "hypothetical"}
    return CONFIG["model"] | {"estimand": composite, "baseline": "piecewise", "frailty": False, "pooled": []} | hazard


def posterior_means(name: str, wanted: dict, folder: Path) -> dict[str, float]:
    """Posterior means of beta_progression by covariate."""
    examples.derive(name, folder)
    study = tables.read_study(ROOT / "data" / name / "study.yaml", folder, name)
    verdict = checks.check(study)
    checks.require(verdict)
    data = design.build(verdict.tables, study.about, "intervals", wanted, WEAK)
    model = models.MODELS["intervals"](data, priors.convert_all(WEAK))
    tree = sampling.fit(model, data, SAMPLING, sampling.seed_of(1, name), name, cores=1)
    beta = tree["posterior"]["beta_progression"].mean(("chain", "draw"))
    return dict(zip(beta["progression_covariate"].to_numpy(), beta.to_numpy(), strict=True))


BMT = [("gvhd_acute", 0.321, 0.285), ("gvhd_chronic", -0.185, 0.288), ("platelet_recovery", -1.119, 0.329)]


@pytest.mark.parametrize(("event", "coefficient", "error"), BMT)
def test_transplant_time_dependent_events(event, coefficient, error, tmp_path):
    """KMsurv::bmt, disease-free survival: disease group and one time-dependent event (Breslow ties)."""
    hazard = {"covariates": ["group"], "time_dependent": [event]}
    found = posterior_means("transplant", options(clock="gap", progression=hazard), tmp_path)
    assert found[event] == pytest.approx(coefficient, abs=error / 3)


def test_bladder_andersen_gill(tmp_path):
    """survival::bladder1, all recurrences on the total clock, no frailty; deaths censor."""
    hazard = {"covariates": ["arm", "tumour_number", "tumour_size"], "time_dependent": []}
    wanted = options(clock="total", progression=hazard)
    wanted["estimand"] = wanted["estimand"] | {"death": "hypothetical"}
    found = posterior_means("bladder", wanted, tmp_path)
    published = {  # coefficient, naive standard error
        "arm[thiotepa]": (-0.525, 0.186),
        "arm[pyridoxine]": (0.021, 0.171),
        "tumour_number": (0.190, 0.036),
        "tumour_size": (-0.006, 0.044),
    }
    for covariate, (coefficient, error) in published.items():
        assert found[covariate] == pytest.approx(coefficient, abs=error / 3), covariate
