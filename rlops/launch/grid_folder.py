"""The folder of a grid in the store: who may need it, and how it goes."""

import contextlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rlops.files import locked
from rlops.launch.asked import NAME as ASKED
from rlops.launch.asked import asking, read_asked
from rlops.launch.cell_group import is_locked
from rlops.launch.supervise import read_json

GRID_NAME = re.compile(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,150}-[0-9a-f]{12}")
"""Benchmark and the beginning of the content key, which Grid.name puts together."""


@dataclass(frozen=True)
class GridFolder:
    """What the folder at `path` says of itself.

    `used`: when it was last asked for or trained in, in seconds since 1970; `running`: where processes work that train
    in it now, None where none does; `pythons`: the interpreters that trained it.
    """

    path: Path
    git_commits: frozenset[str]
    pythons: frozenset[str]
    used: float
    running: frozenset[str] | None

    @property
    def key(self) -> str:
        """The beginning of the content key that all its cells share."""
        return self.path.name[-12:]


def grid_folders(cells: Path) -> list[GridFolder]:
    """The folders of grids in `cells`. What has another name is nobody's grid; links are not followed."""
    return [_read(folder) for folder in real_folders(cells) if GRID_NAME.fullmatch(folder.name)]


def remove_grid(parent: Path, unused_since: float) -> bool:
    """Remove the folder of a grid, unless it was used since, or something runs in it; did it go?

    Whoever asks for it meanwhile waits, and finds none.
    """
    with locked(asking(parent)):
        if _used(parent) > unused_since or _is_trained(parent):
            return False
        going = tempfile.mkdtemp(dir=parent.parent, prefix=f".{parent.name}.")
        parent.rename(going)
    shutil.rmtree(going)
    return True


def real_folders(parent: Path) -> list[Path]:
    """The folders in `parent`, without links; none where `parent` is a link itself, or is not there."""
    if parent.is_symlink() or not parent.is_dir():
        return []
    with os.scandir(parent) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def _read(parent: Path) -> GridFolder:
    commits, pythons, places = set(read_asked(parent).git_commits), set[str](), set[str]()
    for path in parent.glob("*/cell.json"):
        request = read_json(path)
        commits |= _texts(request.get("provenance"), "git_commit")
        pythons |= _texts(request.get("imports"), "python")
        places |= _texts(request, "working_directory")
    running = frozenset(places) if _is_trained(parent) else None
    return GridFolder(parent, frozenset(commits), frozenset(pythons), _used(parent), running)


def _texts(content: object, name: str) -> set[str]:
    value = content.get(name) if isinstance(content, dict) else None
    return {value} if isinstance(value, str) else set()


def _used(parent: Path) -> float:
    newest = 0.0
    for path in (parent / ASKED, *parent.glob("*/cell.json"), *parent.glob("*/done.json")):
        with contextlib.suppress(OSError):
            newest = max(newest, path.stat().st_mtime)
    return newest


def _is_trained(parent: Path) -> bool:
    locks = asking(parent).parent
    return any(path.is_file() and path != asking(parent) and is_locked(path) for path in locks.glob("*"))
