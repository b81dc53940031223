"""Runs that failed to learn: does the candidate have more of them, and how many could there be although none was seen?

Counts only: the caller says which runs count as failed.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from rlops.stats.permutation import Floats

TIE = 1e-9
"""Fisher p-values nearer than this, relatively, are ties: what is left is the rounding of sums of products."""
ANGLES = 401
"""Common rates that are tried at a time; with 1,000 runs a peak is still about ten of them wide."""
ZOOMS = 2


def p_more_failures(baseline_failures: int, n_baseline: int, candidate_failures: int, n_candidate: int) -> float:
    """p of "the candidate fails no more often", by Boschloo's exact test, one-sided.

    Boschloo (1970), "Raised conditional level of significance for the 2 x 2-table". Its statistic is Fisher's p; its p
    is the probability of a table that is at least as extreme, at the common rate where that is largest. Hence never
    above Fisher's. Written here because importing scipy.stats, which has it, takes half a second.
    """
    if candidate_failures == 0:
        return 1.0
    fisher = _fisher_p(n_baseline, n_candidate)
    extreme = fisher <= fisher[baseline_failures, candidate_failures] * (1 + TIE)
    # Equal steps of the angle are equal steps in units of a rate's standard error: rate = sin^2.
    low, high, largest = 0.0, np.pi / 2, 0.0
    for _ in range(1 + ZOOMS):
        angles = np.linspace(low, high, ANGLES)
        sizes = _probability(extreme, np.sin(angles) ** 2)
        best = int(sizes.argmax())
        largest = max(largest, float(sizes[best]))
        low, high = angles[max(best - 1, 0)], angles[min(best + 1, ANGLES - 1)]
    return min(largest, 1.0)


def failure_rate_bound(failures: int, n: int, confidence: float = 0.95) -> float:
    """The largest failure rate that `failures` of `n` runs leave possible: one-sided upper bound, a share.

    Clopper and Pearson (1934), "The use of confidence or fiducial limits illustrated in the case of the binomial".
    Without a failure it is 1 - (1 - confidence)^(1/n): 63 / 45 / 26 % for 3 / 5 / 10 runs.
    """
    if failures >= n:
        return 1.0
    return float(special.betaincinv(failures + 1, n - failures, confidence))


def _fisher_p(n_baseline: int, n_candidate: int) -> Floats:
    """Fisher's one-sided p of every pair of counts, (n_baseline + 1, n_candidate + 1)."""
    x0, x1, other = np.ogrid[: n_baseline + 1, : n_candidate + 1, : n_candidate + 1]
    tables = special.binom(n_candidate, other) * special.binom(n_baseline, x0 + x1 - other)
    as_many = np.where((other >= x1) & (other <= x0 + x1), tables, 0.0).sum(axis=2)
    p: Floats = as_many / special.binom(n_baseline + n_candidate, x0 + x1)[:, :, 0]
    return p


def _probability(tables: NDArray[np.bool_], rates: Floats) -> Floats:
    """P(one of `tables`) when both sides fail at each of `rates`, (R,) -> (R,)."""
    by_baseline, by_candidate = (_binomial(size - 1, rates) for size in tables.shape)
    total: Floats = ((by_baseline @ tables) * by_candidate).sum(axis=1)
    return total


def _binomial(n: int, rates: Floats) -> Floats:
    """P(k of n) for k = 0..n at each rate, (R, n + 1)."""
    k = np.arange(n + 1)
    p: Floats = special.binom(n, k) * rates[:, None] ** k * (1 - rates[:, None]) ** (n - k)
    return p
