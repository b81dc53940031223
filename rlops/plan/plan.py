"""The plan: everything the judge needs to know beside the runs, frozen before any run of the candidate exists."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, ConfigDict

from rlops.plan.benchmark import HIGHER, Margins, Metric, Policy

FEW_ENVIRONMENTS = 3
FEWEST_SEEDS_TO_PASS = 5
"""With fewer than three environments fewer seeds never pass: the t and the permutation test are too coarse there."""


@dataclass(frozen=True)
class EnvironmentPlan:
    """The yardstick of one environment, in units of the (oriented) score.

    `margins`: the smallest loss that matters in each of the 22 columns of `curves.columns`; the first is that of
    `final`. `n_baseline`: the baseline runs that there were when the plan was made.
    """

    env_id: str
    budget: int
    mean: float
    random_score: float
    random_score_from: str
    spread: float
    margins: tuple[float, ...]
    n_baseline: int

    @property
    def margin(self) -> float:
        """That of the score `final`."""
        return self.margins[0]

    @property
    def scale(self) -> float:
        """Baseline mean minus random-policy score: the unit of every `change`."""
        return self.mean - self.random_score

    @property
    def informative(self) -> bool:
        """Did the baseline learn more than its seeds differ? If not, a change has no unit; the suite leaves it out."""
        return self.scale > self.spread and self.scale > 0


class Calibrated(BaseModel):
    """What `rlops calibrate --save` found: how often a gate on A/A splits of the stored runs said which word.

    `n_baseline`: runs that took the baseline's part, the fewest of an environment; `looks`, `alpha`, `strict`: of the
    gate that judged them; `unnameable`: environments in which so few runs could have named no loss, however large.
    Changes no verdict: the report tells it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: date
    splits: int
    n_baseline: int
    looks: tuple[int, ...]
    alpha: float
    strict: bool
    regressed: int
    passed: int
    inconclusive: int
    unnameable: int = 0


@dataclass(frozen=True)
class Plan:
    """How the candidate will be judged.

    `seeds`: the candidate seeds in the order in which they are used, None where none were planned. `looks`: after how
    many of them the data are looked at; empty: once, at whatever is there.
    """

    benchmark: str | None
    metric: Metric
    policy: Policy
    environments: tuple[EnvironmentPlan, ...]
    suite_margin: float
    seeds: tuple[int, ...] | None = None
    looks: tuple[int, ...] = ()
    calibrated: Calibrated | None = None

    @property
    def higher_is_better(self) -> bool:
        """The metric's direction."""
        return self.metric.direction == HIGHER

    @property
    def num_looks(self) -> int:
        """K: how often the data may be looked at."""
        return max(1, len(self.looks))

    @property
    def levels(self) -> "Levels":
        """Of the harm test."""
        return Levels(self.policy.alpha, len(self.environments), self.num_looks)

    def pass_levels(self, n_baseline: int) -> tuple[float, ...]:
        """What the p of the pass test is held against at each look; 0 where so few seeds never pass."""
        if not self.looks:
            return (self.policy.beta,)
        from rlops.stats import information, pocock_levels  # scipy, which most verbs do without

        allowed = [look for look in self.looks if self.may_pass(look)]
        levels = pocock_levels(tuple(information(n_baseline, look) for look in allowed), self.policy.beta)
        return (*[0.0] * (len(self.looks) - len(allowed)), *levels)

    def may_pass(self, n_candidate: int) -> bool:
        """Can so many seeds pass?"""
        return may_pass(len(self.environments), n_candidate)


@dataclass(frozen=True)
class Levels:
    """How the level of the harm test is shared out: equally among the looks, at each look half to the environments one
    by one and half to all of them together."""

    alpha: float
    environments: int
    looks: int

    @property
    def suite(self) -> float:
        """What the p of all environments together is held against; 0 where there is only one."""
        return self.alpha / (2 * self.looks) if self.environments > 1 else 0.0

    @property
    def harm(self) -> float:
        """What Holm's procedure shares out among the environments."""
        return self.alpha / self.looks - self.suite

    @property
    def named(self) -> float:
        """What the smallest p of one environment is held against: the first step of Holm's procedure."""
        return self.harm / self.environments


def may_pass(environments: int, n_candidate: int) -> bool:
    """With few environments few seeds never pass, whatever their scores."""
    return environments >= FEW_ENVIRONMENTS or n_candidate >= FEWEST_SEEDS_TO_PASS


def planned_looks(policy: Policy, n_candidate: int) -> tuple[int, ...]:
    """The looks at so many candidate seeds: those of the policy that come before the last seed, and the last seed."""
    return (*[look for look in policy.looks if look < n_candidate], n_candidate)


def environment_margin(margins: Margins, scale: float, spread: float) -> float:
    """max(20 % of scale, 1.5 spreads) with the default margins, in units of the score."""
    return max(margins.scale_fraction * scale, margins.spreads * spread)


def suite_margin(margins: Margins, environments: Iterable[EnvironmentPlan]) -> float:
    """max(10 %, 1.5 sd of the mean change of one run per environment) with the default margins, as a fraction."""
    variances = [(item.spread / item.scale) ** 2 for item in environments if item.informative]
    if not variances:
        return margins.suite_fraction
    return max(margins.suite_fraction, margins.suite_spreads * math.sqrt(sum(variances)) / len(variances))
