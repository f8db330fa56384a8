"""Small counts: whoever knows a table, its totals and the rule must have more than one value left for each of them."""

import itertools
import math

import pandas as pd
import pytest
from dossiers import CONFIG
from hypothesis import given, settings
from hypothesis import strategies as st

from redose.report.tables.cells import Cell, Sum, Table, computed, sums_over, tally
from redose.report.tables.suppression import suppressed

FEWEST = 3  # small enough to try all values


def table(counts: list[list[int]], totals: bool = True) -> Table:
    """Subgroups in rows, what is counted in columns, the row's total before them where it is shown."""
    rows, sums = [], []
    for r, own in enumerate(counts):
        whole = [tally(sum(own), r, "all")] if totals else []
        rows.append([Cell(f"group {r}"), *whole, *(tally(x, r, c) for c, x in enumerate(own))])
        sums += [Sum(tuple((r, c) for c in range(len(own))), (r, "all") if totals else None)]
    return Table("made up", [""] * len(rows[0]), rows, "file.csv", (*sums, *sums_over(rows)))


def text(made: Table) -> list[list[str]]:
    return [[cell.text for cell in row[1:]] for row in made.rows]


def allowed(cell: Cell, made: Table, most: int) -> list[int]:
    """The values that a reader who knows the rule can put into a cell."""
    if cell.text == f"< {FEWEST}":
        return list(range(1, FEWEST))
    if cell.text == "withheld":
        return list(range(most + 1)) if "may be small" in made.remark else [0, *range(FEWEST, most + 1)]
    return [int(cell.text)]


def another(made: Table, totals: list[int], place: tuple[int, int], truth: int) -> bool:
    """Whether some table with another value at `place` agrees with all that is shown and known: a row adds up to its
    first cell, a column to its total. Tried one cell after another; what exceeds a sum is given up."""
    shown = [row[1:] for row in made.rows]
    height, width = len(shown), len(totals)

    def fits(values: list[list[int]]) -> bool:
        own, done = values[-1], len(values[-1]) == width
        columns = [[row[c] for row in values if c < len(row)] for c in range(width)]
        return (sum(own[1:]) == own[0] if done else sum(own[1:]) <= own[0]) and all(
            sum(x) == whole if len(x) == height else sum(x) <= whole for x, whole in zip(columns, totals, strict=True)
        )

    def fill(k: int, values: list[list[int]]) -> bool:
        if k == height * width:
            return True
        r, c = divmod(k, width)
        tried = [v for v in allowed(shown[r][c], made, totals[c]) if (r, c) != place or v != truth]
        every = ([*values[:r], [*values[r], v]] if c else [*values, [v]] for v in tried)
        return any(fill(k + 1, further) for further in every if fits(further))

    return fill(0, [])


COUNTS = st.integers(2, 3).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 7), min_size=width, max_size=width), min_size=2, max_size=3)
)


@settings(deadline=None, max_examples=60)
@given(COUNTS)
def test_no_small_count_can_be_computed_from_the_table_and_its_totals(counts):
    """Against every table that agrees with what is shown and with the totals of the study."""
    made, whole = suppressed(table(counts), FEWEST), [[sum(own), *own] for own in counts]
    totals, shown = [sum(own[c] for own in whole) for c in range(len(whole[0]))], text(made)
    for r, c in itertools.product(range(len(whole)), range(len(totals))):
        truth = whole[r][c]
        assert truth in allowed(made.rows[r][c + 1], made, totals[c]), (counts, shown)
        if 0 < truth < FEWEST:
            assert not shown[r][c].isdigit() and another(made, totals, (r, c), truth), (counts, shown)


def test_a_table_by_hand():
    """3 deaths of 20 in A: without its 17 others, B's 8 deaths and its 12 others they could be subtracted again."""
    made = suppressed(table([[3, 17], [8, 12], [30, 40]]), 5)
    assert text(made) == [["20", "< 5", "withheld"], ["20", "withheld", "withheld"], ["70", "30", "40"]]
    assert made.remark.startswith("Counts from 1 to 4 are shown as < 5; what is withheld")
    assert made.file == ""  # the file of the run holds all counts


def test_a_second_small_count_protects_the_first_unless_their_sum_gives_both_away():
    assert text(suppressed(table([[2, 3, 9]]), 5)) == [["14", "< 5", "< 5", "9"]]
    assert text(suppressed(table([[1, 1, 9, 20]]), 5)) == [["31", "< 5", "< 5", "withheld", "20"]]  # 2 = 1 + 1
    assert text(suppressed(table([[4, 4, 9, 20]]), 5)) == [["37", "< 5", "< 5", "withheld", "20"]]  # 8 = 4 + 4


def test_a_count_that_just_need_not_be_small_does_not_give_the_other_away():
    """Of 6, one is `< 5` and the other is not small: they are 1 and 5, so that the total goes in the place of the 5."""
    assert text(suppressed(table([[1, 5]]), 5)) == [["withheld", "< 5", "5"]]


def test_where_nothing_is_left_to_withhold_not_even_smallness_is_said():
    made = suppressed(table([[1], [1]], totals=False), 5)  # two patients in two groups
    assert text(made) == [["withheld"], ["withheld"]] and "may be small" in made.remark


def test_a_part_of_a_total_is_bounded_by_what_is_left_of_it():
    """11 of 12 intervals ended by progression leave one for death, though the two need not add up to 12."""
    counts = [tally(x, "A", what) for x, what in ((12, "all"), (11, "progression"), (1, "death"))]
    parts = Sum((("A", "progression"), ("A", "death")), ("A", "all"))
    made = suppressed(Table("", [""] * 4, [[Cell("A"), *counts]], sums=(parts,)), 5)
    assert text(made) == [["12", "withheld", "< 5"]]


def test_what_is_computed_from_a_small_count_goes_with_it_and_no_value_is_left_to_sort_by():
    few, many = tally(3, "A", "n"), tally(30, "B", "n")
    rows = [[Cell("A"), few, computed(Cell("33 %", 0.33), few)], [Cell("B"), many, computed(Cell("40 %", 0.4), many)]]
    made = suppressed(Table("", [""] * 3, rows), 5)
    assert text(made) == [["< 5", "withheld"], ["30", "40 %"]]
    assert all(math.isnan(cell.value) for cell in made.rows[0][1:]) and made.right == [False, True, True]


@pytest.mark.parametrize("fewest", [0, 1])
def test_without_the_word_a_table_is_the_very_same(fewest):
    made = table([[1, 2], [3, 4]])
    assert suppressed(made, fewest) is made
    assert CONFIG["privacy"] == {"salt": "", "fewest": 0}


def test_zeros_are_shown_and_a_table_without_small_counts_stays_as_it_is():
    made = table([[0, 20], [30, 40]])
    assert suppressed(made, 5) is made
    assert suppressed(None, 5) is None


def test_a_large_table_takes_no_time():
    counts = [[(7 * r + 11 * c * c) % 23 for c in range(6)] for r in range(12)]
    started = pd.Timestamp.now()
    made = suppressed(table(counts), 5)
    assert (pd.Timestamp.now() - started).total_seconds() < 10
    small = {(r, c) for r, c in itertools.product(range(12), range(6)) if 0 < counts[r][c] < 5}
    assert all(made.rows[r][c + 2].text in ("< 5", "withheld") for r, c in small)
