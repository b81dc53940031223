"""Running it: cells as processes, through executors behind one small protocol."""

from rlops.launch.cell_group import CellGroup, label
from rlops.launch.environments import try_environments
from rlops.launch.fill import Board, Failure, fill, look
from rlops.launch.grid_folder import GridFolder, grid_folders, real_folders, remove_grid
from rlops.launch.interrupts import Interrupts
from rlops.launch.local import LocalExecutor
from rlops.launch.parts import Imported, import_cells
from rlops.launch.random_policy import random_scores
from rlops.launch.status import CellStatus, GridStatus, State, StoreStatus, store_status

__all__ = [
    "Board",
    "CellGroup",
    "CellStatus",
    "Failure",
    "GridFolder",
    "GridStatus",
    "Imported",
    "Interrupts",
    "LocalExecutor",
    "State",
    "StoreStatus",
    "fill",
    "grid_folders",
    "import_cells",
    "label",
    "look",
    "random_scores",
    "real_folders",
    "remove_grid",
    "store_status",
    "try_environments",
]
