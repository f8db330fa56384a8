"""The figure of the answer, from a dossier's tables."""

from matplotlib.figure import Figure

from redose.figures import answer as drawn
from redose.figures import labels, style
from redose.report import lead
from redose.report.reading import Dossier


def pictured(dossier: Dossier) -> Figure:
    """The answer in one figure: of regimes where there are any, else of intervals and effects."""
    settings = dossier.settings["decision"]
    if dossier.with_decisions:
        fit = dossier.with_decisions[0]
        return drawn.choices(fit.decision["regimes"], fit.gain, spread(dossier), settings["gain"]["smallest"])
    if not dossier.fits:
        return style.blank("the gate rejected every model of progression and death")
    fit = dossier.best
    effects = fit.effects[fit.effects["cause"] == "progression"]
    names = [labels.covariate(c, dossier.about, dossier.tables["patients"]) for c in effects["covariate"]]
    return drawn.known(fit.lengths, effects, longest(dossier), names)


def spread(dossier: Dossier) -> tuple[float, float] | None:
    """Band of the MRD at which the hazard steps up; None where no model has a finite one."""
    found = lead.step_of(dossier)
    return drawn.spread(found[1]) if found else None


def longest(dossier: Dossier) -> int | None:
    """The longest horizon that a group's first intervals reached; None without one."""
    table = dossier.best.lengths
    reached = set(table.loc[table["interval"] == "1", "quantity"])
    return next(
        (d for d in sorted(dossier.settings["decision"]["horizons"], reverse=True) if f"free_{d}" in reached), None
    )
