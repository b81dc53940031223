"""What to run: benchmark files, grids of cells, provenance, the frozen plan."""

from rlops.plan.benchmark import (
    Benchmark,
    Margins,
    Metric,
    Policy,
    did_you_mean,
    find_benchmark,
    read_benchmark,
    read_rules,
)
from rlops.plan.grid import Cell, Grid, Variant, expand
from rlops.plan.history import CodePath, Commit, code_path, commits_between, describe
from rlops.plan.interpreter import installed_versions
from rlops.plan.plan import (
    FEWEST_SEEDS_TO_PASS,
    Calibrated,
    EnvironmentPlan,
    Levels,
    Plan,
    environment_margin,
    may_pass,
    planned_looks,
    suite_margin,
)
from rlops.plan.provenance import Provenance, code_sha256
from rlops.plan.repository import Repository, ask_git
from rlops.plan.seeds import format_seeds, fresh_seeds, parse_seeds
from rlops.plan.shard import Shard
from rlops.plan.variants import checkout, dependency_files_changed, version
from rlops.plan.virtual_environment import environment_name, environment_used, remove_environment
from rlops.plan.worktrees import is_forsaken, named_commits, remove_worktree, worktrees

__all__ = [
    "FEWEST_SEEDS_TO_PASS",
    "Benchmark",
    "Calibrated",
    "Cell",
    "CodePath",
    "Commit",
    "EnvironmentPlan",
    "Grid",
    "Levels",
    "Margins",
    "Metric",
    "Plan",
    "Policy",
    "Provenance",
    "Repository",
    "Shard",
    "Variant",
    "ask_git",
    "checkout",
    "code_path",
    "code_sha256",
    "commits_between",
    "dependency_files_changed",
    "describe",
    "did_you_mean",
    "environment_margin",
    "environment_name",
    "environment_used",
    "expand",
    "find_benchmark",
    "format_seeds",
    "fresh_seeds",
    "installed_versions",
    "is_forsaken",
    "may_pass",
    "named_commits",
    "parse_seeds",
    "planned_looks",
    "read_benchmark",
    "read_rules",
    "remove_environment",
    "remove_worktree",
    "suite_margin",
    "version",
    "worktrees",
]
