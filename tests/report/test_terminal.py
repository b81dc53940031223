"""The verdict on a terminal: sentence first, next step last, within its width."""

import subprocess
import sys

import pytest

from rlops.judge.record import Word
from rlops.report import render_terminal
from tests.report import samples
from tests.report.test_html import bare


@pytest.mark.parametrize("word", list(Word))
@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_only_commands_are_wider_than_the_terminal(word: Word, width: int) -> None:
    verdict = samples.sample(word, n_baseline=3, n_candidate=3, points=5)
    lines = render_terminal(verdict, width=width, color=False).splitlines()
    assert all(len(line) <= width for line in lines if not line.startswith("  rlops "))
    assert lines[0].startswith(verdict.sentence[:5], 2)


def test_a_command_is_the_last_line_in_one_piece() -> None:
    verdict = samples.sample(Word.INCONCLUSIVE)
    assert render_terminal(verdict, width=30, color=False).endswith(f"\n  {verdict.next_step.command}\n")


@pytest.mark.parametrize("width", [80, 120])
def test_rows_are_the_environments_in_the_order_of_the_record(width: int) -> None:
    verdict = samples.every_word()
    lines = render_terminal(verdict, width=width, color=False).splitlines()
    names = [item.env_id for item in verdict.environments]
    rows = [line.split()[0] for line in lines if line.split() and line.split()[0] in names]
    assert rows == names


def test_notes_follow_the_table() -> None:
    shown = render_terminal(samples.every_word(), width=100, color=False)
    assert "\nALE/Breakout-v5: the two sides were trained for unequal budgets\n" in shown


def test_colour_changes_nothing_but_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = samples.every_word()
    plain = render_terminal(verdict, width=100, color=False)
    for variable in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.setenv(variable, "7" if variable == "COLUMNS" else "dumb")
    coloured = render_terminal(verdict, width=100, color=True)
    assert "\x1b[" in coloured
    assert render_terminal(verdict, width=100, color=False) == plain
    from rich.text import Text

    uncoloured = Text.from_ansi(coloured).plain
    assert [line.rstrip() for line in uncoloured.splitlines()] == plain.splitlines()


def test_many_findings_of_one_kind_are_cut() -> None:
    verdict = samples.many(60, seeds=2, points=5)
    finding = verdict.findings[-1]
    many = [finding.model_copy(update={"detail": f"detail {i}"}) for i in range(40)]
    shown = render_terminal(verdict.model_copy(update={"findings": many}), width=100, color=False)
    assert "and 35 more in the report" in shown


def test_what_is_said_of_many_environments_is_said_once() -> None:
    verdict = samples.many(60, seeds=2, points=5)
    same = [verdict.findings[-1].model_copy(update={"env_id": f"Env-{i}"}) for i in range(40)]
    shown = render_terminal(verdict.model_copy(update={"findings": same}), width=100, color=False)
    assert shown.count("CUDA error") == 1
    assert "Env-0, Env-1, Env-2, Env-3, Env-4 and 35 more" in shown


def test_what_is_missing_is_a_dash() -> None:
    shown = render_terminal(bare(samples.sample(Word.FAILED, others=0)), width=120, color=False)
    assert "None" not in shown
    assert "Hopper-v3    ✕ failed" in shown


def test_importing_the_wing_imports_no_renderer() -> None:
    code = "import sys, rlops.report; print(sorted({'jinja2', 'rich'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
