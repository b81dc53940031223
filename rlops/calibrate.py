"""Stored runs, made ready to be split: how often is this gate wrong on them, and how often does it pass?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rlops.curves import Baseline, Reference, columns, metric_name, parse_reference, read_baseline
from rlops.errors import NoBaselineError, UsageError
from rlops.judge import Calibration, Stored, calibrate, definition_findings
from rlops.plan import Metric, Plan
from rlops.run_sets import Terms, freeze_baseline, load_run_set, make_plan, stored_baseline, today
from rlops.training import Watchers
from rlops.workspace import Workspace

FEWEST_A_SIDE = 2


@dataclass(frozen=True, eq=False)
class Splitting:
    """A run set with the plan of a gate that trains as many candidate seeds as a split gives."""

    baseline: Baseline
    plan: Plan

    @property
    def left_out(self) -> dict[str, int]:
        """Environment -> how many of its runs cannot be scored; only those that have some."""
        return {item.env_id: len(item.left_out) for item in self.baseline.environments if item.left_out}

    def calibrate(self, splits: int, seed: int, advanced: Callable[[int], None] = lambda _splits: None) -> Calibration:
        """Judge the splits; arguments as in `judge.calibrate`."""
        runs = {item.env_id: item.runs for item in self.baseline.environments}
        stored = [
            Stored(
                plan=item,
                seeds=tuple(run.seed for run in runs[item.env_id]),
                columns=columns(np.array([run.curve for run in runs[item.env_id]])),
            )
            for item in self.plan.environments
        ]
        return calibrate(self.plan, stored, self.baseline.margins, splits, seed, advanced)


def splitting(
    workspace: Workspace, text: str, terms: Terms, watchers: Watchers, n_candidate: int | None = None
) -> Splitting:
    """The runs that the reference `text` names, ready to be split into stored ones and `n_candidate` (default: half).

    Raises:
        UsageError: an environment has too few runs.
        NoBaselineError: no environment has any, or the stored baseline is of another definition than the benchmark.
    """
    baseline, terms = _frozen(workspace, text, terms, watchers)
    whole = make_plan(baseline, terms)
    counts = {item.env_id: item.n_baseline for item in whole.environments}
    if n_candidate is None:
        few = {env_id: count for env_id, count in counts.items() if count < 2 * FEWEST_A_SIDE}
        _refuse(text, few, f"a split needs {FEWEST_A_SIDE} runs a side, so {2 * FEWEST_A_SIDE} in each environment")
        n_candidate = min(counts.values()) // 2
    few = {env_id: count for env_id, count in counts.items() if count - n_candidate < FEWEST_A_SIDE}
    _refuse(text, few, f"{n_candidate} candidate seeds leave fewer than {FEWEST_A_SIDE} stored runs")
    return Splitting(baseline, make_plan(baseline, terms, tuple(range(n_candidate))))


def baseline_to_tell(workspace: Workspace, reference: Reference) -> Baseline:
    """The stored baseline whose file may keep the rates found for `reference`; UsageError where none may."""
    if reference.kind != "baseline" or reference.filters:
        raise UsageError(f"'{reference.text}': --save writes into a baseline's file, so it wants a whole baseline")
    stored = read_baseline(reference.target, workspace.baselines)
    if stored.in_force(today()) is not stored:
        raise UsageError(
            f"'{reference.text}': an accepted regression is in force; the rates would be those of the accepted runs. "
            "Leave out --save, or save the baseline again first"
        )
    return stored


def _frozen(workspace: Workspace, text: str, terms: Terms, watchers: Watchers) -> tuple[Baseline, Terms]:
    """All runs as a baseline, and the terms with their metric."""
    reference = parse_reference(text)
    if reference.kind == "baseline":
        baseline = stored_baseline(workspace, reference)
        for finding in definition_findings(baseline, terms.benchmark):
            if finding.severity == "not-comparable":
                raise NoBaselineError(f"'{text}': {finding.detail}; a gate would not compare them: save it again")
        metric = Metric(name=baseline.metric, step=baseline.step, direction=baseline.direction)
        return baseline, replace(terms, metric=metric)
    name = metric_name(reference, terms.metric.name)
    terms = replace(terms, metric=terms.metric.model_copy(update={"name": name}))
    runs = load_run_set(workspace, reference, terms, watchers, "baseline")
    baseline = freeze_baseline(text, runs, terms, random_scores=lambda _env_ids: {})
    kept = {item.env_id for item in baseline.environments}
    wanted = terms.benchmark.environments if terms.benchmark else runs.env_ids
    _refuse(text, dict.fromkeys(env_id for env_id in wanted if env_id not in kept), "fewer than two sound runs")
    return baseline, terms


def _refuse(text: str, few: Mapping[str, int | None], why: str) -> None:
    if few:
        named = ", ".join(
            env_id if count is None else f"{env_id} ({count} sound runs)" for env_id, count in few.items()
        )
        raise UsageError(f"'{text}': {why}: {named}; train more seeds, or choose other environments with ?env_id=...")
