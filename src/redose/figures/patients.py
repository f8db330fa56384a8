"""The outlook of every patient."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from redose.figures import labels, style

GROUPS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, style.VERMILLION, style.SKY, style.BLACK)


def shade(patients: pd.DataFrame, about: dict) -> tuple[str, str]:
    """(column, label) by which patients are coloured: the first burden covariate, else schedule or arm where they
    differ, else none ("")."""
    for column, known in about.get("covariates", {}).items():
        if known["role"] == "burden" and column in patients and pd.api.types.is_numeric_dtype(patients[column]):
            unit = known.get("unit", "").split(" (")[0]
            return column, f"{known['label']}, {unit}" if unit else known["label"]
    return next(((c, c) for c in ("schedule", "arm") if len(set(patients[c])) > 1), ("", ""))


@style.styled
def outlook(table: pd.DataFrame, patients: pd.DataFrame, about: dict, day: int) -> Figure:
    """P(alive and progression-free for `day` more days) of every patient who was so at the end of follow-up, ranked.

    table: from selection.select; patients: the checked table.
    """
    figure = Figure(figsize=(style.WIDTH, 3.4))
    axis = figure.subplots()
    name = f"free_{day}"
    column, label = shade(patients, about)
    ranked = table[table[name].notna()].merge(patients, on="patient", how="left", suffixes=("", "_of_patient"))
    ranked = ranked.sort_values([name, "patient"], ignore_index=True)
    if ranked.empty:
        style.empty(axis, "no patient was alive and progression-free at the end of follow-up")
        return figure
    place = np.arange(1, len(ranked) + 1)
    axis.vlines(place, ranked[f"{name}_low"], ranked[f"{name}_high"], color=style.GREY, alpha=0.6, linewidth=1.0)
    if column and pd.api.types.is_numeric_dtype(ranked[column]):
        dots = axis.scatter(
            place, ranked[name], c=ranked[column], cmap="cividis", s=22, zorder=3, edgecolor="white", linewidth=0.3
        )
        figure.colorbar(dots, ax=axis, label=labels.short(label, 44), pad=0.01)
    elif column:
        for colour, (level, part) in zip(GROUPS * len(ranked), ranked.groupby(column, sort=True), strict=False):
            axis.scatter(part.index + 1, part[name], color=colour, s=22, zorder=3, label=labels.short(level, 30))
        axis.legend(title=label, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    else:
        axis.scatter(place, ranked[name], color=style.BLUE, s=22, zorder=3)
    axis.set_ylim(-0.02, 1.02)
    axis.set_xlim(0, len(ranked) + 1)
    axis.set_xlabel(f"{len(ranked)} patients with an outlook, lowest probability first")
    axis.set_ylabel(f"P(alive and progression-free\n{day} days on)")
    return figure
