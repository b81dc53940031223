"""Drawings of scores instead of curves: every seed of an environment, and performance profiles."""

from collections.abc import Sequence
from dataclasses import dataclass

from rlops.judge.record import CurveResults, EstimateBand, RunRow, Side
from rlops.report import text
from rlops.report.geometry import Scale, area, path, ticks
from rlops.report.pictures import PLOT_BOTTOM, PLOT_HEIGHT, PLOT_LEFT, PLOT_RIGHT, PLOT_TOP, PLOT_WIDTH, SIDES, Tick

STRIP_WIDTH, STRIP_ROW, STRIP_BOTTOM = 540, 26, 22
STRIP_LEFT, STRIP_RIGHT = 80, 14


@dataclass(frozen=True)
class StripRow:
    """The seeds of one side: (position, what it says) of each, and where their mean is."""

    side: Side
    y: int
    dots: tuple[tuple[float, str], ...]
    mean: float


@dataclass(frozen=True)
class StripDrawing:
    """`final` of every run that counts, on one axis."""

    height: int
    rows: tuple[StripRow, ...]
    ticks: tuple[Tick, ...]
    description: str


@dataclass(frozen=True)
class ProfileDrawing:
    """Performance profiles with axes: (side, path of the share, path of its interval)."""

    sides: tuple[tuple[Side, str, str], ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    description: str


def draw_strip(runs: Sequence[RunRow], metric: str) -> StripDrawing | None:
    """One row a side; None where no run has a score."""
    by_side = {side: [run for run in runs if run.side == side and run.final is not None] for side in SIDES}
    shown = {side: found for side, found in by_side.items() if found}
    values = [run.final for found in shown.values() for run in found if run.final is not None]
    if not values:
        return None
    low, high = min(values), max(values)
    x = Scale(low, high, STRIP_LEFT + 8, STRIP_WIDTH - STRIP_RIGHT)
    rows = tuple(
        _row(side, found, STRIP_ROW * number + STRIP_ROW // 2, x) for number, (side, found) in enumerate(shown.items())
    )
    said = "; ".join(f"{row.side}: {text.counted(len(row.dots), 'seed')}" for row in rows)
    return StripDrawing(
        height=STRIP_ROW * len(rows) + STRIP_BOTTOM,
        rows=rows,
        ticks=tuple(Tick(round(x.at(value), 1), text.tick(value)) for value in ticks(low, high)),
        description=f"{metric} at the end of every run, from {text.score(low)} to {text.score(high)}; {said}.",
    )


def _row(side: Side, runs: Sequence[RunRow], y: int, x: Scale) -> StripRow:
    finals = [(run.seed, run.final) for run in runs if run.final is not None]
    dots = tuple((round(x.at(final), 1), f"seed {seed}: {text.score(final)}") for seed, final in finals)
    return StripRow(side, y, dots, round(sum(place for place, _ in dots) / len(dots), 1))


def draw_profile(profile: CurveResults | None) -> ProfileDrawing | None:
    """Share of runs above each threshold, both sides."""
    if profile is None:
        return None
    x = Scale(profile.points[0], profile.points[-1], PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT)
    y = Scale(0.0, 1.0, PLOT_HEIGHT - PLOT_BOTTOM, PLOT_TOP)
    both = dict(zip(SIDES, profile.bands, strict=True))
    return ProfileDrawing(
        sides=tuple((side, *_lines(profile.points, band, x, y)) for side, band in both.items()),
        x_ticks=tuple(Tick(round(x.at(v), 1), text.tick(v)) for v in ticks(x.low, x.high)),
        y_ticks=tuple(Tick(round(y.at(v), 1), text.percent(v, signed=False)) for v in (0.0, 0.5, 1.0)),
        description="The share of runs that score above each share of the scale. "
        + " ".join(
            f"{side}: {text.percent(_above(profile, band, 1.0), signed=False)} above 1." for side, band in both.items()
        ),
    )


def _lines(thresholds: Sequence[float], band: EstimateBand, x: Scale, y: Scale) -> tuple[str, str]:
    share, low, high = (
        [(x.at(tau), y.inside(value)) for tau, value in zip(thresholds, values, strict=True)]
        for values in (band.estimate, band.low, band.high)
    )
    return path(share), area(high, low)


def _above(profile: CurveResults, band: EstimateBand, threshold: float) -> float:
    """The share at the drawn threshold that is nearest."""
    nearest = min(range(len(profile.points)), key=lambda i: abs(profile.points[i] - threshold))
    return band.estimate[nearest]
