"""All environments in a few numbers with their intervals, as the literature reports them. They decide nothing."""

from collections.abc import Iterator, Sequence

import numpy as np

from rlops.judge.compare import EnvironmentComparison
from rlops.judge.record import Aggregate, Profile, ProfileBand
from rlops.plan import Plan
from rlops.stats import Band, Bootstrap, Floats, Interval, stable_seed

REPLICATES = 10_000
P_BETTER = "P(better)"
"""How the probability of improvement is called."""
PROFILE_REPLICATES, PROFILE_POINTS = 2_000, 51
"""For a picture (arbitrary)."""


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


def profile(comparisons: Sequence[EnvironmentComparison], plan: Plan) -> Profile | None:
    """Performance profiles of the same scores (Agarwal et al. 2021); None where no environment counts."""
    before, now = _sides(comparisons)
    if not before:
        return None
    draw = Bootstrap(np.random.default_rng(stable_seed("profile", plan.benchmark, len(before))), PROFILE_REPLICATES)
    # Beyond the best run every share is 0, below the worst it is 1.
    everyone = np.concatenate([*before, *now])
    thresholds = np.linspace(min(0.0, float(everyone.min())), max(1.0, float(everyone.max())), PROFILE_POINTS)
    old, new = (draw.performance_profile(side, thresholds) for side in (before, now))
    return Profile(thresholds=_rounded(thresholds), baseline=_band(old), candidate=_band(new))


def _band(found: Band) -> ProfileBand:
    return ProfileBand(share=_rounded(found.estimate), low=_rounded(found.low), high=_rounded(found.high))


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)


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
