"""How a table of a dossier names a patient: key, group, burden."""

from collections.abc import Callable

from redose import covariates
from redose.report import words
from redose.report.reading import Dossier
from redose.report.tables.cells import Cell, cell


def burdens(dossier: Dossier) -> list[str]:
    """Covariates of burden and microenvironment that the patients table holds."""
    known = dossier.about["covariates"]
    return [c for c in known if known[c]["role"] in covariates.SPLIT and c in dossier.tables["patients"]]


def describer(dossier: Dossier) -> tuple[list[str], Callable[[str], list[Cell]]]:
    """(headings, function): the function gives the cells of a patient under these headings: key, group, burden."""
    patients = dossier.tables["patients"].set_index("patient")
    columns, known = burdens(dossier), dossier.about["covariates"]
    grouped = [dossier.group] if patients[dossier.group].nunique() > 1 else []
    rows = patients[list(dict.fromkeys([*grouped, *columns]))].to_dict("index")

    def described(patient: str) -> list[Cell]:
        own = rows[patient]
        values = [Cell(own[c]) if isinstance(own[c], str) else cell(own[c], words.rounded) for c in columns]
        return [Cell(patient), *(Cell(str(own[c])) for c in grouped), *values]

    return ["patient", *grouped, *(known[c]["label"] for c in columns)], described
