"""Where things are: the repository's own folders, and the store `.rlops/` (--dir, RLOPS_DIR)."""

from dataclasses import dataclass
from pathlib import Path

from rlops.errors import UsageError
from rlops.files import write_whole


@dataclass(frozen=True)
class Workspace:
    """`root` is the folder rlops was called in; `store` is git-ignored and can be thrown away.

    `offline`: W&B is not asked, what was pulled before must do.
    """

    root: Path
    store: Path
    offline: bool = False

    @property
    def benchmarks(self) -> Path:
        """Benchmark files."""
        return self.root / "benchmarks"

    @property
    def baselines(self) -> Path:
        """Frozen run sets, in git."""
        return self.root / "baselines"

    @property
    def cells(self) -> Path:
        """What was trained: a folder a grid, a directory a cell group."""
        return self.store / "cells"

    @property
    def runs(self) -> Path:
        """One npz a run that was pulled."""
        return self.store / "runs"

    @property
    def worktrees(self) -> Path:
        """Versions from git."""
        return self.store / "worktrees"

    @property
    def environments(self) -> Path:
        """Virtual environments of versions whose dependencies differ."""
        return self.store / "venvs"

    @property
    def verdicts(self) -> Path:
        """A folder a verdict: verdict.json and report.html."""
        return self.store / "verdicts"

    def prepare(self) -> None:
        """Make the store, with a .gitignore of its own: nothing in it is code, and none of it belongs in git."""
        self.store.mkdir(parents=True, exist_ok=True)
        ignore = self.store / ".gitignore"
        if not ignore.exists():
            write_whole(ignore, "*\n")

    def latest_verdict(self) -> Path:
        """The verdict.json written last."""
        found = sorted(self.verdicts.glob("*/verdict.json"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise UsageError(f"there is no verdict in {self.verdicts}; `rlops compare` and `rlops gate` write one")
        return found[-1]
