"""A study in a few words, for the index over all studies."""

from redose.report import lead, missing
from redose.report.reading import Dossier


def summary(dossier: Dossier) -> dict:
    """title; simulated; numbers of patients and intervals; models, each with its name and whether the gate accepted
    it; answer, what the study is there for."""
    return {
        "title": dossier.about["title"],
        "simulated": dossier.simulated,
        "patients": len(dossier.tables["patients"]),
        "intervals": len(dossier.tables["intervals"]),
        "models": [{"name": model, "accepted": model in dossier.accepted} for model in dossier.config["models"]],
        "answer": headline(dossier),
    }


def headline(dossier: Dossier) -> str:
    """The first sentence of the answer; of a study without regimes how long intervals are."""
    if not dossier.fits:
        return f"Nothing is concluded of progression: {missing.no_fit(dossier)}."
    return lead.lead(dossier)[0 if dossier.with_decisions else 1].answer
