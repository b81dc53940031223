"""Results without a verdict, published: tables and figures of several run sets. Nothing here computes a number."""

from rlops.report.results.figures import write_figures
from rlops.report.results.html import render_results_html
from rlops.report.results.markdown import render_results_markdown
from rlops.report.results.terminal import render_results_terminal

__all__ = ["render_results_html", "render_results_markdown", "render_results_terminal", "write_figures"]
