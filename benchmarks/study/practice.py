"""What practice would have said of the same runs: rules that people use, each with a fixed number of seeds.

All of them say one thing: worse, or not. None corrects for the number of environments, which nobody does. Scores are
`final` in units of the scale: 0 is a random policy, 1 the baseline's mean of this draw.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.study.welch import p_lower
from rlops.stats import Bootstrap, mean_interval

SIZES = (3, 5, 10)
"""Seeds a side."""
LEVEL = 0.05
REPLICATES = 2_000
"""Of the bootstrap; rliable's default is 50,000, for pictures."""
ATTEMPTS = 3
WINDOW = 5
"""Points of the curve, of 100, that a return is averaged over."""
REACHED = 0.9
"""RLlib asks 450 of CartPole's 500."""


@dataclass(frozen=True, eq=False)
class Sides:
    """One environment: the score of every run in units of the scale, and the candidate's curves, (runs, 100)."""

    baseline: np.ndarray
    candidate: np.ndarray
    curves: np.ndarray

    def first(self, n: int) -> "Sides":
        """Only so many seeds of each side."""
        return Sides(self.baseline[:n], self.candidate[:n], self.curves[:n])


Rule = Callable[[Mapping[str, Sides]], bool]


def welch(sides: Mapping[str, Sides]) -> bool:
    """Welch's t test says p < .05, two-sided as libraries have it, and the mean is lower; in any environment."""
    return any(p_lower(one.candidate, one.baseline) < LEVEL / 2 for one in sides.values())


def below_95_percent(sides: Mapping[str, Sides]) -> bool:
    """The mean is below 95 % of the baseline's; in any environment."""
    return any(one.candidate.mean() < 0.95 * one.baseline.mean() for one in sides.values())


def apart(sides: Mapping[str, Sides]) -> bool:
    """The 95 % t intervals of the means do not overlap, and the candidate's is the lower one; in any environment."""
    return any(_above(one.candidate) < _below(one.baseline) for one in sides.values())


def iqm_apart(sides: Mapping[str, Sides]) -> bool:
    """rliable: the stratified bootstrap intervals of the IQM over all environments do not overlap."""
    now, before = (
        Bootstrap(np.random.default_rng(0), REPLICATES).iqm([getattr(one, side) for one in sides.values()])
        for side in ("candidate", "baseline")
    )
    return now.high < before.low


def never_reached(sides: Mapping[str, Sides]) -> bool:
    """RLlib's learning tests: none of up to three attempts reaches a fixed return in the budget; in any environment."""
    return any(best_window(one.curves[:ATTEMPTS]).max() < REACHED for one in sides.values())


def best_window(curves: np.ndarray) -> np.ndarray:
    """The best mean of WINDOW points in a row of each curve: (runs, 100) -> (runs,)."""
    windows = np.lib.stride_tricks.sliding_window_view(curves, WINDOW, axis=1)
    best: np.ndarray = windows.mean(axis=2).max(axis=1)
    return best


RULES: Mapping[str, tuple[int, Rule]] = {
    **{f"Welch, n = {n}": (n, welch) for n in SIZES},
    **{f"mean < 95 %, n = {n}": (n, below_95_percent) for n in SIZES},
    **{f"intervals apart, n = {n}": (n, apart) for n in SIZES},
    **{f"IQM intervals apart, n = {n}": (n, iqm_apart) for n in SIZES},
    "90 % never reached, n = 3": (ATTEMPTS, never_reached),
}
"""Name -> seeds a side, and the rule."""


def say(sides: Mapping[str, Sides]) -> dict[str, bool]:
    """Which rule calls the candidate worse."""
    return {name: rule({key: one.first(n) for key, one in sides.items()}) for name, (n, rule) in RULES.items()}


def _above(scores: np.ndarray) -> float:
    return float(mean_interval(scores[:, None])[2][0])


def _below(scores: np.ndarray) -> float:
    return float(mean_interval(scores[:, None])[1][0])
