"""All environments in a few numbers with their intervals, as the literature reports them. They decide nothing."""

from collections.abc import Iterator, Sequence

import numpy as np

from rlops.judge.compare import EnvironmentComparison
from rlops.judge.record import Aggregate
from rlops.plan import Plan
from rlops.stats import Bootstrap, Floats, Interval, stable_seed

REPLICATES = 10_000
P_BETTER = "P(better)"
"""How the probability of improvement is called."""


def aggregates(comparisons: Sequence[EnvironmentComparison], plan: Plan) -> tuple[Aggregate, ...]:
    """IQM, mean, median and optimality gap of both sides, and the probability of improvement.

    Of scores as shares of the scale (0: a random policy, 1: the baseline's mean) in the informative environments. Each
    side has as many runs from every environment as from the one with the fewest: where a gate has given one more seeds,
    it would weigh more.
    """
    counted = [item for item in comparisons if item.plan.informative and item.glance.testable]
    if not counted:
        return ()
    before, now = ([_scores(item, side) for item in counted] for side in ("baseline", "candidate"))
    before, now = as_many(before), as_many(now)
    draw = drawing(plan.benchmark, len(counted))
    found = [
        Aggregate(name=name, baseline=old.estimate, baseline_interval=_ends(old), candidate=new.estimate,
                  candidate_interval=_ends(new))
        for name, (old, new) in estimates([before, now], draw)
    ]  # fmt: skip
    better = draw.probability_of_improvement(before, now)
    return (*found, Aggregate(name=P_BETTER, candidate=better.estimate, candidate_interval=_ends(better)))


def _scores(item: EnvironmentComparison, side: str) -> Floats:
    scores: Floats = getattr(item, f"scores_{side}")
    return (scores - item.plan.random_score) / item.plan.scale


def drawing(benchmark: str | None, environments: int, replicates: int = REPLICATES) -> Bootstrap:
    """The draws for so many environments: the same for the same question."""
    return Bootstrap(np.random.default_rng(stable_seed("aggregates", benchmark, environments)), replicates)


def estimates(sides: Sequence[Sequence[Floats]], draw: Bootstrap) -> Iterator[tuple[str, list[Interval]]]:
    """Name and values, one a side, of what the literature reports; a side is an array of normalised scores a task."""
    yield "IQM", [draw.iqm(scores) for scores in sides]
    yield "mean", [draw.mean(scores) for scores in sides]
    yield "median", [draw.median(scores) for scores in sides]
    yield "optimality gap", [draw.optimality_gap(scores) for scores in sides]


def as_many(scores: Sequence[Floats]) -> list[Floats]:
    """As many runs, (runs, ...), of every environment as of the one with the fewest."""
    fewest = min(map(len, scores))
    return [own[:fewest] for own in scores]


def _ends(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high
