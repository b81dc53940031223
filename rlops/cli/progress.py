"""How a grid stands, for people: a live board on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from rlops.cli.options import say
from rlops.launch import Board, CellGroup, duration
from rlops.training import Watchers

if TYPE_CHECKING:
    from rich.text import Text


@contextmanager
def watching(*, quiet: bool) -> Iterator[Watchers]:
    """The watchers for one command."""
    if quiet:
        yield Watchers(failed=show_failures)
    elif sys.stderr.isatty():
        with _live() as watchers:
            yield watchers
    else:
        plain = PlainLines()
        yield Watchers(plain.pulled, plain.launched, show_failures, say)


class PlainLines:
    """A line whenever something starts or ends."""

    def __init__(self) -> None:
        self._running: dict[CellGroup, float] = {}
        self._started = time.monotonic()
        self._announced: Board | None = None
        self._told_ending = False
        self._told_time = False

    def launched(self, board: Board) -> None:
        """Say what changed since the last call."""
        if self._announced is not board:
            self._announced = board
            total = board.total
            say(f"{board.grids[0].benchmark.name}: {total} cells, {board.known} known, {total - board.known} to train")
            if board.left:
                say(f"  at most {board.slots} at once{_time_left(board)}")
        if board.ending and not self._told_ending:
            self._told_ending = True
            say(f"  letting {len(board.running)} running processes end; Ctrl-C again stops them")
        if board.out_of_time and not self._told_time:
            self._told_time = True
            say(f"  the time limit is near or over: {board.cells_left} cells are left to the next call")
        for group in [group for group in self._running if group not in board.running]:
            seconds = time.monotonic() - self._running.pop(group)
            if group in board.elsewhere:
                say(f"  waiting  {board.label(group)}: another rlops is training it")
                continue
            say(
                f"  {'ended  ' if group in board.ended else 'stopped'}  {board.label(group)}  {seconds:.0f} s"
                f"  ({board.trained + board.known}/{board.total} cells{_time_left(board)})"
            )
            if group in board.again:
                say(f"  again    {board.label(group)}: {board.retried[group][-1]}")
        for group in board.running:
            if group not in self._running:
                self._running[group] = board.running[group]
                say(f"  started  {board.label(group)}")

    def pulled(self, done: int, total: int) -> None:
        """Say so once at the end."""
        if done == total:
            say(f"  {total} runs read")


@contextmanager
def _live() -> Iterator[Watchers]:
    from rich.console import Console
    from rich.live import Live

    state = _LiveBoard()
    with Live(get_renderable=state.render, console=Console(stderr=True), refresh_per_second=4, transient=True):
        yield Watchers(state.pulled, state.launched, show_failures, say)


class _LiveBoard:
    """The last board seen, drawn four times a second."""

    def __init__(self) -> None:
        self._board: Board | None = None
        self._pulled = ""

    def launched(self, board: Board) -> None:
        self._board, self._pulled = board, ""

    def pulled(self, done: int, total: int) -> None:
        self._pulled = f"reading runs {done}/{total}"

    def render(self) -> "Text":
        from rich.text import Text

        if self._board is None or self._pulled:
            return Text(self._pulled)
        board = self._board
        done, total = board.known + board.trained, board.total
        lines = [f"{board.grids[0].benchmark.name}  {done}/{total} cells{_time_left(board)}"]
        for group, since in board.running.items():
            last = group.directory.log_tail(1)[:70]
            lines.append(f"  {board.label(group)}  {time.monotonic() - since:4.0f} s  {last}")
        if board.ending:
            lines.append("  letting the running processes end; Ctrl-C again stops them")
        if board.waiting:
            lines.append(f"  {sum(len(group.cells) for group in board.waiting)} cells wait")
        if board.again:
            lines.append(f"  {sum(len(group.cells) for group in board.again)} cells are started again in a moment")
        if board.elsewhere:
            lines.append(f"  {sum(len(group.cells) for group in board.elsewhere)} cells are trained by another rlops")
        return Text("\n".join(lines))


def _time_left(board: Board) -> str:
    """Nothing where no past process tells, or nothing is left."""
    seconds = board.seconds_left()
    return f", about {duration(seconds)} left" if seconds else ""


def show_failures(board: Board) -> None:
    """Every failed group with the last lines it printed."""
    for failure in board.failures:
        say(click.style(f"\nfailed: {failure.label}: {failure.why}", bold=True))
        for line in failure.log_tail.splitlines():
            say(f"    {line}")
        say(f"    (all of it: {failure.log})")
