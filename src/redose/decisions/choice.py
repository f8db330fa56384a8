"""Which regime to choose, how sure that is, and what it would be worth to know more. Arrays are (draw, regime).

The decision-maker chooses the regime with the highest expected utility. Regret of a regime in a draw is what the best
regime of that draw has more. Expected values of information are in quality-adjusted days a patient:

    EVPI  = E[max_r U_r] - max_r E[U_r]
    EVPPI = E[max_r E[U_r | φ]] - max_r E[U_r]      E[U_r | φ] by regression of U on the draws of φ (Strong et al. 2014)
    EVSI  = E[max_r E[U_r | data]] - max_r E[U_r]   the same regression, φ shrunk to its mean by what the data would say

The regression is additive and quadratic in standardised parameters, ridge by generalised cross-validation. Data of n
patients like the N of the study leave of a parameter's variance the share N / (n + N) (Jalal & Alarid-Escudero 2018):
linear terms shrink by s = √(n / (n + N)), centred quadratic ones by s².
"""

import numpy as np
import pandas as pd
import xarray as xr

from redose.decisions import path, utility
from redose.decisions.regimes import Regime
from redose.prediction import Draws

GROUPS = {  # of parameters, by the stems of their names
    "kinetics": (
        *("mu_b", "beta_b", "doubling", "beta_g", "delta", "eta", "psi", "rho", "theta", "xi", "half_life", "kappa"),
        *("cured", "sigma", "detection", "correlation"),
    ),
    "hazards": ("rate", "shape", "alpha", "alpha_slope", "tau", "weights", "beta", "zeta"),
    "population": (
        *("omega_b", "omega_g", "omega_delta", "omega_v", "phi", "omega_trial", "omega_site", "omega_lot"),
        "omega_interval",
    ),
}
GVHD = "GVHD"
MONTH = 30.4375  # days
RIDGES = np.geomspace(1e-3, 1e4, 22)


def tails(ci_prob: float) -> list[float]:
    return [(1 - ci_prob) / 2, (1 + ci_prob) / 2]


def chosen(u: np.ndarray) -> int:
    """Index of the regime with the highest expected utility."""
    return int(u.mean(0).argmax())


def regret(u: np.ndarray) -> np.ndarray:
    """Expected regret of every regime, shape (regime,)."""
    return (u.max(1, keepdims=True) - u).mean(0)


def evpi(u: np.ndarray) -> float:
    """Expected value of perfect information: what a draw's best regime has more than the chosen one."""
    return float(u.max(1).mean() - u.mean(0).max())


def best_shares(u: np.ndarray) -> np.ndarray:
    """P(every regime is the best), shape (regime,); regimes that tie share a draw."""
    best = u == u.max(1, keepdims=True)
    return (best / best.sum(1, keepdims=True)).mean(0)


def summary(found: xr.DataArray, regimes: list[Regime], of: dict, ci_prob: float) -> pd.DataFrame:
    """A row per regime: name, kind, tau, every (days, of the grid's cells), mean, low and high of all that `weighed`
    gives; p_best, p_gain (probability that the gain is above 0), regret."""
    values = weighed(found, regimes, of)
    table = pd.DataFrame({"regime": [r.name for r in regimes], "kind": [r.kind for r in regimes]})
    table["tau"] = [r.cell[0] if r.cell else np.nan for r in regimes]
    table["every"] = [r.cell[1] if r.cell else np.nan for r in regimes]
    bands = {}
    for name, x in values.items():
        low, high = np.quantile(x, tails(ci_prob), axis=0)
        bands |= {name: x.mean(0), f"{name}_low": low, f"{name}_high": high}
    u, gain = values["utility"], values["gain"]
    more = {"p_best": best_shares(u), "p_gain": (gain > 0).mean(0), "regret": regret(u)}
    return pd.concat([table, pd.DataFrame(bands | more)], axis=1)


def weighed(found: xr.DataArray, regimes: list[Regime], of: dict) -> dict[str, np.ndarray]:
    """Every outcome, rmst (days alive and progression-free), delay (days, of one that was late), cost, also per month
    free, health, utility and gain (utility more than without redosing): name -> values, shape (draw, regime)."""
    values = {name: found.sel(outcome=name).to_numpy() for name in path.OUTCOMES}
    values["rmst"] = sum(values[n] for n in utility.DAYS_FREE)
    values["delay"] = values["delay_days"] / np.maximum(values["delayed"], 1e-12)
    values["cost"] = utility.cost(found, regimes, of["costs"])
    values["cost_per_free_month"] = values["cost"] / (values["rmst"] / MONTH)
    values["health"] = utility.health(found, of["weights"])
    u = values["utility"] = utility.utility(found, regimes, of)
    none = next(k for k, r in enumerate(regimes) if r.kind == "none")
    values["gain"] = u - u[:, none : none + 1]
    return values


def by_draw(found: xr.DataArray, regimes: list[Regime], of: dict) -> pd.DataFrame:
    """What `weighed` gives as a table, a row per draw (the index) and regime."""
    values = weighed(found, regimes, of)
    count = len(values["gain"])
    table = pd.DataFrame({name: x.ravel() for name, x in values.items()}, index=np.repeat(range(count), len(regimes)))
    table.insert(0, "regime", [r.name for r in regimes] * count)
    return table


def best_tau(u: np.ndarray, regimes: list[Regime]) -> pd.DataFrame:
    """Posterior of the best tau for each interval between tests, and of the best pair (every = "any"): columns every,
    tau, p (probability), chosen (whether its expected utility is the highest)."""
    cells = [(k, *r.cell) for k, r in enumerate(regimes) if r.cell]
    rows = []
    for every in [*sorted({e for _, _, e in cells}), None]:
        mine = [(k, t, e) for k, t, e in cells if every in (e, None)]
        part = u[:, [k for k, _, _ in mine]]
        share, best = best_shares(part), chosen(part)
        for place, (_, tau, days) in enumerate(mine):
            row = {"every": days, "within": "all pairs" if every is None else f"every {days:g} d", "tau": tau}
            rows.append(row | {"p": share[place], "chosen": place == best})
    return pd.DataFrame(rows, columns=["within", "every", "tau", "p", "chosen"])


def stem_of(name: str) -> str:
    """`rate` of rate_progression: parameters that every cause has go without their cause."""
    for cause in ("_progression", "_death", "_transplant", "_new_therapy"):
        name = name.removesuffix(cause)
    return name


def parameters(draws: Draws, of_gvhd: Draws | None) -> dict[str, np.ndarray]:
    """Group -> population parameters on the scale of the regression, shape (draw, parameter); constant ones left out.
    Positive ones enter as logarithms."""
    found = {}
    known = {n: x for n, x in draws.items() if x.ndim <= 2}
    for group, stems in GROUPS.items():
        found[group] = [x.reshape(-1, x.shape[-1]) for n, x in known.items() if stem_of(n) in stems]
    drop = ("graded", "log_likelihood")
    found[GVHD] = [x.reshape(-1, x.shape[-1]) for n, x in (of_gvhd or {}).items() if not n.startswith(drop)]
    made = {}
    for group, parts in found.items():
        if parts:
            x = np.concatenate(parts).T
            x = np.where((x > 0).all(0), np.log(np.where(x > 0, x, 1.0)), x)
            made[group] = x[:, x.std(0) > 1e-12]
    return {g: x for g, x in made.items() if x.shape[1]}


def terms(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(linear, quadratic) terms of the regression, centred, shape (draw, parameter) each."""
    z = (x - x.mean(0)) / x.std(0)
    return z, z**2 - 1


def regress(basis: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Coefficients of a ridge regression of the centred y, shape (draw, regime), on a centred basis; the penalty by
    generalised cross-validation, one for all regimes (Golub, Heath & Wahba 1979)."""
    left, d, right = np.linalg.svd(basis, full_matrices=False)
    inside = left.T @ (y - y.mean(0))
    rest = ((y - y.mean(0)) ** 2).sum() - (inside**2).sum()

    def score(ridge: float) -> float:
        kept = d**2 / (d**2 + ridge)
        return (rest + (((1 - kept)[:, None] * inside) ** 2).sum()) / (1 - (kept.sum() + 1) / len(y)) ** 2

    room = [r for r in RIDGES if (d**2 / (d**2 + r)).sum() + 1 < 0.9 * len(y)]
    ridge = min(room or RIDGES[-1:], key=score)
    return right.T @ ((d / (d**2 + ridge))[:, None] * inside)


def value(u: np.ndarray, fitted: np.ndarray) -> float:
    """Expected value of choosing by `fitted`, conditional means of u less their mean, never below 0 or above EVPI."""
    by_draw = (u.mean(0) + fitted).max(1).mean() - u.mean(0).max()
    return float(np.clip(by_draw, 0.0, evpi(u)))


def evppi(u: np.ndarray, x: np.ndarray) -> float:
    """Expected value of knowing the parameters x, shape (draw, parameter)."""
    basis = np.hstack(terms(x))
    return value(u, basis @ regress(basis, u))


def evsi(u: np.ndarray, known: dict[str, np.ndarray], ratio: dict[str, float]) -> float:
    """Expected value of data that hold `ratio` (n / N by group) times what the study's own say of the parameters."""
    blocks = {g: terms(x) for g, x in known.items()}
    full = np.hstack([np.hstack(b) for b in blocks.values()])
    shrunk = []
    for group, (linear, quadratic) in blocks.items():
        s2 = ratio.get(group, 0.0) / (1 + ratio.get(group, 0.0))
        shrunk.append(np.hstack([np.sqrt(s2) * linear, s2 * quadratic]))
    return value(u, np.hstack(shrunk) @ regress(full, u))


def information(u: np.ndarray, known: dict, trial: int, wanted: list[int], deeper: float, willingness: float):
    """Rows of what knowing more is worth, in quality-adjusted days a patient and money: columns measure (EVPI, EVPPI,
    EVSI), of, days, money. trial: patients of the study; wanted: of further ones. deeper: ratio of information on the
    kinetics that a deeper assay would add."""
    rows = [("EVPI", "everything", evpi(u))]
    rows += [("EVPPI", group, evppi(u, x)) for group, x in known.items()]
    for patients in wanted:
        ratio = dict.fromkeys(known, patients / trial)
        rows.append(("EVSI", f"a further trial of {patients} patients", evsi(u, known, ratio)))
    rows.append(("EVSI", "the study's samples read by a deeper assay", evsi(u, known, {"kinetics": deeper})))
    table = pd.DataFrame(rows, columns=["measure", "of", "days"])
    return table.assign(money=table["days"] * willingness / utility.YEAR)


def sensitivity(found: xr.DataArray, regimes: list[Regime], of: dict) -> pd.DataFrame:
    """The choice with every weight and price changed by the config's factors, one at a time: columns changed, factor,
    regime (chosen), gain (its utility more than without redosing), same (whether the choice stays)."""
    none = next(k for k, r in enumerate(regimes) if r.kind == "none")
    base = chosen(utility.utility(found, regimes, of))
    rows = []
    for name in utility.names(of):
        for factor in of["weigh"]:
            u = utility.utility(found, regimes, utility.changed(of, name, factor)).mean(0)
            best = int(u.argmax())
            rows.append((name, factor, regimes[best].name, u[best] - u[none], best == base))
    return pd.DataFrame(rows, columns=["changed", "factor", "regime", "gain", "same"])


def preferred(found: xr.DataArray, regimes: list[Regime], of: dict) -> pd.DataFrame:
    """The map of the preferred regime over the cost of an infusion (0.1 to 4 times the config's) and the willingness to
    pay: columns infusion, willingness, regime, gain."""
    none = next(k for k, r in enumerate(regimes) if r.kind == "none")
    rows = []
    for willingness in of["acceptable"]:
        for factor in np.geomspace(0.1, 4.0, 9):
            if willingness > 0:
                changed = utility.changed(of, "costs.infusion", factor) | {"willingness": willingness}
                u = utility.utility(found, regimes, changed).mean(0)
                best = int(u.argmax())
                price = changed["costs"]["infusion"]
                rows.append((price, willingness, regimes[best].name, u[best] - u[none]))
    return pd.DataFrame(rows, columns=["infusion", "willingness", "regime", "gain"])


def acceptability(found: xr.DataArray, regimes: list[Regime], of: dict) -> pd.DataFrame:
    """Cost-effectiveness acceptability: P(every regime has the highest net benefit) by willingness to pay, and whether
    its expected one is the highest: columns willingness, regime, p, chosen. Regimes that are never best are out."""
    health, cost = utility.health(found, of["weights"]), utility.cost(found, regimes, of["costs"])
    rows = []
    for willingness in of["acceptable"]:
        net = willingness * health / utility.YEAR - cost
        best, share = chosen(net), best_shares(net)
        rows += [(willingness, r.name, share[k], k == best) for k, r in enumerate(regimes) if share[k] or k == best]
    return pd.DataFrame(rows, columns=["willingness", "regime", "p", "chosen"])


def by_subgroup(found: xr.Dataset, regimes: list[Regime], of: dict, ci_prob: float) -> pd.DataFrame:
    """The choice in every subgroup: columns cell, patients, regime, gain, gain_low, gain_high, p_gain (probability that
    the gain over no redosing is above 0), and regret of the regime that is chosen for all."""
    none = next(k for k, r in enumerate(regimes) if r.kind == "none")
    weight = found["patients"] / found["patients"].sum()
    overall = chosen(utility.utility((found["outcomes"].astype(float) * weight).sum("cell"), regimes, of))
    rows = []
    for cell in found["cell"].to_numpy():
        part, count = found["outcomes"].sel(cell=cell).astype(float), int(found["patients"].sel(cell=cell))
        if count == 0:
            continue
        u = utility.utility(part, regimes, of)
        best = chosen(u)
        gain = u[:, best] - u[:, none]
        low, high = np.quantile(gain, tails(ci_prob))
        row = {"cell": cell, "patients": count, "regime": regimes[best].name, "gain": gain.mean(), "gain_low": low}
        row |= {"gain_high": high, "p_gain": (gain > 0).mean()}
        rows.append(row | {"regret_of_common": u.mean(0)[best] - u.mean(0)[overall]})
    return pd.DataFrame(rows)
