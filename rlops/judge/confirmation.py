"""What fresh baseline seeds said of a regression that was in sight."""

from collections.abc import Sequence

from rlops.judge.compare import Confirmation, Sides
from rlops.judge.record import Finding, make_finding
from rlops.judge.verdict import Course
from rlops.plan import Policy


def confirmation_findings(sides: Sequence[Sides], course: Course, confirmation: Confirmation) -> list[Finding]:
    """One finding for each environment whose baseline was trained anew."""
    found = []
    for side, standing in zip(sides, course.standings, strict=True):
        env_id = side.plan.env_id
        if env_id not in confirmation.since:
            continue
        seeds = [run.seed for run in side.fresh]
        if not seeds:
            detail = "none of the fresh baseline seeds came to a sound end: what was seen could not be asked again"
        elif standing.regressed or course.suite.regressed:
            detail = (
                f"asked again with {len(seeds)} fresh baseline seeds: p (worse) = {standing.p_harm:.2g}, still worse"
            )
        else:
            detail = (
                f"a regression was in sight, and with {len(seeds)} fresh baseline seeds it was not to be seen again "
                f"(p = {standing.p_harm:.2g}): the stored baseline was a lucky draw, or the loss is near the limit"
            )
        found.append(make_finding("asked-again", "note", detail, env_id, "baseline", seeds))
    return found


def unconfirmed(policy: Policy) -> Finding:
    """The regression stands on the stored baseline alone."""
    why = "the baseline's code is not at hand" if policy.confirm else "policy.confirm is 0"
    detail = (
        f"no fresh baseline seeds were trained to ask again: {why}. Of baselines of 20 seeds, one in twenty gives "
        "three times the false alarms"
    )
    return make_finding("unconfirmed", "warning", detail, None)
