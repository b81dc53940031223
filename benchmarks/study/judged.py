"""One mutant on one benchmark: its truth, what the gate said of many draws, and what practice would have said.

The answer is kept in the store under a key of everything it depends on, the judge's own code included: the same call
goes on where it was interrupted, and judges again only where something has changed.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mutant_table import ROOT, Mutant
from benchmarks.study import fixed, practice
from benchmarks.study.gates import Draw, Gated, draw, gate, measured
from benchmarks.study.pools import BASELINES, CANDIDATES, Pool, benchmark, is_trained, pool, pool_grid
from benchmarks.study.truth import Loss, broken, candidates, losses, yardsticks
from benchmarks.study.versions import BENCHMARK_FILES, UNCHANGED, workspace
from rlops.curves import final
from rlops.files import write_whole
from rlops.plan import Grid, Margins, Policy, code_sha256, environment_margin

JUDGING = code_sha256(ROOT, (
    "rlops/judge", "rlops/stats", "rlops/curves", "rlops/plan", "rlops/looks.py", "rlops/run_sets.py",
    "rlops/launch/random_policy.py", *BENCHMARK_FILES.values(),
    *(f"benchmarks/study/{name}.py" for name in ("fixed", "gates", "judged", "pools", "practice", "truth", "welch")),
))  # fmt: skip
"""Of all that judges, as it was when it was imported."""
REPEATS = 300
"""Draws of each mutant."""
FINER = Margins(scale_fraction=0.1, spreads=0.75, suite_fraction=0.05, suite_spreads=0.75)
"""Of a gate that holds a smaller loss for one that matters: half of the default margins."""
FIXED_REPEATS = 2_000
REGRESSED, EQUIVALENT = "regressed", "equivalent"
PASSES = ("identical", EQUIVALENT, "improved")


@dataclass
class Answers:
    """What a gate said of all draws, as shares of them.

    `words`: of the benchmark; `named`: environments it called worse; `by_look`: largest number of candidate seeds ->
    how often it was `regressed` by then; `seeds`: candidate seeds of an environment, on average; `cells`: trained for
    a verdict, candidate, twins, and the `fresh_cells` of the baseline; `most_cells`: in 95 % of the verdicts not more.
    """

    words: dict[str, float] = field(default_factory=dict)
    named: dict[str, float] = field(default_factory=dict)
    by_look: dict[str, float] = field(default_factory=dict)
    seeds: float = 0.0
    cells: float = 0.0
    fresh_cells: float = 0.0
    most_cells: float = 0.0


@dataclass
class Judged:
    """What came of one mutant, on `repeats` draws.

    `broken`: environment -> the share of seeds that lose more than the margin at the end, each for itself. `gate`: the
    shipped one; `finer`: one with the margins FINER. `spared`: draws whose first look holds no broken
    seed, and how many of them passed; `hit`: the same of the other draws. `minutes_a_cell`: of one core. `practice`:
    how often each rule called it worse. `fixed`: number of candidate seeds -> words of two Welch tests; `looked`: their
    words at the gate's looks, after `looked_seeds` on average.
    """

    mutant: str
    seeds_trained: int
    losses: dict[str, list[Loss]]
    broken: dict[str, float]
    minutes_a_cell: float
    repeats: int = 0
    gate: Answers = field(default_factory=Answers)
    finer: Answers = field(default_factory=Answers)
    spared: list[int] = field(default_factory=list)
    hit: list[int] = field(default_factory=list)
    practice: dict[str, float] = field(default_factory=dict)
    fixed: dict[str, dict[str, float]] = field(default_factory=dict)
    looked: dict[str, float] = field(default_factory=dict)
    looked_seeds: float = 0.0

    @property
    def worst(self) -> Loss:
        """The loss of the end in the environment that loses most margins."""
        return max((found[0] for found in self.losses.values()), key=lambda one: one.margins)

    @property
    def margins(self) -> float:
        """The margins lost there."""
        return self.worst.margins

    @property
    def margins_anywhere(self) -> float:
        """The same of whichever statistic loses most."""
        return max(one.margins for found in self.losses.values() for one in found)

    @classmethod
    def from_json(cls, text: str) -> "Judged":
        """The counterpart of dataclasses.asdict."""
        data: dict[str, Any] = json.loads(text)
        losses = {key: [Loss(**one) for one in found] for key, found in data["losses"].items()}
        said = {name: Answers(**data[name]) for name in ("gate", "finer")}
        return cls(**{**data, "losses": losses, **said})


def judged(mutant: Mutant, name: str, repeats: int = REPEATS) -> Judged | None:
    """What is known, else found out now; None where the pools are not trained yet."""
    asked = benchmark(name)
    grids = pool_grid(UNCHANGED, asked), pool_grid(mutant, asked)
    if not all(map(is_trained, grids)):
        return None
    file = _file(mutant, grids, repeats)
    if file.exists():
        return Judged.from_json(file.read_text(encoding="utf-8"))
    unchanged = pool(UNCHANGED, name)
    found = _judge(unchanged if mutant == UNCHANGED else pool(mutant, name), unchanged, repeats)
    write_whole(file, json.dumps(asdict(found), indent=1) + "\n")
    return found


def _judge(theirs: Pool, unchanged: Pool, repeats: int) -> Judged:
    name = unchanged.grid.benchmark.name
    true = yardsticks(unchanged)
    minutes = [run.minutes for run in unchanged.runs.runs if run.minutes is not None]
    lost = broken(true, theirs)
    found = Judged(
        mutant=theirs.mutant.name,
        seeds_trained=len(theirs.grid.seeds),
        losses=losses(true, theirs),
        broken={env_id: len(seeds) / len(candidates(theirs)) for env_id, seeds in lost.items()},
        minutes_a_cell=float(np.mean(minutes)),
    )
    same_bits = theirs.mutant.bits and theirs.mutant != UNCHANGED
    if same_bits:  # the same draws: see identical.py
        return found
    found.repeats = repeats
    rng = np.random.default_rng([*name.encode(), 0, *theirs.mutant.name.encode()])
    draws = [draw(unchanged, rng) for _ in range(repeats)]
    asked = unchanged.grid.benchmark
    gates, finer = ([gate(unchanged, theirs, one, margins) for one in draws] for margins in (asked.margins, FINER))
    found.gate, found.finer = answers(gates, asked.policy), answers(finer, asked.policy)
    found.spared, found.hit = _by_broken_seeds(draws, gates, frozenset().union(*lost.values()), asked.policy.looks[0])
    said = [practice.say(_sides(unchanged, theirs, one.baseline, one.candidate)) for one in draws]
    found.practice = {rule: float(np.mean([one[rule] for one in said])) for rule in practice.RULES}
    found.fixed = {str(n): _fixed(unchanged, theirs, n, rng) for n in fixed.SEEDS}
    found.looked, found.looked_seeds = _looked(unchanged, theirs, rng)
    return found


def answers(gates: Sequence[Gated], policy: Policy) -> Answers:
    """Puts together what the gates said."""
    env_ids = list(gates[0].environments)
    candidate = np.array([sum(one.seeds.values()) for one in gates])
    fresh = np.array([one.fresh * policy.confirm for one in gates])
    cells = candidate + fresh + np.array([one.twins for one in gates])

    return Answers(
        words=_shares(Counter(one.word for one in gates), len(gates)),
        named={env_id: sum(one.environments[env_id] == REGRESSED for one in gates) / len(gates) for env_id in env_ids},
        by_look={
            str(look): sum(one.word == REGRESSED and max(one.seeds.values()) <= look for one in gates) / len(gates)
            for look in policy.looks
        },
        seeds=float(candidate.mean()) / len(env_ids),
        cells=float(cells.mean()),
        fresh_cells=float(fresh.mean()),
        most_cells=float(np.quantile(cells, 0.95)),
    )


def _by_broken_seeds(
    draws: Sequence[Draw], gates: Sequence[Gated], lost: frozenset[int], first: int
) -> tuple[list[int], list[int]]:
    """Draws whose first look holds no seed that is lost anywhere, and the others; of each, how many passed."""
    counts = {True: [0, 0], False: [0, 0]}
    for one, said in zip(draws, gates, strict=True):
        count = counts[lost.isdisjoint(one.candidate[:first])]
        count[0] += 1
        count[1] += said.word in PASSES
    return counts[True], counts[False]


def _fixed(unchanged: Pool, theirs: Pool, n: int, rng: np.random.Generator) -> dict[str, float]:
    """Two Welch tests with a fixed number of seeds."""
    policy = unchanged.grid.benchmark.policy
    drawn = _welch_draws(unchanged, theirs, n, rng)
    return _shares(Counter(fixed.word(*one, policy.alpha, policy.beta) for one in drawn), FIXED_REPEATS)


def _looked(unchanged: Pool, theirs: Pool, rng: np.random.Generator) -> tuple[dict[str, float], float]:
    """The same at the gate's looks: the words, and the seeds on average."""
    policy = unchanged.grid.benchmark.policy
    drawn = _welch_draws(unchanged, theirs, policy.looks[-1], rng)
    said = [fixed.word_at_looks(*one, policy.alpha, policy.beta, policy.looks) for one in drawn]
    return _shares(Counter(word for word, _ in said), FIXED_REPEATS), float(np.mean([n for _, n in said]))


def _welch_draws(
    unchanged: Pool, theirs: Pool, n: int, rng: np.random.Generator
) -> Iterator[tuple[dict[str, practice.Sides], dict[str, float]]]:
    """Both sides with n candidate seeds, and the margins of each draw."""
    rule = unchanged.grid.benchmark.margins
    for _ in range(FIXED_REPEATS):
        before = rng.permutation(BASELINES)[: max(n, fixed.STORED)]
        sides = _sides(unchanged, theirs, before.tolist(), rng.permutation(CANDIDATES)[:n].tolist())
        spreads = {env_id: float(one.baseline.std(ddof=1)) for env_id, one in sides.items()}
        yield sides, {env_id: environment_margin(rule, 1.0, spread) for env_id, spread in spreads.items()}


def _sides(
    unchanged: Pool, theirs: Pool, baseline: Sequence[int], candidate: Sequence[int]
) -> dict[str, practice.Sides]:
    """Scores and curves in units of this draw's scale."""
    zeros = measured(tuple(unchanged.grid.benchmark.environments))
    sides = {}
    for env_id, zero in zeros.items():
        before, now = unchanged.some(env_id, baseline), theirs.some(env_id, candidate)
        scale = float(final(before).mean()) - zero
        baseline_scores, scores, curves = ((one - zero) / scale for one in (final(before), final(now), now))
        sides[env_id] = practice.Sides(baseline_scores, scores, curves)
    return sides


def _shares(counts: Mapping[str, int], total: int) -> dict[str, float]:
    return {word: count / total for word, count in sorted(counts.items())}


def _file(mutant: Mutant, grids: Sequence[Grid], repeats: int) -> Path:
    """Where the answer is kept."""
    name = grids[0].benchmark.name
    facts = [JUDGING, np.__version__, repeats, *(cell.key for grid in grids for cell in grid.cells)]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]
    return workspace().store / "study" / f"{name}-{mutant.name}-{key}.json"
