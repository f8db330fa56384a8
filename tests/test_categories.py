"""`snakemake --report`: figures and tables in the chapters of the dossier, each with a caption that renders."""

import ast
import re
from types import SimpleNamespace

import dossiers
import pytest
from docutils.core import publish_string
from jinja2 import Environment, StrictUndefined

from redose import report

RULES = sorted((dossiers.ROOT / "workflow" / "rules").glob("*.smk"))
SHOWN = [call for f in RULES for call in re.findall(r"report\(\n(.*?)\n\s+\),", f.read_text("utf-8"), re.DOTALL)]


def written(call: str, argument: str) -> str:
    return re.search(rf"^\s+{argument}=(.*),$", call, re.MULTILINE)[1]


def test_every_category_is_a_chapter():
    keys = {re.fullmatch(r'CHAPTERS\["(\w+)"\]', written(call, "category"))[1] for call in SHOWN}
    assert keys <= set(report.CHAPTERS)
    assert {"answer", "intervals", "hazards", "mrd", "gvhd", "decisions", "selection", "outlook", "checking"} <= keys


def test_categories_sort_in_the_order_of_the_chapters():
    text = (dossiers.ROOT / "workflow" / "rules" / "common.smk").read_text("utf-8")
    source = next(x for x in ast.parse(text).body if isinstance(x, ast.FunctionDef) and x.name == "chapters")
    scope = {"ast": ast, "PACKAGE": dossiers.ROOT / "src" / "redose"}
    exec(compile(ast.Module([source], []), "common.smk", "exec"), scope)
    found = scope["chapters"]()
    assert sorted(found.values()) == list(found.values())
    assert [title[3:] for title in found.values()] == list(report.CHAPTERS.values())


def test_every_entry_has_the_same_labels():
    """Otherwise a category has columns that stand empty."""
    assert {tuple(re.findall(r'"(\w+)":', written(call, "labels"))) for call in SHOWN} == {("study", "model", "shows")}


@pytest.mark.parametrize("name", sorted({written(call, "caption").strip('"').rpartition("/")[2] for call in SHOWN}))
def test_every_caption_renders_without_a_warning(name):
    text = (dossiers.ROOT / "workflow" / "report" / name).read_text("utf-8")
    config = dossiers.settings("s1", ["intervals"])
    given = SimpleNamespace(config=config, wildcards=SimpleNamespace(study="s1", model="intervals"))
    rest = Environment(undefined=StrictUndefined).from_string(text).render(snakemake=given)
    page = publish_string(rest, writer="html5", settings_overrides={"report_level": 1, "halt_level": 1})
    assert len(page) > 200
