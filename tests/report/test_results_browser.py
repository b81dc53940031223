"""The page of published results in a real browser: offline, on a phone, on paper, for everybody."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from rlops.judge.results_record import Results
from rlops.report.results import render_results_html
from tests.report.results_samples import poisoned, sample
from tests.report.test_browser import WIDTHS, watched
from tests.report.test_trust import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def saved(record: Results, folder: Path) -> str:
    path = folder / "results.html"
    path.write_text(render_results_html(record), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("kind", ["three run sets", "hostile", "long names"])
def test_no_request_no_error_no_sideways_scrolling(browser: Browser, kind: str, tmp_path: Path) -> None:
    records = {
        "three run sets": sample,
        "hostile": lambda: poisoned(HOSTILE[0]),
        "long names": lambda: poisoned("x" * 5000),
    }
    page = browser.new_page()
    events = watched(page)
    page.goto(saved(records[kind](), tmp_path))
    page.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true })")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    assert events == []
    page.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1200)])
def test_axe_finds_no_violations(
    browser: Browser, scheme: Literal["light", "dark"], width: int, tmp_path: Path
) -> None:
    from axe_core_python.sync_playwright import Axe

    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.goto(saved(sample(), tmp_path))
    page.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true })")
    violations = Axe().run(page)["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in violations] == []
    context.close()


def test_everything_can_be_read_without_javascript(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(saved(sample(), tmp_path))
    assert page.locator("svg.panel").first.is_visible()
    page.get_by_text("Scores, steps and speed").click()
    page.locator("table.all").wait_for(state="visible")
    context.close()


def test_print_is_light_and_fits_the_paper(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 690, "height": 975}, color_scheme="dark")
    page.goto(saved(sample(), tmp_path))
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 690
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()
