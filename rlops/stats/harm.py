"""The harm test of one environment: several statistics, one permutation of the labels.

A statistic is one column of scores or the worst of several. For each labelling it gives a rank; the three ranks of a
labelling, sorted, are compared lexicographically with those of the observed one: the smallest rank decides (min-p,
Westfall and Young 1993, "Resampling-based multiple testing"), and where it is tied, as it often is with few runs, the
next one. Because all statistics see the same labelling, their dependence costs nothing: p is exact.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rlops.stats.permutation import T_TOLERANCE, Floats, Labellings, Shuffles, studentised_t


@dataclass(frozen=True, eq=False)
class HarmTest:
    """Both sides of one environment, (n0, columns) and (n1, columns), higher is better.

    `statistics`: the columns of each; a statistic of several columns is the worst of their T.
    """

    baseline: Floats
    candidate: Floats
    statistics: tuple[slice, ...]
    shuffles: Shuffles

    @cached_property
    def p_lower(self) -> float:
        """p of "the candidate is lower"."""
        return self.shuffles.p_value(lambda labellings: joint_share(self._lowest(self._t(labellings))))

    @cached_property
    def p_upper(self) -> float:
        """p of "the candidate is higher": the same test of the negated values."""
        return self.shuffles.p_value(lambda labellings: joint_share(self._lowest(-self._t(labellings))))

    @cached_property
    def shown_by(self) -> tuple[slice, ...]:
        """The statistics that show the harm: those with the smallest rank."""
        ranks = observed_ranks(self._lowest(self._t(self._counting)))
        return tuple(one for one, rank in zip(self.statistics, ranks, strict=True) if rank == ranks.min())

    def worst_columns(self) -> tuple[int, ...]:
        """Of each statistic that shows the harm the column with the lowest T."""
        t = self._t(self._counting[:1])[0]
        return tuple(one.start + int(t[one].argmin()) for one in self.shown_by)

    @property
    def _counting(self) -> Labellings:
        """The labellings whose p counts where it is small."""
        return self.shuffles.first if self.shuffles.exact else self.shuffles.fresh

    def _t(self, labellings: Labellings) -> Floats:
        """T, (L, columns); those of the first labellings are kept: two questions are asked of them."""
        return self._first_t if labellings is self.shuffles.first else self._studentised(labellings)

    @cached_property
    def _first_t(self) -> Floats:
        return self._studentised(self.shuffles.first)

    def _studentised(self, labellings: Labellings) -> Floats:
        return studentised_t(np.concatenate([self.candidate, self.baseline]), labellings)

    def _lowest(self, t: Floats) -> Floats:
        return np.stack([t[:, statistic].min(1) for statistic in self.statistics])


def observed_ranks(t: Floats) -> NDArray[np.intp]:
    """How many labellings have a T no larger than the observed one's: (statistics, L) -> (statistics,)."""
    found: NDArray[np.intp] = np.count_nonzero(t <= t[:, :1] + T_TOLERANCE, axis=1)
    return found


def joint_share(t: Floats) -> float:
    """The share of labellings whose sorted ranks are at most the observed one's: (statistics, L), observed first."""
    ordered, observed = np.sort(t, axis=1), np.sort(observed_ranks(t))
    smallest, all_of_them = observed[0], t.shape[1]
    if smallest == all_of_them:
        return 1.0
    # Only labellings that have a rank as small somewhere can lie below: few, where it matters.
    near = t[:, (t + T_TOLERANCE < ordered[:, [smallest]]).any(0)]
    ranks = np.sort(
        [np.searchsorted(one, some + T_TOLERANCE, side="right") for one, some in zip(ordered, near, strict=True)],
        axis=0,
    )
    at_most = np.ones(near.shape[1], dtype=np.bool_)
    for rank, own in zip(ranks[::-1], observed[::-1], strict=True):  # lexicographic, from the last place to the first
        at_most = (rank < own) | ((rank == own) & at_most)
    return float(at_most.sum() / all_of_them)
