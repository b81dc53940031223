"""Saying so: one view model of the verdict, many renderers. Nothing here decides anything."""

from rlops.report.annotations import annotations
from rlops.report.badge import badge_json, badge_svg
from rlops.report.html import render_html
from rlops.report.junit import render_junit
from rlops.report.markdown import marker, render_markdown
from rlops.report.reading import something_to_say
from rlops.report.terminal import render_terminal

__all__ = [
    "annotations",
    "badge_json",
    "badge_svg",
    "marker",
    "render_html",
    "render_junit",
    "render_markdown",
    "render_terminal",
    "something_to_say",
]
