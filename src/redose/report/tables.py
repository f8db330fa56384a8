"""The tables of a dossier: cells with the text that is shown and the value that sorts."""

import math
from dataclasses import dataclass
from pathlib import PurePath

import pandas as pd

from redose import covariates
from redose import estimand as strategy
from redose.figures import checking, labels
from redose.figures.accuracy import NAMES as REFERENCES
from redose.report import words
from redose.report.reading import Dossier, Fit, Gvhd

OUTCOMES = {**labels.CAUSES, "censored": "end of follow-up"}
SHOWN_OF_REGIMES = ["gain", "rmst", "progression", "gvhd", "infusions", "tests", "delay", "cost", "cost_per_free_month"]
MOST_CELLS = 10  # of the grid that the table of regimes shows
LAST = 6  # interval numbers from here on are pooled


@dataclass(frozen=True)
class Cell:
    """Text, and the value by which its column is sorted (None: by the text)."""

    text: str
    value: float | None = None

    @property
    def key(self) -> str:
        """The value as a number that a browser can compare; infinite and missing ones go to the ends."""
        if self.value is None:
            return ""
        return repr(-1e308 if math.isnan(self.value) else max(min(float(self.value), 1e308), -1e308))


@dataclass(frozen=True)
class Table:
    """A table: columns, rows of cells, and the file of the run that holds the same numbers."""

    caption: str
    columns: list[str]
    rows: list[list[Cell]]
    file: str = ""

    @property
    def right(self) -> list[bool]:
        """Per column: right-aligned, because all its cells carry values."""
        cells = zip(*self.rows, strict=True) if self.rows else [[] for _ in self.columns]
        return [bool(column) and all(c.value is not None for c in column) for column in cells]


def count(number: int) -> Cell:
    return Cell(f"{number:,}".replace(",", " "), float(number))


def cell(value: float, write=words.number) -> Cell:
    return Cell(write(value), float(value))


def estimate(middle: float, low: float, high: float, write=words.number) -> Cell:
    """`middle (low to high)`, sorted by the middle; a dash where there is no value."""
    if pd.isna(middle):
        return Cell("–", -1.0)
    return Cell(f"{write(middle)} ({words.band(low, high, write)})", float(middle))


def contents(dossier: Dossier) -> Table:
    """What the study holds."""
    t = dossier.tables
    patients, mrd = t["patients"], t["mrd"]
    rows = [[Cell("patients"), count(len(patients))]]
    rows += [[Cell(f"{c}s"), count(patients[c].nunique())] for c in ("trial", "site") if len(set(patients[c])) > 1]
    rows.append([Cell("progression-free intervals"), count(len(t["intervals"]))])
    follow_up = t["intervals"].groupby("patient")["end_day"].max().median()
    rows.append([Cell("median follow-up, days (months)"), Cell(words.days(follow_up).replace(" days", ""), follow_up)])
    rows.append([Cell("infusions"), count(len(t["infusions"]))])
    rows.append([Cell("MRD samples"), count(len(mrd))])
    if len(mrd):
        per_patient = mrd.groupby("patient").size()
        rows.append([Cell("MRD samples per sampled patient, median"), cell(per_patient.median())])
        rows.append([Cell("MRD samples below their LOD"), cell(mrd["below"].mean(), words.percent)])
    for name, text in (("gvhd", "GVHD"), ("conditions", "another condition"), ("courses", "a co-treatment")):
        if len(t[name]):
            rows.append([Cell(f"patients with {text}"), count(t[name]["patient"].nunique())])
    return Table("What the study holds, after the checks", ["item", "number"], rows)


def outcomes(dossier: Dossier) -> Table:
    """Intervals by number and outcome."""
    intervals = dossier.tables["intervals"]
    number = intervals["interval"].clip(upper=LAST)
    found = [o for o in OUTCOMES if (intervals["outcome"] == o).any()]
    rows = []
    for k in sorted(number.unique()):
        mine = intervals[number == k]
        name = f"{k} and later" if k == LAST else str(k)
        length = (mine["end_day"] - mine["start_day"]).median()
        of_kind = [count(int((mine["outcome"] == o).sum())) for o in found]
        rows.append([Cell(name, float(k)), count(len(mine)), *of_kind, cell(length, lambda x: f"{x:.0f}")])
    columns = ["interval", "started", *(f"ended by {OUTCOMES[o]}" for o in found), "median length, days"]
    return Table("Progression-free intervals by number and outcome", columns, rows)


def by_group(dossier: Dossier) -> Table | None:
    """Patients, intervals, infusions and samples by schedule or arm; None where there is one group."""
    t, column = dossier.tables, dossier.group
    of_patient = t["patients"].set_index("patient")[column]
    if of_patient.nunique() < 2:
        return None
    rows = []
    for level in sorted(of_patient.unique()):
        mine = set(of_patient.index[of_patient == level])
        intervals, infusions, mrd = (t[n][t[n]["patient"].isin(mine)] for n in ("intervals", "infusions", "mrd"))
        ended = [count(int((intervals["outcome"] == o).sum())) for o in ("progression", "death")]
        row = [Cell(str(level)), count(len(mine)), count(len(intervals)), *ended]
        row += [count(len(infusions))] * bool(len(t["infusions"]))
        row += [count(len(mrd)), cell(mrd["below"].mean(), words.percent)] if len(t["mrd"]) else []
        rows.append(row)
    columns = [column, "patients", "intervals", "progressions", "deaths"]
    columns += ["infusions"] * bool(len(t["infusions"])) + ["MRD samples", "below LOD"] * bool(len(t["mrd"]))
    return Table(f"The study by {column}", columns, rows)


def gvhd(dossier: Dossier) -> Table | None:
    """Episodes of GVHD by kind and grade; None without any."""
    episodes = dossier.tables["gvhd"]
    if episodes.empty:
        return None
    rows = []
    for (kind, grade), part in episodes.groupby(["kind", "grade"], sort=True):
        rows.append([Cell(kind), Cell(grade or "not graded"), count(len(part)), count(part["patient"].nunique())])
    return Table("GVHD episodes", ["kind", "grade", "episodes", "patients"], rows)


def gvhd_counts(dossier: Dossier) -> Table:
    """Episodes by kind and grade, observed and replicated."""
    rows = []
    for r in dossier.gvhd.counts.itertuples():
        again = estimate(r.mean, r.low, r.high, lambda x: words.number(x, 2) if x < 10 else f"{x:.0f}")
        rows.append([Cell(r.kind), Cell(str(r.grade)), count(int(r.observed)), again])
    columns = ["kind", "grade", "observed", "replicated by the model"]
    return Table("Episodes of GVHD, observed and replicated", columns, rows, "gvhd/counts.csv")


def gvhd_effects(dossier: Dossier) -> Table | None:
    """Ratios of the hazard of GVHD and of the odds of a higher grade, e to the posterior mean and band of the log; None
    without covariates."""
    table = dossier.gvhd.diagnostics
    rows = []
    for r in table[table["parameter"].str.startswith(("beta_", "gamma_"))].itertuples():
        name = labels.parameter(r.parameter, dossier.about, dossier.tables["patients"])
        rows.append([Cell(name), estimate(*(math.exp(x) for x in (r.mean, r.low, r.high)))])
    if not rows:
        return None
    return Table("What moves GVHD", ["per unit of a covariate", "ratio"], rows, "gvhd/diagnostics.csv")


def gvhd_risks(dossier: Dossier) -> Table | None:
    """Risk of acute GVHD after courses and after one infusion of all their cells; None without infusions."""
    table = dossier.gvhd.risk
    if table.empty:
        return None
    dose = dossier.settings["model"]["reference_cells"]
    doses = [n * dose for n in (1, *dossier.settings["decision"]["gvhd"]["infusions"])]
    shown = (table["infusions"] > 1) | table["cells"].map(lambda c: any(math.isclose(c, d) for d in doses))
    keys, rows = ["product", "cells", "infusions", "spacing"], []
    for (product, cells, infusions, spacing), part in table[shown].groupby(keys, sort=False):
        after, before = (part[part["given"] == g].iloc[0] for g in ("posterior", "prior"))
        row = [Cell(str(product)), count(int(infusions)), Cell(f"{cells:.1e}", float(cells))]
        row.append(cell(spacing, lambda d: f"{d:.0f}" if d else "–"))
        row += [estimate(x["mean"], x["low"], x["high"], words.small_percent) for x in (after, before)]
        peak = (after[f"peak{end}"] / 100 for end in ("", "_low", "_high"))
        rows.append([*row, estimate(*peak, words.small_percent)])
    columns = ["product", "infusions", "cells of each", "days apart", "P(acute GVHD)", "by the prior alone"]
    caption = "Acute GVHD brought about by infusions alone"
    return Table(caption, [*columns, "highest hazard, per week"], rows, "gvhd/risk.csv")


def lengths(dossier: Dossier, fit: Fit) -> Table:
    """P(free) and RMST by group, interval number and horizon; only horizons to which a group was followed."""
    rows = []
    for (group, number), part in fit.lengths.groupby(["group", "interval"], sort=True):
        at = part.set_index("quantity")
        counts = [count(int(part[c].iloc[0])) for c in ("n", "events")]
        for day in dossier.settings["decision"]["horizons"]:
            if f"free_{day}" not in at.index:
                continue
            row = [Cell(name_of(group)), Cell(str(number)), *counts, Cell(words.days(day), float(day))]
            for name, write in ((f"free_{day}", words.percent), (f"rmst_{day}", "{:.0f}".format)):
                q = at.loc[name]
                row += [estimate(q["mean"], q["low"], q["high"], write), cell(q["observed"], write)]
            rows.append(row)
    columns = [dossier.group, "interval", "n", "events", "horizon", "P(free)", "observed", "RMST, days", "observed"]
    return Table(f"Progression-free intervals, model {fit.model}", columns, rows, f"{fit.model}/lengths.csv")


def name_of(group: str) -> str:
    return "all patients" if group == "all" else str(group)


def effects(dossier: Dossier, fit: Fit) -> Table:
    """Hazard ratios with their band and probability of direction."""
    rows = []
    for r in fit.effects.itertuples():
        name = labels.covariate(r.covariate, dossier.about, dossier.tables["patients"])
        ratio = estimate(r.ratio, r.low, r.high)
        verdict = Cell(words.evidence(r.probability))
        rows.append(
            [
                Cell(name),
                Cell(labels.CAUSES[r.cause]),
                ratio,
                Cell(r.direction),
                cell(r.probability, words.probability),
                verdict,
            ]
        )
    columns = ["covariate", "hazard of", "hazard ratio", "direction", "P(direction)", "strength"]
    return Table(f"Hazard ratios, model {fit.model}", columns, rows, f"selection/{fit.model}.effects.csv")


def thresholds(dossier: Dossier, fit: Fit) -> Table:
    """Prognostic and risk thresholds; the truth beside them where the study is simulated."""
    rows = []
    for r in fit.threshold.itertuples():
        middle = Cell(words.mrd(r.median), float(r.median))
        row = [Cell(r.threshold), middle, Cell(words.band(r.low, r.high, words.power)), cell(r.exists, words.percent)]
        row.append(Cell(verdict(r)))
        rows.append(row + [Cell("–" if pd.isna(r.truth) else words.mrd(r.truth))] * dossier.simulated)
    columns = ["threshold", "median MRD", "band", "draws that have one", "verdict", *["truth"] * dossier.simulated]
    return Table(f"Thresholds of MRD, model {fit.model}", columns, rows, f"threshold/{fit.model}.csv")


def regimes(dossier: Dossier, fit: Fit) -> Table:
    """Regimes by expected utility, the named ones and the ten best of the grid."""
    table = fit.decision["regimes"].sort_values("utility", ascending=False)
    cells = table["tau"].notna()
    rows = []
    for r in table[~cells | (cells.cumsum() <= MOST_CELLS)].to_dict("records"):
        row = [Cell(r["regime"])]
        for name in SHOWN_OF_REGIMES:
            low, high = r[f"{name}_low"], r[f"{name}_high"]
            write = {"progression": words.percent, "gvhd": words.small_percent}.get(name, amount)
            shown = r["kind"] == "adaptive" or name not in ("tests", "delay")
            row.append(estimate(r[name], low, high, write) if shown else Cell("–", -1.0))
        row += [cell(r["p_best"], words.percent), cell(r["regret"], amount)]
        rows.append([*row, Cell("far" if r["far"] else "visited")])
    columns = ["regime", "gain, days", "days free", "P(progression)", "P(GVHD II-IV)", "infusions", "tests"]
    columns += ["delay, days", "cost", "cost a month free", "P(best)", "regret, days", "data"]
    caption = f"Regimes, model {fit.model}: {len(rows)} of {len(table)}"
    return Table(caption, columns, rows, f"decision/{fit.model}/regimes.csv")


def amount(value: float) -> str:
    """A number of days, infusions or money, to three digits; what is too small to matter says so, and is no 0."""
    return words.number(value, 3) if value == 0 or abs(value) >= 0.05 else "< 0.05" if value > 0 else "> −0.05"


def information(dossier: Dossier, fit: Fit) -> Table:
    """What knowing more is worth."""
    rows = []
    for r in fit.decision["information"].itertuples():
        rows.append([Cell(r.measure), Cell(r.of), cell(r.days, amount), cell(r.money, amount)])
    columns = ["measure", "of", "quality-adjusted days a patient", "money a patient"]
    return Table(
        f"Expected value of information, model {fit.model}", columns, rows, f"decision/{fit.model}/information.csv"
    )


def moving_weights(dossier: Dossier, fit: Fit) -> Table | None:
    """Weights and prices whose change moves the choice; None where none does."""
    table = fit.decision["sensitivity"]
    rows = []
    for r in table[table["same"].astype(str) != "True"].itertuples():
        rows.append([Cell(r.changed), cell(r.factor, "× {:g}".format), Cell(r.regime), cell(r.gain, amount)])
    if not rows:
        return None
    columns = ["weight or price", "changed", "regime then chosen", "its gain, days"]
    caption = f"Weights that move the choice, {len(rows)} of {len(table)} changes, model {fit.model}"
    return Table(caption, columns, rows, f"decision/{fit.model}/sensitivity.csv")


def subgroups(dossier: Dossier, fit: Fit) -> Table | None:
    """The choice by subgroup; None where the study has one group."""
    table = fit.decision["subgroups"]
    if len(table) < 2:
        return None
    rows = []
    for r in table.itertuples():
        gain = estimate(r.gain, r.gain_low, r.gain_high, amount)
        row = [Cell(r.cell), count(r.patients), Cell(r.regime), gain, cell(r.p_gain, words.probability)]
        rows.append([*row, cell(r.regret_of_common, amount)])
    columns = ["subgroup", "simulated", "regime chosen", "gain, days", "P(gain)", "lost by the common choice, days"]
    return Table(f"The choice by subgroup, model {fit.model}", columns, rows, f"decision/{fit.model}/subgroups.csv")


def prior_bound(dossier: Dossier, fit: Fit) -> list[str]:
    """Parameters of the model on which the data said little."""
    table = fit.decision["overlaps"]
    return list(table.loc[table["marked"].astype(str) == "True", "parameter"])


def far_regimes(dossier: Dossier, fit: Fit) -> list[str]:
    """Regimes whose decisions the data hardly visited."""
    table = fit.decision["regimes"]
    return list(table.loc[table["far"].astype(str) == "True", "regime"])


def verdict(row) -> str:
    """The verdict of thresholds.csv; a usable one is not said twice."""
    return "usable" if str(row.verdict).startswith("10^") else str(row.verdict)


def outlook(dossier: Dossier, fit: Fit) -> Table:
    """Patients with an outlook, lowest probability first: covariates of burden and the probabilities ahead."""
    horizons = dossier.settings["decision"]["horizons"]
    first = f"free_{horizons[0]}"
    shown = fit.outlook[fit.outlook[first].notna()].sort_values([first, "patient"])
    rows = []
    for r in shown.to_dict("records"):
        row = described(dossier, r["patient"])
        for d in horizons:
            row.append(estimate(*(r[f"free_{d}{s}"] for s in ("", "_low", "_high")), words.percent))
            row.append(cell(r[f"progression_{d}"], words.percent))
        rows.append(row)
    ahead = [text for d in horizons for text in (f"P(free) {d} days on", f"P(progression) within {d} days")]
    caption = f"Outlook of {words.counted(len(rows), 'patient')}, model {fit.model}"
    return Table(caption, [*described_by(dossier), *ahead], rows, f"selection/{fit.model}.csv")


def gains(dossier: Dossier, fit: Fit) -> Table:
    """Every patient under the two regimes, highest P(gain) first, with its verdict and why."""
    of = dossier.settings["decision"]["gain"]
    rows = []
    for r in fit.gain.sort_values(["p_gain", "gain", "patient"], ascending=[False, False, True]).to_dict("records"):
        row = described(dossier, r["patient"])
        row += [
            estimate(*(r[f"{n}{s}"] for s in ("", "_low", "_high")), "{:.0f}".format) for n in ("gain", "like_gain")
        ]
        row.append(cell(r["p_gain"], words.probability))
        row.append(estimate(*(r[f"gvhd_added{s}"] for s in ("", "_low", "_high")), words.small_percent))
        rows.append([*row, cell(r["infusions_added"], "{:.1f}".format), Cell(r["verdict"]), Cell(r["reason"])])
    columns = ["gain, days", "of a new patient like it, days", f"P(gain > {of['smallest']:g} d)", "GVHD II-IV added"]
    caption = f"{of['regime']} against {of['against']}, model {fit.model}"
    every = [*described_by(dossier), *columns, "infusions added", "verdict", "why"]
    return Table(caption, every, rows, f"selection/{fit.model}.gain.csv")


def gains_by_subgroup(dossier: Dossier, fit: Fit) -> Table | None:
    """Verdicts and mean gain above and below the medians of burden and microenvironment; None where it has neither."""
    patients = dossier.tables["patients"]
    columns = covariates.told_apart_by(patients, dossier.about)
    if not columns:
        return None
    joined = fit.gain.merge(patients, on="patient")
    high = {c: joined[c] > patients[c].median() for c in columns}
    rows = []
    for key, part in joined.groupby([high[c].rename(c) for c in columns]):
        of_group = zip(columns, key if isinstance(key, tuple) else (key,), strict=True)
        label = ", ".join(f"{dossier.about['covariates'][c]['label']} {'high' if h else 'low'}" for c, h in of_group)
        counts = [count(int((part["verdict"] == v).sum())) for v in ("selected", "undecided", "not selected")]
        rows.append([Cell(label), count(len(part)), *counts, cell(part["gain"].mean(), "{:.0f}".format)])
    columns = ["patients with", "patients", "selected", "undecided", "not selected", "mean gain, days"]
    return Table("Verdicts by subgroup", columns, rows, f"selection/{fit.model}.gain.csv")


def selection_rules(dossier: Dossier, fit: Fit) -> Table:
    """Rules of whom to treat, highest net benefit first."""
    of, rows = dossier.settings["decision"]["gain"], []
    for r in fit.rules.sort_values("net", ascending=False, kind="stable").to_dict("records"):
        days = [estimate(*(r[f"{n}{s}"] for s in ("", "_low", "_high")), "{:.1f}".format) for n in ("gained", "net")]
        more = [cell(r[n], "{:.1f}".format) for n in ("gvhd_per_100", "infusions_per_100")]
        rows.append(
            [Cell(r["rule"]), cell(r["treated"], words.percent), *days, *more, cell(r["p_best"], words.percent)]
        )
    columns = ["who is treated", "treated", "days gained a patient", f"net of {of['smallest']:g} d a treated patient"]
    columns += ["GVHD II-IV added per 100", "infusions added per 100", "P(best)"]
    return Table(f"Whom to treat, model {fit.model}", columns, rows, f"selection/{fit.model}.rules.csv")


def without_outlook(dossier: Dossier, fit: Fit) -> Table | None:
    """Patients without an outlook, and why; None where all have one."""
    horizons = dossier.settings["decision"]["horizons"]
    shown = fit.outlook[fit.outlook[f"free_{horizons[0]}"].isna()].sort_values("patient")
    rows = []
    for r in shown.to_dict("records"):
        state, reason = OUTCOMES.get(r["state"], str(r["state"])), r["reason"]
        rows.append([*described(dossier, r["patient"]), Cell(state), Cell("" if pd.isna(reason) else str(reason))])
    if not rows:
        return None
    caption = f"{words.counted(len(rows), 'patient')} without an outlook"
    return Table(caption, [*described_by(dossier), "last outcome", "why"], rows, f"selection/{fit.model}.csv")


def burdens(dossier: Dossier) -> list[str]:
    """Covariates of burden and microenvironment that the patients table holds."""
    known = dossier.about["covariates"]
    return [c for c in known if known[c]["role"] in covariates.SPLIT and c in dossier.tables["patients"]]


def described_by(dossier: Dossier) -> list[str]:
    """Headings of `described`."""
    grouped = len(set(dossier.tables["patients"][dossier.group])) > 1
    named = [dossier.about["covariates"][c]["label"] for c in burdens(dossier)]
    return ["patient", *[dossier.group] * grouped, *named]


def described(dossier: Dossier, patient: str) -> list[Cell]:
    """A patient's key, group and burden."""
    patients = dossier.tables["patients"]
    own = patients[patients["patient"] == patient].iloc[0]
    grouped = len(set(patients[dossier.group])) > 1
    found = (own[c] for c in burdens(dossier))
    values = [Cell(x) if isinstance(x, str) else cell(x, words.rounded) for x in found]
    return [Cell(patient), *[Cell(str(own[dossier.group]))] * grouped, *values]


def accuracy(dossier: Dossier) -> Table:
    """Accuracy of every model and reference by window and cause, patients left out."""
    rows, keys = [], ["landmark", "horizon", "cause", "model"]
    for (landmark, horizon, cause, model), part in dossier.validation.accuracy.groupby(keys, sort=True):
        of = part.set_index("metric")
        row = [cell(landmark, "{:g}".format), cell(horizon, "{:g}".format), Cell(labels.CAUSES.get(cause, cause))]
        row.append(Cell(REFERENCES.get(model, model)))
        for name in ("auc", "ipa", "observed_expected"):
            row.append(estimate(*of.loc[name, ["estimate", "low", "high"]], "{:.2f}".format))
        rows.append([*row, count(int(of["patients"].iloc[0])), count(int(of["cases"].iloc[0]))])
    columns = ["day", "+ days", "outcome", "model", "AUC", "index of prediction accuracy", "observed / expected"]
    columns += ["patients", "events"]
    return Table("Accuracy of predictions of patients left out", columns, rows, "validation/accuracy.csv")


def comparison(dossier: Dossier) -> Table:
    """elpd of every model, and its Pareto k."""
    rows = []
    for r in dossier.compare.itertuples():
        k = dossier.fits[r.model].loo["pareto_k"]
        gap = "best" if r.difference == 0 else f"{r.difference:.1f} (SE {r.difference_se:.1f})"
        counts = [count(int(x.sum())) for x in (k <= 0.7, (k > 0.7) & (k <= 1), k > 1)]
        row = [Cell(r.model), Cell(f"{r.elpd:.1f} (SE {r.se:.1f})", r.elpd), Cell(gap, r.difference)]
        rows.append([*row, count(r.patients), *counts])
    columns = [
        "model",
        "elpd",
        "difference to the best",
        "patients",
        "k ≤ 0.7 (good)",
        "0.7 < k ≤ 1 (bad)",
        "k > 1 (very bad)",
    ]
    return Table("Leave-one-patient-out predictive accuracy", columns, rows, "compare.csv")


def gate(dossier: Dossier) -> Table:
    """Worst diagnostics of every model against the config's limits."""
    limits = dossier.settings["acceptance"]
    rows = []
    for fit in dossier.judged.values():
        judged = fit.diagnostics[fit.diagnostics["level"] == "population"]
        row = [Cell(fit.model)]
        for column, worst, digits in (("rhat", "idxmax", 4), ("ess_bulk", "idxmin", 4), ("ess_tail", "idxmin", 4)):
            at = judged.loc[getattr(judged[column], worst)()]
            row.append(Cell(f"{words.number(at[column], digits)} ({at['parameter']})", float(at[column])))
        row += [divergences(fit.sampler), cell(fit.sampler["bfmi"], lambda x: f"{x:.2f}")]
        anew = ", ".join(f"{x['patient']} (R-hat {words.number(x['rhat'], 3)})" for x in fit.sampler["redrawn"])
        rows.append([*row, count(fit.sampler["draws"]), Cell(anew or "none"), Cell("accepted")])
    columns = [
        "model",
        f"largest R-hat (limit {limits['rhat']:g})",
        f"smallest bulk ESS (limit {limits['ess_bulk']:g})",
    ]
    columns += [f"smallest tail ESS (limit {limits['ess_tail']:g})", f"divergences (limit {limits['divergences']:g})"]
    columns += [f"BFMI (limit {limits['bfmi']:g})", "draws", "patients drawn anew", "gate"]
    return Table("The gate: worst diagnostics of the population parameters", columns, rows)


def divergences(sampler: dict) -> Cell:
    """Number of divergent draws; of a run that was repeated with smaller steps both."""
    found, before = sampler["divergences"], sampler["divergent_before"]
    repeated = f" (again at target acceptance {sampler['target_accept']:g}, after {before} in a first run)"
    return Cell(f"{found}{repeated if before else ''}", found)


def residuals(dossier: Dossier, fit: Fit) -> Table:
    """Events against those that the model expects, by cause and interval number, with the verdict on the residuals."""
    rows = []
    for r in fit.residuals.itertuples():
        counts = [count(r.intervals), count(r.events), cell(r.expected, "{:.1f}".format)]
        p = [cell(x, words.p_value) for x in (r.p, r.p_median)]
        rows.append([Cell(labels.CAUSES[r.cause]), Cell(str(r.interval)), *counts, *p, Cell(r.verdict)])
    columns = ["cause", "interval", "intervals", "events", "expected", "p of one draw", "median p", "verdict"]
    return Table(f"Cox-Snell residuals, model {fit.model}", columns, rows, f"{fit.model}/residuals.csv")


def sensitivity(dossier: Dossier, fit: Fit | Gvhd) -> Table:
    """What decisions rest on, and the parameters that the priors move."""
    table, settings = fit.sensitivity, dossier.settings["decision"]
    rows = []
    for r in table[(table["kind"] == "decision") | table["moved_by"].notna()].itertuples():
        by_parameter = labels.parameter(r.quantity, dossier.about, dossier.tables["patients"], fit.link)
        name = labels.decision(r.quantity, settings) if r.kind == "decision" else by_parameter
        mover = "–" if pd.isna(r.moved_by) else f"{r.moved_by} ({r.moved:.2f})"
        values = [cell(x, words.rounded) for x in (r.prior, r.likelihood)]
        rows.append([Cell(name), *values, Cell(r.verdict), Cell(mover)])
    columns = ["quantity", "to the priors", "to the likelihood", "verdict", "moved most by the prior of"]
    return Table(f"Power-scaling sensitivity, model {fit.model}", columns, rows, f"{fit.model}/prior_sensitivity.csv")


def priors(dossier: Dossier) -> Table:
    """The priors that this study's models use."""
    used = set()
    for fit in dossier.judged.values():
        stems = fit.diagnostics.loc[fit.diagnostics["level"] == "population", "parameter"].str.partition("[")[0]
        used |= {checking.key(stem, fit.link) for stem in stems}
    rows = []
    for name, p in dossier.settings["priors"].items():
        if name in used:
            median, unit = p.get("median"), p.get("unit", "")
            low = Cell("–", 0.0) if median is None else Cell(f"{median:g} {unit}".strip(), float(median))
            high = Cell(f"{p['upper']:g} {unit}".strip(), float(p["upper"]))
            rows.append([Cell(name), Cell(p["meaning"]), low, high, Cell(p["source"])])
    return Table("Priors as beliefs", ["prior", "meaning", "median", "97.5th percentile", "source"], rows)


def estimand(dossier: Dossier) -> Table:
    """Intercurrent events, how often each met, and its strategy in the words of ICH E9(R1)."""
    intervals = dossier.tables["intervals"]
    rows = []
    for event, word in dossier.config["estimand"].items():
        times, _ = strategy.followed_on(intervals, event)
        meaning = Cell(strategy.counts_as(event, word, intervals))
        rows.append([Cell(f"{OUTCOMES[event]} without progression"), count(times), meaning])
    kept = "counted as it happened (treatment-policy strategy)"
    if len(dossier.tables["infusions"]):
        rows.append([Cell("further infusion during follow-up"), count(len(dossier.tables["infusions"])), Cell(kept)])
    if len(dossier.tables["gvhd"]):
        text = "a time-dependent covariate where a model names it, else " + kept
        rows.append([Cell("GVHD"), count(len(dossier.tables["gvhd"])), Cell(text)])
    return Table("Intercurrent events and their strategies", ["event", "times", "counts as"], rows)


def options(dossier: Dossier) -> Table:
    """What the config asks of every model."""
    rows = []
    causes = ["progression", *strategy.competing(dossier.config["estimand"])]
    for model in dossier.fits:
        entry = dossier.config["models"][model]
        hazards = [entry.get(cause, {"covariates": []}) for cause in causes]
        named = [
            ", ".join([*h["covariates"], *(f"{c} ({lasting(c)})" for c in h.get("time_dependent", []))]) or "–"
            for h in hazards
        ]
        kinetics = entry.get("kinetics", {})
        frailty = "yes" if entry.get("frailty", True) else "no"
        row = [Cell(model), Cell(entry.get("clock", "gap")), Cell(entry.get("baseline", "")), Cell(frailty)]
        row += [Cell(text) for text in named]
        rows.append([*row, *(Cell(", ".join(kinetics.get(k, [])) or "–") for k in ("level", "kill"))])
    columns = ["model", "clock", "baseline", "frailty", *(f"{OUTCOMES[c]} depends on" for c in causes)]
    return Table("Models asked for in the config", [*columns, "MRD level depends on", "kill depends on"], rows)


def lasting(name: str) -> str:
    """How long a time-dependent covariate keeps its value."""
    return "last measured" if name == "burden" else "while active"


def versions(dossier: Dossier) -> Table:
    """Package versions behind every posterior."""
    names = list(dict.fromkeys(k for f in dossier.judged.values() for k in f.made_by))
    rows = [[Cell(n), *(Cell(str(f.made_by.get(n, "–"))) for f in dossier.judged.values())] for n in names]
    return Table("Versions and derived seeds by model", ["item", *dossier.judged], rows)


def digests(dossier: Dossier) -> Table:
    """SHA-256 of the checked tables."""
    rows = [[Cell(f"tables/{n}.parquet"), count(len(dossier.tables[n])), Cell(d)] for n, d in dossier.digests.items()]
    return Table("Checked tables", ["file", "rows", "SHA-256"], rows)


def warnings(dossier: Dossier) -> Table | None:
    """What the checks remarked without stopping; None without remarks."""
    if dossier.checks.empty:
        return None
    remarks = dossier.checks.astype(object).where(dossier.checks.notna(), "")
    rows = []
    for r in remarks.itertuples():
        file = PurePath(str(r.file)).name  # the folder is the machine's
        place = f"{file} row {int(r.row)}" if r.row != "" else file
        rows.append([Cell(str(r.severity)), Cell(place), Cell(str(r.patient)), Cell(str(r.message)), Cell(str(r.cure))])
    columns = ["severity", "where", "patient", "what", "cure"]
    return Table("What the checks remarked", columns, rows, "tables/checks.csv")
