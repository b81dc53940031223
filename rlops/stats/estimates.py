"""Estimates for pictures: they decide nothing."""

import numpy as np
from scipy import special

from rlops.stats.permutation import Floats


def mean_interval(values: Floats, confidence: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Mean over runs with its t interval at each point: `values` (runs, points) -> mean, low, high, each (points,).

    One run has no interval: low = high = mean.
    """
    mean = values.mean(axis=0)
    n = len(values)
    if n < 2:
        return mean, mean, mean
    half = special.stdtrit(n - 1, (1 + confidence) / 2) * values.std(axis=0, ddof=1) / np.sqrt(n)
    return mean, mean - half, mean + half


def difference_interval(baseline: Floats, candidate: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Welch's t interval of candidate mean - baseline mean; both sides need two values."""
    mean = float(candidate.mean() - baseline.mean())
    v0, v1 = baseline.var(ddof=1) / len(baseline), candidate.var(ddof=1) / len(candidate)
    if v0 + v1 == 0:
        return mean, mean
    freedom = (v0 + v1) ** 2 / (v0**2 / (len(baseline) - 1) + v1**2 / (len(candidate) - 1))
    half = float(special.stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(v0 + v1))
    return mean - half, mean + half


def probability_of_improvement(baseline: Floats, candidate: Floats) -> float:
    """P(a candidate run scores higher than a baseline run), ties counted half: the share of all pairs."""
    higher = candidate[:, None] > baseline[None, :]
    equal = candidate[:, None] == baseline[None, :]
    return float(np.mean(higher + 0.5 * equal))


def proportion_interval(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided interval of the rate behind `hits` of `n`, after Clopper and Pearson (1934); `n` is at least 1."""
    tail = (1 - confidence) / 2
    low = float(special.betaincinv(hits, n - hits + 1, tail)) if hits > 0 else 0.0
    high = float(special.betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return low, high
