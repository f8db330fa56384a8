"""Sampling coordinates: the approximation before sampling finds the traits of simulated patients, and their class."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from redose import checks, coordinates, design, simulate, tables

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
STUDY = CONFIG["studies"]["redosable"]
PROTOCOL = yaml.safe_load((ROOT / "data/redosable/simulation.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def approximated(tmp_path_factory):
    """(design, approximation, truth) of 80 simulated patients, of whom every fifth or so never regrows."""
    folder = tmp_path_factory.mktemp("study")
    change = {"patients": {"count": 80}, "parameters": {"cured": 0.2, "rate_progression": 0.1}}
    simulated, truth = simulate.simulate(simulate.protocol_with(PROTOCOL, change))
    simulate.write(simulated, truth, folder)
    study = tables.read_study(ROOT / "data/redosable/study.yaml", folder, "redosable")
    options = CONFIG["model"] | {"estimand": STUDY["estimand"]} | STUDY["models"]["joint_step"]
    options |= {"kinetics": options["kinetics"] | {"cured": True}}
    data = design.build(checks.check(study).tables, study.about, "joint_step", options, CONFIG["priors"])
    return data, coordinates.approximate(data, CONFIG["priors"]), truth


def test_modes_lie_near_the_true_traits(approximated):
    """Within three approximate sds for 19 in 20 of those who grow, whose growth can be told from their samples."""
    data, found, truth = approximated
    patients = [truth["patients"][name] for name in data["patient"].to_numpy()]
    growth = coordinates.groups(data)["growth"][0]
    error = (found.centre[growth] - np.log([p["doubling"] for p in patients])) / np.sqrt(found.variance[growth])
    known = ~np.array([p["still"] for p in patients]) & (found.grows > 0)
    assert known.sum() > 50
    assert (np.abs(error[known]) < 3).mean() >= 0.95


def test_who_never_regrows_is_told_from_who_does(approximated):
    """Most of those put into the class belong there; of growers hardly any is."""
    data, found, truth = approximated
    still = np.array([truth["patients"][name]["still"] for name in data["patient"].to_numpy()])
    assert still.sum() >= 10
    assert still[found.grows == 0].mean() > 0.7
    assert (found.grows[~still] == 1).mean() > 0.9


def test_noise_is_that_of_each_assay(approximated):
    """0.30 by flow and 0.20 by sequencing, within a quarter: traits that were fitted take some of it."""
    data, found, truth = approximated
    for name, sigma in truth["parameters"]["sigma"].items():
        of = data["sample_assay"].to_numpy() == list(data["assay"].to_numpy()).index(name)
        assert np.unique(found.sigma[of]).item() == pytest.approx(sigma, rel=0.25)
