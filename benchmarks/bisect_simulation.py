"""`make bisect-study`: how often a noisy bisection is right, after how many runs (docs/bisect.md).

The drop is in standard deviations of a run's score. Known beforehand and not counted: the scores at both ends. Beside
it what practice does, with the same mean number of runs: a plain bisection, some seeds a step, which takes a commit for
bad where a t test against the good end says so (5 %), or where its mean is nearer to the bad end's.
"""

import math
import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.pool import Pool

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rlops.judge import Found, suspects
from rlops.stats import CulpritPosterior, Floats, TwoLevels

CONFIDENCE = 0.95
CAP = 200
"""No bisection goes on for longer; what is open then counts as not right."""
SPARED = 0.15
"""Share of runs that the bug does not touch."""
FAILING, FAILED = 0.1, 0.0
LEVEL, CLEAN_SD = 100.0, 5.0


@dataclass(frozen=True)
class Setting:
    """One cell of the table: a drop of 0 is no drop at all."""

    n: int
    drop: float
    noise: str = "normal"
    n_good: int = 20
    n_bad: int = 5
    batch: int = 1


@dataclass(frozen=True)
class Answers:
    """Of many bisections: the true culprit and the named one (n + 1: none, 0: undecided), the new runs each took."""

    n: int
    true: NDArray[np.intp]
    named: NDArray[np.intp]
    runs: NDArray[np.intp]

    def right(self, within: int = CAP) -> float:
        """Share of all that named the true one within so many runs."""
        return float(((self.named == self.true) & (self.runs <= within)).mean())

    def wrong(self) -> float:
        """Share that named a candidate that is not the culprit."""
        return float(((self.named != self.true) & (self.named > 0) & (self.named <= self.n)).mean())


def draw(setting: Setting, rng: np.random.Generator, size: int, *, bad: bool) -> Floats:
    """Scores of runs, in sd of the good level (of all runs, where one in ten fails from the start)."""
    drop = setting.drop if bad else 0.0
    if setting.noise == "normal":
        return rng.normal(size=size) - drop
    if setting.noise == "t3":
        return rng.standard_t(3, size=size) / np.sqrt(3) - drop
    if setting.noise == "wider":  # the bug makes it erratic, too
        return rng.normal(size=size) * (2 if bad else 1) - drop
    if setting.noise == "spared":
        return rng.normal(size=size) - drop * (rng.random(size) >= SPARED)
    fails = rng.random(size) < FAILING
    sd = np.sqrt(CLEAN_SD**2 * (1 - FAILING) + (LEVEL - FAILED) ** 2 * FAILING * (1 - FAILING))
    return np.where(fails, FAILED / sd, (LEVEL + CLEAN_SD * rng.normal(size=size)) / sd - drop)


def culprit_of(setting: Setting, rng: np.random.Generator) -> int:
    return int(rng.integers(1, setting.n + 1)) if setting.drop else setting.n + 1


def bisect(setting: Setting, seed: int) -> tuple[int, int, int]:
    """The true culprit, the one named, and the new runs it took."""
    rng = np.random.default_rng(seed)
    true = culprit_of(setting, rng)
    good = draw(setting, rng, setting.n_good, bad=False)
    bad = draw(setting, rng, setting.n_bad, bad=true <= setting.n)
    levels = TwoLevels.of_ends(good, bad)
    positions = np.repeat([0, setting.n], [setting.n_good, setting.n_bad])
    scores, runs = np.concatenate([good, bad]), 0
    while True:
        posterior = CulpritPosterior(levels, setting.n, positions, scores)
        answer = suspects(posterior.probabilities, (), CONFIDENCE)
        if answer.found is not Found.UNDECIDED or runs >= CAP:
            named = {Found.CULPRIT: answer.candidates[0], Found.NONE: setting.n + 1, Found.UNDECIDED: 0}
            return true, named[answer.found], runs
        place = int(posterior.information().argmax())
        positions = np.append(positions, np.full(setting.batch, place))
        scores = np.append(scores, draw(setting, rng, setting.batch, bad=place >= true))
        runs += setting.batch


def plain(setting: Setting, seed: int, a_step: int, is_bad: Callable[[Floats, Floats, Floats], bool]) -> bool:
    """Is a plain bisection with so many seeds a step right?"""
    rng = np.random.default_rng(seed)
    true = culprit_of(setting, rng)
    good, bad = draw(setting, rng, setting.n_good, bad=False), draw(setting, rng, setting.n_bad, bad=True)
    low, high = 0, setting.n
    while high - low > 1:
        middle = (low + high) // 2
        seen = draw(setting, rng, a_step, bad=middle >= true)
        low, high = (low, middle) if is_bad(seen, good, bad) else (middle, high)
    return high == true


def by_test(seen: Floats, good: Floats, _bad: Floats) -> bool:
    return bool(stats.ttest_ind(seen, good, alternative="less").pvalue <= 0.05)


def by_nearer_mean(seen: Floats, good: Floats, bad: Floats) -> bool:
    return bool(abs(seen.mean() - bad.mean()) < abs(seen.mean() - good.mean()))


def repeat(setting: Setting, repeats: int) -> Answers:
    return answers(setting.n, [bisect(setting, seed) for seed in range(repeats)])


def answers(n: int, found: Sequence[tuple[int, int, int]]) -> Answers:
    return Answers(n, *(np.array(column) for column in zip(*found, strict=True)))


TABLE = (
    *(Setting(256, drop) for drop in (1.0, 1.5, 2.0, 3.0)),
    *(Setting(256, drop, n_bad=20) for drop in (1.0, 1.5, 2.0, 3.0)),
    *(Setting(256, drop, noise) for noise in ("t3", "failing", "wider", "spared") for drop in (1.0, 1.5, 2.0, 3.0)),
    *(Setting(256, drop, batch=batch) for batch in (2, 4) for drop in (1.5, 3.0)),
    *(Setting(n, 0.0, noise) for n in (16, 256) for noise in ("normal", "t3", "failing")),
    *(Setting(n, drop, noise) for noise in ("normal", "t3") for n in (16, 64) for drop in (1.0, 1.5, 2.0, 3.0)),
)
MAIN = (Setting(256, 1.5),)
"""Cells with 1,000 repeats; the others have 100."""


def known_levels(n: int, drop: float, seed: int) -> tuple[int, int, int]:
    """What is possible at best: both levels and the noise are known, nothing else is. As `bisect`."""
    rng = np.random.default_rng(seed)
    true, log_odds, runs = int(rng.integers(1, n + 1)), np.zeros(n), 0
    while True:
        probabilities = np.exp(log_odds - log_odds.max())
        probabilities /= probabilities.sum()
        if probabilities.max() >= CONFIDENCE:
            return true, int(probabilities.argmax()) + 1, runs
        place = int(np.abs(probabilities.cumsum() - 0.5).argmin()) + 1
        score = rng.normal() - (drop if place >= true else 0.0)
        log_odds[:place] -= ((score + drop) ** 2 - score**2) / 2
        runs += 1


def shown(found: Answers) -> str:
    return (
        f"{found.runs.size:6} {found.right():6.1%} {found.wrong():6.1%} "
        f"{found.runs.mean():6.1f} {np.median(found.runs):6.0f} {np.quantile(found.runs, 0.95):6.0f} "
        f"{found.right(30):6.1%} {found.right(60):6.1%}"
    )


def line(setting: Setting, pool: Pool) -> str:
    tasks = [(setting, seed) for seed in range(1_000 if setting in MAIN else 100)]
    found = answers(setting.n, pool.starmap(bisect, tasks, chunksize=10))
    start = (
        f"{setting.n:4} {setting.drop:4.1f} {setting.noise:8} {setting.n_good:4} {setting.n_bad:4} {setting.batch:2}"
    )
    if not setting.drop:
        return f"{start} {shown(found)}"
    a_step = max(1, round(float(found.runs.mean()) / math.log2(setting.n)))
    shares = [
        np.mean(pool.starmap(plain, [(*task, a_step, rule) for task in tasks], chunksize=50))
        for rule in (by_test, by_nearer_mean)
    ]
    return f"{start} {shown(found)} {a_step:6} " + " ".join(f"{share:6.1%}" for share in shares)


def main() -> None:
    print("   n drop noise    good  bad  b repeat  right  wrong   mean median    95% <= 30  <= 60 a step t test nearer")
    with multiprocessing.Pool() as pool:
        for n in (16, 64, 256):
            for drop in (1.0, 1.5, 2.0, 3.0):
                best = answers(n, pool.starmap(known_levels, [(n, drop, seed) for seed in range(1_000)], chunksize=50))
                print(f"{n:4} {drop:4.1f} normal   both known  1 {shown(best)}", flush=True)
        for setting in TABLE:
            print(line(setting, pool), flush=True)


if __name__ == "__main__":
    main()
