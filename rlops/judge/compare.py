"""Baseline against candidate: effects, intervals and p-values per environment. Decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rlops.curves import Run, RunSet, final, oriented_grid, sound_runs
from rlops.plan import EnvironmentPlan, Plan
from rlops.stats import (
    Floats,
    MeanChange,
    difference_interval,
    p_lower,
    p_suite_within_margin,
    p_upper,
    p_within_margin,
    probability_of_improvement,
    stable_seed,
    suite_change,
)

IDENTICAL_SEEDS = 2


@dataclass(frozen=True, eq=False)
class Tests:
    """The one-sided p-values of one environment, on `final`."""

    p_harm: float
    p_equivalent: float
    p_improved: float


@dataclass(frozen=True, eq=False)
class EnvironmentComparison:
    """Both sides of one environment; grids are (runs, 100), higher is better. `tests` needs two runs a side."""

    plan: EnvironmentPlan
    baseline: tuple[Run, ...]
    candidate: tuple[Run, ...]
    grids_baseline: Floats
    grids_candidate: Floats
    identical: bool
    tests: Tests | None

    @property
    def scores_baseline(self) -> Floats:
        """`final` of each baseline run, (n0,)."""
        return final(self.grids_baseline)

    @property
    def scores_candidate(self) -> Floats:
        """`final` of each candidate run, (n1,)."""
        return final(self.grids_candidate)

    @property
    def all_scores_equal(self) -> bool:
        """Did every run of both sides score the same?"""
        return float(np.ptp(np.concatenate([self.scores_baseline, self.scores_candidate]))) == 0

    @property
    def change(self) -> float | None:
        """(candidate mean - baseline mean) / scale; None where the scale is no unit."""
        if not self._measurable:
            return None
        return float(self.scores_candidate.mean() - self.scores_baseline.mean()) / self.plan.scale

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % t interval of the change."""
        if not self._measurable or self.tests is None:
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


@dataclass(frozen=True, eq=False)
class SuiteComparison:
    """The informative environments together; changes are fractions of the scale."""

    change: MeanChange
    margin: float
    p_equivalent: float
    environments: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """All environments of the plan, in its order, and the suite where at least one is informative."""

    environments: tuple[EnvironmentComparison, ...]
    suite: SuiteComparison | None


def compare(baseline: RunSet, candidate: RunSet, plan: Plan, twins: RunSet | None = None) -> Comparison:
    """Compare the sound runs of both sides under `plan`; `twins` as in `judge`."""
    environments = tuple(_environment(item, baseline, candidate, plan, twins) for item in plan.environments)
    return Comparison(environments, _suite(environments, plan))


def _environment(
    item: EnvironmentPlan, baseline: RunSet, candidate: RunSet, plan: Plan, twins: RunSet | None
) -> EnvironmentComparison:
    before = tuple(sound_runs(baseline.of(item.env_id), item.budget))
    now = tuple(sound_runs(candidate.of(item.env_id), item.budget))
    grids0, grids1 = (_grids(runs, item.budget, higher_is_better=plan.higher_is_better) for runs in (before, now))
    tests = None
    if min(len(before), len(now)) >= 2:
        tests = _tests(final(grids0), final(grids1), item, plan)
    alike = sound_runs(twins.of(item.env_id), item.budget) if twins is not None else before
    return EnvironmentComparison(item, before, now, grids0, grids1, _identical(alike, now), tests)


def _grids(runs: Sequence[Run], budget: int, *, higher_is_better: bool) -> Floats:
    if not runs:
        return np.empty((0, 100))
    return np.array([oriented_grid(run.curve, budget, higher_is_better=higher_is_better) for run in runs])


def _tests(before: Floats, now: Floats, item: EnvironmentPlan, plan: Plan) -> Tests:
    seed = stable_seed(plan.benchmark, item.env_id, len(before), len(now))
    harm_level = plan.policy.alpha / len(plan.environments)
    return Tests(
        p_harm=p_lower(before, now, level=harm_level, seed=seed),
        p_equivalent=p_within_margin(before, now, item.margin, level=plan.policy.beta, seed=seed),
        p_improved=p_upper(before, now, level=harm_level, seed=seed),
    )


def _identical(baseline: Sequence[Run], candidate: Sequence[Run]) -> bool:
    """Stage 0: bit-equal curves wherever both sides trained a seed on the same kind of machine, two seeds at least."""
    before = {run.seed: run for run in baseline}
    pairs = [(before[run.seed], run) for run in candidate if run.seed in before]
    alike = [(old, new) for old, new in pairs if old.fingerprint and old.fingerprint == new.fingerprint]
    equal = all(old.curve_sha256 == new.curve_sha256 for old, new in alike)
    return equal and len(alike) >= IDENTICAL_SEEDS


def _suite(environments: Sequence[EnvironmentComparison], plan: Plan) -> SuiteComparison | None:
    counted = [item for item in environments if item.plan.informative and item.tests is not None]
    if not counted:
        return None
    change = suite_change(
        [item.scores_baseline for item in counted],
        [item.scores_candidate for item in counted],
        [item.plan.scale for item in counted],
    )
    p_equivalent = p_suite_within_margin(change, plan.suite_margin)
    return SuiteComparison(change, plan.suite_margin, p_equivalent, len(counted))
