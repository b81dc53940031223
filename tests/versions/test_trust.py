"""A branch cannot loosen its own gate: the base's files judge it, and what it would have otherwise is said."""

import json
from pathlib import Path

import pytest

from rlops.errors import NoBaselineError, UsageError
from rlops.gate import Base
from rlops.judge import Verdict, Word
from rlops.plan import read_benchmark
from rlops.workspace import Workspace
from tests.cli.commands import CommandLine
from tests.versions.quick import (
    BASE,
    BENCHMARK,
    FIRST,
    HEAD,
    Gate,
    kinds,
    of_kind,
    store_baseline,
    stored_verdicts,
    trainer,
)
from tests.versions.repositories import Repo

BUG = trainer("40 + noise")
LEFT = "benchmarks/own.toml"
RULES = '[margins]\nscale_fraction = 0.2\n[variables]\nMODE = "hard"\n'


def said(verdict: Verdict) -> list[str]:
    findings = of_kind(verdict, "changed-gate")
    assert {(item.severity, item.env_id) for item in findings} <= {("warning", None)}
    return [item.detail for item in findings]


def edited(*pairs: tuple[str, str]) -> str:
    text = BENCHMARK + RULES
    for before, now in pairs:
        assert before in text
        text = text.replace(before, now)
    return text


LOOSER = {
    "budget": (("budget = 1_000", "budget = 100"), "budget: 1000 → 100"),
    "alpha": (("alpha = 0.1", "alpha = 0.0001"), "policy.alpha: 0.1 → 0.0001"),
    "an open question passes": (("alpha = 0.1", "alpha = 0.1\ninconclusive = 0"), "policy.inconclusive: 3 → 0"),
    "not strict": (("alpha = 0.1", "alpha = 0.1\nstrict = false"), "policy.strict: True → False"),
    "margins": (("scale_fraction = 0.2", "scale_fraction = 0.9"), "margins.scale_fraction: 0.2 → 0.9"),
    "environments": (('["A-v0", "B-v0"]', '["A-v0"]'), "environments: ('A-v0', 'B-v0') → ('A-v0',)"),
    "seeds": (('candidate = "101-105"', 'candidate = "1-2"'), "seeds.candidate: (101, 102, 103, 104, 105) → (1, 2)"),
    "code": (('code = ["train.py"]', 'code = ["README.md"]'), "code: ('train.py',) → ('README.md',)"),
    "metric": (('name = "score"', 'name = "step"'), "metric.name: score → step"),
    "direction": (
        ('step = "step"', 'step = "step"\ndirection = "lower-is-better"'),
        "metric.direction: higher-is-better → lower-is-better",
    ),
    "another baseline": (("budget = 1_000", 'budget = 1_000\nbaseline = "easy"'), "baseline: None → easy"),
    "a variable": (('MODE = "hard"', 'MODE = "easy"'), "variables.MODE: hard → easy"),
    "a new variable": (('MODE = "hard"', 'MODE = "hard"\nMORE = "1"'), "variables.MORE: None → 1"),
    "no variable": (('MODE = "hard"', ""), "variables.MODE: hard → None"),
    "command": (
        ('"-I", "-S", "train.py", "{env_id}"', '"fake.py", "{env_id}"'),
        "command: "
        + " → ".join(f"('{{python}}', {it}.py', '{{env_id}}', '{{seed}}')" for it in ("'-I', '-S', 'train", "'fake")),
    ),
}


@pytest.fixture
def ruled(gate: Gate) -> Gate:
    """main's benchmark says its policy and margins."""
    gate.repository.commit("rules", **{LEFT: BENCHMARK + RULES})
    return gate


def base_of(gate: Gate) -> Base:
    return Base.find(Workspace(gate.repository.root, gate.store), "main")


class TestTheBenchmarkFile:
    @pytest.mark.parametrize("what", LOOSER)
    def test_every_change_of_it_is_said_and_has_no_effect(self, ruled: Gate, what: str) -> None:
        pair, expected = LOOSER[what]
        ruled.repository.branch("looser")
        ruled.repository.commit("Tune the benchmark", **{LEFT: edited(pair)})
        verdict, started = ruled("looser")
        assert (verdict.verdict, verdict.exit_code, started) == (Word.IDENTICAL, 0, 0)
        assert said(verdict) == [expected]
        assert (verdict.policy.alpha, verdict.policy.strict, verdict.direction) == (0.1, True, "higher-is-better")
        assert [item.env_id for item in verdict.environments] == ["A-v0", "B-v0"]
        assert {item.budget for item in verdict.environments} == {1000}

    def test_a_regression_stays_one_whatever_the_branch_would_have(self, ruled: Gate) -> None:
        looser = edited(*(LOOSER[name][0] for name in ("an open question passes", "margins", "environments", "seeds")))
        ruled.repository.branch("bug")
        ruled.repository.commit("Tune all of it", **{LEFT: looser, "train.py": BUG})
        verdict, started = ruled("bug")
        assert (verdict.verdict, verdict.exit_code, started) == (Word.REGRESSED, 1, 2 * (BASE + HEAD + FIRST))
        assert len(said(verdict)) == 4
        assert [item.margin for item in verdict.environments] == pytest.approx([0.2, 0.2])

    def test_uncommitted_changes_of_it_neither(self, ruled: Gate) -> None:
        ruled.repository.write(LEFT, edited(LOOSER["alpha"][0]))
        verdict, _ = ruled.here()
        assert said(verdict) == [LOOSER["alpha"][1]]
        assert verdict.policy.alpha == 0.1

    def test_comments_and_another_way_to_write_the_same_are_no_news(self, ruled: Gate) -> None:
        same = "# more words\n" + edited(("1_000", "1000"), ('"101-105"', "[101, 102, 103, 104, 105]"))
        ruled.repository.branch("words")
        ruled.repository.commit("words", **{LEFT: same})
        verdict, _ = ruled("words")
        assert kinds(verdict) == ["unchanged"]

    @pytest.mark.parametrize(
        ("content", "why"), [(None, "cannot be read"), ("budget = ", "is not valid TOML"), ("budget = 1", "budget")]
    )
    def test_to_delete_or_break_it_changes_nothing_but_is_said(
        self, ruled: Gate, content: str | None, why: str
    ) -> None:
        ruled.repository.branch("broken")
        if content is None:
            ruled.repository.git("rm", "--quiet", LEFT)
        ruled.repository.commit("broken", **({} if content is None else {LEFT: content}))
        verdict, _ = ruled("broken")
        assert verdict.verdict is Word.IDENTICAL
        (detail,) = said(verdict)
        assert detail.startswith(f"the change leaves no valid {LEFT}: ")
        assert why in detail

    def test_one_that_is_nested_without_end_changes_nothing_but_is_said(self, ruled: Gate) -> None:
        ruled.repository.branch("broken")
        ruled.repository.commit("broken", **{LEFT: "a = " + "[" * 5000})
        verdict, _ = ruled("broken")
        assert len(said(verdict)) == 1

    def test_a_link_out_of_the_repository_is_not_told(self, ruled: Gate, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("password hunter2hunter2\n")
        ruled.repository.branch("link")
        (ruled.repository.root / LEFT).unlink()
        (ruled.repository.root / LEFT).symlink_to(tmp_path / "secret")
        ruled.repository.commit("link")
        verdict, _ = ruled("link")
        assert len(said(verdict)) == 1
        assert "hunter2" not in verdict.to_json()

    def test_a_path_is_as_good_as_a_name(self, ruled: Gate) -> None:
        base = base_of(ruled)
        expected = read_benchmark(base.root / LEFT)
        assert base.benchmark("own") == base.benchmark(LEFT) == expected
        assert base.benchmark(str(ruled.repository.root / LEFT)) == expected
        assert base.benchmark("nope") is None

    def test_a_file_outside_of_the_repository_has_no_version(self, ruled: Gate, tmp_path: Path) -> None:
        (tmp_path / "own.toml").write_text(BENCHMARK)
        with pytest.raises(UsageError, match="lies outside of the repository"):
            base_of(ruled).benchmark(str(tmp_path / "own.toml"))


class TestABenchmarkThatIsOnlyOnTheBranch:
    @pytest.fixture
    def introduced(self, gate: Gate) -> Repo:
        gate.repository.branch("new")
        gate.repository.commit("a new benchmark", **{"benchmarks/new.toml": BENCHMARK, "train.py": BUG})
        return gate.repository

    def test_is_not_compared_and_the_record_says_why(self, introduced: Repo, rlops: CommandLine) -> None:
        ended = rlops("gate", "new", "--base", "main", "--json")
        record = json.loads(ended.out)
        assert (ended.code, record["exit_code"], record["verdict"]) == (5, 5, "not-comparable")
        (finding,) = record["findings"]
        assert (finding["kind"], finding["severity"]) == ("no-baseline-yet", "not-comparable")
        assert "has no benchmark 'new'" in finding["detail"]
        assert "rlops run new" in record["next_step"]["text"]
        assert stored_verdicts(introduced) == [record]
        assert introduced.starts == []

    @pytest.mark.usefixtures("introduced")
    def test_nor_is_one_that_neither_side_has(self, rlops: CommandLine) -> None:
        ended = rlops("gate", "nope", "--base", "main")
        assert (ended.code, ended.out) == (2, "")
        assert "no benchmark at" in ended.err
        assert "benchmarks/ has: new, own" in ended.err


class TestTheStoredBaseline:
    @pytest.mark.parametrize("how", ["edit", "delete", "add"])
    def test_a_change_of_it_is_said(self, gate: Gate, how: str) -> None:
        path = gate.repository.root / "baselines" / "own.json"
        if how != "add":
            store_baseline(gate)
            gate.repository.commit("a baseline")
        gate.repository.branch("branch")
        if how == "delete":
            path.unlink()
        else:
            store_baseline(gate, level=1.0)
        gate.repository.commit("easier")
        verdict, started = gate("branch")
        assert (verdict.verdict, started) == (Word.IDENTICAL, 0)
        assert said(verdict) == ["baselines/own.json is changed"]

    def test_the_one_that_the_benchmark_names_is_watched(self, gate: Gate) -> None:
        gate.repository.commit("named", **{LEFT: BENCHMARK.replace("budget", 'baseline = "other"\nbudget')})
        gate.repository.branch("branch")
        store_baseline(gate, "other")
        store_baseline(gate, "own")
        gate.repository.commit("easier")
        assert said(gate("branch")[0]) == ["baselines/other.json is changed"]

    def test_the_one_that_is_asked_for_is_watched(self, gate: Gate) -> None:
        store_baseline(gate, "release")
        gate.repository.commit("a baseline")
        gate.repository.branch("branch")
        store_baseline(gate, "release", level=1.0)
        gate.repository.commit("easier", **{"train.py": trainer("noise + 100")})
        verdict, _ = gate("branch", baseline="release")
        assert said(verdict) == ["baselines/release.json is changed"]

    def test_the_one_that_is_asked_for_is_read_from_the_base(self, gate: Gate) -> None:
        store_baseline(gate, "release", level=100.0)
        gate.repository.commit("a baseline")
        gate.repository.branch("bug")
        store_baseline(gate, "release", level=40.0)
        gate.repository.commit("a bug, and a baseline to go with it", **{"train.py": BUG})
        verdict, started = gate("bug", baseline="release")
        assert (verdict.verdict, verdict.baseline.reference) == (Word.REGRESSED, "baseline:release")
        assert started == 2 * (FIRST + HEAD)  # of the base only its twins
        assert {round(item.mean_baseline or 0, -1) for item in verdict.environments} == {100}

    def test_one_that_only_the_checkout_has_is_none(self, gate: Gate) -> None:
        gate.repository.branch("bug")
        store_baseline(gate, "mine", level=40.0)
        gate.repository.commit("a baseline of its own", **{"train.py": BUG})
        with pytest.raises(NoBaselineError, match="there is no baseline 'mine'") as error:
            gate("bug", baseline="mine")
        assert error.value.exit_code == 5
        assert gate.repository.starts == []
