"""The pages of the site: as somebody last looked at them, and whatever strangers call their things."""

import re
from datetime import date

import pytest

from rlops.judge import Verdict, history_entry, overall_levels, trends, verdict_id
from rlops.judge.record import Word
from rlops.report.site import Accepted, BenchmarkHistory, Comparison, Drift, Site, render_site
from tests.report import gold, samples
from tests.report.page import Page
from tests.report.test_trust import HOSTILE

ACCEPTED = Accepted(
    baseline="quick",
    env_id="Hopper-v3",
    before=2300.0,
    after=1600.0,
    reason="half the <memory>",
    author="Ada",
    accepted_on=date(2026, 1, 3),
    until=date(2026, 1, 4),
)


def sample(number: int, word: Word) -> Verdict:
    """One of a benchmark's verdicts; after the third its scores fall."""
    item = samples.environment("Hopper-v3", word, top=2300.0 if number < 4 else 1500.0, points=10, salt=number)
    verdict = samples.verdict([item], word)
    commit = f"{number}a2b3c4d5e6f60718293a4b5c6d7e8f900112233"
    side = verdict.candidate.model_copy(update={"git_commit": commit})
    moment = f"2026-01-{number:02d}T18:00:00+00:00"
    return verdict.model_copy(update={"benchmark": "quick", "candidate": side, "created_at": moment})


def site(verdicts: list[Verdict], accepted: tuple[Accepted, ...] = (), title: str = "Benchmarks") -> Site:
    entries = tuple(history_entry(one, "baseline", "git") for one in verdicts)
    drift = Drift("release", "quick", verdicts[-1])
    benchmark = BenchmarkHistory("quick", entries, trends(entries), overall_levels(entries), accepted, drift)
    reports = {verdict_id(one): f"reports/{verdict_id(one)}.html" for one in verdicts[-2:]}
    return Site(title, (benchmark,), ("quick", "release"), 1, (Comparison("release", "quick", verdicts[-1]),), reports)


WORDS = (Word.EQUIVALENT, Word.INCONCLUSIVE, Word.IMPROVED, Word.REGRESSED, Word.FAILED)


def small() -> Site:
    return site([sample(number, word) for number, word in enumerate(WORDS, start=1)], (ACCEPTED,))


@pytest.mark.parametrize("name", ["index.html", "quick/index.html", "compare.html"])
def test_pages_are_as_reviewed(name: str) -> None:
    page = re.sub(r"<style>.*?</style>", "<style>…</style>", dict(render_site(small()))[name], flags=re.DOTALL)
    gold.check(f"site-{name.replace('/', '-')}", page)


def test_the_files_of_a_site() -> None:
    names = [name for name, _ in render_site(small())]
    assert sorted(names) == ["compare.html", "index.html", "quick/badge.json", "quick/badge.svg", "quick/index.html"]


def test_the_rise_and_the_fall_are_change_points_and_the_accepted_loss_is_a_step() -> None:
    page = Page(dict(render_site(small()))["quick/index.html"])
    assert len(page.all("path", class_="cut")) == 2
    assert len(page.all("path", class_="level")) == 3
    assert len(page.all("path", class_="accepted")) == 1
    text = page.one("article", class_="over-time").text
    assert "▼ down 3a2b3c4..4a2b3c4 (2026-01-04)" in text
    assert "▲ up between the verdict of 2026-01-02 and 3a2b3c4 (2026-01-03)" in text, (
        "uncommitted changes have no commit"
    )
    assert "half the <memory>" in text
    assert len(page.all("circle", class_="dot")) == len(WORDS)


def test_only_reports_at_hand_are_linked() -> None:
    page = Page(dict(render_site(small()))["quick/index.html"])
    rows = [row.text for row in page.all("tr")]
    assert len(rows) == 1 + len(WORDS)
    links = [link for link in page.all("a") if "table" in link.parents]
    assert len(links) == 2


def test_old_verdicts_are_folded() -> None:
    many = site(
        [
            sample(number % 3 + 1, Word.EQUIVALENT).model_copy(update={"data_sha256": str(number)})
            for number in range(120)
        ]
    )
    page = Page(dict(render_site(many))["quick/index.html"])
    assert [summary.text for summary in page.all("summary")] == ["70 older"]
    assert len(page.all("tr")) == 2 + 120


def test_many_versions_are_a_line_without_dots() -> None:
    environment = sample(1, Word.EQUIVALENT)
    versions = []
    for number in range(101):
        side = environment.candidate.model_copy(update={"git_commit": f"{number:040x}"})
        (item,) = environment.environments
        runs = tuple(run.model_copy(update={"auc": float(number)}) for run in item.runs)
        update = {"candidate": side, "environments": (item.model_copy(update={"runs": runs}),)}
        versions.append(environment.model_copy(update={**update, "data_sha256": str(number)}))
    page = Page(dict(render_site(site(versions)))["quick/index.html"])
    assert not page.all("circle", class_="dot")
    assert len(page.all("path", class_="mean many")) == 1


def poisoned(text: str) -> Site:
    """A site with the text wherever text can come from outside."""
    verdicts = []
    for number, word in enumerate(WORDS, start=1):
        verdict = sample(number, word)
        item = verdict.environments[0].model_copy(update={"env_id": text, "note": text})
        sides = {"reference": text, "git_commit": text}
        update = dict.fromkeys(("sentence", "benchmark", "metric", "created_at"), text)
        sides_of = {name: getattr(verdict, name).model_copy(update=sides) for name in ("baseline", "candidate")}
        verdicts.append(verdict.model_copy(update={**update, **sides_of, "environments": (item,)}))
    accepted = Accepted(text, text, 2300.0, 1600.0, text, text, date(2026, 1, 3), date(2026, 1, 4))
    return site(verdicts, (accepted,), title=text)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_names_of_strangers_are_text(text: str) -> None:
    harmless, rendered = dict(render_site(poisoned("harmless"))), dict(render_site(poisoned(text)))
    for name, content in rendered.items():
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2066-\u2069]", content), name
        if name.endswith(".html"):
            expected, page = Page(harmless[name]), Page(content)
            assert [(e.tag, e.attributes.keys()) for e in page.elements] == [
                (e.tag, e.attributes.keys()) for e in expected.elements
            ]
            assert not any(e.attributes.get("href", "").startswith("javascript") for e in page.elements)


@pytest.mark.parametrize("name", ["index.html", "quick/index.html", "compare.html"])
def test_nothing_comes_from_outside(name: str) -> None:
    page = Page(dict(render_site(small()))[name])
    content = [e.attributes["content"] for e in page.all("meta") if e.attributes.get("http-equiv")]
    assert content == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert not {"script", "img", "link", "iframe", "object"} & {e.tag for e in page.elements}
    assert not re.search(r"https?://", page.source)


def test_one_verdict_is_a_site() -> None:
    pages = dict(render_site(site([sample(1, Word.EQUIVALENT)])))
    page = Page(pages["quick/index.html"])
    assert len(page.all("circle", class_="dot")) == 1
    assert not page.all("path", class_="cut")
    assert 'class="spark' not in pages["index.html"]
