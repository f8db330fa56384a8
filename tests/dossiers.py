"""Results of a small study as a run leaves them, made up without sampling, for the figures and the dossier to read."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import yaml

from redose import acceptance, cohort, contract, dosing, files, report
from redose.clinical import summarise
from redose.decisions import choice, gain, outcomes, path, regimes
from redose.figures import (
    accuracy,
    calibration,
    checking,
    clinical,
    comparison,
    decisions,
    effects,
    flow,
    gvhd,
    intervals,
    kinetics,
    mrd,
    patients,
    priors,
    residuals,
    sampler,
    style,
    swimmer,
    thresholds,
    visits,
    workflow,
)
from redose.figures.reading import read
from redose.report import pictured, reading

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
CAPTIONS = {f.stem: f.read_text(encoding="utf-8") for f in (ROOT / "workflow" / "report").glob("*.rst")}

EVIL = "<img src=x onerror=alert(1)>"
LONG = "arm" + "x" * 197  # 200 letters without a place to break
GREEK, CHINESE = "Ωμέγα", "对照组"
PATIENTS = [EVIL, "002", "NA", "Ω-π", "患者五", "$x$ & 'y' \"z\""]
KINDS = {  # a study without MRD; a simulated one with MRD, regimes and validation; one with GVHD as an outcome; a
    # simulated one of whose models the gate rejected all, with so many faults; one of whose models it rejected some
    "plain": (["intervals"], False),
    "joint": (["joint_step", "joint_value", "intervals"], True),
    "ill": (["intervals", "gvhd"], False),
    "hopeless": (["joint_step", "intervals", "gvhd"], True, {"joint_step": 20, "intervals": 1, "gvhd": 2}),
    "halved": (["joint_step", "joint_value", "intervals", "gvhd"], False, {"joint_value": 1, "gvhd": 2}),
}
LINKS = {"intervals": "none", "joint_value": "value", "joint_step": "step"}
SAMPLER = {"divergences": 0, "divergent_before": 0, "target_accept": 0.95, "bfmi": 0.8, "draws": 800}
SAMPLER |= {"draws_before": 0, "steps_per_draw": 7.0, "redrawn": []}
RULES = ({"check": 1, "fit": 2, "accept": 2, "report": 1}, [["check", "fit"], ["fit", "accept"], ["accept", "report"]])
AGAIN = {  # a fit that was run twice, and a patient whose traits were drawn anew
    "divergent_before": 1,
    "target_accept": 0.99,
    "draws_before": 400,
    "redrawn": [{"patient": "p2", "rhat": 1.14, "moved": 0.8}],
}


def settings(study: str, models: list[str], source: str = "tables") -> dict:
    """The repository's config, narrowed to one study with these models."""
    entry = {"folder": "/home/someone/secret", "source": source, "estimand": CONFIG["studies"]["bladder"]["estimand"]}
    known = CONFIG["studies"]["redosable"]["models"]
    if source == "simulate":
        entry["validation"] = {"folds": 5, "windows": [{"day": 91, "horizons": [182]}]}
    return {**CONFIG, "studies": {study: {**entry, "models": {m: known[m] for m in models}}}}


def about() -> dict:
    burden = {"label": "burden <b>", "role": "burden", "unit": "cm"}
    return {
        "title": f"A study of {GREEK} & {EVIL}",
        "source": "made up",
        "licence": "",
        "day_0": "first infusion",
        "units": {"day": "days"},
        "assays": {"flow": {"lod": 1e-4, "false_positive_rate": 0.0}},
        "products": {},
        "covariates": {"size": burden},
    }


def tables(with_mrd: bool) -> dict[str, pd.DataFrame]:
    """Checked tables: six patients, three arms, eight intervals."""
    found = {n: pd.DataFrame(columns=[c.name for c in t.columns]) for n, t in contract.TABLES.items()}
    arm = [LONG, LONG, GREEK, GREEK, CHINESE, CHINESE]
    same = {"trial": "all", "site": "all", "schedule": "none", "product": "none"}
    found["patients"] = pd.DataFrame({"patient": PATIENTS, "arm": arm, "size": [1.0, 2, 3, 4, 5, 6], **same})
    ends = [("progression", 100.0), ("censored", 400.0), ("death", 90.0), ("censored", 500.0), ("transplant", 80.0)]
    rows = [(p, 1, 0.0, np.nan, end, outcome) for p, (outcome, end) in zip(PATIENTS, ends, strict=False)]
    rows += [(PATIENTS[0], 2, 100.0, np.nan, 300.0, "progression"), (PATIENTS[5], 1, 0.0, np.nan, 70.0, "progression")]
    columns = ["patient", "interval", "start_day", "last_free_day", "end_day", "outcome"]
    found["intervals"] = pd.DataFrame(rows, columns=columns).assign(entry_day=np.nan)
    if with_mrd:
        day, below = [0.0, 30.0, 60.0], [False, True, False]
        samples = {"assay": "flow", "mrd": [1e-2, np.nan, 1e-3], "lod": 1e-4, "below": below}
        each = [pd.DataFrame({"patient": p, "day": day, **samples}) for p in PATIENTS]
        found["mrd"] = pd.concat(each, ignore_index=True)
        dose = {"day": 0.0, "cells": 9e8, "product": "NK", "lot": ""}
        found["infusions"] = pd.DataFrame({"patient": PATIENTS, **dose})
    return found


def marker_moves(simulated: bool) -> pd.DataFrame:
    """kinetics.csv of one product with two lots."""
    truth = 1.2 if simulated else np.nan
    rows = [
        ("kill", EVIL, "median patient", "log10", 6, 1.0, 0.8, 1.3),
        ("kill_low", EVIL, "patient at percentile 5", "log10", None, 0.5, 0.4, 0.6),
        ("kill_lot", GREEK, "", "log10", 4, 1.1, 0.8, 1.4),
        ("kill_lot", CHINESE, "", "log10", 2, 0.9, 0.7, 1.2),
        ("kill_ratio", "size", "6 against -1.5", "ratio", None, 0.75, 0.6, 0.9),
        ("psi", "", "", "exponent", None, 0.3, 0.2, 0.4),
        ("doubling", "", "median patient", "days", None, 36.0, 33.0, 40.0),
        ("half_life", EVIL, "", "days", None, 2.0, 1.5, 2.6),
    ]
    table = pd.DataFrame(rows, columns=dosing.COLUMNS[:8]).astype({"infusions": "Int64"})
    return table.assign(prior_median=1.0, prior_low=0.3, prior_high=4.0, truth=truth)


def curves() -> pd.DataFrame:
    """Curves of two groups, one without a second interval."""
    day = np.linspace(10, 400, 40)
    parts = []
    for group, number in ((LONG, "1"), (LONG, "2"), (CHINESE, "1")):
        free, died = np.exp(-day / 300), 0.2 * (1 - np.exp(-day / 300))
        for name, y in (("free", free), ("progression", 1 - free - died), ("death", died)):
            values = {"observed": y, "mean": y, "low": 0.8 * y, "high": np.minimum(1.2 * y, 1)}
            parts.append(pd.DataFrame({"group": group, "interval": number, "quantity": name, "day": day, **values}))
    return pd.concat(parts, ignore_index=True)


def lengths() -> pd.DataFrame:
    rows = []
    for group, number, days in ((LONG, "1", (180, 365)), (CHINESE, "1", (180,))):
        for d in days:
            count = {"group": group, "interval": number, "n": 12, "events": 7}
            at = 0.7 if d == 180 else 0.41
            rows.append(
                count | {"quantity": f"free_{d}", "mean": at, "low": at - 0.1, "high": at + 0.1, "observed": at}
            )
            mean = {"mean": 0.8 * d, "low": 0.7 * d, "high": 0.9 * d, "observed": 0.8 * d}
            rows.append(count | {"quantity": f"rmst_{d}", **mean})
    return pd.DataFrame(rows)


def moved(model: str) -> pd.DataFrame:
    columns = ["cause", "covariate", "ratio", "low", "high", "direction", "probability"]
    rows = [
        ("progression", f"arm[{LONG}]", 0.63, 0.4, 0.96, "lowers", 0.9625),
        ("progression", "size", 1.24, 1.11, 1.41, "raises", 1.0),
        ("death", "size", 1.02, 0.8, 1.3, "raises", 0.55),
    ]
    linked = {"joint_value": "MRD, per log10", "joint_step": "MRD above tau"}.get(model)
    if linked:
        rows.insert(0, ("progression", linked, 4.2, 2.0, 8.0, "raises", 0.999))
    return pd.DataFrame(rows, columns=columns)


def outlook() -> pd.DataFrame:
    state = ["progression", "progression-free", "death", "progression-free", "transplant", "progression"]
    reason = ["progressed", "", "died", "", "transplanted", "progressed"]
    table = pd.DataFrame({"patient": PATIENTS, "state": state, "reason": reason})
    ahead = table["state"] == "progression-free"
    for d, p in ((180, 0.8), (365, 0.6)):
        for suffix, shift in (("", 0.0), ("_low", -0.2), ("_high", 0.1)):
            table[f"free_{d}{suffix}"] = np.where(ahead, p + shift, np.nan)
        table[f"progression_{d}"] = np.where(ahead, 1 - p - 0.05, np.nan)
    return table


def ahead(model: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(patients, curves) as the rule `foresee` leaves them: the second and fourth patient are progression-free."""
    table = outlook()[["patient", "state", "reason"]]
    table["reason"] = table["reason"].replace("", np.nan)
    free = table["state"] == "progression-free"
    curves = []
    for k in table.index[free]:
        table.loc[k, "today"] = 400.0 + 100 * (k // 3)
        for d, p in zip(CONFIG["decision"]["dynamic"]["days"], (0.9, 0.8, 0.6), strict=True):
            for name, x in (("free", p), ("progression", 0.8 - 0.8 * p), ("death", 0.2 - 0.2 * p)):
                table.loc[k, [f"{name}_{d}", f"{name}_{d}_low", f"{name}_{d}_high"]] = [x, 0.8 * x, min(1.1 * x, 1)]
        day = table.loc[k, "today"] + np.array([0.0, 182, 365])
        for name, x in (("free", [1.0, 0.8, 0.6]), ("progression", [0.0, 0.16, 0.32]), ("death", [0, 0.04, 0.08])):
            curves.append(
                {"patient": table.loc[k, "patient"], "day": day, "outcome": name, "mean": x, "low": x, "high": x}
            )
    if model != "intervals":
        table.loc[free, ["mrd", "mrd_low", "mrd_high"]] = [-3.1, -3.4, -2.8]
        table.loc[free, ["p_above", "next_test"]] = [0.97, 456.0]
        table.loc[free, "next_test_by"] = "due"
        level = np.array([-3.0, -5.0, -4.0])
        for patient in PATIENTS:
            latent = {"day": [0.0, 30.0, 60.0], "outcome": "mrd", "mean": level, "low": level - 1, "high": level + 1}
            curves.append({"patient": patient, **latent})
    return table, pd.concat([pd.DataFrame(c) for c in curves], ignore_index=True)


def draws(model: str, chains: int, seed: int) -> xr.Dataset:
    """Draws of a few population parameters and of one that belongs to patients."""
    rng, n = np.random.default_rng(seed), 200
    shape = {"rate_progression": (0.7, 0.1), "omega_v": (0.5, 0.05)}
    shape |= {"tau": (-3, 0.2), "sigma": (0.25, 0.02)} if model == "joint_step" else {}
    found = {k: (("chain", "draw"), m + s * rng.standard_normal((chains, n))) for k, (m, s) in shape.items()}
    names = [f"arm[{LONG}]", "size"]
    found["beta_progression"] = (("chain", "draw", "progression_covariate"), 0.2 * rng.standard_normal((chains, n, 2)))
    found["v"] = (("chain", "draw", "patient"), rng.standard_normal((chains, n, 6)))
    coords = {"progression_covariate": names, "patient": PATIENTS}
    return xr.Dataset(found, coords=coords, attrs={"seed": "7", "pymc": "6.4.0"})


def tree(posterior: xr.Dataset, seed: int) -> xr.DataTree:
    """A fit with these draws, as the sampler leaves it: with energies, and one divergent draw."""
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    stats = {"energy": np.random.default_rng(seed).standard_normal(shape), "diverging": np.zeros(shape, dtype=bool)}
    stats["diverging"][0, 7] = True
    known = xr.Dataset({name: (("chain", "draw"), x) for name, x in stats.items()})
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": known})


def sampled(folder: Path, model: str, people: pd.DataFrame, made: dict) -> None:
    """What the rule `draw_sampler` leaves in `folder`/`model`."""
    fit, table = files.read_tree(folder / model / "posterior.nc"), read(folder / model / "diagnostics.csv")
    link = LINKS.get(model, "none")
    style.save(sampler.energy(fit, 0.3), folder / model / "energy.svg")
    style.save(sampler.pairs(fit, table, CONFIG["priors"], made, people, link), folder / model / "pairs.svg")
    style.save(sampler.convergence(table, CONFIG["acceptance"]), folder / model / "convergence.svg")


def calibrate(folder: Path) -> None:
    """What the calibration leaves: two quantities of which one is not calibrated."""
    rng, of = np.random.default_rng(9), CONFIG["calibration"]
    columns = ["quantity", "test", "value", "simulations", "p", "p_adjusted", "calibrated"]
    rows = [("tau", "ecdf", np.nan, 20, 0.6, 1.0, True), ("tau", "coverage_90", 0.9, 20, 0.8, 1.0, True)]
    rows += [("delta", "ecdf", np.nan, 20, 0.0004, 0.002, False)]
    ranks = pd.DataFrame({"quantity": np.repeat(["tau", "delta"], 20), "accepted": True, "pit": rng.random(40)})
    verdict = pd.DataFrame(rows, columns=columns)
    files.write_table(verdict, folder / "verdict.csv")
    files.write_text("calibration: 20 simulations, of 2 quantities 1 is not calibrated\n", folder / "verdict.txt")
    style.save(calibration.differences(ranks, verdict, of["level"], 1), folder / "ecdf.svg")


def diagnostics(model: str) -> pd.DataFrame:
    names = ["rate_progression", "omega_v", f"beta_progression[arm[{LONG}]]", "beta_progression[size]"]
    names += ["tau", "sigma"] if model == "joint_step" else []
    table = pd.DataFrame({"parameter": names, "level": "population", "mean": 0.1, "sd": 0.1, "low": 0.0, "high": 0.2})
    table["rhat"], table["ess_bulk"], table["ess_tail"] = 1.001, np.arange(len(names)) + 700.0, 900.0
    table.loc[1, ["rhat", "ess_bulk"]] = [1.0087, 433.2]
    return table


def threshold(model: str, simulated: bool) -> pd.DataFrame:
    columns = ["threshold", "median", "low", "high", "exists", "verdict", "truth"]
    truth = -3.0 if simulated else np.nan
    rows = [("prognostic: tau", -2.9, -3.1, -2.7, 1.0, "10^-2.9 (10^-3.1 to 10^-2.7)", truth)]
    never = "no usable threshold: this risk is not reached at any MRD in most draws"
    rows += [
        ("risk: P(progression within 90 d) = 10%", -4.0, -np.inf, -3.5, 0.92, "10^-4.0 (10^-inf to 10^-3.5)", np.nan),
        ("risk: P(progression within 90 d) = 20%", -3.0, -3.5, -2.5, 1.0, "10^-3.0 (10^-3.5 to 10^-2.5)", np.nan),
        ("risk: P(progression within 90 d) = 30%", np.inf, -1.0, np.inf, 0.2, never, np.nan),
    ]
    return pd.DataFrame(rows if model == "joint_step" else rows[1:], columns=columns)


def risk_curve() -> pd.DataFrame:
    level = np.linspace(-6, -0.05, 30)
    mean = 0.05 + 0.2 / (1 + np.exp(-2 * (level + 3)))
    return pd.DataFrame({"log10_mrd": level, "mean": mean, "low": 0.8 * mean, "high": 1.3 * mean})


def trajectories() -> pd.DataFrame:
    """Two patients: latent level, one sample seen and one below its LOD, an infusion, an end."""
    parts = []
    for patient, outcome in ((EVIL, "progression"), (CHINESE, "death")):
        day = np.linspace(0, 100, 11)
        latent = {
            "kind": "latent",
            "day": day,
            "mean": -3 + day / 100,
            "low": -3.5 + day / 100,
            "high": -2.5 + day / 100,
        }
        sample = {"kind": "sample", "day": [0.0, 50.0], "mean": [-2.8, -4.0], "below": [False, True]}
        rest = [{"kind": "infusion", "day": [0.0]}, {"kind": "end", "day": [100.0], "outcome": [outcome]}]
        parts += [pd.DataFrame({**p, "interval": 1, "patient": patient}) for p in (latent, sample, *rest)]
    columns = ["patient", "kind", "interval", "day", "mean", "low", "high", "below", "outcome"]
    table = pd.concat([p.reindex(columns=columns).astype("object") for p in parts], ignore_index=True)
    return table.astype({"day": float, "mean": float, "low": float, "high": float})


def prior_predictive(model: str) -> tuple[pd.DataFrame, dict]:
    """(table, values): two quantities, and two more where MRD is modelled; half of the medians lie beyond 20 years."""
    share = np.linspace(0.01, 0.9, 100)
    values = {"median_free": np.append(np.geomspace(1, 200, 50), np.full(50, np.inf)), "progression_1y": share}
    values |= {"doubling": 100 * share, "kill": share} if model != "intervals" else {}
    return summarise(values, CONFIG["evidence"]), values


def residual_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """(table, curves) of two causes; of death all intervals only, which the model does not describe."""
    rows = [("progression", "all", 8, 4, 4.2, 0.9, 0.61, 0.44, "agrees")]
    rows += [("progression", "1", 6, 3, 3.0, 1.1, 0.4, 0.5, "agrees")]
    rows += [("death", "all", 8, 1, 6.0, 9.0, 0.0005, 0.0004, "not described")]
    columns = ["cause", "interval", "intervals", "events", "expected", "distance", "p", "p_median", "verdict"]
    x, parts = np.linspace(0, 2, 21), []
    for cause, number, *_ in rows:
        line = {"residual": x, "observed": 1.1 * x, "low": 0.5 * x, "high": 1.7 * x}
        parts.append(pd.DataFrame({"cause": cause, "interval": number, **line}))
    return pd.DataFrame(rows, columns=columns), pd.concat(parts, ignore_index=True)


def prior_sensitivity(model: str) -> pd.DataFrame:
    """One quantity that decisions rest on, a parameter that the prior dominates, one that it does not move."""
    decision = "gvhd_after[3 of NK]" if model == "gvhd" else "free_180"
    moved, other = ("risk_acute[NK]", "rho_gvhd") if model == "gvhd" else ("omega_v", "rate_progression")
    rows = [("decision", decision, 0.08, 0.3, 0.01, np.nan, "prior and data both matter", moved, 0.07)]
    rows += [("parameter", moved, 0.4, 0.01, 0.02, 0.6, "the prior dominates", moved, 0.41)]
    rows += [("parameter", other, 0.0, 0.2, 0.02, 0.7, "robust to the prior", np.nan, np.nan)]
    names = ["kind", "quantity", "prior", "likelihood", "likelihood_noise", "tail", "verdict", "moved_by", "moved"]
    return pd.DataFrame(rows, columns=names)


def below_lod() -> pd.DataFrame:
    day = [28.0, 84.0, 140.0]
    return pd.DataFrame({"day": day, "samples": [6, 6, 3], "observed": 0.3, "mean": 0.3, "low": 0.1, "high": 0.5})


def gvhd_tables() -> dict[str, pd.DataFrame]:
    """Incidence of two groups, counts of episodes, and risks of one product whose infusions were all alike."""
    day = np.linspace(0, 365, 74)
    parts = []
    for kind, level in (("acute", 0.3), ("chronic", 0.1)):
        y = level * -np.expm1(-day / 60)
        same = {"kind": kind, "patients": 12, "day": day, "observed": y, "mean": y, "low": 0.7 * y, "high": 1.3 * y}
        parts += [pd.DataFrame(same | {"group": group}) for group in (LONG, CHINESE)]
    counted = [("acute", "any", 4), ("acute", "1", 1), ("acute", "4", 3), ("chronic", "any", 1), ("chronic", "mild", 1)]
    counts = pd.DataFrame(counted, columns=["kind", "grade", "observed"]).assign(mean=2.2, low=0.0, high=5.0)
    plans = [(9e8, 1, 0, True), (2.7e9, 1, 0, False), (7.2e9, 1, 0, False)]
    plans += [(9e8, n, d, True) for n in (3, 8) for d in (7, 28, 91)]
    risks = pd.DataFrame(plans, columns=["cells", "infusions", "spacing", "seen"]).assign(product=EVIL)
    risks["mean"] = 0.0008 * risks["infusions"]
    risks = risks.assign(low=risks["mean"] / 9, high=risks["mean"] * 3, peak=0.04, peak_low=2e-4, peak_high=0.3)
    risks = pd.concat([risks.assign(given="posterior"), risks.assign(given="prior", mean=0.11)], ignore_index=True)
    return {"incidence": pd.concat(parts, ignore_index=True), "counts": counts, "risk": risks}


def conclude_gvhd(folder: Path, people: pd.DataFrame, made: dict) -> None:
    """What the rules of the model of GVHD leave in `folder`/gvhd, figures included."""
    rng = np.random.default_rng(3)
    values = {"risk_acute": rng.beta(0.5, 100, (4, 200, 1)), "grade_acute": rng.dirichlet(np.ones(4), (4, 200))}
    dims = {"risk_acute": ("chain", "draw", "product"), "grade_acute": ("chain", "draw", "acute_grade")}
    names = {"product": [EVIL], "acute_grade": ["1", "2", "3", "4"]}
    names["acute_covariate"], dims["beta_acute"] = ["size"], ("chain", "draw", "acute_covariate")
    values["beta_acute"] = 0.1 + 0.1 * rng.standard_normal((4, 200, 1))
    drawn = xr.Dataset({k: (dims[k], x) for k, x in values.items()}, coords=names, attrs={"seed": "8", "pymc": "6.4.0"})
    stated = [f"risk_acute[{EVIL}]", "grade_acute[1]", "beta_acute[size]"]
    judged = {"parameter": stated, "level": "population", "rhat": [1.002, 1.001, 1.001]}
    judged |= {"mean": 0.1, "sd": 0.1, "low": 0.0, "high": 0.2, "ess_bulk": [901.0, 950.0, 970.0], "ess_tail": 800.0}
    written = {"diagnostics": pd.DataFrame(judged), "prior_sensitivity": prior_sensitivity("gvhd")}
    for name, table in {**gvhd_tables(), **written}.items():
        files.write_table(table, folder / "gvhd" / f"{name}.csv")
    files.write_json(SAMPLER, folder / "gvhd" / "sampler.json")
    files.write_tree(tree(drawn, 5), folder / "gvhd" / "posterior.nc")
    incidence, risk, table = (read(folder / "gvhd" / f"{n}.csv") for n in ("incidence", "risk", "diagnostics"))
    style.save(gvhd.incidence(incidence), folder / "gvhd" / "incidence.svg")
    style.save(gvhd.counts(read(folder / "gvhd" / "counts.csv")), folder / "gvhd" / "counts.svg")
    moved = read(folder / "gvhd" / "prior_sensitivity.csv")
    style.save(
        priors.sensitivity(moved, made, people, "none", CONFIG["decision"]), folder / "gvhd" / "prior_sensitivity.svg"
    )
    style.save(gvhd.risk(risk, 100), folder / "gvhd" / "risk.svg")
    before_after = checking.priors(drawn, drawn, CONFIG["priors"], made, people, "none", None)
    style.save(before_after, folder / "gvhd" / "priors.svg")
    style.save(checking.chains(drawn, table, made, people, "none"), folder / "gvhd" / "chains.svg")
    sampled(folder, "gvhd", people, made)


def simulated(redosing: float, rng: np.random.Generator) -> tuple[xr.Dataset, list[regimes.Regime]]:
    """(outcomes, regimes), made up for the config's regimes: every infusion gives `redosing` days alive and
    progression-free."""
    every = regimes.all_of(CONFIG["decision"], 9e8, -5.0)
    number = np.array([1.0 if r.kind == "none" else 2.0 + 0.1 * k for k, r in enumerate(every)])
    values = np.zeros((100, len(every), 2, len(path.OUTCOMES)))
    free = 200 + redosing * number + rng.standard_normal((100, len(every)))
    for name, x in {
        "free_days": free,
        "infusions": number,
        "tests": 2 * number,
        "delay_days": 40.0,
        "delayed": 1.0,
    }.items():
        values[..., path.OUTCOMES.index(name)] = np.broadcast_to(x, (100, len(every)))[..., None]
    coords = {"outcome": list(path.OUTCOMES), "cell": [f"{GREEK} low", EVIL]}
    dims = ("draw", "regime", "cell", "outcome")
    return xr.Dataset({"outcomes": (dims, values), "patients": ("cell", [3, 5])}, coords), every


def decision_tables(redosing: float) -> dict[str, pd.DataFrame]:
    """Tables of the decision layer, of the outcomes of `simulated`."""
    decision, rng = CONFIG["decision"], np.random.default_rng(5)
    found, every = simulated(redosing, rng)
    mean, of = outcomes.everybody(found), decision["utility"]
    u = choice.utility.utility(mean, every, of)
    known = {"kinetics": rng.standard_normal((100, 2))}
    table = choice.summary(mean, every, of, 0.9).assign(far=[r.kind == "autologous" for r in every])
    day = np.tile(np.arange(0.0, 728, 7), 2)
    worked = pd.DataFrame({"regime": np.repeat(["no redosing", "10^-3.5 every 28 d"], len(day) // 2), "day": day})
    worked = worked.assign(
        level=-4 + day / 400, reading=np.nan, below=False, infusion=day == 0, free=np.exp(-day / 400)
    )
    worked = worked.assign(gvhd=0.0, severe=0.0, progressed=1 - worked["free"], dead=0.0)
    worked.loc[[4, 8], ["reading", "below"]] = [[-3.2, False], [-5.0, True]]
    doublings = 2.5 + 0.1 * rng.standard_normal(50)
    return {
        "regimes": table,
        "best": choice.best_tau(u, every),
        "information": choice.information(u, known, 6, [60], 0.2, of["willingness"]),
        "sensitivity": choice.sensitivity(mean, every, of),
        "preferred": choice.preferred(mean, every, of),
        "acceptability": choice.acceptability(mean, every, of),
        "subgroups": choice.by_subgroup(found, every, of, 0.9),
        "overlaps": pd.DataFrame(
            {"parameter": ["rho", "tau"], "group": "kinetics", "overlap": [0.9, 0.1], "marked": [True, False]}
        ),
        "suppression": pd.DataFrame(
            {"spacing": 91, "draw": range(50), "doublings": doublings, "kill": 1.1, "held": 0.7}
        ),
        "worked": worked,
    }


def gained(redosing: float) -> xr.Dataset:
    """Outcomes of the six patients, made up: the k-th gains a tenth of k times `redosing` days, give or take 20."""
    values = np.zeros((100, 2, 6, len(gain.KEPT)))
    noise = np.random.default_rng(6).standard_normal((100, 2, 6))
    values[..., gain.KEPT.index("free_days")] = 200 + 20 * noise / 2**0.5
    values[:, 0, :, gain.KEPT.index("free_days")] += redosing / 10 * np.arange(6)
    values[:, 0, :, gain.KEPT.index("infusions")] = 3.0
    dims = ("draw", "regime", "patient", "outcome")
    coords = {"regime": ["quarterly", "no redosing"], "patient": PATIENTS, "outcome": list(gain.KEPT)}
    return xr.Dataset({gain.OWN: (dims, values), gain.LIKE: (dims, values[:, :, ::-1])}, coords)


def select(folder: Path, model: str, redosing: float, people: pd.DataFrame) -> None:
    """What the rule `gain` leaves in `folder`/selection, figures included."""
    found, of, own = gained(redosing), CONFIG["decision"]["gain"], folder / "selection"
    table = gain.table(found, of, 728, 0.9)
    simple = {"all patients": np.ones(6, dtype=bool), f"{EVIL} below its median": np.arange(6) < 3}
    curve = gain.curve(found, simple, 0.9)
    files.write_table(table, own / f"{model}.gain.csv")
    files.write_table(gain.weighed(found, simple, of, 0.9), own / f"{model}.rules.csv")
    style.save(patients.gains(table, people, about(), of), own / f"{model}.gain.svg")
    style.save(patients.rules(curve, gain.uplift(found, 0.9), of, gain.MODEL_RULE), own / f"{model}.rules.svg")


def decide(folder: Path, model: str, redosing: float) -> None:
    """What the rules of the decision layer leave in `folder`/decision/`model`, figures included."""
    own = folder / "decision" / model
    for name, table in decision_tables(redosing).items():
        files.write_table(table, own / f"{name}.csv")
    t = {f.stem: read(f) for f in own.glob("*.csv")}
    style.save(decisions.utility(t["regimes"], t["best"], 0.9), own / "utility.svg")
    style.save(decisions.frontier(t["regimes"], 0.0024), own / "frontier.svg")
    style.save(decisions.boundary(t["suppression"]), own / "boundary.svg")
    style.save(decisions.patient(t["worked"], -5.0), own / "patient.svg")
    style.save(decisions.weights(t["preferred"], t["acceptability"]), own / "weights.svg")


def compare(models: list[str]) -> pd.DataFrame:
    """Models in the order given, each 12 elpd below the one before it, SE 4."""
    gap = -12.0 * np.arange(len(models))
    table = pd.DataFrame({"model": models, "elpd": -100 + gap, "se": 9.0, "difference": gap})
    table["difference_se"] = np.where(gap < 0, 4.0, 0.0)
    return table.assign(patients=6, **{"pareto_k_above_0.7": 1})


def reject(folder: Path, model: str, people: pd.DataFrame, made: dict, count: int) -> None:
    """What a run leaves of a model with `count` faults, one of which the dossier could not bear unescaped."""
    table = diagnostics(model)
    table.loc[2, ["rhat", "ess_bulk", "ess_tail"]] = np.nan  # a chain that never moved
    faults = [f"rate_progression: R-hat 1.{k + 2}, limit 1.01" for k in range(count - 1)] + [f"{EVIL}: bulk ESS 3"]
    drawn = draws(model, 4, 1)
    files.write_table(table, folder / model / "diagnostics.csv")
    files.write_json(SAMPLER | {"bfmi": float("nan")}, folder / model / "sampler.json")
    files.write_json(verdict(model, faults), folder / model / "verdict.json")
    files.write_tree(xr.DataTree.from_dict({"posterior": drawn}), folder / model / "posterior.nc")
    before_after = checking.priors(drawn, drawn, CONFIG["priors"], made, people, LINKS.get(model, "none"), None)
    style.save(before_after, folder / model / "priors.svg")
    judged = read(folder / model / "diagnostics.csv")
    style.save(checking.chains(drawn, judged, made, people, LINKS.get(model, "none")), folder / model / "chains.svg")


def verdict(model: str, faults: list[str]) -> dict:
    return acceptance.Verdict("s1", model, faults, CONFIG["acceptance"]).record()


def write(
    folder: Path, models: list[str], simulated: bool = False, redosing: float = 100.0, rejected: dict | None = None
) -> Path:
    """Writes all results of a study with these models (best first), figures included; returns `folder`.

    redosing: days that an infusion gives; rejected: models that the gate rejected -> their number of faults."""
    rejected = rejected or {}
    with_mrd = any(m.startswith("joint") for m in models)
    models = [m for m in models if m not in rejected]
    models, with_gvhd = [m for m in models if m != "gvhd"], "gvhd" in models
    study, made = tables(with_mrd), about()
    (folder / "tables").mkdir(parents=True)
    for name, table in study.items():
        table.to_parquet(folder / "tables" / f"{name}.parquet", index=False)
    files.write_json(made, folder / "tables" / "about.json")
    checks = {"severity": "warning", "rule": "r", "file": "/home/someone/secret/mrd.csv", "row": 3, "patient": EVIL}
    files.write_table(
        pd.DataFrame([checks | {"value": "", "message": "late", "cure": "look", "column": "", "at": ""}]),
        folder / "tables" / "checks.csv",
    )
    describe(folder / "data", study, made)
    if models:
        files.write_table(compare(models), folder / "compare.csv")
    for model, count in rejected.items():
        reject(folder, model, study["patients"], made, count)
    for model in models:
        files.write_json(verdict(model, []), folder / model / "verdict.json")
        conclude(folder, model, simulated)
        draw(folder, model, study["patients"], made)
        if model != "intervals" and "gvhd" not in rejected:
            decide(folder, model, redosing)
            select(folder, model, redosing, study["patients"])
    if with_gvhd:
        files.write_json(verdict("gvhd", []), folder / "gvhd" / "verdict.json")
        conclude_gvhd(folder, study["patients"], made)
    if simulated and models:
        validate(folder / "validation", models)
    if models:
        style.save(comparison.pareto({m: read(folder / m / "loo.csv") for m in models}), folder / "pareto.svg")
    style.save(workflow.workflow(*RULES), folder / "workflow.svg")
    if len(models) > 1:
        style.save(comparison.differences(compare(models)), folder / "compare.svg")
    return folder


def write_kind(folder: Path, kind: str) -> Path:
    """Writes the results of one of KINDS, figures included; returns `folder`."""
    models, simulated, *rejected = KINDS[kind]
    return write(folder, models, simulated, rejected=next(iter(rejected), None))


def rendered(folder: Path, kind: str) -> tuple[reading.Dossier, str, Path]:
    """(dossier, HTML, folder) of the results of a kind; pages, tables and the figure of the answer are written too."""
    models, simulated, *_ = KINDS[kind]
    read = reading.read(folder, settings("s1", models, "simulate" if simulated else "tables"), CAPTIONS)
    printed = report.Printed()
    html = report.render(read, pictured_in(read, folder), printed)
    printed.write(folder / "report")
    (folder / "report.html").write_text(html, encoding="utf-8")
    (folder / "answer.html").write_text(report.render_answer(read, pictured_in(read, folder)), encoding="utf-8")
    return read, html, folder


def pictured_in(read: reading.Dossier, folder: Path) -> str:
    """The figure of the answer, written to `folder`, as a data URI."""
    style.save(pictured.pictured(read), folder / "answer.svg")
    return reading.embedded(folder / "answer.svg")


def describe(folder: Path, study: dict, made: dict) -> None:
    """What the rules `describe_patients` and `draw_data` leave in `folder`."""
    found = cohort.describe(study, made, CONFIG["studies"]["bladder"]["estimand"])
    for name, table in found.items():
        files.write_table(table, folder / f"{name}.csv")
    t = {name: read(folder / f"{name}.csv") for name in found}
    style.save(flow.flow(t["flow"]), folder / "flow.svg")
    style.save(swimmer.swimmer(t["histories"], study["patients"]), folder / "swimmer.svg")
    style.save(visits.sampling(t["sampling"]), folder / "sampling.svg")


def accurate(models: list[str]) -> pd.DataFrame:
    """What the rule `judge_validation` writes: models and references, two causes, one window without a case."""
    rows = []
    for model in [*models, "incidence", "landmark_cox"]:
        for horizon in (91, 182):
            for cause in ("progression", "death"):
                for metric, value in (("auc", 0.7), ("brier", 0.1), ("ipa", 0.2), ("observed_expected", 1.1)):
                    row = {"landmark": 91, "horizon": horizon, "cause": cause, "model": model, "metric": metric}
                    known = not (cause == "death" and horizon == 91 and metric == "auc")
                    row |= {"estimate": value, "low": value - 0.1, "high": value + 0.1} if known else {}
                    rows.append(row | {"patients": 6, "cases": 2, "left_out": 1})
    return pd.DataFrame(rows)


def calibrated(models: list[str]) -> pd.DataFrame:
    """Three groups of like risk; the lowest has no event."""
    rows = []
    for model in [*models, "incidence", "landmark_cox"]:
        for group, (predicted, observed) in enumerate([(0.1, 0.0), (0.3, 0.35), (0.6, 0.5)], start=1):
            row = {"landmark": 91, "horizon": 182, "cause": "progression", "model": model, "group": group}
            row |= {"predicted": predicted, "observed": observed}
            rows.append(row | ({"low": observed - 0.1, "high": observed + 0.1} if observed else {}))
    return pd.DataFrame(rows)


def validate(folder: Path, models: list[str]) -> None:
    """What the rules of the validation leave in `folder`."""
    table, groups = accurate(models), calibrated(models)
    files.write_table(table, folder / "accuracy.csv")
    files.write_table(groups, folder / "calibration.csv")
    style.save(accuracy.metrics(table), folder / "accuracy.svg")
    style.save(accuracy.calibration(groups), folder / "calibration.svg")


def conclude(folder: Path, model: str, simulated: bool) -> None:
    found = {"curves": curves(), "lengths": lengths(), "diagnostics": diagnostics(model)}
    found["prior_sensitivity"] = prior_sensitivity(model)
    found["ahead"], found["ahead_curves"] = ahead(model)
    found["residuals"], found["residual_curves"] = residual_tables()
    found["loo"] = pd.DataFrame({"patient": PATIENTS, "elpd": -2.0, "pareto_k": [0.1, 0.2, 0.3, 0.4, 0.5, 0.9]})
    if model != "intervals":
        found |= {"trajectories": trajectories(), "below_lod": below_lod(), "kinetics": marker_moves(simulated)}
        files.write_table(threshold(model, simulated), folder / "threshold" / f"{model}.csv")
        files.write_table(risk_curve(), folder / "threshold" / f"{model}.curve.csv")
    for name, table in found.items():
        files.write_table(table, folder / model / f"{name}.csv")
    files.write_table(outlook(), folder / "selection" / f"{model}.csv")
    files.write_table(moved(model), folder / "selection" / f"{model}.effects.csv")
    files.write_json(SAMPLER | (AGAIN if model == "joint_step" else {}), folder / model / "sampler.json")
    files.write_tree(tree(draws(model, 4, 1), 4), folder / model / "posterior.nc")
    files.write_tree(xr.DataTree.from_dict({"prior": draws(model, 1, 2)}), folder / model / "prior.nc")


def draw(folder: Path, model: str, people: pd.DataFrame, made: dict) -> None:
    """The figures of one model, as the draw rules make them."""
    prior, posterior = files.read_tree(folder / model / "prior.nc"), files.read_tree(folder / model / "posterior.nc")
    before, after = prior["prior"].to_dataset(), posterior["posterior"].to_dataset()
    link, table = LINKS[model], read(folder / model / "curves.csv")
    drawn = {f"{model}/free": intervals.free(table, "gap"), f"{model}/incidence": intervals.incidence(table, "gap")}
    ratios = read(folder / "selection" / f"{model}.effects.csv")
    drawn[f"selection/{model}.effects"] = effects.hazard_ratios(ratios, made, people)
    drawn[f"{model}/prior_predictive"] = clinical.prior_predictive(*prior_predictive(model))
    drawn[f"{model}/priors"] = checking.priors(before, after, CONFIG["priors"], made, people, link, None)
    tested = read(folder / model / "residuals.csv")
    drawn[f"{model}/residuals"] = residuals.residuals(read(folder / model / "residual_curves.csv"), tested)
    moved = read(folder / model / "prior_sensitivity.csv")
    drawn[f"{model}/prior_sensitivity"] = priors.sensitivity(moved, made, people, link, CONFIG["decision"])
    judged = read(folder / model / "diagnostics.csv")
    drawn[f"{model}/chains"] = checking.chains(after, judged, made, people, link)
    drawn[f"selection/{model}"] = patients.outlook(read(folder / "selection" / f"{model}.csv"), people, made, 180)
    if model != "intervals":
        found = read(folder / "threshold" / f"{model}.csv"), read(folder / "threshold" / f"{model}.curve.csv")
        both = thresholds.draws_of(prior, posterior)
        drawn[f"threshold/{model}"] = thresholds.thresholds(
            found[1], found[0], both, [0.1, 0.2, 0.3], 90, {"flow": 1e-4}
        )
        drawn[f"{model}/trajectories"] = mrd.trajectories(read(folder / model / "trajectories.csv"))
        drawn[f"{model}/kinetics"] = kinetics.kinetics(read(folder / model / "kinetics.csv"), made)
        drawn[f"{model}/below_lod"] = mrd.below_lod(read(folder / model / "below_lod.csv"))
    for place, figure in drawn.items():
        style.save(figure, folder / f"{place}.svg")
    sampled(folder, model, people, made)
