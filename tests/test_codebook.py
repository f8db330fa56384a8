"""The codebook: docs/results.md is in step with it, and an entry of it is found by the names that it stands for."""

from pathlib import Path

import pandas as pd
import pytest
from columns import described

from redose import codebook, contract, dictionary
from redose.codebook import columns

PAGE = Path(__file__).parents[1] / "docs" / "results.md"


def test_the_page_is_up_to_date():
    page = PAGE.read_text(encoding="utf-8")
    assert dictionary.filled(page) == page, "run: python -m redose.dictionary docs/results.md"
    assert all(f"### `{file.place}`" in page for file in codebook.FILES)


def test_places_and_columns_are_said_once():
    assert len({f.place for f in codebook.FILES}) == len(codebook.FILES)
    for file in codebook.FILES:
        assert len({c.name for c in file.columns}) == len(file.columns), file.place
        assert {c.kind for c in file.columns} <= set(dictionary.TYPES)
        assert file.needs in codebook.NEEDS


@pytest.mark.parametrize(
    ("name", "column", "matches"),
    [
        ("gain[_low|_high]", "gain", True),
        ("gain[_low|_high]", "gain_high", True),
        ("gain[_low|_high]", "gains", False),
        ("free_<days>[_low|_high]", "free_180_low", True),
        ("free_<days>", "free_180_low", False),
        ("free_<days>", "free_days", False),
        ("risk_<percent>", "risk_2.5", True),
        ("<heading>", "P(free) (2)", True),
        ("<heading>", "P(free) (value)", False),
        ("<heading> (value)", "P(free) (value)", True),
        ("pareto_k_above_0.7", "pareto_k_above_0x7", False),
    ],
)
def test_a_family_of_columns_has_its_members_and_no_others(name, column, matches):
    assert columns.number(name, "").matches(column) is matches


def test_what_a_run_writes_and_no_entry_describes_is_told():
    wrong, stale = described({"compare.csv": ["model", "elpd", "new"]})
    assert wrong == ["compare.csv, new: []"]
    assert "compare.csv, se" in stale


def test_the_dictionary_of_a_study_names_its_covariates_and_only_its_files():
    patients = contract.finished("patients", pd.DataFrame({"patient": ["1"], "size": [0.5], "stage": ["a"]}))
    covariates = {"size": {"label": "largest tumour", "unit": "cm"}}
    table = dictionary.listing(codebook.of_study(["joint"], covariates, patients))
    rows = table[table["file"] == "tables/patients.parquet"].set_index("column")
    assert rows.loc["size"].tolist() == ["tables/patients.parquet", "number", "cm", "covariate: largest tumour"]
    assert rows.loc["stage", ["type", "meaning"]].tolist() == ["text", "covariate: stage"]
    assert rows.loc["", ["type", "meaning"]].tolist() == ["table", "One row per patient"]
    assert "<covariate>" not in rows.index
    files = set(table["file"])
    assert "threshold/<model>.csv" in files
    assert not [f for f in files if f.startswith(("decision", "gvhd", "validation", "source", ".."))]
    assert pd.Series(table["meaning"]).str.len().min() > 0
