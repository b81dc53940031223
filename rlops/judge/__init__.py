"""What it means: findings, comparison, the verdict. Everything that decides lives here."""

from dataclasses import replace

from rlops.curves import RunSet
from rlops.judge.behaviour import behaviour_findings, failures_unseen
from rlops.judge.calibration import Calibration, Share, Stored, calibrate
from rlops.judge.case import Case, Occasion
from rlops.judge.compare import IDENTICAL_SEEDS, Confirmation, bring_together, compare
from rlops.judge.confirmation import confirmation_findings, unconfirmed
from rlops.judge.culprit import Found, Suspects, suspects
from rlops.judge.definition import (
    definition_findings,
    dependency_findings,
    gate_findings,
    metric_findings,
    missing_baseline_findings,
    outside_findings,
)
from rlops.judge.history import HistoryEntry, history_entry, read_history, verdict_id, write_entry
from rlops.judge.integrity import ABOUT_TESTS, findings, horizon_findings
from rlops.judge.no_runs import no_baseline_yet, nothing_judged, unchanged
from rlops.judge.outlook import MOST_SEEDS, EnvironmentLook, EnvironmentOutlook, Outlook, SuiteLook, forecast, outlook
from rlops.judge.record import CommitRecord, FailureRecord, Finding, NextStep, Verdict, Word, json_schema, read_verdict
from rlops.judge.results import Entry, ResultsTerms, results
from rlops.judge.results_record import Results, results_schema
from rlops.judge.speed import speed_findings
from rlops.judge.time_limit import out_of_time
from rlops.judge.trend import Trend, overall_levels, trends
from rlops.judge.verdict import Course, Decision, decide, follow
from rlops.judge.write_up import write_up
from rlops.plan import Plan

NOT_COMPARED = {Word.IDENTICAL, Word.NOT_COMPARABLE}


def deliberate(
    baseline: RunSet,
    candidate: RunSet,
    plan: Plan,
    beforehand: tuple[Finding, ...] = (),
    twins: RunSet | None = None,
    confirmation: Confirmation | None = None,
    until: int | None = None,
) -> Case:
    """The decision with all that it stands on; arguments as in `judge`."""
    sides = bring_together(baseline, candidate, plan, twins, confirmation)
    if confirmation is not None:
        baseline = replace(baseline, runs=(*baseline.runs, *confirmation.runs.runs))
    course = follow(plan, [item.samples for item in sides], until)
    found = [*beforehand, *findings(baseline, candidate, plan, course.seeds())]
    if confirmation is not None:
        found += confirmation_findings(sides, course, confirmation)
    decision = decide(course, found, frozenset(item.plan.env_id for item in sides if item.identical))
    if decision.word is Word.IDENTICAL:  # no test was needed, so what tests could not have shown is no news
        found = [finding for finding in found if finding.kind not in ABOUT_TESTS]
    comparisons = [compare(side, item.glance, plan) for side, item in zip(sides, course.standings, strict=True)]
    # After the decision, which they must not touch; where nothing was compared there is nothing to say.
    judged = [item for item in comparisons if decision.environments[item.plan.env_id][0] not in NOT_COMPARED]
    found += behaviour_findings(judged, plan)
    found += speed_findings((*baseline.runs, *(twins.runs if twins else ())), candidate.runs, plan)
    return Case(plan, baseline, candidate, tuple(comparisons), found, decision)


def judge(
    baseline: RunSet,
    candidate: RunSet,
    plan: Plan,
    occasion: Occasion,
    beforehand: tuple[Finding, ...] = (),
    twins: RunSet | None = None,
    confirmation: Confirmation | None = None,
    until: int | None = None,
) -> Verdict:
    """The verdict on `candidate` under `plan`.

    Args:
        baseline, candidate: all runs there are.
        plan: frozen before the candidate was trained.
        occasion: how the question came about.
        beforehand: findings that need more than the runs to be seen.
        twins: runs of the baseline's code with seeds of the candidate; they serve Stage 0 and enter no statistics.
        confirmation: fresh baseline runs.
        until: the last look (counted from 0) whose seeds were trained; default: all that are planned.
    """
    return write_up(deliberate(baseline, candidate, plan, beforehand, twins, confirmation, until), occasion)


__all__ = [
    "IDENTICAL_SEEDS",
    "MOST_SEEDS",
    "Calibration",
    "Case",
    "CommitRecord",
    "Confirmation",
    "Course",
    "Decision",
    "Entry",
    "EnvironmentLook",
    "EnvironmentOutlook",
    "FailureRecord",
    "Finding",
    "Found",
    "HistoryEntry",
    "NextStep",
    "Occasion",
    "Outlook",
    "Results",
    "ResultsTerms",
    "Share",
    "Stored",
    "SuiteLook",
    "Suspects",
    "Trend",
    "Verdict",
    "Word",
    "calibrate",
    "decide",
    "definition_findings",
    "deliberate",
    "dependency_findings",
    "failures_unseen",
    "follow",
    "forecast",
    "gate_findings",
    "history_entry",
    "horizon_findings",
    "json_schema",
    "judge",
    "metric_findings",
    "missing_baseline_findings",
    "no_baseline_yet",
    "nothing_judged",
    "out_of_time",
    "outlook",
    "outside_findings",
    "overall_levels",
    "read_history",
    "read_verdict",
    "results",
    "results_schema",
    "suspects",
    "trends",
    "unchanged",
    "unconfirmed",
    "verdict_id",
    "write_entry",
    "write_up",
]
