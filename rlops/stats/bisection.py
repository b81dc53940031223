"""Noisy bisection: which of n ordered candidates is the first at the lower of two levels, from scores with noise.

Position 0 is the good end, n the bad one. Culprit k (1 to n): scores at positions below k are draws at the good level,
those from k on draws at the bad one; or none, and all are at the good level. Bayes' rule over k with a measurement at
the place that tells most is probabilistic bisection (Horstein 1963, "Sequential transmission using noiseless feedback";
Burnashev and Zigangirov 1974; Waeber, Frazier and Henderson 2013, "Bisection search with noisy responses"); they take
the noise as known. Here the mean and the standard deviation of both levels are unknown and integrated out.

A run at a level is a draw of N(mean, sd^2); with probability STRAY it is anything in the range of the scores, and with
probability SWAPPED it looks like a run of the other end: many a bug spares some seeds, and some seeds fail by
themselves. So no single run can say more than the log of these ratios, and two lucky ones do not acquit a commit for
good. Then no conjugate prior has a closed form (the normal-inverse-gamma one is STRAY = SWAPPED = 0: Gelman et al.,
"Bayesian Data Analysis", 3.3), and the integrals are sums over grids. The two levels meet only in their joint prior, so
that a sum over all four numbers is one bilinear form.

Prior: the reference one, 1/sd, for the good level; given it, the drop is above SMALLEST_DROP good sd (the bad end was
judged worse; a smaller drop takes hundreds of runs, and counts as none) and has there the tail of a Cauchy distribution
with scale DROP_SCALE (Rouder et al. 2009, "Bayesian t tests", have the whole of one with scale 1), and
log(bad sd / good sd) is Cauchy with scale SD_RATIO: at a ceiling it can be 50 times as much. P(none) = NONE, the level
at which a gate usually calls a change a regression; all candidates alike share the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from rlops.stats.permutation import Floats

STRAY = 0.05
"""Share of runs that are no draw of their level (arbitrary: the order of what trainers show)."""
SWAPPED = 0.1
"""Arbitrary, too; of the planted bug in docs/bisect.md about as many seeds are spared."""
NONE = 0.05
SMALLEST_DROP, DROP_SCALE = 0.5, 2.0
"""In sd of the good level (arbitrary)."""
SD_RATIO = 0.5
"""Half of all bugs change the sd by less than a factor of 1.6 (arbitrary)."""
REACH, FINENESS = 6.7, 0.67
"""Of the grids, over the root of how many scores an end has: how far the means reach from their median, in sd, and the
steps of log sd. So wide and so fine that sums are integrals to a per cent, with some dozens of further scores, too."""
GOOD_MEANS, BAD_MEANS = 17, 25
NODES = np.linspace(-4.0, 4.0, 33)
"""Where predictive densities are evaluated, in sd of each level."""


@dataclass(frozen=True, eq=False)
class Level:
    """The grid of one level: means and standard deviations, both (G,), and the steps in mean / sd and in log sd."""

    means: Floats
    sds: Floats
    mean_step: float
    sd_step: float

    @classmethod
    def around(cls, scores: Floats, means: int, smallest_sd: float, largest_sd: float) -> "Level":
        """Standard deviations in equal log steps, and for each one so many means around the median of the scores."""
        sd_step = FINENESS / np.sqrt(max(scores.size, 20))
        reach = REACH / np.sqrt(scores.size)
        offsets, mean_step = np.linspace(-reach, reach, means, retstep=True)
        logs = np.arange(np.log(smallest_sd), np.log(largest_sd) + sd_step, sd_step)
        sds, u = (array.ravel() for array in np.meshgrid(np.exp(logs), offsets, indexing="ij"))
        return cls(float(np.median(scores)) + u * sds, sds, float(mean_step), float(sd_step))

    def density(self, scores: Floats) -> Floats:
        """The normal one of each score at each point of the grid, (n, G)."""
        z = (scores[:, None] - self.means) / self.sds
        return np.asarray(np.exp(-(z**2) / 2) / (self.sds * np.sqrt(2 * np.pi)))


@dataclass(frozen=True, eq=False)
class TwoLevels:
    """What the scores at the ends make possible: a grid of each level, their joint prior, the density of a stray run.

    `prior` is (G, B), of the good level's points and the bad level's; `prior_good` (G,), where there is but one level;
    `good_end` (G,) and `bad_end` (B,): the posterior of each level given its end alone, what swapped runs are like.
    """

    good: Level
    bad: Level
    prior: Floats
    prior_good: Floats
    good_end: Floats
    bad_end: Floats
    stray: float

    @classmethod
    def of_ends(cls, good: Floats, bad: Floats) -> "TwoLevels":
        """From the scores at both ends, (n0,) and (n1,); raises ValueError for fewer than two or no spread at all."""
        if min(good.size, bad.size) < 2 or not np.ptp(np.concatenate([good, bad])):
            raise ValueError("two scores at each end, and not all of them equal, are the least that bisection needs")
        width = float(np.ptp(np.concatenate([good, bad])))
        sd_good = max(float(good.std(ddof=1)), width / 100)  # a ceiling leaves no spread of its own
        sd_bad, smallest = max(float(bad.std(ddof=1)), sd_good), max(sd_good / 10, width / 200)
        one = Level.around(good, GOOD_MEANS, smallest, 2 * sd_good)
        other = Level.around(bad, BAD_MEANS, smallest, 3 * sd_bad)
        prior_good = one.sds.copy()  # du dlog(sd) = dmean dsd / sd^2, times the reference prior 1/sd gives ...
        prior_good /= prior_good.sum()
        drop = (one.means[:, None] - other.means) / one.sds[:, None]
        ratio = np.log(other.sds / one.sds[:, None])
        above = 0.5 - np.arctan(SMALLEST_DROP / DROP_SCALE) / np.pi
        tail = (drop > SMALLEST_DROP) / (above * np.pi * DROP_SCALE * (1 + (drop / DROP_SCALE) ** 2))
        cells = other.sds / one.sds[:, None] * other.mean_step * other.sd_step  # of drop and of log sd
        given = tail * cells / (np.pi * SD_RATIO * (1 + (ratio / SD_RATIO) ** 2))
        stray = STRAY / (2 * width)
        good_end = prior_good * _likelihood((1 - STRAY) * one.density(good) + stray)
        good_end /= good_end.sum()
        bad_end = (good_end @ given) * _likelihood((1 - STRAY) * other.density(bad) + stray)
        bad_end /= max(bad_end.sum(), np.finfo(float).tiny)
        return cls(one, other, prior_good[:, None] * given, prior_good, good_end, bad_end, stray)

    def at_good(self, scores: Floats) -> Floats:
        """The density of each score of the good level, (n, G)."""
        swapped = (self.bad.density(scores) @ self.bad_end)[:, None]
        return (1 - STRAY - SWAPPED) * self.good.density(scores) + SWAPPED * swapped + self.stray

    def at_bad(self, scores: Floats) -> Floats:
        """The density of each score of the bad level, (n, B)."""
        swapped = (self.good.density(scores) @ self.good_end)[:, None]
        return (1 - STRAY - SWAPPED) * self.bad.density(scores) + SWAPPED * swapped + self.stray


def _likelihood(densities: Floats) -> Floats:
    """Of all scores at each point of the grid, scaled to 1 at most: (n, G) -> (G,)."""
    logs = np.log(densities).sum(0)
    return np.asarray(np.exp(logs - logs.max()))


@dataclass(frozen=True, eq=False)
class CulpritPosterior:
    """The posterior over the culprit, given scores at positions.

    `positions` (N,) in 0 to n and `scores` (N,): all that is known, both ends included.
    """

    levels: TwoLevels
    n: int
    positions: NDArray[np.intp]
    scores: Floats

    @cached_property
    def _tested(self) -> NDArray[np.intp]:
        return np.unique(np.concatenate([[0, self.n], self.positions]))

    @cached_property
    def _likelihoods(self) -> tuple[Floats, Floats]:
        """Of the scores below and of those from the culprit on, (S, G) and (S, B), scaled row by row; row S: none.

        Culprits between the same tested positions are one row. And the logs of the scales are in `_log_scales`.
        """
        below, above, _ = self._log_likelihoods
        return np.exp(below - below.max(1, keepdims=True)), np.exp(above - above.max(1, keepdims=True))

    @cached_property
    def _log_likelihoods(self) -> tuple[Floats, Floats, Floats]:
        place = np.searchsorted(self._tested, self.positions)
        good = np.zeros((self._tested.size, self.levels.good.means.size))
        bad = np.zeros((self._tested.size, self.levels.bad.means.size))
        np.add.at(good, place, np.log(self.levels.at_good(self.scores)))
        np.add.at(bad, place, np.log(self.levels.at_bad(self.scores)))
        below = np.cumsum(good, axis=0)  # the last row is none: all scores at the good level
        above = np.cumsum(bad[::-1], axis=0)[::-1]
        above = np.vstack([above[1:], np.zeros(above.shape[1])])
        return below, above, below.max(1) + above.max(1)

    @cached_property
    def _joint(self) -> tuple[Floats, Floats, Floats]:
        """Evidence of each row, and the posterior of each level's grid given the row, (S,), (S, G) and (S, B)."""
        below, above = self._likelihoods
        of_good, of_bad = below * (above @ self.levels.prior.T), above * (below @ self.levels.prior)
        of_good[-1] = below[-1] * self.levels.prior_good
        totals = of_good.sum(1)
        with np.errstate(divide="ignore"):
            evidence = np.log(totals) + self._log_likelihoods[2]
        safe = np.maximum(totals, np.finfo(float).tiny)[:, None]
        return evidence, of_good / safe, of_bad / safe

    @cached_property
    def _rows(self) -> NDArray[np.intp]:
        """The row of each culprit 1 to n, and of none: (n + 1,)."""
        between = np.searchsorted(self._tested, np.arange(1, self.n + 1)) - 1
        return np.append(between, self._tested.size - 1)

    @cached_property
    def probabilities(self) -> Floats:
        """Of culprit 1 to n and, last, of none: (n + 1,)."""
        prior = np.append(np.full(self.n, (1 - NONE) / self.n), NONE)
        weights = prior * np.exp(self._joint[0] - self._joint[0].max())[self._rows]
        return np.asarray(weights / weights.sum())

    def information(self) -> Floats:
        """Bits that one more run at each position 0 to n is expected to tell of the culprit: (n + 1,)."""
        nodes, widths = self._nodes()
        _, of_good, of_bad = self._joint
        good = (of_good @ self.levels.at_good(nodes).T)[self._rows]
        bad = (of_bad @ self.levels.at_bad(nodes).T)[self._rows]
        weights = self.probabilities[:, None]
        below, above = weights * good, weights * bad
        # At position p culprits k <= p, places 0 to p - 1 here, predict the bad level, the others and none the good.
        none = np.zeros((1, nodes.size))
        mixed = np.vstack([none, np.cumsum(above[:-1], axis=0)]) + np.cumsum(below[::-1], axis=0)[::-1]
        told = special.xlogy(below, good) @ widths, special.xlogy(above, bad) @ widths
        known = np.append(0.0, np.cumsum(told[1][:-1])) + np.cumsum(told[0][::-1])[::-1]
        return np.asarray((known - special.xlogy(mixed, mixed) @ widths) / np.log(2))

    def _nodes(self) -> tuple[Floats, Floats]:
        """Where predictive densities are evaluated, and the widths of the trapezoid rule."""
        _, of_good, of_bad = self._joint
        found = []
        for level, given in ((self.levels.good, of_good), (self.levels.bad, of_bad[:-1])):
            weights = np.bincount(self._rows, self.probabilities)[: len(given)] @ given
            weights /= max(weights.sum(), np.finfo(float).tiny)
            mean = weights @ level.means
            sd = np.sqrt(weights @ (level.sds**2 + (level.means - mean) ** 2))
            found.append(mean + NODES * sd)
        nodes = np.unique(np.concatenate(found))
        return nodes, np.gradient(nodes)

    def drop(self, culprit: int, level: float = 0.95) -> tuple[float, float, float]:
        """How far the mean falls if `culprit` (1 to n) is the one: posterior mean and central interval."""
        below, above = (rows[self._rows[culprit - 1]] for rows in self._likelihoods)
        weights = (below[:, None] * self.levels.prior * above).ravel()
        drops = (self.levels.good.means[:, None] - self.levels.bad.means).ravel()
        keep = weights > weights.max() * np.finfo(float).eps
        weights, drops = weights[keep], drops[keep]
        order = np.argsort(drops)
        shares = np.cumsum(weights[order]) / weights.sum()
        ends = np.searchsorted(shares, [(1 - level) / 2, (1 + level) / 2])
        low, high = drops[order][np.minimum(ends, order.size - 1)]
        return float(drops @ weights / weights.sum()), float(low), float(high)


def entropy(probabilities: Sequence[float] | Floats) -> float:
    """Bits."""
    return float(special.entr(np.asarray(probabilities)).sum() / np.log(2))
