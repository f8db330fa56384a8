"""Seeds, reproducibility to the bit, prior conversion and the gate."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import nutpie
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from scipy.special import expit
from test_models import CONFIG, PRIOR, built

from redose import acceptance, diagnostics, priors, sampling

SHORT = {"chains": 3, "tune": 60, "draws": 40, "target_accept": 0.8}


@pytest.fixture(scope="module")
def small():
    """(machine code, model, design) of `intervals`."""
    data, model = built("intervals")
    return sampling.compiled(model), model, data


def assert_same_draws_on_one_and_two_cores(made, model, data):
    trees = [sampling.drawn(made, model, data, SHORT, 1, "test", cores) for cores in (1, 2)]
    first, second = (tree["posterior"].to_dataset() for tree in trees)
    assert list(first.data_vars) == list(second.data_vars)
    for name in first.data_vars:
        assert first[name].to_numpy().tobytes() == second[name].to_numpy().tobytes(), name
    assert "v" in first
    assert not any(name.startswith(("z_", "exposure_")) for name in first.data_vars)


def test_same_seed_same_draws_for_one_and_two_cores(small):
    """Bit for bit."""
    assert_same_draws_on_one_and_two_cores(*small)


@pytest.mark.slow
def test_same_seed_same_draws_of_the_model_with_the_most_parts():
    data, model = built("joint_step")
    assert_same_draws_on_one_and_two_cores(sampling.compiled(model), model, data)


FIT_AND_PRINT = """
import hashlib
from test_models import built
from redose import sampling
data, model = built("intervals", frailty=False)
draws = sampling.fit(model, data, {"chains": 2, "tune": 60, "draws": 40, "target_accept": 0.8}, 1, "test")["posterior"]
print(hashlib.sha256(b"".join(draws[name].to_numpy().tobytes() for name in sorted(draws.data_vars))).hexdigest())
"""


def test_same_draws_whatever_was_compiled_before(tmp_path):
    """Two processes, the first with nothing in PyTensor's cache of compiled functions, the second with all of it."""
    flags = ",".join(filter(None, [os.environ.get("PYTENSOR_FLAGS"), f"base_compiledir={tmp_path}"]))
    place = {"PYTENSOR_FLAGS": flags, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", FIT_AND_PRINT]
    cold, warm = (
        subprocess.run(command, env=os.environ | place, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert any(tmp_path.rglob("*.nbi"))
    assert len(cold.strip()) == 64
    assert cold == warm


def test_chains_and_seeds_give_other_draws(small):
    trees = [sampling.drawn(*small, SHORT, s, "test", 1) for s in (1, 2)]
    rates = [tree["posterior"]["rate_progression"].to_numpy() for tree in trees]
    log_prior = stats.lognorm.logpdf(
        rates[0], PRIOR["rate_progression"]["sigma"], scale=CONFIG["priors"]["rate_progression"]["median"]
    )
    assert trees[0]["log_prior"]["rate_progression"].to_numpy() == pytest.approx(log_prior, rel=1e-9)
    assert len({chain.tobytes() for rate in rates for chain in rate}) == 6


def test_a_fit_with_divergent_draws_is_run_again_once_with_smaller_steps(small, monkeypatch):
    """The second run is the one that counts, and is the fit that its target acceptance alone would have given."""
    sample = nutpie.sample

    def diverging(*given, **how):
        tree = sample(*given, **how)
        if how["target_accept"] < 0.9:
            tree["sample_stats"]["diverging"][0, :3] = True
        return tree

    monkeypatch.setattr(nutpie, "sample", diverging)
    again = sampling.drawn(*small, SHORT | {"careful": 0.95}, 1, "test")
    left = sampling.drawn(*small, SHORT, 1, "test")
    alone = sampling.drawn(*small, SHORT | {"target_accept": 0.95}, 1, "test")
    xr.testing.assert_equal(again["posterior"].to_dataset(), alone["posterior"].to_dataset())
    told = [diagnostics.sampler_summary(tree) for tree in (again, left, alone)]
    assert [t["divergent_before"] for t in told] == [told[1]["divergences"], 0, 0]
    assert told[1]["divergences"] >= 3 and told[0]["divergences"] == told[2]["divergences"]
    assert [t["target_accept"] for t in told] == [0.95, 0.8, 0.95]


@pytest.mark.parametrize("limits", [{"rhat": 1.0001, "ess": 1}, {"rhat": 9.0, "ess": 10_000}])
def test_to_a_fit_beyond_the_limits_further_chains_are_added_once(small, limits):
    """Its own draws stay: a run that did not suffice is judged with the others, not replaced until one passes."""
    first = sampling.drawn(*small, SHORT, 1, "test")
    for times in (2, 3):
        more = sampling.drawn(*small, SHORT | {"longer": limits | {"times": times}}, 1, "test")
        told = diagnostics.sampler_summary(more)
        assert (told["draws"], told["draws_before"]) == (times * 120, 120)
        for group in ("posterior", "sample_stats", "log_likelihood", "log_prior"):
            chains = more[group].to_dataset()
            assert chains["chain"].to_numpy().tolist() == list(range(3 * times))
            kept = chains.isel(chain=slice(3)).drop_vars("v", errors="ignore")  # frailties are drawn for all together
            xr.testing.assert_equal(kept, first[group].to_dataset().drop_vars("v", errors="ignore"))
        rates = more["posterior"]["rate_progression"].to_numpy()
        assert len({chain.tobytes() for chain in rates}) == 3 * times


def test_further_chains_with_divergent_draws_are_run_again_by_themselves(small, monkeypatch):
    sample, called = nutpie.sample, []

    def diverging(*given, **how):
        tree = sample(*given, **how)
        tree["sample_stats"]["diverging"][:] = False
        if len(called) == 1:
            tree["sample_stats"]["diverging"][0, :3] = True
        called.append((how["chains"], how["target_accept"]))
        return tree

    monkeypatch.setattr(nutpie, "sample", diverging)
    longer = {"rhat": 9.0, "ess": 10_000, "times": 2}
    told = diagnostics.sampler_summary(sampling.drawn(*small, SHORT | {"careful": 0.95, "longer": longer}, 1, "test"))
    assert called == [(3, 0.8), (3, 0.8), (3, 0.95)]
    assert [told[k] for k in ("divergences", "divergent_before", "draws_before", "draws")] == [0, 3, 120, 240]
    assert told["target_accept"] == 0.95


@pytest.mark.parametrize("longer", [{"rhat": 9.0, "ess": 1, "times": 2}, {"rhat": 1.0001, "ess": 10_000, "times": 1}])
def test_a_fit_within_the_limits_or_without_a_second_run_keeps_its_draws(small, longer):
    told = diagnostics.sampler_summary(sampling.drawn(*small, SHORT | {"longer": longer}, 1, "test"))
    assert (told["draws"], told["draws_before"]) == (120, 0)


def test_trajectories_take_no_more_steps_than_a_tree_of_the_stated_depth_has(small):
    """At a target acceptance near 1 they are long: nutpie's own bound is a depth of 10."""
    careful = SHORT | {"target_accept": 0.999}
    steps = [
        sampling.drawn(*small, careful | own, 1, "test")["sample_stats"]["n_steps"].to_numpy().max()
        for own in ({}, {"max_treedepth": 5})
    ]
    assert steps[0] > 31 == steps[1]


def test_seeds_depend_on_every_name_and_on_where_it_stands():
    seeds = [
        sampling.seed_of(1, "a", "b"),
        sampling.seed_of(1, "b", "a"),
        sampling.seed_of(1, "ab"),
        sampling.seed_of(1, "a", "b", ""),
        sampling.seed_of(2, "a", "b"),
    ]
    assert len(set(seeds)) == 5
    assert all(0 <= s < 2**63 for s in seeds)


@pytest.mark.parametrize("name", sorted(CONFIG["priors"]))
def test_priors_have_the_median_and_97_5_percentile_that_they_state(name):
    stated, given = CONFIG["priors"][name], PRIOR[name]
    if stated["scale"] == "spread":
        assert stats.halfnorm(scale=given["sigma"]).ppf(0.975) == pytest.approx(stated["upper"])
        return
    if stated["scale"] == "share":
        assert stats.beta(0.5, given["beta"]).ppf(0.975) == pytest.approx(stated["upper"])
        return
    level = stats.norm(given["mu"], given["sigma"])
    natural = {"level": np.array, "fraction": expit}.get(stated["scale"], np.exp)
    assert natural(level.ppf(0.5)) == pytest.approx(stated["median"])
    assert natural(level.ppf(0.975)) == pytest.approx(stated["upper"])


@pytest.mark.parametrize(
    "prior",
    [
        {"scale": "positive", "median": 2, "upper": 1},
        {"scale": "ratio", "median": -1, "upper": 3},
        {"scale": "spread", "upper": 0},
        {"scale": "level", "upper": 1},
        {"scale": "share", "upper": 1.5},
    ],
)
def test_impossible_priors_are_refused_by_name(prior):
    with pytest.raises(priors.PriorError, match=r"priors\.doubling"):
        priors.convert("doubling", prior)


LIMITS = {"rhat": 1.01, "rhat_patient": 1.05, "ess_bulk": 400, "ess_tail": 400, "divergences": 0, "bfmi": 0.3}
FINE = {"divergences": 0, "bfmi": 0.9}


def diagnosed(**changes) -> pd.DataFrame:
    rows = [
        {"parameter": "tau", "level": "population", "rhat": 1.001, "ess_bulk": 900.0, "ess_tail": 800.0},
        {"parameter": "v[p1]", "level": "patient", "rhat": 1.04, "ess_bulk": 9.0, "ess_tail": 9.0},
    ]
    patient = {k.removeprefix("patient_"): v for k, v in changes.items() if k.startswith("patient_")}
    return pd.DataFrame(
        [rows[0] | {k: v for k, v in changes.items() if not k.startswith("patient_")}, rows[1] | patient]
    )


def test_the_last_word_of_a_run_names_study_model_and_where_to_read_more():
    good = acceptance.judge(diagnosed(), FINE, LIMITS, "a", "intervals")
    bad = acceptance.judge(diagnosed(rhat=1.02), FINE, LIMITS, "b", "joint_step")
    said = acceptance.summary([good, bad])
    assert said.startswith("The gate rejected 1 of 2 models.")
    assert "b/joint_step: rejected by the gate.\n  tau: R-hat 1.02, limit 1.01\n" in said
    assert "results/b/report.html" in said and "a/intervals" not in said
    assert acceptance.summary([good]) == "The gate accepted all models (1)."


def test_a_verdict_is_read_back_as_it_was_written():
    bad = acceptance.judge(diagnosed(rhat=1.02), FINE, LIMITS, "b", "joint_step")
    assert bad.record()["accepted"] is False
    assert acceptance.Verdict.of(bad.record()) == bad


def test_the_gate_accepts_a_good_fit_and_does_not_ask_ess_of_every_patient():
    verdict = acceptance.judge(diagnosed(), FINE, LIMITS, "study", "model")
    assert verdict.accepted
    assert verdict.text() == "study/model: accepted."


@pytest.mark.parametrize(
    ("changes", "sampler", "words"),
    [
        ({"rhat": 1.02}, FINE, "tau: R-hat 1.02, limit 1.01"),
        ({"ess_bulk": 399.0}, FINE, "tau: bulk ESS 399, limit 400"),
        ({"ess_tail": 12.0}, FINE, "tau: tail ESS 12, limit 400"),
        ({"patient_rhat": 1.2}, FINE, "1 of 1 patient effects above R-hat 1.05, the largest 1.2 (v[p1])"),
        ({"rhat": np.nan}, FINE, "tau: R-hat nan"),
        ({}, {"divergences": 3, "bfmi": 0.9}, "3 divergent draws, limit 0"),
        ({}, {"divergences": 0, "bfmi": 0.1}, "BFMI 0.100"),
        ({}, {"divergences": 0, "bfmi": np.nan}, "BFMI nan"),
    ],
)
def test_the_gate_names_parameter_value_and_limit(changes, sampler, words):
    verdict = acceptance.judge(diagnosed(**changes), sampler, LIMITS, "study", "model")
    assert not verdict.accepted
    assert words in verdict.text()
    assert "Nothing is concluded" in verdict.text()
