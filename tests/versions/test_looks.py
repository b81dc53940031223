"""The gate trains look by look, stops when it is decided, and asks again with fresh baseline seeds before it blocks."""

import json
from pathlib import Path

import pytest

from rlops.judge import Word
from tests.cli.commands import CommandLine
from tests.versions.quick import BENCHMARK, Gate, hurry, kinds, make, of_kind, on_branch, trainer, words

ENVIRONMENTS, STORED, TWINS, FRESH = 2, 12, 2, 4
LOOKING = BENCHMARK.replace('baseline = "1-3"', f'baseline = "1-{STORED}"').replace(
    "alpha = 0.1\nlooks = []\nconfirm = 0\n", f"looks = [3, 5]\nconfirm = {FRESH}\n"
)


@pytest.fixture
def looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    hurry(monkeypatch, tmp_path)
    return Gate(make(tmp_path / "repository", LOOKING), [])


def test_a_harmless_change_gets_as_many_seeds_as_it_takes(looking: Gate) -> None:
    """Two environments never pass at three seeds."""
    on_branch(looking, trainer("100.01 + noise"))
    verdict, started = looking("branch")
    assert (verdict.verdict, verdict.policy.looks, verdict.policy.look) == (Word.EQUIVALENT, (3, 5), 2)
    assert started == ENVIRONMENTS * (STORED + TWINS + 5)
    assert {item.n_candidate for item in verdict.environments} == {5}
    assert [text.partition(", about")[0] for text in looking.told if text.startswith("look")] == [
        "look 1 of 2: undecided; 5 seeds of A-v0, B-v0 next"
    ]
    assert looking("branch")[1] == 0


def test_a_bug_is_asked_again_with_fresh_baseline_seeds_and_costs_no_second_look(looking: Gate) -> None:
    on_branch(looking, trainer("(40 if env_id == 'A-v0' else 100.01) + noise"))
    verdict, started = looking("branch")
    assert (verdict.verdict, verdict.exit_code, verdict.policy.look) == (Word.REGRESSED, 1, 1)
    assert words(verdict) == {"A-v0": "regressed", "B-v0": "inconclusive"}
    assert started == ENVIRONMENTS * (STORED + TWINS + 3) + FRESH
    (finding,) = of_kind(verdict, "asked-again")
    assert (finding.env_id, finding.seeds) == ("A-v0", (106, 107, 108, 109))
    assert "still worse" in finding.detail
    named = next(item for item in verdict.environments if item.env_id == "A-v0")
    assert (named.n_baseline, named.n_candidate, named.shown_by is not None) == (STORED + FRESH, 3, True)
    assert looking("branch")[1] == 0


def test_without_the_baseline_s_code_it_is_said_that_nobody_asked_again(looking: Gate) -> None:
    looking.repository.commit(
        "no confirmation", **{"benchmarks/own.toml": LOOKING.replace("confirm = 4", "confirm = 0")}
    )
    on_branch(looking, trainer("40 + noise"))
    verdict, started = looking("branch")
    assert verdict.verdict is Word.REGRESSED
    assert "unconfirmed" in kinds(verdict)
    assert started == ENVIRONMENTS * (STORED + TWINS + 3)


def test_a_failed_run_opens_no_further_look(looking: Gate) -> None:
    on_branch(looking, trainer("100.01 + noise", after="sys.exit(seed == 103)"))
    verdict, started = looking("branch")
    assert (verdict.verdict, verdict.policy.look) == (Word.FAILED, 1)
    assert started == ENVIRONMENTS * (STORED + TWINS + 3)


def test_compare_takes_what_a_gate_has_trained_of_both_versions(
    looking: Gate, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The gate stopped at three of five seeds; `compare` never trains, so the others are not asked for."""
    on_branch(looking, trainer("(40 if env_id == 'A-v0' else 100.01) + noise"))
    looking("branch")
    rlops = CommandLine(looking.repository.root, monkeypatch, capfd)
    record = json.loads(rlops("compare", "main..branch", "--benchmark", "own", "--json").out)
    assert {item["env_id"]: item["verdict"] for item in record["environments"]}["A-v0"] == "regressed"
    assert {item["n_candidate"] for item in record["environments"]} == {3}
    assert "missing-seeds" not in {item["kind"] for item in record["findings"]}
    asked = rlops("compare", "git:main", "git:branch?seed=101-105", "--benchmark", "own", "--json")
    assert (asked.code, json.loads(asked.out)["verdict"]) in {(4, "failed"), (1, "regressed")}
    assert "missing-seeds" in asked.out
