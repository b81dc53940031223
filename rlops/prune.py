"""What no baseline, verdict or branch needs in the store, and its removal. Verdicts stay: they are records."""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rlops.curves import Store, read_baseline
from rlops.errors import UsageError
from rlops.launch import GridFolder, grid_folders, real_folders, remove_grid
from rlops.plan import (
    Repository,
    environment_name,
    environment_used,
    is_forsaken,
    named_commits,
    read_benchmark,
    remove_environment,
    remove_worktree,
    worktrees,
)
from rlops.workspace import Workspace

DAY = 86_400.0
HASH = re.compile("[0-9a-f]{12}")
PARTIALS = {
    "": r"\.gitignore|format",
    "runs": r"[0-9a-f]{24}\.npz",
    "verdicts/*": r"verdict\.json|report\.html",
    "results/*": r"results\.(json|html|md)",
    "cells": r".+-[0-9a-f]{12}",
    "cells/*": r"asked\.json|.+-[0-9a-f]{8}",
}
"""Folder in the store -> what is written there at once; a write that was killed leaves .NAME.xxxxxxxx behind."""


@dataclass(frozen=True)
class Item:
    """Something in the store, and why it goes or stays. `kind`: cells, worktree, environment, run or partial.

    `belongs_to`: the directory of the cell that a run was read from.
    """

    kind: str
    path: Path
    why: str
    bytes: int = 0
    belongs_to: Path | None = None


@dataclass(frozen=True)
class Survey:
    """What goes, in the order of its removal, and what stays; what was used since `unused_since` may not go."""

    goes: tuple[Item, ...]
    stays: tuple[Item, ...]
    unused_since: float


def survey(workspace: Workspace, days: float, now: float) -> Survey:
    """Look through the store and remove nothing; `now`: seconds since 1970.

    Raises UsageError where there is no store, or where git or a baseline cannot say what is needed.
    """
    places = (workspace.cells, workspace.worktrees, workspace.runs)
    if not any(place.is_dir() and not place.is_symlink() for place in places):
        raise UsageError(
            f"{workspace.store} is no rlops store: it has no cells, worktrees or runs; name one with --dir"
        )
    needs = _Needs(workspace, now - days * DAY)
    found = [*needs.cells(), *needs.runs(), *needs.worktrees(), *needs.environments(), *_partials(workspace, now - DAY)]
    goes = tuple(item for item, needed in found if not needed)
    return Survey(goes, tuple(item for item, needed in found if needed), needs.unused_since)


def remove(workspace: Workspace, found: Survey) -> tuple[Item, ...]:
    """Remove what goes, but for what was used meanwhile; what went."""
    repository = _repository(workspace.root)
    return tuple(item for item in found.goes if _remove(item, repository, found.unused_since))


def _remove(item: Item, repository: Repository | None, unused_since: float) -> bool:
    if item.kind == "cells":
        return remove_grid(item.path, unused_since)
    if item.kind == "worktree":
        return remove_worktree(item.path, unused_since, repository)
    if item.kind == "environment":
        return remove_environment(item.path, unused_since)
    if item.kind == "run" and item.belongs_to is not None and item.belongs_to.exists():
        return False
    if item.path.is_dir() and not item.path.is_symlink():
        shutil.rmtree(item.path)
    else:
        item.path.unlink(missing_ok=True)
    return True


Judged = Iterator[tuple[Item, bool]]
"""Things of the store, and whether they are needed."""


@dataclass(frozen=True)
class _Needs:
    """Who needs what. Something that was used since `unused_since` is needed whatever git says."""

    workspace: Workspace
    unused_since: float

    def cells(self) -> Judged:
        """The folders of grids."""
        for grid, why in self._grids:
            named = ", ".join(sorted(commit[:7] for commit in grid.git_commits))
            nobody = f"no branch, tag, baseline or verdict names {named}" if named else "no baseline was made of it"
            text = why or nobody
            yield Item("cells", grid.path, text, _size(grid.path)), why is not None

    def runs(self) -> Judged:
        """What was read from cells that go, or have gone: their runs are read again wherever the cells are."""
        cells = self.workspace.cells.resolve()
        going = {grid.path.name for grid, why in self._grids if why is None}
        if not any(self.workspace.runs.glob("*.npz")) or self.workspace.runs.is_symlink():
            return
        store = Store(self.workspace.runs)
        for meta in store.known(f"{cells}{os.sep}"):
            parts = Path(str(meta["source"])).relative_to(cells).parts[:2]
            place = cells.joinpath(*parts)
            path = store.path(str(meta["identity"]))
            if parts[0] in going or not place.exists():
                yield Item("run", path, f"its cell goes or has gone: {'/'.join(parts)}", _size(path), place), False

    def worktrees(self) -> Judged:
        """The worktrees that rlops made."""
        for place, why in self._worktrees:
            text = why or "no branch, tag or verdict names its commit, and no cells that stay"
            yield Item("worktree", place, text, _size(place)), why is not None

    def environments(self) -> Judged:
        """The virtual environments of versions."""
        wanted = {Path(python).parent.parent for grid, why in self._grids if why for python in grid.pythons}
        names = {path.name for path in wanted} | self._environments_of_worktrees()
        for folder in real_folders(self.workspace.environments):
            if HASH.fullmatch(folder.name):
                used = environment_used(folder) > self.unused_since
                needed = used or folder.name in names
                text = "used lately" if used else f"{'a' if needed else 'no'} worktree or cell that stays asks for it"
                yield Item("environment", folder, text, _size(folder)), needed

    @cached_property
    def _grids(self) -> list[tuple[GridFolder, str | None]]:
        return [(grid, self._who_needs(grid)) for grid in grid_folders(self.workspace.cells)]

    def _who_needs(self, grid: GridFolder) -> str | None:
        if grid.running is not None:
            return "something is being trained in it"
        if grid.key in self._baselines:
            return f"the baseline {self._baselines[grid.key]} was made of it"
        for commit in sorted(grid.git_commits & self._commits.keys()):
            return f"{commit[:7]}: {self._commits[commit]}"
        return "used lately" if grid.used > self.unused_since else None

    @cached_property
    def _baselines(self) -> dict[str, str]:
        """The beginnings of the keys of stored baselines -> their names."""
        folder = self.workspace.baselines
        found = [read_baseline(path.stem, folder) for path in sorted(folder.glob("*.json"))]
        return {baseline.benchmark_key[:12]: baseline.name for baseline in found if baseline.benchmark_key}

    @cached_property
    def _commits(self) -> dict[str, str]:
        """The commits that somebody names, and who."""
        of_verdicts = {
            commit: f"the verdict {path.parent.name} names it"
            for path in sorted(self.workspace.verdicts.glob("*/verdict.json"))
            for commit in _sides(_record(path))
        }
        if self._repository is None:
            return of_verdicts
        named = named_commits(self._repository, self.workspace.store)
        return of_verdicts | dict.fromkeys(named, "HEAD, a branch or a tag, or where one of them parted from HEAD")

    @cached_property
    def _repository(self) -> Repository | None:
        return _repository(self.workspace.root)

    @cached_property
    def _worktrees(self) -> list[tuple[Path, str | None]]:
        places = [place for place in real_folders(self.workspace.worktrees) if HASH.fullmatch(place.name)]
        known = worktrees(self._repository) if self._repository else {}
        commits = {commit for grid, why in self._grids if why for commit in grid.git_commits}
        return [(place, self._who_needs_worktree(place, known.get(place.resolve()), commits)) for place in places]

    def _who_needs_worktree(self, place: Path, commit: str | None, of_cells: set[str]) -> str | None:
        running = [Path(folder) for grid, _ in self._grids for folder in grid.running or ()]
        if any(folder.is_relative_to(place) for folder in running):
            return "something is being trained in it"
        if place.stat().st_mtime > self.unused_since:
            return "used lately"
        if commit is None:
            return None if is_forsaken(place) else "it is of another repository"
        if commit in self._commits:
            return self._commits[commit]
        return "cells that stay were trained in it" if commit in of_cells else None

    def _environments_of_worktrees(self) -> set[str]:
        names = set()
        prefix = self._repository.prefix if self._repository else ""
        for root in [place / prefix for place, why in self._worktrees if why]:
            for path in [*self.workspace.benchmarks.glob("*.toml"), *(root / "benchmarks").glob("*.toml")]:
                with contextlib.suppress(UsageError):
                    dependencies = read_benchmark(path).dependencies
                    names |= {environment_name(root, dependencies)} if dependencies.lock else set()
        return names


def _repository(root: Path) -> Repository | None:
    """The repository around; None where there is none. One that git does not read decides nothing: it is an error."""
    try:
        return Repository.around(root)
    except UsageError:
        if any((folder / ".git").exists() for folder in (root, *root.parents)):
            raise
        return None


def _partials(workspace: Workspace, before: float) -> Judged:
    """What writes left behind that were killed more than a day ago."""
    for place, names in PARTIALS.items():
        pattern = re.compile(rf"\.({names})\.[a-z0-9_]{{8}}")
        for folder in [workspace.store.joinpath(place)] if "*" not in place else _below(workspace.store, place):
            if folder.is_symlink() or not folder.is_dir():
                continue
            for path in sorted(folder.iterdir()):
                if pattern.fullmatch(path.name) and path.lstat().st_mtime < before:
                    yield Item("partial", path, "a write that was killed left it", _size(path)), False


def _below(store: Path, place: str) -> Iterable[Path]:
    return real_folders(store / place.partition("/")[0])


def _record(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _sides(verdict: dict[str, Any]) -> set[str]:
    sides = [verdict.get(side) for side in ("baseline", "candidate")]
    commits = [side.get("git_commit") for side in sides if isinstance(side, dict)]
    return {commit for commit in commits if isinstance(commit, str)}


def _size(path: Path) -> int:
    """The bytes of a file, or of all files below a folder; links are not followed."""
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size if path.exists() else 0
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total
