"""What a mutant really does: its loss on the whole pool, in every environment and statistic."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.study.gates import measured
from benchmarks.study.pools import BASELINES, CANDIDATES, Pool
from benchmarks.study.welch import p_two_sided
from rlops.curves import COLUMNS, columns
from rlops.plan import environment_margin
from rlops.stats import difference_interval

STATISTICS = {"final": 0, "auc": 1}
"""Those with a name, and their column; the others are the stretches."""


@dataclass(frozen=True)
class Loss:
    """The mean of the mutant minus that of the unchanged code, as a share of the scale, with its 95 % interval.

    `p`: Welch's, two-sided. `margins`: how many margins are lost (negative: gained), the margin being that of the
    statistic by the whole pool of the unchanged code, and their 95 % interval. `where`: the statistic; of the stretches
    the one in which most margins are lost, chosen after the fact.
    """

    where: str
    change: float
    low: float
    high: float
    p: float
    margins: float
    margins_low: float
    margins_high: float


@dataclass(frozen=True)
class Yardstick:
    """One environment by the unchanged code's seeds for baselines, which no mutant has: `columns` (runs, 22),
    `margins` (22,).
    """

    columns: np.ndarray
    scale: float
    margins: np.ndarray


def yardsticks(unchanged: Pool) -> dict[str, Yardstick]:
    """Of every environment."""
    benchmark = unchanged.grid.benchmark
    zeros = measured(tuple(benchmark.environments))
    found = {}
    for env_id in benchmark.environments:
        numbers = columns(unchanged.some(env_id, BASELINES))
        scale = float(numbers[:, 0].mean()) - zeros[env_id]
        spreads = numbers.std(axis=0, ddof=1)
        margins = np.array([environment_margin(benchmark.margins, scale, float(one)) for one in spreads])
        found[env_id] = Yardstick(numbers, scale, margins)
    return found


def losses(unchanged: Mapping[str, Yardstick], mutant: Pool) -> dict[str, list[Loss]]:
    """Environment -> the losses of the end, of the course and of the worst stretch."""
    found = {}
    for env_id, yardstick in unchanged.items():
        numbers = _columns(mutant, env_id)
        change = numbers.mean(axis=0) - yardstick.columns.mean(axis=0)
        margins = -change / yardstick.margins
        worst = 2 + int(np.argmax(margins[2:]))
        found[env_id] = [_loss(place, yardstick, numbers, margins) for place in (*STATISTICS.values(), worst)]
    return found


def broken(unchanged: Mapping[str, Yardstick], mutant: Pool) -> dict[str, frozenset[int]]:
    """Environment -> the seeds that each lose more than the margin at the end."""
    seeds = np.array(candidates(mutant))
    limits = {env_id: one.columns[:, 0].mean() - one.margins[0] for env_id, one in unchanged.items()}
    return {
        env_id: frozenset(seeds[_columns(mutant, env_id)[:, 0] < limit].tolist()) for env_id, limit in limits.items()
    }


def candidates(mutant: Pool) -> list[int]:
    """The seeds that candidates are drawn from, in order."""
    return sorted({run.seed for run in mutant.runs.runs} & set(CANDIDATES))


def _columns(mutant: Pool, env_id: str) -> np.ndarray:
    """Of these, (seeds, 22)."""
    return columns(mutant.some(env_id, candidates(mutant)))


def _loss(place: int, yardstick: Yardstick, numbers: np.ndarray, margins: np.ndarray) -> Loss:
    before, now = yardstick.columns[:, place], numbers[:, place]
    low, high = difference_interval(before, now)
    change, margin, scale = float(now.mean() - before.mean()), yardstick.margins[place], yardstick.scale
    return Loss(
        where=COLUMNS[place],
        change=change / scale,
        low=low / scale,
        high=high / scale,
        p=p_two_sided(now, before),
        margins=float(margins[place]),
        margins_low=float(-high / margin),
        margins_high=float(-low / margin),
    )
