"""The loop: plan, launch, pull, compare, judge. What joins the wings, for the verbs that train."""

import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from rlops.change import Answering, Change
from rlops.curves import Baseline, RunSet, read_baseline
from rlops.errors import NoBaselineError, UsageError
from rlops.judge import (
    Finding,
    NextStep,
    Verdict,
    definition_findings,
    dependency_findings,
    gate_findings,
    no_baseline_yet,
    nothing_judged,
    outside_findings,
    write_up,
)
from rlops.looks import Looks, asked_for, confirming_seeds
from rlops.plan import (
    Benchmark,
    Grid,
    Repository,
    Variant,
    checkout,
    dependency_files_changed,
    expand,
    find_benchmark,
    format_seeds,
    fresh_seeds,
    read_benchmark,
    version,
)
from rlops.run_sets import Terms, make_plan, occasion, tell_forecast, today, trained_runs
from rlops.training import HERE, Launching, OutOfTime, Watchers, train
from rlops.workspace import Workspace


def gate(
    workspace: Workspace,
    benchmark: Benchmark,
    baseline_name: str,
    seeds: tuple[int, ...],
    watchers: Watchers,
    launching: Launching = HERE,
) -> Verdict:
    """Train the checkout's candidate seeds and judge them against a stored baseline."""
    variant = checkout(workspace.root, benchmark)
    try:
        baseline = read_baseline(baseline_name, workspace.baselines).in_force(today())
    except NoBaselineError as error:
        step = NextStep(
            text="train and save a baseline on the main branch, commit it, then ask again",
            command=shlex.join(["rlops", "baseline", "save", baseline_name, *_of(benchmark, baseline_name)]),
        )
        return no_baseline_yet(benchmark, _nothing(variant, "checkout"), occasion(), str(error), step)
    plan = make_plan(baseline, Terms.of(benchmark), seeds)
    n_baseline = {item.env_id: len(item.runs) for item in baseline.environments}
    tell_forecast(watchers, n_baseline, plan.policy, len(seeds))
    runs = baseline.run_set()
    looks = Looks(
        plan=plan,
        head=expand(benchmark, variant, seeds),
        fill=lambda grids: train(workspace, grids, watchers, launching),
        read=lambda grid: trained_runs(workspace, grid, watchers),
        watchers=watchers,
        base=lambda: _confirming(workspace, benchmark, baseline, seeds),
    )
    beforehand = tuple(definition_findings(baseline, benchmark))
    try:
        case = looks.decide(runs, beforehand)
    except OutOfTime as stopped:
        came_about = occasion([*looks.boards, stopped.board])
        left = stopped.board.cells_left
        return nothing_judged(benchmark, runs, _nothing(variant, "checkout"), came_about, left, beforehand)
    reference = f"checkout {variant.name}, seeds {asked_for(case)}"
    came_about = occasion(
        looks.boards, lambda count: f"rlops gate {benchmark.name} --seeds {fresh_seeds(seeds, count)}"
    )
    return write_up(replace(case, candidate=replace(case.candidate, reference=reference)), came_about)


def _of(benchmark: Benchmark, baseline_name: str) -> list[str]:
    """The option without which a baseline of another name has no benchmark."""
    return [] if baseline_name == benchmark.name else ["--benchmark", benchmark.name]


def _confirming(workspace: Workspace, benchmark: Benchmark, baseline: Baseline, seeds: tuple[int, ...]) -> Grid | None:
    """Fresh seeds of the code that a stored baseline was made of; None where that is not to be had."""
    commit = baseline.provenance.get("git_commit")
    if not benchmark.policy.confirm or not commit or baseline.provenance.get("git_dirty"):
        return None
    stored = [run.seed for run in baseline.run_set().runs]
    try:
        repository = Repository.around(workspace.root)
        variant = version(repository, repository.resolve(commit), benchmark, workspace.store)
    except UsageError:
        return None  # the commit is not in this clone
    grid = expand(benchmark, variant, confirming_seeds(benchmark.policy.confirm, stored, seeds))
    return grid if grid.key == baseline.benchmark_key else None


@dataclass(frozen=True)
class Base:
    """Where a gate against a branch gets its rules from: the merge base, in a worktree of its own."""

    workspace: Workspace
    repository: Repository
    ref: str
    commit: str
    root: Path

    @classmethod
    def find(cls, workspace: Workspace, ref: str) -> "Base":
        """The merge base of HEAD and `ref`."""
        repository = Repository.around(workspace.root)
        commit = repository.merge_base(ref, "HEAD")
        workspace.prepare()
        return cls(workspace, repository, ref, commit, repository.worktree(commit, workspace.store / "worktrees"))

    @property
    def name(self) -> str:
        """What people call it."""
        return f"merge base with {self.ref}"

    def benchmark(self, reference: str) -> Benchmark | None:
        """The benchmark as the base has it, None where it has none."""
        path = self._own(reference)
        return read_benchmark(path) if path.is_file() else None

    def baseline(self, benchmark: Benchmark, variant: Variant, name: str | None, watchers: Watchers) -> Baseline | None:
        """The stored baseline to judge against: the one asked for, else the benchmark's if it was made of this code."""
        try:
            stored = read_baseline(name or self._usual_baseline(benchmark), self.root / "baselines").in_force(today())
        except NoBaselineError:
            if name is not None:
                raise
            return None
        missing = set(benchmark.environments).difference(item.env_id for item in stored.environments)
        if name is not None:
            if missing:
                raise NoBaselineError(f"the baseline '{name}' has no {', '.join(sorted(missing))}; name another one")
            return stored
        if not missing and stored.benchmark_key == expand(benchmark, variant, ()).key:
            return stored
        watchers.told(
            f"the stored baseline '{stored.name}' is of other code, packages or environments than the {self.name}; "
            f"that is trained instead, seeds {format_seeds(benchmark.seeds.baseline)}"
        )
        return None

    def findings(self, reference: str, benchmark: Benchmark, head: str, baseline_name: str | None) -> list[Finding]:
        """What the change does to the files that judge it, and to those that say what is to be installed."""
        theirs: Benchmark | str
        name = self._own(reference).relative_to(self.root)
        try:
            theirs = read_benchmark(self.repository.worktree(head, self.workspace.store / "worktrees") / name)
        except UsageError as error:
            theirs = f"the change leaves no valid {name}: {str(error).splitlines()[0]}"
        stored = f"baselines/{baseline_name or self._usual_baseline(benchmark)}.json"
        found = gate_findings(benchmark, theirs, self.repository.changed(self.commit, head, [stored]))
        changed = self.repository.changed(self.commit, head, [":(glob)**/*.py"])
        found += outside_findings(changed, benchmark.code)
        if not benchmark.dependencies.lock:
            found += dependency_findings(dependency_files_changed(self.repository, self.commit, head))
        return found

    def _usual_baseline(self, benchmark: Benchmark) -> str:
        return benchmark.baseline or benchmark.name

    def _own(self, reference: str) -> Path:
        """Where the base has the benchmark's file."""
        path = Path(reference) if reference.endswith(".toml") else Path("benchmarks", f"{reference}.toml")
        if path.is_absolute() and not path.is_relative_to(self.workspace.root):
            raise UsageError(f"{path} lies outside of the repository, so it has no version at the {self.name}")
        return self.root / (path.relative_to(self.workspace.root) if path.is_absolute() else path)


def gate_change(
    workspace: Workspace,
    reference: str,
    ref: str,
    baseline_name: str | None,
    seeds: tuple[int, ...] | None,
    watchers: Watchers,
    launching: Launching = HERE,
) -> Verdict:
    """Judge the checkout, uncommitted changes included, against the merge base with `ref`, by that one's rules."""
    base = Base.find(workspace, ref)
    benchmark = base.benchmark(reference)
    if benchmark is None:
        return _not_at_the_base(base, reference)
    before = version(base.repository, base.commit, benchmark, workspace.store)
    head = base.repository.snapshot(benchmark.code)
    now = version(base.repository, head, benchmark, workspace.store)
    options = ["--base", ref, *(["--baseline", baseline_name] if baseline_name else [])]
    change = Change(
        benchmark=benchmark,
        base=before,
        head=now,
        base_name=base.name,
        # On GitHub the checkout is a detached merge commit; the branch's name is told.
        head_name=base.repository.branch() or os.environ.get("GITHUB_HEAD_REF") or "HEAD",
        seeds=seeds or benchmark.seeds.candidate,
        stored=base.baseline(benchmark, before, baseline_name, watchers),
        findings=tuple(base.findings(reference, benchmark, head, baseline_name)),
        again=lambda fresh: shlex.join(["rlops", "gate", reference, *options, "--seeds", fresh]),
    )
    return Answering(workspace, change, lambda grids: train(workspace, grids, watchers, launching), watchers).verdict()


def _not_at_the_base(base: Base, reference: str) -> Verdict:
    """A change that introduces a benchmark: nothing can be compared before it is merged."""
    benchmark = read_benchmark(find_benchmark(reference, base.workspace.root))
    variant = checkout(base.workspace.root, benchmark)
    step = NextStep(
        text=f"merge the benchmark first; the gate begins with the next change. To try it here: rlops run {reference}"
    )
    why = f"the {base.name} ({base.commit[:7]}) has no benchmark '{reference}'"
    return no_baseline_yet(benchmark, _nothing(variant, "checkout"), occasion(), why, step)


def _nothing(variant: Variant, name: str) -> RunSet:
    return RunSet(f"{name} {variant.name}", (), variant.provenance.to_json())
