"""A change: two versions of the code under one definition. From what is the same, to Stage 0, to the statistics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rlops.curves import Baseline, Reference, RunSet, sound_runs
from rlops.errors import NoBaselineError, UsageError
from rlops.judge import (
    IDENTICAL_SEEDS,
    Finding,
    Occasion,
    Verdict,
    Word,
    definition_findings,
    judge,
    missing_baseline_findings,
    nothing_judged,
    unchanged,
    write_up,
)
from rlops.launch import Board, look, random_scores
from rlops.looks import Filler, Looks, asked_for, confirming_seeds
from rlops.plan import Benchmark, Grid, Variant, expand, format_seeds, fresh_seeds, planned_looks
from rlops.run_sets import (
    Terms,
    freeze_baseline,
    make_plan,
    not_trained,
    occasion,
    tell_forecast,
    trained_runs,
    version_grid,
)
from rlops.training import OutOfTime, Watchers
from rlops.workspace import Workspace


@dataclass(frozen=True)
class Change:
    """The two versions, what people call them, and what is known before anything is trained.

    `stored`: a baseline to judge against; without one the base's own runs are. `asked`: must all `seeds` be there, or
    only those that were trained? `again(seeds)`: the command line that asks the same with other candidate seeds.
    """

    benchmark: Benchmark
    base: Variant
    head: Variant
    base_name: str
    head_name: str
    seeds: tuple[int, ...]
    stored: Baseline | None = None
    findings: tuple[Finding, ...] = ()
    asked: bool = True
    again: Callable[[str], str] | None = None


def compare_versions(workspace: Workspace, a: Reference, b: Reference, terms: Terms, watchers: Watchers) -> Verdict:
    """Judge a version from git against another one, on what is known of both; the way is that of a gate."""
    if terms.benchmark is None:
        raise UsageError(f"'{a.text}': a version has runs of a benchmark; say which: --benchmark NAME")
    rules = {"policy": terms.policy, "margins": terms.margins}
    benchmark = terms.benchmark.model_copy(update=rules)
    base, head = version_grid(workspace, a, benchmark, "baseline"), version_grid(workspace, b, benchmark, "candidate")
    if base.benchmark.environments != head.benchmark.environments:
        raise UsageError(f"'{a.text}' and '{b.text}' name other environments")
    seeds = base.benchmark.seeds.model_copy(update={"baseline": base.seeds})
    change = Change(
        benchmark=base.benchmark.model_copy(update={"seeds": seeds}),
        base=base.variant,
        head=head.variant,
        base_name=a.text,
        head_name=b.text,
        seeds=head.seeds,
        asked=b.seeds is not None,
    )
    if base.key != head.key:
        for reference, grid in ((a, base), (b, head)):
            either = (grid, expand(benchmark, grid.variant, head.seeds))
            if not look(either, workspace.cells).known_keys:
                raise not_trained(reference.text, grid)
    return Answering(workspace, change, lambda grids: look(grids, workspace.cells), watchers, looks=False).verdict()


@dataclass
class Answering:
    """The way from a change to its verdict. `fill` brings grids as far as it may and says how they stand.

    Without `looks` the data are looked at once, whatever there is.
    """

    workspace: Workspace
    change: Change
    fill: Filler
    watchers: Watchers
    looks: bool = True
    boards: list[Board] = field(default_factory=list)

    def verdict(self) -> Verdict:
        """The verdict; raises NoBaselineError where neither a stored baseline nor runs of the base are there."""
        try:
            return self._verdict()
        except OutOfTime as stopped:
            self.boards.append(stopped.board)
            left = stopped.board.cells_left
            sides = self._nobody()
            return nothing_judged(self.change.benchmark, *sides, self._occasion(), left, self.change.findings)

    def _verdict(self) -> Verdict:
        change = self.change
        first = change.seeds[:IDENTICAL_SEEDS]
        base, head = expand(change.benchmark, change.base, first), expand(change.benchmark, change.head, first)
        if base.key == head.key:
            return unchanged(change.benchmark, *self._nobody(), occasion(), change.findings)
        self.boards.append(self.fill([base, head]))
        twins = self._runs(base)
        stage_zero = self._stage_zero(twins, head) if self._done(base) and self._done(head) else None
        return stage_zero or self._with_statistics(twins)

    def _done(self, grid: Grid) -> bool:
        done = {key for board in self.boards for key in board.known_keys | board.trained_keys}
        return all(cell.key in done for cell in grid.cells)

    def _stage_zero(self, twins: RunSet, head: Grid) -> Verdict | None:
        """The verdict that needs no statistics: bit-equal everywhere, or somewhere no run of the candidate ended."""
        baseline = self.change.stored or self._frozen(twins, lambda _: {})
        if self.change.stored is None:
            self._check_base(twins)
        if baseline is None or len(baseline.environments) < len(self.change.benchmark.environments):
            return None
        plan = make_plan(baseline, Terms.of(self.change.benchmark), head.seeds, looks=False)
        verdict = judge(twins, self._runs(head), plan, occasion(self.boards), self.change.findings)
        nothing_ended = any(item.n_candidate == 0 for item in verdict.environments)
        return verdict if verdict.verdict is Word.IDENTICAL or nothing_ended else None

    def _with_statistics(self, twins: RunSet) -> Verdict:
        change, benchmark = self.change, self.change.benchmark
        head = expand(benchmark, change.head, change.seeds)
        if change.stored is not None:
            self._tell_forecast({item.env_id: len(item.runs) for item in change.stored.environments})
            baseline, runs, found = change.stored, self._stored_runs(change.stored), []
        else:
            base = expand(benchmark, change.base, benchmark.seeds.baseline)
            self._tell_forecast(dict.fromkeys(benchmark.environments, len(base.seeds)))
            first = planned_looks(benchmark.policy, len(head.seeds))[0] if self.looks else len(head.seeds)
            now = head.only(dict.fromkeys(benchmark.environments, head.seeds[:first]))
            self.boards.append(self.fill([base, now]))
            trained = self._runs(base)
            baseline = self._trained_baseline(trained)
            kept = {(run.env_id, run.seed) for run in baseline.run_set().runs}
            runs = replace(trained, runs=tuple(run for run in trained.runs if (run.env_id, run.seed) in kept))
            found = missing_baseline_findings(baseline, dict.fromkeys(benchmark.environments, base.seeds))
        beforehand = (*change.findings, *found, *definition_findings(baseline, benchmark))
        seeds = head.seeds if change.asked else None
        plan = make_plan(baseline, Terms.of(benchmark), seeds, looks=self.looks)
        if not self.looks:
            self.boards.append(self.fill([head]))
            return judge(runs, self._runs(head), plan, self._occasion(), beforehand, twins)
        fresh = confirming_seeds(benchmark.policy.confirm, [run.seed for run in runs.runs], head.seeds)
        looks = Looks(
            plan=plan,
            head=head,
            fill=self.fill,
            read=lambda grid: trained_runs(self.workspace, grid, self.watchers),
            watchers=self.watchers,
            base=lambda: expand(benchmark, change.base, fresh) if fresh and self._is_base(baseline) else None,
            boards=self.boards,
        )
        case = looks.decide(runs, beforehand, twins)
        reference = f"{change.head_name}, seeds {asked_for(case)}"
        return write_up(replace(case, candidate=replace(case.candidate, reference=reference)), self._occasion())

    def _is_base(self, baseline: Baseline) -> bool:
        """Was the baseline made of just the base's code?"""
        stored = self.change.stored
        return stored is None or baseline.benchmark_key == expand(self.change.benchmark, self.change.base, ()).key

    def _occasion(self) -> Occasion:
        return occasion(self.boards, self._fresh_seeds)

    def _trained_baseline(self, trained: RunSet) -> Baseline:
        environments = self.change.benchmark.environments
        frozen = self._frozen(trained, random_scores)
        there = {item.env_id for item in frozen.environments} if frozen else set()
        missing = [env_id for env_id in environments if env_id not in there]
        if frozen is None or missing:
            raise self._no_base("fewer than two sound runs", missing)
        return frozen

    def _check_base(self, twins: RunSet) -> None:
        """Where none of the base's first runs came to a good end, the others are not waited for."""
        benchmark = self.change.benchmark
        ended = {env_id for env_id in benchmark.environments if sound_runs(twins.of(env_id), benchmark.budget)}
        missing = [env_id for env_id in benchmark.environments if env_id not in ended]
        if missing:
            raise self._no_base("no sound run among the first seeds", missing)

    def _no_base(self, what: str, env_ids: Sequence[str]) -> NoBaselineError:
        return NoBaselineError(
            f"{self.change.base_name}: {what} of {', '.join(env_ids)}, so there is nothing to compare with; see what "
            "failed above and mend the base first, or compare with a stored baseline (--baseline NAME)"
        )

    def _stored_runs(self, stored: Baseline) -> RunSet:
        """The runs of a stored baseline; where it was made of just the base's code, they are the base's."""
        runs = stored.run_set()
        if not self._is_base(stored):
            return replace(runs, reference=f"baseline:{stored.name}")
        commit = {"git_commit": self.change.base.provenance.git_commit}
        reference = f"{self.change.base_name}, stored as baseline:{stored.name}"
        return replace(runs, reference=reference, provenance={**runs.provenance, **commit})

    def _runs(self, grid: Grid) -> RunSet:
        return self._named(trained_runs(self.workspace, grid, self.watchers), grid)

    def _nobody(self) -> tuple[RunSet, RunSet]:
        """Both sides, without runs."""
        base, head = (expand(self.change.benchmark, one, ()) for one in (self.change.base, self.change.head))
        before, now = (self._named(RunSet("", (), grid.variant.provenance.to_json()), grid) for grid in (base, head))
        return before, now

    def _named(self, runs: RunSet, grid: Grid) -> RunSet:
        name = self.change.head_name if grid.variant is self.change.head else self.change.base_name
        seeds = f", seeds {format_seeds(grid.seeds)}" if runs.runs else ""
        return replace(runs, reference=f"{name}{seeds}")

    def _frozen(self, runs: RunSet, scores: Callable[[tuple[str, ...]], dict[str, float]]) -> Baseline | None:
        try:
            return freeze_baseline(self.change.benchmark.name, runs, Terms.of(self.change.benchmark), scores)
        except NoBaselineError:
            return None

    def _tell_forecast(self, n_baseline: dict[str, int]) -> None:
        tell_forecast(self.watchers, n_baseline, self.change.benchmark.policy, len(self.change.seeds))

    def _fresh_seeds(self, count: int) -> str:
        return self.change.again(fresh_seeds(self.change.seeds, count)) if self.change.again else ""
