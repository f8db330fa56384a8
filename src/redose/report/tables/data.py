"""Tables of what the study holds."""

import math
from dataclasses import replace
from functools import partial
from pathlib import PurePath

import pandas as pd

from redose.cohort.flow import NO_FURTHER
from redose.cohort.groups import ALL
from redose.cohort.missing import ROWS
from redose.report import words
from redose.report.reading import Dossier
from redose.report.tables.cells import OUTCOMES, Cell, Sum, Table, cell, computed, count, sums_over, tally
from redose.report.tables.suppression import small_counts_hidden

MISSING = "missing"
WIDE = 4  # columns of Table 1 beyond which each has little room
LAST = 6  # interval numbers from here on are pooled
WITHIN = (("patients", "intervals"), ("death", "patients"))  # of a group: the first is never more than the second


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


@small_counts_hidden
def flow(dossier: Dossier) -> Table:
    """Numbers of patients, and of intervals with how they ended, by group; outcomes that no group has are left out. So
    are intervals without a next one where small counts are hidden: the next ones begun would tell them."""
    table = dossier.cohort.tables["flow"].fillna({"outcome": ""})
    groups, rows = list(dict.fromkeys(table["group"])), []
    for (step, outcome), part in table.groupby(["step", "outcome"], sort=False):
        if (outcome and not part["count"].any()) or (outcome == NO_FURTHER and dossier.fewest > 1):
            continue
        ended = outcome if outcome == NO_FURTHER else f"ended by {OUTCOMES.get(outcome)}"
        name = f"{step}: {ended}" if outcome else f"{step}: started" if "interval" in step else step
        found = part.set_index("group")["count"]
        # a group of which no patient came so far has no row
        counts = (tally(int(found.get(g, 0)), g, step, outcome) for g in groups)
        rows.append([Cell(name), *(replace(c, counted=None) if whole(c.counted) else c for c in counts)])
    return Table("Flow of patients", ["step", *groups], rows, "data/flow.csv", sums_of_flow(rows))


def whole(name: tuple) -> bool:
    """Whether a count of the flow is one of the whole study, which is no subgroup."""
    return name[0] == ALL and "interval" not in name[1]


def sums_of_flow(rows: list[list[Cell]]) -> tuple[Sum, ...]:
    """What adds up in the flow: groups to all patients, steps and their opposites, outcomes to the intervals begun."""
    names = {c.counted: None for row in rows for c in row if c.counted is not None}
    steps, groups = dict.fromkeys(n[1:] for n in names), dict.fromkeys(n[0] for n in names)
    parts = [(tuple((g, *step) for g in groups if g != ALL), (ALL, *step)) for step in steps]
    for g in groups:
        for had, had_not in (("infused", "not infused"), ("MRD sampled", "no MRD sample")):
            parts.append((((g, had, ""), (g, had_not, "")), (g, "enrolled", "")))
        for step in dict.fromkeys(s for s, _ in steps if "interval" in s):
            parts.append((tuple((g, step, o) for s, o in steps if s == step and o), (g, step, "")))
    known = [(tuple(n for n in some if n in names), total) for some, total in parts]
    return tuple(Sum(some, total if total in names else None) for some, total in known if some)


@small_counts_hidden
def baseline(dossier: Dossier) -> Table | None:
    """Table 1: rows per covariate or level, a column per group; None for a study without covariates."""
    table = dossier.cohort.tables["baseline"].fillna({"category": "", "unit": ""})
    if table.empty:
        return None
    groups = dict(zip(table["group"], table["patients"], strict=True))
    sizes = {g: count(n) if g == ALL else tally(n, g, "patients") for g, n in groups.items()}
    two, none = bool(table["difference"].notna().any()), Cell("", -math.inf)
    rows, sums = [[Cell("patients"), *sizes.values(), *[none] * two]], [sum_of_groups(groups, None, "patients")]
    for covariate, of_covariate in table.groupby("covariate", sort=False):
        counted = []
        for level, part in of_covariate.groupby("category", sort=False):
            found, apart = part.set_index("group"), cell(part["difference"].iloc[0], lambda x: words.number(x, 2))
            for text, write in described(part.iloc[0], level, len(groups) > WIDE):
                made = [write(found.loc[g], sizes[g]) for g in groups]
                rows.append([Cell(text), *made, *[computed(apart, *made, *sizes.values())] * two])
            counted += [(covariate, level)] * (part.iloc[0]["kind"] != "number")
        if found["missing"].any():
            missing = [tally(int(found.loc[g, "missing"]), g, covariate, MISSING) for g in groups]
            rows.append([Cell(f"{part.iloc[0]['label']}: missing"), *missing, *[none] * two])
            counted.append((covariate, MISSING))
        sums += [sum_of_groups(groups, ALL, *name) for name in counted]
        for g in groups:  # how many patients there are in all is known
            sums.append(Sum(tuple((g, *name) for name in counted), None if g == ALL else (g, "patients")))
    columns = ["characteristic", *groups, *["standardised difference"] * two]
    sums = tuple(s for s in sums if s.parts)
    return Table("Table 1: characteristics at baseline", columns, rows, "data/baseline.csv", sums)


def sum_of_groups(groups, total: str | None, *name: str) -> Sum:
    """The groups of a count add up to that of all patients (None: of the whole study); no parts without groups."""
    return Sum(tuple((g, *name) for g in groups if g != ALL), total and (total, *name))


def described(row: pd.Series, level: str, wide: bool) -> list[tuple]:
    """(name, what writes the cell of a group) of the rows of Table 1 for a covariate or level. wide: whether the table
    has many columns, which must then be narrow."""
    if row["kind"] != "number":
        write = partial(share, name=(row["covariate"], level))
        return [(f"{row['label']}: {level}" if level else row["label"], write)]
    name = f"{row['label']}, {row['unit']}" if row["unit"] else row["label"]
    if wide:
        return [(f"{name}: median", median), (f"{name}: quartiles", quartiles), (f"{name}: range", extremes)]
    return [(f"{name}: median (quartiles)", middle), (f"{name}: range", extremes)]


def share(row: pd.Series, size: Cell, name: tuple) -> Cell:
    """Number and share of the group by which the row is named; size: its patients, as in the functions below."""
    text = f"{row['count']:.0f} ({words.percent(row['share'])})"
    return computed(replace(tally(int(row["count"]), row.name, *name), text=text), size)


def median(row: pd.Series, size: Cell) -> Cell:
    return computed(between(row, measured(row["median"])), size)


def quartiles(row: pd.Series, size: Cell) -> Cell:
    return computed(between(row, f"{measured(row['q1'])} to {measured(row['q3'])}"), size)


def extremes(row: pd.Series, size: Cell) -> Cell:
    return computed(between(row, f"{measured(row['low'])} to {measured(row['high'])}"), size)


def middle(row: pd.Series, size: Cell) -> Cell:
    return computed(between(row, f"{median(row, size).text} ({quartiles(row, size).text})"), size)


def between(row: pd.Series, text: str) -> Cell:
    """The text, sorted by the median; a dash where no value is known."""
    return Cell("–" if math.isnan(row["median"]) else text, row["median"])


def measured(value: float) -> str:
    """A measured value to two digits; whole numbers whole."""
    return f"{value:.0f}".replace("-", "−") if float(value).is_integer() else words.number(value, 2)


def assays(dossier: Dossier) -> Table | None:
    """Samples by assay; None where neither MRD nor burden was measured."""
    rows = []
    for r in dossier.cohort.tables["assays"].itertuples():
        limits = "–" if math.isnan(r.lod_low) else f"{r.lod_low:.2g}"
        limits += f" to {r.lod_high:.2g}" if r.lod_high > r.lod_low else ""
        gap = f"{r.gap:.0f} ({r.gap_q1:.0f} to {r.gap_q3:.0f})" if r.gap >= 0 else "–"
        row = [Cell(r.assay), count(r.samples), count(r.patients), cell(r.per_patient, lambda x: f"{x:g}")]
        row += [cell(r.share_below, words.percent), Cell(limits, r.lod_low), Cell(gap, r.gap)]
        rows.append([*row, cell(r.gap_longest, lambda x: "–" if math.isnan(x) else f"{x:.0f}")])
    columns = ["assay", "samples", "patients", "samples per patient, median", "below the limit", "limits"]
    columns += ["days between samples, median (quartiles)", "longest"]
    return Table("Samples by assay", columns, rows, "data/assays.csv") if rows else None


def missing(dossier: Dossier) -> Table:
    """Columns with empty cells and what becomes of them; rows that no model reads."""
    table, rows = dossier.cohort.tables["missing"], []
    for r in table[(table["missing"] > 0) | (table["column"] == ROWS)].itertuples():
        share = cell(r.missing / r.rows if r.rows else 0.0, words.percent)
        rows.append([Cell(r.table), Cell(r.column), count(r.rows), count(r.missing), share, Cell(r.treatment)])
    columns = ["table", "column", "rows", "empty or left out", "share", "what becomes of them"]
    return Table("Missing values, and what the models leave out", columns, rows, "data/missing.csv")


def complete(dossier: Dossier) -> str:
    """The covariates that no patient lacks, in a sentence."""
    table = dossier.cohort.tables["missing"]
    mine = table[(table["table"] == "patients") & (table["column"] != ROWS)]
    lacking = list(mine.loc[mine["missing"] > 0, "column"])
    if not lacking:
        return "Every column of the patients is complete."
    return f"Not complete among the columns of the patients: {words.listed(lacking)}."


@small_counts_hidden
def outcomes(dossier: Dossier) -> Table:
    """Intervals by number and outcome."""
    intervals = dossier.tables["intervals"]
    number = intervals["interval"].clip(upper=LAST)
    found = [o for o in OUTCOMES if (intervals["outcome"] == o).any()]
    rows, sums = [], []
    for k in sorted(number.unique()):
        mine = intervals[number == k]
        name = f"{k} and later" if k == LAST else str(k)
        length = (mine["end_day"] - mine["start_day"]).median()
        of_kind = [tally(int((mine["outcome"] == o).sum()), k, o) for o in found]
        started = tally(len(mine), k, "started")
        middle = computed(cell(length, lambda x: f"{x:.0f}"), started)
        rows.append([Cell(name, float(k)), started, *of_kind, middle])
        sums.append(Sum(tuple((k, o) for o in found), (k, "started")))
    columns = ["interval", "started", *(f"ended by {OUTCOMES[o]}" for o in found), "median length, days"]
    sums += sums_over(rows)
    return Table("Progression-free intervals by number and outcome", columns, rows, sums=tuple(sums))


@small_counts_hidden
def by_group(dossier: Dossier) -> Table | None:
    """Patients, intervals, infusions and samples by schedule or arm; None where there is one group."""
    t, column = dossier.tables, dossier.group
    of_patient = t["patients"].set_index("patient")[column]
    if of_patient.nunique() < 2:
        return None
    rows, sums = [], []
    for level in sorted(of_patient.unique()):
        mine = set(of_patient.index[of_patient == level])
        intervals, infusions, mrd = (t[n][t[n]["patient"].isin(mine)] for n in ("intervals", "infusions", "mrd"))
        ended = [tally(int((intervals["outcome"] == o).sum()), level, o) for o in ("progression", "death")]
        row = [Cell(str(level)), tally(len(mine), level, "patients"), tally(len(intervals), level, "intervals"), *ended]
        row += [tally(len(infusions), level, "infusions")] * bool(len(t["infusions"]))
        if len(t["mrd"]):
            samples = tally(len(mrd), level, "samples")
            row += [samples, computed(cell(mrd["below"].mean(), words.percent), samples)]
        rows.append(row)
        sums.append(Sum(((level, "progression"), (level, "death")), (level, "intervals")))
        sums += [Sum(((level, part),), (level, whole)) for part, whole in WITHIN]
    columns = [column, "patients", "intervals", "progressions", "deaths"]
    columns += ["infusions"] * bool(len(t["infusions"])) + ["MRD samples", "below LOD"] * bool(len(t["mrd"]))
    return Table(f"The study by {column}", columns, rows, sums=(*sums, *sums_over(rows)))


@small_counts_hidden
def episodes(dossier: Dossier) -> Table | None:
    """Episodes of GVHD by kind and grade; None without any."""
    episodes = dossier.tables["gvhd"]
    if episodes.empty:
        return None
    rows, sums = [], []
    for (kind, grade), part in episodes.groupby(["kind", "grade"], sort=True):
        own = kind, grade
        counts = tally(len(part), *own, "episodes"), tally(part["patient"].nunique(), *own, "patients")
        rows.append([Cell(kind), Cell(grade or "not graded"), *counts])
        sums.append(Sum(((*own, "patients"),), (*own, "episodes")))
    names = [row[2].counted for row in rows]
    graded = [tuple(n for n in names if n[0] == kind) for kind in dict.fromkeys(n[0] for n in names)]
    sums += [Sum(parts) for parts in graded if len(parts) > 1]
    return Table("GVHD episodes", ["kind", "grade", "episodes", "patients"], rows, sums=tuple(sums))


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
