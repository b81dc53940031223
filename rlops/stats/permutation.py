"""The studentised permutation test: could the labels "baseline" and "candidate" have fallen this way by chance?

Under H0 the runs of both sides are exchangeable, so every labelling of the pooled values is equally likely and the rank
of the observed one gives a valid p, whatever the distribution. Studentising keeps the test honest when the two sides
differ in spread only (Janssen 1997, "Studentized permutation tests for non-i.i.d. hypotheses"; Chung and Romano 2013).
"""

import hashlib
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Labellings: TypeAlias = NDArray[np.bool_]

EXACT_LIMIT = 6_000
"""Up to this many labellings all of them are looked at (20 baseline against 3 candidate runs have 1,771)."""
SCREENING_LABELLINGS = 1_000
SCREENING_P = 0.04
"""A random p above this is not refined: it counts as it is, and few levels are as high."""
MOST_LABELLINGS = 1_000_000
"""What fits into memory. A level below one in so many is never reached: the p stays valid."""
VARIANCE_FLOOR = 0.01
"""Share of the pooled variance added to T's denominator, so that two lucky near-equal runs do not blow T up."""
TIE_RESOLUTION = 2.0**-20
"""Standardised values are rounded to multiples of this, so that ties do not hang on the order of summation."""
BLOCK = 2_048
T_TOLERANCE = 1e-12
"""T values nearer than this are ties: what is left is the rounding of one division."""


def stable_seed(*parts: object) -> int:
    """A seed that depends on `parts` alone: the same on every machine, in every process (unlike `hash`)."""
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()[:8])


@cache
def all_labellings(n_baseline: int, n_candidate: int) -> Labellings:
    """Every labelling, (C(n, n_candidate), n): True where a run is called candidate. The observed one comes first.

    Runs are ordered candidate first: columns 0..n_candidate-1 are the observed candidate.
    """
    n = n_baseline + n_candidate
    chosen = np.array(list(itertools.combinations(range(n), n_candidate)))
    labellings = np.zeros((len(chosen), n), dtype=bool)
    np.put_along_axis(labellings, chosen, values=True, axis=1)
    labellings.flags.writeable = False
    return labellings


def random_labellings(n_baseline: int, n_candidate: int, count: int, rng: np.random.Generator) -> Labellings:
    """`count` labellings, (count, n): the observed one first, the others drawn uniformly."""
    n, picked = n_baseline + n_candidate, min(n_baseline, n_candidate)
    labellings = np.zeros((count, n), dtype=np.bool_)
    rows = np.arange(1, count)
    # Floyd's draw without replacement (Bentley and Floyd 1987), for all labellings at once: sets of the smaller side.
    for last in range(n - picked, n):
        place = rng.integers(last + 1, size=count - 1)
        labellings[rows, np.where(labellings[rows, place], last, place)] = True
    if picked < n_candidate:
        np.logical_not(labellings, out=labellings)
    labellings[0] = np.arange(n) < n_candidate
    return labellings


def studentised_t(values: Floats, labellings: Labellings) -> Floats:
    """T of each labelling for pooled `values` (n,) or (n, columns): (L,) or (L, columns); positive: candidate higher.

    T = difference of means / sqrt(s1^2/n1 + s0^2/n0 + 0.01 s^2 (1/n1 + 1/n0)), s^2 the variance of all values together.
    All values equal: T = 0. Both sides need at least two values.
    """
    z = _standardised(values)
    n1 = int(labellings[0].sum())
    n0 = len(z) - n1
    if min(n0, n1) < 2:
        raise ValueError(f"a studentised difference needs two values a side, not {n0} and {n1}")
    total, squares = z.sum(0), (z**2).sum(0)
    floor = VARIANCE_FLOOR * z.var(0, ddof=1) * (1 / n1 + 1 / n0)
    floor = np.where(floor > 0, floor, 1.0)
    k1, k0 = 1 / (n1 * (n1 - 1)), 1 / (n0 * (n0 - 1))
    t: Floats = np.empty((len(labellings), *z.shape[1:]))
    for begin in range(0, len(labellings), BLOCK):  # what fits into the cache is three times as quick
        candidate = labellings[begin : begin + BLOCK].astype(np.float64)
        # z holds multiples of 2^-20: these sums are exact in float64 in any order, hence ties are ties.
        sum1, squares1 = candidate @ z, candidate @ z**2
        # s1^2/n1 + s0^2/n0 as a polynomial in both sums, evaluated in place.
        error = sum1 * (-k1 / n1 - k0 / n0)
        error += 2 * k0 / n0 * total
        error *= sum1
        error += squares1 * (k1 - k0)
        error += k0 * (squares - total**2 / n0)
        np.maximum(error, 0.0, out=error)
        error += floor
        np.sqrt(error, out=error)
        sum1 *= 1 / n1 + 1 / n0
        sum1 -= total / n0
        np.divide(sum1, error, out=t[begin : begin + BLOCK])
    return t


@dataclass(frozen=True)
class Shuffles:
    """The labellings that the runs of one environment are tested with.

    All of them while there are at most EXACT_LIMIT; else random ones, and where those leave a question open fresh ones,
    enough to resolve `level`, the smallest level that a p will be held against. Either way P(p <= u) <= u under
    exchangeability (Phipson and Smyth 2010: the observed labelling is counted).
    """

    n_baseline: int
    n_candidate: int
    level: float
    seed: int

    @property
    def exact(self) -> bool:
        """Are all labellings looked at?"""
        return math.comb(self.n_baseline + self.n_candidate, self.n_candidate) <= EXACT_LIMIT

    @cached_property
    def first(self) -> Labellings:
        """All labellings, or those that screen."""
        if self.exact:
            return all_labellings(self.n_baseline, self.n_candidate)
        return self._drawn(SCREENING_LABELLINGS, 0)

    @cached_property
    def fresh(self) -> Labellings:
        """Those whose p counts where the first ones gave a small one."""
        return self._drawn(max(10_000, min(MOST_LABELLINGS, math.ceil(20 / self.level))), 1)

    def p_value(self, share: Callable[[Labellings], float]) -> float:
        """p of one question; `share`: the share of labellings that are at least as extreme as the observed one."""
        screened = share(self.first)
        return screened if self.exact or screened > SCREENING_P else share(self.fresh)

    def _drawn(self, count: int, stage: int) -> Labellings:
        return random_labellings(self.n_baseline, self.n_candidate, count, np.random.default_rng((self.seed, stage)))


def p_lower(baseline: Floats, candidate: Floats, shuffles: Shuffles) -> Floats:
    """p of "the candidate is lower" in each column: the share of labellings whose T is no larger.

    (n,) or (n, columns) a side; of the shape () or (columns,). By the first labellings alone: what is asked this way is
    held against levels that those resolve.
    """
    t = studentised_t(np.concatenate([candidate, baseline]), shuffles.first)
    return np.asarray(np.mean(t <= t[0] + T_TOLERANCE, axis=0))


def p_upper(baseline: Floats, candidate: Floats, shuffles: Shuffles) -> Floats:
    """p of "the candidate is higher": `p_lower` of the negated values."""
    return p_lower(-baseline, -candidate, shuffles)


def smallest_p(n_baseline: int, n_candidate: int) -> float:
    """The smallest p that the exact test can give with these numbers of runs: 1 / C(n, n_candidate)."""
    return 1 / math.comb(n_baseline + n_candidate, n_candidate)


def _standardised(values: Floats) -> Floats:
    """Each column with mean 0 and sd 1, rounded to multiples of TIE_RESOLUTION; all zero where it does not differ."""
    spread = np.std(values, axis=0)
    differs = spread > 1e-12 * np.max(np.abs(values), axis=0, initial=0.0)
    z = (values - values.mean(axis=0)) / np.where(differs, spread, 1.0)
    rounded: Floats = np.round(z / TIE_RESOLUTION) * TIE_RESOLUTION * differs
    return rounded
