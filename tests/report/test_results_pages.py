"""The page of published results as HTML, Markdown and terminal: as reviewed, complete, and harmless."""

import re

import pytest

from rlops.judge import Entry
from rlops.judge.results_record import Results
from rlops.report.results import render_results_html, render_results_markdown, render_results_terminal
from tests.curve_sets import run_set
from tests.report import github_markdown as github
from tests.report import gold
from tests.report.page import Page
from tests.report.results_samples import poisoned, published, sample
from tests.report.test_gold import scrubbed
from tests.report.test_trust import HOSTILE

FIGURES = [(name, f"my figures/{name}.svg") for name in ("curves", "aggregates", "sample_efficiency", "profile")]


def test_html_is_as_reviewed() -> None:
    page = scrubbed(render_results_html(sample()))
    gold.check("results.html", re.sub(r'(id="results">).*?(</script>)', r"\1…\2", page, flags=re.DOTALL))


def test_markdown_is_as_reviewed() -> None:
    gold.check("results.md", render_results_markdown(sample(), FIGURES))


def test_many_run_sets_are_lines_and_not_columns() -> None:
    names = [f"version {number}" for number in range(9)]
    sets = [run_set({"A-v1": 100.0 + number, "B-v1": 50.0}, range(1, 4), draw=number) for number in range(9)]
    record = published([Entry(name, runs, "m") for name, runs in zip(names, sets, strict=True)])
    scores, everything = render_results_markdown(record).split("## All environments")
    assert "| run set | A-v1 | B-v1 |\n" in scores
    lines = [line for line in scores.splitlines() if line.startswith("| version")]
    first = record.environments[0].scores
    assert [line.split(" | ")[0].strip("| ") for line in lines] == names
    assert [float(line.split(" | ")[1].split()[0]) for line in lines] == pytest.approx(
        [one.mean.value for one in first], abs=0.06
    )
    assert "|  | IQM | mean | median | optimality gap | P(better) |\n" in everything
    assert "- IQM: mean of the middle half" in everything


def test_terminal_is_as_reviewed() -> None:
    gold.check("results.txt", render_results_terminal(sample(), width=100, color=False))


def test_html_is_one_file_with_the_record_in_it() -> None:
    record = sample()
    source = render_results_html(record)
    page = Page(source)
    assert not [e for e in page.elements if {"src", "srcset"} & e.attributes.keys()]
    assert "://" not in re.sub(r'href="https://wandb\.ai[^"]*"', "", scrubbed(source).split('id="results">')[0])
    assert (
        page.one("meta", **{"http-equiv": "Content-Security-Policy"})
        .attributes["content"]
        .startswith("default-src 'none'")
    )
    assert Results.model_validate_json(page.one("script", id="results").text) == record


def test_every_environment_and_run_set_is_on_the_page() -> None:
    record = sample()
    page = Page(render_results_html(record))
    cards = page.all("article", class_="card")
    for card, item in zip(cards, record.environments, strict=True):
        assert item.env_id in card.text
        assert all(run_set.label in card.text for run_set in record.run_sets)
    assert "3 of 4" in cards[0].text
    assert "killed by SIGKILL" in Page(render_results_html(record)).one("main").text
    assert [e.attributes["href"] for e in page.all("a") if e.attributes["href"].startswith("http")] == [
        "https://wandb.ai/a/b/runs/c"
    ]


def test_drawings_have_names_for_those_who_do_not_see_them() -> None:
    page = Page(render_results_html(sample()))
    panels = page.all("svg", class_="panel")
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    # three environments, five numbers for all of them, two curves of shares
    assert len(panels) == 3 + 5 + 2
    assert all(panel.attributes["aria-labelledby"] in ids for panel in panels)


def test_sixty_environments_are_a_page_of_reasonable_size() -> None:
    assert len(render_results_html(sample(seeds=10, environments=60)).encode()) < 3_000_000


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_html_stays_what_it_is(text: str) -> None:
    harmless, page = Page(render_results_html(poisoned("harmless"))), Page(render_results_html(poisoned(text)))
    assert [e.tag for e in page.elements] == [e.tag for e in harmless.elements]
    for element, expected in zip(page.elements, harmless.elements, strict=True):
        assert element.attributes.keys() == expected.attributes.keys()
        assert not element.attributes.get("href", "#").startswith("javascript")


@pytest.mark.parametrize("text", HOSTILE)
def test_html_shows_no_control_characters_and_keeps_the_record(text: str) -> None:
    html = render_results_html(poisoned(text))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2066-\u2069]", html)
    assert Results.model_validate_json(Page(html).one("script", id="results").text) == poisoned(text)


@pytest.mark.parametrize("text", [text for text in HOSTILE if 0 < len(text) < 60])
def test_markdown_stays_what_it_is(text: str) -> None:
    markdown = render_results_markdown(poisoned(text))
    assert github.shape(markdown) == github.shape(render_results_markdown(poisoned("harmless")))
    assert not github.activities(markdown)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2028\u2066-\u2069]", markdown)


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("text", HOSTILE)
def test_the_terminal_gets_only_our_colours(text: str, color: bool) -> None:
    shown = render_results_terminal(poisoned(text), width=80, color=color)
    rest = re.sub(r"\x1b\[(0|1|2|31|33|39|1;31)m", "", shown)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2066-\u2069]", rest)
    assert color or "\x1b" not in shown
