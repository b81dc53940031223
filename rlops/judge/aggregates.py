"""All environments in a few numbers with their intervals, as the literature reports them. They decide nothing."""

from collections.abc import Sequence

import numpy as np

from rlops.judge.compare import EnvironmentComparison
from rlops.judge.record import Aggregate
from rlops.plan import Plan
from rlops.stats import Bootstrap, Floats, Interval, stable_seed

REPLICATES = 10_000


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
    before, now = _as_many(before), _as_many(now)
    draw = Bootstrap(np.random.default_rng(stable_seed("aggregates", plan.benchmark, len(counted))), REPLICATES)
    both = {
        "IQM": (draw.iqm(before), draw.iqm(now)),
        "mean": (draw.mean(before), draw.mean(now)),
        "median": (draw.median(before), draw.median(now)),
        "optimality gap": (draw.optimality_gap(before), draw.optimality_gap(now)),
    }
    found = [
        Aggregate(name=name, baseline=old.estimate, baseline_interval=_ends(old), candidate=new.estimate,
                  candidate_interval=_ends(new))
        for name, (old, new) in both.items()
    ]  # fmt: skip
    better = draw.probability_of_improvement(before, now)
    return (*found, Aggregate(name="P(better)", candidate=better.estimate, candidate_interval=_ends(better)))


def _scores(item: EnvironmentComparison, side: str) -> Floats:
    scores: Floats = getattr(item, f"scores_{side}")
    return (scores - item.plan.random_score) / item.plan.scale


def _as_many(scores: Sequence[Floats]) -> list[Floats]:
    fewest = min(map(len, scores))
    return [own[:fewest] for own in scores]


def _ends(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high
