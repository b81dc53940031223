"""What git knows: commits, merge bases, worktrees. Nothing here touches the user's branch, index or files."""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rlops.errors import UsageError
from rlops.files import locked

OTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
"""Set inside of git hooks: they would make git answer about another place than the one asked about."""
NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "rlops"), ("EMAIL", "rlops@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
}
"""Who commits a snapshot: always the same one at the same time, so that equal contents are equal commits."""
SNAPSHOT = "uncommitted changes"
SHORT = 12


def ask_git(folder: Path, *arguments: str, **variables: str) -> str | None:
    """What git prints, None where it fails or is not there."""
    try:
        done = _run(folder, arguments, variables)
    except FileNotFoundError:
        return None
    return os.fsdecode(done.stdout).rstrip("\n") if done.returncode == 0 else None


def _run(folder: Path, arguments: Sequence[str], variables: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in OTHER_REPOSITORY}
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], env={**environment, **variables}, capture_output=True, check=False
    )


@dataclass(frozen=True)
class Repository:
    """The repository of a checkout. `folder` is where rlops was called, `top` the checkout's top, `prefix` between."""

    folder: Path
    top: Path
    prefix: str

    @classmethod
    def around(cls, folder: Path) -> "Repository":
        """The repository that `folder` lies in; raises UsageError where there is none."""
        if shutil.which("git") is None:
            raise UsageError("versions are taken from git, which is not on PATH; install git")
        top = ask_git(folder, "rev-parse", "--show-toplevel")
        if not top:
            raise UsageError(f"{folder} is in no git repository, so it has no versions to compare")
        if ask_git(folder, "rev-parse", "--verify", "--quiet", "HEAD") is None:
            raise UsageError(f"{top} has no commit yet; commit something first")
        return cls(folder, Path(top), ask_git(folder, "rev-parse", "--show-prefix") or "")

    def commit(self, ref: str) -> str:
        """The full id of the commit that `ref` names."""
        found = None if ref.startswith("-") else self._ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if found is None:
            raise UsageError(f"git knows no commit '{ref}' in {self.top}; {self._how_to_fetch(ref)}")
        return found

    def resolve(self, version: str) -> str:
        """The commit of a ref, or of mergebase(A,B)."""
        match = re.fullmatch(r"mergebase\(([^,()]+),([^,()]+)\)", version)
        return self.merge_base(match[1], match[2]) if match else self.commit(version)

    def merge_base(self, a: str, b: str) -> str:
        """The commit where the histories of `a` and `b` parted."""
        found = self._ask("merge-base", self.commit(a), self.commit(b))
        if found is not None:
            return found
        if self._ask("rev-parse", "--is-shallow-repository") == "true":
            raise UsageError(
                f"this clone is shallow and does not reach the merge base of {a} and {b}; fetch the history first: "
                "git fetch --unshallow   (GitHub Actions: actions/checkout with fetch-depth: 0)"
            )
        raise UsageError(f"{a} and {b} have no commit in common, so there is no merge base")

    def snapshot(self, untracked: Sequence[str]) -> str:
        """A commit of the files as they are: HEAD itself where nothing differs from it.

        Changes of tracked files are in it, and of the others those below the paths `untracked`; nothing refers to
        the commit but its worktree, and the user's index is left as it is.
        """
        head = self.commit("HEAD")
        index = self._path("index")
        with _borrowed(index.with_name("rlops-index"), index) as copy:
            variables = {"GIT_INDEX_FILE": str(copy)}
            self._tell(self.top, "add", "--update", "--", ".", **variables)
            there = [path for path in untracked if (self.folder / path).exists()]
            if there:
                self._tell(self.folder, "add", "--all", "--", *there, **variables)
            tree = self._tell(self.top, "write-tree", **variables)
        if tree == self._ask("rev-parse", f"{head}^{{tree}}"):
            return head
        return self._tell(self.top, "commit-tree", tree, "-p", head, "-m", SNAPSHOT, **NOBODY)

    def below_snapshot(self, commit: str) -> str | None:
        """The commit that a snapshot was made on, None where `commit` is no snapshot."""
        kind = self._ask("show", "--no-patch", "--format=%ae %s", commit)
        return self._ask("rev-parse", f"{commit}^") if kind == f"{NOBODY['GIT_AUTHOR_EMAIL']} {SNAPSHOT}" else None

    def worktree(self, commit: str, parent: Path) -> Path:
        """The folder that corresponds to `folder` in a worktree of `commit` below `parent`; made where it is not."""
        place = parent / commit[:SHORT]
        with locked(parent / f".{commit[:SHORT]}.lock"):
            if not self._is_clean(place, commit):
                shutil.rmtree(place, ignore_errors=True)
                # The user's hooks are for the user's checkouts. --force: an earlier worktree here was deleted by hand.
                options = ("-c", "core.hooksPath=/dev/null", "worktree", "add", "--force", "--detach", "--quiet")
                self._tell(self.top, *options, str(place), commit)
        if not (place / self.prefix).is_dir():
            raise UsageError(f"{commit[:7]} has no folder {self.prefix}; call rlops in one that both versions have")
        return place / self.prefix

    def changed(self, a: str, b: str, paths: Sequence[str]) -> tuple[str, ...]:
        """The files below `paths` that differ between the commits `a` and `b`, relative to `folder`."""
        names = self._tell(self.folder, "diff", "--name-only", "--relative", "--no-renames", "-z", a, b, "--", *paths)
        return tuple(name for name in names.split("\0") if name)

    def branch(self) -> str | None:
        """The name of the branch that is checked out, None where HEAD is detached."""
        return self._ask("symbolic-ref", "--quiet", "--short", "HEAD")

    def _is_clean(self, place: Path, commit: str) -> bool:
        """Is the worktree whole and unchanged? What trainers leave beside the tracked files does not count."""
        if not (place / ".git").exists() or ask_git(place, "rev-parse", "HEAD") != commit:
            return False
        return ask_git(place, "status", "--porcelain", "--untracked-files=no") == ""

    def _how_to_fetch(self, ref: str) -> str:
        remote, slash, branch = ref.partition("/")
        if slash and remote in (self._ask("remote") or "").split():
            return f"fetch it: git fetch {remote} {branch}   (GitHub Actions: actions/checkout with fetch-depth: 0)"
        if self._ask("rev-parse", "--verify", "--quiet", f"origin/{ref}^{{commit}}"):
            return f"did you mean origin/{ref}?"
        return "fetch it, or name another one (branches: git branch --all)"

    def _path(self, name: str) -> Path:
        return self.top / self._tell(self.top, "rev-parse", "--git-path", name)

    def _ask(self, *arguments: str) -> str | None:
        return ask_git(self.top, *arguments)

    def _tell(self, folder: Path, *arguments: str, **variables: str) -> str:
        done = _run(folder, arguments, variables)
        if done.returncode != 0:
            what = " ".join(arguments[:4])
            raise UsageError(f"git {what} ... failed in {folder}: {os.fsdecode(done.stderr).strip()}")
        return os.fsdecode(done.stdout).rstrip("\n")


@contextlib.contextmanager
def _borrowed(path: Path, original: Path) -> Iterator[Path]:
    """A copy of a file beside it, with this process's number, removed at the end."""
    copy = path.with_name(f"{path.name}-{os.getpid()}")
    try:
        if original.exists():
            shutil.copy(original, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)
        copy.with_name(f"{copy.name}.lock").unlink(missing_ok=True)
