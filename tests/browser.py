"""Pages opened from disk in headless Chromium, with an ear for whatever a page should not do."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH")
SERIOUS = {"serious", "critical"}
PATIENCE = 60_000  # milliseconds; machines are shared


@contextmanager
def opened(path: Path, scheme: str = "light", width: int = 1280) -> Iterator[tuple[Page, list[str]]]:
    """(page, faults): the page at `path`, and what it said on the console, threw, or asked of anybody beside itself."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.set_default_timeout(PATIENCE)
        page, faults, address = context.new_page(), [], path.resolve().as_uri()
        page.on("console", lambda m: faults.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith((address, "data:")) else faults.append(r.url))
        page.goto(address)
        yield page, faults
        chromium.close()


def wake(page: Page) -> int:
    """Scrolls to every interactive figure and waits until it is drawn; how many there are."""
    boxes = page.locator(".interactive").all()
    for box in boxes:
        box.scroll_into_view_if_needed()
        box.locator(".main-svg").first.wait_for()
        page.wait_for_function("box => box.dataset.ready === 'yes'", arg=box.element_handle())
    return len(boxes)


def violations(page: Page) -> list[str]:
    """Serious violations of accessibility that axe-core finds, each with its first place."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found if v["impact"] in SERIOUS]


def pages(pdf: bytes) -> int:
    """Number of pages of a printed page."""
    assert pdf.startswith(b"%PDF")
    return pdf.count(b"/Type /Page\n")
