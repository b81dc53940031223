"""What a gate of the checkout would do: cells, minutes, and what its looks can show. Trains nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from rlops.curves import Baseline, RunSet, read_baseline, sound_runs
from rlops.errors import NoBaselineError
from rlops.judge import Finding, Outlook, definition_findings, outlook
from rlops.launch import Board, LocalExecutor, look
from rlops.plan import Benchmark, Grid, Plan, checkout, expand
from rlops.run_sets import Terms, Watchers, make_plan, today, trained_runs
from rlops.workspace import Workspace


@dataclass(frozen=True)
class LookCost:
    """What one look adds, if no environment is settled before it.

    `seeds`: candidate seeds of each environment so far. `minutes`: of the cells to train, one after the other;
    `elapsed`: on this machine, as many processes at once as it has cores for. None where no past run tells.
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
    watchers: Watchers,
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
    minutes = _minutes(plan, baseline, lambda: trained_runs(workspace, grid, watchers))
    processes = LocalExecutor(benchmark.resources.cores, benchmark.resources.memory_gb).capacity()
    return Preview(
        benchmark=benchmark.name,
        baseline=baseline.name,
        version=variant.name,
        seeds=seeds,
        processes=processes,
        confirming=_confirming(benchmark, baseline),
        minutes=minutes,
        costs=tuple(_costs(plan, grid, board, minutes, processes)),
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


def _minutes(plan: Plan, baseline: Baseline, known: Callable[[], RunSet]) -> dict[str, float | None]:
    """Environment -> mean minutes of a run: of the baseline's, where it does not tell of the `known` candidate runs."""
    budgets = {item.env_id: item.budget for item in plan.environments}
    stored = {item.env_id: _mean(run.minutes for run in item.runs) for item in baseline.environments}
    found = {env_id: stored[env_id] for env_id in budgets}
    if None not in found.values():
        return found
    runs = known()
    return {
        env_id: value
        if value is not None
        else _mean(run.minutes for run in sound_runs(runs.of(env_id), budgets[env_id]))
        for env_id, value in found.items()
    }


def _mean(values: Iterable[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return fmean(told) if told else None


def _costs(
    plan: Plan, grid: Grid, board: Board, minutes: Mapping[str, float | None], processes: int
) -> Iterator[LookCost]:
    """Look by look what comes to what the looks before it had."""
    before: set[int] = set()
    for count in plan.looks:
        wanted = set(grid.seeds[:count])
        cells = [cell for cell in grid.cells if cell.seed in wanted - before]
        missing = [cell for cell in cells if cell.key not in board.known_keys]
        before = wanted
        each = [value for cell in missing if (value := minutes[cell.env_id]) is not None]
        told = len(each) == len(missing)
        yield LookCost(
            seeds=count,
            cells=len(cells),
            known=len(cells) - len(missing),
            minutes=sum(each) if told else None,
            # No process is cut in two: the longest one is waited for.
            elapsed=max(sum(each) / processes, max(each, default=0.0)) if told else None,
        )


def _confirming(benchmark: Benchmark, baseline: Baseline) -> int:
    """0 where nobody can train the baseline's code again: its commit is not known, or was not all of it."""
    known = baseline.provenance.get("git_commit") and not baseline.provenance.get("git_dirty")
    return benchmark.policy.confirm if known else 0
