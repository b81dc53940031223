"""Where does a series of groups of values change its level? The best single split, and its p.

The split is the one with the largest sum of squares between its two sides (Scott and Knott 1974, "A cluster analysis
method for grouping means in the analysis of variance"); its p comes from orders of the values over the whole series
drawn at random, as in E-divisive (Matteson and James 2014): where nothing changes every order is equally likely,
whatever the distribution, and the largest statistic over all splits is held against largest ones, so that looking at
all places costs no validity.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlops.stats.permutation import Floats

FEWEST_VALUES = 2
"""On each side of a split: one value alone is no level."""
ENOUGH = 10
"""So many drawn orders as extreme as the observed one settle the p."""
MOST_ORDERS = 1_000_000
MOST_NUMBERS = 1_000_000
"""In memory at once: 8 MB."""
TOLERANCE = 1e-9
"""Statistics nearer than this share of each other are ties: what is left is the rounding of sums."""


@dataclass(frozen=True)
class Split:
    """The groups before `place` against those from it on, and the p of "the level is the same everywhere"."""

    place: int
    p: float


def best_split(groups: Sequence[Floats], level: float, seed: int) -> Split | None:
    """Where the level changes most; None where no place has two values on each side.

    Args:
        groups: the values of each place in order, each (n,) with n >= 1.
        level: what the p will be held against: so many orders are drawn that a p well below it can be seen.
        seed: of the orders.
    """
    series = _Series.of(groups)
    if series is None:
        return None
    observed = series.between(series.values[None])[0]
    place = int(np.argmax(observed))
    bar = float(observed[place]) * (1 - TOLERANCE)
    return Split(place + 1, series.p_value(bar, level, np.random.default_rng(seed)) if bar > 0 else 1.0)


@dataclass(frozen=True, eq=False)
class _Series:
    """All values in order, centred and within [-1, 1]; where the groups begin; the weight of each split."""

    values: Floats
    starts: NDArray[np.int_]
    weights: Floats

    @classmethod
    def of(cls, groups: Sequence[Floats]) -> "_Series | None":
        sizes = np.array([len(group) for group in groups], dtype=np.int_)
        before = np.cumsum(sizes)[:-1]
        after = sizes.sum() - before
        allowed = np.minimum(before, after) >= FEWEST_VALUES
        if not allowed.any():
            return None
        values = np.concatenate(groups)
        centred = values - values.mean()
        largest = float(np.max(np.abs(centred)))
        differs = largest > 1e-12 * float(np.max(np.abs(values)))
        return cls(
            values=centred / largest if differs else np.zeros_like(values),
            starts=np.concatenate([[0], before]),
            weights=allowed * (1 / before + 1 / after),
        )

    def between(self, orders: Floats) -> Floats:
        """The sum of squares between the sides of every split, of each order: (orders, n) -> (orders, splits).

        The mean is 0, so the sums of the two sides are each other's negative: s^2 / n_before + s^2 / n_after.
        """
        sums = np.cumsum(np.add.reduceat(orders, self.starts, axis=1), axis=1)[:, :-1]
        found: Floats = sums**2 * self.weights
        return found

    def p_value(self, bar: float, level: float, rng: np.random.Generator) -> float:
        """The share of orders whose best split reaches `bar`, the observed one counted.

        Drawn until `ENOUGH` of them do: that leaves the p valid (Besag and Clifford 1991, "Sequential Monte Carlo
        p-values") and a series in which nothing changes cheap.
        """
        most = min(MOST_ORDERS, math.ceil(ENOUGH / level))
        at_once = max(1, min(most, MOST_NUMBERS // len(self.values), 500))
        drawn = reached = 0
        while drawn < most:
            orders = rng.permuted(np.tile(self.values, (min(at_once, most - drawn), 1)), axis=1)
            hits = np.flatnonzero(self.between(orders).max(axis=1) >= bar)
            if reached + len(hits) >= ENOUGH:
                return ENOUGH / (drawn + int(hits[ENOUGH - reached - 1]) + 1)
            drawn, reached = drawn + len(orders), reached + len(hits)
        return (reached + 1) / (drawn + 1)
