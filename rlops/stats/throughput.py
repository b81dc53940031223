"""Steps per second, from pairs of short runs that were interleaved on one machine.

What the machine does meanwhile falls on both runs of a pair and cancels in their ratio. Contiguous blocks of either
side do not have that: what they show is the neighbour. The order within the pairs must alternate or be drawn.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from rlops.stats.estimates import trimmed_mean
from rlops.stats.permutation import Floats
from rlops.stats.power import POWER

FEWEST_PAIRS = 20
"""Flipping as many pairs as are left out may move nothing, so even a constant loss has p = .012 here, .11 with 10."""
TRIMMED = 0.2
"""Share of the pairs left out at either end: a neighbour's burst may last a few pairs (Tukey's usual choice)."""
EXACT_PAIRS = 14
"""Up to so many pairs all sign flips are looked at, beyond as many random ones as these have: 2^14."""
TOLERANCE = 1e-12
"""Mean log ratios nearer than this are ties: the same numbers summed in another order."""


class Throughput(NamedTuple):
    """How the speed changed. Shares of the baseline's speed: -0.1 = 10 % fewer steps per second."""

    pairs: int
    change: float
    p: float
    """Two-sided: "there is no change"."""
    detectable: float
    """The smallest loss, a positive share, that so many pairs with this scatter find with 80 % power."""


def compare_throughput(baseline: Floats, candidate: Floats, *, level: float = 0.05, seed: int = 0) -> Throughput:
    """Pairs of steps per second, (pairs,) each, in the order in which they ran; at least two, all above 0.

    The estimate is the trimmed mean of the log ratios. Its p: under H0 either run of a pair could have been the
    baseline's, so every flip of signs is equally likely. What is detectable follows from the standard error of
    Tukey and McLaughlin (1963), "Less vulnerable confidence and significance procedures for location", and the
    noncentral t.
    """
    if baseline.shape != candidate.shape or len(baseline) < 2:
        raise ValueError(f"pairs are needed, two at least, not {len(baseline)} and {len(candidate)} runs")
    if not (np.isfinite([baseline, candidate]).all() and min(baseline.min(), candidate.min()) > 0):
        raise ValueError("steps per second must be above 0")
    ratios = np.log(candidate / baseline)
    means = _trimmed_means(ratios * _signs(len(ratios), seed))
    return Throughput(
        pairs=len(ratios),
        change=float(np.expm1(means[0])),
        p=float(np.mean(np.abs(means) >= abs(means[0]) - TOLERANCE)),
        detectable=float(-np.expm1(-_detectable(ratios, level))),
    )


def _signs(pairs: int, seed: int) -> Floats:
    """Flips, (F, pairs) of 1 and -1: all of them, or random ones; the observed, unflipped, comes first."""
    count = 2 ** min(pairs, EXACT_PAIRS)
    if pairs <= EXACT_PAIRS:
        flipped = np.arange(count)[:, None] >> np.arange(pairs) & 1
    else:
        flipped = np.random.default_rng(seed).integers(0, 2, (count, pairs))
        flipped[0] = 0
    signs: Floats = np.where(flipped, -1.0, 1.0)
    return signs


def _trimmed_means(values: Floats) -> Floats:
    """Means of the rows without the TRIMMED largest and smallest, (F, pairs) -> (F,)."""
    ordered = np.sort(values, axis=-1)
    cut = _cut(ordered.shape[-1])
    means: Floats = ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1)
    return means


def _cut(pairs: int) -> int:
    return int(TRIMMED * pairs)


def _detectable(ratios: Floats, level: float) -> float:
    """The log ratio that the two-sided t test of the trimmed mean finds with 80 % power."""
    found = trimmed_mean(ratios, _cut(len(ratios)))
    critical = special.stdtrit(found.freedom, 1 - level / 2)
    return float(special.nctdtrinc(found.freedom, 1 - POWER, critical) * found.error)
