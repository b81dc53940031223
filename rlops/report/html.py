"""The HTML report: one file, no network, no JavaScript."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rlops.judge.record import EnvironmentVerdict, Verdict
from rlops.report import pictures, scores, text
from rlops.report.environment import EnvironmentView
from rlops.report.view import ReportView, build_view

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"

EXTRACT = (
    'python3 -c \'import re, sys; page = open(sys.argv[1], encoding="utf-8").read(); '
    """print(re.search("<script[^>]*id=.verdict.>(.*)</script>", page)[1])' report.html > verdict.json"""
)


@dataclass(frozen=True)
class Section:
    """One environment with its drawings."""

    view: EnvironmentView
    spark: pictures.SparkDrawing | None
    plot: pictures.CurveDrawing | None
    over_time: pictures.CurveDrawing | None
    strip: scores.StripDrawing | None


def render_html(verdict: Verdict) -> str:
    """The report as the text of one self-contained HTML file; the verdict is embedded as it is."""
    from markupsafe import Markup

    view = build_view(verdict)
    template = templates().get_template("report.html.j2")
    embedded = Markup(_embedded_json(verdict))  # noqa: S704  # no markup left: < > & are escaped
    sections = tuple(_sections(verdict, view))
    return template.render(
        view=view,
        sections=sections,
        profile=scores.draw_profile(verdict.profile),
        pictures=pictures,
        scores=scores,
        verdict_json=embedded,
        extract=EXTRACT,
    )


@functools.cache
def templates() -> "Environment":
    """Imported late: `rlops --help` needs no jinja2."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,  # select_autoescape would leave *.html.j2 unescaped
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _embedded_json(verdict: Verdict) -> str:
    """verdict.json on one line, fit for a script element: nothing in it can end the element or hide in it."""
    return text.json_escaped(verdict.model_dump_json(by_alias=True))


def _sections(verdict: Verdict, view: ReportView) -> Iterator[Section]:
    for record, shown in zip(verdict.environments, view.environments, strict=True):
        yield _section(record, shown, view)


def _section(record: EnvironmentVerdict, shown: EnvironmentView, view: ReportView) -> Section:
    curves = record.curves
    return Section(
        view=shown,
        spark=pictures.draw_spark(curves),
        plot=pictures.draw_curves(curves, view.metric, view.step),
        over_time=pictures.draw_over_time(curves, view.metric),
        strip=scores.draw_strip(record.runs, view.metric),
    )
