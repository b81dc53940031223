"""What it means: findings, comparison, the verdict. Everything that decides lives here."""

from rlops.curves import RunSet
from rlops.judge.case import Case, Occasion
from rlops.judge.compare import compare
from rlops.judge.integrity import definition_findings, findings, forecast, horizon_findings, metric_findings
from rlops.judge.record import FailureRecord, Finding, Verdict, Word, json_schema, read_verdict
from rlops.judge.verdict import Decision, decide
from rlops.judge.write_up import write_up
from rlops.plan import Plan


def decide_words(baseline: RunSet, candidate: RunSet, plan: Plan) -> Decision:
    """The words alone, without the record: for studies that ask many times."""
    return decide(compare(baseline, candidate, plan), findings(baseline, candidate, plan), plan)


def judge(
    baseline: RunSet, candidate: RunSet, plan: Plan, occasion: Occasion, beforehand: tuple[Finding, ...] = ()
) -> Verdict:
    """The verdict on `candidate` under `plan`; `beforehand`: findings that need more than the runs to be seen."""
    comparison = compare(baseline, candidate, plan)
    found = [*beforehand, *findings(baseline, candidate, plan)]
    decision = decide(comparison, found, plan)
    return write_up(Case(plan, baseline, candidate, comparison, found, decision, occasion))


__all__ = [
    "Decision",
    "FailureRecord",
    "Finding",
    "Occasion",
    "Verdict",
    "Word",
    "decide_words",
    "definition_findings",
    "forecast",
    "horizon_findings",
    "json_schema",
    "judge",
    "metric_findings",
    "read_verdict",
]
