"""How the cells of a store stand, read from the store alone, also while another rlops trains there."""

import enum
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rlops.launch.asked import NAME as ASKED
from rlops.launch.asked import Asked, read_asked
from rlops.launch.cell_group import CellDirectory, is_locked, lock_of, says_its_cells
from rlops.launch.supervise import read_json


class State(enum.StrEnum):
    """How a cell stands."""

    DONE = "done"
    """its process ended with exit code 0"""
    FAILED = "failed"
    """its process ended with another one"""
    RUNNING = "running"
    """a process trains it"""
    STOPPED = "stopped"
    """a process had begun and was stopped; the command that asked for it trains it again"""
    WAITING = "waiting"
    """it was asked for, and nothing has begun"""


@dataclass(frozen=True)
class CellStatus:
    """One cell. `seconds`: its share of the process where that ended, how long ago it began where it runs."""

    env_id: str
    seed: int
    state: State
    seconds: float | None = None
    exit_code: int | None = None
    directory: CellDirectory | None = None


@dataclass(frozen=True)
class GridStatus:
    """The cells of one version over a benchmark, in the order environment, seed.

    `newest`: when something last happened, in seconds since 1970. `skipped`: what in the folder is not of a launcher.
    """

    name: str
    folder: Path
    benchmark: str
    variant: str
    newest: float
    cells: tuple[CellStatus, ...]
    skipped: tuple[str, ...] = ()

    @cached_property
    def counts(self) -> Mapping[State, int]:
        """How many cells stand how."""
        states = [cell.state for cell in self.cells]
        return {state: states.count(state) for state in State}

    @property
    def goes_on(self) -> bool:
        """Does anything run, or wait?"""
        return self.counts[State.RUNNING] + self.counts[State.WAITING] > 0


@dataclass(frozen=True)
class StoreStatus:
    """All grids, those first in which something runs, then the newest. `skipped`: what is no grid's folder."""

    grids: tuple[GridStatus, ...]
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Attempt:
    """The directory of a process: what it was to train, when it began and ended (0: not), and how, if it has."""

    directory: CellDirectory
    request: Mapping[str, Any]
    began: float
    ended: float
    done: Mapping[str, Any] | None


def store_status(folder: Path) -> StoreStatus:
    """How the grids below `folder` stand. What cannot be read is named in `skipped`."""
    grids, skipped = [], []
    for parent in _entries(folder):
        if not parent.is_dir():
            skipped.append(f"{parent}: is no folder of a grid")
            continue
        grid = grid_status(parent)
        if grid.cells:
            grids.append(grid)
        else:
            skipped += grid.skipped or [f"{parent}: holds no cells"]
    order = sorted(grids, key=lambda grid: (grid.counts[State.RUNNING] == 0, -grid.newest, grid.name))
    return StoreStatus(tuple(order), tuple(skipped))


def grid_status(parent: Path) -> GridStatus:
    """How the cells in the folder of a grid stand."""
    asked, attempts, skipped = read_asked(parent), list[_Attempt](), list[str]()
    for folder in _entries(parent):
        if folder.name == ASKED:
            continue
        attempt = _attempt(folder)
        if isinstance(attempt, _Attempt):
            attempts.append(attempt)
        elif attempt:
            skipped.append(attempt)
    newest = [moment for attempt in attempts for moment in (attempt.began, attempt.ended)]
    return GridStatus(
        name=parent.name,
        folder=parent,
        benchmark=asked.benchmark or _said(attempts, "benchmark"),
        variant=asked.variant or _said(attempts, "variant"),
        newest=max([changed_at(parent / ASKED), *newest]),
        cells=tuple(_cells(parent, asked, attempts)),
        skipped=tuple(skipped),
    )


def _entries(folder: Path) -> list[Path]:
    """What lies in the folder; what begins with a dot is nobody's cell: locks, and what is only half written."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def changed_at(path: Path) -> float:
    """When a file was last written to, in seconds since 1970; 0 where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _attempt(folder: Path) -> _Attempt | str | None:
    """The attempt in a directory, in words why it is none, None where a process is just about to begin."""
    path = folder / "cell.json"
    if not folder.is_dir():
        return f"{folder}: is no directory of a cell"
    began = changed_at(path)
    if not began:
        return None
    request = read_json(path)
    if not says_its_cells(request):
        return f"{path}: is not the file a launcher wrote"
    directory = CellDirectory(folder)
    return _Attempt(directory, request, began, changed_at(folder / "done.json"), directory.done)


def _said(attempts: list[_Attempt], what: str) -> str:
    return next((value for attempt in attempts if isinstance(value := attempt.request.get(what), str)), "")


def _cells(parent: Path, asked: Asked, attempts: list[_Attempt]) -> Iterator[CellStatus]:
    of_cell: dict[tuple[str, int], list[_Attempt]] = {
        (env_id, seed): [] for env_id, seeds in asked.environments.items() for seed in seeds
    }
    for attempt in attempts:
        for seed in attempt.request["seeds"]:
            of_cell.setdefault((attempt.request["env_id"], seed), []).append(attempt)
    places = {env_id: place for place, env_id in enumerate(dict.fromkeys(env_id for env_id, _ in of_cell))}
    for env_id, seed in sorted(of_cell, key=lambda cell: (places[cell[0]], cell[1])):
        yield _cell(parent, env_id, seed, of_cell[env_id, seed])


def _cell(parent: Path, env_id: str, seed: int, attempts: list[_Attempt]) -> CellStatus:
    """A cell as the best of its attempts has it: processes of other groups of seeds may have had it before."""
    if not attempts:
        return CellStatus(env_id, seed, State.WAITING)
    ended = [attempt for attempt in attempts if attempt.done is not None]
    attempt = max(ended or attempts, key=lambda attempt: attempt.began)
    directory = attempt.directory
    if attempt.done is not None:
        code = attempt.done["exit_code"]
        seconds = attempt.done.get("seconds")
        if not isinstance(seconds, int | float) or not math.isfinite(seconds):
            seconds = None
        share = None if seconds is None else seconds / len(attempt.request["seeds"])
        return CellStatus(env_id, seed, State.FAILED if code else State.DONE, share, code, directory)
    if is_locked(lock_of(parent, attempt.request["keys"][str(seed)])):
        return CellStatus(env_id, seed, State.RUNNING, max(0.0, time.time() - attempt.began), directory=directory)
    return CellStatus(env_id, seed, State.STOPPED, directory=directory)
