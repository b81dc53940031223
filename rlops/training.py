"""Training grids: what the verbs that launch share. It knows nothing of what the curves mean."""

import contextlib
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rlops.launch import Board, Interrupts, executor_for, fill
from rlops.plan import Benchmark, Grid
from rlops.workspace import Workspace


@dataclass(frozen=True)
class Watchers:
    """Who is told what is going on; the first two may be called often, the others once."""

    pulled: Callable[[int, int], None] = lambda _done, _all: None
    launched: Callable[[Board], None] = lambda _board: None
    failed: Callable[[Board], None] = lambda _board: None
    told: Callable[[str], None] = lambda _text: None


@dataclass(frozen=True)
class Launching:
    """How cells are trained, as the command line says.

    `executor`: local, ray or slurm. `until`: when the monotonic clock says so, it must have ended.
    """

    executor: str = "local"
    until: float = math.inf


HERE = Launching()


class OutOfTime(Exception):  # noqa: N818  (no error: an ending)
    """The time limit came while grids were filled; `board` says how far they came."""

    def __init__(self, board: Board) -> None:
        super().__init__(f"{board.cells_left} cells left")
        self.board = board


def train(
    workspace: Workspace,
    grids: Sequence[Grid],
    watchers: Watchers,
    launching: Launching = HERE,
    *,
    force: bool = False,
) -> Board:
    """Fill the grids; leaves by KeyboardInterrupt or SystemExit when interrupted.

    Raises OutOfTime where the time limit comes before all is trained.
    """
    workspace.prepare()
    with contextlib.redirect_stdout(sys.stderr):  # engines print; stdout is for the answer
        executor = executor_for(launching.executor, grids[0].benchmark)
        with Interrupts() as interrupts:
            board = fill(
                grids, workspace.cells, executor, interrupts, watchers.launched, force=force, until=launching.until
            )
    watchers.failed(board)
    interrupts.leave()
    if board.out_of_time:
        raise OutOfTime(board)
    return board


def capacity(benchmark: Benchmark, launching: Launching = HERE) -> int:
    """How many processes of a benchmark train at once."""
    return executor_for(launching.executor, benchmark).capacity()
