"""Run sets as users name them, and the answers to be had from data that exist. Nothing here trains."""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

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
from rlops.errors import RunsFailedError, UsageError
from rlops.files import write_whole
from rlops.judge import (
    CommitRecord,
    FailureRecord,
    Finding,
    NextStep,
    Occasion,
    Verdict,
    definition_findings,
    forecast,
    horizon_findings,
    judge,
    metric_findings,
)
from rlops.launch import Board, look
from rlops.plan import (
    Benchmark,
    Grid,
    Margins,
    Metric,
    Plan,
    Policy,
    Repository,
    commits_between,
    expand,
    format_seeds,
    planned_looks,
    version,
)
from rlops.strangers import redacted
from rlops.training import Watchers
from rlops.workspace import Workspace

MOST_COMMITS = 30
"""That a report names (arbitrary)."""
Side = Literal["baseline", "candidate"]


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


def tell_forecast(watchers: Watchers, n_baseline: Mapping[str, int], policy: Policy, n_candidate: int) -> None:
    """What so many seeds cannot show is said before any of them is trained."""
    for warning in forecast(n_baseline, policy, n_candidate):
        watchers.told(warning)


def make_plan(baseline: Baseline, terms: Terms, seeds: tuple[int, ...] | None = None, *, looks: bool = True) -> Plan:
    """The plan, frozen from the baseline alone: nothing of the candidate goes in.

    Without `looks` the data are looked at once, whatever there is.
    """
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
        looks=planned_looks(terms.policy, len(seeds)) if seeds and looks else (),
        calibrated=baseline.calibrated,
    )


def trained_runs(workspace: Workspace, grid: Grid, watchers: Watchers) -> RunSet:
    """The run set of a grid, as far as it was trained here."""
    folder = workspace.cells / grid.name
    if not look([grid], workspace.cells).known_keys:
        return RunSet(f"dir:{folder}", (), grid.variant.provenance.to_json())
    filters = {"seed": (format_seeds(grid.seeds),), "env_id": grid.benchmark.environments}
    reference = Reference(f"dir:{folder}", "dir", str(folder), filters)
    found = _loader(workspace, grid.benchmark.metric, watchers).runs(reference)
    # A store may have the cells from another checkout or snapshot of the same code.
    commit = {key: grid.variant.provenance.to_json()[key] for key in ("git_commit", "git_dirty")}
    return replace(found, provenance={**found.provenance, **commit})


def version_grid(workspace: Workspace, reference: Reference, benchmark: Benchmark, side: Side) -> Grid:
    """The grid of a git: reference, in a worktree of its own; seeds are its own, else the benchmark's for `side`."""
    workspace.prepare()
    repository = Repository.around(workspace.root)
    if not reference.filters.keys() <= {"env_id", "seed"}:
        raise UsageError(f"'{reference.text}': versions from git are filtered by env_id and seed only")
    wanted = reference.env_ids
    if wanted is not None:
        if not wanted <= set(benchmark.environments):
            names = ", ".join(sorted(wanted.difference(benchmark.environments)))
            raise UsageError(f"'{reference.text}': the benchmark '{benchmark.name}' has no {names}")
        chosen = tuple(env_id for env_id in benchmark.environments if env_id in wanted)
        benchmark = benchmark.model_copy(update={"environments": chosen})
    seeds = getattr(benchmark.seeds, side) if reference.seeds is None else tuple(sorted(reference.seeds))
    commit = repository.resolve(reference.target)
    return expand(benchmark, version(repository, commit, benchmark, workspace.store), seeds)


def compare_references(workspace: Workspace, a: str, b: str, terms: Terms, watchers: Watchers) -> Verdict:
    """Judge run set `b` against `a`, on data that exist."""
    before, after = parse_reference(a), parse_reference(b)
    beforehand: list[Finding] = []
    if before.kind == "baseline":
        baseline = stored_baseline(workspace, before)
        beforehand += definition_findings(baseline, terms.benchmark)
        if terms.benchmark is None:
            frozen = Metric(name=baseline.metric, step=baseline.step, direction=baseline.direction)
            terms = replace(terms, metric=frozen)
    names = metric_name(before, terms.metric.name), metric_name(after, terms.metric.name)
    beforehand += metric_findings(*names)
    terms = replace(terms, metric=terms.metric.model_copy(update={"name": names[1]}))
    candidate = load_run_set(workspace, after, terms, watchers, "candidate")
    if before.kind == "baseline":
        runs = baseline.run_set()
    else:
        named = replace(terms, metric=terms.metric.model_copy(update={"name": names[0]}))
        runs = load_run_set(workspace, before, named, watchers, "baseline")
        budgets = budgets_of(terms, runs, candidate)
        beforehand += horizon_findings(runs, candidate, budgets)
        baseline = Freezing(terms.metric, terms.margins, budgets, random_scores={}).freeze(a, runs)
    plan = make_plan(baseline, terms)
    sides = replace(runs, reference=before.label), replace(candidate, reference=after.label)
    return judge(*sides, plan, occasion(), tuple(beforehand))


def stored_baseline(workspace: Workspace, reference: Reference) -> Baseline:
    """The baseline that a reference names, of the environments that it filters."""
    baseline = read_baseline(reference.target, workspace.baselines).in_force(today())
    if reference.seeds is not None:
        raise UsageError(f"'{reference.text}': a baseline is compared with all its seeds; only env_id filters it")
    return baseline if reference.env_ids is None else baseline.select(reference.env_ids)


def load_run_set(workspace: Workspace, reference: Reference, terms: Terms, watchers: Watchers, side: Side) -> RunSet:
    """The runs that a reference names; of a version from git those that `side` has in the benchmark."""
    if reference.kind == "baseline":
        return stored_baseline(workspace, reference).run_set()
    if reference.kind == "git":
        if terms.benchmark is None:
            raise UsageError(f"'{reference.text}': a version has runs of a benchmark; say which: --benchmark NAME")
        grid = version_grid(workspace, reference, terms.benchmark, side)
        runs = trained_runs(workspace, grid, watchers)
        if not runs.runs:
            raise not_trained(reference.text, grid)
        return runs
    return _loader(workspace, terms.metric, watchers).runs(reference)


def not_trained(reference: str, grid: Grid) -> RunsFailedError:
    """The error of a version of which nothing is known."""
    return RunsFailedError(
        f"'{reference}': nothing of version {grid.variant.name} was trained here; train it: "
        f"rlops run {grid.benchmark.name} {shlex.quote(reference)} --seeds {format_seeds(grid.seeds)}"
    )


def freeze_baseline(
    name: str,
    run_set: RunSet,
    terms: Terms,
    random_scores: Callable[[tuple[str, ...]], dict[str, float]],
    grid: Grid | None = None,
) -> Baseline:
    """The baseline of a run set; random-policy scores are measured where the metric is the environment's return.

    `grid`: what was trained for it, None where the runs come from elsewhere.
    """
    sign = 1.0 if terms.metric.direction == "higher-is-better" else -1.0
    scores = random_scores(run_set.env_ids) if terms.metric.is_episodic_return else {}
    measured = {env_id: sign * score for env_id, score in scores.items()}
    freezing = Freezing(
        metric=terms.metric,
        margins=terms.margins,
        budgets=budgets_of(terms, run_set),
        random_scores=measured,
        benchmark=terms.benchmark.name if terms.benchmark else None,
        benchmark_command=grid.benchmark.command if grid else (),
        benchmark_key=grid.key if grid else None,
        command=_command(),
    )
    return freezing.freeze(name, run_set)


def occasion(boards: Sequence[Board] = (), fresh_seeds: Callable[[int], str] | None = None) -> Occasion:
    """How an answer came about: now, by this command line, with what these boards trained or knew."""
    stopped = next((board for board in boards if board.out_of_time), None)
    trained = {key for board in boards for key in board.trained_keys}
    known = {key for board in boards for key in board.known_keys} - trained
    failures = {failure.log: failure for board in reversed(boards) for failure in reversed(board.failures)}
    return Occasion(
        command=_command(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        cells_trained=len(trained) if boards else None,
        cells_known=len(known) if boards else None,
        failures=tuple(
            FailureRecord(label=f.label, why=f.why, log_tail=f.log_tail) for f in reversed(failures.values())
        ),
        fresh_seeds=fresh_seeds,
        to_go_on=_to_go_on(stopped) if stopped else None,
    )


def _to_go_on(stopped: Board) -> NextStep:
    """What has ended is known to the next call: the same command loses nothing."""
    seconds = [stopped.estimate.seconds(group.env_id, len(group.cells)) for group in stopped.left]
    minutes = None if None in seconds else sum(value or 0.0 for value in seconds) / 60
    text = f"the same command goes on: {stopped.cells_left} cells more to the next look"
    return NextStep(text=text, command=_command(), minutes=minutes)


def with_commits(workspace: Workspace, verdict: Verdict) -> Verdict:
    """The verdict, with the commits between its two versions as far as this clone knows them."""
    before, after = verdict.baseline.git_commit, verdict.candidate.git_commit
    if not before or not after:
        return verdict
    try:
        repository = Repository.around(workspace.root)
    except UsageError:
        return verdict
    found, left_out = commits_between(repository, before, after, MOST_COMMITS)
    told = tuple(CommitRecord(commit=one.id, author=one.author, date=one.date, subject=one.subject) for one in found)
    return verdict.model_copy(update={"commits": told, "commits_left_out": left_out})


def write_verdict(workspace: Workspace, verdict: Verdict, html: str) -> Path:
    """The folder with verdict.json and report.html; the same data and plan give the same folder."""
    workspace.prepare()
    folder = workspace.verdicts / f"{verdict.benchmark or 'compare'}-{verdict.identity()[:12]}"
    write_whole(folder / "report.html", html)
    write_whole(folder / "verdict.json", verdict.to_json())
    return folder


def budgets_of(terms: Terms, *run_sets: RunSet) -> dict[str, int]:
    """Up to which step each environment of the first set is judged: as asked for, else to where all sets reach."""
    horizons = common_horizons(*run_sets)
    return {env_id: terms.budget or horizon for env_id, horizon in horizons.items() if terms.budget or horizon > 0}


def _loader(workspace: Workspace, metric: Metric, watchers: Watchers) -> Loader:
    return Loader(Store(workspace.runs), metric, watchers.pulled, workspace.offline)


def today() -> date:
    """The day by which acceptances lapse."""
    return datetime.now(UTC).date()


def _command() -> str:
    """The command line as a user can repeat it."""
    return redacted(shlex.join(["rlops", *sys.argv[1:]]))
