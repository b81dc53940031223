"""Run sets made by hand, for tests: noisy plateaus whose truth is known."""

from dataclasses import replace

import numpy as np

from rlops.curves import Freezing, LearningCurve, Run, RunSet
from rlops.judge import Occasion, judge
from rlops.plan import Margins, Metric, Plan, Policy

BUDGET = 100_000
OCCASION = Occasion("rlops compare a b", "2026-01-01T00:00:00+00:00")


def curve(level: float, *, until: int = BUDGET, points: int = 200, noise: float = 0.0, seed: int = 0) -> LearningCurve:
    """From 0 up to `level` within a third of the budget, then flat."""
    steps = np.linspace(BUDGET / points, BUDGET, points).astype(np.int64)
    rng = np.random.default_rng(seed)
    values = level * np.minimum(1.0, steps / (BUDGET / 3)) + noise * rng.normal(size=points)
    return LearningCurve.from_points(steps[steps <= until], values[steps <= until])


def run(env_id: str, seed: int, level: float, **kwargs: object) -> Run:
    made = kwargs.pop("curve", None) or curve(level, seed=seed, noise=0.5)
    return Run(env_id, seed, made, made.sha256(), **kwargs)


def run_set(levels: dict[str, float], seeds: range, *, spread: float = 5.0, draw: int = 0, **kwargs: object) -> RunSet:
    """Runs whose final scores are normal around an environment's level; `draw` chooses the draw."""
    runs = [
        run(env_id, seed, level + spread * np.random.default_rng([draw, i, seed]).normal(), **kwargs)
        for i, (env_id, level) in enumerate(levels.items())
        for seed in seeds
    ]
    return RunSet("made by hand", tuple(runs))


def swap(runs: RunSet, env_id: str, seed: int, **changes: object) -> RunSet:
    """The set with one run changed."""
    if "curve" in changes:
        changes["curve_sha256"] = changes["curve"].sha256()
    found = [replace(r, **changes) if (r.env_id, r.seed) == (env_id, seed) else r for r in runs.runs]
    return replace(runs, runs=tuple(found))


def plan_for(baseline: RunSet, policy: Policy | None = None, seeds: tuple[int, ...] | None = None) -> Plan:
    """The plan with the default margins, random-policy score 0 everywhere."""
    budgets = dict.fromkeys(baseline.env_ids, BUDGET)
    frozen = Freezing(Metric(), Margins(), budgets, dict.fromkeys(budgets, 0.0)).freeze("b", baseline)
    return Plan("made", Metric(), policy or Policy(), frozen.yardsticks(), frozen.suite_margin, seeds)


def verdict_on(baseline: RunSet, candidate: RunSet, *, policy: Policy | None = None, seeds=None, beforehand=()):
    """The verdict under `plan_for` the baseline."""
    return judge(baseline, candidate, plan_for(baseline, policy, seeds), OCCASION, tuple(beforehand))
