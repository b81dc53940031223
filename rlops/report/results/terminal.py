"""Published results on a terminal: a table an environment, then the numbers for all of them."""

import io
from typing import TYPE_CHECKING

from rlops.judge.results_record import Results
from rlops.report.findings import said
from rlops.report.results.view import ResultsView, build_view
from rlops.report.terminal import MOST_ITEMS, NARROWEST, STYLES, open_console, styled

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def render_results_terminal(record: Results, *, width: int, color: bool) -> str:
    """The results as text for a terminal `width` columns wide (at least 20), with ANSI colours only if `color`."""
    view = build_view(record)
    printed = io.StringIO()
    console = open_console(printed, max(width, NARROWEST), color=color)
    console.print(styled((view.heading, "bold")))
    console.print(styled(view.sentence))
    console.print()
    console.print(_scores(view))
    if view.aggregates:
        console.print()
        console.print(styled(view.scale))
        console.print(_aggregates(view))
    for label, why in view.left_out:
        console.print(styled(f"not among them: {label}: {why}"))
    _print_findings(console, view)
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"


def _table() -> "Table":
    from rich.table import Table

    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def _scores(view: ResultsView) -> "Table":
    table = _table()
    for title in ("environment", "run set"):
        table.add_column(title, overflow="fold")
    for title in ("mean", "95 %", "IQM", "seeds"):
        table.add_column(title, justify="right")
    for env in view.environments:
        for scores in env.scores:
            name = "" if scores.number else env.label
            cells = (name, scores.label, scores.mean, scores.mean_interval, scores.iqm, scores.seeds)
            table.add_row(*map(styled, cells))
    return table


def _aggregates(view: ResultsView) -> "Table":
    table = _table()
    for title in ("number", "run set"):
        table.add_column(title, overflow="fold")
    table.add_column("estimate", justify="right")
    for item in view.aggregates:
        for number, (label, cell) in enumerate(zip(view.labels, item.cells, strict=True)):
            table.add_row(*map(styled, ("" if number else item.name, label, cell)))
    return table


def _print_findings(console: "Console", view: ResultsView) -> None:
    for group in view.findings:
        console.print()
        head = (f"{group.symbol} {group.severity}: {group.kind}", STYLES[group.tone])
        console.print(styled(head, f". {group.meaning}"))
        for item in group.items[:MOST_ITEMS]:
            console.print(styled(f"  {said(item, MOST_ITEMS)}"))
        if len(group.items) > MOST_ITEMS:
            console.print(styled(f"  and {len(group.items) - MOST_ITEMS} more on the page"))
