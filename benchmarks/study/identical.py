"""Harmless mutants that keep every floating-point operation: the gate itself, as a user calls it, in their worktree."""

import json
from dataclasses import dataclass

from benchmarks.mutant_table import Mutant
from benchmarks.study.pools import Pool, benchmark
from benchmarks.study.versions import MUTANTS, UNCHANGED, commit_of, rlops, variant, workspace

KEEPING = tuple(mutant for mutant in MUTANTS if mutant.bits and mutant != UNCHANGED)


@dataclass(frozen=True)
class Identical:
    """The gate's word, the cells of both versions that it took, and how many runs of the pool are equal bit for bit."""

    mutant: str
    word: str
    cells: int
    runs: int
    equal: int


def gated(mutant: Mutant, unchanged: Pool, theirs: Pool) -> Identical:
    """Calls `rlops gate` in the mutant's worktree, against the commit that it is a change of."""
    name = unchanged.grid.benchmark.name
    options = ("--base", commit_of(UNCHANGED), "--json", "--quiet", "--dir", str(workspace().store))
    done = rlops("gate", name, *options, folder=variant(mutant, benchmark(name)).root)
    if not done.stdout:
        raise SystemExit(f"rlops gate {name} of {mutant.name} exits with {done.returncode} and no verdict; see above")
    verdict = json.loads(done.stdout)
    before = {(run.env_id, run.seed): run.curve_sha256 for run in unchanged.runs.runs}
    equal = [before[run.env_id, run.seed] == run.curve_sha256 for run in theirs.runs.runs]
    cost = verdict["cost"]
    cells = cost["cells_trained"] + cost["cells_known"]
    return Identical(mutant.name, verdict["verdict"], cells, len(equal), sum(equal))
