"""The outlook of every patient, and what each gains from redosing."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from redose import covariates
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


@style.styled
def gains(table: pd.DataFrame, patients: pd.DataFrame, about: dict, of: dict) -> Figure:
    """Gain of every patient, ranked, by verdict (left); expected gain of new patients like them, over burden and
    microenvironment (right, where the study has either). table: from gain.table; of: config, `decision: gain`."""
    axes_of = covariates.told_apart_by(patients, about)
    figure = Figure(figsize=(style.WIDTH, 3.2))
    panels = figure.subplots(1, 2, width_ratios=[1.2, 1]) if axes_of else [figure.subplots()]
    ranked = table.sort_values(["gain", "patient"], ignore_index=True)
    for verdict, colour in style.VERDICTS.items():
        mine = ranked[ranked["verdict"] == verdict]
        panels[0].vlines(mine.index + 1, mine["gain_low"], mine["gain_high"], color=colour, alpha=0.35, linewidth=1.0)
        panels[0].scatter(mine.index + 1, mine["gain"], color=colour, s=8, zorder=3, label=f"{verdict} ({len(mine)})")
    panels[0].axhline(0, color=style.BLACK, linewidth=0.6)
    panels[0].axhline(of["smallest"], color=style.BLACK, linewidth=0.8, linestyle="--")
    panels[0].set_xlabel(f"{len(ranked)} patients, lowest gain first")
    panels[0].set_ylabel("gain, days alive and progression-free")
    panels[0].legend(loc="upper left")
    if axes_of:
        over_covariates(figure, panels[1], table.merge(patients, on="patient"), axes_of, about, of)
    return figure


def over_covariates(figure: Figure, axis, joined: pd.DataFrame, columns: list[str], about: dict, of: dict) -> None:
    """Expected gain of new patients by one or two covariates; hollow where it is undecided."""
    known = (joined["like_p_gain"] >= of["selected"]) | (joined["like_p_gain"] <= of["declined"])
    labelled = [labels.short(about["covariates"][c]["label"], 40) for c in columns]
    axis.set_xlabel(labelled[0])
    if len(columns) == 1:
        axis.scatter(
            joined[columns[0]], joined["like_gain"], c=np.where(known, style.BLUE, "white"), s=14, ec=style.BLUE
        )
        axis.axhline(of["smallest"], color=style.BLACK, linewidth=0.8, linestyle="--")
        axis.set_ylabel("expected gain of a new patient, days")
        return
    scale = {"vmin": joined["like_gain"].min(), "vmax": joined["like_gain"].max(), "cmap": "viridis"}
    at = [joined[c] for c in columns]
    dots = axis.scatter(*at, c=joined["like_gain"], s=16, linewidth=0, **scale)
    axis.scatter(*(x[~known] for x in at), c="white", s=3, linewidth=0, zorder=3)
    axis.set_ylabel(labelled[1])
    figure.colorbar(dots, ax=axis, label="expected gain of a new patient, days", pad=0.01)


@style.styled
def rules(table: pd.DataFrame, uplift: pd.DataFrame, of: dict, banded: str) -> Figure:
    """Net benefit of every rule of whom to treat over the threshold, with the band of one (left); days gained as more
    patients are treated, those first whose like are expected to gain most (right).

    table, uplift: from gain.curve, gain.uplift; of: config, `decision: gain`; banded: name of that rule."""
    figure = Figure(figsize=(style.WIDTH, 3.4))
    axis, treated = figure.subplots(1, 2, width_ratios=[1.4, 1])
    for colour, (name, part) in zip(GROUPS * len(table), table.groupby("rule", sort=False), strict=False):
        if name == banded:
            axis.fill_between(part["threshold"], part["low"], part["high"], color=colour, alpha=0.2, linewidth=0)
        width = 2.0 if name == banded else 1.2
        axis.plot(part["threshold"], part["net"], color=colour, linewidth=width, label=labels.short(name, 56))
    axis.axvline(of["smallest"], color=style.BLACK, linewidth=0.8, linestyle="--")
    axis.set_ylim(bottom=-0.3 * max(table["net"].max(), 1.0))  # rules that go on treating fall without end
    axis.set_xlim(0, table["threshold"].max())
    axis.set_xlabel("threshold: days that treatment must bring to be worth its burden")
    axis.set_ylabel("net benefit, days a patient")
    treated.fill_between(
        uplift["treated"], uplift["gained_low"], uplift["gained_high"], color=style.BLUE, alpha=0.2, linewidth=0
    )
    treated.plot(uplift["treated"], uplift["gained"], color=style.BLUE)
    treated.plot(uplift["treated"], uplift["by_chance"], color=style.BLACK, linewidth=0.8, linestyle=":")
    treated.set_xlabel("share treated, highest expected gain first")
    treated.set_ylabel("days gained a patient of the trial")
    treated.set_xlim(0, 1)
    figure.legend(loc="outside lower center", ncols=2)
    return figure
