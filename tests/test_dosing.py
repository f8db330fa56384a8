"""What a fit says of dosing, from draws whose numbers are known."""

import numpy as np
import pandas as pd
import pytest
import yaml
from test_models import ABOUT, CONFIG, CURVE, LINE, STRANDS, small_study

from redose import design, dosing, kinetics

Z95 = 1.6448536269514722


def designed(kinetic: dict):
    options = CONFIG["studies"]["redosable"]["models"]["joint_step"] | CONFIG["model"]
    options |= {"estimand": CONFIG["studies"]["redosable"]["estimand"], "kinetics": kinetic}
    plain = {"covariates": ["age"], "time_dependent": []}
    options |= {"progression": plain, "death": plain}
    return design.build(small_study(), ABOUT, "joint_step", options, CONFIG["priors"])


def draws_of(data, **changes) -> dict:
    """Two draws of every parameter that moves the kill, alike unless changed."""
    values = {"delta": 1.2, "psi": 0.5, "rho": -0.1, "doubling": 36.0, "omega_delta": 0.4, "omega_g": 0.3}
    found = {name: np.array([x, x]) for name, x in (values | {"omega_lot": 0.15}).items()}
    dims = {"xi": "property", "theta": "timed", "kappa": "course", "u_lot": "lot", "eta": "kill_covariate"}
    dims |= {"beta_g": "growth_covariate", "half_life": "product"}
    of = {"xi": 0.3, "theta": 0.2, "kappa": 0.01, "u_lot": 0.1, "eta": -0.2, "beta_g": -0.1, "half_life": 2.0}
    return found | {n: np.full((data.sizes[d], 2), of[n]) for n, d in dims.items()} | changes


@pytest.fixture(scope="module")
def strands():
    return designed(STRANDS)


def told(data, draws) -> dict:
    table = dosing.summary(data, draws, draws, 0.9, None).fillna({"of": "", "contrast": ""})
    return {(r.quantity, r.of, r.contrast): r for r in table.itertuples()}


def test_kill_by_product_and_lot_by_hand(strands):
    found = told(strands, draws_of(strands))
    products = list(strands["product"].to_numpy())
    assert products == ["NK", "memory"]  # the property is memory against NK
    assert found["kill", "NK", "median patient"].median == pytest.approx(1.2)
    assert found["kill", "memory", "median patient"].median == pytest.approx(1.2 * np.exp(0.3))
    slow = found["kill_low", "NK", "patient at percentile 5"]
    assert slow.median == pytest.approx(1.2 * np.exp(-0.4 * Z95))
    assert (found["kill", "NK", "median patient"].infusions, found["kill", "memory", "median patient"].infusions) == (
        4,
        1,
    )
    assert found["kill_lot", "L1", ""].median == pytest.approx(1.2 * np.exp(0.1))
    assert (found["kill_lot", "L1", ""].infusions, found["kill_lot", "L2", ""].infusions) == (2, 2)


def test_ratios_and_paces_by_hand(strands):
    found = told(strands, draws_of(strands))
    # ages 50, 60, 75, centred at 60, per 10: percentiles 10 and 90 at 52 and 72
    assert found["kill_ratio", "age", "72 against 52"].median == pytest.approx(np.exp(-0.2 * 2))
    assert found["doubling_ratio", "age", "72 against 52"].median == pytest.approx(np.exp(-0.1 * 2))
    assert found["kill_timed", "radiotherapy", "timed to it against not"].median == pytest.approx(np.exp(0.2))
    assert found["kill_dose", "", "twice the cells"].median == pytest.approx(2**0.5)
    assert found["kill_repeat", "", "fourth infusion against first"].median == pytest.approx(np.exp(-0.3))
    assert found["course", "nivolumab", "28 days on it"].median == pytest.approx(0.28)
    assert found["kill_lots", "", "percentile 95 against 5"].median == pytest.approx(np.exp(0.3 * Z95))
    assert found["doubling_high", "", "patient at percentile 95"].median == pytest.approx(36 * np.exp(0.3 * Z95))
    assert found["half_life", "memory", ""].median == 2.0


def test_the_kill_is_what_the_marker_loses(strands):
    """One infusion of the reference dose, long after: the level has fallen by the kill that the table gives."""
    doses = kinetics.arrange_doses(np.array([0]), np.array([0.0]), np.array([0]), np.zeros((1, 1)), 1)
    total, running = kinetics.dose_states(doses, np.zeros((1, 1)), np.array([[2.0]]))
    slot, since = kinetics.last_dose(doses, np.array([0]), np.array([400.0]))
    done = kinetics.kill_done(total, running, slot, since, np.array([[2.0]]))
    expected = told(strands, draws_of(strands))["kill", "NK", "median patient"].median
    assert float(1.2 * done[0, 0]) == pytest.approx(expected)


def test_prior_and_interval_stand_beside_the_posterior(strands):
    after = draws_of(strands, doubling=np.linspace(30, 40, 101))
    after = {n: np.broadcast_to(x[..., :1], (*x.shape[:-1], 101)) if n != "doubling" else x for n, x in after.items()}
    table = dosing.summary(strands, after, draws_of(strands), 0.9, None).set_index("quantity")
    row = table.loc["doubling"]
    assert (row["median"], row["low"], row["high"]) == pytest.approx((35.0, 30.5, 39.5))
    assert row["prior_median"] == 36.0
    assert table["truth"].isna().all()


def truth_file(folder, **changes):
    known = {"delta": 1.2, "psi": 0.3, "rho": -0.05, "doubling": 36.0, "omega_delta": 0.4, "omega_g": 0.4}
    known |= {"omega_lot": 0.15, "cured": 0.0, "reference_cells": 4.5e8, "kappa": {"nivolumab": 0.01}}
    known |= {"xi": {"product memory": 0.3}, "theta": {}, "eta": {"age": -0.3}, "beta_g": {}}
    known |= {"half_life": {"NK": 2.0, "memory": 21.0}} | changes
    (folder / "truth.yaml").write_text(yaml.safe_dump({"parameters": known, "u_lot": {"L1": 0.07}}))
    return str(folder)


def test_the_truth_is_told_at_the_reference_dose_of_the_model(strands, tmp_path):
    truth = dosing.read_truth(truth_file(tmp_path), strands)
    table = dosing.summary(strands, draws_of(strands), draws_of(strands), 0.9, truth)
    found = {(r.quantity, r.of): r.truth for r in table.itertuples()}
    at_reference = 1.2 * 2**0.3  # the model's dose is twice the simulator's
    assert found["kill", "NK"] == pytest.approx(at_reference)
    assert found["kill_lot", "L1"] == pytest.approx(at_reference * np.exp(0.07))
    assert found["kill_ratio", "age"] == pytest.approx(np.exp(-0.6))
    assert found["kill_timed", "radiotherapy"] == 1.0  # the simulator knows of no such effect
    assert dosing.read_truth(truth_file(tmp_path, xi={"edit CD38": 0.2}), strands) is None
    assert dosing.read_truth(None, strands) is None


@pytest.mark.parametrize("kinetic", [LINE, CURVE])
def test_a_marker_without_infusions_has_a_change_instead_of_a_kill(kinetic):
    data = designed(kinetic)
    m = data.sizes["basis"]
    draws = {"mu_b": np.zeros(2), "slope": np.full((m, 2), 0.8), "omega_s": np.full((m, 2), 0.5)}
    draws |= {"beta_s": np.full((data.sizes["growth_covariate"], m, 2), 0.1)}
    if "correlation" in data or kinetic.get("correlated"):
        draws["correlation"] = np.zeros((data.sizes["trait_pair"], 2))
    table = dosing.summary(data, draws, draws, 0.9, None)
    assert set(table["quantity"]) >= {"change", "change_low", "change_high"}
    last = max(data["point_elapsed"].to_numpy()[: data.sizes["sample"]]) / kinetics.YEAR
    years = round(last, 2)  # the samples end within a year
    rows = table.set_index("quantity")
    if m == 1:
        assert rows.loc["change", "median"] == pytest.approx(0.8 * years)
        assert rows.loc["change_high", "median"] == pytest.approx((0.8 + 0.5 * Z95) * years)
        assert rows.loc["change_difference", "median"] == pytest.approx(0.1 * 2 * years)
    assert rows.loc["change", "of"] == f"{years:g} years on"
    assert dosing.read_truth("anywhere", data) is None
    assert not table["quantity"].str.startswith("kill").any()


def test_the_columns_are_those_that_figures_read(strands):
    table = dosing.summary(strands, draws_of(strands), draws_of(strands), 0.9, None)
    assert list(table.columns) == dosing.COLUMNS
    assert not table.duplicated(["quantity", "of", "contrast"]).any()
    assert pd.api.types.is_integer_dtype(table["infusions"])
