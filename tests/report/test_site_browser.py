"""The site in a real browser: from file://, on a phone, without JavaScript, by keyboard, for everybody."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from rlops.report import render_html
from rlops.report.site import render_site
from tests.report import test_site
from tests.report.test_browser import WIDTHS, watched
from tests.report.test_trust import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAGES = ("index.html", "quick/index.html", "compare.html")


def saved(site: test_site.Site, folder: Path) -> str:
    """The address of the site's folder, with a report for every verdict that has one."""
    for name, text in render_site(site):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    report = render_html(test_site.sample(1, test_site.Word.EQUIVALENT))
    (folder / "reports").mkdir()
    for name in site.reports.values():
        (folder / name).write_text(report, encoding="utf-8")
    return folder.as_uri()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(test_site.small(), tmp_path_factory.mktemp("site"))


def test_every_link_can_be_followed_without_javascript_and_no_request_leaves(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    events = watched(page)
    followed = 0
    for name in PAGES:
        page.goto(f"{address}/{name}")
        targets = page.locator("a").evaluate_all("links => links.map(link => link.href)")
        for target in sorted(set(targets)):
            assert target.startswith(address)
            page.goto(target)
            assert page.title().count("·") == 1
            followed += 1
    assert followed >= 8
    assert events == []
    context.close()


@pytest.mark.parametrize("kind", ["small", "hostile", "long names"])
def test_the_pages_never_scroll_sideways(browser: Browser, kind: str, tmp_path: Path) -> None:
    sites = {"small": test_site.small, "hostile": lambda: test_site.poisoned(HOSTILE[0])}
    address = saved(sites.get(kind, lambda: test_site.poisoned("x" * 5000))(), tmp_path)
    page = browser.new_page()
    events = watched(page)
    for name in PAGES:
        page.goto(f"{address}/{name}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
    assert events == []
    page.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1200)])
def test_axe_finds_no_violations(
    browser: Browser, address: str, name: str, scheme: Literal["light", "dark"], width: int
) -> None:
    from axe_core_python.sync_playwright import Axe

    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{address}/{name}")
    violations = Axe().run(page)["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in violations] == []
    context.close()


def test_a_keyboard_gets_from_the_overview_to_a_report(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/index.html")
    texts = []
    for _ in range(12):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "[document.activeElement.innerText, getComputedStyle(document.activeElement).outlineStyle]"
        )
        texts.append(focused[0])
        assert focused[1] != "none", focused
        if focused[0] == "quick":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/quick/index.html")
    page.get_by_role("link", name="report", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/reports/*.html")
    assert texts[:2] == ["Benchmarks", "Compare run sets"]
    page.close()


def test_print_is_light_and_fits_the_paper(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 690, "height": 975}, color_scheme="dark")
    for name in PAGES:
        page.goto(f"{address}/{name}")
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("document.documentElement.scrollWidth") <= 690, name
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()
