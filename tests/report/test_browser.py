"""The report in a real browser: works offline, on a phone, without JavaScript, for everybody."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import Browser, Page

from rlops.judge.record import Verdict
from rlops.report import render_html
from tests.report import samples
from tests.report.test_trust import HOSTILE, poisoned

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

WIDTHS = (320, 400, 700, 992, 993, 1119, 1200)


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    return samples.every_word(n_baseline=3, n_candidate=3, points=20)


@pytest.fixture(scope="module")
def address(verdict: Verdict, tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(verdict, tmp_path_factory.mktemp("report"))


def saved(verdict: Verdict, folder: Path) -> str:
    path = folder / "report.html"
    path.write_text(render_html(verdict), encoding="utf-8")
    return path.as_uri()


def watched(page: Page) -> list[str]:
    """What must not happen while the page is used."""
    events: list[str] = []
    page.on("console", lambda message: events.append(f"console {message.type}: {message.text}"))
    page.on("pageerror", lambda error: events.append(f"error: {error}"))
    page.on("dialog", lambda dialog: events.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: None if request.url.startswith("file://") else events.append(request.url))
    return events


def test_no_errors_no_requests_and_all_rows(browser: Browser, address: str, verdict: Verdict) -> None:
    page = browser.new_page()
    events = watched(page)
    page.goto(address)
    rows = page.locator("table.overview tbody th a").all_inner_texts()
    assert rows == [item.env_id for item in verdict.environments]
    assert page.title() == f"{verdict.sentence} · rlops"
    assert events == []
    page.close()


@pytest.mark.parametrize("kind", ["every word", "sixty", "hostile", "long names"])
def test_the_page_never_scrolls_sideways(browser: Browser, kind: str, tmp_path: Path) -> None:
    verdicts: dict[str, Callable[[], Verdict]] = {
        "every word": samples.every_word,
        "sixty": lambda: samples.many(60, seeds=2, points=10),
        "hostile": lambda: poisoned(HOSTILE[0]),
        "long names": lambda: poisoned("x" * 5000),
    }
    page = browser.new_page()
    events = watched(page)
    page.goto(saved(verdicts[kind](), tmp_path))
    page.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true })")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    assert events == []
    page.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1200)])
def test_axe_finds_no_violations(browser: Browser, address: str, scheme: Literal["light", "dark"], width: int) -> None:
    from axe_core_python.sync_playwright import Axe

    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true })")
    violations = Axe().run(page)["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in violations] == []
    context.close()


def test_a_link_opens_its_closed_section_without_javascript(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    events = watched(page)
    page.goto(address)
    section = page.locator("#env-LunarLander-v3")
    assert not section.is_visible()
    page.get_by_role("link", name="LunarLander-v3").first.click()
    section.wait_for(state="visible")
    assert page.locator("svg.plot").first.is_visible()
    assert events == []
    context.close()


def test_print_is_light_and_fits_the_paper(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 690, "height": 975}, color_scheme="dark")
    page.goto(address)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 690
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()
