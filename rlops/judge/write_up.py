"""From a decision to the record: sentences, rows, curves, cost. What is written here is what every renderer shows."""

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from rlops import __version__
from rlops.curves import Run, RunSet, auc, fault_of, final, grid_steps
from rlops.judge.compare import Comparison, EnvironmentComparison
from rlops.judge.method import method, smallest_loss
from rlops.judge.record import (
    Cost,
    CurveBand,
    Curves,
    EnvironmentVerdict,
    FailureRecord,
    Finding,
    NextStep,
    PolicyRecord,
    RunRow,
    Side,
    SideRecord,
    Suite,
    Verdict,
    Word,
)
from rlops.judge.verdict import Decision
from rlops.plan import Plan
from rlops.stats import Floats, mean_interval, minimum_detectable_effect, seeds_needed

WORST_FIRST = (
    Word.REGRESSED,
    Word.FAILED,
    Word.NOT_COMPARABLE,
    Word.INCONCLUSIVE,
    Word.EQUIVALENT,
    Word.IMPROVED,
    Word.IDENTICAL,
)
PICTURE_DIGITS = 5
MOST_NAMED = 3
SEVERITIES = ("not-comparable", "failed", "warning", "note")


@dataclass(frozen=True)
class Occasion:
    """How a verdict came about: the command, when, what was trained, what failed, the command that would add seeds."""

    command: str
    created_at: str
    cells_trained: int | None = None
    cells_known: int | None = None
    failures: tuple[FailureRecord, ...] = ()
    more_seeds: Callable[[int], str] | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """Everything the record is written from."""

    plan: Plan
    baseline: RunSet
    candidate: RunSet
    comparison: Comparison
    findings: Sequence[Finding]
    decision: Decision
    occasion: Occasion


def write_up(case: Case) -> Verdict:
    """The record of a decision."""
    plan, decision = case.plan, case.decision
    environments = sorted((_environment(case, item) for item in case.comparison.environments), key=_worst_first)
    together = RunSet("", (*case.baseline.runs, *case.candidate.runs))
    return Verdict(
        verdict=decision.word,
        exit_code=decision.exit_code(plan.policy.inconclusive),
        sentence=sentence(decision.word, environments),
        benchmark=plan.benchmark,
        metric=plan.metric.name,
        step=plan.metric.step,
        direction=plan.metric.direction,
        baseline=_side(case.baseline),
        candidate=_side(case.candidate),
        policy=PolicyRecord(
            alpha=plan.policy.alpha,
            beta=plan.policy.beta,
            strict=plan.policy.strict,
            smallest_loss=smallest_loss(plan),
        ),
        suite=_suite(case),
        counts=Counter(item.verdict for item in environments),
        environments=tuple(environments),
        findings=tuple(sorted(case.findings, key=lambda item: SEVERITIES.index(item.severity))),
        failures=case.occasion.failures,
        next_step=next_step(case, environments),
        method=method(plan, case.comparison),
        cost=_cost(case),
        data_sha256=together.data_sha256(),
        command=case.occasion.command,
        rlops_version=__version__,
        created_at=case.occasion.created_at,
    )


def sentence(word: Word, environments: Sequence[EnvironmentVerdict]) -> str:
    """The verdict in one sentence, also the report's title."""
    named = [item.env_id for item in environments if item.verdict is word]
    count, one = len(environments), len(named) == 1
    who = ", ".join(named) if len(named) <= MOST_NAMED else f"{len(named)} of {count} environments"
    everywhere = "the one environment" if count == 1 else f"all {count} environments"
    open_ones = sum(item.verdict is Word.INCONCLUSIVE for item in environments)
    sentences = {
        Word.REGRESSED: f"Regression: {who} learn{'s' if one else ''} worse",
        Word.FAILED: f"Failed: candidate runs failed or are missing in {who}",
        Word.NOT_COMPARABLE: f"Not comparable: {who}",
        Word.INCONCLUSIVE: f"Inconclusive: {who} {'is' if one else 'are'} undecided"
        if named
        else "Inconclusive: the loss over all environments together is not shown to be inside its margin",
        Word.IMPROVED: f"Improved: {who} learn{'s' if one else ''} better, and no environment worse",
        Word.IDENTICAL: f"Identical: the learning curves are bit-equal in {everywhere}",
        Word.EQUIVALENT: f"Equivalent: the mean loss is inside its margin ({open_ones} environments alone undecided)"
        if open_ones
        else f"Equivalent: a loss of a margin or more is ruled out in {everywhere}",
    }
    return sentences[word]


def next_step(case: Case, environments: Sequence[EnvironmentVerdict]) -> NextStep:
    """What to do now, with its command and cost."""
    named = [item for item in environments if item.verdict is case.decision.word]
    match case.decision.word:
        case Word.REGRESSED:
            return NextStep(
                text=f"look at {named[0].env_id} below, then run its worst seed with the change and without it",
                command=_worst_seed_command(case, named[0]),
            )
        case Word.FAILED:
            return NextStep(text="see the failed and missing runs among the findings, mend them, and run it again")
        case Word.NOT_COMPARABLE:
            return NextStep(text="see what differs among the findings; compare like with like, or save a new baseline")
        case Word.INCONCLUSIVE:
            return _more_seeds(case, environments)
        case Word.IDENTICAL:
            return NextStep(text="nothing to read on for; if the change was meant to matter, check that it was applied")
    return NextStep(text="nothing: no environment needs a look")


def _more_seeds(case: Case, environments: Sequence[EnvironmentVerdict]) -> NextStep:
    wanted = [item for item in environments if item.verdict is Word.INCONCLUSIVE] or list(environments)
    totals = [item.seeds_to_decide for item in wanted]
    if not totals or any(total is None for total in totals):
        return NextStep(text="more seeds on both sides, or a wider margin: no number of candidate seeds alone would do")
    total = max(*(cast("int", item) for item in totals), 5)
    more = max(total - min(item.n_candidate for item in wanted), 1)
    minutes = [run.minutes for run in case.candidate.runs if run.minutes is not None]
    command = case.occasion.more_seeds(more) if case.occasion.more_seeds else None
    return NextStep(
        text=f"train about {more} more candidate seeds of {_names([item.env_id for item in wanted])}",
        command=command,
        minutes=more * len(wanted) * float(np.mean(minutes)) if minutes else None,
    )


def _worst_seed_command(case: Case, environment: EnvironmentVerdict) -> str | None:
    scored = [run for run in environment.runs if run.side == "candidate" and run.final is not None and run.command]
    if not scored:
        return None
    sign = 1.0 if case.plan.higher_is_better else -1.0
    worst = min(scored, key=lambda run: sign * cast("float", run.final))
    return shlex.join(worst.command)


def _environment(case: Case, item: EnvironmentComparison) -> EnvironmentVerdict:
    word, note = case.decision.environments[item.plan.env_id]
    sign = 1.0 if case.plan.higher_is_better else -1.0
    detectable, seeds = _power(case, item)
    interval = item.interval
    return EnvironmentVerdict(
        env_id=item.plan.env_id,
        verdict=word,
        note=note,
        p_harm=item.tests.p_harm if item.tests else None,
        p_equivalent=item.tests.p_equivalent if item.tests else None,
        p_improved=item.tests.p_improved if item.tests else None,
        change=item.change,
        interval=interval,
        margin=item.plan.margin / item.plan.scale if item.plan.scale > 0 else None,
        scale=item.plan.scale,
        spread=item.plan.spread,
        random_score=sign * item.plan.random_score,
        random_score_from=item.plan.random_score_from,
        mean_baseline=_mean(sign * item.scores_baseline),
        mean_candidate=_mean(sign * item.scores_candidate),
        probability_of_improvement=item.probability_of_improvement,
        n_baseline=len(item.baseline),
        n_candidate=len(item.candidate),
        minimum_detectable_change=detectable,
        seeds_to_decide=seeds,
        budget=item.plan.budget,
        curves=_curves(item, sign),
        runs=(
            *_rows(case.baseline, item.baseline, item.grids_baseline, item, "baseline", sign),
            *_rows(case.candidate, item.candidate, item.grids_candidate, item, "candidate", sign),
        ),
    )


def _power(case: Case, item: EnvironmentComparison) -> tuple[float | None, int | None]:
    """The smallest loss found with 80 % power (fraction of scale), and the candidate seeds that show a pass with it."""
    n0, n1 = len(item.baseline), len(item.candidate)
    if item.tests is None or item.plan.scale <= 0:
        return None, None
    level = case.plan.policy.alpha / len(case.plan.environments)
    spread = _pooled_spread(item.scores_baseline, item.scores_candidate)
    if spread == 0:
        return 0.0, None
    detectable = minimum_detectable_effect(n0, n1, level) * spread / item.plan.scale
    return detectable, seeds_needed(item.plan.margin / spread, n0, case.plan.policy.beta)


def _pooled_spread(before: Floats, now: Floats) -> float:
    squares = before.var() * len(before) + now.var() * len(now)
    return float(np.sqrt(squares / (len(before) + len(now) - 2)))


def _curves(item: EnvironmentComparison, sign: float) -> Curves:
    return Curves(
        steps=_rounded(grid_steps(item.plan.budget)),
        baseline=_band(item.baseline, sign * item.grids_baseline),
        candidate=_band(item.candidate, sign * item.grids_candidate),
    )


def _band(runs: Sequence[Run], grids: Floats) -> CurveBand | None:
    if not runs:
        return None
    mean, low, high = mean_interval(grids)
    seeds = {run.seed: _rounded(grid) for run, grid in zip(runs, grids, strict=True)}
    return CurveBand(mean=_rounded(mean), low=_rounded(low), high=_rounded(high), seeds=seeds)


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(float(f"{value:.{PICTURE_DIGITS}g}") for value in values)


def _rows(
    run_set: RunSet, counted: Sequence[Run], grids: Floats, item: EnvironmentComparison, side: Side, sign: float
) -> list[RunRow]:
    position = {id(run): i for i, run in enumerate(counted)}
    rows = []
    for run in run_set.of(item.plan.env_id):
        i = position.get(id(run))
        fault = fault_of(run, item.plan.budget)
        rows.append(
            RunRow(
                side=side,
                seed=run.seed,
                state=run.state,
                counted=i is not None,
                why_not=None if i is not None else fault.detail if fault else "a copy of another run",
                final=None if i is None else sign * float(final(grids[i])),
                auc=None if i is None else sign * float(auc(grids[i])),
                last_step=run.curve.last_step,
                minutes=run.minutes,
                url=run.url,
                command=run.command,
            )
        )
    return rows


def _suite(case: Case) -> Suite | None:
    suite = case.comparison.suite
    if suite is None:
        return None
    return Suite(
        change=suite.change.estimate,
        interval=suite.change.interval(),
        margin=suite.margin,
        p_equivalent=suite.p_equivalent,
        passed=case.decision.suite_passed,
        environments=suite.environments,
    )


def _side(run_set: RunSet) -> SideRecord:
    known: Mapping[str, Any] = run_set.provenance
    return SideRecord(
        reference=run_set.reference,
        n_runs=len(run_set.runs),
        **{key: known.get(key) for key in ("git_commit", "git_dirty", "machine", "python")},
        packages=known.get("packages") or {},
    )


def _cost(case: Case) -> Cost:
    minutes = [run.minutes for run in case.candidate.runs if run.minutes is not None]
    return Cost(
        cells_trained=case.occasion.cells_trained,
        cells_known=case.occasion.cells_known,
        minutes=sum(minutes) if minutes else None,
        environment_steps=sum(run.curve.last_step for run in case.candidate.runs),
    )


def _worst_first(item: EnvironmentVerdict) -> tuple[int, float, str]:
    change = item.change if item.change is not None else 0.0
    return WORST_FIRST.index(item.verdict), change, item.env_id


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


def _names(env_ids: Sequence[str]) -> str:
    shown = ", ".join(env_ids[:MOST_NAMED])
    return shown if len(env_ids) <= MOST_NAMED else f"{shown} and {len(env_ids) - MOST_NAMED} more environments"
