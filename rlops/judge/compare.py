"""Baseline against candidate: the runs of each environment, the numbers that are tested, effects and intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rlops.curves import COLUMNS, GRID_POINTS, Run, RunSet, columns, final, oriented_grid, sound_runs
from rlops.judge.samples import Glance, Samples
from rlops.plan import EnvironmentPlan, Plan
from rlops.stats import Floats, difference_interval, probability_of_improvement

IDENTICAL_SEEDS = 2


@dataclass(frozen=True)
class Confirmation:
    """Fresh baseline runs, trained because a regression was in sight; since which look (from 0), by environment."""

    runs: RunSet
    since: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Sides:
    """The sound runs of one environment; `candidate` in the order of the plan's seeds, None where one has no run."""

    plan: EnvironmentPlan
    baseline: tuple[Run, ...]
    candidate: tuple[Run | None, ...]
    fresh: tuple[Run, ...]
    samples: Samples
    identical: bool


@dataclass(frozen=True, eq=False)
class EnvironmentComparison:
    """The runs of one environment that count at the look where it stands, and what they come to.

    Grids are (runs, 100), higher is better.
    """

    plan: EnvironmentPlan
    baseline: tuple[Run, ...]
    candidate: tuple[Run, ...]
    grids_baseline: Floats
    grids_candidate: Floats
    glance: Glance

    @property
    def scores_baseline(self) -> Floats:
        """`final` of each baseline run, (n0,)."""
        return final(self.grids_baseline)

    @property
    def scores_candidate(self) -> Floats:
        """`final` of each candidate run, (n1,)."""
        return final(self.grids_candidate)

    @property
    def change(self) -> float | None:
        """(candidate mean - baseline mean) / scale; None where the scale is no unit."""
        if not self._measurable:
            return None
        return float(self.scores_candidate.mean() - self.scores_baseline.mean()) / self.plan.scale

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % t interval of the change."""
        if not self._measurable or not self.glance.testable:
            return None
        low, high = difference_interval(self.scores_baseline, self.scores_candidate)
        return low / self.plan.scale, high / self.plan.scale

    @property
    def probability_of_improvement(self) -> float | None:
        """P(a candidate run scores higher than a baseline run)."""
        if not len(self.baseline) or not len(self.candidate):
            return None
        return probability_of_improvement(self.scores_baseline, self.scores_candidate)

    @property
    def _measurable(self) -> bool:
        return bool(self.plan.scale > 0 and len(self.baseline) and len(self.candidate))


def bring_together(
    baseline: RunSet,
    candidate: RunSet,
    plan: Plan,
    twins: RunSet | None = None,
    confirmation: Confirmation | None = None,
) -> list[Sides]:
    """The sound runs of both sides of every environment of the plan, and their numbers; `twins` as in `judge`."""
    return [_sides(item, baseline, candidate, plan, twins, confirmation) for item in plan.environments]


def compare(sides: Sides, glance: Glance, plan: Plan) -> EnvironmentComparison:
    """One environment at the look at which it was last seen."""
    used = sides.candidate[: plan.looks[glance.look]] if plan.looks else sides.candidate
    candidate = tuple(run for run in used if run is not None)
    baseline = (*sides.baseline, *(sides.fresh if glance.confirmed else ()))
    before, now = (
        _grids(runs, sides.plan.budget, higher_is_better=plan.higher_is_better) for runs in (baseline, candidate)
    )
    return EnvironmentComparison(sides.plan, baseline, candidate, before, now, glance)


def _sides(
    item: EnvironmentPlan,
    baseline: RunSet,
    candidate: RunSet,
    plan: Plan,
    twins: RunSet | None,
    confirmation: Confirmation | None,
) -> Sides:
    before = sound_runs(baseline.of(item.env_id), item.budget)
    now: list[Run | None] = list(sound_runs(candidate.of(item.env_id), item.budget))
    alike = before if twins is None else sound_runs(twins.of(item.env_id), item.budget)
    identical = _identical(alike, [run for run in now if run is not None])
    if plan.seeds is not None:
        by_seed = {run.seed: run for run in now if run is not None}
        now = [by_seed.get(seed) for seed in plan.seeds]
    fresh: list[Run] = []
    if confirmation is not None and item.env_id in confirmation.since:
        fresh = sound_runs(confirmation.runs.of(item.env_id), item.budget)
    samples = Samples(
        plan=item,
        baseline=_columns(before, item, plan),
        candidate=_columns(now, item, plan),
        fresh=_columns(fresh, item, plan),
        fresh_since=confirmation.since.get(item.env_id, 0) if confirmation else 0,
    )
    return Sides(item, tuple(before), tuple(now), tuple(fresh), samples, identical)


def _columns(runs: Sequence[Run | None], item: EnvironmentPlan, plan: Plan) -> Floats:
    found = np.full((len(runs), len(COLUMNS)), np.nan)
    there = [place for place, run in enumerate(runs) if run is not None]
    found[there] = columns(
        _grids([run for run in runs if run is not None], item.budget, higher_is_better=plan.higher_is_better)
    )
    return found


def _grids(runs: Sequence[Run], budget: int, *, higher_is_better: bool) -> Floats:
    if not runs:
        return np.empty((0, GRID_POINTS))
    return np.array([oriented_grid(run.curve, budget, higher_is_better=higher_is_better) for run in runs])


def _identical(baseline: Sequence[Run], candidate: Sequence[Run]) -> bool:
    """Stage 0: bit-equal curves wherever both sides trained a seed on the same kind of machine, two seeds at least."""
    before = {run.seed: run for run in baseline}
    pairs = [(before[run.seed], run) for run in candidate if run.seed in before]
    alike = [(old, new) for old, new in pairs if old.fingerprint and old.fingerprint == new.fingerprint]
    equal = all(old.curve_sha256 == new.curve_sha256 for old, new in alike)
    return equal and len(alike) >= IDENTICAL_SEEDS
