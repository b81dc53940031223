"""Where things are: the repository's own folders, and the store `.rlops/` (--dir, RLOPS_DIR)."""

from dataclasses import dataclass
from pathlib import Path

from rlops.errors import UsageError
from rlops.files import write_whole

FORMAT = 1
"""Of the store. A change that an older rlops would misread counts it up; npz files and verdicts count their own."""


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

    @property
    def results(self) -> Path:
        """A folder a page of published results: results.json and what was rendered of it."""
        return self.store / "results"

    def prepare(self) -> None:
        """Make the store, with a .gitignore of its own: nothing in it is code, and none of it belongs in git."""
        self.check_format()
        self.store.mkdir(parents=True, exist_ok=True)
        for name, content in ((".gitignore", "*\n"), ("format", f"{FORMAT}\n")):
            if not (self.store / name).exists():
                write_whole(self.store / name, content)

    def check_format(self) -> None:
        """Raises UsageError where a newer rlops has written the store: what it did differently, nobody can know."""
        try:
            found = int((self.store / "format").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return  # no store, or one of the first
        if found > FORMAT:
            raise UsageError(
                f"{self.store} was written by a newer rlops (store format {found}, this one knows {FORMAT}); "
                "use that version, or another folder: --dir"
            )

    def latest_verdict(self) -> Path:
        """The verdict.json written last."""
        found = sorted(self.verdicts.glob("*/verdict.json"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise UsageError(f"there is no verdict in {self.verdicts}; `rlops compare` and `rlops gate` write one")
        return found[-1]
