"""Python files of a repository, read and never run."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from rlops.plan.discover.source import Source, parse_source
from rlops.plan.repository import ask_git

MOST_BYTES = 500_000
"""Larger files are data or were generated (arbitrary)."""
MOST_FILES = 5_000
MOST_FOLDERS = 10_000
"""So many are looked at where there is no git, which may be somebody's home (arbitrary)."""
NOT_TRAINERS = {"test", "tests", "testing", "docs", "doc", "third_party", "vendor", "site-packages", "node_modules"}
"""Folders whose scripts train nothing of the user's."""
NOT_PARSED = {"setup.py", "noxfile.py", "conftest.py", "conf.py"}


@dataclass(frozen=True, eq=False)
class Sources:
    """The Python files below `root` that git does not ignore, without tests."""

    root: Path

    @cached_property
    def files(self) -> list[PurePosixPath]:
        """All of them, sorted, relative to the root."""
        listed = ask_git(self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.py")
        names = listed.split("\0") if listed else _walk(self.root)
        found = {PurePosixPath(name) for name in names if name}
        return sorted((path for path in found if _may_train(path)), key=lambda path: (len(path.parts), path))[
            :MOST_FILES
        ]

    @cached_property
    def packages(self) -> dict[str, tuple[PurePosixPath, ...]]:
        """Packages by name, with the folders that hold them; packages in packages are left out."""
        folders = {path.parent for path in self.files if path.name == "__init__.py" and path.parent.name}
        found: dict[str, tuple[PurePosixPath, ...]] = {}
        for folder in sorted(folders):
            if folder.parent not in folders:
                found[folder.name] = (*found.get(folder.name, ()), folder.parent)
        return found

    def names_in(self, folder: PurePosixPath) -> set[str]:
        """The names of what lies in a folder, without their ends."""
        if folder not in self._names:
            try:
                self._names[folder] = {name.partition(".")[0] for name in os.listdir(self.root / folder)}
            except OSError:
                self._names[folder] = set()
        return self._names[folder]

    @cached_property
    def _names(self) -> dict[PurePosixPath, set[str]]:
        return {}

    @cached_property
    def _cache(self) -> dict[PurePosixPath, Source | None]:
        return {}

    @cached_property
    def _there(self) -> dict[PurePosixPath, bool]:
        return {}

    def source(self, path: PurePosixPath) -> Source | None:
        """The file, parsed; None where it is missing, no regular file, too large or not Python."""
        if path not in self._cache:
            content = self.read(path)
            self._cache[path] = None if content is None else parse_source(path, content)
        return self._cache[path]

    def read(self, path: PurePosixPath) -> bytes | None:
        """The content of a file of the repository. Links are not followed: they may lead anywhere, even nowhere."""
        try:
            facts = (self.root / path).lstat()
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > MOST_BYTES:
                return None
            return (self.root / path).read_bytes()
        except (OSError, ValueError):
            return None

    def has(self, path: PurePosixPath) -> bool:
        """Is it a regular file?"""
        if path not in self._there:
            try:
                self._there[path] = stat.S_ISREG((self.root / path).lstat().st_mode)
            except (OSError, ValueError):
                self._there[path] = False
        return self._there[path]


def _may_train(path: PurePosixPath) -> bool:
    name = path.name
    if name in NOT_PARSED or name.startswith("test_") or name.endswith("_test.py"):
        return False
    # What has braces or control characters in its name could not stand in a command.
    return not NOT_TRAINERS.intersection(path.parts) and str(path).isprintable() and not set("{}") & set(str(path))


def _walk(root: Path) -> Iterator[str]:
    found = 0
    for folders, (place, below, names) in enumerate(os.walk(root)):
        if folders > MOST_FOLDERS or found > MOST_FILES:
            return
        below[:] = sorted(name for name in below if _is_ours(Path(place) / name))
        for name in sorted(names):
            if name.endswith(".py"):
                found += 1
                yield (Path(place) / name).relative_to(root).as_posix()


def _is_ours(folder: Path) -> bool:
    """No hidden folder, no virtual environment, nothing that was built or logged."""
    if folder.name.startswith(".") or folder.name in {"__pycache__", "build", "dist", "wandb", *NOT_TRAINERS}:
        return False
    return not (folder / "pyvenv.cfg").exists()
