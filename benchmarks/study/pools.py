"""What is trained for the study: of every mutant, on every benchmark, a pool of seeds that all draws come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from benchmarks.mutant_table import ROOT, Mutant
from benchmarks.study.versions import BENCHMARK_FILES, MUTANTS, UNCHANGED, variant, workspace
from rlops.curves import LearningCurve, Run, RunSet, grid_steps
from rlops.launch import look
from rlops.plan import Benchmark, Grid, Shard, expand, read_benchmark
from rlops.run_sets import trained_runs
from rlops.training import Watchers, train

CANDIDATES = range(2001, 2101)
"""The seeds of every mutant; those that keep all bits get the first SAME_BITS of them."""
BASELINES = range(1001, 1201)
"""The seeds of the unchanged code that baselines are drawn from; it has CANDIDATES, too."""
SAME_BITS = 20
SEEDS_A_PROCESS = 50
"""More than a gate has: a third less time a seed, and the same bits."""


def benchmark(name: str) -> Benchmark:
    """One of BENCHMARK_FILES."""
    found = read_benchmark(ROOT / BENCHMARK_FILES[name])
    resources = found.resources.model_copy(update={"seeds_per_process": SEEDS_A_PROCESS})
    return found.model_copy(update={"resources": resources})


def pool_grid(mutant: Mutant, asked: Benchmark) -> Grid:
    """The cells of a mutant's pool."""
    seeds = tuple(CANDIDATES)
    if mutant == UNCHANGED:
        seeds += tuple(BASELINES)
    elif mutant.bits:
        seeds = seeds[:SAME_BITS]
    return expand(asked, variant(mutant, asked), seeds)


def fill_pools(name: str, shard: Shard, watchers: Watchers) -> None:
    """Trains what is not there yet; the same call goes on after an interruption."""
    asked = benchmark(name)
    train(workspace(), [shard.of(pool_grid(mutant, asked)) for mutant in MUTANTS], watchers)


@dataclass(frozen=True, eq=False)
class Pool:
    """The runs of one mutant on one benchmark, their curves on the 100 grid points that everything is judged by."""

    mutant: Mutant
    grid: Grid
    runs: RunSet

    def of(self, seeds: Sequence[int]) -> RunSet:
        """The runs of some seeds."""
        return self.runs.select(None, frozenset(seeds))

    def cells(self, seeds: Sequence[int]) -> Grid:
        """The cells of some seeds."""
        return self.grid.only(dict.fromkeys(self.grid.benchmark.environments, seeds))

    @cached_property
    def curves(self) -> Mapping[str, Mapping[int, np.ndarray]]:
        """Environment -> seed -> the curve on the grid, (100,)."""
        found: dict[str, dict[int, np.ndarray]] = {}
        for run in self.runs.runs:
            found.setdefault(run.env_id, {})[run.seed] = run.curve.on_grid(self.grid.benchmark.budget)
        return found

    def some(self, env_id: str, seeds: Sequence[int]) -> np.ndarray:
        """The curves of some seeds, (seeds, 100)."""
        return np.array([self.curves[env_id][seed] for seed in seeds])


def is_trained(grid: Grid) -> bool:
    """Is every cell done?"""
    return look([grid], workspace().cells).known_keys.issuperset(cell.key for cell in grid.cells)


def pool(mutant: Mutant, name: str) -> Pool:
    """What was trained of a mutant."""
    asked = pool_grid(mutant, benchmark(name))
    runs = trained_runs(workspace(), asked, Watchers())
    return Pool(mutant, asked, replace(runs, runs=tuple(_on_grid(run, asked.benchmark.budget) for run in runs.runs)))


def _on_grid(run: Run, budget: int) -> Run:
    return replace(run, curve=LearningCurve.from_points(grid_steps(budget), run.curve.on_grid(budget)))
