"""How often to test: relapses found by the path of a regime, against arithmetic by hand and Ommen 2010."""

import numpy as np
import pytest
from scipy import stats
from worlds import STEP, rules_of, world

from redose import kinetics
from redose.decisions import path, regimes


def notice(doubling: np.ndarray, lod: float, every: int, seed: int = 1) -> tuple[float, float]:
    """(share of relapses that a test finds before, median days from that test to the relapse): MRD doubles from below
    its limit, relapse is 5 % blasts, a test every so many days at a random phase. doubling: days, shape (patient,)."""
    steps, n = 52 * 9, len(doubling)
    growth = kinetics.LOG10_2 / doubling
    start = lod - growth * every * np.random.default_rng(seed).random(n)
    rule = {"name": "a", "kind": "adaptive", "tau": lod, "every": every, "within": 0, "first": False, "infusions": 1}
    rules = rules_of(rule, lod=lod)
    parts = world(n, rules, rate=0.0)
    parts = parts._replace(
        people=parts.people._replace(level=start[None], growth=growth[None]),
        hazards=parts.hazards._replace(grown=np.zeros((1, 2, steps))),
        gvhd=parts.gvhd._replace(background=np.zeros((1, 2, 1, steps))),
        assay=parts.assay._replace(lod=lod),
        setting=parts.setting._replace(steps=steps),
    )
    relapse = np.array([np.log10(0.05) - np.log10(0.95)] * n)
    relapse = (relapse - start) / growth
    traced = [path.followed(0, p, 1, *regimes.rules(rules), parts)[:, 2] for p in range(n)]
    found = np.array([STEP * np.flatnonzero(x)[0] if x.any() else np.inf for x in traced])
    before = found < relapse
    return before.mean(), float(np.median((relapse - found)[before]))


def test_a_relapse_is_found_as_often_as_a_test_falls_into_its_window():
    """From 1e-5 to 5 % at a doubling of 14 d are 172 days: tests every 203 find min(1, 172 / 203) = 85 %, with a median
    notice of half the window; tests every 84 find all, 172 - 42 = 130 days before."""
    window = 14 * np.log2(0.05 / 0.95 / 1e-5)
    share, days = notice(np.full(1500, 14.0), -5.0, 203)
    assert share == pytest.approx(window / 203, abs=0.03)
    assert days == pytest.approx(window / 2, abs=6)
    share, days = notice(np.full(1500, 14.0), -5.0, 84)
    assert share == 1.0
    assert days == pytest.approx(window - 42, abs=4)


# Doubling time (d) and months between samples for 90 % detection and 60 days of notice (Ommen 2010, evidence 3.3), and
# log10 limits of the same laboratory: RUNX1-RUNX1T1 1:50,000 and CBFB-MYH11 1:10,000 in marrow (Leuk Res 2006;30:389);
# blood carries a fifth of it (copies that mean relapse: over 50 in marrow, over 10 in blood, Blood 2012;120:2826);
# NPM1 1e-6 (evidence 3.1); that of PML-RARA is assumed.
OMMEN = {
    "PML-RARA": (12, -4.0, 2),
    "RUNX1-RUNX1T1": (14, np.log10(1 / 50_000), 4),
    "NPM1": (11, -6.0, 6),
    "CBFB-MYH11": (36, np.log10(5 / 10_000), 6),
}


def longest(marker: str) -> float:
    """Months between tests, the longest that find 90 % of relapses with 60 days of notice. Doubling times differ
    between patients with a log sd of 0.5 (evidence 6)."""
    median, lod, _ = OMMEN[marker]
    doubling = median * np.exp(0.5 * stats.norm.ppf((np.arange(600) + 0.5) / 600))
    by_weeks = {w: notice(doubling, lod, STEP * w) for w in range(4, 80)}
    return max(w for w, (share, days) in by_weeks.items() if share >= 0.9 and days >= 60) * STEP / 30.4375


@pytest.mark.slow
@pytest.mark.parametrize("marker", OMMEN)
def test_sampling_requirements_of_ommen_2010(marker):
    assert 1 / 1.5 <= longest(marker) / OMMEN[marker][2] <= 1.5


@pytest.mark.slow
def test_order_of_the_sampling_requirements_of_ommen_2010():
    months = {marker: longest(marker) for marker in OMMEN}
    assert list(months) == sorted(months, key=months.get) and len(set(months.values())) == 4
    print({marker: round(m, 1) for marker, m in months.items()})
