"""`make study-demo`: how often would the demo's two answers come out, and how often a false alarm?

Trains 100 seeds of this checkout and 100 of the copy with the planted bug on the quick benchmark (about 10 minutes on
two cores the first time; what is trained stays in .rlops/), then judges 1,000 random draws of each kind as the gate
does, look by look: 20 baseline seeds against up to 20 others of the same code (should be `equivalent`, or at worst not
`regressed`), and against up to 20 of the copy (should be `regressed`). Every draw freezes its own baseline, margins
included. Without the confirmation by fresh baseline seeds.
"""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from demo import PASSED_ON, REPORTS, ROOT, STORE, copy_with_bug
from scipy import stats

from rlops.curves import Freezing, Loader, RunSet, Store, final, parse_reference
from rlops.judge import Decision, Word, deliberate
from rlops.launch import random_scores
from rlops.plan import Benchmark, checkout, expand, read_benchmark
from rlops.run_sets import Terms, make_plan

SEEDS = tuple(range(1001, 1101))
DRAWS = 1_000
STORED, CANDIDATE = 20, 20


def main() -> None:
    benchmark = read_benchmark(ROOT / "benchmarks" / "quick.toml")
    good, bad = trained(ROOT, benchmark), trained(copy_with_bug(REPORTS / "no_bootstrap"), benchmark)
    zeros = random_scores(benchmark.environments)
    describe("checkout", good, benchmark)
    describe("no_bootstrap", bad, benchmark)

    rng = np.random.default_rng(0)
    same, caught = Tally("A/A gates"), Tally("gates with the bug")
    for draw in range(DRAWS):
        order = rng.permutation(SEEDS)
        baseline, others = picked(good, order[:STORED]), picked(good, order[STORED : STORED + CANDIDATE])
        same.add(judged(baseline, others, benchmark, zeros))
        buggy = picked(bad, rng.choice(SEEDS, CANDIDATE, replace=False))
        caught.add(judged(baseline, buggy, benchmark, zeros))
        if draw + 1 in {20, DRAWS}:
            same.tell()
            caught.tell()


def trained(folder: Path, benchmark: Benchmark) -> RunSet:
    command = [sys.executable, "-I", "-m", "rlops", "run", "quick", "--seeds", f"{SEEDS[0]}-{SEEDS[-1]}"]
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    subprocess.run([*command, "--dir", str(STORE)], cwd=folder, env=environment, check=True)
    grid = expand(benchmark, checkout(folder, benchmark), SEEDS)
    runs = Loader(Store(STORE / "runs"), benchmark.metric).runs(parse_reference(f"dir:{STORE / 'cells' / grid.name}"))
    return runs.select(None, frozenset(SEEDS))


def picked(runs: RunSet, seeds: "np.ndarray") -> RunSet:
    return runs.select(None, frozenset(int(seed) for seed in seeds))


def judged(baseline: RunSet, candidate: RunSet, benchmark: Benchmark, zeros: dict[str, float]) -> Decision:
    terms = Terms.of(benchmark)
    budgets = dict.fromkeys(benchmark.environments, benchmark.budget)
    frozen = Freezing(terms.metric, terms.margins, budgets, zeros).freeze("draw", baseline)
    seeds = tuple(run.seed for run in candidate.of(benchmark.environments[0]))
    return deliberate(baseline, candidate, make_plan(frozen, terms, seeds)).decision


def describe(name: str, runs: RunSet, benchmark: Benchmark) -> None:
    for env_id in runs.env_ids:
        scores = np.array([final(run.curve.on_grid(benchmark.budget)) for run in runs.of(env_id)])
        lowest = ", ".join(f"{score:.0f}" for score in np.sort(scores)[:5])
        spread = scores.std(ddof=1)
        print(f"{name:14} {env_id:14} {scores.mean():8.1f} +- {spread:6.1f}  ({scores.size} seeds; lowest {lowest})")


@dataclass
class Tally:
    """How the gates of one kind ended."""

    what: str
    words: Counter[Word] = field(default_factory=Counter)
    seeds: list[float] = field(default_factory=list)

    def add(self, decision: Decision) -> None:
        self.words[decision.word] += 1
        self.seeds.append(float(np.mean([len(used) for used in decision.course.seeds().values()])))

    def tell(self) -> None:
        total = self.words.total()
        print(f"{total} {self.what}: {np.mean(self.seeds):.1f} candidate seeds per environment")
        for word, count in self.words.most_common():
            low, high = stats.binomtest(count, total).proportion_ci(0.95, method="exact")
            print(f"    {word} {count}/{total} = {count / total:.1%} [{low:.1%}, {high:.1%}]", flush=True)


if __name__ == "__main__":
    main()
