"""Are ranks of true values among posterior draws uniform? Simultaneous bands of the ECDF, coverage, and a verdict.

If parameters come from the prior, data from the parameters and draws from the exact posterior, the rank of the true
value of any quantity is uniform (Cook, Gelman & Rubin 2006; Talts et al. 2018). The band is that of Säilynoja, Bürkner
& Vehtari 2022: the ECDF of N uniform values stays within it at all of 1/N, ..., (N - 1)/N with the stated probability.
"""

import numpy as np
import pandas as pd

NULL = 20_000  # uniform samples behind a p-value
COVERAGES = (0.5, 0.8, 0.9)  # central intervals whose coverage is tested
COLUMNS = ["simulation", "quantity", "truth", "median", "low", "high", "pit", "accepted", "reason"]


def pit(truth: float, draws: np.ndarray, uniform: float) -> float:
    """Probability integral transform of `truth`: its rank among the draws, spread over (0, 1).

    Uniform on (0, 1) if truth and draws are exchangeable, for any number of draws; ties (a threshold that does not
    exist is infinite) are broken at random by `uniform`, a value in (0, 1).
    """
    less, equal = (draws < truth).sum(), (draws == truth).sum()
    return float((less + uniform * (equal + 1)) / (len(draws) + 1))


def counts(values: np.ndarray) -> np.ndarray:
    """Number of values at or below 1/N, ..., (N - 1)/N, shape (..., N - 1); values: shape (..., N)."""
    n = values.shape[-1]
    place = np.clip(np.ceil(values * n).astype(int), 1, n) - 1  # the cell ((k)/N, (k + 1)/N] of each value
    inside = np.zeros((*values.shape[:-1], n), dtype=int)
    np.add.at(inside.reshape(-1, n), (np.repeat(np.arange(values.size // n), n), place.ravel()), 1)
    return np.cumsum(inside, axis=-1)[..., :-1]


def extremity(values: np.ndarray) -> np.ndarray:
    """Smallest two-sided binomial tail probability of the ECDF over its points, shape (...); small is extreme."""
    from scipy.stats import binom  # half a second, for scripts that need only names of this module

    n = values.shape[-1]
    points, k = np.arange(1, n) / n, np.arange(n + 1)[:, None]
    tail = 2 * np.minimum(binom.cdf(k, n, points), binom.sf(k - 1, n, points))
    return tail[counts(values), np.arange(n - 1)].min(axis=-1)


def null_extremity(n: int, seed: int) -> np.ndarray:
    """`extremity` of NULL samples of n uniform values, sorted; shape (NULL,)."""
    return np.sort(extremity(np.random.default_rng(seed).random((NULL, n))))


def band(n: int, level: float, null: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(points, low, high): the ECDF of n uniform values lies in [low, high] at all points but with probability
    `level`; shape (n - 1,) each. null: from `null_extremity`."""
    from scipy.stats import binom

    points = np.arange(1, n) / n
    gamma = np.quantile(null, level, method="inverted_cdf")
    return points, binom.ppf(gamma / 2, n, points) / n, binom.isf(gamma / 2, n, points) / n


def p_values(values: np.ndarray, null: np.ndarray) -> dict[str, float]:
    """p of uniformity by the ECDF ("ecdf") and, by exact binomial tests, of the coverage of each central interval
    ("coverage_50", ...). values: shape (N,)."""
    from scipy.stats import binomtest

    found = {"ecdf": (1 + np.searchsorted(null, extremity(values), side="right")) / (len(null) + 1)}
    for level in COVERAGES:
        inside = int((np.abs(values - 0.5) <= level / 2).sum())
        found[f"coverage_{level:.0%}".removesuffix("%")] = binomtest(inside, len(values), level).pvalue
    return found


def holm(p: np.ndarray) -> np.ndarray:
    """p-values adjusted for their number (Holm 1979), shape of `p`: none of true hypotheses falls below a level with
    more than that probability, however the tests depend on each other."""
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted[np.argsort(order, kind="stable")]


def judge(table: pd.DataFrame, level: float, seed: int) -> pd.DataFrame:
    """One row per quantity and test: quantity, test, value (share covered; empty for "ecdf"), simulations, p,
    p_adjusted (Holm, over all rows), calibrated.

    table: COLUMNS. Simulations whose fit was not accepted are left out: whether a fit is accepted depends on its data
    alone, so the ranks of the others stay uniform.
    """
    rows = []
    for quantity, part in table[table["accepted"]].groupby("quantity", sort=False):
        values = part["pit"].to_numpy()
        for test, p in p_values(values, null_extremity(len(values), seed)).items():
            row = {"quantity": quantity, "test": test, "value": np.nan, "simulations": len(values), "p": p}
            if test != "ecdf":
                row["value"] = (np.abs(values - 0.5) <= float(test.removeprefix("coverage_")) / 200).mean()
            rows.append(row)
    verdict = pd.DataFrame(rows, columns=["quantity", "test", "value", "simulations", "p"])
    verdict["p_adjusted"] = holm(verdict["p"].to_numpy())
    return verdict.assign(calibrated=verdict["p_adjusted"] >= level)


def text(table: pd.DataFrame, verdict: pd.DataFrame, level: float) -> str:
    """The verdict in words, one quantity a line, and the fits that were not accepted with their reasons."""
    rejected = table[~table["accepted"]].drop_duplicates(["simulation", "reason"])
    failed = verdict[~verdict["calibrated"]]
    simulations = table["simulation"].nunique()
    head = f"calibration: {simulations} simulations, {len(rejected)} of the fits not accepted and left out; "
    if verdict.empty:
        return head + "nothing can be judged."
    odd = f"NOT CALIBRATED: {', '.join(failed['quantity'].unique())}"
    head += f"{odd if len(failed) else 'no deviation'} at level {level:g} over {len(verdict)} tests (Holm)."
    lines = [head]
    for quantity, part in verdict.groupby("quantity", sort=False):
        p = part.set_index("test")
        held = ", ".join(f"{t.removeprefix('coverage_')} %: {p.loc[t, 'value']:.0%}" for t in p.index if t != "ecdf")
        lines.append(f"  {quantity}: p {p.loc['ecdf', 'p']:.3f} (ECDF); covered {held}")
    lines += [f"  simulation {r.simulation}: {r.reason}" for r in rejected.itertuples()]
    return "\n".join(lines)
