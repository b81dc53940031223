"""Versions of the code: the checkout as it is, and commits in worktrees of their own with what they need installed."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rlops.plan.benchmark import Benchmark
from rlops.plan.grid import Variant
from rlops.plan.interpreter import Interpreter, inspect, this_interpreter
from rlops.plan.provenance import provenance
from rlops.plan.repository import Repository
from rlops.plan.virtual_environment import lock_sha256, virtual_environment

DEPENDENCY_FILES = (
    "requirements*.txt", "constraints*.txt", "pyproject.toml", "setup.py", "setup.cfg", "uv.lock", "poetry.lock",
    "pdm.lock", "Pipfile.lock", "environment.yml", "environment.yaml",
)  # fmt: skip


def checkout(root: Path, benchmark: Benchmark) -> Variant:
    """The code at `root` as it is, uncommitted changes included."""
    found = provenance(root, benchmark.code, this_interpreter(benchmark.packages))
    commit = (found.git_commit or "no-git")[:7]
    lock = lock_sha256(root, benchmark.dependencies)
    return Variant(f"{commit}{'+dirty' if found.git_dirty else ''}", root, found, lock=lock)


def version(repository: Repository, commit: str, benchmark: Benchmark, store: Path) -> Variant:
    """The code of a commit, in a worktree below `store`, in an environment that has the dependencies it asks for.

    A snapshot of uncommitted changes (Repository.snapshot) is known by the commit below it.
    """
    store = store.resolve()
    root = repository.worktree(commit, store / "worktrees")
    interpreter = inspect(_python(repository, root, benchmark, store), benchmark.packages)
    found = provenance(root, benchmark.code, interpreter, untracked=False)
    head = repository.below_snapshot(commit)
    if head is not None:
        found = replace(found, git_commit=head, git_dirty=True)
    name = f"{head[:7]}+dirty" if head else commit[:7]
    top = root.parents[len(Path(repository.prefix).parts) - 1] if repository.prefix else root
    others = (repository.top, *(store / "worktrees").glob("*"))
    return Variant(
        name=name,
        root=root,
        provenance=found,
        lock=lock_sha256(root, benchmark.dependencies),
        untracked=False,
        python=interpreter.path,
        top=top,
        search_path=_in_this_version(interpreter, top, others),
        elsewhere=(repository.top, store / "worktrees"),
    )


def dependency_files_changed(repository: Repository, a: str, b: str) -> tuple[str, ...]:
    """Well-known files that say what is to be installed, and that differ between two commits."""
    return repository.changed(a, b, [f":(glob){name}" for name in DEPENDENCY_FILES])


def _python(repository: Repository, root: Path, benchmark: Benchmark, store: Path) -> str:
    """rlops' own interpreter, unless the version's dependency lock is not the one that the checkout asks for."""
    dependencies = benchmark.dependencies
    if not dependencies.lock or lock_sha256(root, dependencies) == lock_sha256(repository.folder, dependencies):
        return sys.executable
    return virtual_environment(root, dependencies, store / "venvs")


def _in_this_version(interpreter: Interpreter, top: Path, others: Sequence[Path]) -> tuple[Path, ...]:
    """For every folder that is installed editable from another version, the same folder of this one.

    An editable package is one checkout's for every process of the interpreter: without this, two versions would both
    train that checkout's code.
    """
    found: list[Path] = []
    for folder in map(Path, interpreter.editable):
        below = None if folder.is_relative_to(top) else _below(folder, others)
        if below is not None:
            found += [place for place in (top / below / "src", top / below) if place.is_dir()]
    return tuple(found)


def _below(folder: Path, places: Sequence[Path]) -> Path | None:
    """The folder as seen from the deepest of `places` that holds it: worktrees lie inside of the checkout."""
    holding = [place for place in places if folder.is_relative_to(place)]
    return folder.relative_to(max(holding, key=lambda place: len(place.parts))) if holding else None
