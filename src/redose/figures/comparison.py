"""Which model predicts the events best."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from redose.figures import style


@style.styled
def differences(table: pd.DataFrame) -> Figure:
    """Difference in elpd to the best model, with two standard errors. table: from scores.compare, several models."""
    figure = Figure(figsize=(0.8 * style.WIDTH, 0.4 * len(table) + 1.0))
    axis = figure.subplots()
    place = np.arange(len(table))[::-1]
    axis.barh(place, table["difference"], color=style.SKY, height=0.55)
    worse = (table["difference_se"] > 0).to_numpy()
    gap, se = table["difference"].to_numpy()[worse], table["difference_se"].to_numpy()[worse]
    axis.errorbar(gap, place[worse], xerr=2 * se, fmt="none", color=style.BLACK, capsize=3)
    axis.axvline(0, color=style.BLACK, linewidth=0.9)
    axis.set_yticks(
        place, [f"{m} (best)" if d == 0 else m for m, d in zip(table["model"], table["difference"], strict=True)]
    )
    axis.set_xlabel("difference in elpd to the best model (bar: ± 2 SE, paired over patients)")
    return figure
