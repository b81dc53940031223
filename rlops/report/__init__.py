"""Saying so: one view model of the verdict, many renderers. Nothing here decides anything."""

from rlops.report.annotations import annotations
from rlops.report.html import render_html
from rlops.report.markdown import marker, render_markdown
from rlops.report.reading import something_to_say
from rlops.report.terminal import render_terminal

__all__ = ["annotations", "marker", "render_html", "render_markdown", "render_terminal", "something_to_say"]
