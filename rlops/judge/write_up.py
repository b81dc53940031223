"""From a decision to the record: sentences, rows, curves, cost. What is written here is what every renderer shows."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from rlops import __version__
from rlops.curves import RunSet, data_sha256
from rlops.errors import ExitCode
from rlops.judge.aggregates import aggregates, profile
from rlops.judge.case import Case, Occasion
from rlops.judge.method import method, smallest_loss
from rlops.judge.record import (
    Cost,
    EnvironmentVerdict,
    Finding,
    NextStep,
    PolicyRecord,
    SideRecord,
    Suite,
    Verdict,
    Word,
)
from rlops.judge.rows import environment_row
from rlops.plan import format_seeds
from rlops.stats import seeds_needed

WORST_FIRST = (
    Word.REGRESSED,
    Word.FAILED,
    Word.NOT_COMPARABLE,
    Word.INCONCLUSIVE,
    Word.EQUIVALENT,
    Word.IMPROVED,
    Word.IDENTICAL,
)
MOST_NAMED = 3
REVIEW_THE_GATE = NextStep(
    text="review what the change does to the rules of its own gate (changed-gate); from the merge on they hold"
)
SEVERITIES = ("not-comparable", "failed", "warning", "note")


def write_up(case: Case, occasion: Occasion) -> Verdict:
    """The record of a decision."""
    plan, decision = case.plan, case.decision
    environments = sorted((environment_row(case, item) for item in case.comparisons), key=_worst_first)
    return Verdict(
        verdict=decision.word,
        exit_code=decision.exit_code(plan.policy.inconclusive),
        sentence=sentence(decision.word, environments),
        benchmark=plan.benchmark,
        metric=plan.metric.name,
        step=plan.metric.step,
        direction=plan.metric.direction,
        baseline=side_record(case.baseline),
        candidate=side_record(case.candidate),
        policy=PolicyRecord(
            alpha=plan.policy.alpha,
            beta=plan.policy.beta,
            strict=plan.policy.strict,
            smallest_loss=smallest_loss(plan),
            looks=plan.looks,
            look=decision.course.look + 1,
            named_level=plan.levels.named,
            suite_level=plan.levels.suite or None,
        ),
        suite=_suite(case),
        aggregates=aggregates(case.comparisons, plan),
        profile=profile(case.comparisons, plan),
        counts=Counter(item.verdict for item in environments),
        environments=tuple(environments),
        findings=tuple(sorted(case.findings, key=lambda item: SEVERITIES.index(item.severity))),
        failures=occasion.failures,
        next_step=next_step(case, occasion, environments),
        method=method(plan, min((len(item.candidate) for item in case.comparisons), default=0)),
        cost=_cost(case, occasion),
        data_sha256=data_sha256(case.baseline, case.candidate),
        command=occasion.command,
        rlops_version=__version__,
        created_at=occasion.created_at,
    )


def sentence(word: Word, environments: Sequence[EnvironmentVerdict]) -> str:
    """The verdict in one sentence, also the report's title."""
    named = [item.env_id for item in environments if item.verdict is word]
    count, one = len(environments), len(named) == 1
    who = ", ".join(named) if len(named) <= MOST_NAMED else f"{len(named)} of {count} environments"
    everywhere = "the one environment" if count == 1 else f"all {count} environments"
    open_ones = sum(item.verdict is Word.INCONCLUSIVE for item in environments)
    sentences = {
        Word.REGRESSED: f"Regression: {who} learn{'s' if one else ''} worse"
        if named
        else "Regression: all environments together learn worse",
        Word.FAILED: f"Failed: candidate runs failed or are missing in {who}",
        Word.NOT_COMPARABLE: f"Not comparable: {who}",
        Word.INCONCLUSIVE: f"Inconclusive: {who} {'is' if one else 'are'} undecided"
        if named
        else "Inconclusive: the loss over all environments together is not shown to be inside its margin",
        Word.IMPROVED: f"Improved: {who} learn{'s' if one else ''} better, and no loss of a margin anywhere",
        Word.IDENTICAL: f"Identical: the learning curves are bit-equal in {everywhere}",
        Word.EQUIVALENT: f"Equivalent: the mean loss is inside its margin ({open_ones} environments alone undecided)"
        if open_ones
        else f"Equivalent: a loss of a margin or more is ruled out in {everywhere}",
    }
    return sentences[word]


def next_step(case: Case, occasion: Occasion, environments: Sequence[EnvironmentVerdict]) -> NextStep:
    """What to do now, with its command and cost."""
    if occasion.to_go_on is not None:
        return occasion.to_go_on
    named = [item for item in environments if item.verdict is case.decision.word]
    if case.decision.exit_code(case.plan.policy.inconclusive) == ExitCode.PASS and changes_its_gate(case.findings):
        return REVIEW_THE_GATE
    match case.decision.word:
        case Word.REGRESSED:
            worst = (named or environments)[0]
            return NextStep(
                text=f"look at {worst.env_id} below, then run its worst seed with the change and without it",
                command=_worst_seed_command(case, worst),
            )
        case Word.FAILED:
            return _train_again(case)
        case Word.NOT_COMPARABLE:
            return NextStep(text="see what differs among the findings; compare like with like, or save a new baseline")
        case Word.INCONCLUSIVE:
            return _more_seeds(case, occasion, environments)
        case Word.IDENTICAL:
            return NextStep(text="nothing to do; if the change was meant to matter, check that it was applied")
    return NextStep(text="nothing to do: no environment needs a look")


def _train_again(case: Case) -> NextStep:
    failed = [item for item in case.findings if item.severity == "failed" and item.side != "baseline"]
    seeds = sorted({seed for item in failed for seed in item.seeds})
    text = (
        "see the failed and missing runs among the findings and mend what made them fail: changed code is trained anew"
    )
    if case.plan.benchmark is None or not seeds:
        return NextStep(text=text)
    command = shlex.join(["rlops", "run", case.plan.benchmark, "--seeds", format_seeds(seeds), "--force"])
    return NextStep(text=f"{text}; where it was not the code, train them again", command=command)


def changes_its_gate(findings: Sequence[Finding]) -> bool:
    """Does the change edit the rules by which it is judged?"""
    return any(finding.kind == "changed-gate" for finding in findings)


def _more_seeds(case: Case, occasion: Occasion, environments: Sequence[EnvironmentVerdict]) -> NextStep:
    wanted = [item for item in environments if item.verdict is Word.INCONCLUSIVE]
    totals = [item.seeds_to_decide for item in wanted]
    if not wanted:
        wanted, totals = list(environments), [_seeds_for_the_mean(case)]
        suite = case.decision.course.suite.change
        if suite is not None and suite.interval()[1] < -case.plan.suite_margin:
            text = (
                "decide: the mean loss is shown to be larger than its margin, and no environment to lose its own; more "
                "seeds will not settle that. Mend it, or accept it, or change the margins"
            )
            return NextStep(text=text)
    if not totals or any(total is None for total in totals):
        text = "more seeds on both sides, or a wider margin: no number of candidate seeds alone is likely to decide"
        return NextStep(text=text)
    more = max(*(cast("int", item) for item in totals), min(item.n_candidate for item in wanted) + 1, 5)
    minutes = [run.minutes for run in case.candidate.runs if run.minutes is not None]
    command = occasion.fresh_seeds(more) if occasion.fresh_seeds else None
    names = _names([item.env_id for item in wanted])
    return NextStep(
        # Fresh ones: to add seeds until the answer pleases would be another test than the one whose rates are told.
        text=f"ask again with about {more} fresh candidate seeds of {names}",
        command=command,
        minutes=more * len(wanted) * float(np.mean(minutes)) if minutes else None,
    )


def _seeds_for_the_mean(case: Case) -> int | None:
    """Candidate seeds an environment that would show the mean, as it is estimated, inside its margin (80 % power)."""
    change = case.decision.course.suite.change
    counted = [item for item in case.comparisons if item.plan.informative and item.glance.testable]
    if change is None or not counted:
        return None
    distance = change.estimate + case.plan.suite_margin
    if distance <= 0 or change.standard_error == 0:
        return None
    n0 = float(np.mean([len(item.baseline) for item in counted]))
    n1 = float(np.mean([len(item.candidate) for item in counted]))
    spread = change.standard_error / np.sqrt(1 / n0 + 1 / n1)
    return seeds_needed(distance / spread, round(n0), case.plan.policy.beta)


def _worst_seed_command(case: Case, environment: EnvironmentVerdict) -> str | None:
    scored = [run for run in environment.runs if run.side == "candidate" and run.final is not None and run.command]
    if not scored:
        return None
    sign = 1.0 if case.plan.higher_is_better else -1.0
    worst = min(scored, key=lambda run: sign * cast("float", run.final))
    return shlex.join(worst.command)


def _suite(case: Case) -> Suite | None:
    suite = case.decision.course.suite
    if suite.change is None or suite.p_equivalent is None:
        return None
    return Suite(
        change=suite.change.estimate,
        interval=suite.change.interval(),
        margin=case.plan.suite_margin,
        p_equivalent=suite.p_equivalent,
        p_harm=suite.p_harm,
        within_margin=suite.within_margin,
        passed=suite.passed,
        environments=suite.environments,
    )


def side_record(run_set: RunSet) -> SideRecord:
    """Who took part, as far as it is known."""
    known: Mapping[str, Any] = run_set.provenance
    return SideRecord(
        reference=run_set.reference,
        n_runs=len(run_set.runs),
        **{key: known.get(key) for key in ("git_commit", "git_dirty", "machine", "python")},
        packages=known.get("packages") or {},
    )


def _cost(case: Case, occasion: Occasion) -> Cost:
    minutes = [run.minutes for run in case.candidate.runs if run.minutes is not None]
    return Cost(
        cells_trained=occasion.cells_trained,
        cells_known=occasion.cells_known,
        minutes=sum(minutes) if minutes else None,
        environment_steps=sum(run.curve.last_step for run in case.candidate.runs),
    )


def _worst_first(item: EnvironmentVerdict) -> tuple[int, float, str]:
    change = item.change if item.change is not None else 0.0
    return WORST_FIRST.index(item.verdict), change, item.env_id


def _names(env_ids: Sequence[str]) -> str:
    shown = ", ".join(env_ids[:MOST_NAMED])
    return shown if len(env_ids) <= MOST_NAMED else f"{shown} and {len(env_ids) - MOST_NAMED} more environments"
