"""Tables of what the study holds."""

from pathlib import PurePath

from redose.report import words
from redose.report.reading import Dossier
from redose.report.tables.cells import OUTCOMES, Cell, Sum, Table, cell, computed, count, sums_over, tally
from redose.report.tables.suppression import small_counts_hidden

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
