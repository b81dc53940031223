"""How large a loss would have been seen, and how many seeds would see a given one."""

import math

from scipy import special

POWER = 0.8


def power_of_t(effect: float, n_baseline: int, n_candidate: int, alpha: float) -> float:
    """P(one-sided two-sample t test rejects) for a true difference of `effect` standard deviations (noncentral t)."""
    freedom = n_baseline + n_candidate - 2
    noncentrality = effect * math.sqrt(n_baseline * n_candidate / (n_baseline + n_candidate))
    missed = float(special.nctdtr(freedom, noncentrality, special.stdtrit(freedom, 1 - alpha)))
    return 1.0 if math.isnan(missed) else 1 - missed  # scipy has no number where next to nothing is missed


def minimum_detectable_effect(n_baseline: int, n_candidate: int, alpha: float) -> float:
    """The smallest true difference, in standard deviations, that is found with 80 % power.

    An approximation for the permutation test: the normal theory of the t test at the same level.
    """
    low, high = 0.0, 64.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if power_of_t(middle, n_baseline, n_candidate, alpha) >= POWER else (middle, high)
    return high


def seeds_needed(effect: float, n_baseline: int, alpha: float, most: int = 200) -> int | None:
    """The fewest candidate seeds that find `effect` (in standard deviations) with 80 % power, or None beyond `most`."""
    fits = (n for n in range(2, most + 1) if power_of_t(effect, n_baseline, n, alpha) >= POWER)
    return next(fits, None)
