"""How every figure looks, and how it is written: the same bytes from the same numbers."""

import warnings
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redose.figures import svg as markup
from redose.files import whole

# Okabe & Ito 2008, told apart with any colour vision
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#6E6E6E"
VERDICTS = {"selected": GREEN, "undecided": GREY, "not selected": VERMILLION}
CAUSES = {"progression": VERMILLION, "death": BLUE, "transplant": GREEN, "new_therapy": PURPLE}
WIDTH = 7.2  # inches: A4 within its margins
MONTH = 30.4375  # days
STEPS = (1, 2, 3, 6, 12, 24, 36, 60, 120)  # months between ticks

RC = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],  # Verdana has the widths of DejaVu Sans
    "font.size": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "savefig.dpi": 150,
    "svg.fonttype": "none",  # text stays text: any script can be shown, and searched
    "svg.hashsalt": "redose",
    "text.parse_math": False,  # a name with two dollar signs is a name
}
styled = mpl.rc_context(RC)  # decorates whatever makes a figure


def save(figure: Figure, svg: str | Path) -> None:
    """Writes `figure` as SVG to `svg` and as PNG (150 dpi) beside it, without dates or versions."""
    with mpl.rc_context(RC), warnings.catch_warnings():
        # in the SVG the reader's own fonts draw such letters
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        lay_out(figure)
        with whole(svg) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
            temporary.write_text(markup.compact(temporary.read_text("utf-8")), "utf-8")
        with whole(Path(svg).with_suffix(".png")) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None})


def lay_out(figure: Figure) -> None:
    """Places the panels once and for all, to a billionth of the figure.

    The solver of the layout takes its unknowns in the order of their addresses in memory: the last digits of a place,
    and the names that an SVG makes of them, would be others from run to run. At the PNG's resolution, where hinted
    letters are widest: laid out at 100 dpi, long names ran over its edge by a twelfth of an inch.
    """
    figure.set_dpi(mpl.rcParams["savefig.dpi"])
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axis in figure.axes:
        axis.set_position([round(x, 9) for x in axis.get_position(original=True).bounds])


def panels(count: int, columns: int, height: float, **options) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, `height` inches each, in rows of at most `columns`; unused places stay blank."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH if columns > 1 else 0.62 * WIDTH, height * rows + 0.5))
    axes = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    for axis in axes[count:]:
        axis.set_visible(False)
    for place, axis in enumerate(axes[:count]):
        if place + columns >= count:  # nothing below it: the tick labels that a shared axis hides
            axis.tick_params(labelbottom=True)
    return figure, list(axes[:count])


def in_months(axis: Axes, longest: float, ticks: int = 4) -> None:
    """Ticks of a day axis at whole months, labelled in days with the months in brackets below."""
    step = next((s for s in STEPS if longest / (s * MONTH) <= ticks), STEPS[-1])
    months = range(0, int(longest / MONTH) + 1, step)
    axis.set_xticks([m * MONTH for m in months], [f"{m * MONTH:.0f}\n({m})" for m in months])


def blank(text: str) -> Figure:
    """A figure of which there is nothing to draw: it says why, without axes."""
    figure, (axis,) = panels(1, 1, 1.0)
    axis.set_axis_off()
    empty(axis, text)
    return figure


def empty(axis: Axes, text: str) -> None:
    """Says in a panel why nothing is drawn there."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color=GREY)
