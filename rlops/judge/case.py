"""What a record is written from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rlops.curves import RunSet
from rlops.judge.compare import EnvironmentComparison
from rlops.judge.record import FailureRecord, Finding, NextStep
from rlops.judge.verdict import Decision
from rlops.plan import Plan


@dataclass(frozen=True)
class Occasion:
    """How a verdict came about: the command, when, what was trained, what failed, the command with fresh seeds.

    `to_go_on`: the next step where it was stopped before the answer.
    """

    command: str
    created_at: str
    cells_trained: int | None = None
    cells_known: int | None = None
    failures: tuple[FailureRecord, ...] = ()
    fresh_seeds: Callable[[int], str] | None = None
    to_go_on: NextStep | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """Everything the record is written from."""

    plan: Plan
    baseline: RunSet
    candidate: RunSet
    comparisons: tuple[EnvironmentComparison, ...]
    findings: Sequence[Finding]
    decision: Decision
