"""Worlds for the kernel of regimes: made up by hand, or true ones whose events are also drawn by brute force."""

import brute
import numpy as np
import pandas as pd
import xarray as xr
from test_models import CONFIG

from redose import kinetics
from redose.decisions import outcomes, path, people, records, regimes, utility

HORIZON, STEP = 728, 7
NOISES = 20  # times that readings are drawn anew
STEPS = HORIZON // STEP
DECISION = CONFIG["decision"]
LOD = -5.0


def decision(*records: dict, **changes) -> dict:
    """The config's section with these regimes, and no grid but one cell."""
    grid = {"tau": [-1], "every": [364], "within": 7}
    return DECISION | {"regimes": list(records), "grid": grid} | changes


NONE = {"name": "none", "kind": "none"}


def rules_of(*records: dict, lod: float = LOD, **changes) -> list[regimes.Regime]:
    """The regimes alone, without the grid's cell."""
    return regimes.all_of(decision(NONE, *records, **changes), 9e8, lod)[:-1]


def world(
    n: int, every: list, *, growth=0.0, level=-3.0, kill=0.0, rate=1.0, death=0.0, link=None, half_life=2.0
) -> records.World:
    """What the kernel reads of n patients and one draw: constant hazards a year, link(B) on progression, no GVHD."""
    grid = np.arange(people.LOWEST, people.HIGHEST + people.SPACING / 2, people.SPACING)
    linked = np.ones((1, 2, len(grid)), dtype=np.float32)
    if link is not None:
        linked[0, 0] = link(grid)
    grown = np.array([rate, death])[None, :, None] * np.full((1, 2, STEPS), STEP / 365.25)
    one, R = np.ones((1, n)), len(every)
    crowd = records.People(level * one, growth * one, kill * one, np.ones((1, 2, n)), np.zeros(n, np.int64))
    hazards = records.Hazards(
        grown, linked, people.LOWEST, people.SPACING, np.zeros((1, 2)), False, np.array([5, 6], np.uint8)
    )
    infusion = records.Kill(np.ones((1, R)), half_life * np.ones((1, R)), np.zeros((1, R)), np.zeros(1))
    none = np.zeros((1, 2, R))
    gvhd = records.Gvhd(
        none,
        np.ones(1),
        np.zeros((1, 2, 1, STEPS)),
        np.zeros(n, np.int64),
        np.zeros((1, 2, n)),
        np.zeros((1, 2, n, 4)),
        np.zeros((1, n)),
        none,
        np.ones((1, 2, 1)),
        np.zeros(16, np.uint8),
        np.zeros(1, np.uint8),
        False,
        False,
    )
    test = records.Assay(LOD, np.full(1, 1e-9), np.zeros(1), 0.0, 0.0)
    after = outcomes.after_transplant(DECISION["transplant"])
    return records.World(crowd, hazards, infusion, gvhd, test, after, records.Setting(float(STEP), STEPS, 7, 0))


def run(every: list, parts: records.World) -> pd.DataFrame:
    """Outcomes by regime, of one draw and one cell."""
    n = parts.people.level.shape[1]
    found = path.outcomes(*regimes.rules(every), parts, np.array([n]))
    return pd.DataFrame(found[0, :, 0], index=[r.name for r in every], columns=list(path.OUTCOMES))


# true worlds

TRUTH = {
    "rho": -0.05,
    "half_life": 2.0,
    "tau": -3.0,
    "step_width": 0.25,
    "rate_progression": 0.4,
    "shape_progression": 1.2,
    "alpha_progression": 1.8,
    "rate_death": 0.1,
    "shape_death": 1.0,
    "alpha_death": 0.5,
    "beta_gvhd": -0.51,
    "beta_severe": 1.16,
    "assay": {"sigma": 0.25, "lod": 1e-5, "false_positive_rate": 0.01},
    "transplant": DECISION["transplant"],
    "gvhd": {
        "half_life": 14.0,
        "acute": {"background": 0.0043, "from_day": 0, "to_day": 100, "risk": 0.03, "grades": [0.3, 0.4, 0.2, 0.1],
                  "severe": 2, "stop": 2, "duration": 60.0},
        "chronic": {"background": 0.0006, "from_day": 100, "to_day": 730, "risk": 0.01, "grades": [0.4, 0.4, 0.2],
                    "severe": 2, "stop": 2, "duration": 365.0},
    },
}  # fmt: skip
RECORDS = [
    {"name": "quarterly", "kind": "fixed", "every": 91},
    {"name": "early", "kind": "adaptive", "tau": -4, "every": 28, "within": 7},
    {"name": "late", "kind": "adaptive", "tau": -3, "every": 84, "within": 7},
    {"name": "confirmed", "kind": "adaptive", "tau": -4, "every": 28, "within": 7, "confirm": 14},
    {"name": "rise", "kind": "adaptive", "rise": 1, "every": 28, "within": 7},
    {"name": "bridge", "kind": "bridge", "transplant": 119, "probability": 0.7},
    {"name": "autologous", "kind": "autologous", "wait": 35, "failure": 0.2, "kill": 1},
]


def crowd(n: int, seed: int) -> dict:
    """Patients of a population with the heterogeneity of data/redosable."""
    rng = np.random.default_rng(seed)
    v = rng.normal(0, 0.4, n)
    found = {"level": rng.normal(-3.2, 0.7, n), "doubling": 36 * np.exp(rng.normal(0, 0.4, n))}
    found |= {"delta": 1.2 * np.exp(rng.normal(0, 0.4, n)), "exposed": rng.random(n) < 1 / 3}
    return found | {"relative_progression": np.exp(v), "relative_death": np.exp(0.5 * v)}


def true_world(x: dict, every: list) -> records.World:
    """What the kernel reads at TRUTH for these patients, one draw."""
    p, R, n = TRUTH, len(every), len(x["level"])
    edges = np.arange(STEPS + 1.0) * STEP / 365.25
    grown = [np.diff(p[f"rate_{c}"] * edges ** p[f"shape_{c}"]) for c in ("progression", "death")]
    grid = np.arange(people.LOWEST, people.HIGHEST + people.SPACING / 2, people.SPACING)
    f = 1 / (1 + np.exp(-(kinetics.log10_fraction(grid) - p["tau"]) / p["step_width"]))
    linked = [np.exp(p[f"alpha_{c}"] * f) for c in ("progression", "death")]
    base = world(n, every)
    relative = np.array([x["relative_progression"], x["relative_death"]])[None]
    own = records.People(
        x["level"][None], kinetics.LOG10_2 / x["doubling"][None], x["delta"][None], relative, base.people.cell
    )
    hazards = base.hazards._replace(grown=np.array(grown)[None], linked=np.array(linked, dtype=np.float32)[None])
    infusion = base.kill._replace(rho=np.full(1, p["rho"]))
    kinds = [p["gvhd"][k] for k in ("acute", "chronic")]
    onsets = np.array([[[-np.log1p(-k["risk"])] * R for k in kinds]])
    days = [
        np.clip(
            np.minimum(STEP * (np.arange(STEPS) + 1), k["to_day"]) - np.maximum(STEP * np.arange(STEPS), k["from_day"]),
            0,
            None,
        )
        for k in kinds
    ]
    background = np.array([[np.zeros(STEPS), k["background"] * d] for k, d in zip(kinds, days, strict=True)])[None]
    shares = np.zeros((1, 2, n, 4))
    for j, k in enumerate(kinds):
        shares[0, j, :, 0], shares[0, j, :, 3] = sum(k["grades"][:2]), sum(k["grades"][2:])
    ends = np.array([[[-np.expm1(-STEP / k["duration"])] * R for k in kinds]])
    acute, chronic = np.divmod(np.arange(16), 4)
    ill, severe = np.isin(acute, (1, 2)) | np.isin(chronic, (1, 2)), (acute == 2) | (chronic == 2)
    pattern = ill.astype(np.uint8) + severe
    ratio = np.exp(np.array([[[0, p["beta_gvhd"], p["beta_gvhd"]], [0, 0, p["beta_severe"]]]]))
    gvhd = records.Gvhd(
        onsets,
        np.full(1, 14.0),
        background,
        x["exposed"].astype(np.int64),
        np.ones((1, 2, n)),
        shares,
        np.full((1, n), 0.7),
        ends,
        ratio,
        pattern,
        np.array([0, 1, 2], np.uint8),
        True,
        False,
    )
    test = records.Assay(LOD, np.full(1, 0.25), np.zeros(1), 0.01, 0.0)
    return base._replace(people=own, hazards=hazards, kill=infusion, gvhd=gvhd, assay=test)


DRAWN = {  # fields that have a draw axis
    "People": ("level", "growth", "kill", "relative"),
    "Hazards": ("grown", "linked", "slope"),
    "Kill": ("weight", "half_life", "kappa", "rho"),
    "Gvhd": ("onsets", "half_life", "background", "relative", "shares", "counted", "ends", "ratio"),
    "Assay": ("sigma", "detection"),
}


def repeated(record, draws: int):
    """The first draw of a record of the kernel, so many times."""
    fields = record._asdict()
    by_draw = DRAWN.get(type(record).__name__, ())
    return record._replace(**{k: np.repeat(fields[k][:1], draws, axis=0) for k in by_draw})


def compared(x: dict, copies: int, records: list[dict], seed: int) -> pd.DataFrame:
    """Kernel and brute force, a row per regime and outcome: kernel, brute, se (of their difference)."""
    every = rules_of(*records)
    parts = true_world(x, every)
    again = [
        run(every, parts._replace(setting=parts.setting._replace(first=k))) for k in range(NOISES)
    ]  # other readings
    found, spread = sum(again) / NOISES, np.std([f.to_numpy() for f in again], axis=0, ddof=1) / np.sqrt(NOISES)
    spread = pd.DataFrame(spread, index=found.index, columns=found.columns)
    many = {k: np.repeat(v, copies) for k, v in x.items()}
    rows = []
    for record, r in zip([NONE, *records], every, strict=True):
        full = {"infusions": r.most, "spacing": DECISION["limits"]["spacing"]} | record
        drawn = brute.Trial(many, TRUTH, full, HORIZON, seed).run()
        for name, values in drawn.items():
            within = values.reshape(len(x["level"]), copies).var(1, ddof=1).mean()
            se = np.hypot(np.sqrt(within / values.size), spread.loc[r.name, name])
            rows.append((r.name, name, found.loc[r.name, name], values.mean(), se))
    return pd.DataFrame(rows, columns=["regime", "outcome", "kernel", "brute", "se"])


def utilities(table: pd.DataFrame, every: list, name: str) -> np.ndarray:
    """Utility of every regime from a column of `compared`, shape (regime,)."""
    wide = table.pivot_table(index="regime", columns="outcome", values=name).reindex([r.name for r in every])
    values = np.array([wide[c] if c in wide else np.zeros(len(wide)) for c in path.OUTCOMES]).T[None]
    found = xr.DataArray(values, dims=("draw", "regime", "outcome"), coords={"outcome": list(path.OUTCOMES)})
    return utility.utility(found, every, DECISION["utility"])[0]
