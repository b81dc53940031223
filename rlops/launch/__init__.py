"""Running it: cells as processes, through executors behind one small protocol."""

from rlops.launch.cell_group import CellGroup, group_cells, label
from rlops.launch.engines import executor_for
from rlops.launch.environments import try_environments
from rlops.launch.estimate import Estimate, duration
from rlops.launch.fill import Board, Failure, fill, how_it_failed, look
from rlops.launch.grid_folder import GridFolder, grid_folders, real_folders, remove_grid
from rlops.launch.interrupts import Interrupts
from rlops.launch.local import LocalExecutor
from rlops.launch.machine import cores, memory
from rlops.launch.parts import Imported, check_cells, import_cells
from rlops.launch.random_policy import random_scores
from rlops.launch.status import CellStatus, GridStatus, State, StoreStatus, store_status

__all__ = [
    "Board",
    "CellGroup",
    "CellStatus",
    "Estimate",
    "Failure",
    "GridFolder",
    "GridStatus",
    "Imported",
    "Interrupts",
    "LocalExecutor",
    "State",
    "StoreStatus",
    "check_cells",
    "cores",
    "duration",
    "executor_for",
    "fill",
    "grid_folders",
    "group_cells",
    "how_it_failed",
    "import_cells",
    "label",
    "look",
    "memory",
    "random_scores",
    "real_folders",
    "remove_grid",
    "store_status",
    "try_environments",
]
