"""What it means: findings, comparison, the verdict. Everything that decides lives here."""

from rlops.curves import RunSet
from rlops.judge.case import Case, Occasion
from rlops.judge.compare import IDENTICAL_SEEDS, compare
from rlops.judge.definition import (
    definition_findings,
    dependency_findings,
    gate_findings,
    metric_findings,
    missing_baseline_findings,
)
from rlops.judge.integrity import ABOUT_TESTS, findings, forecast, horizon_findings
from rlops.judge.no_runs import no_baseline_yet, unchanged
from rlops.judge.record import FailureRecord, Finding, NextStep, Verdict, Word, json_schema, read_verdict
from rlops.judge.verdict import Decision, decide
from rlops.judge.write_up import write_up
from rlops.plan import Plan


def decide_words(baseline: RunSet, candidate: RunSet, plan: Plan) -> Decision:
    """The words alone, without the record: for studies that ask many times."""
    return decide(compare(baseline, candidate, plan), findings(baseline, candidate, plan), plan)


def judge(
    baseline: RunSet,
    candidate: RunSet,
    plan: Plan,
    occasion: Occasion,
    beforehand: tuple[Finding, ...] = (),
    twins: RunSet | None = None,
) -> Verdict:
    """The verdict on `candidate` under `plan`; `beforehand`: findings that need more than the runs to be seen.

    `twins`: runs of the baseline's code with seeds of the candidate; they serve Stage 0 and enter no statistics.
    """
    comparison = compare(baseline, candidate, plan, twins)
    found = [*beforehand, *findings(baseline, candidate, plan)]
    decision = decide(comparison, found, plan)
    if decision.word is Word.IDENTICAL:  # no test was needed, so what tests could not have shown is no news
        found = [finding for finding in found if finding.kind not in ABOUT_TESTS]
    return write_up(Case(plan, baseline, candidate, comparison, found, decision, occasion))


__all__ = [
    "IDENTICAL_SEEDS",
    "Decision",
    "FailureRecord",
    "Finding",
    "NextStep",
    "Occasion",
    "Verdict",
    "Word",
    "decide_words",
    "definition_findings",
    "dependency_findings",
    "forecast",
    "gate_findings",
    "horizon_findings",
    "json_schema",
    "judge",
    "metric_findings",
    "missing_baseline_findings",
    "no_baseline_yet",
    "read_verdict",
    "unchanged",
]
