"""Names, configurations, logs and commands come from anywhere: nothing in them may act."""

import re

import pytest

from rlops.judge.record import FailureRecord, Finding, NextStep, Verdict, Word
from rlops.report import render_html, render_terminal
from tests.report import samples
from tests.report.page import Page

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "\"' onmouseover='alert(1)' x=\"",
    "</title></style><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "[bold red]markup[/] [link=javascript:alert(1)]x[/link]",
    "\x1b[31mred\x1b[0m\x1b]8;;https://evil.example\x07link\x1b]8;;\x07\x1b[2J\x9b31m",
    "null\x00bell\x07back\x08del\x7fc1\x85",
    "right\u202eto left\u2066 hidden\u200b \u2028line",
    "javascript:alert(1)",
    "x" * 5000,
    "&lt;b&gt;&amp;",
    "",
    "line one\nline two\r\nline three",
]


def poisoned(text: str) -> Verdict:
    """A verdict with the text wherever text can come from outside."""
    verdict = samples.sample(Word.FAILED, others=0, n_baseline=2, n_candidate=3, points=5)
    item = verdict.environments[0]
    url = "javascript:alert(1)//" + text
    run = {"state": text, "why_not": text, "url": url, "command": ("python", text)}
    runs = tuple(r.model_copy(update=run) for r in item.runs)
    item = item.model_copy(update={"env_id": text, "note": text, "runs": runs})
    side = {"reference": text, "git_commit": text, "machine": text, "python": text, "packages": {text: text}}
    texts = {"sentence", "benchmark", "metric", "step", "data_sha256", "command", "rlops_version", "created_at"}
    return verdict.model_copy(
        update={
            **dict.fromkeys(texts, text),
            "environments": (item,),
            "baseline": verdict.baseline.model_copy(update=side),
            "candidate": verdict.candidate.model_copy(update={**side, "packages": {text: text + "!"}}),
            "policy": verdict.policy.model_copy(update={"smallest_loss": text}),
            "findings": tuple(
                Finding(kind=text, severity=severity, detail=text, env_id=env_id, seeds=(1,))
                for severity in ("note", "not-comparable")
                for env_id in (text, None, "another")
            ),
            "failures": (FailureRecord(label=text, why=text, log_tail=text),),
            "next_step": NextStep(text=text, command=text, minutes=1.0),
            "method": (text,),
        }
    )


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_html_stays_what_it_is(text: str) -> None:
    harmless, page = Page(render_html(poisoned("harmless"))), Page(render_html(poisoned(text)))
    assert [e.tag for e in page.elements] == [e.tag for e in harmless.elements]
    for element, expected in zip(page.elements, harmless.elements, strict=True):
        assert element.attributes.keys() == expected.attributes.keys()
        assert not element.attributes.get("href", "#").startswith("javascript")


@pytest.mark.parametrize("text", HOSTILE)
def test_html_shows_no_control_characters(text: str) -> None:
    html = render_html(poisoned(text))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2066-\u2069]", html)
    html.encode("utf-8")


@pytest.mark.parametrize("text", HOSTILE)
def test_the_embedded_record_survives(text: str) -> None:
    verdict = poisoned(text)
    assert Verdict.model_validate(Page(render_html(verdict)).embedded()) == verdict


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("text", HOSTILE)
def test_the_terminal_gets_only_our_colours(text: str, color: bool) -> None:
    shown = render_terminal(poisoned(text), width=80, color=color)
    assert set(re.findall(r"\x1b[^m]*m", shown)) <= {
        f"\x1b[{code}m" for code in ("0", "1", "2", "1;31", "31", "32", "33", "39")
    }
    rest = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2066-\u2069]", rest)
    assert color or "\x1b" not in shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://wandb.ai/team/project/runs/a1", True),
        ("http://localhost:8080/runs/1?x=y&z=1", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("data:text/html,<script>alert(1)</script>", False),
        ("//evil.example/x", False),
        ("file:///etc/passwd", False),
        ("https://x.example/\njavascript:alert(1)", False),
        ('https://x.example/" onclick="alert(1)', False),
        ("https://user:password@x.example/", False),
    ],
)
def test_only_web_addresses_are_links(url: str, shown: bool) -> None:
    verdict = samples.sample(Word.EQUIVALENT, others=0, n_baseline=2, n_candidate=2, points=5)
    item = verdict.environments[0]
    runs = tuple(run.model_copy(update={"url": url}) for run in item.runs)
    item = item.model_copy(update={"runs": runs})
    page = Page(render_html(verdict.model_copy(update={"environments": (item,)})))
    links = [e.attributes["href"] for e in page.all("a") if not e.attributes["href"].startswith("#")]
    assert links == ([url] * 4 if shown else [])
