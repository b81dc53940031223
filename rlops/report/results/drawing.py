"""Charts as positions and path data, in units of an SVG drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

from rlops.judge.results_record import Estimate
from rlops.report.geometry import Scale, area, path
from rlops.report.pictures import Tick, points_of
from rlops.report.results.charts import Chart, DotPanel, Line, LinePanel, Mark
from rlops.report.results.palette import dash, hue

WIDTH, LINE_HEIGHT = 360, 236
LEFT, RIGHT, TOP, BOTTOM = 50, 22, 46, 40
ROW, DOTS_TOP, DOTS_BOTTOM, DOTS_LEFT = 20, 40, 24, 144
LETTER = 7.2
"""How wide a letter of a legend is, on average (arbitrary: the fonts of viewers differ)."""
SWATCH = 34
EDGE = 8.0
GAP = 18


@dataclass(frozen=True)
class LineDrawing:
    """One run set's curve and band as SVG path data, with its colour and dashes."""

    hue: int
    dash: int
    mean: str
    band: str


@dataclass(frozen=True)
class DotDrawing:
    """One run set's number: its row, the dot and its interval; no dot where it has no number."""

    hue: int
    label: str
    y: float
    dot: float | None
    line: tuple[float, float] | None


@dataclass(frozen=True)
class PanelDrawing:
    """A panel; either `lines` or `dots`. `reference`: where the line of no difference stands."""

    width: int
    height: int
    title: str
    note: str
    x_label: str
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[LineDrawing, ...]
    dots: tuple[DotDrawing, ...]
    reference: float | None
    description: str


@dataclass(frozen=True)
class Placed:
    """Something at its place on a sheet."""

    x: float
    y: float
    panel: PanelDrawing


@dataclass(frozen=True)
class LegendEntry:
    """A run set in the legend of a sheet."""

    x: float
    y: float
    hue: int
    dash: int
    label: str


@dataclass(frozen=True)
class Sheet:
    """A whole figure as one drawing."""

    width: int
    height: int
    title: str
    panels: tuple[Placed, ...]
    legend: tuple[LegendEntry, ...]


def draw_panel(panel: LinePanel | DotPanel) -> PanelDrawing:
    """The panel in units."""
    return _draw_lines(panel) if isinstance(panel, LinePanel) else _draw_dots(panel)


def draw_sheet(chart: Chart, title: str) -> Sheet:
    """The panels of a chart in rows, below its legend."""
    panels = [draw_panel(panel) for panel in chart.panels]
    columns = min(chart.columns, len(panels))
    width = max(WIDTH, columns * WIDTH)
    legend, top = _legend(chart.labels, width)
    height = panels[0].height
    placed = tuple(
        Placed(WIDTH * (i % columns), top + height * (i // columns), panel) for i, panel in enumerate(panels)
    )
    rows = -(-len(panels) // columns)
    return Sheet(width, round(top + rows * height), title, placed, legend)


def _draw_lines(panel: LinePanel) -> PanelDrawing:
    right, bottom = WIDTH - RIGHT, LINE_HEIGHT - BOTTOM
    x, y = Scale(*panel.x_ends, LEFT, right), Scale(*panel.y_ends, bottom, TOP)
    return PanelDrawing(
        width=WIDTH,
        height=LINE_HEIGHT,
        title=panel.title,
        note=panel.y_label,
        x_label=panel.x_label,
        left=LEFT,
        right=right,
        top=TOP,
        bottom=bottom,
        x_ticks=_ticks(panel.x_marks, x),
        y_ticks=_ticks(panel.y_marks, y),
        lines=tuple(_draw_line(line, x, y) for line in panel.lines),
        dots=(),
        reference=None,
        description=panel.description,
    )


def _draw_line(line: Line, x: Scale, y: Scale) -> LineDrawing:
    band = line.band
    upper, lower = (points_of(line.x, values, x, y) for values in (band.high, band.low))
    return LineDrawing(
        hue=hue(line.number),
        dash=dash(line.number),
        mean=path(points_of(line.x, band.estimate, x, y)),
        band=area(upper, lower) if band.high != band.low else "",
    )


def _draw_dots(panel: DotPanel) -> PanelDrawing:
    height = DOTS_TOP + ROW * len(panel.dots) + DOTS_BOTTOM
    right, bottom = WIDTH - RIGHT, height - DOTS_BOTTOM
    x = Scale(*panel.ends, DOTS_LEFT, right)
    return PanelDrawing(
        width=WIDTH,
        height=height,
        title=panel.title,
        note=panel.note,
        x_label="",
        left=DOTS_LEFT,
        right=right,
        top=DOTS_TOP,
        bottom=bottom,
        x_ticks=_ticks(panel.marks, x),
        y_ticks=(),
        lines=(),
        dots=tuple(
            _draw_dot(number, label, one, x)
            for number, (label, one) in enumerate(zip(panel.labels, panel.dots, strict=True))
        ),
        reference=round(x.at(panel.reference), 1),
        description=panel.description,
    )


def _draw_dot(number: int, label: str, one: Estimate | None, x: Scale) -> DotDrawing:
    ends = one.interval if one else None
    return DotDrawing(
        hue=hue(number),
        label=label,
        y=DOTS_TOP + ROW * (number + 0.5),
        dot=round(x.at(one.value), 1) if one else None,
        line=(round(x.at(ends[0]), 1), round(x.at(ends[1]), 1)) if ends else None,
    )


def _ticks(marks: Sequence[Mark], scale: Scale) -> tuple[Tick, ...]:
    return tuple(Tick(round(scale.at(mark.value), 1), mark.label) for mark in marks)


def _legend(labels: Sequence[str], width: int) -> tuple[tuple[LegendEntry, ...], float]:
    """The entries in rows as wide as the sheet, and where the panels begin."""
    x, y, entries = EDGE, 16.0, []
    for number, label in enumerate(labels):
        needed = SWATCH + LETTER * len(label)
        if x > EDGE and x + needed > width:
            x, y = EDGE, y + ROW
        entries.append(LegendEntry(round(x, 1), y, hue(number), dash(number), label))
        x += needed + GAP
    return tuple(entries), y + 14
