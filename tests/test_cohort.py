"""The cohort before any model: counted by hand in small studies, and true of any."""

import math

import dossiers
import numpy as np
import pandas as pd
import pytest
import studies

from redose import checks, cohort, contract, tables
from redose.cohort import baseline, flow, histories, missing, visits
from redose.cohort.groups import ALL

WORDS = dossiers.CONFIG["studies"]["bladder"]["estimand"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """(checked tables, about) of the small study of tests/studies.py: four patients, five intervals."""
    folder = tmp_path_factory.mktemp("small")
    study = tables.read_study(studies.write(folder, studies.about(), studies.tables()), folder)
    return checks.check(study).tables, study.about


def three() -> dict[str, pd.DataFrame]:
    """Three patients without infusions, samples or a second group; one has no interval at all."""
    found = {name: contract.empty(name) for name in contract.TABLES}
    found["patients"] = contract.finished("patients", pd.DataFrame({"patient": ["a", "b", "c"]}))
    rows = {"patient": ["a", "b"], "interval": 1, "start_day": 0, "end_day": [50, 80]}
    rows["outcome"] = ["progression", "censored"]
    return found | {"intervals": contract.finished("intervals", pd.DataFrame(rows))}


def counted(table: pd.DataFrame, group: str = ALL) -> dict:
    part = table[table["group"] == group]
    return dict(zip(zip(part["step"], part["outcome"], strict=True), part["count"], strict=True))


def test_the_flow_is_that_of_the_records(small):
    found = counted(flow.flow(small[0]))
    assert found["enrolled", ""] == 4
    assert (found["infused", ""], found["not infused", ""]) == (3, 1)  # 004 has no infusion
    assert (found["MRD sampled", ""], found["no MRD sample", ""]) == (3, 1)
    first = {o: found["interval 1", o] for o in ("", *contract.OUTCOMES)}
    expected = {"": 4, "progression": 1, "death": 1, "transplant": 1, "new_therapy": 0, "censored": 1}
    assert first == expected
    assert found["interval 1", flow.NO_FURTHER] == 1  # the transplant; the progression has a second interval
    assert (found["interval 2", ""], found["interval 2", "censored"]) == (1, 1)
    assert ("interval 3", "") not in found
    assert counted(flow.flow(small[0]), "adaptive")["interval 1", "transplant"] == 1


def test_groups_add_up_to_all_patients(small):
    table = flow.flow(small[0])
    parts = table[table["group"] != ALL].groupby(["step", "outcome"])["count"].sum()
    assert parts.to_dict() == counted(table)


def test_a_study_of_three_has_a_flow_without_infusions_and_samples():
    table = flow.flow(three())
    assert set(table["group"]) == {ALL}
    found = counted(table)
    assert (found["enrolled", ""], found["interval 1", ""], found["interval 1", flow.NO_FURTHER]) == (3, 2, 1)
    assert not [step for step, _ in found if "infused" in step or "MRD" in step]


def test_later_intervals_are_counted_as_intervals():
    intervals = pd.DataFrame({"interval": range(1, 7), "outcome": ["progression"] * 6, "over": [False] * 5 + [True]})
    found = {row[:2]: row[2] for row in flow.ended(intervals)}
    assert (found[flow.LATER, ""], found[flow.LATER, "progression"], found[flow.LATER, flow.NO_FURTHER]) == (3, 3, 1)


def characters(patients: pd.DataFrame, about: dict) -> pd.DataFrame:
    return baseline.baseline(three() | {"patients": contract.finished("patients", patients)}, about)


def two_arms() -> pd.DataFrame:
    """Five patients of arm A and five of B: a number with a gap, a flag and a category."""
    people = pd.DataFrame({"patient": [f"p{k}" for k in range(10)], "arm": ["A"] * 5 + ["B"] * 5})
    people["age"] = [50.0, 52, 54, 56, np.nan, 60, 62, 64, 66, 68]
    people["fit"] = [1.0, 1, 1, 1, 0, 1, 0, 0, 0, 0]
    return people.assign(sex=["f", "f", "f", "m", "", "f", "m", "m", "m", "m"])


def test_table_1_by_hand():
    about = {"covariates": {"age": {"label": "age of the patient", "role": "baseline", "unit": "years"}}}
    table = characters(two_arms(), about).set_index(["covariate", "category", "group"])
    age = table.loc[("age", "", "A")]
    assert (age["label"], age["unit"], age["kind"]) == ("age of the patient", "years", "number")
    assert (age["patients"], age["missing"]) == (5, 1)
    assert list(age[["median", "q1", "q3", "low", "high"]]) == [53.0, 51.5, 54.5, 50.0, 56.0]
    fit = table.loc[("fit", "", ALL)]
    assert (fit["kind"], fit["count"], fit["share"]) == ("flag", 5, 0.5)
    female = table.loc[("sex", "f", "A")]
    assert (female["count"], female["share"], female["missing"]) == (3, 0.75, 1)  # of the four that are known


def test_differences_are_standardised_by_hand():
    rows = characters(two_arms(), {}).set_index(["covariate", "category", "group"])["difference"]
    # means 53 and 64; variances 20/3 and 10
    assert rows["age", "", ALL] == pytest.approx(11 / math.sqrt((20 / 3 + 10) / 2))
    # shares 0.8 and 0.2, of either variance 0.16
    assert rows["fit", "", ALL] == pytest.approx(0.6 / 0.4)
    # shares of f 0.75 and 0.2
    assert rows["sex", "f", ALL] == rows["sex", "m", ALL]
    assert rows["sex", "f", ALL] == pytest.approx(0.55 / math.sqrt((0.75 * 0.25 + 0.2 * 0.8) / 2))
    assert math.isnan(rows["age", "", "A"])


def test_a_category_that_tells_the_arms_apart_differs_infinitely_and_three_arms_have_no_difference():
    people = two_arms().assign(hall=["x"] * 5 + ["y"] * 5)
    found = characters(people, {}).set_index(["covariate", "category", "group"])["difference"]
    assert found["hall", "x", ALL] == math.inf
    people["arm"] = ["A"] * 4 + ["B"] * 3 + ["C"] * 3
    assert characters(people, {})["difference"].isna().all()


def test_many_levels_are_pooled_and_burden_is_the_last_before_treatment(small):
    people = pd.DataFrame({"patient": [f"p{k:02d}" for k in range(40)], "city": [f"c{k % 20:02d}" for k in range(40)]})
    people.loc[39, "city"] = "c00"
    table = characters(people, {})
    assert len(table) == baseline.LEVELS
    assert table["count"].sum() == 40
    assert "any of 9 others" in set(table["category"])
    own = cohort.describe(*small, WORDS)["baseline"].set_index(["covariate", "category", "group"])
    assert own.loc[("burden", "", ALL), "median"] == 12.5  # of 001; 003 was measured on day 28 only
    assert own.loc[("burden", "", ALL), "missing"] == 3


def test_histories_hold_every_record_once(small):
    table = histories.histories(small[0])
    kinds = table["kind"].value_counts()
    assert kinds["interval"] == 5 and kinds["infusion"] == 5 and kinds["course"] == 2
    assert kinds["above"] + kinds["below"] == 9
    assert (kinds["acute"], kinds["chronic"]) == (2, 1)
    assert table["kind"].isin(contract.OUTCOMES).sum() == 5
    chronic = table[table["kind"] == "chronic"].iloc[0]
    assert (chronic["patient"], chronic["start"], chronic["end"], chronic["label"]) == ("002", 100.0, 120.0, "mild")
    assert (table["end"] >= table["start"]).all()
    assert list(histories.ordered(table, small[0]["patients"])["patient"]) == ["002", "004", "001", "003"]


def test_sixty_of_many_are_chosen_evenly_and_always_the_same():
    order = pd.DataFrame({"patient": [f"p{k}" for k in range(240)], "group": ["a"] * 200 + ["b"] * 40, "followed": 1.0})
    shown = histories.chosen(order)
    assert len(shown) == histories.SHOWN == len(set(shown["patient"]))
    assert list(shown["patient"].iloc[[0, -1]]) == ["p0", "p239"]
    assert (shown["group"] == "b").sum() == 10
    assert histories.chosen(order).equals(shown)
    assert len(histories.chosen(order[:7])) == 7


def test_sampling_by_hand(small):
    data = small[0]
    assert sorted(visits.gaps(data["mrd"])) == [30, 30, 35, 56, 62, 90]
    of = visits.assays(data).set_index("assay")
    assert (of.loc["NGS", "samples"], of.loc["NGS", "patients"], of.loc["flow", "below"]) == (7, 3, 1)
    rate = visits.sampling(data).query("measure == 'rate'").iloc[0]
    # days 0 to 56 of four patients: samples on days 28; 0 and 30; 28
    assert (rate["number"], rate["value"]) == (4, pytest.approx(28 * 4 / (4 * 56)))
    below = visits.sampling(data).query("measure == 'below' and assay == 'NGS' and day == 0").iloc[0]
    assert (below["number"], below["value"]) == (3, pytest.approx(2 / 3))


def test_nothing_measured_gives_empty_tables():
    assert visits.sampling(three()).empty
    assert visits.assays(three()).empty


def test_missing_values_and_what_no_model_reads(small):
    table = missing.missing(small[0], WORDS).set_index(["table", "column"])["missing"]
    assert table["infusions", "lot"] == 1
    assert table["gvhd", "grade"] == 1
    assert table["mrd", "mrd"] == 4
    assert table["intervals", "last_free_day"] == 3
    assert table["mrd", missing.ROWS] == 0
    assert table["intervals", missing.ROWS] == 0


def test_samples_between_intervals_and_intervals_beyond_the_estimand_are_left_out():
    data = three()
    rows = {"patient": ["a", "a"], "interval": [1, 2], "start_day": [0, 60], "end_day": [50, 90]}
    rows["outcome"] = ["transplant", "censored"]
    data["intervals"] = contract.finished("intervals", pd.DataFrame(rows))
    days = pd.DataFrame({"patient": ["a", "a", "a", "a", "c"], "day": [-3.0, 50.0, 55.0, 60.0, 1.0]})
    assert list(missing.outside(days, data["intervals"])) == [False, False, True, False, True]
    found = missing.missing(data, WORDS).set_index(["table", "column"])["missing"]
    assert found["intervals", missing.ROWS] == 1
    through = missing.missing(data, WORDS | {"transplant": "treatment_policy"}).set_index(["table", "column"])
    assert through.loc[("intervals", missing.ROWS), "missing"] == 0
