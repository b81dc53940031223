"""Findings about how the runs learn, which their scores average away: runs that collapse, curves that shake.

No word depends on them. That is why Holm's procedure is called here and not in judge.verdict: each kind of finding has
a level of its own, alpha at one look, and takes nothing from that of the verdict.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from rlops.judge.compare import EnvironmentComparison
from rlops.judge.record import Finding, make_finding
from rlops.plan import Plan
from rlops.stats import failure_rate_bound, holm, max_drawdown, p_less_stable, p_more_failures, roughness

COLLAPSED = 0.2
"""A run whose score gains less than this share of the baseline's gain over a random policy collapsed (arbitrary)."""


def behaviour_findings(comparisons: Sequence[EnvironmentComparison], plan: Plan) -> list[Finding]:
    """What shows in the sound runs at the look at which each environment was last seen."""
    return [*_failure_rates(comparisons, plan.policy.alpha), *_instability(comparisons, plan.policy.alpha)]


def failures_unseen(n: int) -> str:
    """What so many candidate seeds cannot exclude although none of them collapsed, in one sentence."""
    return (
        f"No collapsed run (its score gains less than {COLLAPSED:.0%} of what the baseline gains) in "
        f"{n} seed{'' if n == 1 else 's'} still allows a rate of up to {failure_rate_bound(0, n):.0%} "
        "(one-sided 95 % bound)."
    )


def _failure_rates(comparisons: Sequence[EnvironmentComparison], alpha: float) -> Iterator[Finding]:
    # Scale > 0, not `informative`: where half of the runs never take off, the spread is as large as the gain.
    able = [item for item in comparisons if item.plan.scale > 0 and len(item.baseline) and len(item.candidate)]
    collapsed = {}
    for item in able:
        limit = item.plan.random_score + COLLAPSED * item.plan.scale
        collapsed[item.plan.env_id] = item.scores_baseline < limit, item.scores_candidate < limit
    p_values = {
        env_id: p_more_failures(int(before.sum()), len(before), int(now.sum()), len(now))
        for env_id, (before, now) in collapsed.items()
    }
    found = holm(p_values, alpha)
    for item in able:
        env_id = item.plan.env_id
        if env_id in found:
            before, now = collapsed[env_id]
            detail = (
                f"{now.sum()} of {len(now)} candidate runs collapsed, {before.sum()} of {len(before)} baseline runs "
                f"(p = {p_values[env_id]:.2g}): their score gains less than {COLLAPSED:.0%} of what the baseline gains"
            )
            seeds = [run.seed for run, failed in zip(item.candidate, now, strict=True) if failed]
            yield make_finding("failure-rate", "warning", detail, env_id, "candidate", seeds)


def _instability(comparisons: Sequence[EnvironmentComparison], alpha: float) -> Iterator[Finding]:
    able = [item for item in comparisons if item.plan.informative and item.glance.testable]
    p_values = {}
    for item in able:
        before, now = (grids / item.plan.scale for grids in (item.grids_baseline, item.grids_candidate))
        p_values[item.plan.env_id] = p_less_stable(before, now, item.glance.shuffles)
    found = holm(p_values, alpha)
    for item in able:
        if item.plan.env_id in found:
            falls, dips = (
                " → ".join(
                    f"{np.median(measure(grids)) / item.plan.scale:.1%}"
                    for grids in (item.grids_baseline, item.grids_candidate)
                )
                for measure in (max_drawdown, roughness)
            )
            detail = (
                f"the candidate's curves are less stable (p = {p_values[item.plan.env_id]:.2g}); medians over runs, "
                f"of the scale: deepest fall {falls}, roughness {dips}"
            )
            yield make_finding("less-stable", "note", detail, item.plan.env_id, "candidate")
