"""Tables of where results come from."""

from redose.report.reading import Dossier
from redose.report.tables.cells import Cell, Table, count


def versions(dossier: Dossier) -> Table:
    """Package versions behind every posterior."""
    names = list(dict.fromkeys(k for f in dossier.judged.values() for k in f.made_by))
    rows = [[Cell(n), *(Cell(str(f.made_by.get(n, "–"))) for f in dossier.judged.values())] for n in names]
    return Table("Versions and derived seeds by model", ["item", *dossier.judged], rows)


def digests(dossier: Dossier) -> Table:
    """SHA-256 of the checked tables."""
    rows = [[Cell(f"tables/{n}.parquet"), count(len(dossier.tables[n])), Cell(d)] for n, d in dossier.digests.items()]
    return Table("Checked tables", ["file", "rows", "SHA-256"], rows)
