"""Fills grids: trains the cells that are not done, and says how they stand. The same call resumes."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlops.errors import UsageError
from rlops.launch.asked import note_asked
from rlops.launch.cell_group import CellDirectory, CellGroup, finished_cells, group_cells, is_locked
from rlops.launch.executor import Ending, Executor
from rlops.launch.interrupts import Interrupts
from rlops.plan import Cell, Grid, code_sha256, format_seeds

POLL_SECONDS = 0.1


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

    `known_keys`: of cells that were done before; `elsewhere`: trained by another rlops right now; `ending`: Ctrl-C was
    heard, nothing new is started.
    """

    grids: tuple[Grid, ...]
    folder: Path
    known_keys: set[str] = field(default_factory=set)
    waiting: list[CellGroup] = field(default_factory=list)
    running: dict[CellGroup, float] = field(default_factory=dict)
    ended: list[CellGroup] = field(default_factory=list)
    elsewhere: list[CellGroup] = field(default_factory=list)
    ending: bool = False
    failures: list[Failure] = field(default_factory=list)

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
) -> Board:
    """Train every cell of `grids` that is not done below `folder`; `changed(board)` is called whenever something moves.

    The grids take turns, cell by cell, so that what a machine does to one it does to the others. `force` trains cells
    again that failed. Returns when nothing runs any more: all done, or `interrupts` said stop.
    """
    for grid in grids:
        note_asked(grid, folder)
    if force:
        for grid in grids:
            _forget_failed(grid.cells, folder / grid.name)
    board = look(grids, folder)
    missing = {grid: [cell for cell in grid.cells if cell.key not in board.known_keys] for grid in grids}
    board.waiting = group_cells(missing, folder, executor.capacity())
    changed(board)
    try:
        while board.running or ((board.waiting or board.elsewhere) and not interrupts.no_more):
            if _step(board, executor, interrupts):
                changed(board)
            time.sleep(POLL_SECONDS)
    except BaseException:
        _stop_all(board, executor)
        raise
    return board


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


def _step(board: Board, executor: Executor, interrupts: Interrupts) -> bool:
    """Collect what ended, start what fits; did anything move?"""
    before = (len(board.waiting), len(board.running), len(board.elsewhere), board.ending)
    board.ending = interrupts.no_more
    for group in list(board.running):
        ending = executor.poll(group)
        if ending is not None:
            del board.running[group]
            _settle(board, group, ending, interrupts)
        elif interrupts.stop_now:
            executor.cancel(group)
    if not interrupts.no_more:
        _come_back_to_the_others(board)
        while board.waiting and len(board.running) < executor.capacity():
            group = board.waiting.pop(0)
            _check_code(group.grid)
            executor.submit(group)
            board.running[group] = time.monotonic()
    return before != (len(board.waiting), len(board.running), len(board.elsewhere), board.ending)


def _settle(board: Board, group: CellGroup, ending: Ending, interrupts: Interrupts) -> None:
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
        if done["exit_code"] != 0:
            board.failures.append(_failure(board.label(group), group.directory, f"exit code {done['exit_code']}"))
    elif not interrupts.stop_now:
        signal_name = group.directory.killed_by
        how = f"killed by {signal_name}" if signal_name else "stopped from outside"
        how += " (out of memory?)" if signal_name == "SIGKILL" else ""
        board.failures.append(_failure(board.label(group), group.directory, f"{how}; the same command trains it again"))


def _check_code(grid: Grid) -> None:
    """A checkout that is edited while it is trained would put other code's curves under this code's keys."""
    variant = grid.variant
    if code_sha256(variant.root, grid.benchmark.code, untracked=variant.untracked) != variant.provenance.code_sha256:
        raise UsageError(
            f"the code below {variant.root} ({', '.join(grid.benchmark.code)}) was changed while it was being trained; "
            "what was running counts for nothing. Run the same command again, or train a copy or a git worktree"
        )


def _come_back_to_the_others(board: Board) -> None:
    """Cells that another rlops was training: done by now, or free again because it was stopped."""
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
        code = (directory.done or {}).get("exit_code")
        again = f"rlops run {grid.benchmark.name}{_version(grid)} --seeds {format_seeds(group.seeds)} --force"
        why = f"exit code {code} in an earlier call; `{again}` trains it again"
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


def _failed(directory: CellDirectory) -> bool:
    return directory.done is not None and directory.done["exit_code"] != 0


def _failure(name: str, directory: CellDirectory, why: str) -> Failure:
    return Failure(name, why, directory.log, directory.log_tail())
