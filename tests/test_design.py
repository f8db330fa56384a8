"""The design against small examples worked by hand."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from test_models import ABOUT, CONFIG, STRANDS, options, small_study

from redose import covariates, design, estimand, prediction


def build(model="intervals", tables=None, about=ABOUT, **changes):
    return design.build(tables or small_study(), about, model, options() | changes, CONFIG["priors"])


def test_pieces_are_cut_where_a_covariate_changes():
    """p2, GVHD on (20, 60]: three pieces, on in the second; p3, platelets from day 25: two pieces."""
    data = build()
    mine = data["row_interval"].to_numpy() == 3
    assert data["row_entry"].to_numpy()[mine].tolist() == [0, 20, 60]
    assert data["row_exit"].to_numpy()[mine].tolist() == [20, 60, 300]
    column = list(data["progression_covariate"].to_numpy()).index("gvhd")
    assert data["x_progression"].to_numpy()[mine, column].tolist() == [0, 1, 0]
    mine = data["row_interval"].to_numpy() == 4
    column = list(data["progression_covariate"].to_numpy()).index("platelet_recovery")
    assert data["x_progression"].to_numpy()[mine, column].tolist() == [0, 1]


def test_a_condition_that_starts_at_the_event_does_not_explain_it():
    tables = small_study()
    tables["gvhd"].loc[0, ["onset_day", "end_day"]] = [300.0, 310.0]
    data = build(tables=tables)
    column = list(data["progression_covariate"].to_numpy()).index("gvhd")
    mine = data["row_interval"].to_numpy() == 3
    assert data["x_progression"].to_numpy()[mine, column].tolist() == [0]


def test_gvhd_of_an_earlier_interval_lasts_on_the_calendar():
    """p1's chronic GVHD from day 120, no end: on in interval 2 from clock 20, and throughout interval 3."""
    data = build()
    column = list(data["progression_covariate"].to_numpy()).index("gvhd")
    for interval, expected in ((0, [0]), (1, [0, 1, 1]), (2, [1])):
        mine = data["row_interval"].to_numpy() == interval
        assert data["x_progression"].to_numpy()[mine, column].tolist() == expected


@pytest.mark.parametrize(
    ("estimand", "events"),
    [
        ({"death": "competing", "transplant": "hypothetical"}, ["progression", "progression", "none", "death", "none"]),
        (
            {"death": "composite", "transplant": "composite"},
            ["progression", "progression", "none", "progression", "progression"],
        ),
        (
            {"death": "hypothetical", "transplant": "hypothetical"},
            ["progression", "progression", "none", "none", "none"],
        ),
    ],
)
def test_the_estimand_decides_what_an_outcome_counts_as(estimand, events):
    data = build(estimand={"new_therapy": "hypothetical", **estimand})
    assert data["interval_event"].to_numpy().tolist() == events
    assert ("x_death" in data) == (estimand["death"] == "competing")


def through(word: str) -> xr.Dataset:
    """p1's first progression is a new therapy, through which its follow-up goes on and which counts as `word`."""
    tables = small_study()
    tables["intervals"].loc[0, "outcome"] = "new_therapy"
    words = {"death": "competing", "transplant": "hypothetical", "new_therapy": word}
    return build(tables=tables, estimand=words, new_therapy={"covariates": ["age"]})


@pytest.mark.parametrize(
    ("word", "exits", "events"),
    [
        # p1: interval 1 to day 100, 2 to day 190 (progression), 3 to day 240 (censored); p2 to 300, p3 to 150
        ("treatment_policy", [190, 50, 300, 150], ["progression", "none", "death", "none"]),
        ("hypothetical", [100, 300, 150], ["none", "death", "none"]),
        ("composite", [100, 90, 50, 300, 150], ["progression", "progression", "none", "death", "none"]),
        ("competing", [100, 300, 150], ["new_therapy", "death", "none"]),
        ("while_on_treatment", [100, 300, 150], ["new_therapy", "death", "none"]),
    ],
)
def test_what_follows_a_new_therapy_is_for_the_estimand_to_say(word, exits, events):
    data = through(word)
    assert data["interval_exit"].to_numpy().tolist() == exits
    assert data["interval_event"].to_numpy().tolist() == events
    competes = ["new_therapy"] * (word in ("competing", "while_on_treatment"))
    assert design.causes(data) == ["progression", "death", *competes]
    mine = data["interval_patient"].to_numpy() == 0
    assert data["interval_number"].to_numpy()[mine].tolist() == list(range(1, mine.sum() + 1))


def test_an_interval_that_runs_through_a_new_therapy_keeps_the_assessments_of_its_end():
    """p1 progressed between day 130 and 190, after the new therapy on day 100 of the same interval."""
    data = through("treatment_policy")
    assert data["interval_free"].to_numpy()[0] == 130 and data["interval_entry"].to_numpy()[0] == 0
    assert data["interval_time"].to_numpy()[0] == 160


def test_treatment_policy_censors_where_nothing_follows():
    words = {"death": "competing", "transplant": "treatment_policy", "new_therapy": "hypothetical"}
    data = build(estimand=words)
    assert data["interval_event"].to_numpy()[-1] == "none" and data["interval_exit"].to_numpy()[-1] == 150
    intervals = small_study()["intervals"]
    assert "1 of 1 were not followed beyond it" in estimand.counts_as("transplant", "treatment_policy", intervals)


def test_a_competing_cause_without_options_is_said_with_its_cure():
    words = {"death": "hypothetical", "transplant": "competing", "new_therapy": "hypothetical"}
    with pytest.raises(covariates.DesignError, match=r"models\.\*\.transplant is missing.*`transplant: \{covariates"):
        build(estimand=words)


def test_clocks():
    gap, total = build(clock="gap"), build(clock="total")
    assert gap["interval_entry"].to_numpy().tolist() == [0, 0, 0, 0, 0]
    assert gap["interval_exit"].to_numpy().tolist() == [100, 90, 50, 300, 150]
    assert total["interval_entry"].to_numpy().tolist() == [0, 100, 190, 0, 0]
    assert total["interval_exit"].to_numpy().tolist() == [100, 190, 240, 300, 150]


def test_samples_belong_to_the_interval_that_starts_that_day():
    tables = small_study()
    late = {"patient": "p1", "day": 260, "assay": "flow", "mrd": 0.1, "lod": 1e-4, "below": False}
    tables["mrd"] = pd.concat([tables["mrd"], pd.DataFrame([late])], ignore_index=True)
    data = build("joint_value", tables)
    assert data.sizes["sample"] == 7  # day 260 lies after the end of follow-up
    assert data["sample_interval"].to_numpy().tolist() == [0, 0, 1, 1, 3, 3, 3]
    assert data["point_elapsed"].to_numpy()[:7].tolist() == [-7, 30, 0, 80, 0, 200, 290]
    assert data["sample_y"].to_numpy()[1] == pytest.approx(-4.0)


def test_delayed_entry_keeps_the_clock_of_the_start():
    """p2 was treated 40 days before day 0 and entered on day 10; p1 enters interval 2 on day 120, last seen on 105."""
    tables = small_study()
    tables["intervals"].loc[3, ["start_day", "entry_day"]] = [-40.0, 10.0]
    tables["intervals"].loc[1, ["entry_day", "last_free_day"]] = [120.0, 105.0]
    gap, total = build(tables=tables), build(tables=tables, clock="total")
    assert gap["interval_entry"].to_numpy().tolist() == [0, 20, 0, 50, 0]
    assert gap["interval_exit"].to_numpy().tolist() == [100, 90, 50, 340, 150]
    assert gap["interval_free"].to_numpy()[1] == 20  # who enters is free
    assert total["interval_entry"].to_numpy().tolist() == [0, 120, 190, 10, 0]
    weights = build("joint_value", tables)
    summed = np.bincount(weights["row_interval"].to_numpy(), weights["row_weight"].to_numpy())
    assert summed == pytest.approx([100, 70, 50, 290, 150])


def test_covariates_are_coded_as_study_yaml_says():
    data = build()
    static = data["static_progression"].to_numpy()
    names = list(data["progression_covariate"].to_numpy())
    assert static[:, names.index("age")].tolist() == [-1.0, -1.0, -1.0, 0.0, 1.5]  # per 10 years, centred at 60
    assert static[:, names.index("interval")].tolist() == [0, 1, 2, 0, 0]
    assert static[:, names.index("arm[y]")].tolist() == [0, 0, 0, 1, 1]
    other = build(about={**ABOUT, "covariates": {"arm": {"reference": "y"}}})
    assert "arm[x]" in list(other["progression_covariate"].to_numpy())


def test_nodes_integrate_over_the_whole_interval():
    data = build("joint_step")
    summed = np.bincount(data["row_interval"].to_numpy(), data["row_weight"].to_numpy())
    assert summed == pytest.approx([100, 90, 50, 300, 150])


def test_quadrature_is_exact_for_a_power_of_time():
    """∫ t^0.2 dt over (0, 300] through the nodes of p2: the crowding at 0 takes the branch point."""
    data = build("joint_step")
    mine = data["row_interval"].to_numpy() == 3
    clock, weight = data["row_clock"].to_numpy()[mine], data["row_weight"].to_numpy()[mine]
    assert (weight * clock**0.2).sum() == pytest.approx(300**1.2 / 1.2, rel=1e-4)
    assert (weight * clock**-0.4).sum() == pytest.approx(300**0.6 / 0.6, rel=2e-3)


def with_burden(*rows: tuple) -> dict[str, pd.DataFrame]:
    tables = small_study()
    columns = ["patient", "day", "burden", "lod"]
    found = pd.DataFrame(rows, columns=columns)
    tables["burden"] = found.assign(below=found["burden"].isna())
    return tables


BURDENS = [
    ("p1", -7.0, 10.0, np.nan),
    ("p1", 130.0, np.nan, 1.0),  # below its limit: counts as the limit
    ("p1", 190.0, 1000.0, np.nan),
    ("p2", 0.0, 100.0, np.nan),
    ("p2", 300.0, 1e6, np.nan),  # on the day of death: does not explain it
    ("p3", 0.0, 1000.0, np.nan),
]
LAST = {"covariates": [], "time_dependent": ["burden"]}


@pytest.mark.parametrize(("centre", "by"), [(None, 2.0), (1.0, 0.0)])
def test_burden_is_carried_forward_on_the_log_scale(centre, by):
    """First values are 10, 100, 1000: geometric mean 100. p1: interval 2 from day 100 is cut at 130; 3 is from 190."""
    described = {"covariates": {} if centre is None else {"burden": {"centre": centre}}}
    data = build(tables=with_burden(*BURDENS), about=described, progression=LAST, death={"covariates": []})
    x, interval = data["x_progression"].to_numpy()[:, 0], data["row_interval"].to_numpy()
    assert [(x[interval == k] + by).round(12).tolist() for k in range(5)] == [[1], [1, 0], [3], [2], [3]]
    assert data["row_entry"].to_numpy()[interval == 1].tolist() == [0, 30]
    points = np.array([0, 1, 1, 2, 3, 3])
    day = np.array([50.0, 130.0, 131.0, 200.0, 300.0, 301.0])
    at = prediction.covariates_at(data, "progression", points, day)[:, 0]
    assert at + by == pytest.approx([1, 1, 0, 3, 2, 6])


def test_burden_enters_the_joint_models_too():
    data = build("joint_value", tables=with_burden(*BURDENS), death=LAST)
    mine = data["row_interval"].to_numpy() == 1
    late = data["row_clock"].to_numpy()[mine] > 30
    assert data["x_death"].to_numpy()[mine, 0] == pytest.approx(np.where(late, -2.0, -1.0))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "no table of that name"),
        (BURDENS[:-1], r"1 patients \(p3\) have no burden measured by the day"),
        ([*BURDENS[:-1], ("p3", 5.0, 3.0, np.nan)], r"1 patients \(p3\) have no burden measured by the day"),
        ([*BURDENS, ("p3", 20.0, 0.0, np.nan)], "patient p3 on day 20 is 0, which has no logarithm"),
    ],
)
def test_burden_is_not_imputed(rows, words):
    with pytest.raises(covariates.DesignError, match=words):
        build(tables=with_burden(*rows), progression=LAST)


def test_a_centre_of_burden_has_a_logarithm():
    with pytest.raises(covariates.DesignError, match=r"covariates\.burden\.centre is 0"):
        build(tables=with_burden(*BURDENS), about={"covariates": {"burden": {"centre": 0.0}}}, progression=LAST)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"progression": {"covariates": ["weight"], "time_dependent": []}}, ["progression", "'weight'", "age"]),
        (
            {"progression": {"covariates": [], "time_dependent": ["engraftment"]}},
            ["'engraftment'", "platelet_recovery"],
        ),
    ],
)
def test_what_the_study_lacks_is_said(change, words):
    with pytest.raises(covariates.DesignError) as error:
        build(**change)
    assert all(w in str(error.value) for w in words)


def test_a_joint_model_needs_samples():
    tables = small_study()
    tables["mrd"] = tables["mrd"].iloc[:0]
    with pytest.raises(covariates.DesignError, match="mrd"):
        build("joint_step", tables)


def test_a_covariate_with_one_value_is_refused():
    tables = small_study()
    tables["patients"]["arm"] = "x"
    with pytest.raises(covariates.DesignError, match=r"'arm' has one value"):
        build(tables=tables)


def test_a_censored_patient_is_free_until_the_last_assessment_only():
    """p1's third interval is censored at day 240; last seen free on day 215. p3 was never assessed again."""
    tables = small_study()
    tables["intervals"].loc[2, "last_free_day"] = 215.0
    tables["intervals"].loc[4, "last_free_day"] = 0.0
    data = build(tables=tables)
    assert data["interval_exit"].to_numpy().tolist() == [100, 90, 25, 300, 1]
    # a progression between two assessments counts at their middle in curves and knots
    assert data["interval_time"].to_numpy().tolist() == [100, 60, 25, 300, 1]


def test_samples_between_a_progression_and_the_next_treatment_are_left_out():
    tables = small_study()
    tables["intervals"].loc[0, "end_day"] = 80
    extra = {"patient": "p1", "day": 90, "assay": "flow", "mrd": 0.2, "lod": 1e-4, "below": False}
    tables["mrd"] = pd.concat([tables["mrd"], pd.DataFrame([extra])], ignore_index=True)
    data = build("joint_value", tables)
    assert 90 not in data["sample_day"].to_numpy()
    assert data.sizes["sample"] == 7


def test_a_missing_covariate_is_refused_with_the_patient():
    tables = small_study()
    tables["patients"].loc[1, "age"] = np.nan
    with pytest.raises(covariates.DesignError, match=r"age.*p2"):
        build(tables=tables)


OTHERS = {"p3": "n1", "p1": "n2"}  # patients of the small study, under other names and in another order
WANTED = {"baseline": "mspline", "kinetics": STRANDS}
IN_POINTS = ("point_elapsed", "point_on", "point_active", "point_since")


def others() -> dict:
    """The tables of p3 and p1 under the names n1 and n2, as those of patients whom no fit has seen."""
    found = {}
    for name, table in small_study().items():
        mine = table[table["patient"].isin(OTHERS)]
        found[name] = mine.assign(patient=mine["patient"].map(OTHERS)).reset_index(drop=True)
    found["intervals"] = found["intervals"].sort_values(["patient", "interval"], ignore_index=True)
    return found | {"patients": found["patients"].sort_values("patient", ignore_index=True)}


def like_the_fit(model: str, tables: dict) -> tuple[xr.Dataset, xr.Dataset]:
    """(design of the small study, design of `tables` that follows it)."""
    fitted = build(model, **WANTED)
    words = design.vocabulary(fitted)
    assert not {"patient", "interval", "sample", "row", "trait"} & set(words.dims)  # nothing of any patient is left
    return fitted, design.build(tables, ABOUT, model, options() | WANTED, CONFIG["priors"], like=words)


def of(data: xr.Dataset, patient: str, name: str) -> np.ndarray:
    """A variable on the rows, points or samples of one patient, in their order."""
    place = list(data["patient"].to_numpy()).index(patient)
    dim = data[name].dims[0]
    return data[name].to_numpy()[data["interval_patient"].to_numpy()[data[f"{dim}_interval"].to_numpy()] == place]


@pytest.mark.parametrize("model", ["intervals", "joint_step"])
def test_other_patients_are_coded_as_those_of_the_fit(model):
    """By themselves they would be of one product, with other knots, levels of arm and site, and numbers of assays."""
    fitted, found = like_the_fit(model, others())
    names = ["x_progression", "x_death", "progression_hazard", "row_clock"]
    if model == "joint_step":
        names += [*IN_POINTS, "sample_y", "sample_lod", "sample_assay"]
        assert found["feature"].to_numpy().tolist() == fitted["feature"].to_numpy().tolist()
        assert found["mean_features"].to_numpy()[[1, 0]] == pytest.approx(fitted["mean_features"].to_numpy()[[0, 2]])
    for name in names:
        for old, new in OTHERS.items():
            assert np.array_equal(of(found, new, name), of(fitted, old, name))
    for name in ("trial", "site", "k", "progression_knots", "death_knots"):
        assert found[name].to_numpy().tolist() == fitted[name].to_numpy().tolist()


def test_levels_that_the_fit_has_not_seen_come_after_its_own():
    tables = others()
    tables["patients"]["trial"], tables["patients"]["site"] = "AA", ["A2", "AA1"]
    tables["infusions"].loc[0, "lot"] = "L0"
    fitted, found = like_the_fit("joint_step", tables)
    assert found["trial"].to_numpy().tolist() == ["A", "B", "AA"]
    assert found["patient_trial"].to_numpy().tolist() == [2, 2]
    assert found["site"].to_numpy().tolist() == ["A1", "A2", "B1", "AA1"]
    assert found["patient_site"].to_numpy().tolist() == [1, 3]
    assert found["lot"].to_numpy().tolist() == ["L1", "L2", "L0"]
    assert found["lot_property"].to_numpy().tolist() == [*fitted["lot_property"].to_numpy().tolist(), [0.0]]


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("patients", "arm", "z", "patient n1 has 'z' as 'arm', a level that the fit has not seen; give one of x, y"),
        ("infusions", "product", "CAR-T", "product 'CAR-T' of patient n2: the fit has not seen it"),
        ("mrd", "assay", "NGS", "assay 'NGS' of patient n2: the fit has not seen it.* it knows flow, qPCR"),
        ("patients", "age", np.nan, r"'age' is missing for 2 patients \(n1, n2\)"),
    ],
)
def test_what_the_fit_knows_nothing_of_is_refused(table, column, value, message):
    tables = others()
    tables[table][column] = value
    with pytest.raises(covariates.DesignError, match=message):
        like_the_fit("joint_step", tables)


def test_other_patients_need_no_sample_and_no_infusion():
    tables = others()
    tables |= {name: tables[name].iloc[:0] for name in ("mrd", "infusions", "courses", "gvhd", "conditions")}
    _, found = like_the_fit("joint_step", tables)
    assert found.sizes["sample"] == 0
    assert found.sizes["infusion"] == 0
    assert found["trait"].to_numpy().tolist()[-2:] == ["log kill n1", "log kill n2"]


def test_an_infusion_in_a_later_interval_may_kill_otherwise():
    """p1 was infused on day 0 of its first interval and day 100 of its second, p2 in its first one only."""
    wanted = {"kinetics": STRANDS | {"kill": ["age", "product", "interval"]}}
    data = build("joint_step", **wanted)
    place = list(data["feature"].to_numpy()).index("xi[interval]")
    raw = data["dose_features"].to_numpy() + data["mean_features"].to_numpy()[data["dose_patient"].to_numpy()]
    assert raw[:, place].tolist() == [0, 1, 0, 0, 0]
    assert data["property"].to_numpy().tolist() == ["product memory", "interval"]
    assert data["lot_property"].to_numpy().tolist() == [[0, 0], [0, 0]]
    assert data["kill_covariate"].to_numpy().tolist() == ["age"]
    first = small_study()
    first["infusions"] = first["infusions"].drop(index=1).reset_index(drop=True)
    with pytest.raises(covariates.DesignError, match="no infusion falls in a later 'interval'"):
        build("joint_step", tables=first, **wanted)
