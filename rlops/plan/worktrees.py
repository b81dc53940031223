"""Worktrees that rlops made: which commits somebody may still ask for, and how the others go."""

import shutil
from pathlib import Path

from rlops.files import locked
from rlops.plan.repository import Repository, ask_git, worktree_lock


def named_commits(repository: Repository, store: Path) -> frozenset[str]:
    """HEAD, the tips of branches (those of remotes, too) and tags, and the merge base of each with HEAD.

    What is checked out in the user's own worktrees counts like a branch; those in `store` are nobody's wish.
    """
    head = repository.commit("HEAD")
    refs = ("refs/heads", "refs/remotes", "refs/tags")
    listed = ask_git(repository.top, "for-each-ref", "--format=%(objectname) %(*objectname)", *refs) or ""
    tips = {line.split()[-1] for line in listed.splitlines() if line.strip()}
    tips |= {commit for place, commit in worktrees(repository).items() if not place.is_relative_to(store.resolve())}
    bases = (ask_git(repository.top, "merge-base", head, tip) for tip in sorted(tips))
    return frozenset({head, *tips, *(base for base in bases if base)})


def worktrees(repository: Repository) -> dict[Path, str]:
    """All worktrees that git knows of this repository, the user's too: folder -> the commit checked out there."""
    found: dict[Path, str] = {}
    place = None
    for line in (ask_git(repository.top, "worktree", "list", "--porcelain") or "").splitlines():
        word, _, value = line.partition(" ")
        if word == "worktree":
            place = Path(value).resolve()
        elif word == "HEAD" and place is not None:
            found[place] = value
    return found


def is_forsaken(place: Path) -> bool:
    """Is the folder the worktree of no repository, or of one that is gone?"""
    try:
        pointer = (place / ".git").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return True
    return not Path(pointer.removeprefix("gitdir:").strip()).exists()


def remove_worktree(place: Path, unused_since: float, repository: Repository | None) -> bool:
    """Remove a worktree that Repository.worktree() made, unless it was handed out since; did it go?"""
    with locked(worktree_lock(place)):
        if not place.is_dir() or place.stat().st_mtime > unused_since:
            return False
        # Twice --force: nothing in it is the user's, and git may have been killed while it made it.
        asked = ("worktree", "remove", "--force", "--force", str(place))
        if repository is None or ask_git(repository.top, *asked) is None:
            shutil.rmtree(place)
    if repository is not None:
        ask_git(repository.top, "worktree", "prune")
    return True
