"""The simulator against hand arithmetic: kinetics without noise, schedules, shares as stated (events: test_events)."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from redose import simulate

DATA = Path(__file__).parents[1] / "data" / "redosable"
YEAR = 365.25
QUIET = {  # nobody progresses, dies, drops out, or is missed; no noise, no differences between patients
    "visits": {"missing": 0.0},
    "products": {name: {"manufacturing_sd": 0.0, "dose_levels": [9.0e8]} for name in ("iPSC-NK", "memory-NK")},
    "courses": {"radiotherapy": {"share": 0.0}, "azacitidine": {"share": 0.0}},
    "parameters": {
        "beta_b": {"interval": 0.0, "tumour_burden": 0.0},
        "omega_b": 0.0,
        "beta_g": {"tumour_burden": 0.0},
        "omega_g": 0.0,
        "omega_delta": 0.0,
        "eta": {"tme": 0.0},
        "omega_lot": 0.0,
        "cured": 0.0,
        "sigma": {"flow": 1e-9, "NGS": 1e-9},
        "alpha_progression": 0.0,
        "rate_progression": 0.0,
        "beta_progression": {"interval": 0.0, "tumour_burden": 0.0, "tme": 0.0, "gvhd": 0.0},
        "omega_trial": 0.0,
        "omega_site": 0.0,
        "omega_v": 0.0,
        "alpha_death": 0.0,
        "rate_death": 0.0,
        "beta_death": {"age": 0.0, "gvhd_severe": 0.0},
    },
    "gvhd": {
        "graft": {"acute": {"incidence": 0.0}, "chronic": {"incidence": 0.0}},
        "product": {"risk": 0.0},
    },
    "dropout": {"censored": 0.0, "new_therapy": 0.0},
    "follow_up": {"earliest": 366, "latest": 366},
}


@pytest.fixture(scope="module")
def protocol() -> dict:
    return yaml.safe_load((DATA / "simulation.yaml").read_text())


@pytest.fixture(scope="module")
def study(protocol) -> tuple[dict, dict]:
    return simulate.simulate(protocol)


def quiet(
    protocol: dict,
    count: int,
    *overrides: dict,
    schedule: str = "single",
    trial: str = "birch",
    product: str = "iPSC-NK",
) -> dict:
    """The tables of `count` patients of one trial, schedule and product, without noise and events but for the
    overrides."""
    trials = {
        name: {"share": float(name == trial), "schedules": [schedule], "products": [product]}
        for name in protocol["trials"]
    }
    only = {"patients": {"count": count}, "trials": trials}
    for override in (QUIET, only, *overrides):
        protocol = simulate.protocol_with(protocol, override)
    return simulate.simulate(protocol)[0]


def levels(tables: dict) -> pd.DataFrame:
    """log10 MRD by patient (rows) and day (columns) of samples that were not below their LOD."""
    seen = tables["mrd"][tables["mrd"]["mrd"] != "<lod"]
    log10 = np.log10(seen["mrd"].astype(float))
    return seen.assign(log10=log10).pivot_table(index="patient", columns="day", values="log10")


def binomial_band(share: float, count: int) -> float:
    """Three standard errors of a share, and room for rounding."""
    return 3.0 * np.sqrt(share * (1.0 - share) / count) + 1e-9


# --- the study as a whole ---------------------------------------------------------------------------------------------


def test_same_seed_gives_the_same_bytes(protocol, study, tmp_path):
    simulate.write(*study, tmp_path / "a")
    simulate.write(*simulate.simulate(protocol), tmp_path / "b")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [
        "courses.csv",
        "gvhd.csv",
        "infusions.csv",
        "intervals.csv",
        "mrd.csv",
        "patients.csv",
        "truth.yaml",
    ]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)


def test_another_seed_gives_another_study(protocol, study):
    other = simulate.simulate(protocol | {"seed": protocol["seed"] + 1})[0]
    assert not other["mrd"].equals(study[0]["mrd"])


def test_written_numbers_come_back_exactly(study, tmp_path):
    tables, truth = study
    simulate.write(tables, truth, tmp_path)
    assert yaml.safe_load((tmp_path / "truth.yaml").read_text()) == truth
    for name, table in tables.items():
        read = pd.read_csv(tmp_path / f"{name}.csv", dtype={"mrd": str, "grade": str}, float_precision="round_trip")
        pd.testing.assert_frame_equal(read, table, check_dtype=False)


def test_size_of_the_default_study(study):
    patients = study[0]["patients"]
    assert len(patients) == 240
    assert patients["patient"].is_unique
    assert patients["trial"].value_counts().to_dict() == {"alder": 80, "birch": 80, "cedar": 80}
    assert patients.groupby("trial")["site"].nunique().to_dict() == {"alder": 3, "birch": 3, "cedar": 2}
    assert set(patients["schedule"]) == {"single", "quarterly", "biannual", "adaptive", "bridge"}


def test_intervals_follow_each_other_until_follow_up_ends(study):
    for _, rows in study[0]["intervals"].groupby("patient"):
        assert rows["interval"].tolist() == list(range(1, len(rows) + 1))
        assert rows["start_day"].iloc[0] == 0
        assert (rows["end_day"] > rows["start_day"]).all()
        for earlier, later in pairwise(rows.itertuples()):
            assert earlier.outcome == "progression"
            assert later.start_day == earlier.end_day


def test_nothing_happens_after_the_end_of_follow_up(study):
    tables = study[0]
    end = tables["intervals"].groupby("patient")["end_day"].max()
    dated = [("infusions", "day"), ("mrd", "day"), ("gvhd", "onset_day"), ("gvhd", "end_day")]
    for table, day in [*dated, ("courses", "start_day"), ("courses", "stop_day")]:
        days = tables[table].dropna(subset=day)
        assert (days[day] <= days["patient"].map(end)).all(), table


def test_each_interval_starts_with_an_infusion(study):
    tables = study[0]
    given = set(zip(tables["infusions"]["patient"], tables["infusions"]["day"], strict=True))
    assert set(zip(tables["intervals"]["patient"], tables["intervals"]["start_day"], strict=True)) <= given


def test_samples_keep_to_their_limits(study):
    mrd = study[0]["mrd"]
    below = mrd["mrd"] == "<lod"
    value = mrd["mrd"].where(~below).astype(float)
    assert below.any()
    assert (value[~below] >= mrd["lod"][~below]).all()
    assert (value[~below] <= 1.0).all()
    assert (mrd["lod"][mrd["assay"] == "flow"] == 1e-4).all()
    assert mrd["lod"][mrd["assay"] == "NGS"].between(1e-6, 1e-5).all()
    assert not mrd.duplicated(["patient", "day"]).any()


def test_truth_names_every_effect(study):
    tables, truth = study
    assert set(tables["infusions"]["lot"]) <= set(truth["u_lot"])
    assert list(truth["u_trial"]) == ["alder", "birch", "cedar"]
    assert set(truth["u_site"]) == set(tables["patients"]["site"])
    reached = tables["intervals"].groupby("patient").size()
    assert {key: len(effects["b"]) for key, effects in truth["patients"].items()} == reached.to_dict()


def test_hierarchy_has_the_stated_spread(protocol):
    change = {"patients": {"count": 3000}, "parameters": {"cured": 0.12}}
    truth = simulate.simulate(simulate.protocol_with(protocol, change))[1]
    doubling = np.log([effects["doubling"] for effects in truth["patients"].values()])
    v = np.array([effects["v"] for effects in truth["patients"].values()])
    assert np.median(doubling) == pytest.approx(np.log(36), abs=4 * 0.42 / np.sqrt(3000))
    assert np.std(doubling) == pytest.approx(np.hypot(0.4, 0.1), rel=0.06)  # between patients, and by burden
    still = np.mean([effects["still"] for effects in truth["patients"].values()])
    assert still == pytest.approx(0.12, abs=binomial_band(0.12, 3000))
    assert np.std(v) == pytest.approx(0.4, rel=0.06)


def test_traits_of_a_patient_correlate_as_stated(protocol):
    """0.3 between log doubling and log delta, -0.4 and 0.5 with the level: found again over 4,000 patients."""
    pairs = {"growth ~ kill": 0.3, "growth ~ level": -0.4, "kill ~ level": 0.5}
    change = {"patients": {"count": 4000}, "parameters": {"correlation": pairs}}
    change["parameters"] |= {"beta_g": {"tumour_burden": 0.0}, "eta": {"tme": 0.0}, "beta_b": {"tumour_burden": 0.0}}
    truth = simulate.simulate(simulate.protocol_with(protocol, change))[1]["patients"].values()
    columns = [[np.log(x["doubling"]) for x in truth], [np.log(x["delta"]) for x in truth], [x["b"][0] for x in truth]]
    found = np.corrcoef(columns)[np.triu_indices(3, 1)]
    assert found == pytest.approx([0.3, -0.4, 0.5], abs=3 / np.sqrt(4000))


def test_lots_differ_as_stated(protocol):
    change = {"products": {"iPSC-NK": {"lots": 2000}}, "parameters": {"omega_lot": 0.3}}
    lots = simulate.simulate(simulate.protocol_with(protocol, change))[1]["u_lot"]
    assert len(lots) == 2006
    assert np.std(list(lots.values())) == pytest.approx(0.3, rel=0.06)


def test_study_yaml_describes_the_tables(protocol, study):
    about = yaml.safe_load((DATA / "study.yaml").read_text())
    assert set(about["assays"]) == set(study[0]["mrd"]["assay"])
    assert set(about["products"]) == set(study[0]["infusions"]["product"])
    assert set(about["covariates"]) < set(study[0]["patients"].columns)
    for name, assay in about["assays"].items():
        assert assay["false_positive_rate"] == protocol["assays"][name]["false_positive_rate"]
        assert assay["lod"] == max(protocol["assays"][name]["lod"])


# --- kinetics without noise -------------------------------------------------------------------------------------------


def test_untreated_mrd_doubles_every_36_days(protocol):
    """10^-5 becomes 2 x 10^-5, 4 x 10^-5, ... (Ommen 2010: CBFB-MYH11)."""
    change = {
        "parameters": {"mu_b": -5.0, "delta": 1e-12},
        "visits": {"days": [-36, 0], "every": 36, "until": 180, "every_later": 360},
        "assays": {"NGS": {"lod": [1e-9, 1e-9]}},
    }
    mrd = 10 ** levels(quiet(protocol, 4, change)).to_numpy()[:, :7]
    assert mrd == pytest.approx(np.tile(1e-5 * 2.0 ** np.arange(-1, 6), (4, 1)), rel=1e-3)


def test_one_infusion_kills_as_stated_and_in_half_lives(protocol):
    """1.2 log10 at 9e8 cells; half of it after 2 days, 3/4 after 4; 3^-0.3 of it at a third of the cells."""
    change = {
        "parameters": {"mu_b": -4.0, "doubling": 1e12},
        "visits": {"days": [0, 2, 4, 60], "every": 365, "until": 0, "every_later": 2000},
        "assays": {"NGS": {"lod": [1e-9, 1e-9]}},
    }
    fall = -(levels(quiet(protocol, 4, change)).to_numpy() + 4.0)
    assert fall == pytest.approx(np.tile([0.0, 0.6, 0.9, 1.2], (4, 1)), abs=1e-3)
    weak = levels(quiet(protocol, 4, change, {"products": {"iPSC-NK": {"dose_levels": [3.0e8]}}})).to_numpy()
    assert -(weak[:, -1] + 4.0) == pytest.approx(np.full(4, 1.2 * 0.71922), abs=1e-3)


def test_later_infusions_kill_less(protocol):
    """Two half-yearly infusions of 1 log10 with rho = log 0.5 kill 1.5 together."""
    change = {
        "parameters": {"mu_b": -4.0, "doubling": 1e12, "delta": 1.0, "rho": -0.693147},
        "visits": {"days": [0, 300], "every": 365, "until": 0, "every_later": 2000},
        "assays": {"NGS": {"lod": [1e-9, 1e-9]}},
    }
    assert levels(quiet(protocol, 4, change, schedule="biannual"))[300].to_numpy() == pytest.approx(-5.5, abs=1e-3)


@pytest.mark.parametrize(("share", "rise"), [(1.0, 0.0), (0.5, 0.5 * 0.30103 * 364 / 36)])
def test_suppression_boundary(protocol, share, rise):
    """A kill of 0.301 interval / doubling holds MRD flat between infusions; half of it lets half the growth through."""
    change = {
        "parameters": {"mu_b": -7.0, "delta": share * 0.30103 * 91 / 36, "rho": 0.0},
        "visits": {"days": [0], "every": 91, "until": 364, "every_later": 2000},
        "assays": {"NGS": {"lod": [1e-9, 1e-9]}},
    }
    level = levels(quiet(protocol, 4, change, schedule="quarterly"))
    assert (level[364] - level[0]).to_numpy() == pytest.approx(np.full(4, rise), abs=2e-3)
    assert (level[182] - level[0]).to_numpy() == pytest.approx(np.full(4, rise / 2), abs=2e-3)


def test_the_product_has_its_own_kill_and_half_life(protocol):
    """1.2 log10 times exp(0.3) for the memory-like product, half of it after 21 days."""
    change = {
        "parameters": {"mu_b": -4.0, "doubling": 1e12},
        "visits": {"days": [0, 21], "every": 365, "until": 365, "every_later": 2000},
        "assays": {"NGS": {"lod": [1e-9, 1e-9]}},
    }
    fall = -(levels(quiet(protocol, 4, change, product="memory-NK")).to_numpy() + 4.0)
    assert fall == pytest.approx(np.tile([0.0, 0.80991, 1.61983], (4, 1)), abs=1e-3)


def test_who_never_regrows_stays_at_its_level(protocol):
    change = {"parameters": {"mu_b": -3.0, "cured": 1.0, "delta": 1e-12}}
    assert levels(quiet(protocol, 4, change)).to_numpy() == pytest.approx(-3.0, abs=1e-3)


COURSES = {
    "parameters": {"mu_b": -3.0, "doubling": 1e12, "theta": {"radiotherapy": np.log(1.5).item()}, "rho": 0.0},
    "assays": {"NGS": {"lod": [1e-9, 1e-9]}},
}


def test_a_course_takes_off_its_rate_for_as_long_as_it_lasts(protocol):
    """0.01 log10 a day from day 20 to day 60, beside no infusion that matters."""
    change = {
        "courses": {"azacitidine": {"share": 1.0, "starts": [20, 20], "days": 40}},
        "parameters": {"kappa": {"azacitidine": 0.01}, "delta": 1e-12},
        "visits": {"days": [0, 20, 40, 60, 90], "every": 365, "until": 0, "every_later": 2000},
    }
    tables = quiet(protocol, 3, COURSES, change)
    assert levels(tables).to_numpy() == pytest.approx(np.tile([-3.0, -3.0, -3.2, -3.4, -3.4], (3, 1)), abs=1e-3)
    assert tables["courses"][["agent", "start_day", "stop_day"]].to_numpy().tolist() == [["azacitidine", 20, 60]] * 3


def test_infusions_timed_to_a_course_kill_more(protocol):
    """From day 84 for 10 days, window 14: of the infusions on days 0 and 91 the second kills 1.5 times 0.8 log10."""
    change = {
        "courses": {"radiotherapy": {"share": 1.0, "starts": [84, 84], "days": 10, "window": 14}},
        "parameters": {"delta": 0.8},
        "visits": {"days": [0, 84, 150], "every": 365, "until": 0, "every_later": 2000},
    }
    level = levels(quiet(protocol, 3, COURSES, change, schedule="quarterly")).to_numpy()
    assert level == pytest.approx(np.tile([-3.0, -3.8, -5.0], (3, 1)), abs=1e-3)


def test_courses_end_with_their_interval_and_count_from_its_start(protocol):
    """Rapid progressions: no course outlasts its interval, and each restart reads the level of its interval."""
    change = {
        "courses": {"azacitidine": {"share": 1.0, "starts": [0, 30], "days": 200}},
        "parameters": {"rate_progression": 4.0, "shape_progression": 1.0, "kappa": {"azacitidine": 0.01}},
    }
    tables = quiet(protocol, 60, COURSES, change)
    held = tables["courses"].merge(tables["intervals"], on="patient")
    inside = (held["start_day_x"] >= held["start_day_y"]) & (held["stop_day"] <= held["end_day"])
    assert inside.groupby([held["patient"], held["start_day_x"]]).any().all()
    later = tables["intervals"].query("interval > 1")
    assert len(later) > 20
    found = levels(tables)
    assert [found.loc[r.patient, r.start_day] for r in later.itertuples()] == pytest.approx(
        [-3.0] * len(later), abs=1e-3
    )


def test_mrd_levels_off_below_one(protocol):
    """At ten malignant cells to each normal one the fraction is 10/11."""
    tables = quiet(protocol, 4, {"parameters": {"mu_b": 1.0, "doubling": 1e12, "delta": 1e-12}})
    assert 10 ** levels(tables)[28].to_numpy() == pytest.approx(np.full(4, 10 / 11), rel=1e-6)


def test_restart_begins_at_the_new_level(protocol):
    """A sample on the day of a restart reads b_ik of the new interval, whatever was infused before."""
    change = {"parameters": {"mu_b": -4.0, "beta_b": {"interval": 0.4}, "rate_progression": 3.0, "delta": 0.2}}
    tables = quiet(protocol, 100, change, schedule="quarterly")
    later = tables["intervals"].query("interval > 1")
    assert len(later) > 50
    level = levels(tables)
    found = [level.loc[row.patient, row.start_day] for row in later.itertuples()]
    assert found == pytest.approx((-4.0 + 0.4 * (later["interval"] - 1)).tolist(), abs=1e-3)


def test_false_positives_are_as_frequent_as_stated(protocol):
    change = {"parameters": {"mu_b": -30.0}, "assays": {"NGS": {"false_positive_rate": 0.02}}}
    mrd = quiet(protocol, 1000, change)["mrd"]
    positive = mrd["mrd"] != "<lod"
    assert positive.mean() == pytest.approx(0.02, abs=binomial_band(0.02, len(mrd)))
    excess = np.log10(mrd.loc[positive, "mrd"].astype(float) / mrd.loc[positive, "lod"])
    assert excess.mean() == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(positive.sum()))


def test_missing_samples_are_as_frequent_as_stated(protocol):
    """Planned in a year: days -7, 0, 14 and thirteen times every 28 days, 16 in all."""
    change = {"visits": {"missing": 0.08}}
    planned = 1000 * 16
    taken = len(quiet(protocol, 1000, change)["mrd"])
    assert taken / planned == pytest.approx(0.92, abs=binomial_band(0.92, planned))


# --- schedules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ("single", [0]),
        ("quarterly", [0, 91, 182, 273, 364, 455, 546, 637]),
        ("biannual", [0, 182, 364, 546]),
    ],
)
def test_fixed_schedules_without_events(protocol, schedule, days):
    change = {"follow_up": {"earliest": 1095, "latest": 1095}}
    given = quiet(protocol, 4, change, schedule=schedule)["infusions"]
    assert given.groupby("patient")["day"].agg(list).tolist() == [days] * 4


def test_a_schedule_starts_anew_with_each_interval(protocol):
    tables = quiet(protocol, 200, {"parameters": {"rate_progression": 1.0}}, schedule="quarterly")
    assert (tables["intervals"]["interval"] > 1).sum() > 50
    starts = tables["intervals"][["patient", "start_day"]].sort_values("start_day")
    infusions = tables["infusions"].sort_values("day")
    since = pd.merge_asof(infusions, starts, left_on="day", right_on="start_day", by="patient")
    assert set(since["day"] - since["start_day"]) == {0, 91, 182, 273, 364}


def test_a_progression_on_the_last_day_is_not_treated_again(protocol):
    change = {
        "parameters": {"rate_progression": 50.0, "shape_progression": 1.0},
        "follow_up": {"earliest": 40, "latest": 40, "retreatment": 1.0, "intervals": 60},
    }
    tables = quiet(protocol, 200, change)
    last = tables["intervals"].groupby("patient").last()
    assert (last["end_day"] == 40).all()
    assert set(last["outcome"]) == {"progression", "censored"}
    assert tables["infusions"]["day"].max() == 39


def test_adaptive_infusions_answer_to_samples(protocol):
    """From 10^-3.4, killed by 1 log10, doubling every 28 days: the sample of day 84 reads 10^-3.497, just above the
    trigger, and the infusion follows on day 91."""
    change = {
        "parameters": {"mu_b": -3.4, "delta": 1.0, "rho": 0.0, "doubling": 28.0, "half_life": {"iPSC-NK": 1.0}},
    }
    given = quiet(protocol, 4, change, schedule="adaptive")["infusions"]
    assert given.groupby("patient")["day"].nth(1).tolist() == [91] * 4


def test_adaptive_infusions_keep_their_distance_and_number(protocol):
    """MRD that stays high: the sample of day 14 triggers, but 28 days after day 0 at the earliest; eight at most."""
    change = {"parameters": {"mu_b": -1.0, "delta": 1e-12}, "follow_up": {"earliest": 1095, "latest": 1095}}
    for days in quiet(protocol, 4, change, schedule="adaptive")["infusions"].groupby("patient")["day"].agg(list):
        assert days[:2] == [0, 28]
        assert len(days) == 8
        assert min(np.diff(days)) >= 28


def test_bridge_ends_in_transplant_for_the_stated_share(protocol):
    intervals = quiet(protocol, 2000, schedule="bridge")["intervals"]
    bridged = intervals[intervals["outcome"] == "transplant"]
    assert len(bridged) / 2000 == pytest.approx(0.7, abs=binomial_band(0.7, 2000))
    assert bridged["end_day"].between(100, 140).all()
    assert bridged["end_day"].mean() == pytest.approx(120, abs=3 * 11.9 / np.sqrt(len(bridged)))


# --- errors -----------------------------------------------------------------------------------------------------------


def test_overrides_reach_depth_and_leave_the_rest(protocol):
    changed = simulate.protocol_with(protocol, {"parameters": {"eta": {"tme": 0.0}}})
    assert changed["parameters"]["eta"] == {"tme": 0.0}
    assert changed["parameters"]["delta"] == protocol["parameters"]["delta"]
    assert protocol["parameters"]["eta"] == {"tme": -0.3}


def test_a_misspelt_override_is_an_error(protocol):
    with pytest.raises(ValueError, match="no such name: omega_bb"):
        simulate.protocol_with(protocol, {"parameters": {"omega_bb": 0.0}})


@pytest.mark.parametrize(
    ("section", "value", "message"),
    [
        ("cohort", {}, "missing or unknown section: cohort"),
        ("parameters", {"link": "slope"}, "link is 'slope'; give step or value"),
        ("parameters", {"reference_cells": "9e8"}, "reference_cells holds '9e8', which is no number"),
    ],
)
def test_a_wrong_protocol_is_an_error(protocol, section, value, message):
    with pytest.raises(ValueError, match=message):
        simulate.simulate(protocol | {section: protocol.get(section, {}) | value})
