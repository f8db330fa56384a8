"""The tables of a dossier, a module for each of its subjects; templates call them by these names."""

from redose.report.tables import (
    adam,
    barg,
    checking,
    cuts,
    data,
    decisions,
    gvhd,
    intervals,
    methods,
    mrd,
    overview,
    provenance,
    selection,
    symbols,
)

__all__ = [
    "adam",
    "barg",
    "checking",
    "cuts",
    "data",
    "decisions",
    "gvhd",
    "intervals",
    "methods",
    "mrd",
    "overview",
    "provenance",
    "selection",
    "symbols",
]
