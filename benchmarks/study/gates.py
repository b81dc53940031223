"""The shipped gate on draws from the pools: fresh seeds of the mutant and a fresh baseline each time.

Every draw takes 20 baseline seeds and the 10 that may confirm a regression out of the pool of the unchanged code, and
the candidate seeds out of the mutant's, none of them twice; and goes the way of `rlops gate --base`: the first two
candidate seeds of both versions, `identical` where they are equal bit for bit; else margins frozen from those 20, and
`rlops.looks.Looks`, with runs that are known instead of trained.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.study.pools import BASELINES, CANDIDATES, Pool
from rlops.curves import RunSet
from rlops.judge import IDENTICAL_SEEDS, Word
from rlops.launch import Board, random_scores
from rlops.looks import Looks
from rlops.plan import Grid, Margins
from rlops.run_sets import Terms, freeze_baseline, make_plan
from rlops.training import Watchers

NOWHERE = Path("/nonexistent")
"""The boards of cells that are all known have no folder."""
measured = cache(random_scores)


@dataclass(frozen=True)
class Draw:
    """Which seeds one repeat takes."""

    baseline: tuple[int, ...]
    fresh: tuple[int, ...]
    candidate: tuple[int, ...]


@dataclass(frozen=True)
class Gated:
    """What one gate said.

    `environments`: the word of each; `seeds`: candidate seeds that each was given; `fresh`: how many environments had
    fresh baseline seeds trained; `twins`: runs of the unchanged code with candidate seeds.
    """

    word: str
    environments: dict[str, str]
    seeds: dict[str, int]
    fresh: int
    twins: int


def draw(unchanged: Pool, rng: np.random.Generator) -> Draw:
    """One repeat's seeds."""
    benchmark = unchanged.grid.benchmark
    stored, fresh = len(benchmark.seeds.baseline), benchmark.policy.confirm
    before = _shuffled(BASELINES, stored + fresh, rng)
    return Draw(
        baseline=before[:stored],
        fresh=before[stored:],
        candidate=_shuffled(CANDIDATES, len(benchmark.seeds.candidate), rng),
    )


def gate(unchanged: Pool, mutant: Pool, drawn: Draw, margins: Margins) -> Gated:
    """The gate's answer to one draw."""
    terms = replace(Terms.of(unchanged.grid.benchmark), margins=margins)
    runs, twins = unchanged.of(drawn.baseline), unchanged.of(drawn.candidate[:IDENTICAL_SEEDS])
    if mutant is not unchanged and _equal(twins, mutant.of(drawn.candidate[:IDENTICAL_SEEDS])):
        words = dict.fromkeys(twins.env_ids, Word.IDENTICAL.value)
        return Gated(Word.IDENTICAL.value, words, dict.fromkeys(words, IDENTICAL_SEEDS), 0, len(twins.runs))
    baseline = freeze_baseline("draw", runs, terms, lambda env_ids: measured(tuple(env_ids)))
    head = mutant.cells(drawn.candidate)
    looks = Looks(
        plan=make_plan(baseline, terms, drawn.candidate),
        head=head,
        fill=_known,
        read=lambda grid: (mutant if grid is head else unchanged).of(grid.seeds),
        watchers=Watchers(),
        base=lambda: unchanged.cells(drawn.fresh),
    )
    decision = looks.decide(runs, twins=None if mutant is unchanged else twins).decision
    return Gated(
        word=decision.word.value,
        environments={env_id: word.value for env_id, (word, _) in decision.environments.items()},
        seeds={env_id: len(seeds) for env_id, seeds in decision.course.seeds().items()},
        fresh=sum(len(item.samples.fresh) > 0 for item in decision.course.standings),
        twins=len(twins.runs),
    )


def _equal(before: RunSet, now: RunSet) -> bool:
    """Stage 0: are all curves equal bit for bit?"""
    curves = ({(run.env_id, run.seed): run.curve_sha256 for run in runs.runs} for runs in (before, now))
    return next(curves) == next(curves)


def _known(grids: Sequence[Grid]) -> Board:
    return Board(tuple(grids), NOWHERE, known_keys={cell.key for grid in grids for cell in grid.cells})


def _shuffled(seeds: Sequence[int], count: int, rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(seed) for seed in rng.permutation(seeds)[:count])
