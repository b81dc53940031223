"""The method in words, as it was applied: the report's reader is owed the error rates and what they do not cover."""

from rlops.judge.compare import Comparison
from rlops.plan import Plan


def smallest_loss(plan: Plan) -> str:
    """What the margins mean, with the numbers of this plan."""
    shares = [f"{item.margin / item.scale:.0%}" for item in plan.environments if item.scale > 0]
    spread = (
        f"{min(shares, key=_number)} to {max(shares, key=_number)}" if len(set(shares)) > 1 else "".join(shares[:1])
    )
    return (
        f"per environment {spread or 'no'} of the scale (baseline mean minus random-policy score), "
        f"for the mean over environments {plan.suite_margin:.0%}"
    )


def method(plan: Plan, comparison: Comparison) -> tuple[str, ...]:
    """Paragraphs: score, harm test, pass test, what they do not see."""
    m, policy = len(plan.environments), plan.policy
    alone = f" Its p must not exceed {policy.alpha:g}."
    if m > 1:
        alone = (
            f" Holm's procedure holds the {m} environments together: the smallest p must not exceed "
            f"{policy.alpha:g}/{m} = {policy.alpha / m:.2g}, the next {policy.alpha:g}/{m - 1}, and so on."
        )
    suite = ""
    if comparison.suite is not None:
        suite = (
            " The mean change over the informative environments must be shown to be inside its own margin as well "
            "(t test, Satterthwaite's degrees of freedom)."
        )
    who = "Every environment must pass."
    if not policy.strict:
        who = "Only the mean over environments must pass: a single environment may lose more than its margin unnoticed."
    score = (
        "Every run is one number, its score final: the mean of its learning curve over the last 10 % of the budget, "
        "read off at 100 equal steps (last value carried forward). Runs that failed, broke off or logged NaN are "
        "named and not averaged in."
    )
    harm = (
        "Worse? A studentised permutation test per environment asks whether the labels could have fallen this way "
        f"by chance.{alone} If nothing has changed, some environment is called worse in at most {policy.alpha:.0%} of "
        f"comparisons, averaged over baselines."
    )
    passing = (
        f"Good enough? A pass must be proven, too: the same test with the candidate raised by the margin must reject "
        f"at {policy.beta:.0%}. {who}{suite} If a true loss is as large as that margin, it passes in at most "
        f'{policy.beta:.0%} of comparisons. "Not significantly worse" alone is never a pass: it is inconclusive.'
    )
    unseen = (
        "These rates hold for one question asked once: who adds seeds and asks again until it passes has others. "
        "Not seen: a loss that shows only in the speed of learning and not at the end, and an unlucky baseline: the "
        "error rate is an average over baselines, and a given one of 20 seeds can be several times worse."
    )
    return score, harm, passing, f"Smallest loss that matters: {smallest_loss(plan)}.", unseen


def _number(share: str) -> float:
    return float(share.rstrip("%"))
