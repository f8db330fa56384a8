"""What samples say of the kills of lots, before anything is sampled: true on simulated trials, and rightly summed."""

import numpy as np
import pytest
from test_coordinates import CONFIG, PROTOCOL, ROOT, STUDY

from redose import checks, coordinates, design, lots, simulate, tables


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """(design, truth) of 80 simulated patients."""
    folder = tmp_path_factory.mktemp("study")
    simulated, truth = simulate.simulate(simulate.protocol_with(PROTOCOL, {"patients": {"count": 80}}))
    simulate.write(simulated, truth, folder)
    study = tables.read_study(ROOT / "data/redosable/study.yaml", folder, "redosable")
    options = CONFIG["model"] | {"estimand": STUDY["estimand"]} | STUDY["models"]["joint_step"]
    return design.build(checks.check(study).tables, study.about, "joint_step", options, CONFIG["priors"]), truth


def test_lots_are_told_as_well_as_they_are_said_to_be(studied):
    """In every direction the centre lies about the truth with the stated information as its precision. Lots given to
    the same patients differ within these, so that contrasts are told to a twentieth or better in most directions."""
    data, truth = studied
    own, true = truth["parameters"], np.array([truth["u_lot"][name] for name in data["lot"].to_numpy()])
    true = np.log(own["delta"]) + data["lot_property"].to_numpy()[:, 0] * own["xi"]["product memory-NK"] + true
    known, turned = data["lot_information"].to_numpy(), data["lot_turned"].to_numpy()
    off = np.sqrt(known) * (data["lot_centre"].to_numpy() - turned.T @ true)
    assert np.abs(off).max() < 4
    assert 0.4 < np.sqrt(np.mean(off**2)) < 1.8
    assert np.median(known) > 100


def test_profiling_by_patients_is_that_of_one_matrix(studied):
    """The information about what is shared, by patients' blocks, is the Schur complement in the one large matrix of all
    traits and shared parameters."""
    (data, _), priors = studied, CONFIG["priors"]
    found, samples = coordinates.approximate(data, priors), coordinates.reference_samples(data, priors)
    response = coordinates.working_response(data, samples, found)
    jacobian, residual, weight = response
    moved = coordinates.moved_by_shared(data, priors, samples, jacobian)
    at, size, n = coordinates.groups(data), data.sizes["trait"], len(residual)
    whole = np.zeros((n + size, size + moved.shape[1]))
    whole[np.arange(n), samples.interval] = jacobian[:, 0]
    whole[np.arange(n), at["growth"][0][samples.patient]] = jacobian[:, 1]
    whole[np.arange(n), at["kill"][samples.patient]] = jacobian[:, 2]
    whole[:n, size:] = moved
    whole[n + np.arange(size), np.arange(size)] = 1.0  # a trait less its mean, known to the spread
    whole[n + at["kill"], size : size + data.sizes["feature"]] = -data["mean_features"].to_numpy()
    precision = np.concatenate([weight, 1 / found.spread**2])
    left = np.concatenate([residual, -(found.centre - found.mean)])
    information, score = lots.told(data, coordinates.patient_blocks(data), found, samples, response, moved)
    matrix = whole.T @ (precision[:, None] * whole)
    tied = np.linalg.solve(matrix[:size, :size], matrix[:size, size:])
    scale = np.sqrt(np.outer(*2 * [np.diag(matrix)[size:]]))
    assert information / scale == pytest.approx((matrix[size:, size:] - matrix[size:, :size] @ tied) / scale, abs=1e-9)
    assert score == pytest.approx((whole.T @ (precision * left))[size:], rel=1e-9, abs=1e-9)
