"""Cells that other machines trained: copied into the store, where they are known like its own.

A part comes from elsewhere and may be anybody's: what its files say is checked before anything is copied, links are not
followed, and where a cell goes is made of checked values, not of the names of its folders.
"""

import contextlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rlops.errors import UsageError
from rlops.launch.cell_group import folder_name, label, lock_of, says_its_cells
from rlops.launch.grid_folder import GRID_NAME
from rlops.launch.supervise import clear_earlier_attempt, read_json, take_locks, write_json
from rlops.strangers import clean

MOST_JSON_BYTES = 10**6
MOST_FILES = 10_000
MOST_BYTES = 2 * 10**9
"""Of one process (all three arbitrary: wandb writes a dozen files, a few MB a run)."""
MOST_NAME = 200
DONE = "done.json"


@dataclass(frozen=True)
class Imported:
    """How many cells came in, were done here already, are being trained here just now, have logs that are damaged."""

    cells: int = 0
    known: int = 0
    busy: int = 0
    damaged: int = 0


@dataclass(frozen=True)
class _Part:
    """The directory of a process that ended, what it trained and how it ended; both checked."""

    folder: Path
    grid: str
    request: dict[str, Any]
    done: dict[str, Any]

    @property
    def env_id(self) -> str:
        return str(self.request["env_id"])

    @property
    def seeds(self) -> list[int]:
        return list(self.request["seeds"])

    @property
    def keys(self) -> list[str]:
        """In the order of the cells, which the name of the folder is made of."""
        return list(self.request["keys"].values())


@dataclass
class _GridHere:
    """What is done in the folder of a grid here. A folder that was seen done is not read again."""

    parent: Path
    cells: dict[tuple[str, int], tuple[str, Path]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def look(self) -> "_GridHere":
        """Notice what was done since."""
        with contextlib.suppress(FileNotFoundError):
            for name in sorted(os.listdir(self.parent)):
                folder = self.parent / name
                if name in self._seen or not (folder / DONE).is_file():
                    continue
                self._seen.add(name)
                request = read_json(folder / "cell.json")
                if says_its_cells(request):
                    self.note(request, folder)
        return self

    def note(self, request: Mapping[str, Any], folder: Path) -> None:
        """The cells of a directory are done, or will be."""
        for seed in request["seeds"]:
            self.cells[request["env_id"], seed] = request["keys"][str(seed)], folder

    def has_been_trained(self, part: _Part) -> bool:
        """Was one of its cells trained here since the parts were looked through?"""
        return any(self.cells[part.env_id, seed][1].parent == self.parent for seed in part.seeds)

    def has(self, part: _Part) -> bool:
        """Are the cells of the part done here? Raises UsageError where some are, or where they are others."""
        there = {seed: self.cells[part.env_id, seed] for seed in part.seeds if (part.env_id, seed) in self.cells}
        for seed, (key, folder) in there.items():
            if key != part.request["keys"][str(seed)]:
                raise UsageError(
                    f"{part.folder}: says another key of {label(part.env_id, [seed])} than {folder}, so one of them is "
                    "not what its name says; remove the one that you do not trust"
                )
        if there and len(there) < len(part.seeds):
            folder = next(folder for _, folder in there.values())
            raise UsageError(
                f"{part.folder}: one process trained {label(part.env_id, part.seeds)}, and {folder} has "
                f"{label(part.env_id, there)} already; one of the two must go: remove it and pull again"
            )
        return bool(there)


def check_cells(source: Path, cells: Path) -> None:
    """Raises UsageError where a directory below `source` is not of the form of a cell that is done."""
    for _ in _parts(source, cells):
        pass


def import_cells(
    source: Path,
    cells: Path,
    env_ids: frozenset[str] | None = None,
    seeds: frozenset[int] | None = None,
    damaged: Collection[Path] = (),
) -> Imported:
    """Copy the cells that are done anywhere below `source` below `cells`, each under its grid's name.

    Only those of `env_ids` and `seeds` (None: all), and none of the directories `damaged`, whose logs cannot be read:
    here they would count as trained. What lies below `cells` already is left alone. Raises UsageError,
    before anything is copied, where a part is not of its form or holds a cell that is done here in another group.
    """
    here: dict[str, _GridHere] = {}
    wanted, count = [], dict.fromkeys(("cells", "known", "busy", "damaged"), 0)
    for part in _parts(source, cells):
        if (env_ids is not None and part.env_id not in env_ids) or (seeds is not None and seeds.isdisjoint(part.seeds)):
            continue
        if part.grid not in here:
            here[part.grid] = _GridHere(cells / part.grid).look()
        grid = here[part.grid]
        if grid.has(part):
            count["known"] += len(part.seeds)
        elif part.folder.resolve() in damaged:
            count["damaged"] += len(part.seeds)
        else:
            _check_size(part.folder)
            grid.note(part.request, part.folder)
            wanted.append(part)
    for part in wanted:
        count[_bring(part, here[part.grid])] += len(part.seeds)
    return Imported(**count)


def _parts(source: Path, cells: Path) -> Iterator[_Part]:
    """Every cell directory below `source` that is done, but for those below `cells`."""
    own, found = cells.resolve(), list[Path]()
    for name, folders, files in os.walk(source):
        folder = Path(name)
        if folder.resolve().is_relative_to(own):
            folders.clear()
            continue
        folders.sort()
        if DONE in files and "cell.json" in files:
            if found and folder.is_relative_to(found[-1]):
                raise UsageError(f"{folder}: is a cell inside of another one's directory; remove one of the two")
            found.append(folder)
            yield _checked(folder)


def _checked(folder: Path) -> _Part:
    request, done = _json(folder / "cell.json"), _json(folder / DONE)
    grid = request.get("grid", folder.resolve().parent.name)
    wrong = _wrong(request)
    if wrong is None and not (isinstance(grid, str) and GRID_NAME.fullmatch(grid) and clean(grid) == grid):
        wrong = f"neither it nor its folder names a grid as rlops does (NAME-0123456789ab): {grid!r}"
    if wrong is not None:
        raise _not_ours(folder / "cell.json", wrong)
    if not _says_its_end(done):
        raise _not_ours(folder / DONE, "it lacks exit_code, ended_at or seconds")
    return _Part(folder, str(grid), request, done)


def _not_ours(path: Path, why: str) -> UsageError:
    return UsageError(f"{path}: is not the file a launcher wrote ({clean(why)}); remove its folder and pull again")


def _json(path: Path) -> dict[str, Any]:
    """A small file's object. Nothing is read through a link, or from what is no file."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise _not_ours(path, "it is a link, or no file")
    if found.st_size > MOST_JSON_BYTES:
        raise _not_ours(path, f"it has {found.st_size} bytes")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _not_ours(path, str(error)) from None
    if not isinstance(content, dict):
        raise _not_ours(path, "it holds no object")
    return content


def _wrong(request: dict[str, Any]) -> str | None:
    """What is wrong with a cell.json, None where nothing is that matters to whoever reads it here."""
    if not says_its_cells(request):
        return "it does not say environment, seeds and their keys"
    env_id, seeds = request["env_id"], request["seeds"]
    if not env_id or len(env_id) > MOST_NAME or clean(env_id) != env_id or not env_id.isprintable():
        return f"its environment is {env_id[:MOST_NAME]!r}"
    if request["keys"].keys() != {str(seed) for seed in seeds} or len(set(seeds)) < len(seeds):
        return "its seeds and their keys do not go together"
    parts = {"provenance": dict, "reproduce": dict, "benchmark": str, "variant": str}
    for name, kind in parts.items():
        if not isinstance(request.get(name, kind()), kind):
            return f"{name} is of another kind"
    return None if "provenance" in request else "provenance is missing"


def _says_its_end(done: dict[str, Any]) -> bool:
    ended, seconds = done.get("ended_at"), done.get("seconds")
    if type(done.get("exit_code")) is not int or not isinstance(ended, str) or type(seconds) not in {int, float}:
        return False
    try:
        datetime.fromisoformat(ended) - timedelta(seconds=float(seconds or 0))
    except (ValueError, OverflowError):
        return False
    return float(seconds or 0) >= 0


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every file of a cell and its bytes, relative to `folder`; links, pipes and the like are left out."""
    for name, folders, files in os.walk(folder):
        folders.sort()
        for path in (Path(name, file) for file in sorted(files)):
            found = path.lstat()
            if stat.S_ISREG(found.st_mode):
                yield path.relative_to(folder), found.st_size


def _check_size(folder: Path) -> None:
    number = total = 0
    for _, size in _files(folder):
        number, total = number + 1, total + size
        if number > MOST_FILES or total > MOST_BYTES:
            raise UsageError(
                f"{folder}: has more than {MOST_FILES} files or {MOST_BYTES / 1e9:.0f} GB, too much for what a trainer "
                "logs; remove what is not of its log, or copy the folder by hand"
            )


def _bring(part: _Part, grid: _GridHere) -> str:
    """Copy a part under the locks of its cells, done.json last, as when it was trained; which count it goes to."""
    locks = take_locks([lock_of(grid.parent, key) for key in part.keys])
    if locks is None:
        return "busy"
    try:
        if grid.look().has_been_trained(part):
            return "known"
        target = grid.parent / folder_name(part.env_id, part.seeds, part.keys)
        partial = Path(tempfile.mkdtemp(dir=grid.parent, prefix=f".{target.name}."))
        try:
            _copy(part, partial)
            clear_earlier_attempt(target)
            partial.rename(target)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        write_json(target / DONE, part.done)
    finally:
        for lock in locks:
            os.close(lock)
    return "cells"


def _copy(part: _Part, place: Path) -> None:
    place.chmod(0o755)
    for name, _ in _files(part.folder):
        if name != Path(DONE):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(part.folder / name, place / name, follow_symlinks=False)
    write_json(place / "cell.json", part.request)  # as it was checked, whatever became of the file since
