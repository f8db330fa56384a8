"""The dossier in a browser: opened from disk, quiet, sorted, searched, pointed at, read aloud, printed."""

import dossiers
import pytest
from browser import needs_chromium, opened, pages, violations, wake

pytestmark = needs_chromium
KINDS = ["ill", "joint"]


@pytest.fixture(scope="module")
def folders(dossier_of) -> dict:
    """Folders with dossier and answer; names in them are as bad as they come."""
    return {kind: dossier_of(kind)[2] for kind in ("ill", "joint", "hopeless")}


@pytest.mark.parametrize(("which", "alive"), [("ill", 2), ("joint", 4), ("hopeless", 1)])
def test_the_page_is_quiet_and_its_figures_come_alive(folders, which, alive):
    with opened(folders[which] / "report.html") as (page, faults):
        assert wake(page) == alive
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")  # nothing sticks out
        assert page.locator("img[src=x]").count() == 0
        assert faults == []


def test_tables_sort_by_mouse_and_keyboard(folders):
    with opened(folders["joint"] / "report.html") as (page, faults):
        table = page.locator("table", has_text="The study by arm")
        heading = table.get_by_role("button", name="infusions")
        column = 1 + [h.text_content() for h in table.locator("thead th").all()].index("progressions")
        table.get_by_role("button", name="progressions").click()
        up = table.locator(f"tbody td:nth-child({column})").all_text_contents()
        table.get_by_role("button", name="progressions").press("Enter")
        down = table.locator(f"tbody td:nth-child({column})").all_text_contents()
        assert [int(x) for x in up] == sorted(int(x) for x in up)
        assert down == up[::-1] != up
        assert table.locator("thead th").nth(column - 1).get_attribute("aria-sort") == "descending"
        assert heading.count() == 1
        assert faults == []


def test_a_patient_is_found_by_a_part_of_its_key_and_shown_as_text(folders):
    with opened(folders["joint"] / "report.html") as (page, faults):
        box = page.locator(".explorer")
        assert box.locator(".status").text_content().startswith("Patient 1 of 6")  # in words, before anything is drawn
        wake(page)
        box.get_by_label("Patient", exact=True).fill("onerror")
        box.get_by_role("button", name="Show").click()
        assert dossiers.EVIL in box.locator(".status").text_content()
        assert "Nothing lies ahead to be foretold: progressed." in box.locator("ul").text_content()
        box.get_by_role("button", name="Next").click()
        assert box.locator(".status").text_content() == "Patient 2 of 6: 002"
        assert "Next test on day 456, the first day" in box.locator("ul").text_content()
        box.get_by_label("Patient", exact=True).fill("五")
        box.get_by_label("Patient", exact=True).press("Enter")
        assert box.locator(".status").text_content().endswith("患者五")
        box.get_by_label("Patient", exact=True).fill("nobody")
        box.get_by_role("button", name="Show").click()
        assert box.locator(".status").text_content() == 'No patient\'s key holds "nobody".'
        assert page.locator("img[src=x]").count() == 0
        assert faults == []


def test_pointing_at_the_surface_says_what_the_cell_is(folders):
    with opened(folders["joint"] / "report.html") as (page, faults):
        wake(page)
        box = page.locator("[data-kind=surface]").first
        box.scroll_into_view_if_needed()
        area = box.locator(".nsewdrag").first.bounding_box()
        page.mouse.move(area["x"] + area["width"] * 0.1, area["y"] + area["height"] * 0.1)
        page.mouse.move(area["x"] + area["width"] * 0.12, area["y"] + area["height"] * 0.12)
        said = box.locator(".hoverlayer .hovertext")
        said.wait_for()
        assert "P(best of all regimes)" in said.text_content()
        assert "quality-adjusted days" in said.text_content()
        box.get_by_label("Show").select_option("infusions")
        page.mouse.move(area["x"] + area["width"] * 0.5, area["y"] + area["height"] * 0.5)
        page.wait_for_function(
            "text => document.querySelector('.hoverlayer .hovertext')?.textContent.includes(text)",
            arg="infusions a patient",
        )
        assert faults == []


@pytest.mark.parametrize(
    ("which", "name", "scheme"),
    [("ill", "report", "light"), ("joint", "report", "dark"), ("joint", "answer", "light"), ("ill", "answer", "dark")],
)
def test_axe_finds_no_serious_violation(folders, which, name, scheme):
    with opened(folders[which] / f"{name}.html", scheme) as (page, _):
        wake(page)
        assert violations(page) == []


@pytest.mark.parametrize("which", KINDS)
def test_the_dossier_prints_and_the_answer_fits_one_page(folders, which):
    with opened(folders[which] / "report.html") as (page, faults):
        assert pages(page.pdf(prefer_css_page_size=True)) > 5
        assert faults == []
    with opened(folders[which] / "answer.html") as (page, faults):
        assert pages(page.pdf(prefer_css_page_size=True)) == 1
        assert faults == []


def test_a_narrow_screen_needs_no_sideways_scrolling(folders):
    with opened(folders["joint"] / "report.html", width=420) as (page, _):
        wake(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
