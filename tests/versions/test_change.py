"""From the first two seeds to the statistics: what is trained, when it stops, what is said where something fails."""

import re
import shlex
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rlops import change as change_module
from rlops.cli.progress import _LiveBoard
from rlops.errors import NoBaselineError, RlopsError
from rlops.judge import Word
from rlops.launch import Board
from rlops.plan import Repository, expand, read_benchmark, version
from tests.cli.commands import CommandLine
from tests.versions.quick import (
    BASE,
    FIRST,
    HEAD,
    LOGGER,
    ONE,
    Gate,
    Unsupervised,
    kinds,
    of_kind,
    on_branch,
    store_baseline,
    trainer,
    words,
)

BUG = trainer("40 + noise")
REFACTORED = trainer("noise + 100")
ONLY_B = "env_id == 'B-v0'"


def key_of_main(gate: Gate) -> str:
    """The content key of main's cells."""
    found = Repository.around(gate.repository.root)
    benchmark = read_benchmark(gate.repository.root / "benchmarks" / "own.toml")
    return expand(benchmark, version(found, found.commit("main"), benchmark, gate.store), ()).key


def short(gate: Gate, ref: str) -> str:
    return gate.repository.git("rev-parse", ref)[:12]


def exit_code(gate: Gate, branch: str) -> int:
    try:
        return gate(branch)[0].exit_code
    except RlopsError as error:
        return error.exit_code


class TestStageZero:
    def test_a_refactoring_costs_two_seeds_of_either_version(self, gate: Gate) -> None:
        on_branch(gate, REFACTORED)
        verdict, started = gate.here()
        assert (verdict.verdict, verdict.exit_code) == (Word.IDENTICAL, 0)
        assert started == {short(gate, "main"): 2 * FIRST, short(gate, "branch"): 2 * FIRST}
        assert {run.seed for item in verdict.environments for run in item.runs} == {101, 102}
        assert kinds(verdict) == []

    def test_the_two_versions_take_turns_and_turns_in_being_first(
        self, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Unsupervised, "capacity", lambda _self: 1)
        on_branch(gate, REFACTORED)
        gate.here()
        order = [line.split() for line in gate.repository.starts]
        assert [(Path(place).name == short(gate, "main"), env, seed) for place, env, seed in order] == [
            (main, env, seed)
            for seed, turns in (("101", (True, False)), ("102", (False, True)))
            for env in ("A-v0", "B-v0")
            for main in turns
        ]

    def test_bit_equal_in_one_environment_is_that_environment_s_word_alone(self, gate: Gate) -> None:
        on_branch(gate, trainer(f"(40 if {ONLY_B} else 100) + noise"))
        verdict, started = gate("branch")
        assert (verdict.verdict, started) == (Word.REGRESSED, 2 * (BASE + HEAD + FIRST))
        assert words(verdict) == {"A-v0": "identical", "B-v0": "regressed"}

    def test_bit_equal_but_for_a_last_bit_in_one_environment_is_not_identical(self, gate: Gate) -> None:
        on_branch(gate, trainer(f"100 + noise + 1e-9 * ({ONLY_B})"))
        verdict, _ = gate("branch")
        assert words(verdict)["A-v0"] == "identical"
        assert words(verdict)["B-v0"] in {"equivalent", "inconclusive"}
        assert verdict.verdict is not Word.IDENTICAL

    def test_equal_in_one_seed_of_two_is_not_identical(self, one: Gate) -> None:
        on_branch(one, trainer("100 + noise + 1e-9 * (seed == 102)"))
        verdict, started = one("branch")
        assert words(verdict) != {"A-v0": "identical"}
        assert started == BASE + HEAD + FIRST

    def test_other_curves_after_the_first_two_seeds_do_not_hide(self, one: Gate) -> None:
        """Identical is a statement on the first two seeds; the docs say so, and this is what it leaves out."""
        on_branch(one, trainer("(100 if seed < 103 else 0) + noise"))
        verdict, started = one("branch")
        assert (verdict.verdict, started) == (Word.IDENTICAL, 2 * FIRST)

    def test_a_single_seed_is_never_identical(self, one: Gate) -> None:
        on_branch(one, REFACTORED)
        verdict, started = one.here(seeds=(101,))
        assert verdict.verdict is not Word.IDENTICAL
        assert started.total() == BASE + 1 + 1

    def test_a_trainer_of_many_seeds_a_process(self, one: Gate) -> None:
        many = f"""{LOGGER}
env_id, seeds = sys.argv[1], sys.argv[2].split("-")
note_start(env_id, sys.argv[2])
for seed in range(int(seeds[0]), int(seeds[-1]) + 1):
    log(plateau(100 + noise_of(env_id, seed)), '{{"seed": %d}}' % seed, seed)
"""
        one.repository.commit("many", **{"train.py": many, "benchmarks/own.toml": ONE.replace("{seed}", "{seeds}")})
        on_branch(one, many + "\n")
        verdict, started = one("branch")
        assert (verdict.verdict, verdict.cost.cells_trained) == (Word.IDENTICAL, 2 * FIRST)
        assert started <= 2 * FIRST
        on_branch(one, many.replace("100 +", "40 +"), "bug")
        verdict, _ = one("bug")
        assert (verdict.verdict, verdict.cost.cells_known) == (Word.REGRESSED, FIRST)
        assert {(run.side, run.seed) for run in verdict.environments[0].runs} == {
            *(("baseline", seed) for seed in range(1, 4)), *(("candidate", seed) for seed in range(101, 106)),
        }  # fmt: skip


class TestStatistics:
    def test_a_bug_is_a_regression_and_trains_each_cell_once(self, gate: Gate) -> None:
        on_branch(gate, BUG)
        verdict, started = gate.here()
        assert (verdict.verdict, verdict.exit_code) == (Word.REGRESSED, 1)
        assert started == {short(gate, "main"): 2 * (BASE + FIRST), short(gate, "branch"): 2 * HEAD}
        assert max(Counter(gate.repository.starts).values()) == 1
        sides = Counter((run.side, run.seed) for item in verdict.environments for run in item.runs)
        expected = [("baseline", seed) for seed in range(1, 4)] + [("candidate", seed) for seed in range(101, 106)]
        assert sides == Counter(dict.fromkeys(expected, 2)), "the twins enter no statistics"
        assert (verdict.baseline.git_commit, verdict.candidate.git_commit) == (
            gate.repository.git("rev-parse", "main"), gate.repository.git("rev-parse", "branch"),
        )  # fmt: skip

    def test_the_curves_are_each_version_s_own(self, gate: Gate) -> None:
        on_branch(gate, trainer("(40 if env_id == 'A-v0' else 160) + noise"))
        verdict, _ = gate("branch")
        means = {item.env_id: (item.mean_baseline, item.mean_candidate) for item in verdict.environments}
        assert means["A-v0"] == (pytest.approx(100, abs=6), pytest.approx(40, abs=6))
        assert means["B-v0"] == (pytest.approx(100, abs=6), pytest.approx(160, abs=6))

    def test_an_open_question_names_the_command_that_asks_again(self, one: Gate) -> None:
        one.repository.commit("wide", **{"train.py": trainer("100 + 6 * noise")})
        on_branch(one, trainer("92 + 6 * noise"))
        verdict, _ = one("branch")
        assert (verdict.verdict, verdict.exit_code) == (Word.INCONCLUSIVE, 3)
        assert verdict.next_step.command is not None
        assert verdict.next_step.command.startswith("rlops gate own --base main --seeds 106-")

    def test_nothing_random_is_played_where_the_metric_is_no_return(
        self, one: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[object] = []
        monkeypatch.setattr(change_module, "random_scores", lambda env_ids: asked.append(env_ids) or {})
        on_branch(one, BUG)
        one("branch")
        assert asked == []


class TestTheStoredBaseline:
    def test_one_made_of_the_base_s_code_spares_the_base_all_but_its_twins(self, one: Gate) -> None:
        store_baseline(one, env_ids=("A-v0",), key=key_of_main(one))
        one.repository.commit("a baseline, other files")
        on_branch(one, BUG)
        verdict, started = one.here()
        assert (verdict.verdict, "baseline:own" in verdict.baseline.reference) == (Word.REGRESSED, True)
        assert started == {short(one, "main"): FIRST, short(one, "branch"): HEAD}
        assert not [line for line in one.told if "is of other code" in line]

    def test_a_refactoring_is_identical_with_one_too(self, one: Gate) -> None:
        store_baseline(one, env_ids=("A-v0",), key=key_of_main(one))
        one.repository.commit("a baseline")
        on_branch(one, REFACTORED)
        verdict, started = one("branch")
        assert (verdict.verdict, started) == (Word.IDENTICAL, 2 * FIRST)

    @pytest.mark.parametrize("key", [None, "0" * 64])
    def test_one_made_of_other_code_is_not_used_and_that_is_said(self, one: Gate, key: str | None) -> None:
        store_baseline(one, env_ids=("A-v0",), level=1000.0, key=key)
        one.repository.commit("a baseline")
        on_branch(one, BUG)
        verdict, started = one("branch")
        assert (verdict.verdict, started) == (Word.REGRESSED, BASE + HEAD + FIRST)
        assert [item.mean_baseline for item in verdict.environments] == pytest.approx([100], abs=6)
        (said,) = [line for line in one.told if "is of other code" in line]
        assert "the stored baseline 'own'" in said
        assert "is trained instead" in said

    def test_one_made_before_the_base_s_code_was_edited_is_not_used(self, one: Gate) -> None:
        store_baseline(one, env_ids=("A-v0",), key=key_of_main(one))
        one.repository.commit("edited", **{"train.py": trainer("101 + noise")})
        on_branch(one, BUG)
        assert one("branch")[1] == BASE + HEAD + FIRST

    def test_one_of_other_code_is_used_where_it_is_named(self, one: Gate) -> None:
        store_baseline(one, env_ids=("A-v0",), level=1000.0, key="0" * 64)
        one.repository.commit("a baseline")
        on_branch(one, trainer("101 + noise"))
        verdict, started = one("branch", baseline="own")
        assert (verdict.verdict, started) == (Word.REGRESSED, HEAD + FIRST)
        assert verdict.baseline.reference == "baseline:own"

    @pytest.mark.parametrize("env_ids", [("A-v0",), ("A-v0", "C-v0")])
    def test_one_that_lacks_an_environment_is_no_baseline(self, gate: Gate, env_ids: tuple[str, ...]) -> None:
        """The benchmark got another environment after the baseline was saved; that is in no key."""
        store_baseline(gate, key=key_of_main(gate), env_ids=env_ids)
        gate.repository.commit("a baseline")
        on_branch(gate, BUG)
        verdict, _ = gate("branch")
        assert words(verdict) == {"A-v0": "regressed", "B-v0": "regressed"}

    def test_one_of_another_definition_is_not_comparable(self, one: Gate) -> None:
        store_baseline(one, env_ids=("A-v0",), key="0" * 64, metric="another")
        one.repository.commit("a baseline")
        on_branch(one, BUG)
        verdict, _ = one("branch", baseline="own")
        assert (verdict.verdict, verdict.exit_code) == (Word.NOT_COMPARABLE, 5)
        assert "other-definition" in kinds(verdict)


BOOM = "print('boom ' + str(6 * 7)); sys.exit(3)"


class TestAFailingCandidate:
    def test_in_all_first_seeds_ends_early_with_its_last_lines(self, gate: Gate) -> None:
        on_branch(gate, trainer(before=BOOM))
        verdict, started = gate("branch")
        assert (verdict.verdict, verdict.exit_code, started) == (Word.FAILED, 4, 2 * 2 * FIRST)
        assert len(verdict.failures) == 2 * FIRST
        assert {failure.log_tail for failure in verdict.failures} == {"boom 42"}
        assert all("exit code 3" in failure.why for failure in verdict.failures)
        assert all(failure.label.startswith(short(gate, "branch")[:7]) for failure in verdict.failures)

    def test_in_one_environment_ends_early_too(self, gate: Gate) -> None:
        on_branch(gate, trainer(before=f"if {ONLY_B}: {BOOM}"))
        verdict, started = gate("branch")
        assert (verdict.verdict, started) == (Word.FAILED, 2 * 2 * FIRST)
        assert words(verdict) == {"A-v0": "identical", "B-v0": "failed"}

    def test_that_logs_nothing_has_failed(self, one: Gate) -> None:
        on_branch(one, trainer(before="sys.exit(0)"))
        verdict, started = one("branch")
        assert (verdict.verdict, verdict.exit_code, started) == (Word.FAILED, 4, 2 * FIRST)

    def test_that_logs_nan_has_failed(self, one: Gate) -> None:
        on_branch(
            one, trainer().replace("log(plateau(100 + noise))", "log([*plateau(100 + noise)[:-1], (1000, 'NaN')])")
        )
        verdict, started = one("branch")
        assert (verdict.verdict, started) == (Word.FAILED, 2 * FIRST)
        assert "nan" in kinds(verdict)

    def test_in_a_later_seed_fails_the_gate_at_the_end(self, one: Gate) -> None:
        on_branch(one, trainer("40 + noise", before=f"if seed == 104: {BOOM}"))
        verdict, started = one("branch")
        assert (verdict.verdict, verdict.exit_code, started) == (Word.FAILED, 4, BASE + HEAD + FIRST)
        (failure,) = verdict.failures
        assert "seed 104" in failure.label

    def test_is_not_trained_again_by_the_same_command_and_says_the_same(self, one: Gate) -> None:
        on_branch(one, trainer(before=BOOM))
        first, _ = one("branch")
        again, started = one("branch")
        assert (again.verdict, started) == (Word.FAILED, 0)
        assert first.identity() == again.identity()
        assert [failure.log_tail for failure in again.failures] == ["boom 42"] * FIRST

    def test_in_one_of_the_first_seeds_is_told_once(self, one: Gate) -> None:
        on_branch(one, trainer("40 + noise", before=f"if seed == 101: {BOOM}"))
        verdict, started = one("branch")
        assert (verdict.verdict, started) == (Word.FAILED, BASE + HEAD + FIRST)
        assert len(verdict.failures) == 1

    @pytest.mark.parametrize("side", ["the base", "the branch", "uncommitted changes"])
    def test_by_the_machine_s_fault_names_the_command_that_trains_it_again(
        self, one: Gate, side: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """The disk was full, and is not any more: what failed is known as failed until it is forced."""
        full = "if seed in (2, 104) and not os.path.exists(os.path.expanduser('~/mended')): sys.exit('no space left')"
        one.repository.commit("main", **{"train.py": trainer(before=full if side == "the base" else "pass")})
        one.repository.branch("branch")
        one.repository.write("train.py", trainer("40 + noise", before=full if side != "the base" else "pass"))
        if side != "uncommitted changes":
            one.repository.commit("a bug")
        one.here()
        (one.repository.root.parent / "mended").touch()
        verdict, started = one.here()
        (failure,) = verdict.failures
        assert (started, failure.log_tail) == ({}, "no space left")
        (command,) = re.findall(r"`rlops (.*?)`", failure.why)
        assert CommandLine(one.repository.root, monkeypatch, capfd)(*shlex.split(command)).code == 0
        verdict, started = one.here()
        assert (verdict.verdict, verdict.failures, started) == (Word.REGRESSED, (), {})
        assert (verdict.environments[0].n_baseline, verdict.environments[0].n_candidate) == (BASE, HEAD)


class TestAFailingBase:
    def broken_base(self, gate: Gate, before: str) -> None:
        gate.repository.commit("broken", **{"train.py": trainer(before=before)})
        on_branch(gate, trainer())

    def test_everywhere_is_no_baseline(self, one: Gate) -> None:
        self.broken_base(one, BOOM)
        with pytest.raises(NoBaselineError, match="mend the base first, or compare with a stored baseline") as error:
            one("branch")
        assert error.value.exit_code == 5

    def test_everywhere_ends_early(self, one: Gate) -> None:
        self.broken_base(one, BOOM)
        with pytest.raises(NoBaselineError):
            one("branch")
        assert len(one.repository.starts) == 2 * FIRST

    def test_that_fails_like_the_candidate_ends_early(self, one: Gate) -> None:
        """No GPU, no wandb, a wrong command: the machine's fault, seen on both sides."""
        one.repository.commit("broken", **{"train.py": trainer(before=BOOM)})
        on_branch(one, trainer(before=f"# still\n{BOOM}"))
        assert exit_code(one, "branch") in {4, 5}
        assert len(one.repository.starts) == 2 * FIRST

    def test_in_one_environment_is_no_usage_error(self, gate: Gate) -> None:
        self.broken_base(gate, f"if {ONLY_B}: {BOOM}")
        assert exit_code(gate, "branch") == 5

    def test_in_some_seeds_is_shown_and_judged_with_the_rest(self, one: Gate) -> None:
        self.broken_base(one, f"if seed == 2: {BOOM}")
        verdict, _ = one("branch", base="main")
        assert verdict.verdict in {Word.IDENTICAL, Word.EQUIVALENT}
        on_branch(one, BUG, "bug")
        verdict, _ = one("bug")
        assert (verdict.verdict, verdict.environments[0].n_baseline) == (Word.REGRESSED, 2)
        (missing,) = of_kind(verdict, "missing-seeds")
        assert (missing.side, missing.severity, missing.seeds) == ("baseline", "warning", (2,))

    def test_matters_not_where_a_stored_baseline_is_named(self, one: Gate) -> None:
        store_baseline(one, env_ids=("A-v0",))
        self.broken_base(one, BOOM)
        verdict, started = one("branch", baseline="own")
        assert verdict.verdict in {Word.EQUIVALENT, Word.INCONCLUSIVE, Word.IMPROVED}
        assert started == FIRST + HEAD


def test_the_live_board_is_seen_again_when_the_statistics_begin() -> None:
    """The gate fills grids twice, and reads runs between."""
    state = _LiveBoard()
    grid: Any = SimpleNamespace(benchmark=SimpleNamespace(name="own"), cells=())
    state.launched(Board((grid,), Path()))
    state.pulled(4, 4)
    assert state.render().plain == "reading runs 4/4"
    state.launched(Board((grid,), Path()))
    assert state.render().plain == "own  0/0 cells"
