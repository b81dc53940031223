"""One gold file per situation, of the HTML and of the terminal; tests/report/gold.py says how to renew them."""

import re

import pytest

from rlops.judge.record import Word
from rlops.report import render_html, render_terminal
from tests.report import gold, samples

SITUATIONS = [Word.REGRESSED, Word.EQUIVALENT, Word.INCONCLUSIVE, Word.FAILED, Word.NOT_COMPARABLE]


def scrubbed(page: str) -> str:
    """Without the two parts that are files of their own: the style sheet and the record."""
    page = re.sub(r"<style>.*?</style>", "<style>…</style>", page, flags=re.DOTALL)
    return re.sub(r'(<script type="application/json" id="verdict">).*?(</script>)', r"\1…\2", page, flags=re.DOTALL)


@pytest.mark.parametrize("word", SITUATIONS)
def test_html_is_as_reviewed(word: Word) -> None:
    verdict = samples.sample(word, others=1, n_baseline=4, n_candidate=3, points=20)
    gold.check(f"{word}.html", scrubbed(render_html(verdict)))


@pytest.mark.parametrize("word", SITUATIONS)
def test_terminal_is_as_reviewed(word: Word) -> None:
    verdict = samples.sample(word, others=1, n_baseline=4, n_candidate=3, points=20)
    gold.check(f"{word}.txt", render_terminal(verdict, width=100, color=False))


def test_a_changed_rendering_fails_without_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RLOPS_RENEW_GOLD", raising=False)
    with pytest.raises(AssertionError, match="RLOPS_RENEW_GOLD=1"):
        gold.check("regressed.txt", "something else\n")
