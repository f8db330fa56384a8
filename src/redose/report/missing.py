"""Chapters that cannot be written for a study, each with the sentence that stands in its place."""

from redose.report import words
from redose.report.reading import Dossier

NEEDS_A_FIT = {  # chapter -> what it would give, of a model of progression and death
    "intervals": "No progression-free interval is described",
    "hazards": "No hazard ratio is given",
    "outlook": "No patient is given an outlook",
    "comparison": "No models are compared",
}
WEIGHED = "a regime is weighed with the GVHD that it brings about, and the gate rejected"


def missing(dossier: Dossier) -> dict[str, str]:
    """Chapter -> why it is missing, of every chapter of which nothing can be said."""
    found = {"mrd": thresholds(dossier), "gvhd": gvhd(dossier), "validation": validation(dossier)}
    found |= {"cuts": cuts(dossier)}
    found |= {"decisions": regimes(dossier, "No regimes of testing and redosing are compared")}
    found |= {"selection": regimes(dossier, "No patient is selected for a regime")}
    if not dossier.fits:
        found |= {chapter: f"{what}: {no_fit(dossier)}." for chapter, what in NEEDS_A_FIT.items()}
    return {chapter: sentence for chapter, sentence in found.items() if sentence}


def no_fit(dossier: Dossier) -> str:
    """Why there is no model of progression and death to conclude from."""
    rejected = of_events(dossier)
    asked = "the config asks for no model of progression and death"
    return f"the gate rejected {models(rejected)}" if rejected else asked


def of_events(dossier: Dossier) -> list[str]:
    """Models of progression and death that the gate rejected."""
    return [m for m in dossier.rejected if m != "gvhd"]


def joint(names) -> list[str]:
    """Those of the models that are joint with MRD."""
    return [m for m in names if m.startswith("joint")]


def models(names: list[str]) -> str:
    """Models in words, with where their faults are told."""
    plural = "s" if len(names) > 1 else ""
    return f"model{plural} {words.listed(names)} (chapter Model checking)"


def thresholds(dossier: Dossier) -> str:
    """Why there is no MRD threshold; empty where there is one."""
    if dossier.with_thresholds:
        return ""
    if dossier.tables["mrd"].empty:
        return "No MRD was measured in this study, hence there is no threshold."
    rejected = joint(dossier.rejected)
    if rejected:
        return f"MRD was measured, but the gate rejected {models(rejected)}, hence there is no threshold."
    asked = "MRD was measured, but the config asks for no joint model (joint_value, joint_step)"
    return f"{asked}, hence there is no threshold."


def gvhd(dossier: Dossier) -> str:
    """Why there is no chapter on GVHD; empty where there is one."""
    if dossier.gvhd:
        return ""
    if "gvhd" in dossier.rejected:
        return f"Who gets GVHD is not said: the gate rejected {models(['gvhd'])}."
    if dossier.tables["gvhd"].empty:
        return "The study has no GVHD table, and the config asks for no model of GVHD."
    return "GVHD was recorded, but the config asks for no model of it (gvhd)."


def regimes(dossier: Dossier, what: str) -> str:
    """Why regimes were not simulated, after `what` is therefore not said; empty where they were."""
    if dossier.with_decisions:
        return ""
    if dossier.tables["mrd"].empty:
        return f"{what}: that takes MRD, and none was measured in this study."
    if not joint(dossier.config["models"]):
        return f"{what}: that takes a joint model with MRD, and the config asks for none."
    if not joint(dossier.fits):
        return f"{what}: the gate rejected {models(joint(dossier.rejected))}."
    if "gvhd" in dossier.rejected:
        return f"{what}: {WEIGHED} {models(['gvhd'])}."
    return f"{what}: in no accepted joint model do infusions move MRD (config: kinetics: trajectory)."


def cuts(dossier: Dossier) -> str:
    """Why no data cuts are compared; empty where some are."""
    if dossier.cuts:
        return ""
    of = dossier.config.get("of")
    cut = f"This is itself a data cut of the study {of}, whose dossier compares it with the others."
    return cut if of else "The config names no interim data cuts (section cuts of the study)."


def validation(dossier: Dossier) -> str:
    """Why no patients left out were predicted; empty where some were."""
    if "validation" not in dossier.config:
        return "The config asks for no refits without a part of the patients (section validation of the study)."
    if not dossier.validation:
        return f"No prediction of patients left out is judged: the gate rejected {models(of_events(dossier))}."
    if dossier.validation.accuracy.empty:
        return "No prediction of patients left out is judged: the gate rejected the fit of every part."
    return ""
