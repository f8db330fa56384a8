"""Tables of who gains, whom to treat, and what lies ahead of each patient."""

import pandas as pd

from redose import covariates
from redose.report import words
from redose.report.reading import Dossier, Fit
from redose.report.tables.cells import OUTCOMES, Cell, Sum, Table, cell, computed, estimate, sums_over, tally
from redose.report.tables.people import describer
from redose.report.tables.suppression import small_counts_hidden


def gains(dossier: Dossier, fit: Fit) -> Table:
    """Every patient under the two regimes, highest P(gain) first, with its verdict and why."""
    headings, described = describer(dossier)
    of = dossier.settings["decision"]["gain"]
    rows = []
    for r in fit.gain.sort_values(["p_gain", "gain", "patient"], ascending=[False, False, True]).to_dict("records"):
        row = described(r["patient"])
        row += [
            estimate(*(r[f"{n}{s}"] for s in ("", "_low", "_high")), "{:.0f}".format) for n in ("gain", "like_gain")
        ]
        row.append(cell(r["p_gain"], words.probability))
        row.append(estimate(*(r[f"gvhd_added{s}"] for s in ("", "_low", "_high")), words.small_percent))
        rows.append([*row, cell(r["infusions_added"], "{:.1f}".format), Cell(r["verdict"]), Cell(r["reason"])])
    columns = ["gain, days", "of a new patient like it, days", f"P(gain > {of['smallest']:g} d)", "GVHD II-IV added"]
    caption = f"{of['regime']} against {of['against']}, model {fit.model}"
    every = [*headings, *columns, "infusions added", "verdict", "why"]
    return Table(caption, every, rows, f"selection/{fit.model}.gain.csv")


@small_counts_hidden
def gains_by_subgroup(dossier: Dossier, fit: Fit) -> Table | None:
    """Verdicts and mean gain above and below the medians of burden and microenvironment; None where it has neither."""
    patients = dossier.tables["patients"]
    columns = covariates.told_apart_by(patients, dossier.about)
    if not columns:
        return None
    joined = fit.gain.merge(patients, on="patient")
    high = {c: joined[c] > patients[c].median() for c in columns}
    rows, sums, verdicts = [], [], ("selected", "undecided", "not selected")
    for key, part in joined.groupby([high[c].rename(c) for c in columns]):
        of_group = zip(columns, key if isinstance(key, tuple) else (key,), strict=True)
        label = ", ".join(f"{dossier.about['covariates'][c]['label']} {'high' if h else 'low'}" for c, h in of_group)
        counts = [tally(int((part["verdict"] == v).sum()), label, v) for v in verdicts]
        size = tally(len(part), label, "patients")
        rows.append([Cell(label), size, *counts, computed(cell(part["gain"].mean(), "{:.0f}".format), size)])
        sums.append(Sum(tuple((label, v) for v in verdicts), (label, "patients")))
    columns = ["patients with", "patients", *verdicts, "mean gain, days"]
    sums += sums_over(rows)
    return Table("Verdicts by subgroup", columns, rows, f"selection/{fit.model}.gain.csv", tuple(sums))


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


def outlook(dossier: Dossier, fit: Fit) -> Table:
    """Patients with an outlook, lowest probability first: covariates of burden and the probabilities ahead."""
    headings, described = describer(dossier)
    horizons = dossier.settings["decision"]["horizons"]
    first = f"free_{horizons[0]}"
    shown = fit.outlook[fit.outlook[first].notna()].sort_values([first, "patient"])
    rows = []
    for r in shown.to_dict("records"):
        row = described(r["patient"])
        for d in horizons:
            row.append(estimate(*(r[f"free_{d}{s}"] for s in ("", "_low", "_high")), words.percent))
            row.append(cell(r[f"progression_{d}"], words.percent))
        rows.append(row)
    ahead = [text for d in horizons for text in (f"P(free) {d} days on", f"P(progression) within {d} days")]
    caption = f"Outlook of {words.counted(len(rows), 'patient')}, model {fit.model}"
    return Table(caption, [*headings, *ahead], rows, f"selection/{fit.model}.csv")


def without_outlook(dossier: Dossier, fit: Fit) -> Table | None:
    """Patients without an outlook, and why; None where all have one."""
    headings, described = describer(dossier)
    horizons = dossier.settings["decision"]["horizons"]
    shown = fit.outlook[fit.outlook[f"free_{horizons[0]}"].isna()].sort_values("patient")
    rows = []
    for r in shown.to_dict("records"):
        state, reason = OUTCOMES.get(r["state"], str(r["state"])), r["reason"]
        rows.append([*described(r["patient"]), Cell(state), Cell("" if pd.isna(reason) else str(reason))])
    if not rows:
        return None
    caption = f"{words.counted(len(rows), 'patient')} without an outlook"
    return Table(caption, [*headings, "last outcome", "why"], rows, f"selection/{fit.model}.csv")
