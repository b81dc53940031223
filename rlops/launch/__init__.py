"""Running it: cells as processes, through executors behind one small protocol."""

from rlops.launch.cell_group import CellGroup, group_cells
from rlops.launch.engines import executor_for
from rlops.launch.environments import try_environments
from rlops.launch.estimate import Estimate, duration
from rlops.launch.fill import Board, Failure, fill, look
from rlops.launch.interrupts import Interrupts
from rlops.launch.local import LocalExecutor
from rlops.launch.machine import cores, memory
from rlops.launch.random_policy import random_scores

__all__ = [
    "Board",
    "CellGroup",
    "Estimate",
    "Failure",
    "Interrupts",
    "LocalExecutor",
    "cores",
    "duration",
    "executor_for",
    "fill",
    "group_cells",
    "look",
    "memory",
    "random_scores",
    "try_environments",
]
