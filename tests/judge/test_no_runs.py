"""Records without a run: whole, readable by every renderer, and the same whenever they are asked for."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rlops.curves import RunSet
from rlops.judge import NextStep, Verdict, Word, no_baseline_yet, read_verdict, unchanged
from rlops.judge.record import make_finding
from rlops.plan import Benchmark
from rlops.report import render_html, render_terminal
from tests.curve_sets import OCCASION

KNOWN = {
    "git_commit": "1" * 40, "git_dirty": True, "machine": "a CPU", "python": "3.12", "packages": {"torch": "2"},
    "code_sha256": "2" * 64, "fingerprint": "f",
}  # fmt: skip
ENVIRONMENTS = ("A-v0", "B-v0", "C-v0")


def benchmark(**more: object) -> Benchmark:
    content = {
        "name": "own", "command": ["{python}", "{env_id}", "{seed}"], "code": ["train.py", "lib"], "budget": 1000,
        "environments": ENVIRONMENTS,
    }  # fmt: skip
    return Benchmark.model_validate(content | more)


def the_same(**more: object) -> Verdict:
    return unchanged(benchmark(**more), RunSet("base", (), KNOWN), RunSet("head", (), KNOWN), OCCASION)


def none_yet(**more: object) -> Verdict:
    return no_baseline_yet(benchmark(**more), RunSet("head", (), KNOWN), OCCASION, "no such file", NextStep(text="do"))


class TestUnchanged:
    def test_is_identical_everywhere_and_passes(self) -> None:
        record = the_same()
        assert (record.verdict, record.exit_code) == (Word.IDENTICAL, 0)
        assert record.counts == {Word.IDENTICAL: 3}
        assert [(item.env_id, item.verdict) for item in record.environments] == [
            (env_id, Word.IDENTICAL) for env_id in ENVIRONMENTS
        ]

    def test_claims_no_run_no_test_and_no_cost(self) -> None:
        record = the_same()
        assert (record.cost.cells_trained, record.cost.cells_known, record.cost.environment_steps) == (0, 0, 0)
        assert (record.baseline.n_runs, record.candidate.n_runs, record.suite) == (0, 0, None)
        for item in record.environments:
            assert (item.n_baseline, item.n_candidate, item.runs) == (0, 0, ())
            assert item.p_harm is item.p_equivalent is item.change is item.interval is None

    def test_says_what_was_looked_at_and_keeps_what_was_found_before(self) -> None:
        before = make_finding("changed-gate", "warning", "budget: 1 → 2", None)
        sides = RunSet("base", (), KNOWN), RunSet("head", (), KNOWN)
        record = unchanged(benchmark(), *sides, OCCASION, (before,))
        assert [item.kind for item in record.findings] == ["changed-gate", "unchanged"]
        assert "train.py, lib" in record.findings[1].detail
        assert (record.baseline.reference, record.candidate.reference) == ("base", "head")
        assert record.candidate.git_commit == "1" * 40

    @pytest.mark.parametrize("inconclusive", [0, 3])
    @pytest.mark.parametrize("strict", [True, False])
    def test_no_policy_changes_that(self, inconclusive: int, strict: bool) -> None:
        record = the_same(policy={"inconclusive": inconclusive, "strict": strict})
        assert (record.verdict, record.exit_code, record.policy.strict) == (Word.IDENTICAL, 0, strict)


class TestNoBaselineYet:
    @pytest.mark.parametrize("inconclusive", [0, 3])
    def test_is_not_comparable_whatever_the_policy(self, inconclusive: int) -> None:
        record = none_yet(policy={"inconclusive": inconclusive})
        assert (record.verdict, record.exit_code) == (Word.NOT_COMPARABLE, 5)
        assert record.counts == {Word.NOT_COMPARABLE: 3}
        (finding,) = record.findings
        assert (finding.kind, finding.severity, finding.detail) == ("no-baseline-yet", "not-comparable", "no such file")
        assert record.next_step.text == "do"
        assert (record.baseline.reference, record.baseline.n_runs) == ("none", 0)


@pytest.mark.parametrize("make", [the_same, none_yet])
class TestEitherRecord:
    def test_survives_the_file(self, make, tmp_path: Path) -> None:
        record = make()
        (tmp_path / "verdict.json").write_text(record.to_json())
        assert read_verdict(tmp_path / "verdict.json") == record

    def test_is_the_same_whenever_it_is_asked(self, make, monkeypatch: pytest.MonkeyPatch) -> None:
        first = make()
        monkeypatch.setitem(globals(), "OCCASION", replace(OCCASION, command="other", created_at="2030-01-01"))
        assert make().identity() == first.identity()
        assert make().created_at != first.created_at
        monkeypatch.setitem(KNOWN, "git_commit", "3" * 40)
        assert make().identity() != first.identity()

    def test_can_be_rendered(self, make) -> None:
        record = make()
        assert record.sentence in render_terminal(record, width=100, color=False).replace("\n", " ")
        html = render_html(record)
        assert record.sentence in html
        assert all(env_id in html for env_id in ENVIRONMENTS)

    @pytest.mark.parametrize("known", [{}, {"git_commit": None, "packages": None}])
    def test_needs_nothing_to_be_known(self, make, known: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(globals(), "KNOWN", known)
        record = make()
        assert record.candidate.git_commit is None
        assert json.loads(record.to_json())["candidate"]["packages"] == {}
        assert render_html(record)

    @pytest.mark.parametrize("direction", ["higher-is-better", "lower-is-better"])
    def test_names_the_metric(self, make, direction: str) -> None:
        record = make(metric={"name": "loss", "step": "epoch", "direction": direction})
        assert (record.metric, record.step, record.direction) == ("loss", "epoch", direction)
