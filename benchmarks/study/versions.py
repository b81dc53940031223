"""The mutants as versions of the code: a commit each, of the last one that changed the trainer or a benchmark.

No branch, no file of the checkout is touched: the commits are made of an index of their own, the same contents give
the same commit, and every verb knows them as `git:COMMIT`.
"""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.mutant_table import ROOT, Mutant, read
from rlops.plan import Benchmark, Repository, Variant, version
from rlops.workspace import Workspace

UNCHANGED = Mutant("unchanged", harmful=False, bits=True, details=(), what="The code as it is.", seen="")
MUTANTS = (UNCHANGED, *read())
BENCHMARK_FILES = {name: f"benchmarks/{name}.toml" for name in ("quick", "long")}
NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "study"), ("EMAIL", "study@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
}


@cache
def workspace() -> Workspace:
    """The checkout with its own store: what the study trains, gates know, too."""
    found = Workspace(ROOT, ROOT / ".rlops")
    found.prepare()
    return found


def variant(mutant: Mutant, benchmark: Benchmark) -> Variant:
    """The version in a worktree of its own."""
    return version(Repository.around(ROOT), commit_of(mutant), benchmark, workspace().store)


@cache
def commit_of(mutant: Mutant) -> str:
    """The commit of a mutant; of UNCHANGED the one that it is a change of."""
    unchanged = _git(["log", "-1", "--format=%H", "--", "ppo_impl", *BENCHMARK_FILES.values()])
    if mutant == UNCHANGED:
        return unchanged
    with tempfile.TemporaryDirectory(prefix="rlops-study-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git(["read-tree", unchanged], index)
        _git(["apply", "--cached", str(mutant.patch)], index)
        tree = _git(["write-tree"], index)
    return _git(["commit-tree", tree, "-p", unchanged, "-m", f"mutant: {mutant.name}"], NOBODY)


def _git(arguments: Sequence[str], variables: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=ROOT,
        env={**os.environ, **(variables or {})},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
