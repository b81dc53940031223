"""`make study-demo`: how often would the demo's two answers come out, and how often a false alarm?

Trains 100 seeds of this checkout and 100 of the copy with the planted bug on the quick benchmark (about 20 minutes on
two cores the first time; what is trained stays in .rlops/), then judges 1,000 random draws of each kind as the gate
would: 20 baseline seeds against 5 fresh ones of the same code (should be `equivalent`, or at worst not `regressed`),
and against 3 of the copy (should be `regressed`). Every draw freezes its own baseline, margins included.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from demo import PASSED_ON, REPORTS, ROOT, STORE, copy_with_bug
from scipy import stats

from rlops.curves import Freezing, Loader, RunSet, Store, final, parse_reference
from rlops.judge import Word, deliberate
from rlops.launch import random_scores
from rlops.plan import Benchmark, checkout, expand, read_benchmark
from rlops.run_sets import Terms, make_plan

SEEDS = tuple(range(1001, 1101))
DRAWS = 1_000
BASELINE_SEEDS, PASS_SEEDS, CATCH_SEEDS = 20, 5, 3


def main() -> None:
    benchmark = read_benchmark(ROOT / "benchmarks" / "quick.toml")
    good, bad = trained(ROOT, benchmark), trained(copy_with_bug(REPORTS / "no_bootstrap"), benchmark)
    zeros = random_scores(benchmark.environments)
    describe("checkout", good, benchmark)
    describe("no_bootstrap", bad, benchmark)

    rng = np.random.default_rng(0)
    same, caught = Counter[Word](), Counter[Word]()
    for draw in range(DRAWS):
        order = rng.permutation(SEEDS)
        baseline = picked(good, order[:BASELINE_SEEDS])
        same[judged(baseline, picked(good, order[BASELINE_SEEDS:][:PASS_SEEDS]), benchmark, zeros)] += 1
        caught[judged(baseline, picked(bad, rng.choice(SEEDS, CATCH_SEEDS, replace=False)), benchmark, zeros)] += 1
        if draw + 1 in {20, DRAWS}:
            tell(f"{draw + 1} A/A gates, {BASELINE_SEEDS} against {PASS_SEEDS}", same)
            tell(f"{draw + 1} gates with the bug, {BASELINE_SEEDS} against {CATCH_SEEDS}", caught)


def trained(folder: Path, benchmark: Benchmark) -> RunSet:
    command = [sys.executable, "-I", "-m", "rlops", "run", "quick", "--seeds", f"{SEEDS[0]}-{SEEDS[-1]}"]
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    subprocess.run([*command, "--dir", str(STORE)], cwd=folder, env=environment, check=True)
    grid = expand(benchmark, checkout(folder, benchmark), SEEDS)
    runs = Loader(Store(STORE / "runs"), benchmark.metric).runs(parse_reference(f"dir:{STORE / 'cells' / grid.name}"))
    return runs.select(None, frozenset(SEEDS))


def picked(runs: RunSet, seeds: "np.ndarray") -> RunSet:
    return runs.select(None, frozenset(int(seed) for seed in seeds))


def judged(baseline: RunSet, candidate: RunSet, benchmark: Benchmark, zeros: dict[str, float]) -> Word:
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


def tell(what: str, words: Counter[Word]) -> None:
    total = words.total()
    for word, count in words.most_common():
        low, high = stats.binomtest(count, total).proportion_ci(0.95, method="exact")
        print(f"{what}: {word} {count}/{total} = {count / total:.1%} [{low:.1%}, {high:.1%}]", flush=True)


if __name__ == "__main__":
    main()
