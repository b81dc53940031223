"""Annotations: the sentence first, no louder than the verdict, never more than asked for."""

import re

import pytest

from rlops.judge.record import Verdict, Word
from rlops.report import annotations
from tests.report import gold, samples

SITUATIONS = samples.situations()


def levels(commands: list[str]) -> list[str]:
    return [re.match(r"::(\w+) ", command)[1] for command in commands]  # type: ignore[index]


@pytest.mark.parametrize("name", SITUATIONS)
def test_annotations_are_as_reviewed(name: str) -> None:
    gold.check(f"{name}.annotations.txt", "\n".join(annotations(SITUATIONS[name])) + "\n")


def test_the_shortened_annotations_are_as_reviewed() -> None:
    gold.check("truncated.annotations.txt", "\n".join(annotations(samples.crowded())) + "\n")


@pytest.mark.parametrize("verdict", SITUATIONS.values(), ids=SITUATIONS)
def test_the_sentence_and_the_next_step_come_first(verdict: Verdict) -> None:
    first = annotations(verdict)[0]
    assert verdict.sentence in first
    assert f"%0ANext: {verdict.next_step.text}" in first
    assert verdict.next_step.command is None or verdict.next_step.command in first


@pytest.mark.parametrize(
    ("word", "first", "rest"),
    [
        (Word.REGRESSED, "error", {"error", "warning"}),
        (Word.FAILED, "error", {"error", "warning"}),
        (Word.NOT_COMPARABLE, "error", {"error", "warning"}),
        (Word.INCONCLUSIVE, "warning", {"warning"}),
        (Word.EQUIVALENT, "notice", {"warning"}),
        (Word.IMPROVED, "notice", {"warning"}),
        (Word.IDENTICAL, "notice", {"warning"}),
    ],
)
def test_nothing_is_louder_than_the_verdict(word: Word, first: str, rest: set[str]) -> None:
    verdict = samples.every_word(n_baseline=2, n_candidate=2, points=5)
    found = levels(annotations(verdict.model_copy(update={"verdict": word}), most=50))
    assert found[0] == first
    assert {*found[1:]} == rest


def test_an_undecided_environment_beside_a_regression_is_a_warning() -> None:
    commands = annotations(samples.every_word(n_baseline=2, n_candidate=2, points=5), most=50)
    (undecided,) = [command for command in commands if "CartPole-v1 inconclusive" in command]
    assert undecided.startswith("::warning ")


def test_a_passing_verdict_says_nothing_of_environments_and_notes() -> None:
    assert len(annotations(samples.unchanged())) == 1
    assert len(annotations(SITUATIONS["equivalent"])) == 1
    assert levels(annotations(SITUATIONS["changed-gate"])) == ["notice", "warning"]


def test_no_baseline_yet_is_nobodys_error() -> None:
    assert levels(annotations(samples.no_baseline_yet())) == ["warning", "warning"]


@pytest.mark.parametrize("most", [1, 2, 10, 50])
def test_the_last_one_says_how_many_are_left_out(most: int) -> None:
    verdict = samples.crowded()
    every, shown = annotations(verdict, most=1000), annotations(verdict, most=most)
    left_out = len(every) - most
    assert shown[:-1] == every[: len(shown) - 1]
    assert len(shown) == min(most, len(every))
    assert shown[-1] == every[len(shown) - 1] + (f"%0A{left_out} more: see the report" if left_out > 0 else "")


def test_environments_come_before_findings_in_the_order_of_the_record() -> None:
    verdict = samples.crowded()
    titles = [command.split("::")[1].partition(" title=")[2] for command in annotations(verdict, most=99)]
    failing = [f"{item.env_id} {item.verdict}" for item in verdict.environments if item.verdict is not Word.EQUIVALENT]
    expected = [
        *(name for name in failing if "improved" not in name and "identical" not in name),
        "crashed-run",
        "packages",
    ]
    assert titles == ["rlops benchmarks/quick.toml", *(f"rlops benchmarks/quick.toml%3A {name}" for name in expected)]


def test_what_is_special_in_a_command_is_escaped() -> None:
    verdict = samples.plain(Word.EQUIVALENT)
    verdict = verdict.model_copy(update={"benchmark": "a:b,c%d\r\n::error::x", "sentence": "100 %, a::b\n::warning::y"})
    (command,) = annotations(verdict)
    title, _, message = command.removeprefix("::notice title=").partition("::")
    assert title == "rlops a%3Ab%2Cc%25d %3A%3Aerror%3A%3Ax"
    assert message.startswith("≈ 100 %25, a::b ::warning::y%0ANext: ")


def test_long_texts_are_cut() -> None:
    verdict = samples.plain(Word.EQUIVALENT).model_copy(update={"benchmark": "b" * 9000, "sentence": "s" * 9000})
    (command,) = annotations(verdict)
    assert len(command) < 2_500
