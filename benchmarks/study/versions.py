"""The mutants as versions of the code: a commit each, of the last one that changed the trainer or a benchmark.

No branch, no file of the checkout is touched: the commits are made of an index of their own, the same contents give
the same commit, and every verb knows them as `git:COMMIT`.
"""

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from benchmarks.mutant_table import ROOT, Mutant, read
from rlops.plan import Benchmark, Repository, Variant, ask_git, version
from rlops.plan.repository import NOBODY
from rlops.strangers import passed_on
from rlops.workspace import Workspace

UNCHANGED = Mutant("unchanged", harmful=False, bits=True, details=(), what="The code as it is.", seen="")
MUTANTS = (UNCHANGED, *read())
BENCHMARK_FILES = {name: f"benchmarks/{name}.toml" for name in ("quick", "long")}


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
    unchanged = _git("log", "-1", "--format=%H", "--", "ppo_impl", *BENCHMARK_FILES.values())
    if mutant == UNCHANGED:
        return unchanged
    with tempfile.TemporaryDirectory(prefix="rlops-study-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git("read-tree", unchanged, **index)
        _git("apply", "--cached", str(mutant.patch), **index)
        tree = _git("write-tree", **index)
    return _git("commit-tree", tree, "-p", unchanged, "-m", f"mutant: {mutant.name}", **NOBODY)


def rlops(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Calls rlops in a folder, as a user would."""
    command = [sys.executable, "-I", "-m", "rlops", *arguments]
    return subprocess.run(command, cwd=folder, env=passed_on(), stdout=subprocess.PIPE, text=True, check=False)


def _git(*arguments: str, **variables: str) -> str:
    found = ask_git(ROOT, *arguments, **variables)
    if found is None:
        raise SystemExit(f"git {' '.join(arguments)} fails in {ROOT}")
    return found
