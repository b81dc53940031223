"""The studentised permutation test: could the labels "baseline" and "candidate" have fallen this way by chance?

Under H0 the runs of both sides are exchangeable, so every labelling of the pooled values is equally likely and the rank
of the observed one gives a valid p, whatever the distribution. Studentising keeps the test honest when the two sides
differ in spread only (Janssen 1997, "Studentized permutation tests for non-i.i.d. hypotheses"; Chung and Romano 2013).
"""

import hashlib
import itertools
import math
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
VARIANCE_FLOOR = 0.01
"""Share of the pooled variance added to T's denominator, so that two lucky near-equal runs do not blow T up."""
TIE_RESOLUTION = 2.0**-20
"""Standardised values are rounded to multiples of this, so that ties do not hang on the order of summation."""
T_TOLERANCE = 1e-12
"""T values nearer than this are ties: what is left is the rounding of one division."""


def stable_seed(*parts: object) -> int:
    """A seed that depends on `parts` alone: the same on every machine, in every process (unlike `hash`)."""
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()[:8])


def all_labellings(n_baseline: int, n_candidate: int) -> Labellings:
    """Every labelling, (C(n, n_candidate), n): True where a run is called candidate. The observed one comes first.

    Runs are ordered candidate first: columns 0..n_candidate-1 are the observed candidate.
    """
    n = n_baseline + n_candidate
    chosen = np.array(list(itertools.combinations(range(n), n_candidate)))
    labellings = np.zeros((len(chosen), n), dtype=bool)
    np.put_along_axis(labellings, chosen, values=True, axis=1)
    return labellings


def random_labellings(n_baseline: int, n_candidate: int, count: int, rng: np.random.Generator) -> Labellings:
    """`count` labellings, (count, n): the observed one first, the others drawn uniformly."""
    observed = np.arange(n_baseline + n_candidate) < n_candidate
    drawn = rng.permuted(np.broadcast_to(observed, (count - 1, observed.size)), axis=1)
    return np.concatenate([observed[None], drawn])


def studentised_t(values: Floats, labellings: Labellings) -> Floats:
    """T of each labelling, (L,), for pooled `values` (n,); candidate mean minus baseline mean, studentised.

    T = difference of means / sqrt(s1^2/n1 + s0^2/n0 + 0.01 s^2 (1/n1 + 1/n0)), s^2 the variance of all values together.
    All values equal: T = 0. Both sides need at least two values.
    """
    z = _standardised(values)
    if not z.any():
        return np.zeros(len(labellings))
    n1 = int(labellings[0].sum())
    n0 = z.size - n1
    if min(n0, n1) < 2:
        raise ValueError(f"a studentised difference needs two values a side, not {n0} and {n1}")
    candidate = labellings.astype(np.float64)
    # z holds multiples of 2^-20: the sums below are exact in float64 in any order, hence ties are ties.
    sum1, squares1 = candidate @ z, candidate @ z**2
    sum0, squares0 = z.sum() - sum1, (z**2).sum() - squares1
    mean1, mean0 = sum1 / n1, sum0 / n0
    variance1 = np.maximum(squares1 - n1 * mean1**2, 0.0) / (n1 - 1)
    variance0 = np.maximum(squares0 - n0 * mean0**2, 0.0) / (n0 - 1)
    pooled = VARIANCE_FLOOR * z.var(ddof=1) * (1 / n1 + 1 / n0)
    t: Floats = (mean1 - mean0) / np.sqrt(variance1 / n1 + variance0 / n0 + pooled)
    return t


def p_lower(baseline: Floats, candidate: Floats, *, level: float, seed: int) -> float:
    """p of "the candidate is lower": the share of labellings whose T is at most the observed one.

    All labellings are used while there are at most EXACT_LIMIT; else random ones, and where those leave the question
    open fresh ones, enough to resolve `level` (the smallest level that the p will be held against). Both are valid:
    P(p <= u) <= u under exchangeability (Phipson and Smyth 2010: the observed labelling is counted).
    """
    values = np.concatenate([candidate, baseline])
    n0, n1 = len(baseline), len(candidate)
    if math.comb(n0 + n1, n1) <= EXACT_LIMIT:
        return _share_at_most_observed(values, all_labellings(n0, n1))
    rng = np.random.default_rng(seed)
    p = _share_at_most_observed(values, random_labellings(n0, n1, SCREENING_LABELLINGS, rng))
    if p > SCREENING_P:
        return p
    count = max(10_000, math.ceil(20 / level))
    return _share_at_most_observed(values, random_labellings(n0, n1, count, rng))


def p_upper(baseline: Floats, candidate: Floats, *, level: float, seed: int) -> float:
    """p of "the candidate is higher": `p_lower` of the negated values."""
    return p_lower(-baseline, -candidate, level=level, seed=seed)


def smallest_p(n_baseline: int, n_candidate: int) -> float:
    """The smallest p that the exact test can give with these numbers of runs: 1 / C(n, n_candidate)."""
    return 1 / math.comb(n_baseline + n_candidate, n_candidate)


def _share_at_most_observed(values: Floats, labellings: Labellings) -> float:
    t = studentised_t(values, labellings)
    return float(np.mean(t <= t[0] + T_TOLERANCE))


def _standardised(values: Floats) -> Floats:
    """Values with mean 0 and sd 1, rounded to multiples of TIE_RESOLUTION; all zero where they do not differ."""
    spread = np.std(values)
    if spread <= 1e-12 * np.max(np.abs(values), initial=0.0):
        return np.zeros(values.size)
    rounded: Floats = np.round((values - values.mean()) / spread / TIE_RESOLUTION) * TIE_RESOLUTION
    return rounded
