"""`rlops status`: the board of the whole grid."""

import json
import os
import sys
import time
from typing import TYPE_CHECKING

import click

from rlops.cli.options import json_option, workspace_option
from rlops.errors import UsageError
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.launch import GridStatus, StoreStatus

SECONDS = 2.0


@click.command("status", short_help="Show how the cells stand: what is done, runs, failed, waits.")
@click.argument("benchmark", required=False)
@click.option("--watch", is_flag=True, help="Draw it again every 2 s until nothing runs and nothing waits.")
@json_option
@workspace_option
def command(benchmark: str | None, watch: bool, as_json: bool, workspace: Workspace) -> None:
    """Show how the cells in the store stand, of all benchmarks or of BENCHMARK.

    A block a version, a line an environment, a sign a seed; then what failed, and what runs with the last it printed.

    Read from the store alone, at any time, also while another rlops trains there.
    """
    if watch and as_json:
        raise UsageError("--watch draws for people; with --json, ask again whenever you want to know")
    store = _look(workspace, benchmark)
    if as_json:
        from rlops.cli.board import as_record

        click.echo(json.dumps(as_record(store), indent=1))
    elif watch and sys.stdout.isatty():
        _live(workspace, benchmark, store)
    elif watch:
        _lines(workspace, benchmark, store)
    else:
        click.echo(_drawn(store, workspace, color=_in_color()), color=_in_color())


def _look(workspace: Workspace, benchmark: str | None) -> "StoreStatus":
    """The grids of the benchmark."""
    from dataclasses import replace

    from rlops.launch import store_status
    from rlops.plan import did_you_mean

    store = store_status(workspace.cells)
    if benchmark is None:
        return store
    name = os.path.basename(benchmark).removesuffix(".toml")
    grids = tuple(grid for grid in store.grids if grid.benchmark == name)
    if not grids:
        known = sorted({grid.benchmark for grid in store.grids})
        there = f"it has: {', '.join(known)}" if known else "it has no cells yet"
        raise UsageError(
            f"{workspace.cells} has nothing of the benchmark '{name}'{did_you_mean(name, known)}; {there}; "
            f"rlops run {name} trains it, --dir names another store"
        )
    return replace(store, grids=grids)


def _drawn(store: "StoreStatus", workspace: Workspace, *, color: bool) -> str:
    from rlops.cli.board import draw

    if not store.grids:
        skipped = "".join(f"\nskipped {text}" for text in store.skipped)
        return f"there are no cells in {workspace.store}; rlops run BENCHMARK trains some{skipped}"
    return draw(store, color=color)


def _lines(workspace: Workspace, benchmark: str | None, store: "StoreStatus") -> None:
    """Print the board again whenever a cell stands otherwise."""
    seen = None
    while True:
        standing = [(grid.name, cell.env_id, cell.seed, cell.state) for grid in store.grids for cell in grid.cells]
        if standing != seen:
            seen = standing
            click.echo(_drawn(store, workspace, color=False))
        if not _goes_on(store.grids):
            return
        time.sleep(SECONDS)
        store = _look(workspace, benchmark)


def _live(workspace: Workspace, benchmark: str | None, store: "StoreStatus") -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    color = _in_color()
    first = Text.from_ansi(_drawn(store, workspace, color=color))
    with Live(first, console=Console(highlight=False), auto_refresh=False) as live:
        while _goes_on(store.grids):
            time.sleep(SECONDS)
            store = _look(workspace, benchmark)
            live.update(Text.from_ansi(_drawn(store, workspace, color=color)), refresh=True)


def _goes_on(grids: "tuple[GridStatus, ...]") -> bool:
    return any(grid.goes_on for grid in grids)


def _in_color() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
