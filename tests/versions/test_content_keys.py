"""What is known is never trained again, and what is called the same is the same."""

import shutil
import sys
from pathlib import Path

import pytest

from rlops.errors import RlopsError
from rlops.judge import Word
from rlops.plan import Benchmark, Repository, checkout, expand, read_benchmark, variants, version
from rlops.workspace import Workspace
from tests.versions.quick import BASE, BENCHMARK, FIRST, HEAD, Gate, kinds, make, trainer
from tests.versions.repositories import Repo, make_repository

ONE = BENCHMARK.replace('["A-v0", "B-v0"]', '["A-v0"]')
BUG = trainer("40 + noise")
REFACTORED = trainer("noise + 100")


@pytest.fixture
def one(gate: Gate, tmp_path: Path) -> Gate:
    """A gate with a single environment."""
    return Gate(make(tmp_path / "one" / "repository", ONE), gate.told)


@pytest.fixture(autouse=True)
def _home(gate: Gate, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "one" in request.fixturenames:
        monkeypatch.setenv("HOME", str(request.getfixturevalue("one").repository.root.parent))


def own(repository: Repo) -> Benchmark:
    return read_benchmark(repository.root / "benchmarks" / "own.toml")


def code_of(repository: Repo, ref: str, code: tuple[str, ...] = ("train.py",)) -> str:
    Workspace(repository.root, repository.root / ".rlops").prepare()
    benchmark = own(repository).model_copy(update={"code": code})
    found = Repository.around(repository.root)
    return version(found, found.commit(ref), benchmark, repository.root / ".rlops").provenance.code_sha256


class TestNothingIsTrained:
    @pytest.mark.parametrize(
        "change",
        [
            {"README.md": "hello\n"}, {"README.md": " hi \n"}, {"docs/new.md": "x"}, {"other.py": "import os"},
            {"train.py.bak": "x"}, {"train.pyc": "x"}, {"sub/train.py": "x"},
        ],
    )  # fmt: skip
    def test_where_the_change_is_outside_of_the_code(self, gate: Gate, change: dict[str, str]) -> None:
        gate.repository.branch("branch")
        gate.repository.commit("outside", **change)
        verdict, started = gate("branch")
        assert (verdict.verdict, verdict.exit_code, started) == (Word.IDENTICAL, 0, 0)
        # Who edits Python files that are not the benchmark's code is told that nobody looked at them.
        python = any(name.endswith(".py") for name in change)
        assert kinds(verdict) == (["outside-code", "unchanged"] if python else ["unchanged"])
        assert (verdict.cost.cells_trained, verdict.cost.cells_known) == (0, 0)
        assert not (gate.store / "cells").exists()

    def test_where_files_outside_of_the_code_are_renamed_deleted_or_untracked(self, gate: Gate) -> None:
        gate.repository.branch("branch")
        gate.repository.git("mv", "README.md", "READ.md")
        gate.repository.write("untracked.py", "x")
        verdict, started = gate.here()
        assert (verdict.verdict, started.total()) == (Word.IDENTICAL, 0)

    def test_where_the_file_was_only_touched_or_made_executable_and_back(self, gate: Gate) -> None:
        path = gate.repository.root / "train.py"
        path.write_text(path.read_text())
        path.chmod(0o755)
        verdict, started = gate.here()
        assert (verdict.verdict, started.total()) == (Word.IDENTICAL, 0)

    def test_where_the_change_was_reverted(self, gate: Gate) -> None:
        gate.repository.branch("branch")
        gate.repository.commit("a bug", **{"train.py": BUG})
        gate.repository.git("revert", "--no-edit", "HEAD")
        verdict, started = gate("branch")
        assert (verdict.verdict, started) == (Word.IDENTICAL, 0)

    def test_on_main_itself_and_with_a_base_that_is_the_checkout(self, gate: Gate) -> None:
        for base in ("main", "HEAD"):
            verdict, started = gate("main", base=base)
            assert (verdict.verdict, started) == (Word.IDENTICAL, 0)


class TestKnownCells:
    def test_branches_with_the_same_content_share_theirs(self, one: Gate) -> None:
        one.repository.branch("first")
        one.repository.commit("a bug", **{"train.py": BUG})
        one.repository.branch("second")
        one.repository.commit("other words, same thing", **{"README.md": "x", "train.py": BUG})
        (before, _), (after, started) = one("first"), one("second")
        assert (before.verdict, after.verdict, started) == (Word.REGRESSED, Word.REGRESSED, 0)
        assert before.data_sha256 == after.data_sha256
        assert after.candidate.git_commit == one.repository.git("rev-parse", "second")

    def test_another_branch_finds_those_of_the_base(self, one: Gate) -> None:
        for name, code in {"first": BUG, "second": trainer("50 + noise")}.items():
            one.repository.branch(name)
            one.repository.commit(name, **{"train.py": code})
        one("first")
        verdict, started = one("second")
        assert (verdict.verdict, started) == (Word.REGRESSED, HEAD)
        assert (verdict.cost.cells_trained, verdict.cost.cells_known) == (HEAD, BASE + FIRST)

    def test_a_reverted_branch_on_a_main_that_has_moved_finds_main_s(self, one: Gate) -> None:
        """The bug is merged; its revert is judged against it: everything of the old main is known."""
        one.repository.branch("bug")
        one.repository.commit("a bug", **{"train.py": BUG})
        one("bug")
        one.repository.git("checkout", "--quiet", "main")
        one.repository.git("merge", "--quiet", "--ff-only", "bug")
        one.repository.branch("revert")
        one.repository.git("revert", "--no-edit", "HEAD")
        verdict, started = one("revert")
        # Known: the bug's candidate seeds 101-105, of the old main the twins 101-102 and the baseline 1-3.
        # To train: the bug's baseline seeds, and the candidate seeds 103-105 of the old main's code.
        assert (verdict.verdict, started) == (Word.IMPROVED, BASE + HEAD - FIRST)

    def test_what_was_trained_uncommitted_is_known_once_it_is_committed(self, one: Gate) -> None:
        one.repository.branch("work")
        one.repository.write("train.py", BUG)
        dirty, started = one.here()
        assert (dirty.verdict, started.total()) == (Word.REGRESSED, BASE + HEAD + FIRST)
        assert dirty.candidate.git_dirty
        assert dirty.candidate.git_commit == one.repository.git("rev-parse", "HEAD")
        one.repository.commit("now it is")
        clean, started = one.here()
        assert (clean.verdict, started.total()) == (Word.REGRESSED, 0)
        assert not clean.candidate.git_dirty
        assert clean.candidate.git_commit == one.repository.git("rev-parse", "HEAD")
        assert clean.data_sha256 == dirty.data_sha256

    def test_the_same_commit_gives_the_same_verdict(self, one: Gate) -> None:
        one.repository.branch("bug")
        one.repository.commit("a bug", **{"train.py": BUG})
        first, _ = one("bug")
        again, started = one("bug")
        assert started == 0
        assert first.identity() == again.identity()

    def test_the_store_thrown_away_is_made_again(self, one: Gate) -> None:
        one.repository.branch("branch")
        one.repository.commit("Name the noise", **{"train.py": REFACTORED})
        assert one("branch")[1] == 2 * FIRST
        shutil.rmtree(one.store)
        verdict, started = one("branch")
        assert (verdict.verdict, started) == (Word.IDENTICAL, 2 * FIRST)

    def test_runs_of_a_run_of_the_version_are_those_of_the_gate(self, one: Gate) -> None:
        """`rlops run own git:bug` and the checkout of the same commit are one key."""
        one.repository.branch("bug")
        one.repository.commit("a bug", **{"train.py": BUG})
        found = Repository.around(one.repository.root)
        benchmark = own(one.repository)
        here = expand(benchmark, checkout(one.repository.root, benchmark), (1,))
        there = expand(benchmark, version(found, found.commit("bug"), benchmark, one.store), (1,))
        assert here.key == there.key


class TestWhatIsTrainedIsInTheKey:
    """Two versions with one key are called identical without a look: nothing that matters may stay out."""

    def test_new_and_deleted_files_below_the_code(self, gate: Gate) -> None:
        repository = gate.repository
        keys = set()
        for name, files in {"a": {"pkg/x.py": "1"}, "b": {"pkg/x.py": "1", "pkg/y": ""}, "c": {"pkg/z": ""}}.items():
            repository.branch(name)
            repository.commit(name, **files)
            keys.add(code_of(repository, name, ("pkg",)))
        repository.branch("d", "b")
        repository.git("mv", "pkg/y", "pkg/w")
        repository.commit("renamed")
        keys.add(code_of(repository, "d", ("pkg",)))
        assert len(keys) == 4

    def test_the_commit_of_a_submodule_below_the_code(self, gate: Gate, tmp_path: Path) -> None:
        repository, library = gate.repository, make_repository(tmp_path / "library")
        library.commit("one", **{"lib.py": "1\n"})
        local = ("-c", "protocol.file.allow=always")
        repository.git(*local, "submodule", "--quiet", "add", str(library.root), "library")
        repository.commit("with a library")
        library.commit("two", **{"lib.py": "raise SystemExit('another library')\n"})
        repository.branch("bump")
        Repo(repository.root / "library").git(*local, "pull", "--quiet")
        repository.commit("Bump the library")
        assert repository.git("diff", "--name-only", "main", "bump") == "library"
        assert code_of(repository, "main", ("library",)) != code_of(repository, "bump", ("library",))

    def test_where_a_link_to_a_folder_points_to(self, gate: Gate) -> None:
        repository = gate.repository
        repository.commit("algorithms", **{"old/a.py": "1\n", "new/a.py": "2\n", "pkg/__init__.py": ""})
        (repository.root / "pkg" / "algorithm").symlink_to("../old")
        repository.commit("the old one")
        repository.branch("new")
        (repository.root / "pkg" / "algorithm").unlink()
        (repository.root / "pkg" / "algorithm").symlink_to("../new")
        repository.commit("the new one")
        assert code_of(repository, "main", ("pkg",)) != code_of(repository, "new", ("pkg",))

    def test_what_lies_behind_a_code_path_that_is_a_link(self, gate: Gate) -> None:
        repository = gate.repository
        repository.commit("linked", **{"python/src/a.py": "1\n"})
        (repository.root / "src").symlink_to("python/src")
        repository.commit("linked")
        repository.branch("edit")
        repository.commit("edit", **{"python/src/a.py": "2\n"})
        assert code_of(repository, "main", ("src",)) != code_of(repository, "edit", ("src",))

    def test_where_a_link_out_of_the_repository_points_to(self, gate: Gate, tmp_path: Path) -> None:
        repository = gate.repository
        repository.commit("package", **{"pkg/__init__.py": ""})
        keys = set()
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            (repository.root / "pkg" / "data").unlink(missing_ok=True)
            (repository.root / "pkg" / "data").symlink_to(tmp_path / name)
            repository.branch(name, "HEAD")
            repository.commit(name)
            keys.add(code_of(repository, name, ("pkg",)))
        assert len(keys) == 2

    def test_what_a_link_to_a_file_says(self, gate: Gate) -> None:
        repository = gate.repository
        repository.commit("linked", **{"real.py": "1\n", "pkg/__init__.py": ""})
        (repository.root / "pkg" / "a.py").symlink_to("../real.py")
        repository.commit("linked")
        repository.branch("edit")
        repository.commit("edit", **{"real.py": "2\n"})
        assert code_of(repository, "main", ("pkg",)) != code_of(repository, "edit", ("pkg",))

    def test_the_dependency_lock(self, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
        """A lock that names another version of something that `packages` does not list is another environment."""
        monkeypatch.setattr(variants, "virtual_environment", lambda *_: sys.executable)
        repository = gate.repository
        section = '[dependencies]\nlock = ["lock.txt"]\ninstall = ["true"]\n'
        repository.commit("lock", **{"benchmarks/own.toml": BENCHMARK + section, "lock.txt": "some-algorithms==1\n"})
        repository.branch("bump")
        repository.commit("Bump", **{"lock.txt": "some-algorithms==2\n"})
        verdict, _ = gate("bump")
        assert "unchanged" not in kinds(verdict)


class TestTheCheckoutAndItsSnapshot:
    """What `rlops run` trains in the checkout and `rlops gate --base` in a worktree are the same cells."""

    def keys(self, gate: Gate) -> tuple[str, str]:
        Workspace(gate.repository.root, gate.store).prepare()
        benchmark = own(gate.repository).model_copy(update={"code": ("pkg", "train.py")})
        found = Repository.around(gate.repository.root)
        there = version(found, found.snapshot(benchmark.code), benchmark, gate.store)
        here = checkout(gate.repository.root, benchmark)
        return expand(benchmark, here, (1,)).key, expand(benchmark, there, (1,)).key

    @pytest.fixture
    def package(self, gate: Gate) -> Gate:
        gate.repository.commit(
            "package", **{"pkg/__init__.py": "", "pkg/a.py": "1\n", "lib/b.py": "2\n", ".gitignore": "*.log\n"}
        )
        return gate

    def test_are_one_key(self, package: Gate) -> None:
        clean = self.keys(package)
        repository = package.repository
        repository.write("pkg/a.py", "10\n")
        repository.write("pkg/new/c.py", "untracked\n")
        repository.write("pkg/d.py", "staged\n")
        repository.git("add", "pkg/d.py")
        repository.write("pkg/x.log", "ignored\n")
        (repository.root / "pkg" / "__init__.py").unlink()
        dirty = self.keys(package)
        assert clean[0] == clean[1] != dirty[0] == dirty[1]

    def test_with_links_inside_of_the_repository(self, package: Gate) -> None:
        (package.repository.root / "pkg" / "library").symlink_to("../lib")
        (package.repository.root / "pkg" / "itself").symlink_to(".")
        (package.repository.root / "pkg" / "nowhere").symlink_to("not/there")
        package.repository.commit("links")
        here, there = self.keys(package)
        assert here == there

    def test_with_a_link_out_of_the_repository(self, package: Gate, tmp_path: Path) -> None:
        """To a folder of data: where the worktree lies has no part in the key."""
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "big").write_text("x")
        (package.repository.root / "pkg" / "data").symlink_to(tmp_path / "data")
        package.repository.commit("links")
        here, there = self.keys(package)
        assert here == there

    def test_with_a_submodule(self, package: Gate, tmp_path: Path) -> None:
        library = make_repository(tmp_path / "library")
        library.commit("one", **{"lib.py": "1\n"})
        local = ("-c", "protocol.file.allow=always")
        package.repository.git(*local, "submodule", "--quiet", "add", str(library.root), "pkg/library")
        package.repository.commit("with a library")
        clean = self.keys(package)
        library.commit("two", **{"lib.py": "2\n"})
        Repo(package.repository.root / "pkg" / "library").git(*local, "pull", "--quiet")
        dirty = self.keys(package)
        assert clean[0] == clean[1] != dirty[0] == dirty[1]


class TestLeftovers:
    def test_what_a_trainer_leaves_below_the_code_of_its_worktree_changes_no_key(self, gate: Gate) -> None:
        repository = gate.repository
        repository.commit("package", **{"pkg/__init__.py": ""})
        before = code_of(repository, "main", ("pkg",))
        (place,) = (item for item in (gate.store / "worktrees").iterdir() if item.is_dir())
        (place / "pkg" / "cache.json").write_text("{}")
        assert code_of(repository, "main", ("pkg",)) == before

    def test_what_it_leaves_elsewhere_changes_none(self, one: Gate) -> None:
        untidy = trainer(before="open(f'result-{seed}', 'w').close()")
        one.repository.commit("untidy", **{"train.py": untidy})
        one.repository.branch("branch")
        one.repository.commit("same", **{"train.py": untidy + "\n"})
        assert [one("branch")[1], one("branch")[1]] == [2 * FIRST, 0]

    def test_nor_where_all_of_the_repository_is_the_code(self, one: Gate) -> None:
        untidy = trainer(before="open(f'result-{seed}', 'w').close()")
        everything = ONE.replace('["train.py"]', '["."]')
        one.repository.commit("untidy", **{"train.py": untidy, "benchmarks/own.toml": everything})
        one.repository.branch("branch")
        one.repository.commit("same", **{"train.py": untidy + "\n"})
        one.repository.write("new", "untracked, so it belongs to the code")
        verdict, started = one.here()
        assert (verdict.verdict, started.total()) == (Word.IDENTICAL, 2 * FIRST)
        assert one("branch")[1] == 0

    def test_bytecode_counts_for_nothing(self, gate: Gate) -> None:
        gate.repository.commit("package", **{"pkg/__init__.py": ""})
        before = code_of(gate.repository, "main", ("pkg",))
        (place,) = (item for item in (gate.store / "worktrees").iterdir() if item.is_dir())
        (place / "pkg" / "__pycache__").mkdir()
        (place / "pkg" / "__pycache__" / "x.pyc").write_bytes(b"x")
        assert code_of(gate.repository, "main", ("pkg",)) == before


def test_code_that_a_version_does_not_have_is_named(gate: Gate) -> None:
    gate.repository.branch("moved")
    gate.repository.git("mv", "train.py", "trainer.py")
    gate.repository.commit("moved")
    with pytest.raises(RlopsError, match=r"`code` names train.py, which does not exist in") as error:
        gate("moved")
    assert error.value.exit_code == 2
    assert gate.repository.starts == []
