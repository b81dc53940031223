"""The way from one commit to a later one, and the commits on it that change what is trained."""

from collections.abc import Sequence
from dataclasses import dataclass

from rlops.errors import UsageError
from rlops.plan.repository import Repository, ask_git
from rlops.strangers import clean


@dataclass(frozen=True)
class Commit:
    """A commit as people know it; author and subject are without control characters."""

    id: str
    author: str
    date: str
    subject: str


@dataclass(frozen=True)
class CodePath:
    """The commits of different code on the way, the good one first; `total`: how many were made since the good one.

    Where a commit restores earlier code, what lies between changed nothing in the end and is left out.
    """

    commits: tuple[str, ...]
    total: int

    @property
    def left_out(self) -> int:
        """How many commits cannot be to blame."""
        return self.total - len(self.commits) + 1


def code_path(repository: Repository, good: str, bad: str, paths: Sequence[str]) -> CodePath:
    """From `good` to `bad` along first parents, by the code below `paths`; refs as git knows them."""
    first, last = repository.commit(good), repository.commit(bad)
    if first != last and first not in _listed(repository, last):
        base = repository.merge_base(first, last)
        if base == first:
            how = f"it came in by a merge; name the commit of {bad}'s own line before that merge"
        else:
            how = f"bisect from where they parted: rlops bisect {base[:12]} {bad} ..."
        raise UsageError(f"{good} is no ancestor of {bad} along first parents; {how}")
    since = _listed(repository, f"{first}..{last}")[::-1]
    touching = set(_listed(repository, f"{first}..{last}", "--", *paths))
    places = {_code(repository, first, paths): 0}
    commits = [first]
    for commit in since:
        if commit not in touching:
            continue
        code = _code(repository, commit, paths)
        if code in places:
            del commits[places[code] + 1 :]
            places = {known: place for known, place in places.items() if place <= places[code]}
        else:
            places[code] = len(commits)
            commits.append(commit)
    return CodePath(tuple(commits), len(since))


def commits_between(repository: Repository, before: str, after: str, most: int) -> tuple[list[Commit], int]:
    """What `after` has and `before` has not, the latest `most` of it, and how many more there are.

    Nothing where one of the two is not in this clone.
    """
    listed = ask_git(repository.folder, "rev-list", f"{before}..{after}", "--")
    commits = (listed or "").split()
    return [describe(repository, commit) for commit in commits[:most]], max(0, len(commits) - most)


def describe(repository: Repository, commit: str) -> Commit:
    """Who made a commit, when, and what for."""
    told = ask_git(repository.folder, "show", "--no-patch", "--format=%an%x00%as%x00%s", commit) or "\0\0"
    author, date, subject = (clean(text).replace("\n", " ") for text in told.split("\0", 2))
    return Commit(commit, author, date, subject)


def _listed(repository: Repository, *arguments: str) -> list[str]:
    """Commits along first parents, the latest first."""
    return (ask_git(repository.folder, "rev-list", "--first-parent", *arguments) or "").split()


def _code(repository: Repository, commit: str, paths: Sequence[str]) -> str:
    """What git has below `paths`: equal texts mean equal code."""
    return ask_git(repository.folder, "ls-tree", commit, "--", *paths) or ""
