"""Positions: values onto drawings. Drawings use whole units, because that makes small files."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

FARTHEST = 1.15
STEPS_OF_TEN = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """A linear map of [low, high] onto [start, end] units; works up to the largest floats."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The position of a value, in units; outside the range it lies outside."""
        size = max(abs(self.low), abs(self.high), abs(value)) or 1.0
        width = self.high / size - self.low / size
        share = (value / size - self.low / size) / width if width else 0.5
        return self.start + share * (self.end - self.start)

    def inside(self, value: float) -> float:
        """The position of a value, at the nearer end if it is outside."""
        return self.at(min(max(value, self.low), self.high))


def ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Round numbers within [low, high], at most about `most`; the two ends where there are no round ones."""
    width = high - low
    if not 0 < width < math.inf:
        return (low,) if low == high else (low, high)
    power = 10.0 ** math.floor(math.log10(width / most))
    step = next((m * power for m in STEPS_OF_TEN if width / most <= m * power * 1.0001), 0.0)
    if step <= width * 1e-9 or max(abs(low), abs(high)) / step > 1e9:
        return (low, high)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(number * step for number in range(first, last + 1)) or (low, high)


def path(points: Sequence[tuple[float, float]], tolerance: float = 0.5) -> str:
    """SVG path data of the line through the points in whole units; leaves out points that nobody would see missing.

    `tolerance`: by how many units the line may miss them.
    """
    if not points:
        return ""
    rounded = _thinned([(round(x), round(y)) for x, y in points], tolerance)
    parts = [f"M{rounded[0][0]} {rounded[0][1]}"]
    if len(rounded) == 1:
        return parts[0] + "h1"
    for command, ((x0, y0), (x1, y1)) in zip("l" + " " * len(rounded), itertools.pairwise(rounded), strict=False):
        dx, dy = x1 - x0, y1 - y0
        parts.append(f"{command}{dx}{'' if dy < 0 else ' '}{dy}")
    return "".join(parts)


def _thinned(points: Sequence[tuple[int, int]], tolerance: float) -> list[tuple[int, int]]:
    """The points without those that lie within the tolerance of the line that remains; x must increase, else all."""
    if any(later[0] <= earlier[0] for earlier, later in itertools.pairwise(points)):
        return list(points)
    kept, low, high = [points[0]], -math.inf, math.inf
    for before, (x, y) in itertools.pairwise(points):
        start_x, start_y = kept[-1]
        if not low <= (y - start_y) / (x - start_x) <= high:
            kept.append(before)
            (start_x, start_y), low, high = before, -math.inf, math.inf
        low = max(low, (y - tolerance - start_y) / (x - start_x))
        high = min(high, (y + tolerance - start_y) / (x - start_x))
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]


def area(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]]) -> str:
    """SVG path data of the closed area between two lines."""
    return path([*upper, *reversed(lower)]) + "z" if upper and lower else ""


def change_range(
    changes: Sequence[float], intervals: Sequence[tuple[float, float]], margins: Sequence[float]
) -> tuple[float, float]:
    """The common axis of all changes, in fractions of scale.

    Holds every change, nine tenths of the intervals and never more than a loss or gain of 100 %: one wild environment
    must not squeeze all others (both numbers arbitrary). What lies outside is drawn with an arrow.
    """
    margin = min(max(margins, default=0.1), 1.0)
    low = _outer([-low for low, _ in intervals], [-change for change in changes], 1.15 * margin)
    high = _outer([high for _, high in intervals], changes, 0.4 * margin)
    return -min(low, FARTHEST), min(high, FARTHEST)


def _outer(ends: Sequence[float], changes: Sequence[float], least: float) -> float:
    ordered = sorted(ends, reverse=True)
    kept = ordered[len(ordered) // 10] if ordered else 0.0
    return max(1.05 * kept, 1.1 * max(changes, default=0.0), least, 0.02)
