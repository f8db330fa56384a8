"""Regimes by brute force: every event of every patient is drawn, day by day; the independent check of the kernel.

Nothing of redose is used. Kill is the plain sum over infusions, hazards are taken at the middle of each day, GVHD comes
and goes by chance, and outcomes are counted.
"""

import numpy as np

NEVER = np.inf
YEAR = 365.25


def log10_fraction(ratio):
    return ratio - np.log10(1 + 10.0 ** np.minimum(ratio, 30))


class Trial:
    """Patients followed under one regime. people: level, doubling, delta, relative_progression, relative_death, exposed
    (to a graft's background), shape (patient,). truth: parameters by the names of data/redosable/simulation.yaml.
    regime: the record of the config, with `infusions`, `spacing`, `first`."""

    def __init__(self, people: dict, truth: dict, regime: dict, horizon: int, seed: int):
        self.x, self.p, self.r, self.horizon = people, truth, regime, horizon
        self.rng, n = np.random.default_rng(seed), len(people["level"])
        self.on, self.infused_on, self.count = np.ones(n, bool), np.full((n, 1), NEVER), np.zeros(n, int)
        self.last, self.confirm = np.full(n, -NEVER), np.full(n, NEVER)
        start = regime["wait"] if regime["kind"] == "autologous" else 0
        self.due = np.full(n, float(start) if regime.get("first", True) else NEVER)
        self.may = np.ones(n, bool)
        self.crossed, self.latent_nadir, self.nadir = (np.full(n, NEVER) for _ in range(3))
        self.onset, self.end = np.full((n, 2), NEVER), np.full((n, 2), NEVER)
        self.severe = np.zeros((n, 2), bool)
        names = [
            "free_days",
            "gvhd_days",
            "severe_days",
            "transplanted_days",
            "progressed_days",
            "progression",
            "death",
        ]
        names += ["transplant", "gvhd", "infusions", "tests", "triggers", "false_triggers", "any_false_trigger"]
        self.out = {name: np.zeros(n) for name in [*names, "delay_days", "delayed"]}

    def ratio(self, t: float) -> np.ndarray:
        since = np.maximum(t - self.infused_on, 0.0)
        order = np.arange(self.infused_on.shape[1])
        done = (np.exp(self.p["rho"] * order) * (1 - 2.0 ** (-since / self.p["half_life"]))).sum(1)
        kill = self.x["delta"] * self.r.get("kill", 1.0)
        return self.x["level"] + np.log10(2) / self.x["doubling"] * t - kill * done

    def level_to_act(self) -> tuple[np.ndarray, np.ndarray]:
        """(of readings, of the latent ratio): log10 levels that trigger."""
        if "rise" in self.r:
            return self.nadir + self.r["rise"], log10_fraction(self.latent_nadir) + self.r["rise"]
        return (np.full(len(self.on), self.r["tau"]),) * 2

    def test(self, day: int) -> None:
        if self.r["kind"] != "adaptive":
            return
        level = log10_fraction(self.ratio(day))
        self.latent_nadir = np.minimum(self.latent_nadir, self.ratio(day))
        over = level >= self.level_to_act()[1]
        self.crossed = np.where(over, np.minimum(self.crossed, day - 0.5), NEVER)  # within the day before
        due = (day % self.r["every"] == 0) | (self.confirm == day)
        who = (
            np.flatnonzero(self.on & self.may & due & (self.count < self.r["infusions"])) if day else np.array([], int)
        )
        assay = self.p["assay"]
        y = level[who] + assay["sigma"] * self.rng.standard_normal(len(who))
        lod = np.log10(assay["lod"])
        below = y < lod
        wrong = below & (self.rng.random(len(who)) < assay["false_positive_rate"])
        y = np.where(wrong, lod + self.rng.exponential(0.5, len(who)), y)
        seen = ~below | wrong
        self.out["tests"][who] += 1
        positive = seen & (y >= self.level_to_act()[0][who])
        self.nadir[who] = np.minimum(self.nadir[who], np.where(seen, np.maximum(y, lod), lod))
        idle = np.isinf(self.due[who])
        if "confirm" in self.r:
            second = self.confirm[who] == day
            first = positive & idle & np.isinf(self.confirm[who])
            acts = positive & idle & second
            self.confirm[who[second]] = NEVER
            self.confirm[who[first]] = day + self.r["confirm"]
        else:
            acts = positive & idle
        acting = who[acts]
        self.due[acting] = np.maximum(day + self.r["within"], self.last[acting] + self.r["spacing"])
        false = level[acting] < self.level_to_act()[1][acting]
        self.out["triggers"][acting] += 1
        self.out["false_triggers"][acting] += false
        self.out["any_false_trigger"][acting] = np.maximum(self.out["any_false_trigger"][acting], false)

    def infuse(self, day: int) -> None:
        who = np.flatnonzero(self.on & self.may & (self.due == day) & (self.count < self.r["infusions"]))
        if self.r["kind"] == "autologous":
            made = self.rng.random(len(who)) >= self.r["failure"]
            self.may[who[~made]] = False
            who = who[made]
        if not len(who):
            return
        late = np.isfinite(self.crossed[who]) & (self.count[who] > 0) & (self.r["kind"] == "adaptive")
        self.out["delay_days"][who] += np.where(late, day - self.crossed[who], 0.0)
        self.out["delayed"][who] += late
        if self.count[who].max() >= self.infused_on.shape[1]:
            self.infused_on = np.column_stack([self.infused_on, np.full(len(self.on), NEVER)])
        self.infused_on[who, self.count[who]] = day
        self.count[who] += 1
        self.last[who] = day
        self.out["infusions"][who] += 1
        self.due[who] = day + self.r["every"] if self.r["kind"] == "fixed" else NEVER
        self.crossed[who] = self.latent_nadir[who] = self.nadir[who] = NEVER

    def transplant(self, day: int) -> None:
        if self.r["kind"] != "bridge" or day != self.r["transplant"]:
            return
        who = np.flatnonzero(self.on)
        who = who[self.rng.random(len(who)) < self.r["probability"]]
        after, left = self.p["transplant"], self.horizon - day
        total = -np.log(1 - after["progression"] - after["death"]) / YEAR
        free = self.rng.exponential(1 / total, len(who))
        progresses = self.rng.random(len(who)) < after["progression"] / (after["progression"] + after["death"])
        happens = free < left
        self.out["transplant"][who] = 1
        self.out["transplanted_days"][who] = np.minimum(free, left)
        self.out["progression"][who] = happens & progresses
        self.out["death"][who] = happens & ~progresses
        self.out["progressed_days"][who] = np.where(happens & progresses, left - free, 0.0)
        self.out["gvhd"][who] = np.maximum(self.out["gvhd"][who], self.rng.random(len(who)) < after["gvhd"])
        self.on[who] = False

    def live(self, day: int) -> None:
        p, middle = self.p, day + 0.5
        active = (self.onset < middle) & (middle <= self.end)
        ill, severe = active.any(1), (active & self.severe).any(1)
        f = 1 / (1 + np.exp(-(log10_fraction(self.ratio(middle)) - p["tau"]) / p["step_width"]))
        hazards = []
        for cause, gvhd in (("progression", p["beta_gvhd"] * ill), ("death", p["beta_severe"] * severe)):
            shape = p[f"shape_{cause}"]
            grown = p[f"rate_{cause}"] * (((day + 1) / YEAR) ** shape - (day / YEAR) ** shape)
            hazards.append(grown * self.x[f"relative_{cause}"] * np.exp(p[f"alpha_{cause}"] * f + gvhd))
        total = hazards[0] + hazards[1]
        ends = self.on & (self.rng.random(len(total)) < -np.expm1(-total))
        progresses = ends & (self.rng.random(len(total)) * total < hazards[0])
        lived = np.where(ends, 0.5, 1.0) * self.on
        self.out["free_days"] += lived * ~ill
        self.out["gvhd_days"] += lived * (ill & ~severe)
        self.out["severe_days"] += lived * severe
        self.out["progression"] += progresses
        self.out["death"] += ends & ~progresses
        self.out["progressed_days"] += progresses * (self.horizon - middle)
        self.on &= ~ends

    def contract(self, day: int) -> None:
        g = self.p["gvhd"]
        since = day + 0.5 - self.infused_on
        trace = np.where(since > 0, 2.0 ** (-np.maximum(since, 0.0) / g["half_life"]), 0.0).sum(1)
        for kind, name in enumerate(("acute", "chronic")):
            own = g[name]
            background = own["background"] * self.x["exposed"] * (own["from_day"] <= day < own["to_day"])
            product = -np.log1p(-own["risk"]) * np.log(2) / g["half_life"] * trace
            new = self.on & np.isinf(self.onset[:, kind])
            new &= self.rng.random(len(new)) < -np.expm1(-(background + product))
            grade = self.rng.choice(len(own["grades"]), len(new), p=own["grades"])
            self.severe[new, kind] = (grade >= own["severe"])[new]
            self.onset[new, kind] = day + 1
            self.end[new, kind] = day + 1 + self.rng.exponential(own["duration"], len(new))[new]
            self.may[new & (grade >= own["stop"])] = False
            if name == "acute":
                self.out["gvhd"][new & (grade >= 1)] = 1

    def run(self) -> dict:
        """Outcome -> its value for every patient."""
        for day in range(self.horizon):
            self.transplant(day)
            self.test(day)
            self.infuse(day)
            self.live(day)
            if self.p["gvhd"]:
                self.contract(day)
        return self.out
