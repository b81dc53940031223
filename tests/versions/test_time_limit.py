"""A gate whose time is over says what is proven, which may be nothing, and the same command goes on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlops import gate as gate_module
from rlops.judge import Word
from rlops.training import Launching
from tests.versions.quick import Gate, hurry, kinds, make, of_kind, on_branch, trainer, words
from tests.versions.test_looks import ENVIRONMENTS, FRESH, LOOKING, STORED, TWINS


@pytest.fixture
def looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    hurry(monkeypatch, tmp_path)
    return Gate(make(tmp_path / "repository", LOOKING), [])


def over_at_fill(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is over when so many grids have been filled: 1 Stage 0, 2 the first look, 3 what comes then."""
    filled = 0
    train = gate_module.train

    def limited(workspace: Any, grids: Any, watchers: Any, launching: Launching) -> Any:
        nonlocal filled
        filled += 1
        return train(workspace, grids, watchers, replace(launching, until=0.0) if filled == number else launching)

    monkeypatch.setattr(gate_module, "train", limited)


@pytest.mark.parametrize("fills", [1, 2])
def test_before_the_first_look_nothing_is_judged(fills: int, looking: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    on_branch(looking, trainer("100.01 + noise"))
    with monkeypatch.context() as patch:
        over_at_fill(fills, patch)
        verdict, started = looking("branch")
    assert (verdict.verdict, verdict.exit_code) == (Word.INCONCLUSIVE, 3)
    assert verdict.sentence == "Inconclusive: the time limit came before anything could be judged"
    assert started == (0 if fills == 1 else 2 * ENVIRONMENTS * TWINS)
    left = 2 * ENVIRONMENTS * TWINS if fills == 1 else ENVIRONMENTS * (STORED + 1)
    (finding,) = of_kind(verdict, "out-of-time")
    assert finding.detail.startswith(f"the time limit came before the answer: {left} cells were still to be trained")
    assert verdict.next_step.text == f"the same command goes on: {left} cells more to the next look"
    assert verdict.next_step.command == verdict.command
    assert (verdict.next_step.minutes is None) == (fills == 1), "nothing tells before anything was trained"
    assert words(verdict) == {"A-v0": "inconclusive", "B-v0": "inconclusive"}
    again, more = looking("branch")
    assert again.verdict is Word.EQUIVALENT
    assert started + more == ENVIRONMENTS * (STORED + TWINS + 5), "what had ended is not trained again"


def test_after_a_look_its_answer_stands_as_an_open_question(looking: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    on_branch(looking, trainer("100.01 + noise"))
    over_at_fill(3, monkeypatch)
    verdict, _ = looking("branch")
    assert (verdict.verdict, verdict.exit_code, verdict.policy.look) == (Word.INCONCLUSIVE, 3, 1)
    (finding,) = of_kind(verdict, "out-of-time")
    assert finding.detail.endswith("4 cells were still to be trained; this is what look 1 of 2 has shown")
    assert all(item.n_candidate == 3 and item.change is not None for item in verdict.environments)


def test_a_regression_that_nobody_could_ask_again_is_not_said(looking: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    on_branch(looking, trainer("(40 if env_id == 'A-v0' else 100.01) + noise"))
    with monkeypatch.context() as patch:
        over_at_fill(3, patch)
        verdict, _ = looking("branch")
    assert (verdict.verdict, verdict.exit_code) == (Word.INCONCLUSIVE, 3)
    assert words(verdict) == {"A-v0": "inconclusive", "B-v0": "inconclusive"}
    (note,) = [item.note for item in verdict.environments if item.env_id == "A-v0"]
    assert note is not None
    assert note.startswith("worse, as it seems")
    again, more = looking("branch")
    assert (again.verdict, more) == (Word.REGRESSED, FRESH)


def test_a_policy_may_let_open_questions_pass(looking: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    looking.repository.commit(
        "lenient", **{"benchmarks/own.toml": LOOKING.replace("[policy]", "[policy]\ninconclusive = 0")}
    )
    on_branch(looking, trainer("100.01 + noise"))
    over_at_fill(1, monkeypatch)
    verdict, _ = looking("branch")
    assert (verdict.verdict, verdict.exit_code) == (Word.INCONCLUSIVE, 0)
    assert "out-of-time" in kinds(verdict)


def test_what_a_change_does_to_its_own_gate_is_said_all_the_same(
    looking: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    looser = LOOKING.replace("[policy]", "[margins]\nscale_fraction = 0.9\n[policy]")
    looking.repository.git("checkout", "--quiet", "-b", "branch")
    looking.repository.commit("looser", **{"train.py": trainer("100.01 + noise"), "benchmarks/own.toml": looser})
    over_at_fill(1, monkeypatch)
    verdict, _ = looking("branch")
    assert verdict.verdict is Word.INCONCLUSIVE
    assert {"changed-gate", "out-of-time"} <= set(kinds(verdict))
