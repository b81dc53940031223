"""What a gate of the checkout would do: cells, minutes, and what its looks can show. Trains nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from rlops.curves import Baseline, read_baseline
from rlops.errors import NoBaselineError
from rlops.judge import Finding, Outlook, definition_findings, outlook
from rlops.launch import Board, Estimate, LocalExecutor, group_cells, look
from rlops.plan import Benchmark, Grid, Plan, checkout, expand
from rlops.run_sets import Terms, make_plan, today
from rlops.workspace import Workspace


@dataclass(frozen=True)
class LookCost:
    """What one look adds, if no environment is settled before it.

    `seeds`: candidate seeds of each environment so far. `minutes`: of the processes to start, one after the other;
    `elapsed`: on this machine, as many at once as it has room for. None where no past process tells.
    """

    seeds: int
    cells: int
    known: int
    minutes: float | None
    elapsed: float | None

    @property
    def to_train(self) -> int:
        """The cells that nobody has trained yet."""
        return self.cells - self.known


@dataclass(frozen=True)
class Preview:
    """A gate that has not been run.

    `version`: the checkout's name. `processes`: how many train at once here. `minutes`: environment -> what one cell
    takes by past runs. `confirming`: fresh baseline seeds of each environment named, trained before `regressed` is
    said. `beforehand`: findings that the verdict would begin with. `failures`: known cells whose process failed.
    """

    benchmark: str
    baseline: str
    version: str
    seeds: tuple[int, ...]
    processes: int
    confirming: int
    minutes: Mapping[str, float | None]
    costs: tuple[LookCost, ...]
    outlook: Outlook
    beforehand: tuple[Finding, ...]
    failures: tuple[str, ...]


def preview(
    workspace: Workspace,
    benchmark: Benchmark,
    baseline_name: str,
    seeds: tuple[int, ...],
    effect: float | None = None,
) -> Preview:
    """What `rlops gate` would do with the same arguments; `effect` as in `outlook`.

    Raises NoBaselineError where there is none, UsageError where it lacks an environment of the benchmark.
    """
    variant = checkout(workspace.root, benchmark)
    try:
        baseline = read_baseline(baseline_name, workspace.baselines).in_force(today())
    except NoBaselineError as error:
        raise NoBaselineError(f"{error} on the main branch, commit it, then ask again") from None
    plan = make_plan(baseline, Terms.of(benchmark), seeds)
    grid = expand(benchmark, variant, seeds)
    board = look([grid], workspace.cells)
    estimate = _estimate(baseline, Estimate.of(benchmark, workspace.cells))
    processes = LocalExecutor(benchmark.resources.cores, benchmark.resources.memory_gb).capacity()
    return Preview(
        benchmark=benchmark.name,
        baseline=baseline.name,
        version=variant.name,
        seeds=seeds,
        processes=processes,
        confirming=_confirming(benchmark, baseline),
        minutes={item.env_id: _minutes(estimate.seconds(item.env_id, 1)) for item in plan.environments},
        costs=tuple(_costs(plan, grid, board, estimate, processes)),
        outlook=outlook(plan, effect),
        beforehand=tuple(definition_findings(baseline, benchmark)),
        failures=tuple(f"{failure.label}: {failure.why}" for failure in board.failures),
    )


def total(costs: Sequence[LookCost]) -> LookCost:
    """What all looks take if nothing is settled before the last one."""
    minutes, elapsed = [cost.minutes for cost in costs], [cost.elapsed for cost in costs]
    return LookCost(
        seeds=costs[-1].seeds,
        cells=sum(cost.cells for cost in costs),
        known=sum(cost.known for cost in costs),
        minutes=None if None in minutes else sum(value or 0.0 for value in minutes),
        elapsed=None if None in elapsed else sum(value or 0.0 for value in elapsed),
    )


def _estimate(baseline: Baseline, known: Estimate) -> Estimate:
    """What the processes trained here took; of environments that were never trained here, the baseline's runs."""
    there = {env_id for env_id, _ in known.past}
    stored = {
        (item.env_id, 1): [60 * fmean(told)]
        for item in baseline.environments
        if item.env_id not in there and (told := [run.minutes for run in item.runs if run.minutes is not None])
    }
    return Estimate({**known.past, **stored})


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 60


def _costs(plan: Plan, grid: Grid, board: Board, estimate: Estimate, processes: int) -> Iterator[LookCost]:
    """Look by look what comes to what the looks before it had."""
    before: set[int] = set()
    for count in plan.looks:
        wanted = set(grid.seeds[:count])
        cells = [cell for cell in grid.cells if cell.seed in wanted - before]
        missing = [cell for cell in cells if cell.key not in board.known_keys]
        groups = group_cells({grid: missing}, board.folder, processes)
        before = wanted
        yield LookCost(
            seeds=count,
            cells=len(cells),
            known=len(cells) - len(missing),
            minutes=_minutes(estimate.left({}, groups, 1, 0.0)),
            elapsed=_minutes(estimate.left({}, groups, processes, 0.0)),
        )


def _confirming(benchmark: Benchmark, baseline: Baseline) -> int:
    """0 where nobody can train the baseline's code again: its commit is not known, or was not all of it."""
    known = baseline.provenance.get("git_commit") and not baseline.provenance.get("git_dirty")
    return benchmark.policy.confirm if known else 0
