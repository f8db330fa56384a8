"""Joins the tables of the benchmarks: `python benchmarks/join.py FOLDER TABLE...`.

Writes to FOLDER benchmark.csv (all rows), benchmark.md (the same to be read, in sections) and benchmark.svg with its
PNG: effective draws by second on pbcseq beside those of other programs, where the time of a fit goes, and its growth
with the number of patients.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import rows
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redose import files
from redose.figures import style

TITLES = {
    "fit": "Fits, each in a process of its own, caches full",
    "rstanarm": "rstanarm on the same data",
    "regimes": "Regimes",
    "checks": "Reading and checking",
    "start": "Start-up",
}
WALL, EACH, ALONE = "wall time, whole process", "ESS a second, whole process", "ESS a second, sampling alone"
PARTS = {
    "interpreter and imports": style.GREY,
    "model and compilation, cached": style.ORANGE,
    "sampling": style.BLUE,
    "likelihoods, frailties, writing": style.GREEN,
}
# JMbayes2 0.6-5, the best of a few runs on 2 cores, not in this run: bulk ESS of its association up to 270, smallest
# ESS up to 95, 21 s a run (docs/speed.md)
BEFORE = {"JMbayes2, association": 270 / 21, "JMbayes2, smallest": 95 / 21}


def joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """All rows, in the order of TITLES. Raises ValueError at a section without a title."""
    found = pd.concat([t for t in tables if len(t)], ignore_index=True).reindex(columns=rows.COLUMNS)
    unknown = sorted(set(found["section"]) - set(TITLES))
    if unknown:
        raise ValueError(f"benchmark tables: no title for section {', '.join(unknown)}; add it to TITLES of join.py.")
    place = found["section"].map(list(TITLES).index)
    return found.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def markdown(table: pd.DataFrame) -> str:
    """The table to be read: a section each, measures down and cases across, notes below; machine and versions first."""
    lines = ["# Benchmark", ""]
    for (machine, versions), part in table.groupby(["machine", "versions"], sort=False):
        lines += [f"Sections {', '.join(part['section'].unique())}: {machine}; {versions}.", ""]
    for section, part in table.groupby("section", sort=False):
        cases = part["case"].unique()
        lines += [f"## {TITLES[section]}", "", f"| measure | {' | '.join(cases)} |", "|---" * (len(cases) + 1) + "|"]
        for measure, of in part.groupby("measure", sort=False):
            shown = of.set_index("case")["value"].reindex(cases).map(lambda x: "" if np.isnan(x) else f"{x:.4g}")
            unit = of["unit"].iloc[0]
            lines.append(f"| {measure}{f' ({unit})' if unit else ''} | {' | '.join(shown)} |")
        noted = part[part["note"] != ""]
        lines += ["", *(f"- {r.case}, {r.measure}: {r.note}" for r in noted.itertuples()), ""]
    return "\n".join(lines)


def wide(table: pd.DataFrame, section: str) -> pd.DataFrame:
    """Values of a section: a row per case, a column per measure, in their order."""
    part = table[table["section"] == section]
    return part.pivot_table(index="case", columns="measure", values="value").reindex(part["case"].unique())


def drawn_by_second(axis: Axes, table: pd.DataFrame) -> None:
    """Bars of ESS a second on pbcseq, on a log axis: ours and, where it was run, rstanarm's; JMbayes2's of before."""
    shown = {}
    for section, who in (("rstanarm", "rstanarm"), ("fit", "redose")):
        of = wide(table, section)
        of = of[of.index.str.startswith("pbc")]
        for _, row in of.iterrows():
            shown |= {f"{who}, {word}": row[m] for m, word in ((EACH, "all"), (ALONE, "sampling"))}
    if not shown:
        style.empty(axis, "pbcseq was not fitted")
        return
    shown = {**BEFORE, **shown}
    colours = [style.BLUE if name.startswith("redose") else style.GREY for name in shown]
    axis.bar_label(axis.barh(list(shown), list(shown.values()), color=colours), fmt="%.3g", padding=2)
    axis.set_xscale("log")
    axis.margins(x=0.2)
    axis.xaxis.set_major_formatter("{x:g}")  # the figures' text has no mathematics
    axis.xaxis.set_minor_formatter("")
    axis.set_xlabel("smallest bulk ESS a second")


def spent(axis: Axes, fits: pd.DataFrame) -> None:
    """Where the wall time of each fit goes, stacked."""
    begun = np.zeros(len(fits))
    for part, colour in PARTS.items():
        axis.barh(fits.index, fits[part], left=begun, color=colour, label=part)
        begun += fits[part].to_numpy()
    axis.invert_yaxis()
    axis.set_xlabel("seconds of a process")
    axis.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(PARTS))


def growth(axis: Axes, fits: pd.DataFrame) -> None:
    """Wall time by number of patients of the simulated study, both logarithmic, with the slope between the ends."""
    size = fits.index.str.extract(r"^redosable joint_step (\d+)$")[0].astype(float).to_numpy()
    of = fits.assign(size=size).dropna(subset="size").sort_values("size")
    if len(of) < 2:
        style.empty(axis, "fewer than two sizes of `redosable`")
        return
    axis.loglog(of["size"], of[WALL], "o-", color=style.BLUE)
    axis.set_xticks(of["size"], [f"{n:g}" for n in of["size"]])
    axis.set_yticks(of[WALL], [f"{x:.3g}" for x in of[WALL]])
    for ticks in (axis.set_xticks, axis.set_yticks):
        ticks([], minor=True)
    axis.set_xlabel("patients of redosable")
    axis.set_ylabel("seconds of a process")
    ends = np.log(of.iloc[[0, -1]][["size", WALL]].to_numpy(float))
    axis.set_title(f"grows as patients^{(ends[1, 1] - ends[0, 1]) / (ends[1, 0] - ends[0, 0]):.2f}")


@style.styled
def figure(table: pd.DataFrame) -> Figure:
    """Three panels, each of which says so where there is nothing to draw."""
    made = Figure(figsize=(style.WIDTH, 5.0))
    panels = made.subplot_mosaic([["by_second", "growth"], ["spent", "spent"]])
    fits = wide(table, "fit")
    drawn_by_second(panels["by_second"], table)
    if len(fits):
        growth(panels["growth"], fits)
        spent(panels["spent"], fits)
    else:
        for name in ("growth", "spent"):
            style.empty(panels[name], "nothing was fitted")
    return made


def main(folder: Path, places: list[str]) -> None:
    table = joined([pd.read_csv(place, keep_default_na=False, na_values={"value": [""]}) for place in places])
    files.write_table(table, folder / "benchmark.csv")
    files.write_text(markdown(table), folder / "benchmark.md")
    style.save(figure(table), folder / "benchmark.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
