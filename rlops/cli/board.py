"""The board of a store, drawn for people and written for programs."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from rlops.cli.options import shown
from rlops.launch import CellStatus, GridStatus, State, StoreStatus, duration, how_it_failed, label
from rlops.plan import format_seeds
from rlops.strangers import clean

SIGNS = {State.DONE: "#", State.FAILED: "x", State.RUNNING: ">", State.STOPPED: "!", State.WAITING: "."}
COLORS = {State.DONE: "green", State.FAILED: "red", State.RUNNING: "cyan", State.STOPPED: "yellow", State.WAITING: None}
SEEDS_A_LINE = 60
MOST_NAME = 30
MOST_LAST_LINE = 70
MOST_PROCESSES = 10
"""Of a kind and grid that get a line (arbitrary)."""


def draw(store: StoreStatus, *, color: bool) -> str:
    """Every grid, then what the signs mean."""
    blocks = ["\n".join(_block(grid, color)) for grid in store.grids]
    legend = "  ".join(f"{_sign(state, color)} {state}" for state in State)
    skipped = "".join(f"\nskipped {_line(text)}" for text in store.skipped)
    return "\n\n".join([*blocks, f"a sign a seed:  {legend}{skipped}"])


def as_record(store: StoreStatus) -> dict[str, object]:
    """The same for `--json`."""
    return {"schema": 1, "grids": [_record(grid) for grid in store.grids], "skipped": list(store.skipped)}


def _record(grid: GridStatus) -> dict[str, object]:
    return {
        "name": grid.name,
        "benchmark": grid.benchmark,
        "version": grid.variant,
        "folder": str(grid.folder),
        "counts": {str(state): count for state, count in grid.counts.items()},
        "cells": [
            {
                "env_id": cell.env_id,
                "seed": cell.seed,
                "state": str(cell.state),
                "minutes": None if cell.seconds is None else round(cell.seconds / 60, 3),
                "exit_code": cell.exit_code,
                "log": str(cell.directory.log) if cell.directory else None,
            }
            for cell in grid.cells
        ],
        "skipped": list(grid.skipped),
    }


def _block(grid: GridStatus, color: bool) -> Iterator[str]:
    version = _line(grid.variant) or "a version"
    head = f"{_line(grid.benchmark or grid.name)}  {version}"
    yield click.style(head, bold=True) if color else head
    counts = ", ".join(f"{count} {state}" for state, count in grid.counts.items() if count)
    seeds = sorted({cell.seed for cell in grid.cells})
    number = f"{len(grid.cells)} cell{'' if len(grid.cells) == 1 else 's'}"
    yield f"  {number}, seeds {format_seeds(seeds)}: {counts}  ({shown(grid.folder)})"
    by_env = {
        env_id: {cell.seed: cell for cell in cells}
        for env_id, cells in itertools.groupby(grid.cells, key=lambda cell: cell.env_id)
    }
    width = min(MOST_NAME, max(len(_line(env_id)) for env_id in by_env))
    for env_id, cells in by_env.items():
        yield from _environment(_line(env_id)[:MOST_NAME].ljust(width), cells, seeds, color)
    yield from _processes(grid, State.FAILED)
    yield from _processes(grid, State.RUNNING)
    yield from (f"  skipped  {_line(text)}" for text in grid.skipped)


def _environment(name: str, cells: Mapping[int, CellStatus], seeds: Sequence[int], color: bool) -> Iterator[str]:
    """A line of signs, more where there are many seeds; name and times stand at the first."""
    times = _times(cells.values())
    for row in (seeds[first : first + SEEDS_A_LINE] for first in range(0, len(seeds), SEEDS_A_LINE)):
        if cells.keys().isdisjoint(row):
            continue
        strip = "".join(_sign(cells[seed].state, color) if seed in cells else " " for seed in row)
        filled = " " * (min(len(seeds), SEEDS_A_LINE) - len(row))
        yield f"  {name}  {strip}{filled}  {times}".rstrip()
        name, times = " " * len(name), ""


def _times(cells: Iterable[CellStatus]) -> str:
    by_state = _by_state(cells)
    done, running = (
        [cell.seconds for cell in by_state.get(state, []) if cell.seconds is not None]
        for state in (State.DONE, State.RUNNING)
    )
    said = [f"{duration(sum(done) / len(done))} a cell"] if done else []
    return ", ".join([*said, *([f"running for {duration(max(running))}"] if running else [])])


def _by_state(cells: Iterable[CellStatus]) -> dict[State, list[CellStatus]]:
    groups: dict[State, list[CellStatus]] = {}
    for cell in cells:
        groups.setdefault(cell.state, []).append(cell)
    return groups


def _processes(grid: GridStatus, state: State) -> Iterator[str]:
    """A line for every process in this state: what it trains, and the last that it said."""
    processes: dict[object, list[CellStatus]] = {}
    for cell in _by_state(grid.cells).get(state, []):
        processes.setdefault((cell.directory, cell.env_id), []).append(cell)
    for cells in itertools.islice(processes.values(), MOST_PROCESSES):
        first = cells[0]
        if first.directory is None:
            continue
        name = _line(label(first.env_id, (cell.seed for cell in cells)))
        code = "" if first.exit_code is None else f": {how_it_failed(first.exit_code)}"
        last = first.directory.log_tail(1)[:MOST_LAST_LINE].strip()
        yield f"  {state!s:8} {name}{code}{f': {last}' if last else ''}  ({shown(first.directory.log)})"
    if len(processes) > MOST_PROCESSES:
        yield f"  {state!s:8} and {len(processes) - MOST_PROCESSES} processes more"


def _sign(state: State, color: bool) -> str:
    return click.style(SIGNS[state], fg=COLORS[state]) if color else SIGNS[state]


def _line(text: str) -> str:
    """A stranger's word, that cannot begin a line of its own."""
    return " ".join(clean(text).split())
