"""Estimates for pictures: they decide nothing."""

from typing import NamedTuple

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


class TrimmedMean(NamedTuple):
    """A trimmed mean with its standard error and the degrees of freedom of its t."""

    estimate: float
    error: float
    freedom: int


def trimmed_mean(values: Floats, cut: int) -> TrimmedMean:
    """Without the `cut` largest and smallest of `values`, (n,); the error is from the winsorised values.

    Tukey and McLaughlin (1963), "Less vulnerable confidence and significance procedures for location". At least two
    values must be left.
    """
    n = len(values)
    ordered = np.sort(values)
    winsorised = np.clip(ordered, ordered[cut], ordered[n - 1 - cut])
    error = float(winsorised.std(ddof=1) * np.sqrt(n) / (n - 2 * cut))
    return TrimmedMean(float(ordered[cut : n - cut].mean()), error, n - 2 * cut - 1)


def iqm_interval(values: Floats, confidence: float = 0.95) -> tuple[float, float, float]:
    """Interquartile mean of the runs of one environment, (n,), with the t interval of the trimmed mean.

    Where it claims 95 % of normal scores it covers 92 to 95 %, from 3 to 20 runs; the bootstrap's percentiles cover
    76 % with 3 and 91 % with 5. One run has no interval: low = high = its value.
    """
    if len(values) < 2:
        return (float(values[0]),) * 3
    found = trimmed_mean(values, len(values) // 4)
    half = float(special.stdtrit(found.freedom, (1 + confidence) / 2)) * found.error
    return found.estimate, found.estimate - half, found.estimate + half


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
