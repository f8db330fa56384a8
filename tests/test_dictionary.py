"""docs/data.md is in step with the contract and the rules."""

from pathlib import Path

import pytest
import studies

from redose import checks, contract, dictionary, tables
from redose.rules import RULES

PAGE = Path(__file__).parents[1] / "docs" / "data.md"


def test_the_page_is_up_to_date():
    page = PAGE.read_text(encoding="utf-8")
    assert dictionary.filled(page) == page, "run: python -m redose.dictionary docs/data.md"


def test_the_page_has_every_block_column_and_rule():
    page = PAGE.read_text(encoding="utf-8")
    for name in dictionary.blocks():
        assert f"<!-- begin {name} -->" in page
    for table in contract.TABLES.values():
        section = page.split(f"<!-- begin {table.name} -->")[1].split(f"<!-- end {table.name} -->")[0]
        assert all(f"| `{column.name}` |" in section for column in table.columns)
    assert all(f"| `{rule}` | {kept.severity} |" in page for rule, kept in RULES.items())


def example(table: str) -> list[list[str]]:
    """The indented example of a table on the page, as rows of cells."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {table}\n")[1].split("\n## ")[0]
    return [line.strip().split(",") for line in section.splitlines() if line.startswith("    ")]


def test_the_examples_of_the_page_are_a_study_without_faults(tmp_path):
    about_file = studies.write(tmp_path, {}, {table: example(table) for table in contract.TABLES})
    described = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    about_file.write_text(described, encoding="utf-8")
    study = tables.read_study(about_file, tmp_path, name="page")
    assert checks.check(study).text() == "study page: no errors, no warnings"


@pytest.mark.parametrize("table", contract.TABLES)
def test_the_examples_of_the_columns_are_of_their_type(table):
    for column in contract.TABLES[table].columns:
        if column.example and column.kind in ("number", "count"):
            float(column.example)
        assert not column.words or column.example in column.words
