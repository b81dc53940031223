"""The drawings of the site as positions and path data: an environment's trend, a benchmark's sparkline."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from rlops.judge import Trend
from rlops.report import text
from rlops.report.geometry import Scale, area, path, ticks
from rlops.report.pictures import SPARK_HEIGHT, SPARK_WIDTH, Tick, padded
from rlops.report.site.content import Accepted

WIDTH, HEIGHT = 760, 260
LEFT, RIGHT, TOP, BOTTOM = 62, 22, 26, 40
MOST_DOTS = 100
"""More versions are a line: their dots would cover each other."""
MOST_DATES = 5
SHORT_COMMIT = 7


@dataclass(frozen=True)
class Dot:
    """One version; `label` says what it scored."""

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class TrendDrawing:
    """The scores of one environment, version by version; `cuts`: where the level changed."""

    mean: str
    band: str
    dots: tuple[Dot, ...]
    levels: tuple[str, ...]
    cuts: tuple[float, ...]
    accepted: tuple[str, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    description: str


def draw_spark(levels: Sequence[float]) -> str:
    """Path data of the levels, small; empty where there are fewer than two."""
    if len(levels) < 2:
        return ""
    x = Scale(0, len(levels) - 1, 4, SPARK_WIDTH - 4)
    y = Scale(min(levels), max(levels), SPARK_HEIGHT - 10, 10)
    return path([(x.at(place), y.at(level)) for place, level in enumerate(levels)])


def draw_trend(trend: Trend, accepted: Sequence[Accepted], metric: str) -> TrendDrawing:
    """The trend with axes; accepted regressions as steps of what is expected."""
    points = trend.points
    low, high = padded(min(_values(trend, accepted)), max(_values(trend, accepted)))
    x = Scale(-0.5, len(points) - 0.5, LEFT, WIDTH - RIGHT)
    y = Scale(low, high, HEIGHT - BOTTOM, TOP)
    dated = [day(point.created_at) for point in points]
    return TrendDrawing(
        mean=path([(x.at(i), y.at(point.mean)) for i, point in enumerate(points)]),
        band=_band(trend, x, y),
        dots=tuple(_dots(trend, x, y)) if len(points) <= MOST_DOTS else (),
        levels=tuple(_levels(trend, x, y)),
        cuts=tuple(round(x.at(change.place - 0.5), 1) for change in trend.changes),
        accepted=tuple(_step(item, dated, x, y) for item in accepted),
        x_ticks=tuple(_dates(dated, x)),
        y_ticks=tuple(Tick(round(y.at(value), 1), text.tick(value)) for value in ticks(low, high)),
        description=_describe(trend, metric),
    )


def day(moment: str) -> str:
    """The day of a moment, as it is written."""
    return text.line(moment)[:10]


def commit_range(trend: Trend, place: int) -> str:
    """The last version before a change and the first after it, as git writes a range where both are commits."""
    before, after = trend.points[place - 1], trend.points[place]
    if before.commit and after.commit:
        return f"{text.line(before.commit)[:SHORT_COMMIT]}..{text.line(after.commit)[:SHORT_COMMIT]}"
    return f"between {_name(trend, place - 1)} and {_name(trend, place)}"


def _name(trend: Trend, place: int) -> str:
    point = trend.points[place]
    return text.line(point.commit)[:SHORT_COMMIT] if point.commit else f"the verdict of {day(point.created_at)}"


def _values(trend: Trend, accepted: Sequence[Accepted]) -> list[float]:
    """Everything that must fit; of intervals only those of three runs or more, others are too wide to be seen."""
    values = [point.mean for point in trend.points]
    values += [end for point in trend.points if point.interval and point.n > 2 for end in point.interval]
    return values + [value for item in accepted for value in (item.before, item.after)]


def _band(trend: Trend, x: Scale, y: Scale) -> str:
    ends = [(i, *(point.interval or (point.mean, point.mean))) for i, point in enumerate(trend.points)]
    if len(ends) < 2:
        return ""
    return area([(x.at(i), y.inside(high)) for i, _, high in ends], [(x.at(i), y.inside(low)) for i, low, _ in ends])


def _dots(trend: Trend, x: Scale, y: Scale) -> Iterator[Dot]:
    for i, point in enumerate(trend.points):
        runs = text.counted(point.n, "run")
        ends = f" [{', '.join(map(text.score, point.interval))}]" if point.interval else ""
        when = day(point.created_at)
        who = f"{text.line(point.commit)[:SHORT_COMMIT]}, " if point.commit else ""
        yield Dot(round(x.at(i), 1), round(y.at(point.mean), 1), f"{who}{when}: {text.score(point.mean)}{ends}, {runs}")


def _levels(trend: Trend, x: Scale, y: Scale) -> Iterator[str]:
    """A line for every stretch, none where nothing changed."""
    bounds = [0, *(change.place for change in trend.changes), len(trend.points)]
    means = [change.before for change in trend.changes[:1]] + [change.after for change in trend.changes]
    for begin, end, mean in zip(bounds, bounds[1:], means, strict=False):
        yield path([(x.at(begin - 0.5), y.inside(mean)), (x.at(end - 0.5), y.inside(mean))])


def _step(item: Accepted, dated: Sequence[str], x: Scale, y: Scale) -> str:
    """What was expected before, from the first version on, and since the day of the acceptance, until it lapses."""
    begin, end = _before(item.accepted_on, dated), _before(item.until, dated, included=True)
    before, after = y.inside(item.before), y.inside(item.after)
    corners = [(-0.5, before), (begin - 0.5, before), (begin - 0.5, after), (max(begin, end) - 0.5, after)]
    return path([(x.at(place), height) for place, height in corners])


def _before(day: date, dated: Sequence[str], *, included: bool = False) -> int:
    """How many versions were judged before the day."""
    return sum(when < day.isoformat() or (included and when == day.isoformat()) for when in dated)


def _dates(dated: Sequence[str], x: Scale) -> Iterator[Tick]:
    every = max(1, -(-len(dated) // MOST_DATES))
    for place in range(0, len(dated), every):
        yield Tick(round(x.at(place), 1), dated[place])


def _describe(trend: Trend, metric: str) -> str:
    first, last = trend.points[0], trend.points[-1]
    versions = text.counted(len(trend.points), "version")
    changes = text.counted(len(trend.changes), "change point")
    scores = f"from {text.score(first.mean)} to {text.score(last.mean)}"
    return f"Mean {metric} of {versions}, {scores}; {changes}."
