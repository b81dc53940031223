"""Estimates over many environments with stratified bootstrap intervals, for pictures: they decide nothing.

The estimators are those of Agarwal et al. (2021), "Deep reinforcement learning at the edge of the statistical
precipice" (rliable): runs are resampled within each environment, and the interval is that of the percentiles. Where it
claims 95 %, that of a mean covers 79 / 87 / 92 / 94 % with 3 / 5 / 10 / 20 runs of one environment, and with one run it
has no width: for one environment use the t interval.

A resample is written as counts, how often it holds each run: (N runs, B replicates), environments one after the other.
Each estimate is a function of scores and counts; where every count is 1 it is the estimate itself. No replicate is ever
sorted: the order of the scores is that of the original ones. Sums of fractions are numpy's own loops; BLAS, whose order
of summation depends on the processor and on the number of threads, only gets sums that are exact in any order.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rlops.stats.permutation import Floats

Counts: TypeAlias = NDArray[np.signedinteger]

CHUNK_CELLS = 2**21
"""Counts held at once: a few megabytes, about what the processor's cache holds."""
CHUNK_LEAST = 1_024
"""Replicates in a chunk at least, so that numpy's inner loops are longer than their overhead."""
OUTCOMES = 10_000
"""So many joint outcomes of several draws are tabulated at most: of five draws from five runs, of four from ten."""


class Interval(NamedTuple):
    """An estimate and its percentile interval."""

    estimate: float
    low: float
    high: float


class Band(NamedTuple):
    """An estimate and its percentile interval at each point, each (points,)."""

    estimate: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Estimates with their intervals. Every draw is from `rng`: the same calls in the same order, the same bytes.

    `scores` is one array of normalised scores per environment, (runs,), not necessarily of equal length. Where runs of
    all environments are pooled, an environment with more of them weighs more.
    """

    rng: np.random.Generator
    replicates: int = 50_000
    confidence: float = 0.95

    def iqm(self, scores: Sequence[Floats]) -> Interval:
        """Interquartile mean: the mean of the middle half of all runs of all environments."""
        pooled = np.concatenate(scores)
        return self._interval(scores, lambda counts: iqm_of(pooled, counts))

    def mean(self, scores: Sequence[Floats]) -> Interval:
        """The mean over environments of each one's mean."""
        weighted = np.concatenate([own / (len(own) * len(scores)) for own in scores])
        return self._interval(scores, lambda counts: _weighted_sum(weighted, counts))

    def median(self, scores: Sequence[Floats]) -> Interval:
        """The median over environments of each one's mean."""
        sizes = [len(own) for own in scores]

        def of(counts: Counts) -> Floats:
            groups = zip(scores, _split(counts, sizes), strict=True)
            medians: Floats = np.median([_weighted_sum(own, rows) / len(own) for own, rows in groups], axis=0)
            return medians

        return self._interval(scores, of)

    def optimality_gap(self, scores: Sequence[Floats], gamma: float = 1.0) -> Interval:
        """By how much runs stay below `gamma`: the mean of max(gamma - score, 0) over all runs of all environments."""
        missing = np.maximum(gamma - np.concatenate(scores), 0.0)
        return self._interval(scores, lambda counts: _weighted_sum(missing, counts) / len(missing))

    def probability_of_improvement(self, baseline: Sequence[Floats], candidate: Sequence[Floats]) -> Interval:
        """The mean over environments of P(a candidate run scores higher than a baseline run), ties counted half.

        Both sides are resampled. In their counts it is a bilinear form: sum over k, l of c_k [x_k > y_l] b_l / (n1 n0).
        """
        # Multiples of 1/2 that stay far below 2^23: exact in float32.
        wins = [
            (new[:, None] > old[None, :]) + np.float32(0.5) * (new[:, None] == old[None, :])
            for old, new in zip(baseline, candidate, strict=True)
        ]
        both = [*baseline, *candidate]
        sizes = [len(own) for own in both]

        def of(counts: Counts) -> Floats:
            groups = _split(counts, sizes)
            shares = np.zeros(counts.shape[1])
            for won, old, new in zip(wins, groups[: len(wins)], groups[len(wins) :], strict=True):
                shares += (won @ old.astype(np.float32) * new).sum(axis=0, dtype=np.float64) / won.size
            return shares / len(wins)

        return self._interval(both, of)

    def performance_profile(self, scores: Sequence[Floats], thresholds: Floats) -> Band:
        """The share of all runs of all environments that score above each of the `thresholds`, (points,)."""
        pooled = np.concatenate(scores)
        above = (pooled[None, :] > thresholds[:, None]).astype(np.float32)  # exact: whole numbers far below 2^24
        return self._band(scores, lambda counts: above @ counts.astype(np.float32) / np.float64(len(pooled)))

    def iqm_curve(self, curves: Sequence[Floats]) -> Band:
        """Sample efficiency: the IQM at each frame of `curves`, one (runs, frames) per environment -> (frames,).

        A resample draws whole curves: frames of one stay together. Takes 8 x frames x replicates bytes.
        """
        frames = np.ascontiguousarray(np.concatenate(curves).T)
        return self._band(curves, lambda counts: np.stack([iqm_of(frame, counts) for frame in frames]))

    def _interval(self, groups: Sequence[Floats], statistic: Callable[[Counts], Floats]) -> Interval:
        """Of a `statistic` that maps counts (N, B) to (B,)."""
        estimate, low, high = self._band(groups, statistic)
        return Interval(float(estimate), float(low), float(high))

    def _band(self, groups: Sequence[Floats], statistic: Callable[[Counts], Floats]) -> Band:
        """Of a `statistic` that maps counts (N, B) to (points, B)."""
        sizes = [len(own) for own in groups]
        if min(sizes, default=0) == 0:
            raise ValueError("an estimate needs at least one environment, and at least one run of each")
        drawn = np.concatenate([statistic(counts) for counts in self._resamples(sizes)], axis=-1)
        tails = [(1 - self.confidence) / 2, (1 + self.confidence) / 2]
        low, high = np.quantile(drawn, tails, axis=-1, overwrite_input=True)
        return Band(statistic(np.ones((sum(sizes), 1), dtype=np.int16))[..., 0], low, high)

    def _resamples(self, sizes: Sequence[int]) -> Iterator[Counts]:
        chunk = max(CHUNK_LEAST, CHUNK_CELLS // sum(sizes))
        for done in range(0, self.replicates, chunk):
            yield resample_counts(sizes, min(chunk, self.replicates - done), self.rng)


def iqm_of(pooled: Floats, counts: Counts) -> Floats:
    """IQM of each resample of the `pooled` scores, (N,) and (N, B) -> (B,): N // 4 are dropped at each end.

    Going up the sorted scores, clip(cumulative count - N // 4, 0, kept) of the runs that are kept have been passed.
    Summation by parts turns the sum over runs into one of these numbers over the gaps between neighbouring scores,
    taken from the middle one outwards: beyond what is kept a gap is multiplied by 0, however wide it is.
    """
    order = np.argsort(pooled, kind="stable")
    ascending, runs = pooled[order], len(pooled)
    dropped, middle = runs // 4, runs // 2
    kept = runs - 2 * dropped
    passed = np.empty((runs - 1, counts.shape[1]), dtype=counts.dtype)
    below = np.full(counts.shape[1], -dropped, dtype=counts.dtype)
    for row, run in zip(passed, order[:-1], strict=True):  # twenty times faster than cumsum along the first axis
        below = np.add(below, counts[run], out=row)
    np.clip(passed, 0, kept, out=passed)
    passed[middle:] -= kept
    iqms: Floats = ascending[middle] - _weighted_sum(np.diff(ascending), passed) / kept
    return iqms


def resample_counts(sizes: Sequence[int], replicates: int, rng: np.random.Generator) -> Counts:
    """How often each run is drawn, (sum of sizes, replicates): from the n runs of each environment n times."""
    runs = sum(sizes)
    counts = np.empty((runs, replicates), dtype=np.int16 if runs < 2**15 else np.int32)
    for rows, size in zip(_split(counts, sizes), sizes, strict=True):
        at_once = max(k for k in range(1, size + 1) if k == 1 or size**k <= OUTCOMES)
        drawn = np.zeros((replicates, size), dtype=np.int16)
        for left in range(size, 0, -at_once):
            outcomes = _outcomes(size, min(at_once, left))
            numbers = rng.integers(len(outcomes), size=replicates)
            drawn += outcomes.take(numbers, axis=0, mode="clip")  # nothing to clip: it saves checking each number
        rows[:] = drawn.T
    return counts


@cache
def _outcomes(size: int, draws: int) -> NDArray[np.int16]:
    """The counts of each outcome of `draws` draws from `size` runs, (size**draws, size): a number's digits, counted."""
    digits = np.arange(size**draws) // size ** np.arange(draws)[:, None] % size
    counts: NDArray[np.int16] = (digits[:, :, None] == np.arange(size)).sum(axis=0, dtype=np.int16)
    counts.flags.writeable = False
    return counts


def _split(counts: Counts, sizes: Sequence[int]) -> list[Counts]:
    """The rows of each environment: views."""
    return np.split(counts, np.cumsum(sizes)[:-1])


def _weighted_sum(weights: Floats, counts: Counts) -> Floats:
    """(N,) and (N, B) -> (B,)."""
    total: Floats = np.einsum("n,nb->b", weights, counts)
    return total
