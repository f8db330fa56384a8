"""A study in a few words, for the index over all studies."""

import re

from redose.report import answer
from redose.report.reading import Dossier

SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")  # the space between two sentences


def summary(dossier: Dossier) -> dict:
    """title; simulated; numbers of patients and intervals; models, each with its name and whether the gate accepted
    it; answer, the first sentence on what the study is there for."""
    return {
        "title": dossier.about["title"],
        "simulated": dossier.simulated,
        "patients": len(dossier.tables["patients"]),
        "intervals": len(dossier.tables["intervals"]),
        "models": [{"name": model, "accepted": model in dossier.accepted} for model in dossier.config["models"]],
        "answer": headline(dossier),
    }


def headline(dossier: Dossier) -> str:
    """The regime to choose where regimes were simulated, else how long intervals are."""
    if not dossier.fits:
        return "The gate accepted no model of progression, so nothing is concluded."
    text = answer.redosing(dossier) if dossier.with_decisions else answer.intervals(dossier)
    return SENTENCE.split(text)[0]
