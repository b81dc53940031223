"""The numbers of one environment, and what one look at them gives. Decides nothing."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rlops.curves import STATISTICS
from rlops.plan import EnvironmentPlan, Plan
from rlops.stats import Floats, HarmTest, Shuffles, p_within_margin, stable_seed


def _none() -> Floats:
    return np.empty((0, STATISTICS[-1].stop))


@dataclass(frozen=True, eq=False)
class Samples:
    """Both sides of one environment: the 22 columns of `curves.columns` of each run, higher is better.

    `candidate`: in the order in which the seeds are used, a row of NaN where a seed has no sound run. `fresh`: baseline
    runs that were trained to confirm a regression, counted from the look `fresh_since` on.
    """

    plan: EnvironmentPlan
    baseline: Floats
    candidate: Floats
    fresh: Floats = field(default_factory=_none)
    fresh_since: int = 0

    def confirmed_at(self, look: int) -> bool:
        """Does the baseline have its fresh runs since just this look?"""
        return len(self.fresh) > 0 and look == self.fresh_since

    def at(self, plan: Plan, look: int, now: int | None = None) -> "Glance":
        """The environment as it is seen with the candidate seeds of a look (counted from 0).

        `now`: the look at which the question is asked, where no seeds were added since `look`; fresh baseline runs may
        have been.
        """
        used = self.candidate[: plan.looks[look]] if plan.looks else self.candidate
        sound = used[~np.isnan(used).any(axis=1)]
        confirmed = len(self.fresh) > 0 and (look if now is None else now) >= self.fresh_since
        baseline = np.concatenate([self.baseline, self.fresh]) if confirmed else self.baseline
        shuffles = Shuffles(
            n_baseline=len(baseline),
            n_candidate=len(sound),
            level=plan.levels.named,
            seed=stable_seed(plan.benchmark, self.plan.env_id, len(baseline), len(sound)),
        )
        return Glance(
            self.plan, baseline, sound, shuffles, look, may_pass=plan.may_pass(len(sound)), confirmed=confirmed
        )


@dataclass(frozen=True, eq=False)
class Glance:
    """One environment at one look: the rows that count, and the p-values they give, computed when asked for.

    `may_pass`: are there seeds enough for a pass? `confirmed`: are fresh runs among those of the baseline?
    """

    plan: EnvironmentPlan
    baseline: Floats
    candidate: Floats
    shuffles: Shuffles
    look: int
    may_pass: bool
    confirmed: bool = False

    @property
    def testable(self) -> bool:
        """Are there two runs a side?"""
        return min(len(self.baseline), len(self.candidate)) >= 2

    @property
    def final_baseline(self) -> Floats:
        """The score of each baseline run, (n0,)."""
        return self.baseline[:, 0]

    @property
    def final_candidate(self) -> Floats:
        """The score of each candidate run, (n1,)."""
        return self.candidate[:, 0]

    @cached_property
    def all_equal(self) -> bool:
        """Did every run of both sides give the same numbers?"""
        return not np.ptp(np.concatenate([self.baseline, self.candidate]), axis=0).any()

    @property
    def informed(self) -> bool:
        """Has it anything to say about all environments together?"""
        return self.testable and not self.all_equal

    @cached_property
    def _harm(self) -> HarmTest:
        return HarmTest(self.baseline, self.candidate, STATISTICS, self.shuffles)

    @property
    def p_harm(self) -> float:
        """p of "learns worse", in whichever of the three statistics."""
        return self._harm.p_lower

    @property
    def p_improved(self) -> float:
        """p of "learns better"."""
        return self._harm.p_upper

    @cached_property
    def p_equivalent(self) -> float:
        """p of "the score is worse by at least the margin"."""
        return p_within_margin(self.final_baseline, self.final_candidate, self.plan.margin, self.shuffles)

    @cached_property
    def shown_by(self) -> tuple[int, ...]:
        """The columns that show the harm."""
        return self._harm.worst_columns()

    @cached_property
    def p_inside(self) -> float:
        """p of "what shows the harm is worse by at least its margin".

        The worst of the bins is one statistic, and inside its margin only where every bin is: the bin in which a loss
        is surest is rarely the one in which it is largest.
        """
        margins = np.array(self.plan.margins)
        return max(
            p_within_margin(self.baseline[:, one], self.candidate[:, one], margins[one], self.shuffles)
            for one in self._harm.shown_by
        )
