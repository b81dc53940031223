"""All environments in a few numbers with their intervals, as the literature reports them. They decide nothing."""

from collections.abc import Iterator, Sequence

import numpy as np

from rlops.judge.compare import EnvironmentComparison
from rlops.judge.record import Aggregate, CurveResults
from rlops.judge.rows import estimate_band, rounded
from rlops.plan import Plan
from rlops.stats import Bootstrap, Floats, Interval, stable_seed

REPLICATES = 10_000
P_BETTER = "P(better)"
"""How the probability of improvement is called."""
BAND_REPLICATES = 2_000
"""Of the bands in pictures: the ends move by less than a line is wide (arbitrary)."""
PROFILE_POINTS = 101
PROFILE_ENDS = (-0.5, 2.0)
"""The profile's axis holds all scores, but nothing beyond these shares of the scale (arbitrary)."""


def aggregates(comparisons: Sequence[EnvironmentComparison], plan: Plan) -> tuple[Aggregate, ...]:
    """IQM, mean, median and optimality gap of both sides, and the probability of improvement.

    Of scores as shares of the scale (0: a random policy, 1: the baseline's mean) in the informative environments. Each
    side has as many runs from every environment as from the one with the fewest: where a gate has given one more seeds,
    it would weigh more.
    """
    before, now = _sides(comparisons)
    if not before:
        return ()
    draw = drawing(plan.benchmark, len(before))
    found = [
        Aggregate(name=name, baseline=old.estimate, baseline_interval=_ends(old), candidate=new.estimate,
                  candidate_interval=_ends(new))
        for name, (old, new) in estimates([before, now], draw)
    ]  # fmt: skip
    better = draw.probability_of_improvement(before, now)
    return (*found, Aggregate(name=P_BETTER, candidate=better.estimate, candidate_interval=_ends(better)))


def profile(comparisons: Sequence[EnvironmentComparison], plan: Plan) -> CurveResults | None:
    """Performance profiles of the same scores, the baseline's and the candidate's; None where no environment counts."""
    sides = _sides(comparisons)
    return performance_profiles(sides, plan.benchmark) if sides[0] else None


def performance_profiles(sides: Sequence[Sequence[Floats]], benchmark: str | None) -> CurveResults:
    """The share of runs above each share of the scale (Agarwal et al. 2021); a side is an array of scores a task."""
    every = np.concatenate([scores for side in sides for scores in side])
    low, high = max(min(0.0, every.min()), PROFILE_ENDS[0]), min(max(1.0, every.max()), PROFILE_ENDS[1])
    thresholds = np.linspace(low, high, PROFILE_POINTS)
    draw = drawing(benchmark, len(sides[0]), BAND_REPLICATES)
    bands = tuple(estimate_band(draw.performance_profile(side, thresholds)) for side in sides)
    return CurveResults(points=rounded(thresholds), bands=bands)


def _sides(comparisons: Sequence[EnvironmentComparison]) -> tuple[list[Floats], list[Floats]]:
    counted = [item for item in comparisons if item.plan.informative and item.glance.testable]
    if not counted:
        return [], []
    before, now = ([_scores(item, side) for item in counted] for side in ("baseline", "candidate"))
    return as_many(before), as_many(now)


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
