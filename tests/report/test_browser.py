"""The report in a real browser: works offline, on a phone, without JavaScript, for everybody."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from rlops.judge.record import Verdict
from rlops.report import render_html
from tests.report import samples
from tests.report.test_trust import HOSTILE, poisoned

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


PAGES: dict[str, Callable[[], Verdict]] = {
    **{name: lambda name=name: samples.situations()[name] for name in samples.situations()},
    "every word": lambda: samples.every_word(n_baseline=3, n_candidate=3, points=20),
    "one environment": lambda: samples.many(1, seeds=3, points=20),
    "sixty": lambda: samples.many(60, seeds=2, points=10),
}
LANDSCAPE_A4 = 1017
"""Pixels between margins of 14 mm."""
MODES = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 400, "height": 800}},
    "dark phone": {"color_scheme": "dark", "viewport": {"width": 400, "height": 800}},
    "print": {"color_scheme": "dark", "viewport": {"width": LANDSCAPE_A4, "height": 700}},
}


@pytest.mark.parametrize("kind", PAGES)
def test_every_situation_is_shown_to_everybody(browser: Browser, kind: str, tmp_path: Path) -> None:
    """In every mode: nothing asked of a network, nothing to scroll to the side, nothing that axe finds."""
    from axe_core_python.sync_playwright import Axe

    address, shown = saved(PAGES[kind](), tmp_path), {}
    for mode, how in MODES.items():
        context = browser.new_context(**how, bypass_csp=True)
        page = context.new_page()
        events = watched(page)
        if mode == "print":
            page.emulate_media(media="print")
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= how["viewport"]["width"], mode
        assert events == [], mode
        shown[mode] = page.locator("h1").inner_text()
        if mode != "print":
            found = Axe().run(page)["violations"]
            told = [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in found]
            assert told == [], mode
        context.close()
    assert len(set(shown.values())) == 1


def test_the_keyboard_reaches_and_opens_everything(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=True)
    page = context.new_page()
    page.goto(address)
    reached: list[str] = []
    for _ in range(200):
        page.keyboard.press("Tab")
        tag = page.evaluate("document.activeElement.tagName")
        if tag == "BODY":
            break
        reached.append(f"{tag} {page.evaluate('document.activeElement.textContent.trim().slice(0, 40)')}")
    links = page.locator("table.overview tbody th a").count()
    assert [item for item in reached if item.startswith("A ")][:links] == reached[:links], "the table comes first"
    section = page.locator("details.environment > summary").last
    assert not section.evaluate("element => element.parentElement.open")
    section.focus()
    page.keyboard.press("Enter")
    assert section.evaluate("element => element.parentElement.open")
    assert sum(item.startswith("SUMMARY") for item in reached) >= page.locator("details.environment").count()
    context.close()


def test_curves_in_small_are_drawn_of_those_in_large(browser: Browser, address: str) -> None:
    """They are the same lines, used twice; also where the section that has them is closed."""
    page = browser.new_page()
    page.goto(address)
    page.evaluate(
        "document.querySelectorAll('section[aria-labelledby=curves] details').forEach(e => { e.open = true })"
    )
    for name in ("Hopper-v3", "LunarLander-v3"):
        small = page.locator(f"ul.multiples a[href='#env-{name}'] use")
        box = small.evaluate("element => { const box = element.getBBox(); return [box.width, box.height] }")
        assert min(box) > 100, (name, box)
    page.close()


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
