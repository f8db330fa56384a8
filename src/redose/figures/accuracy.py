"""How well patients are predicted whom a fit has not seen: accuracy by window, and predicted against observed risk."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from redose.accuracy import COX, INCIDENCE
from redose.figures import labels, style

SHOWN = {"auc": "AUC", "ipa": "prediction accuracy"}
COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, style.VERMILLION, style.SKY, style.BLACK)
NAMES = {INCIDENCE: "incidence among the others", COX: "landmark Cox model"}
REJECTED = "the gate rejected the fit of every fold: there is no prediction to judge"
NEUTRAL = {"auc": 0.5, "ipa": 0.0}  # of a prediction that tells nobody from nobody


def window(landmark: float, horizon: float) -> str:
    """A window in words."""
    return f"day {landmark:g} + {horizon:g}"


def models_of(table: pd.DataFrame) -> dict[str, str]:
    """Model -> its colour: ours first, then the references, which are grey where there is only one of them."""
    ours = [m for m in table["model"].unique() if m not in NAMES]
    every = [*ours, *(m for m in NAMES if m in set(table["model"]))]
    return dict(zip(every, COLOURS * len(every), strict=False))


@style.styled
def metrics(table: pd.DataFrame) -> Figure:
    """AUC and index of prediction accuracy with their bands, a row of panels per cause, windows along the axis and
    models side by side; dashed, the incidence among the others, which tells nobody from nobody. table: from
    `validation.judged`."""
    if table.empty:
        return style.blank(REJECTED)
    causes, table = list(table["cause"].unique()), table[table["model"] != INCIDENCE]
    figure, axes = style.panels(len(SHOWN) * len(causes), len(SHOWN), 2.0, sharex=True)
    colour = models_of(table)
    windows = table[["landmark", "horizon"]].drop_duplicates().sort_values(["landmark", "horizon"])
    place = {tuple(w): k for k, w in enumerate(windows.to_numpy())}
    shift = dict(zip(colour, np.linspace(-0.3, 0.3, len(colour)), strict=True))
    for axis, (cause, metric) in zip(axes, [(c, m) for c in causes for m in SHOWN], strict=True):
        rows = table[(table["cause"] == cause) & (table["metric"] == metric) & table["estimate"].notna()]
        for model, part in rows.groupby("model"):
            at = [place[(r.landmark, r.horizon)] + shift[model] for r in part.itertuples()]
            axis.vlines(at, part["low"], part["high"], color=colour[model], linewidth=1.2, alpha=0.6)
            axis.scatter(at, part["estimate"], color=colour[model], s=14, zorder=3)
        axis.axhline(NEUTRAL[metric], color=style.BLACK, linewidth=0.6, linestyle="--")
        axis.set_ylabel(f"{SHOWN[metric]},\n{labels.short(cause, 20)}")
        axis.set_xticks(range(len(place)), [window(*w) for w in place], rotation=20)
    handles = [axes[0].scatter([], [], color=c, s=14, label=NAMES.get(m, m)) for m, c in colour.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4))
    return figure


@style.styled
def calibration(table: pd.DataFrame) -> Figure:
    """Observed incidence with its band against mean predicted risk of groups of like risk, a panel per window and
    cause. table: the second of `validation.judged`; predictions that are the same for everybody are left out."""
    if table.empty:
        return style.blank(REJECTED)
    shown = table[table["model"] != INCIDENCE]
    keys = list(shown.groupby(["cause", "landmark", "horizon"], sort=False).groups)
    figure, axes = style.panels(max(len(keys), 1), 3, 2.1)
    colour = models_of(shown)
    for axis, (cause, landmark, horizon) in zip(axes, keys, strict=True):
        at = (shown["cause"] == cause) & (shown["landmark"] == landmark) & (shown["horizon"] == horizon)
        part = shown[at & shown["observed"].notna()]
        top = min(1.0, 1.05 * max([part["predicted"].max(), part["high"].max(), 0.05]))
        axis.plot([0, top], [0, top], color=style.BLACK, linewidth=0.6)
        for model, own in part.groupby("model"):
            axis.vlines(own["predicted"], own["low"], own["high"], color=colour[model], linewidth=1.0, alpha=0.5)
            axis.plot(own["predicted"], own["observed"], "o-", color=colour[model], markersize=3, linewidth=0.9)
        axis.set_title(f"{labels.short(cause, 20)}, {window(landmark, horizon)}")
        axis.set_xlim(0, top)
        axis.set_ylim(0, top)
        axis.set_xlabel("predicted risk")
        axis.set_ylabel("observed incidence")
    handles = [axes[0].scatter([], [], color=c, s=14, label=NAMES.get(m, m)) for m, c in colour.items()]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2 if len(keys) == 1 else 4)
    return figure
