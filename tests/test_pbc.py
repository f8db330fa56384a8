"""pbcseq (survival), log bilirubin with year x sex, death or transplant: published estimates of the joint model.

Slow: `./run tests -m slow -n 0 tests/test_pbc.py`, about a minute a fit on two cores. The references are those of the
JMbayes2 documentation for

    lme(log(bili) ~ year * sex, random = ~ year | id);  coxph(Surv(years, status2) ~ sex);  jm(...)  # current value

in natural logs and years; the program works in log10, so levels and slopes times ln 10, the association over it.
"""

from pathlib import Path

import numpy as np
import pytest
import yaml

from redose import acceptance, checks, design, diagnostics, examples, models, priors, sampling, tables

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
PBC = yaml.safe_load((ROOT / "data/pbc/config.yaml").read_text())
BELIEFS = {name: prior | PBC["priors"].get(name, {}) for name, prior in CONFIG["priors"].items()}
LN10 = np.log(10)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """(checked tables, study.yaml) of pbc."""
    folder = tmp_path_factory.mktemp("pbc")
    examples.derive("pbc", folder)
    read = tables.read_study(ROOT / "data/pbc/study.yaml", folder, "pbc")
    verdict = checks.check(read)
    checks.require(verdict)
    return verdict.tables, read.about


def posterior(checked: dict, about: dict, name: str):
    """Posterior of `joint_value` under the study's own config; it passes the gate."""
    entry = PBC["studies"]["pbc"]
    options = CONFIG["model"] | {"estimand": entry["estimand"], "clock": "gap"} | entry["models"]["joint_value"]
    how = CONFIG["sampling"] | options.pop("sampling") | {"draws": 1600}
    data = design.build(checked, about, "joint_value", options, BELIEFS)
    model = models.MODELS["joint_value"](data, priors.convert_all(BELIEFS))
    seed, cores = sampling.seed_of(1, name), sampling.available_cores()
    tree = sampling.fit(model, data, how, seed, name, cores)
    sampler = diagnostics.sampler_summary(tree)
    verdict = acceptance.judge(diagnostics.summarise(tree, 0.9), sampler, CONFIG["acceptance"], "pbc", name)
    assert verdict.accepted, verdict.text()
    return tree["posterior"].to_dataset()


@pytest.fixture(scope="module")
def fitted(study):
    return posterior(*study, "published")


@pytest.mark.slow
def test_published_estimates(fitted):
    """Within half a published SD, or 3 % where none was published."""
    mean = {name: x.mean(("chain", "draw")).to_numpy() for name, x in fitted.data_vars.items()}
    assert mean["alpha_progression"] / LN10 == pytest.approx(1.243, abs=0.085 / 2)
    assert mean["beta_progression"][0] == pytest.approx(-0.158, abs=0.272 / 2)  # female
    assert mean["mu_b"] * LN10 == pytest.approx(0.724, rel=0.03)
    assert mean["slope"][0] * LN10 == pytest.approx(0.267, rel=0.03)
    assert mean["sigma"][0] * LN10 == pytest.approx(0.3465, rel=0.03)
    assert mean["omega_b"] * LN10 == pytest.approx(1.003, rel=0.03)
    assert mean["omega_s"][0] * LN10 == pytest.approx(0.183, rel=0.03)
    assert mean["correlation"][0] == pytest.approx(0.40, rel=0.03)


@pytest.mark.slow
def test_a_limit_of_detection_hardly_moves_the_association(study, fitted):
    """The same study with bilirubin under 1 mg/dl (36 % of samples) known only to lie below it."""
    checked, about = study
    burden = checked["burden"].copy()
    below = burden["burden"] < 1
    assert below.mean() == pytest.approx(0.36, abs=0.01)
    burden["below"], burden["lod"] = below, np.where(below, 1.0, np.nan)
    burden.loc[below, "burden"] = np.nan
    censored = posterior(checked | {"burden": burden}, about, "censored")
    moved = float(censored["alpha_progression"].mean() - fitted["alpha_progression"].mean()) / LN10
    assert abs(moved) < 0.1
