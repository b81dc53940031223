"""A gate from wherever people call it: subfolders, hooks, merge commits, other worktrees, odd paths."""

from pathlib import Path

import pytest

from rlops.gate import gate_change
from rlops.judge import Word
from rlops.training import Watchers
from rlops.workspace import Workspace
from tests.versions.quick import BENCHMARK, FIRST, Gate, hurry, make, trainer
from tests.versions.repositories import Repo, make_repository

ONE = BENCHMARK.replace('["A-v0", "B-v0"]', '["A-v0"]')
REFACTORED = trainer("noise + 100")


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A gate with one environment, in a folder that a shell would need quotes for."""
    hurry(monkeypatch, tmp_path)
    return Gate(make(tmp_path / "it's a [repository]", ONE), [])


def test_in_a_subfolder_of_a_monorepo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mono = make_repository(tmp_path / "mono")
    files = {"apps/a/benchmarks/own.toml": ONE, "apps/a/train.py": trainer(), "apps/b/train.py": "x", "train.py": "x"}
    mono.commit("main", **files)
    gate = Gate(Repo(mono.root / "apps" / "a"), [])
    hurry(monkeypatch, mono.root / "apps")
    mono.branch("elsewhere")
    mono.commit("other folders", **{"apps/b/train.py": "y", "train.py": "y"})
    verdict, started = gate("elsewhere")
    assert (verdict.verdict, started) == (Word.IDENTICAL, 0)
    mono.branch("here")
    mono.write("apps/a/train.py", REFACTORED)
    verdict, _ = gate.here()
    assert (verdict.verdict, len(gate.repository.starts)) == (Word.IDENTICAL, 2 * FIRST)
    places = {Path(line.rsplit(maxsplit=2)[0]) for line in gate.repository.starts}
    assert {place.parts[-2:] for place in places} == {("apps", "a")}
    assert not (mono.root / ".rlops").exists()


def test_inside_of_a_git_hook(one: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    one.repository.branch("branch")
    one.repository.commit("Name the noise", **{"train.py": REFACTORED})
    monkeypatch.chdir(one.repository.root)
    for name, value in {
        "GIT_DIR": ".git",
        "GIT_INDEX_FILE": ".git/index",
        "GIT_WORK_TREE": ".",
        "GIT_PREFIX": "",
    }.items():
        monkeypatch.setenv(name, value)
    verdict, started = one.here()
    assert (verdict.verdict, started.total()) == (Word.IDENTICAL, 2 * FIRST)


def test_on_the_merge_commit_of_a_pull_request(one: Gate) -> None:
    """HEAD is detached at main merged with the branch, as actions/checkout leaves it; main has moved on since."""
    repository = one.repository
    repository.branch("pr")
    repository.commit("Name the noise", **{"train.py": REFACTORED})
    repository.git("checkout", "--quiet", "main")
    merged_with = repository.commit("main goes on", **{"README.md": "x"})
    repository.git("checkout", "--quiet", "--detach")
    repository.git("merge", "--quiet", "--no-ff", "--message", "Merge", "pr")
    merge = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "--quiet", "main")
    repository.commit("main breaks", **{"train.py": trainer("0 + noise")})
    repository.git("checkout", "--quiet", "--detach", merge)
    verdict, started = one.here()
    assert (verdict.verdict, started) == (Word.IDENTICAL, {merged_with[:12]: FIRST, merge[:12]: FIRST})
    assert (verdict.baseline.git_commit, verdict.candidate.git_commit) == (merged_with, merge)
    assert verdict.candidate.reference.startswith("HEAD")


def test_main_s_own_progress_is_not_the_branch_s_fault(one: Gate) -> None:
    one.repository.branch("branch")
    one.repository.commit("docs", **{"README.md": "x"})
    one.repository.git("checkout", "--quiet", "main")
    one.repository.commit("main learns better", **{"train.py": trainer("200 + noise")})
    verdict, started = one("branch")
    assert (verdict.verdict, started) == (Word.IDENTICAL, 0)


def test_in_a_worktree_that_the_user_made(one: Gate, tmp_path: Path) -> None:
    one.repository.git("worktree", "add", "--quiet", "-b", "mine", str(tmp_path / "mine"))
    mine = Gate(Repo(tmp_path / "mine"), [])
    mine.repository.write("train.py", REFACTORED)
    verdict, started = mine.here()
    assert (verdict.verdict, started.total()) == (Word.IDENTICAL, 2 * FIRST)
    assert not one.store.exists()
    assert one.repository.git("status", "--porcelain") == ""


def test_two_checkouts_share_a_store(one: Gate, tmp_path: Path) -> None:
    """RLOPS_DIR on a common disk: cells are known by content, and the worktrees of the one serve the other."""
    one.repository.branch("branch")
    one.repository.commit("Name the noise", **{"train.py": REFACTORED})
    assert one("branch")[1] == 2 * FIRST
    one.repository.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    shared = Workspace(tmp_path / "clone", one.store)
    verdict = gate_change(shared, "own", "origin/main", None, None, Watchers())
    assert (verdict.verdict, len(one.repository.starts)) == (Word.IDENTICAL, 2 * FIRST)
