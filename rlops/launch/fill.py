"""Fills grids: trains the cells that are not done, and says how they stand. The same call resumes."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlops.errors import UsageError
from rlops.launch import supervise
from rlops.launch.asked import note_asked
from rlops.launch.cell_group import CellDirectory, CellGroup, finished_cells, group_cells, is_locked
from rlops.launch.estimate import Estimate
from rlops.launch.executor import Ending, Executor
from rlops.launch.interrupts import Interrupts
from rlops.plan import Cell, Grid, code_sha256, format_seeds

SHORTEST_POLL, POLL_SECONDS = 0.005, 0.1
FIRST_WAIT = 2.0
"""Seconds before a process that others have killed is started again; each further time five times as long."""


@dataclass(frozen=True)
class Failure:
    """A group whose process failed, with its last lines."""

    label: str
    why: str
    log: Path
    log_tail: str


@dataclass
class Board:
    """How the grids stand.

    `known_keys`: of cells that were done before; `elsewhere`: trained by another rlops right now; `again`: group ->
    when it is started again, because others have killed it, with `retried` saying how often and why; `ending`: Ctrl-C
    was heard, nothing new is started; `out_of_time`: the time limit came before the end.
    """

    grids: tuple[Grid, ...]
    folder: Path
    slots: int = 1
    known_keys: set[str] = field(default_factory=set)
    waiting: list[CellGroup] = field(default_factory=list)
    running: dict[CellGroup, float] = field(default_factory=dict)
    ended: list[CellGroup] = field(default_factory=list)
    elsewhere: list[CellGroup] = field(default_factory=list)
    again: dict[CellGroup, float] = field(default_factory=dict)
    retried: dict[CellGroup, list[str]] = field(default_factory=dict)
    ending: bool = False
    out_of_time: bool = False
    failures: list[Failure] = field(default_factory=list)
    estimate: Estimate = field(default_factory=Estimate)

    @property
    def total(self) -> int:
        """All cells."""
        return sum(len(grid.cells) for grid in self.grids)

    @property
    def known(self) -> int:
        """How many cells were done before."""
        return len(self.known_keys)

    @property
    def trained_keys(self) -> set[str]:
        """The keys of the cells trained by this call."""
        return {cell.key for group in self.ended for cell in group.cells}

    @property
    def trained(self) -> int:
        """How many cells this call trained."""
        return len(self.trained_keys)

    @property
    def left(self) -> list[CellGroup]:
        """What is still to be started."""
        return [*self.again, *self.elsewhere, *self.waiting]

    @property
    def cells_left(self) -> int:
        """How many cells are still to be started."""
        return sum(len(group.cells) for group in self.left)

    def seconds_left(self) -> float | None:
        """Until everything has ended, as far as past processes tell."""
        return self.estimate.left(self.running, self.left, self.slots, time.monotonic())

    def seconds_for(self, grid: Grid) -> float | None:
        """What the cells of another grid take that are not done below the folder."""
        done = finished_cells(self.folder / grid.name)
        missing = [cell for cell in grid.cells if (cell.env_id, cell.seed) not in done]
        return self.estimate.left({}, group_cells({grid: missing}, self.folder, self.slots), self.slots, 0.0)

    def label(self, group: CellGroup) -> str:
        """How people call a group here: with its version, where there are several."""
        return f"{group.grid.variant.name} {group.label}" if len(self.grids) > 1 else group.label


def fill(
    grids: Sequence[Grid],
    folder: Path,
    executor: Executor,
    interrupts: Interrupts,
    changed: Callable[[Board], None] = lambda _board: None,
    *,
    force: bool = False,
    until: float = math.inf,
) -> Board:
    """Train every cell of `grids` that is not done below `folder`; `changed(board)` is called whenever something moves.

    The grids take turns, cell by cell, so that what a machine does to one it does to the others. `force` trains cells
    again that failed. Returns when nothing runs any more: all done, or `interrupts` said stop, or the monotonic clock
    reached `until`: then what runs is stopped, and before it nothing is started that would not end in time.
    """
    for grid in grids:
        note_asked(grid, folder)
    if force:
        for grid in grids:
            _forget_failed(grid.cells, folder / grid.name)
    board = look(grids, folder)
    board.slots = executor.capacity()
    missing = {grid: [cell for cell in grid.cells if cell.key not in board.known_keys] for grid in grids}
    board.waiting = group_cells(missing, folder, board.slots)
    board.estimate = Estimate.of(grids[0].benchmark, folder)
    changed(board)
    stops, pause = Stops(interrupts, until), SHORTEST_POLL
    try:
        while board.running or (board.left and not stops.no_more and not board.out_of_time):
            moved = _step(board, executor, stops)
            if moved:
                changed(board)
            pause = SHORTEST_POLL if moved else min(POLL_SECONDS, 1.5 * pause)
            time.sleep(pause)
    except BaseException:
        _stop_all(board, executor)
        raise
    if board.left and stops.too_late:
        board.out_of_time = True
        changed(board)
    return board


@dataclass(frozen=True)
class Stops:
    """What may end it before everything is trained: the user, or the time."""

    interrupts: Interrupts
    until: float

    @property
    def too_late(self) -> bool:
        """Is the time over?"""
        return time.monotonic() >= self.until

    @property
    def no_more(self) -> bool:
        """Nothing new may be started."""
        return self.interrupts.no_more or self.too_late

    @property
    def stop_now(self) -> bool:
        """What runs must be stopped."""
        return self.interrupts.stop_now or self.too_late


def look(grids: Sequence[Grid], folder: Path) -> Board:
    """How the grids stand, without training anything."""
    board = Board(tuple(grids), folder)
    for grid in grids:
        done = finished_cells(folder / grid.name)
        board.known_keys |= {cell.key for cell in grid.cells if (cell.env_id, cell.seed) in done}
        _note_known_failures(board, grid, done)
    return board


def _stop_all(board: Board, executor: Executor) -> None:
    """Nothing trains on unseen behind an error; what ends meanwhile does not count either."""
    for group in board.running:
        executor.cancel(group)
    for group in board.running:
        while executor.poll(group) is None:
            time.sleep(POLL_SECONDS)
        (group.folder / "done.json").unlink(missing_ok=True)


def _step(board: Board, executor: Executor, stops: Stops) -> bool:
    """Collect what ended, start what fits; did anything move?"""
    before = _counts(board)
    board.ending = stops.interrupts.no_more
    for group in list(board.running):
        ending = executor.poll(group)
        if ending is not None:
            del board.running[group]
            _settle(board, group, ending, stops)
        elif stops.stop_now:
            executor.cancel(group)
    if not stops.no_more:
        _come_back(board)
        while board.waiting and len(board.running) < executor.capacity():
            if not _in_time(board, board.waiting[0], stops.until):
                break
            group = board.waiting.pop(0)
            _check_code(group.grid)
            executor.submit(group)
            board.running[group] = time.monotonic()
    return before != _counts(board)


def _counts(board: Board) -> tuple[int, ...]:
    lists = (board.waiting, board.running, board.elsewhere, board.again)
    return (*map(len, lists), sum(map(len, board.retried.values())), board.ending, board.out_of_time)


def _in_time(board: Board, group: CellGroup, until: float) -> bool:
    """Will the group have ended by `until`, as far as past processes tell? If not, none of the others is started."""
    expected = board.estimate.seconds(group.env_id, len(group.cells))
    if expected is None or time.monotonic() + expected <= until:
        return True
    if not board.running:
        board.out_of_time = True
    return False


def _settle(board: Board, group: CellGroup, ending: Ending, stops: Stops) -> None:
    """What became of a group whose process has ended."""
    if ending is Ending.BUSY:
        board.elsewhere.append(group)
        return
    done = group.directory.done
    if ending is Ending.ENDED and done is not None:
        try:
            _check_code(group.grid)
        except UsageError:
            (group.folder / "done.json").unlink(missing_ok=True)  # nobody can say which code it was trained by
            raise
        board.ended.append(group)
        board.estimate.learn(group)
        if done["exit_code"] != 0:
            board.failures.append(_failure(board.label(group), group.directory, how_it_failed(done["exit_code"])))
    elif stops.stop_now:
        board.waiting.append(group)
    else:
        _killed(board, group, ending)


def _killed(board: Board, group: CellGroup, ending: Ending) -> None:
    """The machine took a process away: it is started again, a few times. What failed by itself never is."""
    if ending is Ending.NO_SPACE:
        how = f"no space left on the device of {board.folder}"
    else:
        signal_name = group.directory.killed_by
        how = f"killed by {signal_name}" if signal_name else "stopped from outside"
        how += " (out of memory?)" if signal_name == "SIGKILL" else ""
    attempts = board.retried.setdefault(group, [])
    if len(attempts) < group.grid.benchmark.resources.retries:
        board.again[group] = time.monotonic() + FIRST_WAIT * 5 ** len(attempts)
        attempts.append(how)
        return
    often = f" {len(attempts) + 1} times" if attempts else ""
    advice = "make room, then " if ending is Ending.NO_SPACE else ""
    why = f"{how}{often}; {advice}the same command trains it again"
    board.failures.append(_failure(board.label(group), group.directory, why))


def _check_code(grid: Grid) -> None:
    """A checkout that is edited while it is trained would put other code's curves under this code's keys."""
    variant = grid.variant
    if code_sha256(variant.root, grid.benchmark.code, untracked=variant.untracked) != variant.provenance.code_sha256:
        raise UsageError(
            f"the code below {variant.root} ({', '.join(grid.benchmark.code)}) was changed while it was being trained; "
            "what was running counts for nothing. Run the same command again, or train a copy or a git worktree"
        )


def _come_back(board: Board) -> None:
    """To what waits to be started again, and to cells of another rlops: done by now, or free because it was stopped."""
    due = [group for group, when in board.again.items() if when <= time.monotonic()]
    for group in due:
        del board.again[group]
    board.waiting[:0] = due
    for group in list(board.elsewhere):
        if any(is_locked(lock) for lock in group.locks()):
            continue
        board.elsewhere.remove(group)
        done = finished_cells(group.parent)
        left = [cell for cell in group.cells if (cell.env_id, cell.seed) not in done]
        board.known_keys |= {cell.key for cell in group.cells if cell not in left}
        if left:
            board.waiting.append(CellGroup(group.grid, tuple(left), group.parent))


def _note_known_failures(board: Board, grid: Grid, done: dict[tuple[str, int], CellDirectory]) -> None:
    seeds: dict[tuple[CellDirectory, str], list[Cell]] = defaultdict(list)
    for cell in grid.cells:
        directory = done.get((cell.env_id, cell.seed))
        if directory is not None and _failed(directory):
            seeds[directory, cell.env_id].append(cell)
    for (directory, _), cells in seeds.items():
        group = CellGroup(grid, tuple(cells), directory.folder.parent)
        code = int((directory.done or {})["exit_code"])
        again = f"rlops run {grid.benchmark.name}{_version(grid)} --seeds {format_seeds(group.seeds)} --force"
        why = f"{how_it_failed(code)} in an earlier call; `{again}` trains it again"
        board.failures.append(_failure(board.label(group), directory, why))


def _version(grid: Grid) -> str:
    """What names the grid's version in a command; a snapshot of uncommitted changes has no name of its own."""
    commit = grid.variant.provenance.git_commit
    return f" git:{commit[:12]}" if grid.variant.elsewhere and commit and not grid.variant.provenance.git_dirty else ""


def _forget_failed(cells: tuple[Cell, ...], parent: Path) -> None:
    done = finished_cells(parent)
    asked = {(cell.env_id, cell.seed) for cell in cells}
    for directory in {done[cell] for cell in asked if cell in done}:
        together = {cell for cell, other in done.items() if other == directory}
        if not _failed(directory):
            continue
        if not together <= asked:
            seeds = format_seeds(seed for _, seed in together)
            raise UsageError(
                f"seeds {seeds} of {min(together)[0]} were trained by one process; --force takes all of them"
            )
        (directory.folder / "done.json").unlink(missing_ok=True)


def how_it_failed(exit_code: int) -> str:
    """The exit code of a failed process in words."""
    words = {supervise.TIMED_OUT: "the time limit", supervise.OUT_OF_MEMORY: "the memory limit"}
    return f"exit code {exit_code}" + (f" ({words[exit_code]})" if exit_code in words else "")


def _failed(directory: CellDirectory) -> bool:
    return directory.done is not None and directory.done["exit_code"] != 0


def _failure(name: str, directory: CellDirectory, why: str) -> Failure:
    return Failure(name, why, directory.log, directory.log_tail())
