"""The tables of a dossier, a module for each of its subjects; templates call them by these names."""

from redose.report.tables import (
    checking,
    data,
    decisions,
    gvhd,
    intervals,
    methods,
    mrd,
    provenance,
    selection,
)

__all__ = [
    "checking",
    "data",
    "decisions",
    "gvhd",
    "intervals",
    "methods",
    "mrd",
    "provenance",
    "selection",
]
