"""A/A splits: the gate judges one part of stored runs against the rest, again and again. Nothing has changed in any."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from rlops.errors import ExitCode
from rlops.judge.integrity import FEWEST_RUNS
from rlops.judge.outlook import forecast, nameable
from rlops.judge.record import Word
from rlops.judge.samples import Samples
from rlops.judge.verdict import EXIT_CODES, Decision, decide, follow
from rlops.plan import Calibrated, EnvironmentPlan, Margins, Plan, environment_margin, suite_margin
from rlops.stats import Floats, proportion_interval

Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Stored:
    """The sound runs of one environment: `columns` is (runs, 22), higher is better, a row a seed.

    `plan`: what all of them together are frozen to; its budget and its random score hold for every part of them.
    """

    plan: EnvironmentPlan
    seeds: tuple[int, ...]
    columns: Floats

    def split(self, order: Places, n_candidate: int, margins: Margins) -> Samples:
        """The first `n_candidate` runs of `order` against the others, from which alone the yardstick is frozen."""
        before = self.columns[order[n_candidate:]]
        mean, spreads = float(before[:, 0].mean()), before.std(axis=0, ddof=1)
        plan = replace(
            self.plan,
            mean=mean,
            spread=float(spreads[0]),
            margins=tuple(environment_margin(margins, mean - self.plan.random_score, float(one)) for one in spreads),
            n_baseline=len(before),
        )
        return Samples(plan, before, self.columns[order[:n_candidate]])


@dataclass(frozen=True)
class Share:
    """`count` of `of` splits."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share itself."""
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % Clopper-Pearson interval."""
        return proportion_interval(self.count, self.of)


@dataclass(frozen=True)
class EnvironmentCalibration:
    """One environment over all splits.

    `runs` were divided into `n_baseline` and the candidate's; `named`: it was called worse; `undecided`: it was left
    open; `seeds`: candidate seeds used, on average.
    """

    env_id: str
    runs: int
    n_baseline: int
    named: Share
    undecided: Share
    seeds: float


@dataclass(frozen=True)
class Calibration:
    """What the gate of `plan` said of A/A splits. `words`: how often which; `plan`: of all runs, with the looks.

    `all_together`: a regression that names no environment. `cannot_see`: sentences.
    """

    plan: Plan
    words: Mapping[Word, int]
    environments: tuple[EnvironmentCalibration, ...]
    all_together: Share
    cannot_see: tuple[str, ...]

    @property
    def splits(self) -> int:
        """How many there were."""
        return sum(self.words.values())

    def share(self, word: Word) -> Share:
        """How often it was said."""
        return Share(self.words.get(word, 0), self.splits)

    @property
    def regressed(self) -> Share:
        """The false alarms."""
        return self.share(Word.REGRESSED)

    @property
    def passed(self) -> Share:
        """Equivalent, improved or identical."""
        return Share(sum(n for word, n in self.words.items() if EXIT_CODES[word] is ExitCode.PASS), self.splits)

    @property
    def inconclusive(self) -> Share:
        """Neither harm nor harmlessness was proven."""
        return self.share(Word.INCONCLUSIVE)

    @property
    def seeds(self) -> float:
        """Candidate seeds used per environment, on average."""
        return sum(item.seeds for item in self.environments) / len(self.environments)

    def summary(self, on: date) -> Calibrated:
        """What a baseline keeps of it."""
        return Calibrated(
            on=on,
            splits=self.splits,
            n_baseline=min(item.n_baseline for item in self.environments),
            looks=self.plan.looks,
            alpha=self.plan.policy.alpha,
            strict=self.plan.policy.strict,
            regressed=self.regressed.count,
            passed=self.passed.count,
            inconclusive=self.inconclusive.count,
            unnameable=sum(
                not nameable(self.plan.levels.named, item.n_baseline, self.plan.looks[-1]) for item in self.environments
            ),
        )


def calibrate(
    plan: Plan,
    stored: Sequence[Stored],
    margins: Margins,
    splits: int,
    seed: int = 0,
    advanced: Callable[[int], None] = lambda _splits: None,
) -> Calibration:
    """Judges `splits` random divisions of the stored runs as a gate would.

    Environments with the same seeds are divided alike: Stouffer's combination takes environments as independent, and
    where a seed does well or badly everywhere at once (a batch of seeds from another machine) there are more alarms.

    Args:
        plan: the gate's, of all runs; it has as many candidate seeds as a split shall give, and the looks at them.
        stored: the runs, in the order of the plan's environments.
        margins: the rule by which each baseline part gets its margins.
        splits: at least 1.
        seed: of the divisions; the same one gives the same answer.
        advanced: told after each split how many more are done.

    Raises:
        ValueError: too few candidate seeds, or too few runs for them.
    """
    n_candidate = len(plan.seeds or ())
    fewest = min(len(one.seeds) for one in stored)
    if n_candidate < FEWEST_RUNS or fewest - n_candidate < FEWEST_RUNS:
        raise ValueError(f"{fewest} runs cannot be split into {n_candidate} candidate and {FEWEST_RUNS} stored ones")
    rng = np.random.default_rng(seed)
    tally = _Tally(plan)
    for _ in range(splits):
        parts = [
            one.split(order, n_candidate, margins) for one, order in zip(stored, _orders(stored, rng), strict=True)
        ]
        plans = tuple(part.plan for part in parts)
        frozen = replace(plan, environments=plans, suite_margin=suite_margin(margins, plans))
        tally.add(decide(follow(frozen, parts), [], frozenset()))
        advanced(1)
    return Calibration(
        plan=plan,
        words=dict(tally.words),
        environments=tuple(tally.of(one) for one in stored),
        all_together=Share(tally.all_together, splits),
        cannot_see=_cannot_see(plan, stored, splits),
    )


class _Tally:
    """Counts over the splits."""

    def __init__(self, plan: Plan) -> None:
        self.words: Counter[Word] = Counter()
        self.all_together = 0
        self._looks = plan.looks
        self._n_candidate = len(plan.seeds or ())
        self._environments: Counter[tuple[str, Word]] = Counter()
        self._seeds: Counter[str] = Counter()

    def add(self, decision: Decision) -> None:
        """One split more."""
        self.words[decision.word] += 1
        words = {env_id: word for env_id, (word, _) in decision.environments.items()}
        self._environments.update(words.items())
        self.all_together += decision.word is Word.REGRESSED and Word.REGRESSED not in words.values()
        for item in decision.course.standings:
            self._seeds[item.samples.plan.env_id] += self._looks[item.glance.look]

    def of(self, stored: Stored) -> EnvironmentCalibration:
        """One environment's counts."""
        env_id, splits = stored.plan.env_id, self.words.total()
        return EnvironmentCalibration(
            env_id=env_id,
            runs=len(stored.seeds),
            n_baseline=len(stored.seeds) - self._n_candidate,
            named=Share(self._environments[env_id, Word.REGRESSED], splits),
            undecided=Share(self._environments[env_id, Word.INCONCLUSIVE], splits),
            seeds=self._seeds[env_id] / splits,
        )


def _orders(stored: Sequence[Stored], rng: np.random.Generator) -> list[Places]:
    """The runs of each environment in random order; one order of the seeds for all where all have the same."""
    if _same_seeds(stored):
        return [rng.permutation(len(stored[0].seeds))] * len(stored)
    return [rng.permutation(len(one.seeds)) for one in stored]


def _same_seeds(stored: Sequence[Stored]) -> bool:
    return len({one.seeds for one in stored}) == 1


def _cannot_see(plan: Plan, stored: Sequence[Stored], splits: int) -> tuple[str, ...]:
    """What the figures are not."""
    n_candidate = len(plan.seeds or ())
    counts = {one.plan.env_id: len(one.seeds) for one in stored}
    fewest, most = min(counts.values()), max(counts.values())
    runs = str(fewest) if fewest == most else f"{fewest} to {most}"
    left = str(fewest - n_candidate) if fewest == most else f"{fewest - n_candidate} to {most - n_candidate}"
    said = [
        (
            "new runs: all splits share the same runs and are not independent; the intervals are those of the splits, "
            "not of what fresh runs would give"
        ),
        (
            "whether alpha holds in one environment: over random splits of any runs a permutation test keeps it; these "
            "runs decide how far below it the gate stays, how often it passes and after how many seeds"
        ),
        (
            "an unlucky baseline: every split draws another one, a gate keeps the one it has, and with 20 stored seeds "
            "its own rate of false alarms can be several times the average"
        ),
        "another machine, other packages, another time: only what differs among these runs is in it",
        (
            f"the gate's own numbers: it holds new seeds against all {runs} stored runs, a split holds {n_candidate} "
            f"against {left}; with fewer runs it passes less often"
        ),
        "runs that failed: only sound runs are divided, and in a gate a failed candidate run is no pass",
    ]
    if len(stored) > 1 and not _same_seeds(stored):
        said.append(
            "seeds that do well or badly everywhere at once: the environments have different seeds and are divided one "
            "by one, while the gate takes them as independent"
        )
    if plan.policy.confirm:
        said.append(
            f"the confirmation: before a gate says regressed it trains {plan.policy.confirm} fresh baseline seeds, "
            "where it can, and asks again"
        )
    different = math.comb(fewest, n_candidate)
    if _same_seeds(stored) and different < splits:
        said.append(f"{splits:,} different splits: {fewest} runs have only {different:,}")
    said += forecast({env_id: count - n_candidate for env_id, count in counts.items()}, plan.policy, n_candidate)
    return tuple(said)
