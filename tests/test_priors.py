"""Priors: what is stated is what is drawn, and docs/priors.md says it."""

import difflib
from pathlib import Path

import numpy as np
import pytest
import yaml

from redose import priors

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
PAGE = ROOT / "docs" / "priors.md"


def test_the_page_is_up_to_date():
    page = PAGE.read_text(encoding="utf-8")
    wanted = priors.filled(page, CONFIG["priors"])
    changes = difflib.unified_diff(page.splitlines(), wanted.splitlines(), "docs/priors.md", "config.yaml", lineterm="")
    assert wanted == page, "run: python -m redose.priors config.yaml docs/priors.md\n" + "\n".join(changes)


def test_the_page_has_every_prior_with_its_source():
    page = PAGE.read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert set(rows) == set(CONFIG["priors"])
    assert all(CONFIG["priors"][name]["source"] in row for name, row in rows.items())


def test_the_quantiles_are_those_of_the_belief():
    for name, prior in CONFIG["priors"].items():
        low, median, high = priors.quantiles(name, prior)
        assert high == pytest.approx(prior["upper"]), name
        assert prior["scale"] in ("spread", "share") or median == pytest.approx(prior["median"]), name
        assert low < median < high


@pytest.mark.parametrize(
    ("prior", "wanted", "words"),
    [
        # 35 d and 160 d: the log sd is log(160 / 35) / 1.96 = 0.775, and 35² / 160 = 7.66 lies as far below
        ({"scale": "positive", "median": 35, "upper": 160}, [7.656, 35, 160], "log-normal, median 35, log sd 0.775"),
        (
            {"scale": "ratio", "median": 1, "upper": 8},
            [1 / 8, 1, 8],
            "normal on the log of the ratio, median 1, log sd",
        ),
        ({"scale": "level", "median": -3, "upper": -0.5}, [-5.5, -3, -0.5], "normal, mean -3, sd 1.28"),
        # |N(0, 1)| has its 97.5th percentile at 2.2414 and its median at 0.6745
        ({"scale": "spread", "upper": 2.2414}, [0.0313, 0.6745, 2.2414], "half-normal, scale 1"),
        # Beta(1/2, 1) is the square of a uniform number
        ({"scale": "share", "upper": 0.975**2}, [0.025**2, 0.25, 0.975**2], "beta(1/2, 1)"),
        # odds of 1/4 and 7/3: as far below the median lies 1/4 / (7/3 x 4) = 3/112, a probability of 3/115
        ({"scale": "fraction", "median": 0.2, "upper": 0.7}, [3 / 115, 0.2, 0.7], "normal on the logit, median 0.2"),
    ],
)
def test_scales_by_hand(prior, wanted, words):
    np.testing.assert_allclose(priors.quantiles("x", prior), wanted, rtol=2e-3)
    assert priors.distribution("x", prior).startswith(words)
