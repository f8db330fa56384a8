"""Numbers, bands and evidence in words."""

import math

import pytest

from redose.report import tables, words


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.019, "< 0.05"), (-0.01, "> −0.05"), (0.05, "0.0500"), (14.83, "14.8")]
)
def test_an_amount_that_is_not_zero_is_not_called_zero(value, text):
    assert tables.cells.amount(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1234.5, "1 234"),
        (0.01234, "0.0123"),
        (-2.0, "−2.00"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (9.996, "10.00"),
    ],
)
def test_numbers_have_sensible_digits(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (0.001, "< 1 %"), (0.5, "50 %"), (0.999, "> 99 %"), (1.0, "100 %")]
)
def test_percentages_do_not_round_to_certainty(share, text):
    assert words.percent(share) == text


def test_words_for_bands_levels_and_days():
    assert words.band(0.31, 0.51, words.percent) == "31 to 51 %"
    assert words.mrd(-4) == "10^-4.0 (0.010 %)"
    assert words.mrd(math.inf) == "above any MRD"
    assert words.days(365.25) == "365 days (12.0 months)"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert str(words.powers("<i> 10^-3.5")) == "&lt;i&gt; 10<sup>−3.5</sup>"


@pytest.mark.parametrize(("value", "text"), [(0.999, "strong"), (0.97, "moderate"), (0.92, "weak"), (0.6, "no clear")])
def test_strength_of_evidence(value, text):
    assert words.evidence(value).startswith(text)
