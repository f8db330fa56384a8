"""Tables of how far the models are to be believed."""

from dataclasses import replace

import pandas as pd

from redose.figures import calibration, labels
from redose.figures.accuracy import NAMES as REFERENCES
from redose.report import words
from redose.report.reading import Dossier, Fit, Gvhd
from redose.report.tables.cells import Cell, Sum, Table, cell, computed, count, estimate, tally
from redose.report.tables.suppression import small_counts_hidden

EVERY = "all"  # intervals, as redose.residuals names them


@small_counts_hidden
def accuracy(dossier: Dossier) -> Table:
    """Accuracy of every model and reference by window and cause, patients left out."""
    rows, keys = [], ["landmark", "horizon", "cause", "model"]
    for (landmark, horizon, cause, model), part in dossier.validation.accuracy.groupby(keys, sort=True):
        of = part.set_index("metric")
        row = [cell(landmark, "{:g}".format), cell(horizon, "{:g}".format), Cell(labels.CAUSES.get(cause, cause))]
        row.append(Cell(REFERENCES.get(model, model)))
        window = landmark, horizon, cause, model
        sizes = [tally(int(of[n].iloc[0]), *window, n) for n in ("patients", "cases")]
        for name in ("auc", "ipa", "observed_expected"):
            found = estimate(*of.loc[name, ["estimate", "low", "high"]], "{:.2f}".format)
            row.append(computed(found, *sizes))
        rows.append([*row, *sizes])
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
        row = [Cell(fit.model), Cell("rejected" if fit.model in dossier.rejected else "accepted")]
        for column, ascending in (("rhat", False), ("ess_bulk", True), ("ess_tail", True)):
            at = judged.sort_values(column, ascending=ascending, na_position="first", kind="stable").iloc[0]
            row.append(Cell(f"{words.number(at[column], 4)} ({at['parameter']})", float(at[column])))
        row += [divergences(fit.sampler), cell(fit.sampler["bfmi"], words.rounded)]
        anew = ", ".join(f"{x['patient']} (R-hat {words.number(x['rhat'], 3)})" for x in fit.sampler["redrawn"])
        rows.append([*row, draws(fit.sampler), Cell(anew or "none")])
    columns = [
        "model",
        "gate",
        f"largest R-hat (limit {limits['rhat']:g})",
        f"smallest bulk ESS (limit {limits['ess_bulk']:g})",
    ]
    columns += [f"smallest tail ESS (limit {limits['ess_tail']:g})", f"divergences (limit {limits['divergences']:g})"]
    columns += [f"BFMI (limit {limits['bfmi']:g})", "draws", "patients drawn anew"]
    return Table("The gate: worst diagnostics of the population parameters", columns, rows)


def calibrated(dossier: Dossier) -> Table:
    """Tests of the ranks of true values by quantity."""
    rows = []
    for r in dossier.calibration.verdict.itertuples():
        coverage = r.test.startswith("coverage_")
        test = f"{r.test.removeprefix('coverage_')} % intervals hold the truth" if coverage else "ranks, all together"
        seen = cell(r.value, words.percent) if coverage else Cell("–", -1.0)
        p = [cell(x, words.p_value) for x in (r.p, r.p_adjusted)]
        verdict = "calibrated" if r.calibrated else "not calibrated"
        rows.append([Cell(calibration.named(r.quantity)), Cell(test), seen, *p, count(r.simulations), Cell(verdict)])
    columns = ["quantity", "test", "in this share", "p", "p, adjusted (Holm)", "simulations", "verdict"]
    caption = f"Calibration of model {dossier.calibration.model}"
    return Table(caption, columns, rows, "../calibration/verdict.csv")


def divergences(sampler: dict) -> Cell:
    """Number of divergent draws; of chains that were run again with smaller steps both."""
    found, before = sampler["divergences"], sampler["divergent_before"]
    repeated = (
        f" (again with smaller steps, target acceptance {sampler['target_accept']:g}, after {before} with larger ones)"
    )
    return Cell(f"{found}{repeated if before else ''}", found)


def draws(sampler: dict) -> Cell:
    """Number of draws over all chains; where further chains were added that of the first run too."""
    found, before = count(sampler["draws"]), sampler["draws_before"]
    more = f" ({count(before).text} at first, then further chains)"
    return replace(found, text=f"{found.text}{more if before else ''}")


@small_counts_hidden
def residuals(dossier: Dossier, fit: Fit) -> Table:
    """Events against those that the model expects, by cause and interval number, with the verdict on the residuals."""
    rows = []
    for r in fit.residuals.itertuples():
        number = str(r.interval)
        counts = [tally(r.intervals, number, "intervals"), tally(r.events, number, r.cause)]
        counts.append(cell(r.expected, "{:.1f}".format))
        p = [cell(x, words.p_value) for x in (r.p, r.p_median)]
        rows.append([Cell(labels.CAUSES[r.cause]), Cell(number), *counts, *p, Cell(r.verdict)])
    columns = ["cause", "interval", "intervals", "events", "expected", "p of one draw", "median p", "verdict"]
    sums = sums_of_residuals(rows, list(dict.fromkeys(fit.residuals["cause"])))
    caption = f"Cox-Snell residuals, model {fit.model}"
    return Table(caption, columns, rows, f"{fit.model}/residuals.csv", sums)


def sums_of_residuals(rows: list[list[Cell]], causes: list[str]) -> tuple[Sum, ...]:
    """Over interval numbers, which add up to those of all intervals, and events within intervals."""
    names = dict.fromkeys(c.counted for row in rows for c in row if c.counted is not None)
    found = []
    for what in ("intervals", *causes):
        parts = tuple(n for n in names if n[1] == what and n[0] != EVERY)
        found += [Sum(parts, (EVERY, what))] if parts and (EVERY, what) in names else []
    numbers = [number for number, what in names if what == "intervals"]
    within = [tuple((k, c) for c in causes if (k, c) in names) for k in numbers]
    return (*found, *(Sum(parts, (k, "intervals")) for k, parts in zip(numbers, within, strict=True) if parts))


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
