"""Content keys: equal for the same code wherever it lies, different for everything that changes the training."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rlops.errors import UsageError
from rlops.plan import Benchmark, Grid, checkout, expand
from rlops.plan import provenance as provenance_module

CODE = ("src", "train.py", "lock.txt")


def git(folder: Path, *arguments: str) -> str:
    nobody = {
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"],
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
    }  # fmt: skip
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], env=nobody, capture_output=True, text=True, check=True
    ).stdout.strip()


def write_code(root: Path) -> None:
    (root / "src" / "deep er").mkdir(parents=True)
    (root / "train.py").write_text("print('train')\n")
    (root / "lock.txt").write_text("torch==2\n")
    (root / "src" / "__init__.py").write_text("")
    (root / "src" / "deep er" / "nété.py").write_text("x = 1\n", encoding="utf-8")
    (root / "README.md").write_text("words\n")
    (root / ".gitignore").write_text("__pycache__/\n*.log\nignored/\n")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    root.mkdir()
    write_code(root)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    return root


@pytest.fixture
def benchmark() -> Benchmark:
    return Benchmark.model_validate(
        {
            "name": "bench",
            "command": ["{python}", "train.py", "{env_id}", "{seed}"],
            "code": CODE,
            "environments": ["A-v1", "B-v1"],
            "budget": 1000,
            "packages": ["click", "no-such-package"],
        }
    )


def grid(root: Path, benchmark: Benchmark, seeds: tuple[int, ...] = (1, 2)) -> Grid:
    return expand(benchmark, checkout(root, benchmark), seeds)


def keys(root: Path, benchmark: Benchmark) -> list[str]:
    return [cell.key for cell in grid(root, benchmark).cells]


class TestSameCode:
    def test_a_checkout_a_copy_and_a_worktree_agree(
        self, repository: Path, benchmark: Benchmark, tmp_path: Path
    ) -> None:
        shutil.copytree(repository, tmp_path / "copy", ignore=shutil.ignore_patterns(".git"))
        git(repository, "worktree", "add", "-q", "--detach", str(tmp_path / "worktree"))
        expected = keys(repository, benchmark)
        assert keys(tmp_path / "copy", benchmark) == expected
        assert keys(tmp_path / "worktree", benchmark) == expected

    def test_a_copy_inside_a_folder_that_git_ignores_agrees(self, repository: Path, benchmark: Benchmark) -> None:
        copy = repository / "ignored" / "copy"
        copy.mkdir(parents=True)
        for name in CODE:
            (shutil.copytree if (repository / name).is_dir() else shutil.copy)(repository / name, copy / name)
        assert keys(copy, benchmark) == keys(repository, benchmark)

    def test_such_a_copy_is_not_the_commit_around_it(self, repository: Path, benchmark: Benchmark) -> None:
        """The demo's planted bug lies in .rlops/: a report must not say that the clean commit regressed."""
        copy = repository / "ignored" / "copy"
        shutil.copytree(repository, copy, ignore=shutil.ignore_patterns(".git", "ignored"))
        (copy / "train.py").write_text("print('a bug')\n")
        variant = checkout(copy, benchmark)
        assert (variant.name, variant.provenance.git_commit) == ("no-git", None)

    @pytest.mark.parametrize(
        "path", ["train.log", "src/x.log", "src/__pycache__/a.pyc", "ignored/x.py", "README.md", "other/new.py"]
    )
    def test_what_does_not_count_does_not_change_the_key(
        self, path: str, repository: Path, benchmark: Benchmark
    ) -> None:
        before = keys(repository, benchmark)
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text("something")
        assert keys(repository, benchmark) == before

    def test_bytecode_in_a_plain_copy_does_not_count(self, tmp_path: Path, benchmark: Benchmark) -> None:
        write_code(tmp_path / "copy")
        before = keys(tmp_path / "copy", benchmark)
        (tmp_path / "copy" / "src" / "__pycache__").mkdir()
        (tmp_path / "copy" / "src" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"x")
        assert keys(tmp_path / "copy", benchmark) == before

    def test_committing_what_was_there_changes_nothing(self, repository: Path, benchmark: Benchmark) -> None:
        (repository / "train.py").write_text("print('other')\n")
        before = keys(repository, benchmark)
        assert checkout(repository, benchmark).name == f"{git(repository, 'rev-parse', 'HEAD')[:7]}+dirty"
        git(repository, "commit", "-q", "-a", "-m", "second")
        assert checkout(repository, benchmark).name == git(repository, "rev-parse", "HEAD")[:7]
        assert keys(repository, benchmark) == before

    def test_the_machine_is_not_in_the_key(
        self, repository: Path, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, here = keys(repository, benchmark), checkout(repository, benchmark).provenance.fingerprint
        monkeypatch.setattr(provenance_module, "cpu_model", lambda: "another processor")
        monkeypatch.setenv("OMP_NUM_THREADS", "17")
        assert checkout(repository, benchmark).provenance.fingerprint != here
        assert keys(repository, benchmark) == before

    @pytest.mark.parametrize("change", ["description", "margins", "policy", "resources", "name", "metric"])
    def test_how_it_is_judged_is_not_in_the_key(self, change: str, repository: Path, benchmark: Benchmark) -> None:
        others = {
            "description": {"description": "other"},
            "margins": {"margins": {"spreads": 3}},
            "policy": {"policy": {"alpha": 0.01}},
            "resources": {"resources": {"minutes": 1}},
            "name": {"name": "other"},
            "metric": {"metric": {"name": "losses/value_loss"}},
        }
        other = Benchmark.model_validate({**benchmark.model_dump(), **others[change]})
        assert keys(repository, other) == keys(repository, benchmark)

    def test_more_seeds_leave_the_others_alone(self, repository: Path, benchmark: Benchmark) -> None:
        few = {cell.key for cell in grid(repository, benchmark, (1, 2)).cells}
        assert few < {cell.key for cell in grid(repository, benchmark, (1, 2, 3)).cells}


def change_a_byte(root: Path) -> None:
    (root / "src" / "deep er" / "nété.py").write_text("x = 2\n", encoding="utf-8")


def rename(root: Path) -> None:
    (root / "src" / "__init__.py").rename(root / "src" / "init.py")


def add_untracked(root: Path) -> None:
    (root / "src" / "new.py").write_text("y = 1\n")


def delete(root: Path) -> None:
    (root / "src" / "__init__.py").unlink()


def change_the_lock(root: Path) -> None:
    (root / "lock.txt").write_text("torch==3\n")


def swap(root: Path) -> None:
    """The same contents under each other's names."""
    train, lock = (root / "train.py").read_text(), (root / "lock.txt").read_text()
    (root / "train.py").write_text(lock)
    (root / "lock.txt").write_text(train)


class TestOtherTraining:
    @pytest.mark.parametrize("change", [change_a_byte, rename, add_untracked, delete, change_the_lock, swap])
    @pytest.mark.parametrize("in_git", [True, False], ids=["checkout", "copy"])
    def test_uncommitted_changes_of_the_code(
        self, change: Callable[[Path], None], in_git: bool, repository: Path, benchmark: Benchmark
    ) -> None:
        if not in_git:
            shutil.rmtree(repository / ".git")
        before = keys(repository, benchmark)
        change(repository)
        assert not set(keys(repository, benchmark)) & set(before)

    @pytest.mark.parametrize(
        "change", [{"command": ["x", "{env_id}", "{seed}"]}, {"budget": 1001}, {"packages": ["click", "pydantic"]}]
    )
    def test_of_the_benchmark(self, change: dict[str, object], repository: Path, benchmark: Benchmark) -> None:
        other = Benchmark.model_validate({**benchmark.model_dump(), **change})
        assert not set(keys(repository, other)) & set(keys(repository, benchmark))

    def test_environment_and_seed(self, repository: Path, benchmark: Benchmark) -> None:
        cells = grid(repository, benchmark, tuple(range(20))).cells
        assert len({cell.key for cell in cells}) == len(cells) == 40

    def test_a_package_version(self, repository: Path, benchmark: Benchmark) -> None:
        variant = checkout(repository, benchmark)
        assert list(variant.provenance.packages) == ["click"]  # what is not installed is left out
        other = replace(variant, provenance=replace(variant.provenance, packages={"click": "0.1"}))
        assert expand(benchmark, other, (1,)).cells[0].key != expand(benchmark, variant, (1,)).cells[0].key


def test_cells_go_seed_by_seed_through_the_environments(repository: Path, benchmark: Benchmark) -> None:
    cells = grid(repository, benchmark, (5, 3)).cells
    assert [(cell.env_id, cell.seed) for cell in cells] == [("A-v1", 5), ("B-v1", 5), ("A-v1", 3), ("B-v1", 3)]


def test_the_name_of_a_grid(repository: Path, benchmark: Benchmark) -> None:
    found = grid(repository, benchmark)
    assert found.name == f"bench-{found.key[:12]}"


@pytest.mark.parametrize("path", ["no_such_file.py", "src/none"])
def test_code_that_is_not_there_is_said(path: str, repository: Path, benchmark: Benchmark) -> None:
    other = Benchmark.model_validate({**benchmark.model_dump(), "code": [path]})
    with pytest.raises(UsageError) as error:
        checkout(repository, other)
    assert str(error.value) == f"the benchmark's `code` names {path}, which does not exist in {repository}"


def test_code_is_named_from_the_checkout(repository: Path, benchmark: Benchmark) -> None:
    """An absolute path would be in no worktree and in no copy, so no key could follow it."""
    other = Benchmark.model_validate({**benchmark.model_dump(), "code": [str(repository.parent)]})
    with pytest.raises(UsageError, match=r"`code` names .*, which lies outside of"):
        checkout(repository, other)


@pytest.mark.parametrize("name", [b"nam\xe9.py", b" blank .py", b"new\nline.py"])
def test_odd_file_names_count(name: bytes, repository: Path, benchmark: Benchmark) -> None:
    before, odd = keys(repository, benchmark), Path(os.fsdecode(os.fsencode(repository / "src") + b"/" + name))
    odd.write_text("1")
    one = keys(repository, benchmark)
    odd.write_text("2")
    assert before != one != keys(repository, benchmark)


def test_without_git_on_the_path_the_key_is_the_same(
    repository: Path, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys(repository, benchmark)
    monkeypatch.setenv("PATH", str(repository / "nowhere"))
    assert keys(repository, benchmark) == before


def test_a_git_that_is_told_where_to_look_by_the_environment(
    repository: Path, benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside a git hook GIT_DIR and GIT_INDEX_FILE are set, for another repository than the one that is asked about."""
    before = keys(repository, benchmark)
    (tmp_path / "other").mkdir()
    git(tmp_path / "other", "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    assert keys(repository, benchmark) == before
    assert checkout(repository, benchmark).provenance.git_commit == git(repository, "rev-parse", "HEAD")


def test_bytecode_is_no_code_where_nothing_ignores_it(repository: Path, benchmark: Benchmark) -> None:
    (repository / ".gitignore").unlink()
    git(repository, "commit", "-q", "-a", "-m", "nothing is ignored")
    before = checkout(repository, benchmark).provenance.code_sha256
    (repository / "src" / "__pycache__").mkdir()
    (repository / "src" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"x")
    assert checkout(repository, benchmark).provenance.code_sha256 == before
