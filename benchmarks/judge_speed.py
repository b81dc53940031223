"""`make judge-speed`: how long the judge takes, on one core: medians of 9 rounds, in milliseconds.

"tests": everything that is computed from the columns of both sides, all looks (`judge.follow`). "verdict": from the
curves to the decision with its findings and intervals (`judge.deliberate`), what a look of a gate waits for.
"""

import os
import statistics
import time
from collections.abc import Callable

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
from calibration.populations import LOSS_50, NONE, QUIET, Effect  # noqa: E402

from rlops.curves import Freezing, LearningCurve, Run, RunSet  # noqa: E402
from rlops.judge import deliberate, follow  # noqa: E402
from rlops.judge.compare import bring_together  # noqa: E402
from rlops.plan import Margins, Metric, Plan, Policy  # noqa: E402
from rlops.run_sets import Terms, make_plan  # noqa: E402

ROUNDS = 9
BUDGET = 1_000_000
STORED, CANDIDATE = range(1, 21), range(101, 106)


def run_set(environments: int, seeds: range, effect: Effect, rng: np.random.Generator) -> RunSet:
    steps = np.arange(1, 101) * (BUDGET // 100)
    runs = []
    for place in range(environments):
        kind = QUIET.types[place % len(QUIET.types)]
        for seed, values in zip(seeds, kind.draw(rng, len(seeds), effect), strict=True):
            curve = LearningCurve.from_points(steps, values)
            runs.append(Run(f"env-{place}", seed, curve, curve.sha256()))
    return RunSet("simulated", tuple(runs))


def case(environments: int, effect: Effect) -> tuple[RunSet, RunSet, Plan]:
    rng = np.random.default_rng(1)
    before = run_set(environments, STORED, NONE, rng)
    now = run_set(environments, CANDIDATE, effect, rng)
    env_ids = before.env_ids
    freezing = Freezing(Metric(), Margins(), dict.fromkeys(env_ids, BUDGET), dict.fromkeys(env_ids, 0.0))
    plan = make_plan(freezing.freeze("simulated", before), Terms(policy=Policy(looks=(3, 5))), tuple(CANDIDATE))
    return before, now, plan


def milliseconds(do: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        do()
        taken.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(taken)


def row(environments: int, effect: Effect) -> str:
    before, now, plan = case(environments, effect)
    reading = milliseconds(lambda: bring_together(before, now, plan))
    both = milliseconds(lambda: follow(plan, [side.samples for side in bring_together(before, now, plan)]))
    whole = milliseconds(lambda: deliberate(before, now, plan))
    word = deliberate(before, now, plan).decision.word
    return f"{environments:14} {effect.name:>8} {word:>14} {both - reading:8.1f} {whole:8.1f}"


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"{'environments':>14} {'change':>8} {'word':>14} {'tests':>8} {'verdict':>8}")
    for environments, effect in ((1, NONE), (10, NONE), (60, NONE), (10, LOSS_50)):
        print(row(environments, effect), flush=True)


if __name__ == "__main__":
    main()
