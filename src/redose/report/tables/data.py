"""Tables of what the study holds."""

import math
from dataclasses import replace
from pathlib import PurePath

import pandas as pd

from redose.cohort.flow import NO_FURTHER
from redose.cohort.missing import ROWS
from redose.report import words
from redose.report.reading import Dossier
from redose.report.tables.cells import OUTCOMES, Cell, Sum, Table, cell, computed, count, sums_over, tally
from redose.report.tables.suppression import small_counts_hidden

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
    """Numbers of patients, and of intervals with how they ended, by group; outcomes that no group has are left out."""
    table = dossier.cohort.tables["flow"].fillna({"outcome": ""})
    groups, rows, steps = list(dict.fromkeys(table["group"])), [], {}
    for (step, outcome), part in table.groupby(["step", "outcome"], sort=False):
        if outcome and not part["count"].any():
            continue
        ended = outcome if outcome == NO_FURTHER else f"ended by {OUTCOMES.get(outcome)}"
        name = f"{step}: {ended}" if outcome else f"{step}: started" if "interval" in step else step
        found = part.set_index("group")["count"]
        # a group of which no patient came so far has no row
        rows.append([Cell(name), *(tally(int(found.get(g, 0)), g, name) for g in groups)])
        steps[name] = f"{step}: started" if outcome else "enrolled"
    names = [row[0].text for row in rows]
    sums = [*over_groups(names, groups), *within_groups(steps, groups)]
    return Table("Flow of patients", ["step", *groups], rows, "data/flow.csv", sums=tuple(sums))


def over_groups(names: list[str], groups: list[str]) -> list[Sum]:
    """What the groups of a row add up to: the first column."""
    whole, *parts = groups
    return [Sum(tuple((g, name) for g in parts), (whole, name)) for name in names if parts]


def within_groups(steps: dict[str, str], groups: list[str]) -> list[Sum]:
    """What the rows of a column add up to. steps: row -> row of which it is a part."""
    found = []
    for group in groups:
        for whole in set(steps.values()):
            ways = [n for n, of in steps.items() if of == whole != n and NO_FURTHER not in n and "interval" in whole]
            found += [Sum(tuple((group, n) for n in ways), (group, whole))] * bool(ways)
        found += [Sum(((group, n),), (group, of)) for n, of in steps.items() if n != of]
        for pair in (("infused", "not infused"), ("MRD sampled", "no MRD sample")):
            found += [Sum(tuple((group, n) for n in pair), (group, "enrolled"))] * (pair[0] in steps)
    return found


@small_counts_hidden
def baseline(dossier: Dossier) -> Table | None:
    """Table 1: rows per covariate or level, a column per group; None for a study without covariates."""
    table = dossier.cohort.tables["baseline"].fillna({"category": "", "unit": ""})
    if table.empty:
        return None
    sizes = {g: tally(n, g, "patients") for g, n in zip(table["group"], table["patients"], strict=True)}
    apart = bool(table["difference"].notna().any())
    rows, sums = [[Cell("patients"), *sizes.values()]], over_groups(["patients"], list(sizes))
    for name, of_covariate in table.groupby("covariate", sort=False):
        mine = of_one(name, of_covariate, sizes)
        counted = [row for row in mine if any(c.counted for c in row)]
        sums += over_groups([row[1].counted[1] for row in counted], list(sizes))
        for place, whole in enumerate(sizes.values(), start=1):
            parts = tuple(row[place].counted for row in counted)
            sums += [Sum(parts, whole.counted)] * bool(parts)
        difference = cell(of_covariate["difference"].iloc[0], lambda x: words.number(x, 2))
        rows += [[*row, *[difference] * apart] for row in mine]
    rows[0] += [Cell("", -math.inf)] * apart
    columns = ["characteristic", *sizes, *["standardised difference"] * apart]
    return Table("Table 1: characteristics at baseline", columns, rows, "data/baseline.csv", sums=tuple(sums))


def of_one(name: str, table: pd.DataFrame, sizes: dict[str, Cell]) -> list[list[Cell]]:
    """Rows of Table 1 on one covariate: of its values, and how many patients lack one."""
    rows, label = [], table["label"].iloc[0]
    for level, part in table.groupby("category", sort=False):
        found = part.set_index("group")
        for text, write in described(part.iloc[0], level, len(sizes) > WIDE):
            cells = [computed(write(found.loc[g]), sizes[g]) for g in sizes]
            if part["kind"].iloc[0] != "number":
                cells = [replace(c, counted=(g, f"{name}: {level}")) for g, c in zip(sizes, cells, strict=True)]
            rows.append([Cell(text), *cells])
    if found["missing"].any():
        rows.append(
            [Cell(f"{label}: missing"), *(tally(int(found.loc[g, "missing"]), g, f"{name}: missing") for g in sizes)]
        )
    return rows


def described(row: pd.Series, level: str, wide: bool) -> list[tuple]:
    """(name, what writes the cell of a group) of the rows of Table 1 for a covariate or level. wide: whether the table
    has many columns, which must then be narrow."""
    if row["kind"] != "number":
        return [(f"{row['label']}: {level}" if level else row["label"], share)]
    name = f"{row['label']}, {row['unit']}" if row["unit"] else row["label"]
    if wide:
        return [(f"{name}: median", median), (f"{name}: quartiles", quartiles), (f"{name}: range", extremes)]
    return [(f"{name}: median (quartiles)", middle), (f"{name}: range", extremes)]


def share(row: pd.Series) -> Cell:
    return Cell(f"{row['count']:.0f} ({words.percent(row['share'])})", float(row["count"]))


def median(row: pd.Series) -> Cell:
    return between(row, measured(row["median"]))


def quartiles(row: pd.Series) -> Cell:
    return between(row, f"{measured(row['q1'])} to {measured(row['q3'])}")


def extremes(row: pd.Series) -> Cell:
    return between(row, f"{measured(row['low'])} to {measured(row['high'])}")


def middle(row: pd.Series) -> Cell:
    return between(row, f"{median(row).text} ({quartiles(row).text})")


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
