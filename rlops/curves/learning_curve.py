"""One training's learning curve, the run it belongs to, and the set of runs of one variant."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

GRID_POINTS = 100
"""Every curve is judged and stored at this many steps of [0, budget] (arbitrary, frozen in the baselines)."""

State = Literal["finished", "failed", "crashed", "running"]


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """A metric against steps: `steps` (n,) int64, not decreasing; `values` (n,) float64, NaN where NaN was logged."""

    steps: NDArray[np.int64]
    values: NDArray[np.float64]

    @classmethod
    def from_points(cls, steps: object, values: object) -> "LearningCurve":
        """Sorted by step; of points with the same step the later one stands last."""
        step_array, value_array = np.asarray(steps, dtype=np.int64), np.asarray(values, dtype=np.float64)
        order = np.argsort(step_array, kind="stable")
        return cls(step_array[order], value_array[order])

    def from_first_number(self) -> "LearningCurve":
        """The curve without the NaN before its first number: averages over episodes are NaN until the first has ended.

        A curve of NaN alone stays as it is.
        """
        numbers = np.flatnonzero(~np.isnan(self.values))
        first = int(numbers[0]) if numbers.size else 0
        return LearningCurve(self.steps[first:], self.values[first:])

    @property
    def last_step(self) -> int:
        """The last step with a value; 0 for an empty curve."""
        return int(self.steps[-1]) if self.steps.size else 0

    @property
    def repeated_steps(self) -> int:
        """How many points share their step with an earlier one."""
        return int(self.steps.size - np.unique(self.steps).size)

    def sha256(self) -> str:
        """Hash of all points: equal hashes mean bit-equal curves."""
        return hashlib.sha256(self.steps.tobytes() + self.values.tobytes()).hexdigest()

    def on_grid(self, budget: int) -> NDArray[np.float64]:
        """The values at GRID_POINTS equal steps up to `budget`, (GRID_POINTS,): the last value at or before each.

        Before the first point the first value stands. The caller checks that the curve reaches the end: this function
        would carry the last value on for ever. Raises ValueError for an empty curve.
        """
        if not self.steps.size:
            raise ValueError("an empty curve has no values on any grid")
        latest = np.searchsorted(self.steps, grid_steps(budget), side="right") - 1
        return self.values[np.maximum(latest, 0)]


def grid_steps(budget: int) -> NDArray[np.float64]:
    """The steps of the grid, (GRID_POINTS,): budget/100, 2 budget/100, ..., budget."""
    return budget * np.arange(1, GRID_POINTS + 1) / GRID_POINTS


@dataclass(frozen=True, eq=False)
class Run:
    """One training done.

    `curve_sha256` is of the full curve, also where only its grid points are at hand. `fault` says in words why the run
    is not what it should be, where the state alone does not. `started_at`: ISO 8601. `process`: what trained it, the
    same for runs that one process trained at once; `minutes` is then the run's share.
    """

    env_id: str
    seed: int
    curve: LearningCurve
    curve_sha256: str
    state: State = "finished"
    fault: str | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    fingerprint: str | None = None
    source: str = ""
    url: str | None = None
    minutes: float | None = None
    started_at: str | None = None
    process: str | None = None
    command: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RunSet:
    """All runs of one variant. `reference` is how the user named it; `provenance` what is known of the code."""

    reference: str
    runs: tuple[Run, ...]
    provenance: Mapping[str, object] = field(default_factory=dict)

    @property
    def env_ids(self) -> tuple[str, ...]:
        """Environments in the order of their first run."""
        return tuple(dict.fromkeys(run.env_id for run in self.runs))

    def of(self, env_id: str) -> tuple[Run, ...]:
        """The runs of one environment, in the order of their seeds."""
        return tuple(sorted((run for run in self.runs if run.env_id == env_id), key=lambda run: run.seed))

    def select(self, env_ids: frozenset[str] | None, seeds: frozenset[int] | None) -> "RunSet":
        """The runs of these environments and seeds (None: all)."""
        keep = (
            run
            for run in self.runs
            if (env_ids is None or run.env_id in env_ids) and (seeds is None or run.seed in seeds)
        )
        return replace(self, runs=tuple(keep))


def data_sha256(*run_sets: RunSet) -> str:
    """Hash of what a verdict stands on: environment, seed and curve of every run of each side, whatever their order."""
    sides = [sorted(f"{run.env_id}\0{run.seed}\0{run.curve_sha256}" for run in side.runs) for side in run_sets]
    return hashlib.sha256("\n\n".join("\n".join(rows) for rows in sides).encode()).hexdigest()
