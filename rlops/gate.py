"""The loop: plan, launch, pull, compare, judge, report. What joins the wings, for the verbs of the command line."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rlops.curves import (
    Baseline,
    Freezing,
    Loader,
    Reference,
    RunSet,
    Store,
    common_horizons,
    metric_name,
    parse_reference,
    read_baseline,
)
from rlops.errors import UsageError
from rlops.files import write_whole
from rlops.judge import (
    FailureRecord,
    Finding,
    Occasion,
    Verdict,
    definition_findings,
    forecast,
    horizon_findings,
    judge,
    metric_findings,
)
from rlops.launch import Board, Interrupts, LocalExecutor, fill
from rlops.plan import Benchmark, Grid, Margins, Metric, Plan, Policy, checkout, expand, format_seeds
from rlops.workspace import Workspace


@dataclass(frozen=True)
class Terms:
    """Under which metric, margins and policy two run sets are compared: a benchmark's, or those of the command line."""

    metric: Metric = Metric()
    margins: Margins = Margins()
    policy: Policy = Policy()
    budget: int | None = None
    benchmark: Benchmark | None = None

    @classmethod
    def of(cls, benchmark: Benchmark) -> "Terms":
        """Those of a benchmark."""
        return cls(benchmark.metric, benchmark.margins, benchmark.policy, benchmark.budget, benchmark)


@dataclass(frozen=True)
class Watchers:
    """Who is told what is going on; the first two may be called often, the others once."""

    pulled: Callable[[int, int], None] = lambda _done, _all: None
    launched: Callable[[Board], None] = lambda _board: None
    failed: Callable[[Board], None] = lambda _board: None
    told: Callable[[str], None] = lambda _text: None


def make_plan(baseline: Baseline, terms: Terms, seeds: tuple[int, ...] | None = None) -> Plan:
    """The plan, frozen from the baseline alone: nothing of the candidate goes in."""
    if terms.benchmark is not None:
        wanted = frozenset(terms.benchmark.environments)
        missing = wanted - {item.env_id for item in baseline.environments}
        if missing:
            raise UsageError(
                f"the baseline '{baseline.name}' has no {', '.join(sorted(missing))}, which the benchmark "
                f"'{terms.benchmark.name}' trains; save it again: rlops baseline save {baseline.name}"
            )
        baseline = baseline.select(wanted)
    return Plan(
        benchmark=terms.benchmark.name if terms.benchmark else None,
        metric=terms.metric,
        policy=terms.policy,
        environments=baseline.yardsticks(),
        suite_margin=baseline.suite_margin,
        seeds=seeds,
    )


def train(
    workspace: Workspace, benchmark: Benchmark, seeds: tuple[int, ...], watchers: Watchers, *, force: bool = False
) -> Board:
    """Fill the grid of the checkout on this machine; leaves by KeyboardInterrupt or SystemExit when interrupted."""
    workspace.prepare()
    grid = expand(benchmark, checkout(workspace.root, benchmark), seeds)
    executor = LocalExecutor(benchmark.resources.cores)
    with Interrupts() as interrupts:
        board = fill(grid, workspace.cells, executor, interrupts, watchers.launched, force=force)
    watchers.failed(board)
    interrupts.leave()
    return board


def trained_runs(workspace: Workspace, grid: Grid, seeds: tuple[int, ...], watchers: Watchers) -> RunSet:
    """The run set of a grid that was trained here."""
    folder = workspace.cells / grid.name
    filters = {"seed": (format_seeds(seeds),), "env_id": grid.benchmark.environments}
    reference = Reference(f"dir:{folder}", "dir", str(folder), filters)
    if not any(folder.glob("*/done.json")):
        return RunSet(reference.text, ())  # all of them were killed: the plan says what is missing
    return _loader(workspace, grid.benchmark.metric, watchers).runs(reference)


def gate(
    workspace: Workspace, benchmark: Benchmark, baseline_name: str, seeds: tuple[int, ...], watchers: Watchers
) -> Verdict:
    """Train the checkout's candidate seeds and judge them against a stored baseline."""
    baseline = read_baseline(baseline_name, workspace.baselines)
    plan = make_plan(baseline, Terms.of(benchmark), seeds)
    for warning in forecast(baseline.run_set(), plan, len(seeds)):
        watchers.told(warning)
    board = train(workspace, benchmark, seeds, watchers)
    candidate = trained_runs(workspace, board.grid, seeds, watchers)
    candidate = replace(candidate, reference=f"checkout {board.grid.variant.name}, seeds {format_seeds(seeds)}")
    occasion = _occasion(
        cells_trained=board.trained,
        cells_known=board.known,
        failures=tuple(FailureRecord(label=f.label, why=f.why, log_tail=f.log_tail) for f in board.failures),
        fresh_seeds=lambda count: f"rlops gate {benchmark.name} --seeds {format_seeds(_next(seeds, count))}",
    )
    beforehand = definition_findings(baseline, benchmark)
    return judge(baseline.run_set(), candidate, plan, occasion, tuple(beforehand))


def compare_references(workspace: Workspace, a: str, b: str, terms: Terms, watchers: Watchers) -> Verdict:
    """Judge run set `b` against `a`, on data that exist."""
    before, after = parse_reference(a), parse_reference(b)
    beforehand: list[Finding] = []
    if before.kind == "baseline":
        baseline = _baseline(workspace, before)
        beforehand += definition_findings(baseline, terms.benchmark)
        if terms.benchmark is None:
            frozen = Metric(name=baseline.metric, step=baseline.step, direction=baseline.direction)
            terms = replace(terms, metric=frozen)
    names = metric_name(before, terms.metric.name), metric_name(after, terms.metric.name)
    beforehand += metric_findings(*names)
    terms = replace(terms, metric=terms.metric.model_copy(update={"name": names[1]}))
    candidate = load_run_set(workspace, after, terms, watchers)
    if before.kind == "baseline":
        runs = baseline.run_set()
    else:
        named = replace(terms, metric=terms.metric.model_copy(update={"name": names[0]}))
        runs = load_run_set(workspace, before, named, watchers)
        budgets = _budgets(terms, runs, candidate)
        beforehand += horizon_findings(runs, candidate, budgets)
        baseline = Freezing(terms.metric, terms.margins, budgets, random_scores={}).freeze(a, runs)
    plan = make_plan(baseline, terms)
    return judge(replace(runs, reference=a), replace(candidate, reference=b), plan, _occasion(), tuple(beforehand))


def load_run_set(workspace: Workspace, reference: Reference, terms: Terms, watchers: Watchers) -> RunSet:
    """The runs that a reference names."""
    if reference.kind == "baseline":
        return _baseline(workspace, reference).run_set()
    return _loader(workspace, terms.metric, watchers).runs(reference)


def freeze_baseline(
    name: str,
    run_set: RunSet,
    terms: Terms,
    random_scores: Callable[[tuple[str, ...]], dict[str, float]],
    *,
    trained_here: bool = False,
) -> Baseline:
    """The baseline of a run set; random-policy scores are measured where the metric is the environment's return."""
    sign = 1.0 if terms.metric.direction == "higher-is-better" else -1.0
    scores = random_scores(run_set.env_ids) if terms.metric.is_episodic_return else {}
    measured = {env_id: sign * score for env_id, score in scores.items()}
    freezing = Freezing(
        metric=terms.metric,
        margins=terms.margins,
        budgets=_budgets(terms, run_set),
        random_scores=measured,
        benchmark=terms.benchmark.name if terms.benchmark else None,
        benchmark_command=terms.benchmark.command if terms.benchmark and trained_here else (),
        command=_command(),
    )
    return freezing.freeze(name, run_set)


def write_verdict(workspace: Workspace, verdict: Verdict, html: str) -> Path:
    """The folder with verdict.json and report.html; the same data and plan give the same folder."""
    workspace.prepare()
    folder = workspace.verdicts / f"{verdict.benchmark or 'compare'}-{verdict.identity()[:12]}"
    write_whole(folder / "report.html", html)
    write_whole(folder / "verdict.json", verdict.to_json())
    return folder


def _baseline(workspace: Workspace, reference: Reference) -> Baseline:
    baseline = read_baseline(reference.target, workspace.baselines)
    if reference.seeds is not None:
        raise UsageError(f"'{reference.text}': a baseline is compared with all its seeds; only env_id filters it")
    return baseline if reference.env_ids is None else baseline.select(reference.env_ids)


def _budgets(terms: Terms, *run_sets: RunSet) -> dict[str, int]:
    horizons = common_horizons(*run_sets)
    return {env_id: terms.budget or horizon for env_id, horizon in horizons.items() if terms.budget or horizon > 0}


def _loader(workspace: Workspace, metric: Metric, watchers: Watchers) -> Loader:
    return Loader(Store(workspace.runs), metric, watchers.pulled)


def _next(seeds: tuple[int, ...], more: int) -> range:
    return range(max(seeds) + 1, max(seeds) + 1 + more)


def _occasion(
    cells_trained: int | None = None,
    cells_known: int | None = None,
    failures: tuple[FailureRecord, ...] = (),
    fresh_seeds: Callable[[int], str] | None = None,
) -> Occasion:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Occasion(_command(), now, cells_trained, cells_known, failures, fresh_seeds)


def _command() -> str:
    """The command line as a user can repeat it."""
    return shlex.join(["rlops", *sys.argv[1:]])
