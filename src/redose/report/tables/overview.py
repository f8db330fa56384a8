"""What is checked of every model, and what the checks say, in one table."""

import pandas as pd

from redose.figures import labels
from redose.figures.comparison import LIMIT
from redose.report import words
from redose.report.reading import Dossier, Fit, Gvhd
from redose.report.tables.cells import Cell, Table, name_of, place

NUMBERS = {"1": "first interval", "2": "second interval", "3 and later": "third and later"}


def overview(dossier: Dossier) -> Table:
    """A row per model and check: what is compared, the share of it within the model's band, and what stands out."""
    rows = []
    for fit in dossier.fits.values():
        rows += [*curves(dossier, fit), *below(fit), residuals(fit), *priors(dossier, fit), left_out(fit)]
    if dossier.gvhd:
        rows += [*incidence(dossier.gvhd), counts(dossier.gvhd, dossier.fewest), *priors(dossier, dossier.gvhd)]
    rows += [calibration(dossier)] if dossier.calibration else []
    columns = ["model", "what is checked", "compared", "within the band", "what stands out", "shown in"]
    return Table("What is checked, and what the checks say", columns, rows)


def row(model: str, check: str, compared: str, share: float | None, said: str, where: str = "checking") -> list[Cell]:
    """A row of the overview. share: within the model's band, None where the check has no band."""
    within = Cell("–", -1.0) if share is None else Cell(words.percent(share), share)
    return [Cell(model), Cell(check), Cell(compared), within, Cell(said), place(where)]


def inside(table: pd.DataFrame) -> pd.Series:
    """Which observed values lie within the band of what the model replicates."""
    return table["observed"].between(table["low"] - 1e-9, table["high"] + 1e-9)


def curves(dossier: Dossier, fit: Fit) -> list[list[Cell]]:
    """Observed curves against replicated ones, by what they show; the page draws incidences of the best model only."""
    found = []
    for quantity in [q for q in ("free", *labels.CAUSES) if (fit.curves["quantity"] == q).any()]:
        mine = fit.curves[fit.curves["quantity"] == quantity]
        free = quantity == "free"
        check = "alive and progression-free" if free else f"incidence of {labels.CAUSES[quantity]}"
        named = [f"{name_of(g)}, {NUMBERS[k]}" for g, k in zip(mine["group"], mine["interval"], strict=True)]
        compared = f"{'Kaplan-Meier' if free else 'Aalen-Johansen'}, {extent(named)}"
        said = worst(~inside(mine), named)
        made = row(fit.model, check, compared, inside(mine).mean(), said, "intervals")
        drawn = free or fit is dossier.best
        found.append(made if drawn else [*made[:-1], Cell(f"{fit.model}/incidence.svg")])
    return found


def extent(named: list[str]) -> str:
    """How many curves at how many points. named: the curve of every point."""
    return f"{words.counted(len(set(named)), 'curve')} at {words.counted(len(named), 'point')}"


def worst(out: pd.Series, named: list[str]) -> str:
    """Where most of what lies outside the band lies, in words."""
    if not out.any():
        return "nothing: all within"
    share = out.groupby(pd.Series(named, index=out.index), sort=True).mean()
    return f"most outside: {share.idxmax()} ({words.percent(share.max())} of its points)"


def below(fit: Fit) -> list[list[Cell]]:
    """Share of samples below their LOD by window of days, where MRD is modelled."""
    if fit.below is None:
        return []
    out = ~inside(fit.below)
    days = [f"{day:.0f}".replace("-", "−") for day in fit.below.loc[out, "day"]]
    said = f"outside about day {words.listed(days)}" if days else "nothing: all within"
    compared = f"samples below the LOD, {len(out)} windows of days"
    return [row(fit.model, "MRD below the limit of detection", compared, 1 - out.mean(), said)]


def residuals(fit: Fit) -> list[Cell]:
    """Verdicts on Cox-Snell residuals."""
    table = fit.residuals
    odd = table[table["verdict"] != "agrees"]
    named = [f"{labels.CAUSES[r.cause]}, {NUMBERS.get(str(r.interval), 'all intervals')}" for r in odd.itertuples()]
    said = [f"{verdict}: {name}" for verdict, name in zip(odd["verdict"], named, strict=True)]
    compared = f"Cox-Snell residuals, {len(table)} causes and interval numbers"
    return row(fit.model, "when events come", compared, None, "; ".join(said) or "nothing: all agree")


def priors(dossier: Dossier, fit: Fit | Gvhd) -> list[list[Cell]]:
    """How much of what decisions rest on the priors move."""
    rests = fit.sensitivity[fit.sensitivity["kind"] == "decision"]
    if rests.empty:
        return []
    moved = rests.loc[rests["moved_by"].notna(), "quantity"]
    named = [labels.decision(q, dossier.settings["decision"]) for q in moved]
    said = f"moved by the priors: {'; '.join(named)}" if named else "nothing: the priors move none"
    compared = f"power scaling of the priors, {len(rests)} quantit{'y' if len(rests) == 1 else 'ies'}"
    return [row(fit.model, "what decisions rest on", compared, None, said)]


def left_out(fit: Fit) -> list[Cell]:
    """Pareto k of leave-one-patient-out predictions."""
    k = fit.loo.set_index("patient")["pareto_k"]
    beyond = k[k > LIMIT].sort_values(ascending=False, kind="stable")
    said = f"{len(beyond)} above {LIMIT:g}, the highest {beyond.iloc[0]:.2f} ({beyond.index[0]})" if len(beyond) else ""
    said = said or f"nothing: the highest is {k.max():.2f}"
    compared = f"Pareto k of {words.counted(len(k), 'patient')}"
    return row(fit.model, "leaving a patient out", compared, None, said, "comparison")


def incidence(fit: Gvhd) -> list[list[Cell]]:
    """Observed incidence of GVHD against the replicated one, by kind."""
    found = []
    for kind, mine in fit.incidence.groupby("kind", sort=True):
        out, named = ~inside(mine), [name_of(g) for g in mine["group"]]
        compared = f"Aalen-Johansen, {extent(named)}"
        said = worst(out, named)
        found.append(row(fit.model, f"incidence of {kind} GVHD", compared, 1 - out.mean(), said, "gvhd"))
    return found


def counts(fit: Gvhd, fewest: int = 0) -> list[Cell]:
    """Observed episodes by kind and grade against replicated ones; their number where small counts are not hidden."""
    out = ~inside(fit.counts)
    named = [f"{r.kind} {r.grade}{'' if fewest > 1 else f' ({r.observed})'}" for r in fit.counts[out].itertuples()]
    said = f"outside: {words.listed(named)}" if named else "nothing: all within"
    compared = f"episodes by kind and grade, {words.counted(len(out), 'count')}"
    return row(fit.model, "number and grade of GVHD", compared, 1 - out.mean(), said)


def calibration(dossier: Dossier) -> list[Cell]:
    """Whether posteriors of simulated trials are as wide as they say."""
    done = dossier.calibration
    failed = done.verdict.loc[~done.verdict["calibrated"], "quantity"].unique()
    count = int(done.verdict["simulations"].max())
    said = f"not calibrated: {words.listed(failed)}" if len(failed) else "nothing: ranks of true values are uniform"
    quantities = done.verdict["quantity"].nunique()
    return row(done.model, "calibration", f"{count} simulated trials, {quantities} quantities", None, said)
