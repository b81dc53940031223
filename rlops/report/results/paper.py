"""The figures for a paper, by matplotlib: the same charts, as PNG or PDF. Imported only where it is installed."""

import io
from contextlib import AbstractContextManager
from typing import Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rlops.report.results.charts import Chart, DotPanel, LinePanel, Mark
from rlops.report.results.palette import DASHES, ON_LIGHT, dash, hue

WIDTH, LINE_HEIGHT, ROW_HEIGHT = 2.6, 2.0, 0.22
"""Of a panel and of a row of dots, in inches."""
DOTS_PER_INCH = 300


def draw(chart: Chart, title: str, file_format: str) -> bytes:
    """The chart as the content of a PNG or PDF file; the same chart gives the same bytes."""
    with _style():
        columns = min(chart.columns, len(chart.panels))
        rows = -(-len(chart.panels) // columns)
        height = max(map(_height, chart.panels))
        figure = Figure(figsize=(max(columns * WIDTH, 3.4), rows * height + 0.35), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for place, panel in zip(axes, chart.panels, strict=False):
            _draw(place, panel)
        for place in axes[len(chart.panels) :]:
            place.set_axis_off()
        _legend(figure, chart)
        content = io.BytesIO()
        metadata = {"Title": title, **({"CreationDate": None} if file_format == "pdf" else {})}
        figure.savefig(content, format=file_format, dpi=DOTS_PER_INCH, metadata=metadata)
        return content.getvalue()


def _style() -> AbstractContextManager[None]:
    return rc_context(
        {
            "font.size": 8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.6,
            "pdf.fonttype": 42,  # journals refuse fonts of type 3
            "text.parse_math": False,  # names are not mathematics
        }
    )


def _height(panel: LinePanel | DotPanel) -> float:
    return LINE_HEIGHT if isinstance(panel, LinePanel) else 0.7 + ROW_HEIGHT * len(panel.dots)


def _draw(axes: Axes, panel: LinePanel | DotPanel) -> None:
    axes.set_title(panel.title, loc="left", fontweight="bold", fontsize=8)
    axes.tick_params(width=0.6, labelsize=7)
    if isinstance(panel, LinePanel):
        _draw_lines(axes, panel)
    else:
        _draw_dots(axes, panel)


def _draw_lines(axes: Axes, panel: LinePanel) -> None:
    for line in panel.lines:
        color = ON_LIGHT[hue(line.number)]
        axes.fill_between(line.x, line.band.low, line.band.high, color=color, alpha=0.16, linewidth=0)
        axes.plot(line.x, line.band.estimate, color=color, linestyle=_strokes(line.number), linewidth=1.3)
    axes.set(xlim=panel.x_ends, ylim=panel.y_ends, xlabel=panel.x_label, ylabel=panel.y_label)
    axes.set_xticks(*_ticks(panel.x_marks))
    axes.set_yticks(*_ticks(panel.y_marks))
    axes.grid(axis="y", color="#e9ecf0", linewidth=0.6)


def _draw_dots(axes: Axes, panel: DotPanel) -> None:
    axes.axvline(panel.reference, color="#535c66", linewidth=0.6, linestyle=":")
    for number, one in enumerate(panel.dots):
        if one is None:
            continue
        color = ON_LIGHT[hue(number)]
        if one.interval:
            axes.plot(one.interval, (number, number), color=color, linewidth=1.5)
        axes.plot([one.value], [number], "o", color=color, markersize=4)
    axes.set(xlim=panel.ends, ylim=(len(panel.dots) - 0.5, -0.5))
    axes.set_xticks(*_ticks(panel.marks))
    axes.set_yticks(range(len(panel.labels)), panel.labels)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _ticks(marks: tuple[Mark, ...]) -> tuple[list[float], list[str]]:
    return [mark.value for mark in marks], [mark.label for mark in marks]


def _strokes(number: int) -> Literal["-"] | tuple[float, tuple[float, ...]]:
    strokes = DASHES[dash(number)]
    return (0.0, tuple(length / 2 for length in strokes)) if strokes else "-"


def _legend(figure: Figure, chart: Chart) -> None:
    """Above the panels. The names are set afterwards: matplotlib leaves those out that begin with an underscore."""
    lines = [
        Line2D([], [], color=ON_LIGHT[hue(i)], linestyle=_strokes(i), linewidth=1.5, label=f"run set {i}")
        for i in range(len(chart.labels))
    ]
    columns = max(1, min(len(lines), 3 * chart.columns))
    legend = figure.legend(handles=lines, loc="outside upper left", ncols=columns, frameon=False)
    for shown, label in zip(legend.get_texts(), chart.labels, strict=True):
        shown.set_text(label)
