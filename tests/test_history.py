"""What was known on a day, worked by hand on the small study."""

import numpy as np
import pandas as pd
import pytest
from test_models import options, small_study

from redose import history

# p1 progresses on day 100, again between 130 and 190, and is censored on day 240; p2 dies on day 300; p3 is
# transplanted on day 150, which is hypothetical: censored there


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (0, {"p1": (100, "progression"), "p2": (300, "death"), "p3": (150, "none")}),
        (
            100,
            {"p1": (60, "progression"), "p2": (200, "death"), "p3": (50, "none")},
        ),  # next interval; middle of 130, 190
        (150, {"p1": (10, "progression"), "p2": (150, "death")}),
        (170, {"p2": (130, "death")}),  # p1 progressed on day 160, and its next interval starts on day 190
        (190, {"p1": (50, "none"), "p2": (110, "death")}),
        (300, {}),
    ],
)
def test_outcomes_after_a_landmark(day, expected):
    found = history.outcomes(small_study()["intervals"], options(), day)
    assert {r.patient: (r.time, r.event) for r in found.itertuples()} == expected


def test_nothing_of_the_days_after_is_known():
    tables = small_study()
    before = {n: t.copy() for n, t in tables.items()}
    known = history.until(tables, options(), 140)
    assert all(tables[n].equals(t) for n, t in before.items())
    assert known["patients"]["patient"].tolist() == ["p1", "p2", "p3"]
    assert known["mrd"]["day"].max() == 100
    assert known["infusions"]["day"].tolist() == [0, 100, 0, 91]
    rows = known["intervals"]
    assert rows[["patient", "interval", "end_day", "outcome"]].to_numpy().tolist() == [
        ["p1", 1, 100, "progression"],
        ["p1", 2, 140, "censored"],
        ["p2", 1, 140, "censored"],
        ["p3", 1, 140, "censored"],
    ]
    assert rows["last_free_day"].isna().all()
    # p1's chronic GVHD from day 120 has no end yet, nor has p2's nivolumab, which stops on day 210; p3's stopped before
    assert known["gvhd"][["patient", "onset_day"]].to_numpy().tolist() == [["p2", 20.0], ["p1", 120.0]]
    stops = known["courses"].set_index("patient")["stop_day"]
    assert (stops["p1"], stops["p2"], stops["p3"]) == (99.0, np.inf, 40.0)


def test_an_episode_that_ends_later_has_no_end_yet():
    tables = small_study()
    assert history.until(tables, options(), 40)["gvhd"]["end_day"].isna().all()
    assert history.until(tables, options(), 60)["gvhd"]["end_day"].tolist() == [60.0]


def test_a_patient_who_enters_later_is_not_at_risk_yet():
    tables = small_study()
    tables["intervals"].loc[3, "entry_day"] = 50.0  # p2
    assert history.outcomes(tables["intervals"], options(), 40)["patient"].tolist() == ["p1", "p3"]
    assert history.until(tables, options(), 40)["patients"]["patient"].tolist() == ["p1", "p3"]


def test_planned_infusions_go_on_from_the_last_one():
    """p2, quarterly, was infused on days 0 and 91: 182, 273 and 364 are due by day 400; p1 and p3 have a single one."""
    known = history.until(small_study(), options(), 140)
    planned = history.with_plan(known, {"quarterly": 91}, 140, 400)["infusions"]
    mine = planned[planned["patient"] == "p2"]
    assert mine["day"].tolist() == [0, 91, 182, 273, 364]
    assert mine["product"].tolist()[2:] == ["memory"] * 3
    assert mine["cells"].tolist()[2:] == [1.5e9] * 3
    assert mine["lot"].tolist()[2:] == [""] * 3
    assert (planned["patient"] == "p1").sum() == 2
    late = history.with_plan(known, {"quarterly": 91}, 200, 400)["infusions"]  # that of day 182 was missed
    assert late.loc[late["patient"] == "p2", "day"].tolist() == [0, 91, 273, 364]
    assert history.with_plan(known, {}, 140, 400)["infusions"].equals(known["infusions"])
    overdue = history.with_plan(known, {"quarterly": 91}, 190, 400)["infusions"]  # by eight days: given on the next one
    assert overdue.loc[overdue["patient"] == "p2", "day"].tolist() == [0, 91, 191, 273, 364]


def test_planned_courses_end_when_they_have_lasted_as_planned():
    """p2's nivolumab began on day 60, p3's ended on day 40."""
    known = history.until(small_study(), options(), 140)
    for days, end in ((112, 172.0), (50, 140.0)):
        stops = history.with_plan(known, {"courses": {"nivolumab": days}}, 140, 400)["courses"].set_index("patient")
        assert stops["stop_day"].to_dict() == {"p1": 99.0, "p2": end, "p3": 40.0}
    assert (
        np.isinf(history.with_plan(known, {"courses": {"azacitidine": 7}}, 140, 400)["courses"]["stop_day"]).sum() == 1
    )


def test_today_is_the_end_of_follow_up_and_a_course_that_was_on_goes_on():
    tables = small_study()
    tables["intervals"].loc[2, "last_free_day"] = 200.0  # p1's last interval, censored on day 240
    tables["courses"].loc[0, "stop_day"] = 240.0
    found = history.today(tables)
    assert np.isnan(found["intervals"].loc[2, "last_free_day"])
    assert found["intervals"].loc[1, "last_free_day"] == 130.0
    assert found["courses"]["stop_day"].tolist() == [np.inf, 210.0, 40.0]


def test_whatever_comes_after_the_landmark_changes_nothing():
    day = 140
    known = history.until(small_study(), options(), day)
    for seed in range(5):
        rng, tables = np.random.default_rng(seed), small_study()
        tables["intervals"] = tables["intervals"].astype({"end_day": float, "start_day": float})
        for name, columns in (
            ("mrd", {"day": "mrd"}),
            ("gvhd", {"end_day": "end_day"}),
            ("courses", {"stop_day": "stop_day"}),
            ("intervals", {"end_day": "end_day"}),
        ):
            for when, what in columns.items():
                late = tables[name][when] > day
                tables[name].loc[late, what] = tables[name].loc[late, what] + rng.uniform(1, 300, late.sum())
        late = tables["intervals"]["end_day"] > day
        tables["intervals"].loc[late, "outcome"] = rng.choice(["death", "progression", "censored"], late.sum())
        tables["intervals"]["last_free_day"] = tables["intervals"]["last_free_day"].where(~late)
        # p1's third interval begins after the landmark, and must begin when its second has ended
        second = tables["intervals"].loc[1, "end_day"]
        tables["intervals"].loc[2, ["start_day", "end_day"]] = [second, second + 50]
        again = history.until(tables, options(), day)
        for name in known:
            pd.testing.assert_frame_equal(again[name], known[name], check_dtype=False)
