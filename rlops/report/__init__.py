"""Saying so: one view model of the verdict, many renderers. Nothing here decides anything."""

from rlops.report.html import render_html
from rlops.report.terminal import render_terminal

__all__ = ["render_html", "render_terminal"]
