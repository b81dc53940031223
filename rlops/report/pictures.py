"""The drawings of an environment as positions and path data: interval, sparkline, learning curves."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rlops.judge.record import CurveBand, Curves, Side
from rlops.report import text
from rlops.report.geometry import Scale, area, path, ticks

INTERVAL_WIDTH, INTERVAL_HEIGHT = 240, 24
SPARK_WIDTH, SPARK_HEIGHT = 384, 96
PLOT_WIDTH, PLOT_HEIGHT = 540, 330
PLOT_LEFT, PLOT_RIGHT, PLOT_TOP, PLOT_BOTTOM = 62, 22, 26, 44
SEED_TOLERANCE = 1.2
"""Units by which a thin line may miss its points: the twenty of a picture are most of a report's size (arbitrary)."""
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
    """The learning curves of an environment with axes; `x_label`: what the horizontal one counts."""

    x_label: str
    sides: tuple[SideDrawing, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    description: str


@dataclass(frozen=True)
class SparkDrawing:
    """Candidate minus baseline along the training, small: the mean, its interval, where zero is."""

    mean: str
    band: str
    zero: float


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


def draw_spark(curves: Curves) -> SparkDrawing | None:
    """The difference of the sides' means; None where one of them has too few runs."""
    difference = curves.difference
    if difference is None or not difference.estimate:
        return None
    reach = max(map(abs, (*difference.estimate, *_typical(difference.low), *_typical(difference.high)))) or 1.0
    places = range(len(difference.estimate))
    x = Scale(0, max(1, places[-1]), 4, SPARK_WIDTH - 4)
    y = Scale(-reach, reach, SPARK_HEIGHT - 6, 6)
    lines = (difference.estimate, difference.low, difference.high)
    mean, low, high = (points_of(places, values, x, y) for values in lines)
    return SparkDrawing(mean=path(mean), band=area(high, low), zero=y.at(0.0))


def _typical(ends: Sequence[float]) -> list[float]:
    """Without the widest tenth, which would squeeze the rest."""
    return sorted(ends, key=abs)[: max(1, len(ends) * 9 // 10)]


def draw_curves(curves: Curves, metric: str, step: str) -> CurveDrawing | None:
    """The learning curves over steps with axes; None where neither side has one."""
    bands = _bands(curves)
    along = {side: curves.steps for side, _ in bands}
    return _drawing(bands, along, step, text.steps, metric)


def draw_over_time(curves: Curves, metric: str) -> CurveDrawing | None:
    """The same over minutes of training, each side at its own mean speed; None where the time of one is not known."""
    bands = _bands(curves)
    times = {side: band.minutes for side, band in bands if band.minutes}
    if len(times) < len(bands) or not curves.steps:
        return None
    end = curves.steps[-1]
    along = {side: [minutes * step / end for step in curves.steps] for side, minutes in times.items()}
    return _drawing(bands, along, "minutes of training", text.tick, metric)


def _drawing(
    bands: Sequence[tuple[Side, CurveBand]],
    along: Mapping[Side, Sequence[float]],
    x_label: str,
    say: Callable[[float], str],
    metric: str,
) -> CurveDrawing | None:
    values = list(_all_values(band for _, band in bands))
    places = [place for each in along.values() for place in each]
    if not values or not places:
        return None
    low, high = padded(min(values), max(values))
    x = Scale(min(places), max(places), PLOT_LEFT, PLOT_WIDTH - PLOT_RIGHT)
    y = Scale(low, high, PLOT_HEIGHT - PLOT_BOTTOM, PLOT_TOP)
    return CurveDrawing(
        x_label=x_label,
        sides=tuple(_draw_side(side, band, along[side], x, y) for side, band in bands),
        x_ticks=tuple(Tick(round(x.at(v), 1), say(v)) for v in ticks(x.low, x.high)),
        y_ticks=tuple(Tick(round(y.at(v), 1), text.tick(v)) for v in ticks(low, high)),
        description=_describe(bands, f"{say(x.high)} {x_label}", metric),
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
    """The ends of an axis: with a little room around the values."""
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
            SeedLine(f"seed {seed}", path(points_of(steps, values, x, y), SEED_TOLERANCE))
            for seed, values in sorted(band.seeds.items())
        ),
    )


def _describe(bands: Sequence[tuple[Side, CurveBand]], end: str, metric: str) -> str:
    said = []
    for side, band in bands:
        first, last = text.score(band.mean[0]), text.score(band.mean[-1])
        said.append(f"{side}: from {first} to {last}, {text.counted(len(band.seeds), 'seed')}")
    return f"{metric} up to {end}. Mean of the {'; '.join(said)}."
