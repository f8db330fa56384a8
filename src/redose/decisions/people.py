"""What the posterior knows of the patients ahead of whom regimes are simulated, as the kernel reads it.

Patients stand at the start of a first interval: those of the trial with their own level, growth, kill and frailty, or
new ones, drawn from the population of every draw with the covariates of the trial's. Conditions other than GVHD are
absent. New patients are the same quasi-random people in every draw, so draws differ by parameters alone.
"""

import json

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import gamma, ndtri

from redose import coordinates, covariates, episodes, kinetics, onsets, prediction, survival
from redose.decisions import path, records
from redose.decisions.regimes import GRADES, Regime, RegimeError
from redose.prediction import Draws

LOWEST, HIGHEST, SPACING = -16.0, 6.0, 0.01  # log10 ratio at which the link is tabulated
COUNTED = ("2", "3", "4")  # grades of acute GVHD that an outcome counts
SEVERE = {"acute": ("3", "4"), "chronic": ("severe",)}
LATER = f"xi[{covariates.INTERVAL}]"  # feature of infusions in later intervals, which are not simulated
KINDS_OF_CAUSE = {"progression": path.PROGRESSION, "death": path.DEATH}


def plain(kind: type, *values) -> tuple:
    """A record of the kernel, its arrays contiguous: another layout would be compiled anew."""
    return kind(*(np.ascontiguousarray(x) if isinstance(x, np.ndarray) else x for x in values))


def first_intervals(data: xr.Dataset) -> np.ndarray:
    """Index of the first interval of every patient that has one, shape (patient,)."""
    owner = data["interval_patient"].to_numpy()
    return np.sort(np.unique(owner, return_index=True)[1])


def members(data: xr.Dataset, who: str, most: int) -> np.ndarray:
    """Indices of the first intervals whose patients are simulated, or whose covariates new patients have; shape
    (person,). Trials larger than `most` are represented by evenly spaced patients; new patients are `most`."""
    first = first_intervals(data)
    count = most if who == "new" else min(most, len(first))
    return first[np.floor((np.arange(count) + 0.5) / count * len(first)).astype(int)]


def of_trial(data: xr.Dataset, draws: Draws, interval: np.ndarray) -> dict:
    """Level, log growth trait, log kill, still, shape (person, draw), and effect by cause, of the trial's patients."""
    at, patient = coordinates.groups(data), data["interval_patient"].to_numpy()[interval]
    features = data["mean_features"].to_numpy()[patient] @ prediction.coefficients(data, draws)
    effect = {c: prediction.patient_effect(data, draws, c)[patient] for c in prediction.causes(data)}
    return {
        "level": draws["traits"][at["level"]][interval],
        "growth": draws["traits"][at["growth"][0]][patient],
        "kill": draws["traits"][at["kill"]][patient] - features,
        "still": draws["still"][patient] if "still" in draws else np.zeros_like(features),
        "effect": effect,
    }


def of_population(data: xr.Dataset, draws: Draws, interval: np.ndarray, seed: int) -> dict:
    """As `of_trial`, of new patients with the covariates of those intervals."""
    count, none = len(draws["mu_b"]), np.zeros(len(draws["mu_b"]))
    from scipy.stats import qmc  # takes half a second to import

    points = qmc.Sobol(7, seed=seed).random_base2(int(np.ceil(np.log2(max(len(interval), 2)))))
    share = np.clip(points[: len(interval)], 1e-6, 1 - 1e-6)
    z = ndtri(share)
    chol = np.linalg.cholesky(prediction.trait_correlation(data, draws, 1))  # order growth, kill, level
    growth, kill, level = np.einsum("dij,pj->ipd", chol, z[:, :3])
    patient = data["interval_patient"].to_numpy()[interval]

    def mean(name: str, part: str, rows: np.ndarray) -> np.ndarray:
        x = data[f"x_{part}"].to_numpy()[rows]
        return x @ draws[name] if x.shape[1] else np.zeros((len(rows), count))

    robust = json.loads(data.attrs["options"]).get("robust", 0.0)
    between = np.hypot(draws.get("omega_trial", none), draws.get("omega_site", none)) * np.ones((len(interval), 1))
    if robust and "omega_trial" in draws:
        between = np.where(share[:, 5:6] < robust, np.hypot(between, survival.ONE_EVENT), between)
    v = z[:, 3:4] * draws.get("omega_v", none)
    effect = {c: draws.get(f"phi_{c}", none) * v for c in prediction.causes(data)}
    effect["progression"] = v + z[:, 4:5] * between
    return {
        "level": draws["mu_b"] + mean("beta_b", "level", interval) + draws["omega_b"] * level,
        "growth": np.log(draws["doubling"]) + mean("beta_g", "growth", patient) + draws["omega_g"] * growth,
        "kill": np.log(draws["delta"]) + mean("eta", "kill", patient) + draws["omega_delta"] * kill,
        "still": (share[:, 6:7] < draws["cured"]).astype(float)
        if "cured" in draws
        else np.zeros((len(interval), count)),
        "effect": effect,
    }


def people(
    data: xr.Dataset, draws: Draws, interval: np.ndarray, who: str, cell: np.ndarray, seed: int
) -> records.People:
    """The patients, for the kernel. who: "trial" or "new". cell: subgroup of each, shape (person,)."""
    found = of_trial(data, draws, interval) if who == "trial" else of_population(data, draws, interval, seed)
    relative = []
    for cause in prediction.causes(data):
        x = data[f"static_{cause}"].to_numpy()[interval]
        log_ratio = x @ draws[f"beta_{cause}"] + found["effect"][cause]
        relative.append(np.exp(log_ratio + prediction.interval_effect(data, draws, cause)[interval]).T)
    growth = (1 - found["still"]) * kinetics.LOG10_2 / np.exp(found["growth"])
    arrays = (found["level"].T, growth.T, np.exp(found["kill"]).T, np.stack(relative, axis=1))
    return plain(records.People, *arrays, cell.astype(np.int64))


def hazards(data: xr.Dataset, draws: Draws, step: float, steps: int) -> records.Hazards:
    """Baselines cumulated over the steps and what the marker does to them, for the kernel."""
    edges, ratio = step * np.arange(steps + 1.0), np.arange(LOWEST, HIGHEST + SPACING / 2, SPACING)
    fraction = kinetics.log10_fraction(ratio)[:, None]
    grown, linked, slope = [], [], []
    count = len(draws["mu_b"])
    for cause in prediction.causes(data):
        grown.append(np.diff(prediction.cumulative_baseline(data, draws, cause, edges), axis=0).T)
        log_ratio = prediction.association(data, draws, cause, fraction, np.zeros_like(fraction))
        linked.append(np.exp(np.broadcast_to(log_ratio, (len(ratio), count))).T)
        slope.append(draws.get(f"alpha_slope_{cause}", np.zeros(count)))
    kinds = np.array([KINDS_OF_CAUSE.get(c, path.OTHER) for c in prediction.causes(data)], dtype=np.uint8)
    arrays = [np.stack(x, axis=1) for x in (grown, linked, slope)]
    return plain(
        records.Hazards,
        arrays[0],
        arrays[1].astype(np.float32),
        LOWEST,
        SPACING,
        arrays[2],
        bool(np.any(arrays[2])),
        kinds,
    )


def usual_product(data: xr.Dataset) -> str:
    """The product that was infused most often."""
    return str(data["product"].to_numpy()[np.bincount(data["dose_product"].to_numpy()).argmax()])


def kill(data: xr.Dataset, draws: Draws, regimes: list[Regime], reference_cells: float) -> records.Kill:
    """What an infusion of every regime does, for the kernel. Raises RegimeError for an unknown product or agent."""
    products, features = list(data["product"].to_numpy()), list(data["feature"].to_numpy())
    raw = data["dose_features"].to_numpy() + data["mean_features"].to_numpy()[data["dose_patient"].to_numpy()]
    all_coefficients = prediction.coefficients(data, draws)
    weight, half_life, kappa = [], [], []
    for r in regimes:
        product = r.product or usual_product(data)
        if product not in products:
            known = ", ".join(products)
            raise RegimeError(
                f"config: decision.regimes ({r.name}).product: '{product}' was not infused: give {known}."
            )
        place, row = products.index(product), np.zeros(len(features))
        of_product = [k for k, name in enumerate(features) if name.startswith("xi[") and name != LATER]
        row[of_product] = raw[np.flatnonzero(data["dose_product"].to_numpy() == place)[0], of_product]
        row[features.index("psi")] = np.log(r.cells / reference_cells)
        if r.agent:
            row[timed(features, data, r)] = 1.0
        weight.append(r.kill * np.exp(row @ all_coefficients))
        half_life.append(draws["half_life"][place])
        agents = list(data["course"].to_numpy())
        kappa.append(draws["kappa"][agents.index(r.agent)] if r.agent in agents else np.zeros_like(half_life[-1]))
    arrays = [np.stack(x, axis=1) for x in (weight, half_life, kappa)]
    return plain(records.Kill, *arrays, draws["rho"])


def timed(features: list[str], data: xr.Dataset, regime: Regime) -> int:
    """Place of the feature of an infusion timed to the regime's agent. Raises RegimeError where the model has none."""
    name = f"theta[{regime.agent}]"
    if name not in features:
        known = ", ".join(data["timed"].to_numpy()) or "no agent"
        raise RegimeError(
            f"config: decision.regimes ({regime.name}).timed_to: the model's infusions are timed to {known}, and not "
            f"to '{regime.agent}': name it under kinetics.timed_to of the model, or leave the regime out."
        )
    return features.index(name)


def gvhd(
    fit: tuple | None,
    data: xr.Dataset,
    draws: Draws,
    regimes: list[Regime],
    interval: np.ndarray,
    decision: dict,
    about: dict,
) -> records.Gvhd:
    """GVHD of these patients, for the kernel. fit: (design, draws) of the model gvhd; None where there is none, and
    nobody has GVHD."""
    patterns, pattern, days = patterns_of(data)
    ratio = np.exp(np.stack([x @ log_ratios(data, draws, c) for c, x in patterns.items()]))  # cause, pattern, draw
    ratio = np.moveaxis(ratio, 2, 0)
    count, n, step = len(draws["mu_b"]), len(interval), decision["ahead"]["step"]
    if fit is None:
        none, steps = np.zeros((count, 2, len(regimes))), int(decision["ahead"]["horizon"] // step)
        nobody, level = (
            (np.zeros((count, 2, n)), np.zeros((count, 2, n, 4)), np.zeros((count, n))),
            np.zeros(n, np.int64),
        )
        background = np.zeros((count, 2, 1, steps))
        return plain(
            records.Gvhd, none, np.ones(count), background, level, *nobody, none, ratio, pattern, days, False, False
        )
    own, known = fit
    patient = pd.Index(own["patient"].to_numpy()).get_indexer(
        data["patient"].to_numpy()[data["interval_patient"].to_numpy()[interval]]
    )
    shares = np.stack([shares_of(own, known, k, patient, decision["limits"]["stop"]) for k in onsets.KINDS])
    relative = np.stack([np.exp(episodes.effect(own, known, k, "beta"))[patient].T for k in onsets.KINDS], axis=1)
    kinds = [of_kind(own, known, k, data, regimes, decision, about) for k in onsets.KINDS]
    background, caused, ends = (np.stack(x, axis=1) for x in zip(*kinds, strict=True))
    counted = graded(own, known, "acute")[patient][:, [g in COUNTED for g in GRADES["acute"]]].sum(1).T
    half_life = known.get("half_life_gvhd", np.ones(count))
    level = own["patient_level"].to_numpy()[patient].astype(np.int64)
    of_patients = relative, shares.transpose(3, 0, 1, 2), counted
    recurrent = bool(json.loads(own.attrs["options"])["recurrent"])
    return plain(
        records.Gvhd, caused, half_life, background, level, *of_patients, ends, ratio, pattern, days, True, recurrent
    )


def patterns_of(data: xr.Dataset) -> tuple[dict, np.ndarray, np.ndarray]:
    """(cause -> which of its classes of GVHD are on, shape (pattern, class); number of each of the 16 states' pattern;
    the outcome that the days of every pattern count to). The state without GVHD comes first."""
    acute, chronic = np.divmod(np.arange(16), 4)
    on = [np.isin(kind, (path.MILD, path.ILL)) for kind in (acute, chronic)]
    classes = {"gvhd": on[0] | on[1], "gvhd_acute": on[0], "gvhd_chronic": on[1]}
    classes["gvhd_severe"] = (acute == path.ILL) | (chronic == path.ILL)
    used = {c: covariates_of_gvhd(data, c) for c in prediction.causes(data)}
    telling = [c for c in classes if c in ("gvhd", "gvhd_severe") or any(c in u for u in used.values())]
    rows = list(zip(*(classes[c].tolist() for c in telling), strict=True))
    every = list(dict.fromkeys(rows))  # in the order of the states
    pattern = np.array([every.index(row) for row in rows], dtype=np.uint8)
    state = [rows.index(row) for row in every]
    days = np.where(classes["gvhd_severe"], path.SEVERE, np.where(classes["gvhd"], path.GVHD_DAYS, path.FREE))[state]
    days = days.astype(np.uint8)
    none = np.zeros(len(every))
    of_cause = {c: np.column_stack([classes[x][state] for x in u] or [none]).astype(float) for c, u in used.items()}
    return of_cause, pattern, days


def covariates_of_gvhd(data: xr.Dataset, cause: str) -> list[str]:
    """Classes of GVHD on which the hazard of a cause depends."""
    return [c for c in covariates.GVHD_CLASSES if c in data[f"{cause}_covariate"]]


def log_ratios(data: xr.Dataset, draws: Draws, cause: str) -> np.ndarray:
    """Log hazard ratios of the classes of GVHD on a cause, shape (class, draw); one 0 where it has none."""
    names = list(data[f"{cause}_covariate"].to_numpy())
    places = [names.index(c) for c in covariates_of_gvhd(data, cause)]
    return draws[f"beta_{cause}"][places] if places else np.zeros((1, len(draws["mu_b"])))


def of_kind(
    own: xr.Dataset, known: Draws, kind: str, data: xr.Dataset, regimes: list[Regime], decision: dict, about: dict
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(background cumulated over steps, shape (draw, level, step); onsets expected of one infusion, and P(an episode
    ends in a step), shape (draw, regime)) of one kind of GVHD."""
    count, ahead = episodes.number_of(known), decision["ahead"]
    edges = ahead["step"] * np.arange(int(ahead["horizon"] // ahead["step"]) + 1.0)
    background = np.zeros((count, 1, len(edges) - 1))
    if f"background_{kind}" in known:
        cuts = json.loads(own.attrs["options"])["windows"][kind]
        q = known[f"background_{kind}"].reshape(-1, len(cuts) + 1, count)
        days = onsets.days_in_windows(cuts, edges[:-1], edges[1:])
        background = np.einsum("sw,lwd->dls", days, -np.log1p(-q) / onsets.WITHIN)
    products, caused, ends = list(own["product"].to_numpy()), [], []
    mean = np.full(count, np.inf)
    if f"duration_{kind}" in known:
        shape = known[f"shape_{kind}"]
        mean = known[f"duration_{kind}"] * gamma(1 + 1 / shape) / np.log(2) ** (1 / shape)
    for r in regimes:
        product = r.product or usual_product(data)
        if f"risk_{kind}" in known and product in products:
            relative = (r.cells / json.loads(own.attrs["options"])["reference_cells"]) ** known["rho_gvhd"]
            caused.append(-np.log1p(-known[f"risk_{kind}"][products.index(product)]) * relative)
        else:
            caused.append(np.zeros(count))
        switch = about.get("products", {}).get(product, {}).get("safety_switch", False)
        ends.append(-np.expm1(-ahead["step"] / (mean * (decision["limits"]["switch"] if switch else 1.0))))
    return background, np.stack(caused, axis=1), np.stack(ends, axis=1)


def graded(own: xr.Dataset, known: Draws, kind: str) -> np.ndarray:
    """P(grade) of an episode of every patient, shape (patient, grade, draw); the least grade where none is recorded."""
    if f"grade_{kind}" in known:
        return episodes.grade_shares(own, known, kind)
    found = np.zeros((own.sizes["patient"], len(GRADES[kind]), episodes.number_of(known)))
    found[:, 0] = 1.0
    return found


def shares_of(own: xr.Dataset, known: Draws, kind: str, patient: np.ndarray, stop: dict) -> np.ndarray:
    """Shares of episodes as the kernel has them, shape (patient, 4, draw): not severe and may be infused on, not severe
    and may not, severe and may, severe and may not."""
    shares, grades = graded(own, known, kind)[patient], GRADES[kind]
    severe = np.array([g in SEVERE[kind] for g in grades])
    ends = np.array([stop[kind] != "never" and k >= grades.index(stop[kind]) for k in range(len(grades))])
    groups = [~severe & ~ends, ~severe & ends, severe & ~ends, severe & ends]
    return np.stack([shares[:, g].sum(1) for g in groups], axis=1)
