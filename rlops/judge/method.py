"""The method in words, as it was applied: the report's reader is owed the error rates and what they do not cover."""

from rlops.judge.behaviour import failures_unseen
from rlops.plan import Plan
from rlops.stats import proportion_interval

SCORE = (
    "Every run is one number, its score final: the mean of its learning curve over the last 10 % of the budget, read "
    "off at 100 equal steps (last value carried forward). Runs that failed, broke off or logged NaN are named and not "
    "averaged in."
)
INTERVALS = (
    "Intervals have 95 % confidence. Those of a mean and of a learning curve are t intervals over the runs; that of an "
    "interquartile mean (IQM, the mean of the middle half of the runs) in one environment is the t interval of the "
    "trimmed mean (Tukey and McLaughlin, 1963): with few runs the bootstrap's would be too narrow."
)
SHARES = (
    "For all environments together scores are shares of the scale: 0 is the random score, 1 the mean of {first}. Their "
    "intervals are percentiles of the stratified bootstrap (Agarwal et al., 2021), of as many runs from every "
    "environment as from the one with the fewest; the scale is taken as known. They are those of one run set at a "
    "time: that two of them overlap does not mean that nothing differs. rlops compare tests that."
)


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


def method(plan: Plan, fewest: int) -> tuple[str, ...]:
    """Paragraphs on score, looks, tests, and what they do not see with `fewest` candidate runs of an environment."""
    smallest = f"Smallest loss that matters: {smallest_loss(plan)}."
    return SCORE, *_looks(plan), _harm(plan), _passing(plan), smallest, _unseen(plan, fewest), *_calibrated(plan)


def _looks(plan: Plan) -> tuple[str, ...]:
    if plan.num_looks == 1:
        return ()
    counts = ", ".join(map(str, plan.looks[:-1]))
    text = (
        f"The data are looked at after {counts} and {plan.looks[-1]} candidate seeds; the levels below are those of "
        "one look, chosen so that all looks together keep the error rates. An environment that has passed, and whose "
        "p (worse) is above 0.1, gets no more seeds."
    )
    return (text,)


def _harm(plan: Plan) -> str:
    m, alpha, levels = len(plan.environments), plan.policy.alpha, plan.levels
    alone = f" Its p must not exceed {levels.named:.2g}."
    if m > 1:
        alone = (
            f" Holm's procedure holds the {m} environments together: the smallest p must not exceed "
            f"{levels.named:.2g}, the next {levels.harm / (m - 1):.2g}, and so on; or Stouffer's combination of all p "
            f"must not exceed {levels.suite:.2g}, which says that all environments together learn worse."
        )
    return (
        "Worse? One permutation of the labels per environment looks at three statistics at once: the score, the mean "
        "of the whole curve, and the worst of its 20 stretches. p is the share of labellings that look at least as bad."
        f"{alone} If nothing has changed, anything is called worse in at most {alpha:.0%} of comparisons, averaged "
        "over baselines. A loss that is proven and just as surely smaller than the margin is no regression; where a "
        "stretch shows it, than the margin of every stretch."
    )


def _passing(plan: Plan) -> str:
    beta = plan.policy.beta
    who = "Every environment must pass."
    if not plan.policy.strict:
        who = "Only the mean over environments must pass: a single environment may lose more than its margin unnoticed."
    suite = ""
    if any(item.informative for item in plan.environments):
        suite = (
            " The mean change over the informative environments must be shown to be inside its own margin as well "
            "(t test, Satterthwaite's degrees of freedom)."
        )
    return (
        "Good enough? A pass must be proven, too: the score with the candidate raised by the margin must be higher, "
        f"by a permutation test whose looks share {beta:.0%} among them. {who}{suite} If a true loss is as large as "
        f'that margin, it passes in at most {beta:.0%} of comparisons. "Not significantly worse" alone is never a '
        "pass: it is inconclusive."
    )


def _unseen(plan: Plan, fewest: int) -> str:
    rare = failures_unseen(fewest) if fewest else ""
    once = "one question asked once" if plan.num_looks == 1 else "these looks and no others"
    return (
        f"These rates hold for {once}: who adds seeds and asks again until it passes has others. Not seen: an unlucky "
        "baseline; the error rate is an average over them, and a given one of 20 seeds can be several times worse. "
        f"Nor a machine or a batch of seeds that all environments share: they count as independent. {rare}"
    )


def _calibrated(plan: Plan) -> tuple[str, ...]:
    found = plan.calibrated
    if found is None:
        return ()
    regressed, passed, left_open = (
        f"{count / found.splits:.1%} [{low:.1%}, {high:.1%}]"
        for count in (found.regressed, found.passed, found.inconclusive)
        for low, high in [proportion_interval(count, found.splits)]
    )
    *first, last = map(str, found.looks)
    seeds = f"{', '.join(first)} and {last}" if first else last
    strict = "strict" if found.strict else "not strict"
    text = (
        f"Tried on the stored runs themselves ({found.on}): {found.splits:,} times some of them took the candidate's "
        f"part, {seeds} seeds against {found.n_baseline} others (alpha {found.alpha:g}, {strict}). Nothing differed. "
        f"The gate said regressed in {regressed} of the splits, {passed} passed, {left_open} stayed open [95 % "
        "intervals]. The splits share their runs: an unlucky baseline does not show there, nor what new runs would "
        "bring; against all the stored runs it passes more often."
    )
    if found.unnameable:
        text += (
            f" In {found.unnameable} of {len(plan.environments)} environments such parts are too small to name a loss, "
            "however large: there a rate of 0 says nothing."
        )
    return (text,)


def _number(share: str) -> float:
    return float(share.rstrip("%"))


def results_method(first: str, *, shares: bool) -> tuple[str, ...]:
    """The same for results without a verdict, of which `first` sets the scale, if there are `shares` of one."""
    everything = f"{SCORE} Nothing was selected: every run that the references name is on this page."
    return everything, INTERVALS, *((SHARES.format(first=first),) if shares else ())
