"""The figures of published results as files: SVG drawn here, PNG and PDF by matplotlib."""

from collections.abc import Iterator
from pathlib import Path

from rlops.errors import UsageError
from rlops.files import write_whole
from rlops.judge.results_record import Results
from rlops.report.html import templates
from rlops.report.results import palette
from rlops.report.results.charts import Chart, charts
from rlops.report.results.drawing import draw_sheet
from rlops.report.results.view import build_view


def write_figures(record: Results, folder: Path, file_format: str) -> dict[str, Path]:
    """Name -> file of every figure that has something to show: curves, aggregates, sample_efficiency, profile.

    `file_format`: svg, png or pdf. Raises UsageError where PNG or PDF is wanted and matplotlib is missing.
    """
    title = build_view(record).heading
    written = {}
    for chart, content in _drawn(record, title, file_format):
        written[chart.name] = folder / f"{chart.name}.{file_format}"
        write_whole(written[chart.name], content)
    return written


def _drawn(record: Results, title: str, file_format: str) -> Iterator[tuple[Chart, bytes]]:
    if file_format == "svg":
        yield from ((chart, svg(chart, title).encode()) for chart in charts(record))
        return
    try:
        from rlops.report.results.paper import draw
    except ImportError:
        raise UsageError(
            f"figures as {file_format} need matplotlib: pip install 'rlops[figures]', or write them as svg"
        ) from None
    yield from ((chart, draw(chart, title, file_format)) for chart in charts(record))


def svg(chart: Chart, title: str) -> str:
    """The figure as one SVG file, for a white page."""
    return templates().get_template("results/sheet.svg.j2").render(sheet=draw_sheet(chart, title), palette=palette)
