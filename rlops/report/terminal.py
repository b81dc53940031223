"""The verdict on a terminal: sentence, table worst first, findings, next step."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlops.judge.record import Verdict
from rlops.report.environment import EnvironmentView
from rlops.report.findings import FindingGroup, said
from rlops.report.text import NO_BREAK
from rlops.report.view import ReportView, SideView, build_view

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

STYLES = {"bad": "bold red", "warn": "yellow", "good": "green", "calm": "default"}
MOST_ITEMS = 5
"""Findings of one kind that a terminal shows; the report has them all (arbitrary)."""
NARROWEST = 20


@dataclass(frozen=True)
class Column:
    """A column of the table, shown on terminals at least `from_width` wide."""

    title: str
    cell: Callable[[EnvironmentView], str]
    from_width: int = 0
    right: bool = True


COLUMNS = (
    Column("environment", lambda env: env.label, right=False),
    Column("verdict", lambda env: f"{env.symbol} {env.word}", right=False),
    Column("baseline", lambda env: env.mean_baseline, 100),
    Column("candidate", lambda env: env.mean_candidate, 100),
    Column("change", lambda env: env.change),
    Column("95 % interval", lambda env: env.interval, 64),
    Column("margin", lambda env: env.margin, 110),
    Column("p (worse)", lambda env: env.p_harm, 80),
    Column("seeds", lambda env: env.seeds, 72),
)


def render_terminal(verdict: Verdict, *, width: int, color: bool) -> str:
    """The verdict as text for a terminal `width` columns wide (at least 20), with ANSI colours only if `color`.

    Commands are never broken into lines, so that they can be copied; nothing untrusted reaches the terminal as an
    escape sequence or as markup.
    """
    view = build_view(verdict)
    printed = io.StringIO()
    console = open_console(printed, max(width, NARROWEST), color=color)
    _print_head(console, view)
    console.print(_table(view, console.width))
    for env in view.environments:
        if env.note:
            console.print(styled(f"{env.label}: {env.note}"))
    console.print()
    for fact in view.facts:
        console.print(styled(f"{fact.label.rstrip('?')}: ", (fact.value, STYLES[fact.tone]), f" ({fact.detail})"))
    for group in view.findings:
        _print_findings(console, group)
    _print_next(console, view)
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"


def open_console(file: io.StringIO, width: int, *, color: bool) -> "Console":
    """Imported late: `rlops --help` needs no rich. Everything is set, so that nothing is read from the environment."""
    from rich.console import Console

    return Console(
        file=file,
        width=width,
        height=25,  # rich takes the width only with a height; else TERM=dumb makes it 80
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def styled(*parts: str | tuple[str, str]) -> "Text":
    """Parts, each a text or a text and its style."""
    from rich.text import Text

    joined = Text.assemble(*parts)
    joined.plain = joined.plain.replace(NO_BREAK, " ")
    return joined


def _print_head(console: "Console", view: ReportView) -> None:
    console.print(styled((f"{view.symbol} {view.sentence}", f"bold {STYLES[view.tone].removeprefix('bold ')}")))
    gate = (view.gate, "bold")
    sides = f"{_side(view.candidate)} against {_side(view.baseline)} · gate "
    console.print(styled(sides, gate, f", exit code {view.exit_code}"))
    counts = [f"{item.symbol} {item.number} {item.word}" for item in view.counts if item.number]
    console.print(styled(" · ".join(counts)))
    console.print()
    console.print(
        styled((f"{view.metric}, mean of the last 10 % of steps, {view.direction}; negative changes are worse", "dim"))
    )


def _side(side: SideView) -> str:
    parts = (side.reference, side.commit, "+ uncommitted changes" if side.dirty else None)
    return " ".join(part for part in parts if part)


def _table(view: ReportView, width: int) -> "Table":
    from rich.table import Table

    shown = [column for column in COLUMNS if column.from_width <= width]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in shown:
        may_fold = column.title == "environment"  # rich then takes what is lacking from this column alone
        table.add_column(
            column.title, justify="right" if column.right else "left", no_wrap=not may_fold, overflow="fold"
        )
    for env in view.environments:
        table.add_row(*_cells(shown, env))
    return table


def _cells(columns: list[Column], env: EnvironmentView) -> Iterator["Text"]:
    for column in columns:
        cell = column.cell(env)
        yield styled((cell, STYLES[env.tone])) if column.title == "verdict" else styled(cell)


def _print_findings(console: "Console", group: FindingGroup) -> None:
    console.print()
    console.print(styled((f"{group.symbol} {group.severity}: {group.kind}", STYLES[group.tone]), f". {group.meaning}"))
    for item in group.items[:MOST_ITEMS]:
        _print_indented(console, said(item, MOST_ITEMS))
    if len(group.items) > MOST_ITEMS:
        _print_indented(console, f"and {len(group.items) - MOST_ITEMS} more in the report")


def _print_indented(console: "Console", shown: str) -> None:
    from rich.padding import Padding

    console.print(Padding(styled(shown), (0, 0, 0, 2)))


def _print_next(console: "Console", view: ReportView) -> None:
    step = view.next_step
    console.print()
    cost = f" ({step.cost})" if step.cost else ""
    console.print(styled(("Next: ", "bold"), f"{step.text}{cost}"))
    if step.command:
        console.print(styled(f"  {step.command}"), soft_wrap=True)
