"""The HTML report: complete, self-contained, well-formed, small."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rlops.judge.record import Curves, Verdict, Word, read_verdict
from rlops.report import render_html
from tests.report import samples
from tests.report.page import Page

GATE = {0: "passes", 1: "fails", 3: "is undecided", 4: "has runs missing", 5: "cannot judge"}
MOST_BYTES = 1_000_000


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    return samples.every_word()


@pytest.fixture(scope="module")
def page(verdict: Verdict) -> Page:
    return Page(render_html(verdict))


def table_names(page: Page) -> list[str]:
    """What the first column of the overview says."""
    return [e.text.strip() for e in page.all("a") if "th" in e.parents]


@pytest.mark.parametrize("word", list(Word))
def test_every_word_is_rendered_well_formed(word: Word) -> None:
    verdict = samples.sample(word, n_baseline=3, n_candidate=3)
    page = Page(render_html(verdict))
    assert verdict.sentence in page.one("h1").text
    assert page.all("title")[0].text == f"{verdict.sentence} · rlops"
    assert f"exit code {verdict.exit_code}" in page.one("header").text
    assert f"gate {GATE[verdict.exit_code]}, exit code {verdict.exit_code}" in page.one("header").text


def test_rows_are_the_environments_in_the_order_of_the_record(page: Page, verdict: Verdict) -> None:
    assert table_names(page) == [item.env_id for item in verdict.environments]


def test_a_note_stands_in_the_row_and_in_the_section(page: Page) -> None:
    note = "the two sides were trained for unequal budgets"
    assert [note in e.text for e in page.all("th", role="rowheader")].count(True) == 1
    assert page.one("p", class_="note").text == note


def test_every_word_is_counted_with_its_symbol(page: Page) -> None:
    counts = [e.text.strip() for e in page.elements if e.tag == "li" and "header" in e.parents]
    assert counts[0] == "▼ 1 regressed"
    assert [text.split(maxsplit=2)[2] for text in counts] == [
        "regressed",
        "failed",
        "not-comparable",
        "inconclusive",
        "improved",
        "equivalent",
        "identical",
    ]


def test_only_what_does_not_pass_is_open(page: Page) -> None:
    opened = ["open" in e.attributes for e in page.all("details", class_="environment")]
    assert opened == [True, True, True, True, False, False, False]


def test_ids_are_unique_and_inner_links_lead_somewhere(page: Page) -> None:
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    targets = {e.attributes["href"][1:] for e in page.all("a") if e.attributes["href"].startswith("#")}
    assert targets
    assert targets <= set(ids)


def test_nothing_is_loaded_and_nothing_runs(page: Page) -> None:
    loading = {"script", "link", "img", "iframe", "object", "embed", "audio", "video", "source", "form", "base"}
    assert [(e.tag, e.attributes) for e in page.elements if e.tag in loading] == [
        ("script", {"type": "application/json", "id": "verdict"})
    ]
    for element in page.elements:
        assert not [
            name for name in element.attributes if name.startswith("on") or name in {"src", "srcdoc", "xlink:href"}
        ]
    style = page.one("style").text
    assert "url(" not in style
    assert "@import" not in style
    policy = page.all("meta")[1]
    assert policy.attributes == {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    }


def test_every_seed_is_drawn(page: Page, verdict: Verdict) -> None:
    seeds = sum(len(b.seeds) for e in verdict.environments for b in (e.curves.baseline, e.curves.candidate) if b)
    assert (
        len([e for e in page.elements if e.tag == "path" and e.parents[-1] == "g" and not e.attributes.get("class")])
        == seeds
    )


def test_every_run_has_a_row_and_a_command(page: Page, verdict: Verdict) -> None:
    rows = [e for e in page.all("tr") if e.attributes.get("class", "").split()[:1] in (["baseline"], ["candidate"])]
    runs = [run for item in verdict.environments for run in item.runs]
    assert len(rows) == len(runs)
    printed = "".join(e.text for e in page.all("pre"))
    assert all(shlex.join(run.command) in printed for run in runs)
    assert "crashed, not counted: RuntimeError: CUDA error: out of memory" in rows[10].text


def test_only_what_differs_is_emphasised(page: Page) -> None:
    assert [e.text.split() for e in page.all("tr", class_="unequal")] == [["≠", "torch2.13.02.14.0"]]


def test_the_embedded_record_is_the_verdict(page: Page, verdict: Verdict) -> None:
    assert Verdict.model_validate(page.embedded()) == verdict


def test_the_printed_command_takes_the_record_out(verdict: Verdict, tmp_path: Path) -> None:
    html = render_html(verdict)
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    command = next(e.text for e in Page(html).all("pre") if "verdict.json" in e.text)
    arguments = shlex.split(command.split(" > ")[0])
    done = subprocess.run([sys.executable, *arguments[1:]], cwd=tmp_path, check=True, capture_output=True, text=True)
    (tmp_path / "verdict.json").write_text(done.stdout, encoding="utf-8")
    assert read_verdict(tmp_path / "verdict.json") == verdict


def test_twenty_environments_fit_into_a_megabyte() -> None:
    assert len(render_html(samples.many(20)).encode()) <= MOST_BYTES


def test_one_and_sixty_environments() -> None:
    for n in (1, 60):
        verdict = samples.many(n, seeds=2, points=10)
        assert len(table_names(Page(render_html(verdict)))) == n


def test_environments_with_equal_slugs_keep_their_own_sections() -> None:
    names = ("ALE/Pong-v5", "ALE-Pong-v5", "ALE Pong v5")
    environments = [samples.environment(name, Word.EQUIVALENT, n_baseline=2, n_candidate=2, points=5) for name in names]
    page = Page(render_html(samples.verdict(environments, Word.EQUIVALENT)))
    targets = [e.attributes["href"] for e in page.all("a") if e.attributes["href"].startswith("#env-")]
    assert targets == 2 * ["#env-ALE-Pong-v5", "#env-ALE-Pong-v5-2", "#env-ALE-Pong-v5-3"]  # the table, the curves


def bare(verdict: Verdict) -> Verdict:
    """The verdict with everything that may be missing missing."""
    fields = type(verdict.environments[0]).model_fields
    optional = {name: None for name, info in fields.items() if not info.is_required()}
    runs = tuple(
        run.model_copy(
            update={"final": None, "auc": None, "minutes": None, "url": None, "command": (), "why_not": None}
        )
        for run in verdict.environments[0].runs
    )
    first = verdict.environments[0].model_copy(update={**optional, "curves": Curves(steps=()), "runs": runs})
    side: dict[str, object] = {"git_commit": None, "git_dirty": None, "packages": {}, "machine": None, "python": None}
    return verdict.model_copy(
        update={
            "environments": (first,),
            "suite": None,
            "benchmark": None,
            "counts": {},
            "method": (),
            "findings": (),
            "baseline": verdict.baseline.model_copy(update=side),
            "candidate": verdict.candidate.model_copy(update=side),
            "cost": verdict.cost.model_copy(update={"cells_trained": None, "cells_known": None, "minutes": None}),
        }
    )


def test_what_is_missing_is_a_dash() -> None:
    page = Page(render_html(bare(samples.sample(Word.FAILED, others=0))))
    assert "None" not in page.one("main").text
    cells = [e.text.strip() for e in page.elements if e.tag == "td" and e.attributes.get("role") == "cell"]
    assert cells == ["✕ failed", "–", "–", "–", "", "–", "–", "10 + 3"]
    assert "No curve of either side" in page.one("main").text


def test_no_environment_at_all() -> None:
    page = Page(render_html(samples.sample(Word.FAILED).model_copy(update={"environments": ()})))
    assert table_names(page) == []


@pytest.mark.parametrize("missing", ["baseline", "candidate"])
def test_one_side_without_curves(missing: str) -> None:
    verdict = samples.sample(Word.FAILED, others=0)
    item = verdict.environments[0]
    item = item.model_copy(update={"curves": item.curves.model_copy(update={missing: None, "difference": None})})
    page = Page(render_html(verdict.model_copy(update={"environments": (item,), "profile": None})))
    other = "candidate" if missing == "baseline" else "baseline"
    assert f"Only the {other} has a curve." in [e.text for e in page.all("figcaption")]
    assert not [e for e in page.all("path") if e.attributes.get("class") == f"mean {missing}"]


def test_lower_is_better_is_said() -> None:
    verdict = samples.sample(Word.EQUIVALENT, others=0).model_copy(update={"direction": "lower-is-better"})
    assert "lower is better" in Page(render_html(verdict)).all("p", class_="hint")[0].text


def test_huge_numbers_are_drawn_inside_the_picture() -> None:
    environments = [samples.environment("Huge-v0", Word.EQUIVALENT, top=1e150, points=20)]
    item = environments[0].model_copy(update={"change": -1e12, "interval": (-1e300, 1e300), "margin": 1e200})
    html = render_html(samples.verdict([item], Word.REGRESSED))
    assert not re.search(r"\b(nan|inf)\b", html)
    page = Page(html)
    starts = [e.attributes["d"] for e in page.all("path") if e.attributes.get("d", "").startswith("M")]
    assert all(abs(float(number)) <= 600 for d in starts for number in re.findall(r"-?\d+(?:\.\d+)?", d))


def test_findings_are_worst_first_and_long_lists_are_folded() -> None:
    finding = samples.PACKAGES
    notes = [
        finding.model_copy(update={"kind": "constant-curve", "severity": "note", "detail": f"no {i}"})
        for i in range(12)
    ]
    verdict = samples.sample(Word.FAILED, others=0, n_baseline=2, n_candidate=2, points=5)
    page = Page(render_html(verdict.model_copy(update={"findings": (*notes, *samples.FINDINGS[Word.FAILED])})))
    assert [e.text for e in page.all("h3") if "article" in e.parents] == [
        "✕ failed: crashed-run",
        "⚠ warning: packages",
        "i note: constant-curve",
    ]
    assert "and 4 more" in [e.text for e in page.all("summary")]


def test_what_is_said_of_many_environments_is_said_once() -> None:
    verdict = samples.sample(Word.EQUIVALENT, n_baseline=2, n_candidate=2, points=5)
    same = [samples.PACKAGES.model_copy(update={"env_id": item.env_id}) for item in verdict.environments]
    page = Page(render_html(verdict.model_copy(update={"findings": tuple(same)})))
    said = [e.text for e in page.all("li") if "article" in e.parents]
    assert said == ["Hopper-v3, ALE/Breakout-v5, CartPole-v1: torch 2.13.0 → 2.14.0"]
    same = [samples.PACKAGES.model_copy(update={"env_id": f"Env-{i}"}) for i in range(40)]
    page = Page(render_html(verdict.model_copy(update={"findings": tuple(same)})))
    said = [e.text for e in page.all("li") if "article" in e.parents]
    assert said[0].startswith("40 environments: torch 2.13.0 → 2.14.0")
    assert "Env-39" in said[0]
