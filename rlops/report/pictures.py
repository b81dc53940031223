"""The three drawings of a report as positions and path data: interval, sparkline, learning curves."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rlops.judge.record import CurveBand, Curves, Side
from rlops.report import text
from rlops.report.geometry import Scale, area, path, ticks

INTERVAL_WIDTH, INTERVAL_HEIGHT = 240, 24
SPARK_WIDTH, SPARK_HEIGHT = 384, 96
PLOT_WIDTH, PLOT_HEIGHT = 540, 330
PLOT_LEFT, PLOT_RIGHT, PLOT_TOP, PLOT_BOTTOM = 62, 22, 26, 44
SIDES: tuple[Side, Side] = ("baseline", "candidate")


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, in units, and what it says."""

    at: float
    label: str
    zero: bool = False


@dataclass(frozen=True)
class IntervalDrawing:
    """One change on the common axis; positions in units, None where there is nothing to draw."""

    band: tuple[float, float] | None
    line: tuple[float, float] | None
    dot: float | None
    beyond_left: bool
    beyond_right: bool
    label: str


@dataclass(frozen=True)
class SeedLine:
    """One seed's curve."""

    label: str
    path: str


@dataclass(frozen=True)
class SideDrawing:
    """One side's curves: the mean, its band and every seed, as SVG path data."""

    side: Side
    mean: str
    band: str
    seeds: tuple[SeedLine, ...]


@dataclass(frozen=True)
class CurveDrawing:
    """The learning curves of an environment with axes."""

    sides: tuple[SideDrawing, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    description: str


def axis_scale(low: float, high: float) -> Scale:
    """The common axis of changes in units of the interval drawing."""
    return Scale(low, high, 8, INTERVAL_WIDTH - 8)


def axis_ticks(scale: Scale) -> tuple[Tick, ...]:
    """Labelled marks on the axis of changes, zero among them."""
    found = ticks(scale.low, scale.high, most=4)
    return tuple(
        Tick(round(scale.at(v), 1), text.percent(v).replace(f".0{text.NO_BREAK}", text.NO_BREAK), abs(v) < 1e-12)
        for v in found
    )


def draw_interval(
    scale: Scale, change: float | None, interval: tuple[float, float] | None, margin: float | None
) -> IntervalDrawing:
    """Where the change, its interval and the shaded margin lie on the common axis."""
    low, high = interval or (change, change)
    line = None if low is None or high is None else (_unit(scale, low), _unit(scale, high))
    visible = change is not None and scale.low <= change <= scale.high
    label = f"change {text.change(change, interval)}"
    return IntervalDrawing(
        band=None if margin is None else (_unit(scale, -margin), _unit(scale, 0.0)),
        line=line,
        dot=_unit(scale, change) if change is not None and visible else None,
        beyond_left=low is not None and low < scale.low,
        beyond_right=high is not None and high > scale.high,
        label=f"{label}, margin {text.percent(margin, signed=False)}",
    )


def _unit(scale: Scale, value: float) -> float:
    return round(scale.inside(value), 1)


def draw_spark(curves: Curves) -> tuple[tuple[Side, str], ...]:
    """(side, path data) of the two mean curves, small."""
    bands = _bands(curves)
    values = [value for _, band in bands for value in band.mean]
    if not values or not curves.steps:
        return ()
    x = Scale(curves.steps[0], curves.steps[-1], 4, SPARK_WIDTH - 4)
    y = Scale(min(values), max(values), SPARK_HEIGHT - 10, 10)
    every = max(1, len(curves.steps) // 33)
    return tuple((side, path(points_of(curves.steps[::every], band.mean[::every], x, y))) for side, band in bands)


def draw_curves(curves: Curves, metric: str) -> CurveDrawing | None:
    """The learning curves with axes; None where neither side has one."""
    bands = _bands(curves)
    values = list(_all_values(band for _, band in bands))
    if not values or not curves.steps:
        return None
    low, high = padded(min(values), max(values))
    x = Scale(curves.steps[0], curves.steps[-1], PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT)
    y = Scale(low, high, PLOT_HEIGHT - PLOT_BOTTOM, PLOT_TOP)
    return CurveDrawing(
        sides=tuple(_draw_side(side, band, curves.steps, x, y) for side, band in bands),
        x_ticks=tuple(Tick(round(x.at(v), 1), text.steps(v)) for v in ticks(x.low, x.high)),
        y_ticks=tuple(Tick(round(y.at(v), 1), text.tick(v)) for v in ticks(low, high)),
        description=_describe(bands, curves.steps, metric),
    )


def _bands(curves: Curves) -> list[tuple[Side, CurveBand]]:
    both: dict[Side, CurveBand | None] = {"baseline": curves.baseline, "candidate": curves.candidate}
    return [(side, band) for side in SIDES if (band := both[side]) is not None and band.mean]


def _all_values(bands: Iterable[CurveBand]) -> Iterator[float]:
    """Everything that must fit; intervals of very few seeds are cut off, they would squeeze the curves."""
    for band in bands:
        yield from band.mean
        for values in band.seeds.values():
            yield from values


def padded(low: float, high: float) -> tuple[float, float]:
    """The range with some room at both ends."""
    room = (high / 2 - low / 2) * 0.08 or abs(low) * 0.1 or 1.0
    return max(low - room, -1.7e308), min(high + room, 1.7e308)


def points_of(steps: Sequence[float], values: Sequence[float], x: Scale, y: Scale) -> list[tuple[float, float]]:
    """The positions of the values of a curve that are numbers, at the edge where they lie beyond it."""
    return [(x.at(step), y.inside(value)) for step, value in zip(steps, values, strict=False) if math.isfinite(value)]


def _draw_side(side: Side, band: CurveBand, steps: Sequence[float], x: Scale, y: Scale) -> SideDrawing:
    return SideDrawing(
        side=side,
        mean=path(points_of(steps, band.mean, x, y)),
        band=area(points_of(steps, band.high, x, y), points_of(steps, band.low, x, y)),
        seeds=tuple(
            SeedLine(f"{side}, seed {seed}", path(points_of(steps, values, x, y)))
            for seed, values in sorted(band.seeds.items())
        ),
    )


def _describe(bands: Sequence[tuple[Side, CurveBand]], steps: Sequence[float], metric: str) -> str:
    said = []
    for side, band in bands:
        first, last = text.score(band.mean[0]), text.score(band.mean[-1])
        said.append(f"{side}: from {first} to {last}, {text.counted(len(band.seeds), 'seed')}")
    return f"{metric} over {text.steps(steps[-1])} steps. Mean of the {'; '.join(said)}."
