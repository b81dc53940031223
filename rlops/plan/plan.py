"""The plan: everything the judge needs to know beside the runs, frozen before any run of the candidate exists."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rlops.plan.benchmark import HIGHER, Margins, Metric, Policy


@dataclass(frozen=True)
class EnvironmentPlan:
    """The yardstick of one environment, in units of the (oriented) score."""

    env_id: str
    budget: int
    mean: float
    random_score: float
    random_score_from: str
    spread: float
    margin: float

    @property
    def scale(self) -> float:
        """Baseline mean minus random-policy score: the unit of every `change`."""
        return self.mean - self.random_score

    @property
    def informative(self) -> bool:
        """Did the baseline learn more than its seeds differ? If not, a change has no unit; the suite leaves it out."""
        return self.scale > self.spread and self.scale > 0


@dataclass(frozen=True)
class Plan:
    """How the candidate will be judged. `seeds`: the candidate seeds that must exist, None where none were planned."""

    benchmark: str | None
    metric: Metric
    policy: Policy
    environments: tuple[EnvironmentPlan, ...]
    suite_margin: float
    seeds: tuple[int, ...] | None = None

    @property
    def higher_is_better(self) -> bool:
        """The metric's direction."""
        return self.metric.direction == HIGHER


def environment_margin(margins: Margins, scale: float, spread: float) -> float:
    """max(20 % of scale, 1.5 spreads) with the default margins, in units of the score."""
    return max(margins.scale_fraction * scale, margins.spreads * spread)


def suite_margin(margins: Margins, environments: Iterable[EnvironmentPlan]) -> float:
    """max(10 %, 1.5 sd of the mean change of one run per environment) with the default margins, as a fraction."""
    variances = [(item.spread / item.scale) ** 2 for item in environments if item.informative]
    if not variances:
        return margins.suite_fraction
    return max(margins.suite_fraction, margins.suite_spreads * math.sqrt(sum(variances)) / len(variances))
