"""Who gains from redosing: the gain of one regime over another for every patient of the trial.

The gain is the difference in days alive and progression-free over the horizon, from the start of a first interval. It
is told twice: of the patient itself, whose samples and events its posterior knows, and of a new patient with the same
covariates, which is what could be known before treatment.

Rules of whom to treat are weighed by their net benefit: days gained a patient, less `threshold` days for every one who
is treated, which is what treatment must bring to be worth its burden (Vickers, Kattan & Sargent 2007, Trials 8:14, with
days in the place of event rates).
"""

import json

import numpy as np
import pandas as pd
import xarray as xr

from redose import covariates
from redose.decisions import outcomes, path, people, utility
from redose.decisions import regimes as rules
from redose.decisions.regimes import Regime, RegimeError
from redose.prediction import Draws

OWN, LIKE = "own", "like"  # the patient itself; new patients with its covariates
LIKE_EACH = 8  # quasi-random new patients for the covariates of each
THRESHOLDS = 25  # points of the decision curve
KEPT = (*utility.DAYS_FREE, "gvhd", "infusions")
MODEL_RULE = "expected gain of a new patient above the threshold"
SELECTED, DECLINED, UNDECIDED = "selected", "not selected", "undecided"


def compared(every: list[Regime], of: dict) -> list[Regime]:
    """The two regimes of the config's `decision: gain`: that which may gain, and what it is compared with.

    Raises RegimeError for a name that no regime has.
    """
    known = {r.name: r for r in every}
    for word in ("regime", "against"):
        if of[word] not in known:
            names = ", ".join(known)
            raise RegimeError(f"config: decision.gain.{word}: no regime is called '{of[word]}': give one of {names}.")
    return [known[of["regime"]], known[of["against"]]]


def simulate(
    data: xr.Dataset, draws: Draws, fit_of_gvhd: tuple | None, about: dict, decision: dict, seed: int, threads: int = 1
) -> xr.Dataset:
    """Outcomes of every patient under the two regimes: OWN and LIKE, dims draw, regime, patient, outcome.

    Arguments as in `outcomes.simulate`, `draws` all of them. Patients without a first interval are left out.
    """
    lod = np.log10(outcomes.assay_of(about, decision)["lod"])
    two = compared(rules.all_of(decision, json.loads(data.attrs["options"])["reference_cells"], lod), decision["gain"])
    first = people.first_intervals(data)
    found = {}
    for name, who, each in ((OWN, "trial", 1), (LIKE, "new", LIKE_EACH)):
        interval, cell = np.repeat(first, each), np.repeat(np.arange(len(first)), each)
        given = decision | {"ahead": decision["ahead"] | {"patients": who}}
        world = outcomes.arrays(data, draws, fit_of_gvhd, about, given, two, interval, cell, 0, seed)
        mean = path.outcomes(*rules.rules(two), world, np.bincount(cell), threads)
        dims = ("draw", "regime", "patient", "outcome")
        found[name] = (dims, mean[..., [path.OUTCOMES.index(x) for x in KEPT]])
    patient = data["patient"].to_numpy()[data["interval_patient"].to_numpy()[first]]
    coords = {"regime": [r.name for r in two], "patient": patient, "outcome": list(KEPT)}
    return xr.Dataset(found, coords=coords)


def days_free(found: xr.DataArray) -> np.ndarray:
    """Days alive and progression-free, shape (draw, regime, patient)."""
    return found.sel(outcome=list(utility.DAYS_FREE)).sum("outcome").to_numpy()


def gained(found: xr.DataArray) -> np.ndarray:
    """Days free under the first regime less those under the second, shape (draw, patient)."""
    free = days_free(found)
    return free[:, 0] - free[:, 1]


def verdict(p: np.ndarray, of: dict) -> np.ndarray:
    """Verdict on patients from P(the gain exceeds the smallest one that matters), shape (patient,)."""
    return np.select([p >= of["selected"], p <= of["declined"]], [SELECTED, DECLINED], UNDECIDED)


def reason(row: pd.Series, of: dict, horizon: float) -> str:
    """Why a patient has its verdict, in a sentence. row: of `table`."""
    p = "over 0.99" if row["p_gain"] > 0.99 else "under 0.01" if row["p_gain"] < 0.01 else f"{row['p_gain']:.2f}"
    chance = f"P(more than {of['smallest']:g} days gained) is {p}"
    if row["verdict"] == SELECTED:
        return f"{chance}; {row['free_against']:.0f} days free of {horizon:g} under {of['against']}"
    if row["verdict"] == UNDECIDED:
        return f"{chance}: what is known of the patient does not decide it"
    if horizon - row["free_against"] < of["smallest"]:
        return f"{chance}: free of progression for most of {horizon:g} days under {of['against']} too"
    return f"{chance}: progression comes about as early under {of['regime']}"


def table(found: xr.Dataset, of: dict, horizon: float, ci_prob: float) -> pd.DataFrame:
    """One row per patient: days free under both regimes, gain with its band, p_gain (that it exceeds `smallest`), GVHD
    II-IV added with its band, infusions added, verdict and reason; like_gain, its band and like_p_gain of new patients
    with the same covariates. Probabilities and means over draws; days.

    A band of `like_gain` is that of the mean over such patients, and not of one of them.
    """
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    rows = pd.DataFrame({"patient": found["patient"].to_numpy()})
    for name, prefix in ((OWN, ""), (LIKE, "like_")):
        gain = gained(found[name])
        if name == OWN:
            rows["free_regime"], rows["free_against"] = days_free(found[name]).mean(0)
        rows[f"{prefix}gain"] = gain.mean(0)
        rows[f"{prefix}gain_low"], rows[f"{prefix}gain_high"] = np.quantile(gain, tails, axis=0)
        rows[f"{prefix}p_gain"] = (gain > of["smallest"]).mean(0)
    added = found[OWN].isel(regime=0) - found[OWN].isel(regime=1)
    gvhd = added.sel(outcome="gvhd").to_numpy()
    rows["gvhd_added"] = gvhd.mean(0)
    rows["gvhd_added_low"], rows["gvhd_added_high"] = np.quantile(gvhd, tails, axis=0)
    rows["infusions_added"] = added.sel(outcome="infusions").to_numpy().mean(0)
    rows["verdict"] = verdict(rows["p_gain"].to_numpy(), of)
    rows["reason"] = [reason(row, of, horizon) for _, row in rows.iterrows()]
    return rows


def by_draw(found: xr.Dataset) -> pd.DataFrame:
    """What `table` is the summary of, a row per draw (the index) and patient: gain, gvhd_added, infusions_added,
    like_gain."""
    added = found[OWN].isel(regime=0) - found[OWN].isel(regime=1)
    values = {"gain": gained(found[OWN])}
    values |= {f"{name}_added": added.sel(outcome=name).to_numpy() for name in ("gvhd", "infusions")}
    values["like_gain"] = gained(found[LIKE])
    count, patients = values["gain"].shape
    table = pd.DataFrame({name: x.ravel() for name, x in values.items()}, index=np.repeat(range(count), patients))
    table.insert(0, "patient", np.tile(found["patient"].to_numpy(), count))
    return table


def detectable(data: xr.Dataset) -> np.ndarray | None:
    """True where the last sample on or before the start of a patient's first interval was above its limit, shape
    (patient,) of those with a first interval; None where no patient has such a sample."""
    first = people.first_intervals(data)
    interval, day = data["sample_interval"].to_numpy(), data["sample_day"].to_numpy()
    before = day <= data["interval_start"].to_numpy()[interval]
    found, any_ = np.zeros(len(first), dtype=bool), False
    for place, k in enumerate(first):
        mine = np.flatnonzero((interval == k) & before)
        if len(mine):
            any_ = True
            found[place] = not data["sample_below"].to_numpy()[mine[day[mine].argmax()]]
    return found if any_ else None


def simple_rules(data: xr.Dataset, patients: pd.DataFrame, about: dict) -> dict[str, np.ndarray]:
    """Rule -> who is treated by it, shape (patient,): all, none, burden or suppression below the median, detectable
    MRD."""
    first = people.first_intervals(data)
    names = data["patient"].to_numpy()[data["interval_patient"].to_numpy()[first]]
    own = patients.set_index("patient").loc[names]
    found = {"all patients": np.ones(len(first), dtype=bool), "no patient": np.zeros(len(first), dtype=bool)}
    for c in covariates.told_apart_by(patients, about):
        found[f"{about['covariates'][c]['label']} below its median"] = (own[c] < own[c].median()).to_numpy()
    seen = detectable(data)
    return found if seen is None else found | {"detectable MRD before treatment": seen}


def rules_at(found: xr.Dataset, simple: dict[str, np.ndarray], threshold: float) -> dict[str, np.ndarray]:
    """All rules at a threshold; the model's treats whoever's like gains more in expectation."""
    return simple | {MODEL_RULE: gained(found[LIKE]).mean(0) > threshold}


def weighed(found: xr.Dataset, simple: dict[str, np.ndarray], of: dict, ci_prob: float) -> pd.DataFrame:
    """One row per rule at the config's `smallest`: share treated, days gained a patient (whoever is not treated gains
    none) and net benefit with their bands, episodes of GVHD II-IV and infusions added a hundred patients, p_best
    (probability of the highest net benefit). Gains are those of the patients themselves."""
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    gain = gained(found[OWN])
    added = (found[OWN].isel(regime=0) - found[OWN].isel(regime=1)).sel(outcome=["gvhd", "infusions"]).to_numpy()
    every = rules_at(found, simple, of["smallest"])
    net = np.stack([(gain - of["smallest"]) @ who / gain.shape[1] for who in every.values()], axis=1)
    best = net == net.max(1, keepdims=True)
    rows = []
    for k, (name, who) in enumerate(every.items()):
        days = gain @ who / gain.shape[1]
        row = {"rule": name, "treated": who.mean()}
        for word, x in (("gained", days), ("net", net[:, k])):
            low, high = np.quantile(x, tails)
            row |= {word: x.mean(), f"{word}_low": low, f"{word}_high": high}
        more = 100 * np.einsum("dpo,p->o", added, who) / (added.shape[0] * added.shape[1])
        row |= {"gvhd_per_100": more[0], "infusions_per_100": more[1]}
        rows.append(row | {"p_best": (best[:, k] / best.sum(1)).mean()})
    return pd.DataFrame(rows)


def curve(found: xr.Dataset, simple: dict[str, np.ndarray], ci_prob: float) -> pd.DataFrame:
    """The decision curve: net benefit of every rule, mean and band, over THRESHOLDS from 0 to the largest expected
    gain."""
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    gain = gained(found[OWN])
    rows = []
    for threshold in np.linspace(0, max(gain.mean(0).max(), 1.0), THRESHOLDS):
        for name, who in rules_at(found, simple, threshold).items():
            net = (gain - threshold) @ who / gain.shape[1]
            low, high = np.quantile(net, tails)
            rows.append({"rule": name, "threshold": threshold, "net": net.mean(), "low": low, "high": high})
    return pd.DataFrame(rows)


def uplift(found: xr.Dataset, ci_prob: float) -> pd.DataFrame:
    """Days gained when more and more patients are treated, those first whose like gain most in expectation (a Qini
    curve, Radcliffe 2007, with modelled gains in the place of differences between arms): share treated, gained (days a
    patient of the trial) with its band, by_chance (treated in any order), and above, gained less by_chance, with its
    band; area (the Qini coefficient), the mean of `above` over the shares, with its band, in every row.
    """
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    gain = gained(found[OWN])
    order = np.argsort(-gained(found[LIKE]).mean(0), kind="stable")
    summed = np.concatenate([np.zeros((len(gain), 1)), np.cumsum(gain[:, order], axis=1)], axis=1) / gain.shape[1]
    share = np.linspace(0, 1, summed.shape[1])
    above = summed - share * gain.mean(1, keepdims=True)
    area = np.trapezoid(above, share, axis=1)
    rows = pd.DataFrame({"treated": share, "by_chance": share * gain.mean()})
    for name, x in (("gained", summed), ("above", above), ("area", area[:, None])):
        low, high = np.quantile(x, tails, axis=0)
        rows[name], rows[f"{name}_low"], rows[f"{name}_high"] = np.broadcast_arrays(x.mean(0), low, high, share)[:3]
    return rows
