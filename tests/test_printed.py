"""Tables of a dossier as CSV: their names, their columns, and that they are written all or none."""

import pytest

from redose.report.printed import Printed, frame
from redose.report.tables.cells import Cell, Table


def test_headings_and_captions_that_come_again_are_numbered():
    rows = [[Cell("a"), Cell("1 (0 to 2)", 1.0), Cell("–", -1.0)]]
    one = Table("A caption – of α", ["group", "P", "P"], rows)
    assert frame(one).columns.tolist() == ["group", "P", "P (value)", "P (2)", "P (2) (value)"]
    printed = Printed()
    other = Table("A caption – of α", ["group"], [[Cell("b")]])
    assert [printed.file(t) for t in (one, other, one)] == [f"report/a_caption_of{n}.csv" for n in ("", "_2", "")]


def test_tables_are_written_all_or_none(tmp_path):
    old = Printed()
    old.file(Table("old", ["x"], [[Cell("1")]]))
    old.write(tmp_path / "report")
    faulty = Printed()
    faulty.file(Table("new", ["x"], [[Cell("1")]]))
    faulty.tables["no.csv"] = None
    with pytest.raises(AttributeError):
        faulty.write(tmp_path / "report")
    assert [f.name for f in tmp_path.rglob("*") if f.is_file()] == ["old.csv"]
