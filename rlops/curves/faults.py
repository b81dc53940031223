"""Which runs can be scored, and why the others cannot. A run with a fault is named, never averaged away."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rlops.curves.learning_curve import Run
from rlops.curves.scores import reaches_end

COPY_TOLERANCE = 1e-12
"""Share of a curve's largest value by which a copy may differ (arbitrary: float64 has 16 digits)."""
TELLING_VALUES = 4
"""Curves of fewer different values may agree by coincidence (arbitrary; solved tasks of tdmpc2 have three)."""


@dataclass(frozen=True)
class Fault:
    """Why a run has no score. `kind` is the word a finding uses, `detail` a sentence about this run."""

    kind: str
    detail: str


def fault_of(run: Run, budget: int) -> Fault | None:
    """The first fault of a run at this budget, None for a sound one."""
    if run.state != "finished":
        return Fault(f"{run.state}-run", run.fault or f"the run is {run.state}, not finished")
    if run.fault:
        return Fault("incomplete-run", run.fault)
    if not run.curve.steps.size:
        return Fault("empty-curve", "the metric was never logged together with the step counter")
    odd = ~np.isfinite(run.curve.values)
    if odd.any():
        return Fault(
            "nan", f"the metric is not a finite number at {odd.sum():,} steps, first at {run.curve.steps[odd][0]:,}"
        )
    if not reaches_end(run.curve, budget):
        return Fault("truncated", f"the curve ends at step {run.curve.last_step:,} of {budget:,}")
    return None


def duplicates(runs: Iterable[Run]) -> dict[int, int]:
    """Seed -> the earlier seed whose curve it repeats. Curves of a few values (never, then always solved) are alike
    without being copies.

    The last bits may differ: what was stored as a mean of the same numbers in another order is the same run.
    """
    originals: list[Run] = []
    copies = {}
    for run in runs:
        numbers = run.curve.values[~np.isnan(run.curve.values)]
        if np.unique(numbers).size < TELLING_VALUES:
            continue
        off = COPY_TOLERANCE * float(np.abs(numbers).max())
        original = next((other for other in originals if other.seed != run.seed and _same(run, other, off)), None)
        if original is None:
            originals.append(run)
        else:
            copies[run.seed] = original.seed
    return copies


def _same(one: Run, other: Run, tolerance: float) -> bool:
    values, others = one.curve.values, other.curve.values
    if values.size != others.size:
        return False
    places = (values.size // 8, values.size // 2, -1)  # early: equal ends are many where a task is solved
    if any(abs(values[place] - others[place]) > tolerance for place in places):
        return False  # nearly every pair ends here
    if not np.array_equal(one.curve.steps, other.curve.steps):
        return False
    return bool(np.allclose(values, others, rtol=0.0, atol=tolerance, equal_nan=True))


def sound_runs(runs: Sequence[Run], budget: int) -> list[Run]:
    """The runs without a fault, of equal ones under different seeds only the first, of a repeated seed none."""
    seeds = [run.seed for run in runs]
    sound = [run for run in runs if fault_of(run, budget) is None and seeds.count(run.seed) == 1]
    copies = duplicates(sound)
    return [run for run in sound if run.seed not in copies]
