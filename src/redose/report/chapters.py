"""The chapters of a dossier in their order: key, which is their address in the page, and title."""

CHAPTERS = {
    "answer": "Answer first",
    "data": "Data",
    "intervals": "Progression-free intervals",
    "hazards": "What moves the hazard",
    "mrd": "MRD, dosing and thresholds",
    "gvhd": "GVHD",
    "decisions": "Decisions",
    "selection": "Patient selection",
    "outlook": "Patient outlook",
    "cuts": "Data cuts",
    "validation": "Out of sample",
    "comparison": "Model comparison",
    "checking": "Model checking",
    "methods": "Methods and assumptions",
    "provenance": "Provenance",
}
