"""A folder of baselines and verdicts whose truth is known: ten changes, each of which loses four per cent."""

import functools
import hashlib
import os
from dataclasses import replace
from datetime import date
from pathlib import Path

from rlops.curves import Baseline, Freezing, RunSet, write_baseline
from rlops.judge import Occasion, Verdict, judge
from rlops.plan import Margins, Metric, Plan, Policy
from tests.curve_sets import BUDGET, run_set

CHANGES = 10
SHRINKS, STAYS = "ALE/Breakout-v5", "CartPole-v1"


def commit(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:40]


def levels(number: int, loss: float = 0.04) -> dict[str, float]:
    """After so many changes."""
    return {SHRINKS: 100 * (1 - loss) ** number, STAYS: 200.0}


def of_version(number: int, seeds: range, reference: str, loss: float = 0.04) -> RunSet:
    runs = run_set(levels(number, loss), seeds, spread=1.0, draw=1000 * number + seeds.start)
    return replace(runs, reference=reference, provenance={"git_commit": commit(number), "git_dirty": False})


def frozen(name: str, runs: RunSet, benchmark: str | None = "quick") -> Baseline:
    budgets = dict.fromkeys(runs.env_ids, BUDGET)
    return Freezing(Metric(), Margins(), budgets, dict.fromkeys(budgets, 0.0), benchmark=benchmark).freeze(name, runs)


def stored(number: int, loss: float = 0.04) -> RunSet:
    return of_version(number, range(1, 13), f"baseline:v{number}", loss)


@functools.cache
def verdict(number: int, loss: float = 0.04) -> Verdict:
    """On change number 1, 2, ..., against the version before it."""
    before = stored(number - 1, loss)
    frozen_before = frozen(f"v{number - 1}", before)
    plan = Plan("quick", Metric(), Policy(), frozen_before.yardsticks(), frozen_before.suite_margin)
    candidate = of_version(number, range(101, 109), f"git:change-{number}", loss)
    return judge(before, candidate, plan, Occasion("rlops gate quick", f"2020-03-{number:02d}T12:00:00+00:00"))


def write_verdict(verdict: Verdict, folder: Path) -> Path:
    path = folder / verdict.identity()[:12] / "verdict.json"
    path.parent.mkdir(parents=True)
    path.write_text(verdict.to_json())
    return path


def accepting() -> Baseline:
    """The newest baseline; the loss of the fifth change was accepted for a few days, which are long past."""
    newest, fifth = frozen("quick", stored(CHANGES)), frozen("git:change-5", stored(5))
    return newest.accept(fifth, [SHRINKS], "half the <memory>", "Ada", date(2020, 3, 5), date(2020, 3, 8))


def fill(folder: Path, changes: int = CHANGES) -> Path:
    """Baselines `release` (before all changes) and `quick` (after them) and the verdicts; `folder`."""
    baselines = (frozen("release", stored(0)), accepting())
    for age, baseline in enumerate(baselines):
        path = write_baseline(baseline, folder / "baselines")
        os.utime(path, (1_600_000_000 + age,) * 2)
    for number in range(1, changes + 1):
        write_verdict(verdict(number), folder / ".rlops" / "verdicts")
    return folder
