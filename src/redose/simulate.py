"""A simulated multi-trial study of a redosable product: the tables of a study folder and the truth behind them.

Patient i in interval k that started on day t_k0; s = t - t_k0; M is log10 of the leukaemic fraction:

    B_i(t) = b_ik + g_i s - delta_i sum_l w_il [K(t - t_il) - K(t_k0 - t_il)] - sum_c kappa_c (days on course c)
    g_i    = log10(2) / doubling_i, or 0 in the share `cured`;  K(x) = 1 - 2^(-max(x, 0) / half_life of the product)
    w_il   = (cells_il / reference_cells)^psi exp(rho (l - 1) + theta_c [timed to course c] + xi + u_lot)
    M      = B - log10(1 + 10^B)
    y_ij   ~ Normal(M_i(t_ij), sigma), censored below log10 lod_ij
    log hazard of progression = log lambda0_P(s) + alpha_P f(M) + x'beta_P + u_trial + u_site + v_i
    log hazard of death       = log lambda0_D(s) + alpha_D f(M) + x'beta_D + phi_death v_i

Time runs in whole days for all patients at once. A day holds, in this order: sample, infusion, then the hazards of its
24 hours, with M taken at their middle and the baseline integrated exactly. The kill is the plain sum over all infusions
on purpose: the program's likelihood uses a recursion, and this module is the independent check on it. Courses are
planned when an interval starts and stop with it; log doubling, log delta and the levels of a patient may correlate.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

DAYS_PER_YEAR = 365.25
NEVER = np.inf
KINDS = ("acute", "chronic")
SEVERE = {"acute": {"3", "4"}, "chronic": {"severe"}}
TRAITS = ("growth", "kill", "level")  # log doubling, log delta, b
SECTIONS = (
    "seed",
    "patients",
    "products",
    "trials",
    "schedules",
    "courses",
    "assays",
    "visits",
    "parameters",
    "gvhd",
    "dropout",
    "follow_up",
)


@dataclass(frozen=True)
class Effects:
    """True effects: `u_trial`, `u_site`, `u_lot` by name; all else over patient (i), `b` over (patient, interval);
    still: True where the disease never regrows."""

    u_trial: dict[str, float]
    u_site: dict[str, float]
    u_lot: dict[str, float]
    u: np.ndarray
    v: np.ndarray
    b: np.ndarray
    doubling: np.ndarray
    delta: np.ndarray
    still: np.ndarray


def simulate(protocol: dict) -> tuple[dict[str, pd.DataFrame], dict]:
    """Raw tables of one simulated study (patients, infusions, courses, mrd, intervals, gvhd) and the truth behind them.

    `protocol` is the mapping of data/redosable/simulation.yaml. Days are integers; `mrd` is text, "<lod" where the
    reading lies below the sample's own LOD. The truth holds `seed`, `parameters`, `products` (their names), `gvhd`,
    `u_trial`, `u_site`, `u_lot` (by name) and `patients` (key -> `b`, one level per interval reached, `doubling` in
    days, `delta` in log10, `still`, `v`). The same protocol gives the same tables.

    Raises ValueError when a section is missing or unknown, or a parameter is no number.
    """
    _check(protocol)
    rng = np.random.default_rng(np.random.SeedSequence(protocol["seed"]))
    patients = _enrol(protocol, rng)
    effects = _draw_effects(protocol, patients, rng)
    follow_up = _FollowUp(protocol, patients, effects, rng)
    follow_up.run()
    # all are followed to the same calendar day, the last one of those enrolled first
    patients["enrolled_day"] = protocol["follow_up"]["latest"] - follow_up.censored_on
    tables = {"patients": patients.drop(columns=["dose", "assay"]), **follow_up.tables()}
    return tables, _truth(protocol, effects, patients["patient"], follow_up.interval)


def write(tables: dict[str, pd.DataFrame], truth: dict, folder: str | Path) -> None:
    """Write the tables as `<name>.csv`, the truth as `truth.yaml` into `folder`; files appear whole or not at all."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        _replace(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    _replace(folder / "truth.yaml", yaml.safe_dump(truth, sort_keys=False, default_flow_style=None, width=120))


def protocol_with(protocol: dict, overrides: dict) -> dict:
    """A protocol like `protocol` with the values of the nested `overrides`; an unknown name raises ValueError."""
    unknown = sorted(set(overrides) - set(protocol))
    if unknown:
        raise ValueError(f"protocol: no such name: {', '.join(unknown)}; known here: {', '.join(protocol)}")
    merged = {
        name: protocol_with(protocol[name], value) if isinstance(value, dict) else value
        for name, value in overrides.items()
    }
    return protocol | merged


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    os.replace(partial, path)  # noqa: PTH105 (the one call that is atomic by contract)


def _check(protocol: dict) -> None:
    """Raise ValueError for sections that are missing or unknown, an unknown link, or a parameter that is no number."""
    odd = sorted(set(SECTIONS) ^ set(protocol))
    if odd:
        raise ValueError(f"protocol: missing or unknown section: {', '.join(odd)}; sections are {', '.join(SECTIONS)}")
    for name, value in protocol["parameters"].items():
        if name == "link":
            if value not in ("step", "value"):
                raise ValueError(f"protocol: parameters: link is {value!r}; give step or value")
            continue
        for number in value.values() if isinstance(value, dict) else [value]:
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise ValueError(
                    f"protocol: parameters: {name} holds {number!r}, which is no number to YAML; write 9.0e+8, not 9e8"
                )


# --- patients and their effects ---------------------------------------------------------------------------------------


def _allocate(rng: np.random.Generator, count: int, shares: dict[str, float]) -> np.ndarray:
    """(count,) names in random order, each as often as its share says, to the nearest whole number."""
    shares = {name: share for name, share in shares.items() if share > 0}
    edges = np.rint(np.cumsum(list(shares.values())) / sum(shares.values()) * count).astype(int)
    return rng.permutation(np.repeat(list(shares), np.diff(edges, prepend=0)))


def _enrol(protocol: dict, rng: np.random.Generator) -> pd.DataFrame:
    """One row per patient: the columns of the table `patients`, and `dose` (planned cells) and `assay`."""
    trials, schedules = protocol["trials"], protocol["schedules"]
    count = protocol["patients"]["count"]
    enrolled = np.sort(_allocate(rng, count, {name: trial["share"] for name, trial in trials.items()}))
    blocks = []
    for name in dict.fromkeys(enrolled.tolist()):
        trial, size = trials[name], int(np.sum(enrolled == name))
        schedule = _allocate(rng, size, {each: schedules[each]["share"] for each in trial["schedules"]})
        product = _allocate(rng, size, dict.fromkeys(trial["products"], 1.0))
        dose = np.empty(size)
        for each in trial["products"]:
            levels = {str(cells): 1.0 for cells in protocol["products"][each]["dose_levels"]}
            dose[product == each] = _allocate(rng, int(np.sum(product == each)), levels).astype(float)
        block = {
            "patient": [f"{name}-{number:0{max(3, len(str(count)))}d}" for number in range(1, size + 1)],
            "trial": name,
            "site": _allocate(rng, size, dict.fromkeys(trial["sites"], 1.0)),
            "arm": schedule,
            "schedule": schedule,
            "product": product,
            "dose": dose,
            "assay": trial["assay"],
        }
        blocks.append(pd.DataFrame(block))
    patients = pd.concat(blocks, ignore_index=True)
    correlation, age = protocol["patients"]["tme_correlation"], protocol["patients"]["age"]
    patients["tumour_burden"] = rng.standard_normal(count)
    independent = rng.standard_normal(count)
    patients["tme"] = correlation * patients["tumour_burden"] + np.sqrt(1.0 - correlation**2) * independent
    patients["age"] = np.rint(rng.normal(age["mean"], age["sd"], count)).astype(int)
    return patients


def _lots(protocol: dict) -> list[str]:
    """Names of all lots: product and number."""
    return [f"{name}/{k:02d}" for name, x in protocol["products"].items() for k in range(1, x["lots"] + 1)]


def _draw_effects(protocol: dict, patients: pd.DataFrame, rng: np.random.Generator) -> Effects:
    """True effects of trials, sites, lots and patients, drawn from the hierarchy of the parameters."""
    p, n, intervals = protocol["parameters"], len(patients), protocol["follow_up"]["intervals"]
    names = {
        "trial": list(protocol["trials"]),
        "site": [site for trial in protocol["trials"].values() for site in trial["sites"]],
        "lot": _lots(protocol),
    }
    u = {g: dict(zip(k, rng.normal(0.0, p[f"omega_{g}"], len(k)), strict=True)) for g, k in names.items()}
    burden = patients["tumour_burden"].to_numpy()
    mean_b = p["mu_b"] + p["beta_b"]["interval"] * np.arange(intervals) + p["beta_b"]["tumour_burden"] * burden[:, None]
    growth, kill, level = _residuals(p["correlation"], n, intervals, rng)
    return Effects(
        u_trial=u["trial"],
        u_site=u["site"],
        u_lot=u["lot"],
        u=(patients["trial"].map(u["trial"]) + patients["site"].map(u["site"])).to_numpy(),
        v=rng.normal(0.0, p["omega_v"], n),
        b=mean_b + p["omega_b"] * level,
        doubling=p["doubling"] * np.exp(p["beta_g"]["tumour_burden"] * burden + p["omega_g"] * growth),
        delta=p["delta"] * np.exp(p["eta"]["tme"] * patients["tme"].to_numpy() + p["omega_delta"] * kill),
        still=rng.random(n) < p["cured"],
    )


def _residuals(pairs: dict, n: int, intervals: int, rng: np.random.Generator) -> tuple:
    """Standard normal residuals of log doubling and log delta, (patient,), and of the levels, (patient, interval);
    levels of one patient are independent given the other two. pairs: correlations by "growth ~ kill" and so on."""
    matrix = np.eye(3)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        matrix[i, j] = matrix[j, i] = pairs[f"{TRAITS[i]} ~ {TRAITS[j]}"]
    own = rng.multivariate_normal(np.zeros(2), matrix[:2, :2], n, method="cholesky")
    weight = np.linalg.solve(matrix[:2, :2], matrix[:2, 2])
    left = np.sqrt(1.0 - weight @ matrix[:2, 2])
    return own[:, 0], own[:, 1], (own @ weight)[:, None] + left * rng.standard_normal((n, intervals))


def _truth(protocol: dict, effects: Effects, keys: pd.Series, reached: np.ndarray) -> dict:
    """The content of truth.yaml, in plain Python numbers; `reached` (patient,) counts the intervals of each patient."""
    return {
        "seed": protocol["seed"],
        "parameters": protocol["parameters"],
        "products": list(protocol["products"]),
        "gvhd": protocol["gvhd"],
        "u_trial": {name: float(u) for name, u in effects.u_trial.items()},
        "u_site": {name: float(u) for name, u in effects.u_site.items()},
        "u_lot": {name: float(u) for name, u in effects.u_lot.items()},
        "patients": {
            key: {
                "b": effects.b[i, : reached[i]].tolist(),
                "doubling": float(effects.doubling[i]),
                "delta": float(effects.delta[i]),
                "still": bool(effects.still[i]),
                "v": float(effects.v[i]),
            }
            for i, key in enumerate(keys)
        },
    }


# --- follow-up, day by day --------------------------------------------------------------------------------------------


def _visit_days(visits: dict, latest: int) -> list[int]:
    """Calendar days of the planned MRD samples up to day `latest`, in order."""
    first_year = range(visits["every"], visits["until"] + 1, visits["every"])
    later = range(visits["until"] + visits["every_later"], latest + 1, visits["every_later"])
    return sorted({*visits["days"], *first_year, *later})


def _link(p: dict) -> Callable[[np.ndarray], np.ndarray]:
    """The function f(M) of the hazards: a smooth step at tau, or the level itself."""
    if p["link"] == "value":
        return lambda level: level - p["reference_level"]
    # expit written with tanh: no overflow however narrow the step
    return lambda level: 0.5 * (1.0 + np.tanh(0.5 * (level - p["tau"]) / p["step_width"]))


def _weibull_increment(s: np.ndarray, rate: float, shape: float) -> np.ndarray:
    """Cumulative baseline hazard from day s to day s + 1 of the gap clock; `rate` is that of the first year."""
    return rate * (((s + 1.0) / DAYS_PER_YEAR) ** shape - (s / DAYS_PER_YEAR) ** shape)


class _FollowUp:
    """Follow-up of all patients at once, and the records it leaves.

    Arrays run over patient; those of infusions over (patient, infusion), with day NEVER where none was given; those of
    GVHD over (patient, kind). `who` is always an array of patient positions.
    """

    def __init__(self, protocol: dict, patients: pd.DataFrame, effects: Effects, rng: np.random.Generator) -> None:
        self.protocol, self.patients, self.effects, self.rng = protocol, patients, effects, rng
        self.p = protocol["parameters"]
        self.link = _link(self.p)
        n, rules = len(patients), protocol["follow_up"]
        self.censored_on = rng.integers(rules["earliest"], rules["latest"], n, endpoint=True)
        self.ended_on = np.zeros(n)
        self.active = np.ones(n, dtype=bool)
        self.interval, self.start = np.ones(n, dtype=int), np.zeros(n)
        self._plan(n)
        shape = (n, rules["intervals"])
        self.courses = {agent: (np.full(shape, NEVER), np.full(shape, NEVER)) for agent in protocol["courses"]}
        self._prescribe(0, np.arange(n))
        self._read_properties()
        self._read_gvhd(n)
        self._fix_linear_predictors()
        self.records: dict[str, list[tuple]] = {"infusions": [], "mrd": [], "intervals": []}

    def _plan(self, n: int) -> None:
        """Set the plans of infusions and transplants and the empty record of infusions given."""
        rules = [self.protocol["schedules"][name] for name in self.patients["schedule"]]
        most = max(max(len(rule["days"]), rule.get("redose", {}).get("infusions", 0)) for rule in rules)
        self.planned = np.full((n, most + 1), NEVER)  # offset from the interval's start of its l-th infusion
        for i, rule in enumerate(rules):
            self.planned[i, : len(rule["days"])] = rule["days"]
        redose = [rule.get("redose", {}) for rule in rules]
        self.trigger, self.wait, self.spacing, self.redoses = (
            np.array([rule.get(key, default) for rule in redose], dtype=float)
            for key, default in (("above", NEVER), ("after", 0), ("spacing", 0), ("infusions", 0))
        )
        shape = (n, self.protocol["follow_up"]["intervals"])
        transplant = [rule.get("transplant", {}) for rule in rules]
        low, high, probability = (
            np.array([rule.get(key, default) for rule in transplant], dtype=float)[:, None]
            for key, default in (("earliest", 1), ("latest", 1), ("probability", 0))
        )
        offset = np.floor(self.rng.uniform(low, high + 1.0, shape))
        self.transplant_after = np.where(self.rng.random(shape) < probability, offset, NEVER)
        self.infused_on = np.full((n, most * shape[1]), NEVER)
        self.weight = np.zeros_like(self.infused_on)  # w_il of the kinetics
        self.gvhd_weight = np.zeros_like(self.infused_on)  # (cells / reference)^dose_exponent
        self.infusions, self.given = np.zeros(n, dtype=int), np.zeros(n, dtype=int)  # ever, in this interval
        self.last_infusion = np.full(n, -NEVER)
        self.due = self.planned[:, 0].copy()

    def _read_properties(self) -> None:
        """Set the assay's and the product's properties per patient."""
        product = self.patients["product"]
        self.half_life = product.map(self.p["half_life"]).to_numpy(float)
        self.by_product = np.array([self.p["xi"].get(f"product {name}", 0.0) for name in product])
        self.manufacturing_sd = np.array([self.protocol["products"][name]["manufacturing_sd"] for name in product])
        self.lots = np.array([self.protocol["products"][name]["lots"] for name in product])
        rules = [self.protocol["assays"][name] for name in self.patients["assay"]]
        self.lod_limits = np.array([rule["lod"] for rule in rules], dtype=float)
        self.sigma = self.patients["assay"].map(self.p["sigma"]).to_numpy(float)
        self.false_positive_rate = np.array([rule["false_positive_rate"] for rule in rules])
        self.false_positive_excess = np.array([rule["false_positive_excess"] for rule in rules])

    def _read_gvhd(self, n: int) -> None:
        """Set the graft's hazard per day (patient, kind) and the empty record of episodes."""
        graft = self.protocol["gvhd"]["graft"]
        exposed = self.patients["trial"].isin(graft["trials"]).to_numpy()
        windows = [graft[kind] for kind in KINDS]
        self.graft_window = np.array([[window["from_day"], window["to_day"]] for window in windows])
        incidence = np.array([window["incidence"] for window in windows])
        self.graft_hazard = np.outer(exposed, -np.log1p(-incidence) / np.diff(self.graft_window).ravel())
        self.onset, self.resolved = np.full((n, 2), NEVER), np.full((n, 2), NEVER)
        self.severe = np.zeros((n, 2), dtype=bool)
        self.grade = np.full((n, 2), "", dtype=object)

    def _fix_linear_predictors(self) -> None:
        """Set the parts of the two log hazards that stay the same through follow-up."""
        x, age = self.patients, self.protocol["patients"]["age"]
        progression, death = self.p["beta_progression"], self.p["beta_death"]
        self.progression_fixed = (
            progression["tumour_burden"] * x["tumour_burden"] + progression["tme"] * x["tme"]
        ).to_numpy() + (self.effects.u + self.effects.v)
        self.death_fixed = death["age"] * (x["age"].to_numpy() - age["centre"]) / age["per"]
        self.death_fixed = self.death_fixed + self.p["phi_death"] * self.effects.v

    def run(self) -> None:
        """Follow everybody from the first baseline sample to the end of follow-up."""
        latest = self.protocol["follow_up"]["latest"]
        visits = set(_visit_days(self.protocol["visits"], latest))
        for day in sorted(day for day in visits if day < 0):
            self._sample(day, np.arange(len(self.patients)))
        for day in range(latest):
            if not self.active.any():
                break
            # A restart of treatment is sampled too, and so is day 0
            self._sample(day, np.flatnonzero(self.active & ((day in visits) | (self.start == day))))
            self._infuse(day, np.flatnonzero(self.active & (self.due == day)))
            self._live(day, np.flatnonzero(self.active))
            self._contract_gvhd(day, np.flatnonzero(self.active))

    def _log10_fraction(self, t: float, who: np.ndarray) -> np.ndarray:
        """(who,) log10 leukaemic fraction M at time t (days)."""
        given = max(int(self.infusions[who].max(initial=0)), 1)  # columns beyond hold no infusion
        infused_on = self.infused_on[who, :given]
        start = self.start[who]
        kill = np.sum(self.weight[who, :given] * self._acted(t - infused_on, who), axis=1)
        kill -= np.sum(self.weight[who, :given] * self._acted(start[:, None] - infused_on, who), axis=1)
        growth = np.log10(2.0) / self.effects.doubling[who] * (t - start) * ~self.effects.still[who]
        ratio = self.effects.b[who, self.interval[who] - 1] + growth - self.effects.delta[who] * kill
        for agent, rate in self.p["kappa"].items():
            ratio -= rate * (self._days_on(agent, who, t) - self._days_on(agent, who, start))
        return ratio - np.logaddexp(0.0, ratio * np.log(10.0)) / np.log(10.0)

    def _acted(self, s: np.ndarray, who: np.ndarray) -> np.ndarray:
        """K(s): the share of an infusion's kill that has happened s days after it; 0 before."""
        return 1.0 - np.exp2(-np.maximum(s, 0.0) / self.half_life[who, None])

    def _days_on(self, agent: str, who: np.ndarray, t) -> np.ndarray:
        """(who,) days that each has been on courses of the agent by day t."""
        start, stop = (x[who] for x in self.courses[agent])
        started = np.isfinite(start)
        until = np.broadcast_to(np.asarray(t, dtype=float).reshape(-1, 1), start.shape)[started]
        days = np.zeros(start.shape)
        days[started] = np.clip(until, start[started], stop[started]) - start[started]
        return days.sum(axis=1)

    def _prescribe(self, day: int, who: np.ndarray) -> None:
        """Plan the courses of an interval that starts on `day`: for a share of patients, one of each agent."""
        for agent, rule in self.protocol["courses"].items():
            given = who[self.rng.random(who.size) < rule["share"]]
            begins = day + self.rng.integers(*rule["starts"], given.size, endpoint=True)
            start, stop = self.courses[agent]
            start[given, self.interval[given] - 1] = begins
            stop[given, self.interval[given] - 1] = begins + rule["days"]

    def _stop_courses(self, day: int, who: np.ndarray) -> None:
        """Courses end with their interval; those that had not begun are never given."""
        for start, stop in self.courses.values():
            at = (who, self.interval[who] - 1)
            stop[at] = np.minimum(stop[at], day)
            start[at] = np.where(start[at] >= day, NEVER, start[at])

    def _timed(self, agent: str, day: int, who: np.ndarray) -> np.ndarray:
        """(who,) True where an infusion on `day` falls into the window of a course of the agent."""
        start, stop = (x[who] for x in self.courses[agent])
        return ((start <= day) & (day <= stop + self.protocol["courses"][agent]["window"])).any(axis=1)

    def _sample(self, day: int, who: np.ndarray) -> None:
        """Measure MRD of `who` unless missing; a reading above the trigger plans an infusion in adaptive schedules."""
        who = who[self.rng.random(who.size) >= self.protocol["visits"]["missing"]]
        low, high = self.lod_limits[who].T
        lod = low * (high / low) ** self.rng.random(who.size)
        y = self._log10_fraction(day, who) + self.sigma[who] * self.rng.standard_normal(who.size)
        below = y < np.log10(lod)
        false_positive = below & (self.rng.random(who.size) < self.false_positive_rate[who])
        excess = self.rng.exponential(self.false_positive_excess[who])
        y = np.where(false_positive, np.log10(lod) + excess, y)
        below &= ~false_positive
        mrd = np.clip(10.0**y, lod, 1.0)
        self.records["mrd"].append((who, np.full(who.size, day), np.where(below, np.nan, mrd), lod))
        # A sample taken before the last infusion could act says nothing of its effect
        triggers = ~below & (y > self.trigger[who]) & (day > self.last_infusion[who])
        triggers &= np.isinf(self.due[who]) & (self.given[who] < self.redoses[who])
        who = who[triggers]
        self.due[who] = np.maximum(day + self.wait[who], self.last_infusion[who] + self.spacing[who])

    def _infuse(self, day: int, who: np.ndarray) -> None:
        """Give `who` an infusion and look up the next planned one of the interval."""
        number = self.infusions[who]
        variation = self.manufacturing_sd[who] * self.rng.standard_normal(who.size)
        cells = self.patients["dose"].to_numpy()[who] * np.exp(variation)
        numbers = self.rng.integers(1, self.lots[who], who.size, endpoint=True)
        products = self.patients["product"].to_numpy()[who]
        lot = np.array([f"{name}/{k:02d}" for name, k in zip(products, numbers, strict=True)], dtype=object)
        relative = cells / self.p["reference_cells"]
        log_weight = self.p["psi"] * np.log(relative) + self.p["rho"] * number + self.by_product[who]
        log_weight += np.array([self.effects.u_lot[name] for name in lot])
        for agent, effect in self.p["theta"].items():
            log_weight += effect * self._timed(agent, day, who)
        self.infused_on[who, number] = day
        self.weight[who, number] = np.exp(log_weight)
        self.gvhd_weight[who, number] = relative ** self.protocol["gvhd"]["product"]["dose_exponent"]
        self.infusions[who] += 1
        self.given[who] += 1
        self.last_infusion[who] = day
        self.due[who] = self.start[who] + self.planned[who, self.given[who]]
        self.records["infusions"].append((who, np.full(who.size, day), cells, lot))

    def _hazards(self, day: int, who: np.ndarray) -> np.ndarray:
        """(outcome, who) hazards from `day` to the next, in the order progression, death, then those of `dropout`."""
        p, middle = self.p, day + 0.5
        s = day - self.start[who]
        f = self.link(self._log10_fraction(middle, who))
        ill = (self.onset[who] < middle) & (middle <= self.resolved[who])
        severe = (ill & self.severe[who]).any(axis=1)
        progression = p["alpha_progression"] * f + self.progression_fixed[who]
        progression += p["beta_progression"]["interval"] * (self.interval[who] - 1)
        progression += p["beta_progression"]["gvhd"] * ill.any(axis=1)
        death = p["alpha_death"] * f + p["beta_death"]["gvhd_severe"] * severe + self.death_fixed[who]
        rates = np.array(list(self.protocol["dropout"].values())) / DAYS_PER_YEAR
        return np.vstack(
            [
                _weibull_increment(s, p["rate_progression"], p["shape_progression"]) * np.exp(progression),
                _weibull_increment(s, p["rate_death"], p["shape_death"]) * np.exp(death),
                np.broadcast_to(rates[:, None], (rates.size, who.size)),
            ]
        )

    def _live(self, day: int, who: np.ndarray) -> None:
        """Draw who has which event within the day, end those intervals, and treat again after some progressions."""
        outcomes = np.array(["progression", "death", *self.protocol["dropout"]])
        hazards = self._hazards(day, who)
        total = hazards.sum(axis=0)
        happens = self.rng.random(who.size) < -np.expm1(-total)
        cause = np.sum(self.rng.random(who.size) * total >= np.cumsum(hazards, axis=0)[:-1], axis=0)
        outcome = np.where(happens, outcomes[cause], "")
        day += 1
        transplant = self.start[who] + self.transplant_after[who, self.interval[who] - 1] == day
        outcome = np.where((outcome == "") & transplant, "transplant", outcome)
        outcome = np.where((outcome == "") & (self.censored_on[who] == day), "censored", outcome)
        who, outcome = who[outcome != ""], outcome[outcome != ""]
        self.records["intervals"].append(
            (who, self.interval[who], self.start[who], np.full(who.size, day), outcome.astype(object))
        )
        self._stop_courses(day, who)
        rules = self.protocol["follow_up"]
        again = (outcome == "progression") & (self.interval[who] < rules["intervals"]) & (day < self.censored_on[who])
        again &= self.rng.random(who.size) < rules["retreatment"]
        self.active[who[~again]], self.ended_on[who[~again]] = False, day
        who = who[again]
        self.interval[who] += 1
        self.start[who] = self.due[who] = day
        self.given[who] = 0
        self._prescribe(day, who)

    def _contract_gvhd(self, day: int, who: np.ndarray) -> None:
        """Draw the onset, grade and duration of GVHD episodes within the day; at most one of each kind a patient."""
        window = (self.graft_window[:, 0] <= day) & (day < self.graft_window[:, 1])
        hazard = self.graft_hazard[who] * window
        hazard[:, 0] += self._product_gvhd_hazard(day + 0.5, who)
        hazard[np.isfinite(self.onset[who])] = 0.0
        begins = self.rng.random(hazard.shape) < -np.expm1(-hazard)
        for kind, name in enumerate(KINDS):
            new = who[begins[:, kind]]
            rule = self.protocol["gvhd"][name]
            grades = list(rule["grades"])
            drawn = self.rng.choice(grades, new.size, p=list(rule["grades"].values()))
            self.grade[new, kind] = drawn
            self.severe[new, kind] = np.isin(drawn, list(SEVERE[name]))
            self.onset[new, kind] = day + 1
            self.resolved[new, kind] = day + 1 + np.ceil(self.rng.exponential(rule["duration"], new.size))

    def _product_gvhd_hazard(self, t: float, who: np.ndarray) -> np.ndarray:
        """(who,) hazard per day of product-related GVHD at time t: a decaying trace of each infusion.

        One infusion of reference_cells alone leads to GVHD with probability `risk`.
        """
        rule = self.protocol["gvhd"]["product"]
        scale = -np.log1p(-rule["risk"]) * np.log(2.0) / rule["half_life"]
        given = max(int(self.infusions[who].max(initial=0)), 1)
        since = t - self.infused_on[who, :given]
        trace = np.where(since > 0, np.exp2(-np.maximum(since, 0.0) / rule["half_life"]), 0.0)
        return scale * np.sum(self.gvhd_weight[who, :given] * trace, axis=1)

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables infusions, courses, mrd, intervals and gvhd, each sorted by patient and day."""
        infusions = self._table("infusions", ["day", "cells", "lot"])
        product = self.patients.set_index("patient")["product"]
        infusions.insert(3, "product", infusions["patient"].map(product).to_numpy())
        mrd = self._table("mrd", ["day", "mrd", "lod"])
        mrd.insert(2, "assay", mrd["patient"].map(self.patients.set_index("patient")["assay"]))
        mrd["mrd"] = ["<lod" if np.isnan(value) else repr(value) for value in mrd["mrd"].tolist()]
        intervals = self._table("intervals", ["interval", "start_day", "end_day", "outcome"])
        tables = {"infusions": infusions, "courses": self._courses_table(), "mrd": mrd, "intervals": intervals}
        return tables | {"gvhd": self._gvhd_table()}

    def _courses_table(self) -> pd.DataFrame:
        """One row per course that was begun; it stops at the latest with its interval."""
        found = []
        for agent, (start, stop) in self.courses.items():
            who, k = np.nonzero(np.isfinite(start))
            found.append(pd.DataFrame({"i": who, "agent": agent, "start_day": start[who, k], "stop_day": stop[who, k]}))
        table = pd.concat(found).sort_values(["i", "start_day", "agent"]).reset_index(drop=True)
        table.insert(0, "patient", self.patients["patient"].to_numpy()[table.pop("i")])
        return table.astype({"start_day": int, "stop_day": int})

    def _table(self, name: str, columns: list[str]) -> pd.DataFrame:
        """The records of one table, with patients' keys, in the order of patients and then of time."""
        who, *values = (np.concatenate(parts) for parts in zip(*self.records[name], strict=True))
        table = pd.DataFrame(
            {"patient": self.patients["patient"].to_numpy()[who], **dict(zip(columns, values, strict=True))}
        )
        days = {column: int for column in table.columns if column.endswith("day")}
        # Records were made in the order of time: a stable sort by patient keeps it
        return table.iloc[np.argsort(who, kind="stable")].reset_index(drop=True).astype(days)

    def _gvhd_table(self) -> pd.DataFrame:
        """One row per episode; `end_day` is missing while the episode outlasts follow-up."""
        i, kind = np.nonzero(np.isfinite(self.onset))
        resolved = self.resolved[i, kind]
        table = pd.DataFrame(
            {
                "patient": self.patients["patient"].to_numpy()[i],
                "kind": np.array(KINDS, dtype=object)[kind],
                "grade": self.grade[i, kind],
                "onset_day": self.onset[i, kind].astype(int),
                "end_day": pd.array(np.where(resolved <= self.ended_on[i], resolved, np.nan), dtype="Float64").astype(
                    "Int64"
                ),
            }
        )
        return table.iloc[np.lexsort([table["onset_day"], i])].reset_index(drop=True)
