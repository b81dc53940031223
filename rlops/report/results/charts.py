"""The figures of published results as values: what is drawn, by whatever draws it. Axes are chosen here once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rlops.judge.record import CurveResults, EstimateBand
from rlops.judge.results_record import EnvironmentResults, Estimate, Results
from rlops.report import text
from rlops.report.geometry import ticks
from rlops.report.pictures import padded
from rlops.report.results.view import AGGREGATE_NOTES, name

LONGEST_TITLE = 44
LONGEST_NOTE = 56
LONGEST_ROW_LABEL = 20
ROOM_FOR_BANDS = 0.5
"""Bands of few runs are cut off where they would squeeze the curves: so many spans of these beyond (arbitrary)."""
NO_DIFFERENCE = {"P(better)": 0.5, "optimality gap": 0.0}
"""Where the line of reference stands; elsewhere at 1, the mean of the first run set."""

Unit = Literal["steps", "percent", "number"]
Ends = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """A round number on an axis, and what it is called."""

    value: float
    label: str


@dataclass(frozen=True)
class Line:
    """One run set's curve with its band; `number`: its place among the run sets."""

    number: int
    x: tuple[float, ...]
    band: EstimateBand


@dataclass(frozen=True)
class LinePanel:
    """Curves over one axis; what lies beyond `y_ends` is cut off. `description`: the same in words."""

    title: str
    x_label: str
    y_label: str
    x_ends: Ends
    y_ends: Ends
    x_marks: tuple[Mark, ...]
    y_marks: tuple[Mark, ...]
    lines: tuple[Line, ...]
    description: str


@dataclass(frozen=True)
class DotPanel:
    """One number with its interval a run set, one below the other; None where a run set has none."""

    title: str
    note: str
    ends: Ends
    marks: tuple[Mark, ...]
    reference: float
    labels: tuple[str, ...]
    dots: tuple[Estimate | None, ...]
    description: str


@dataclass(frozen=True)
class Chart:
    """A figure: panels of one kind, `columns` of them side by side where there is room. `labels`: of the run sets."""

    name: str
    labels: tuple[str, ...]
    panels: tuple[LinePanel | DotPanel, ...]
    columns: int


def charts(record: Results) -> tuple[Chart, ...]:
    """All figures of a record that have something to show."""
    labels = tuple(name(item.label) for item in record.run_sets)
    panels = tuple(panel for item in record.environments if (panel := curve_panel(record, item)))
    found = [
        Chart("curves", labels, panels, min(3, len(panels))),
        Chart("aggregates", labels, tuple(aggregate_panels(record)), 2),
        Chart("sample_efficiency", labels, _single(efficiency_panel(record)), 1),
        Chart("profile", labels, _single(profile_panel(record)), 1),
    ]
    return tuple(chart for chart in found if chart.panels)


def curve_panel(record: Results, item: EnvironmentResults) -> LinePanel | None:
    """The learning curves of one environment; None where there are none."""
    lines = _lines(item.steps, [scores.curve for scores in item.scores])
    if not lines:
        return None
    y_ends = _y_ends(lines)
    metric, step = (text.line(word, LONGEST_TITLE) for word in (record.metric, record.step))
    return LinePanel(
        title=text.line(item.env_id, LONGEST_TITLE) or "(no name)",
        x_label=step,
        y_label=metric,
        x_ends=(0.0, item.steps[-1]),
        y_ends=y_ends,
        x_marks=_marks((0.0, item.steps[-1]), "steps", most=4),
        y_marks=_marks(y_ends, "number"),
        lines=lines,
        description=_said(record, lines, f"{metric} over {text.steps(item.steps[-1])} steps"),
    )


def aggregate_panels(record: Results) -> Iterator[DotPanel]:
    """A panel for each number for all environments."""
    labels = tuple(name(item.label) for item in record.run_sets)
    for item in record.aggregates:
        reference = NO_DIFFERENCE.get(item.name, 1.0)
        values = [end for one in item.estimates if one for end in (one.value, *(one.interval or ()))]
        ends = padded(min(reference, *values), max(reference, *values))
        title = text.line(item.name, LONGEST_TITLE)
        note = text.cut(AGGREGATE_NOTES.get(item.name, "").format(first=labels[0]), LONGEST_NOTE)
        said = [
            f"{label} {text.estimate(one.value, one.interval)}"
            for label, one in zip(labels, item.estimates, strict=True)
            if one
        ]
        described = f"{title}: {'; '.join(said)}"
        rows = tuple(text.cut(label, LONGEST_ROW_LABEL) for label in labels)
        yield DotPanel(title, note, ends, _marks(ends, "number"), reference, rows, item.estimates, described)


def efficiency_panel(record: Results) -> LinePanel | None:
    """The IQM of all runs over the budget."""
    return _shares_panel(
        record, record.sample_efficiency, "Sample efficiency", "share of the budget", "IQM of all runs"
    )


def profile_panel(record: Results) -> LinePanel | None:
    """The share of runs above each share of the scale."""
    return _shares_panel(
        record, record.profile, "Performance profile", "score τ, as a share of the scale", "share of runs above τ"
    )


def _shares_panel(
    record: Results, found: CurveResults | None, title: str, x_label: str, y_label: str
) -> LinePanel | None:
    if found is None:
        return None
    lines = _lines(found.points, found.bands)
    x_ends = (min(0.0, found.points[0]), found.points[-1])
    is_budget = found is record.sample_efficiency
    y_ends = _y_ends(lines) if is_budget else (0.0, 1.0)
    return LinePanel(
        title=title,
        x_label=x_label,
        y_label=y_label,
        x_ends=x_ends,
        y_ends=y_ends,
        x_marks=_marks(x_ends, "percent" if is_budget else "number"),
        y_marks=_marks(y_ends, "number"),
        lines=lines,
        description=_said(record, lines, f"{y_label}, over {x_label}"),
    )


def _single(panel: LinePanel | None) -> tuple[LinePanel, ...]:
    return () if panel is None else (panel,)


def _lines(x: tuple[float, ...], bands: Sequence[EstimateBand | None]) -> tuple[Line, ...]:
    return tuple(Line(i, x, band) for i, band in enumerate(bands) if band is not None)


def _y_ends(lines: Iterable[Line]) -> Ends:
    """All estimates, and what there is room for of the bands."""
    values = [value for line in lines for value in line.band.estimate]
    low, high = min(values), max(values)
    room = ROOM_FOR_BANDS * (high - low)
    lowest = min(min(line.band.low) for line in lines)
    highest = max(max(line.band.high) for line in lines)
    return padded(max(lowest, low - room), min(highest, high + room))


def _marks(ends: Ends, unit: Unit, most: int = 5) -> tuple[Mark, ...]:
    called = {"steps": text.steps, "percent": _percent, "number": text.tick}[unit]
    return tuple(Mark(value, called(value)) for value in ticks(*ends, most=most))


def _percent(share: float) -> str:
    return f"{100 * share:.4g}{text.NO_BREAK}%"


def _said(record: Results, lines: Sequence[Line], what: str) -> str:
    parts = [
        f"{name(record.run_sets[line.number].label)}: from {text.score(line.band.estimate[0])} "
        f"to {text.score(line.band.estimate[-1])}"
        for line in lines
    ]
    return f"{what}. {'; '.join(parts)}."
