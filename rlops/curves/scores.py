"""From a curve to numbers. Everything is computed from the curve on its grid of 100 points, higher is better."""

import numpy as np
from numpy.typing import NDArray

from rlops.curves.learning_curve import GRID_POINTS, LearningCurve, grid_steps

LAST_POINTS = 10
BIN_POINTS = 5
COLUMNS = (
    "final",
    "auc",
    *(f"{first}-{first + BIN_POINTS} % of the budget" for first in range(0, GRID_POINTS, BIN_POINTS)),
)
STATISTICS = (slice(0, 1), slice(1, 2), slice(2, len(COLUMNS)))
"""The three statistics of the harm test, as columns: the end, the area under the curve, the worst stretch."""


def oriented_grid(curve: LearningCurve, budget: int, *, higher_is_better: bool) -> NDArray[np.float64]:
    """The curve on the grid, (GRID_POINTS,), multiplied by -1 where lower is better."""
    values = curve.on_grid(budget)
    return values if higher_is_better else -values


def final(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the last 10 of 100 grid points: (..., GRID_POINTS) -> (...)."""
    return np.asarray(grid[..., -LAST_POINTS:].mean(axis=-1))


def auc(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of all grid points, the area under the curve over the budget: (..., GRID_POINTS) -> (...)."""
    return np.asarray(grid.mean(axis=-1))


def steps_to(grid: NDArray[np.float64], threshold: float, budget: int) -> float | None:
    """The first grid step at which the mean of 5 points of one run, (GRID_POINTS,), reaches the threshold, or None."""
    means = np.convolve(grid, np.full(BIN_POINTS, 1 / BIN_POINTS), mode="valid")
    reached = np.flatnonzero(means >= threshold)
    return float(grid_steps(budget)[reached[0] + BIN_POINTS - 1]) if reached.size else None


def bins(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of 20 bins of 5 points: (..., GRID_POINTS) -> (..., 20)."""
    return np.asarray(grid.reshape(*grid.shape[:-1], GRID_POINTS // BIN_POINTS, BIN_POINTS).mean(axis=-1))


def columns(grids: NDArray[np.float64]) -> NDArray[np.float64]:
    """All numbers that a test looks at, in the order of COLUMNS: (..., GRID_POINTS) -> (..., 22)."""
    return np.concatenate([final(grids)[..., None], auc(grids)[..., None], bins(grids)], axis=-1)


def reaches_end(curve: LearningCurve, budget: int) -> bool:
    """Is there a value in the last 10 % of the budget? A shorter curve is a finding, never stretched."""
    return curve.last_step > budget * (1 - LAST_POINTS / GRID_POINTS)
