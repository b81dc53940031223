"""What git knows: commits, merge bases, worktrees. Nothing here touches the user's branch, index or files."""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
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
FETCH_THE_HISTORY = (
    "it is shallow; git fetch --unshallow   (GitHub Actions: actions/checkout with fetch-depth: 0 has all branches)"
)


def ask_git(folder: Path, *arguments: str, **variables: str) -> str | None:
    """What git prints, None where it fails or is not there."""
    try:
        done = _run(folder, arguments, variables)
    except FileNotFoundError:
        return None
    return os.fsdecode(done.stdout).rstrip("\n") if done.returncode == 0 else None


def worktree_lock(place: Path) -> Path:
    """The lock file of whoever makes, mends or removes the worktree at `place`."""
    return place.with_name(f".{place.name}.lock")


def _run(
    folder: Path, arguments: Sequence[str], variables: Mapping[str, str], given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in OTHER_REPOSITORY}
    # The user's hooks are for what the user does.
    command = ["git", "-C", str(folder), "-c", "core.hooksPath=/dev/null", *arguments]
    return subprocess.run(command, env={**environment, **variables}, input=given, capture_output=True, check=False)


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
        asked = _run(folder, ["rev-parse", "--show-toplevel"], {})
        top = os.fsdecode(asked.stdout).rstrip("\n")
        if not top:  # no repository, a bare one, or one of somebody else's that git refuses to read
            why = (os.fsdecode(asked.stderr).strip().splitlines() or ["it has no files"])[0]
            raise UsageError(f"{folder} has no versions to compare, git says: {why}")
        if ask_git(folder, "rev-parse", "--verify", "--quiet", "HEAD") is None:
            raise UsageError(f"{top} has no commit yet; commit something first")
        return cls(folder, Path(top), ask_git(folder, "rev-parse", "--show-prefix") or "")

    def commit(self, ref: str) -> str:
        """The full id of the commit that `ref` names."""
        found = (
            None if ref.startswith(("-", "^")) else self._ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        )
        if not found:
            raise UsageError(f"git knows no commit '{ref}' in {self.top}; {self._how_to_fetch(ref)}")
        return found

    def resolve(self, version: str) -> str:
        """The commit of a ref, or of mergebase(A,B)."""
        match = re.fullmatch(r"mergebase\((.+,.+)\)", version)
        if not match:
            return self.commit(version)
        parts = match[1].split(",")  # git allows commas in names
        pairs = [(",".join(parts[:i]), ",".join(parts[i:])) for i in range(1, len(parts))]
        known = [pair for pair in pairs if all(self._ask("rev-parse", "--verify", "--quiet", name) for name in pair)]
        return self.merge_base(*(known or pairs)[0])

    def merge_base(self, a: str, b: str) -> str:
        """The commit where the histories of `a` and `b` parted."""
        found = self._ask("merge-base", self.commit(a), self.commit(b))
        if found is not None:
            return found
        if self._is_shallow:
            raise UsageError(f"this clone does not reach the merge base of {a} and {b}: {FETCH_THE_HISTORY}")
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
            self._tell(self.top, "add", "--update", "--", ".", variables=variables)
            listing = ("ls-files", "--others", "--exclude-standard", "-z", "--", *untracked)
            names = _run(self.folder, ["--literal-pathspecs", *listing], variables).stdout
            from_names = ("add", "--pathspec-from-file=-", "--pathspec-file-nul")
            if names:
                self._tell(self.folder, "--literal-pathspecs", *from_names, given=names, variables=variables)
            tree = self._tell(self.top, "write-tree", variables=variables)
        if tree == self._ask("rev-parse", f"{head}^{{tree}}"):
            return head
        return self._tell(self.top, "commit-tree", tree, "-p", head, "-m", SNAPSHOT, variables=NOBODY)

    def below_snapshot(self, commit: str) -> str | None:
        """The commit that a snapshot was made on, None where `commit` is no snapshot."""
        kind = self._ask("show", "--no-patch", "--format=%ae %s", commit)
        return self._ask("rev-parse", f"{commit}^") if kind == f"{NOBODY['GIT_AUTHOR_EMAIL']} {SNAPSHOT}" else None

    def worktree(self, commit: str, parent: Path) -> Path:
        """The folder that corresponds to `folder` in a worktree of `commit` below `parent`; made where it is not."""
        place = parent / commit[:SHORT]
        with locked(worktree_lock(place)):
            if not self._restored(place, commit):
                shutil.rmtree(place, ignore_errors=True)
                # Twice --force: an earlier worktree here was deleted by hand, or git was killed while it made it.
                options = ("worktree", "add", "--force", "--force", "--detach", "--quiet")
                self._tell(self.top, *options, str(place), commit)
            os.utime(place)  # `rlops prune` asks when it was last wanted
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

    def _restored(self, place: Path, commit: str) -> bool:
        """Is there a worktree of the commit? Its tracked files are put back; somebody may be training in it."""
        if not (place / ".git").exists() or ask_git(place, "rev-parse", "HEAD") != commit:
            return False
        if ask_git(place, "status", "--porcelain", "--untracked-files=no") == "":
            return True
        return ask_git(place, "reset", "--hard", "--quiet", commit) is not None

    def _how_to_fetch(self, ref: str) -> str:
        remote, slash, branch = ref.partition("/")
        if not slash and self._is_shallow:
            return f"fetch it: {FETCH_THE_HISTORY}"
        if slash and remote in (self._ask("remote") or "").split():
            return f"fetch it: git fetch {remote} {branch}   (GitHub Actions: actions/checkout with fetch-depth: 0)"
        if self._ask("rev-parse", "--verify", "--quiet", f"origin/{ref}^{{commit}}"):
            return f"did you mean origin/{ref}?"
        return "fetch it, or name another one (branches: git branch --all)"

    @property
    def _is_shallow(self) -> bool:
        return self._ask("rev-parse", "--is-shallow-repository") == "true"

    def _path(self, name: str) -> Path:
        return self.top / self._tell(self.top, "rev-parse", "--git-path", name)

    def _ask(self, *arguments: str) -> str | None:
        return ask_git(self.top, *arguments)

    def _tell(self, folder: Path, *arguments: str, given: bytes = b"", variables: Mapping[str, str] = {}) -> str:
        done = _run(folder, arguments, variables, given)
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
            shutil.copy2(original, copy)  # by its time git knows which files may have changed unseen
        yield copy
    finally:
        copy.unlink(missing_ok=True)
        copy.with_name(f"{copy.name}.lock").unlink(missing_ok=True)
