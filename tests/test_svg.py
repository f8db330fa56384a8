"""SVGs in fewer bytes show the same picture."""

import re

import numpy as np
import pytest

from redose.figures import svg


def corners(path: str) -> list[tuple[float, float]]:
    """Absolute corners of a path of lines, absolute or relative."""
    found, at, words = [], (0.0, 0.0), re.findall(r"[A-Za-z]|-?(?:\d+\.?\d*|\.\d+)", path)
    command, words = "", iter(words)
    for word in words:
        if word.isalpha():
            command, word = word, None if word == "z" else next(words)
        if word is None:
            continue
        x = float(word)
        if command in "ML":
            at = (x, float(next(words)))
        else:
            at = (at[0] + x, at[1] + float(next(words))) if command == "l" else at
            at = (at[0] + x, at[1]) if command == "h" else (at[0], at[1] + x) if command == "v" else at
        found.append(at)
    return found


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("M 0 0 \nL 10 0 \nL 20 0 \nL 20 5.123456 \nz\n", "M0 0h20v5.12z"),
        ("M 1 1 \nL 3 1 \nL 2 1 \n", "M1 1h2-1"),  # there and back is two steps
        ("M -0.001 2 \nL 0.5 2.25 \nL 1 2.5 \n", "M0 2l.5 .25 .5 .25"),
        ("M 0 1 \nC 1 2 3 4 5 6 \nL 6 7 \n", "M0 1C1 2 3 4 5 6l1 1"),
    ],
)
def test_a_path_in_fewer_letters(long, short):
    assert svg.path(long) == short


def test_no_error_adds_up_along_a_path():
    rng = np.random.default_rng(1)
    steps = rng.choice([-1, 1], (5000, 2)) * rng.uniform(0.02, 0.5, (5000, 2))
    points = np.cumsum(steps, axis=0)
    text = "\n".join(f"{'L' if k else 'M'} {x:.6f} {y:.6f} " for k, (x, y) in enumerate(points))
    short = svg.path(text)
    assert np.abs(np.array(corners(short)) - points).max() < 0.0051
    assert len(short) < 0.5 * len(text)


def test_words_in_a_picture_stay_as_they_are():
    text = '<g>\n  <text x="1.234567" y="2">L 1.234567 M</text>\n  <path d="M 0 0 \nL 1.5 0 \n"/>\n</g>'
    short = '<g>\n<text x="1.23" y="2">L 1.234567 M</text>\n<path d="M0 0h1.5"/>\n</g>'
    assert svg.compact(text) == short
