"""Intervals of single patients, each worked out by hand."""

import numpy as np
import pytest

from redose.adam.intervals import Course, Interval, of_course
from redose.adam.mapping import INTERVALS

NONE = float("nan")
RULES = {name: key.default for name, key in INTERVALS.items()}


def course(progressed=(), free=(), death=NONE, transplant=(), new_therapy=(), treated=(0,), seen=NONE) -> Course:
    days = [list(map(float, part)) for part in (progressed, free, transplant, new_therapy, treated)]
    return Course(days[0], days[1], death, days[2], days[3], days[4], seen)


def told(intervals: list[Interval]) -> list[tuple]:
    return [(i.start, None if np.isnan(i.free) else i.free, i.end, i.outcome) for i in intervals]


CASES = {
    "censored on the last assessment": (course(free=(28, 56)), [(0, 56, 56, "censored")]),
    "no assessment at all": (course(), [(0, None, 0, "censored")]),
    "progression after an assessment": (course((84,), (28, 56)), [(0, 56, 84, "progression")]),
    "the day of a progression is not free of it": (course((84,), (28, 84)), [(0, 28, 84, "progression")]),
    "an assessment before day 1 says nothing": (course((84,), (0,)), [(0, None, 84, "progression")]),
    "redosed on the day of progression": (
        course((84,), (28, 112), treated=(0, 84)),
        [(0, 28, 84, "progression"), (84, 112, 112, "censored")],
    ),
    "redosed later; further progressions before that are the same": (
        course((84, 98, 200), (28, 150), treated=(0, 91, 120)),
        [(0, 28, 84, "progression"), (91, None, 98, "progression"), (120, 150, 200, "progression")],
    ),
    "infusions before a progression start nothing": (
        course((84,), (28,), treated=(0, 28, 56)),
        [(0, 28, 84, "progression")],
    ),
    "a progression on the day of redosing belongs to the interval before": (
        course((84,), (), treated=(0, 84)),
        [(0, None, 84, "progression"), (84, None, 84, "censored")],
    ),
    "death": (course(free=(28,), death=60), [(0, 28, 60, "death")]),
    "death on day 0": (course(death=0), [(0, None, 0, "death")]),
    "progression and death on one day": (course((60,), death=60, treated=(0,)), [(0, None, 60, "progression")]),
    "death after a progression without redosing": (course((60,), death=90), [(0, None, 60, "progression")]),
    "redosing on the day of death starts nothing": (
        course((60,), death=90, treated=(0, 90)),
        [(0, None, 60, "progression")],
    ),
    "a new therapy after a progression ends nothing": (
        course((60,), new_therapy=(61,)),
        [(0, None, 60, "progression")],
    ),
    "transplant, and nothing later": (course(free=(28,), transplant=(50,)), [(0, 28, 50, "transplant")]),
    "transplant, then relapse": (
        course((150,), (28, 100), transplant=(50,)),
        [(0, 28, 50, "transplant"), (50, 100, 150, "progression")],
    ),
    "new therapy, then death": (
        course(free=(28,), new_therapy=(50,), death=80),
        [(0, 28, 50, "new_therapy"), (50, None, 80, "death")],
    ),
    "transplant on day 0 is the treatment": (course(free=(28,), transplant=(0,)), [(0, 28, 28, "censored")]),
    "an assessment on the day of a transplant counts": (
        course(free=(50,), transplant=(50,)),
        [(0, 50, 50, "transplant")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_course_by_hand(name):
    given, expected = CASES[name]
    assert told(of_course(given, RULES)) == expected


def test_censored_when_last_seen():
    rules = RULES | {"censored_at": "last_seen"}
    assert told(of_course(course(free=(28,), seen=90.0), rules)) == [(0, 28, 90, "censored")]
    assert told(of_course(course(free=(28,)), rules)) == [(0, 28, 28, "censored")]  # not known
    assert told(of_course(course(free=(95,), seen=90.0), rules)) == [(0, 95, 95, "censored")]
    assert told(of_course(course(transplant=(50,), seen=90.0), rules)) == [
        (0, None, 50, "transplant"),
        (50, None, 90, "censored"),
    ]


def test_nothing_follows_where_the_mapping_says_so():
    given = course((150,), (28, 100), transplant=(50,))
    assert told(of_course(given, RULES | {"follow_on": []})) == [(0, 28, 50, "transplant")]
