"""What came of it: learning curves, run sets, scores, baselines, and the sources they come from."""

from rlops.curves.baselines import (
    Acceptance,
    Baseline,
    BaselineEnvironment,
    Freezing,
    LeftOut,
    common_config,
    common_horizons,
    read_baseline,
    write_baseline,
)
from rlops.curves.faults import Fault, duplicates, fault_of, sound_runs
from rlops.curves.history import RunHistory
from rlops.curves.learning_curve import GRID_POINTS, LearningCurve, Run, RunSet, data_sha256, grid_steps
from rlops.curves.load import Loader
from rlops.curves.openrlbenchmark import as_references
from rlops.curves.references import Reference, both_of_range, metric_name, parse_reference
from rlops.curves.scores import COLUMNS, STATISTICS, auc, bins, columns, final, oriented_grid, steps_to
from rlops.curves.store import Store

__all__ = [
    "COLUMNS",
    "GRID_POINTS",
    "STATISTICS",
    "Acceptance",
    "Baseline",
    "BaselineEnvironment",
    "Fault",
    "Freezing",
    "LearningCurve",
    "LeftOut",
    "Loader",
    "Reference",
    "Run",
    "RunHistory",
    "RunSet",
    "Store",
    "as_references",
    "auc",
    "bins",
    "both_of_range",
    "columns",
    "common_config",
    "common_horizons",
    "data_sha256",
    "duplicates",
    "fault_of",
    "final",
    "grid_steps",
    "metric_name",
    "oriented_grid",
    "parse_reference",
    "read_baseline",
    "sound_runs",
    "steps_to",
    "write_baseline",
]
