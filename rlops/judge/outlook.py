"""What a plan can show and what not, whatever the candidate scores: known before any run of it exists."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rlops.judge.integrity import FEWEST_RUNS
from rlops.plan import EnvironmentPlan, Levels, Plan, Policy, may_pass, planned_looks
from rlops.stats import minimum_detectable_effect, seeds_needed, smallest_p, stouffer

MOST_SEEDS = 200
"""Who would need more seeds than this is not told how many (arbitrary)."""
PLAIN_EFFECT = 1_000.0
"""In spreads: two seeds show it. There is no number for a loss in spreads of 0."""
NAMED = 4


@dataclass(frozen=True)
class EnvironmentLook:
    """One environment at one look.

    `seeds`: candidate seeds so far. `nameable`: can a regression of this environment alone be proven? `may_pass`: can
    a pass? `detectable`: the smallest loss of the score that is named with 80 % power, a fraction of the scale; None
    where none is named, and where there is no scale.
    """

    seeds: int
    nameable: bool
    may_pass: bool
    detectable: float | None


@dataclass(frozen=True)
class EnvironmentOutlook:
    """One environment. `scale`, `spread`: units of the score; `margin`, `effect`: fractions of a positive scale.

    `effect`: the loss asked about. `seeds_needed`: candidate seeds that name it with 80 % power at one look, None where
    more than MOST_SEEDS were needed, or where the loss has no size (`effect` None).
    """

    env_id: str
    n_baseline: int
    scale: float
    spread: float
    informative: bool
    margin: float | None
    effect: float | None
    seeds_needed: int | None
    looks: tuple[EnvironmentLook, ...]

    @property
    def named_from(self) -> int | None:
        """The candidate seeds at the first look that can name it; None where no look can."""
        return next((look.seeds for look in self.looks if look.nameable), None)


@dataclass(frozen=True)
class SuiteLook:
    """All environments at one look.

    `nameable`: how many environments a regression can be named in. `together`: can all together be called worse?
    `may_pass`: can the benchmark pass?
    """

    seeds: int
    nameable: int
    together: bool
    may_pass: bool


@dataclass(frozen=True)
class Outlook:
    """All of it.

    `level_named`, `level_together`: what a p of one environment, of all together is held against at each look.
    `stored_seeds`: baseline seeds with which one environment can be named at the first look; None beyond MOST_SEEDS.
    """

    alpha: float
    beta: float
    strict: bool
    level_named: float
    level_together: float
    stored_seeds: int | None
    looks: tuple[SuiteLook, ...]
    environments: tuple[EnvironmentOutlook, ...]

    def sentences(self) -> tuple[str, ...]:
        """In words: what can be shown, what cannot, and how often the answer is wrong."""
        return (*self._naming(), self._together(), self._passing(), self._small(), *self._inside(), self._errors())

    def _naming(self) -> Iterator[str]:
        """Where a regression of one environment can be proven, grouped by the look from which on."""
        groups: dict[int | None, list[str]] = {}
        for item in self.environments:
            groups.setdefault(item.named_from, []).append(item.env_id)
        for seeds in sorted(groups, key=lambda seeds: math.inf if seeds is None else seeds):
            who = _listed(groups[seeds]) if len(groups) > 1 else "any environment"
            if seeds is None:
                text = f"No look can name a regression of {who} alone, however large"
            else:
                text = f"A regression of {who} alone can be named from {seeds} candidate seeds on"
            later = seeds != self.looks[0].seeds and self.stored_seeds is not None
            yield f"{text}; with {self.stored_seeds} stored seeds at the first look." if later else f"{text}."

    def _together(self) -> str:
        first = next((look.seeds for look in self.looks if look.together), None)
        if first is not None:
            return f"All environments together can be called worse from {first} candidate seeds on."
        if len(self.environments) == 1:
            return "There is one environment, so there is no verdict on all together."
        return "No look can call all environments together worse."

    def _passing(self) -> str:
        first = next((look.seeds for look in self.looks if look.may_pass), None)
        if first is None:
            return "No look can pass: the best answer is inconclusive."
        return f"A pass can be proven from {first} candidate seeds on."

    def _small(self) -> str:
        last = self.looks[-1].seeds
        found = [item.looks[-1].detectable for item in self.environments]
        sizes = sorted({f"{size:.1%}" for size in found if size is not None}, key=lambda text: float(text[:-1]))
        if not sizes:
            return "How small a loss is found cannot be said."
        span = sizes[0] if len(sizes) == 1 else f"{sizes[0]} (in the steadiest environment) to {sizes[-1]}"
        return (
            f"With all {last} candidate seeds a lower score in one environment is named with 80 % power where the loss "
            f"is {span} of the scale. Smaller ones may be missed, and one that is surely inside the margin is no "
            "regression."
        )

    def _inside(self) -> Iterator[str]:
        """Who asks about a loss below the margin is to know that it passes."""
        inside = [item.env_id for item in self.environments if (item.effect or 0.0) < (item.margin or 0.0)]
        if inside:
            yield (
                f"The loss asked about is smaller than the margin in {_listed(inside)}: where it is surely that small, "
                "the answer is a pass, with the note that it is measurably lower."
            )

    def _errors(self) -> str:
        who = "an environment" if self.strict else "the mean of all environments"
        return (
            f"If nothing has changed, at most {100 * self.alpha:.3g} % of the gates say regressed (over all "
            f"environments and looks, on average over baselines). If {who} loses as much as its margin, at most "
            f"{100 * self.beta:.3g} % pass."
        )


def outlook(plan: Plan, effect: float | None = None) -> Outlook:
    """What the planned looks can show.

    `effect`: the loss to be found, a fraction of each environment's scale; default: each environment's margin.
    """
    environments = tuple(_environment(plan, item, effect) for item in plan.environments)
    seeds = _looks(plan)
    return Outlook(
        alpha=plan.policy.alpha,
        beta=plan.policy.beta,
        strict=plan.policy.strict,
        level_named=plan.levels.named,
        level_together=plan.levels.suite,
        stored_seeds=_fewest(lambda n: nameable(plan.levels.named, n, seeds[0])),
        looks=tuple(_suite(plan, environments, place) for place in range(len(seeds))),
        environments=environments,
    )


def forecast(n_baseline: Mapping[str, int], policy: Policy, n_candidate: int) -> list[str]:
    """What so many seeds cannot show, whatever they score: known before anything is trained, the baseline neither.

    `n_baseline`: environment -> baseline runs that can be scored.
    """
    m = len(n_baseline)
    levels = Levels(policy.alpha, m, len(planned_looks(policy, n_candidate)))
    said = []
    if not may_pass(m, n_candidate):
        said.append(f"{n_candidate} candidate seeds on {m} environments can prove harm, but never pass")
    mute = [env_id for env_id, n in n_baseline.items() if not nameable(levels.named, n, n_candidate)]
    if mute:
        said.append(f"{n_candidate} candidate seeds can name no regression of one environment in {len(mute)} of {m}")
    return said


def _looks(plan: Plan) -> tuple[int, ...]:
    if not plan.looks:
        raise ValueError("a plan without looks has no candidate seeds to look forward to")
    return plan.looks


def _environment(plan: Plan, item: EnvironmentPlan, effect: float | None) -> EnvironmentOutlook:
    loss = item.margin if effect is None else max(0.0, effect * item.scale)
    return EnvironmentOutlook(
        env_id=item.env_id,
        n_baseline=item.n_baseline,
        scale=item.scale,
        spread=item.spread,
        informative=item.informative,
        margin=_share(item.margin, item),
        effect=_share(loss, item),
        seeds_needed=_seeds_to_name(plan, item, loss),
        looks=tuple(_environment_look(plan, item, place) for place in range(len(plan.looks))),
    )


def _environment_look(plan: Plan, item: EnvironmentPlan, place: int) -> EnvironmentLook:
    seeds = plan.looks[place]
    named = nameable(plan.levels.named, item.n_baseline, seeds)
    detectable = None
    if named:
        spreads = minimum_detectable_effect(item.n_baseline, seeds, plan.levels.named)
        detectable = _share(spreads * item.spread, item)
    reachable = _smallest_p(item.n_baseline, seeds) <= plan.pass_levels(item.n_baseline)[place]
    return EnvironmentLook(seeds, named, plan.may_pass(seeds) and reachable, detectable)


def _suite(plan: Plan, environments: tuple[EnvironmentOutlook, ...], place: int) -> SuiteLook:
    here = [item.looks[place] for item in environments]
    seeds = plan.looks[place]
    together = stouffer([_smallest_p(item.n_baseline, seeds) for item in environments if item.informative])
    return SuiteLook(
        seeds=seeds,
        nameable=sum(one.nameable for one in here),
        together=together <= plan.levels.suite,
        # The suite's own test is a t test: no number of labellings bounds its p.
        may_pass=all(one.may_pass for one in here)
        if plan.policy.strict
        else plan.may_pass(seeds) and seeds >= FEWEST_RUNS,
    )


def _smallest_p(n_baseline: int, n_candidate: int) -> float:
    return smallest_p(n_baseline, n_candidate) if min(n_baseline, n_candidate) >= FEWEST_RUNS else 1.0


def nameable(level: float, n_baseline: int, n_candidate: int) -> bool:
    """Is a labelling so rare that it can name one environment at this level?"""
    return _smallest_p(n_baseline, n_candidate) <= level


def _seeds_to_name(plan: Plan, item: EnvironmentPlan, loss: float) -> int | None:
    """Enough for the power, and for the test to have a p that small at all; `loss` in units of the score."""
    if loss <= 0:
        return None
    spreads = min(PLAIN_EFFECT, loss / item.spread) if item.spread > 0 else PLAIN_EFFECT
    return seeds_that_decide(spreads, item.n_baseline, plan.levels.named, plan.levels.named)


def seeds_that_decide(spreads: float, n_baseline: int, level: float, named: float) -> int | None:
    """Candidate seeds that find so many spreads at `level` with 80 % power, and that could name a loss at `named`."""
    powerful = seeds_needed(spreads, n_baseline, level, MOST_SEEDS)
    reachable = _fewest(lambda n: nameable(named, n_baseline, n))
    return max(powerful, reachable) if powerful and reachable else None


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """The fewest runs of a side that are enough, None beyond MOST_SEEDS."""
    return next((n for n in range(FEWEST_RUNS, MOST_SEEDS + 1) if enough(n)), None)


def _share(loss: float, item: EnvironmentPlan) -> float | None:
    return loss / item.scale if item.scale > 0 else None


def _listed(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
