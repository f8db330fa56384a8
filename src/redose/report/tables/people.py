"""How a table of a dossier names a patient: key, group, burden."""

from redose import covariates
from redose.report import words
from redose.report.reading import Dossier
from redose.report.tables.cells import Cell, cell


def burdens(dossier: Dossier) -> list[str]:
    """Covariates of burden and microenvironment that the patients table holds."""
    known = dossier.about["covariates"]
    return [c for c in known if known[c]["role"] in covariates.SPLIT and c in dossier.tables["patients"]]


def described_by(dossier: Dossier) -> list[str]:
    """Headings of `described`."""
    grouped = len(set(dossier.tables["patients"][dossier.group])) > 1
    named = [dossier.about["covariates"][c]["label"] for c in burdens(dossier)]
    return ["patient", *[dossier.group] * grouped, *named]


def described(dossier: Dossier, patient: str) -> list[Cell]:
    """A patient's key, group and burden."""
    patients = dossier.tables["patients"]
    own = patients[patients["patient"] == patient].iloc[0]
    grouped = len(set(patients[dossier.group])) > 1
    found = (own[c] for c in burdens(dossier))
    values = [Cell(x) if isinstance(x, str) else cell(x, words.rounded) for x in found]
    return [Cell(patient), *[Cell(str(own[dossier.group]))] * grouped, *values]
