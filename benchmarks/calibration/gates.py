"""What gates decide, put together from environments that were looked at before (looks.py): `make calibration`.

Each gate takes its environments at random from those of a population, none of them twice, and goes through the looks by
the product's own `follow` and `decide`. Printed: how often which word, the seeds per environment, and 99 % bounds.
"""

import argparse
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import special

from benchmarks.calibration.looks import LOOKS, STORED, Looked
from rlops.judge import Word, decide, follow
from rlops.plan import EnvironmentPlan, Margins, Metric, Plan, Policy, suite_margin

SIZES = (1, 3, 6, 10, 20)
MOST_GATES = 10_000


@dataclass(frozen=True)
class Glance:
    """What the product's `Glance` answers, read from the table. `final_*`: numbers with the same mean and variance."""

    plan: EnvironmentPlan
    look: int
    p_harm: float
    p_improved: float
    p_equivalent: float
    p_inside: float
    final_baseline: np.ndarray
    final_candidate: np.ndarray
    may_pass: bool
    testable: bool = True
    informed: bool = True
    all_equal: bool = False
    shown_by: tuple[int, ...] = (0,)

    @property
    def candidate(self) -> np.ndarray:
        return self.final_candidate


@dataclass(frozen=True)
class Row:
    """One environment of a table, as `follow` sees it."""

    table: Looked
    place: int
    plan: EnvironmentPlan
    fresh: tuple[()] = ()

    def confirmed_at(self, _look: int) -> bool:
        return False

    def at(self, plan: Plan, look: int, _now: int | None = None) -> Glance:
        table, i = self.table, self.place
        return Glance(
            plan=self.plan,
            look=look,
            p_harm=table.p_harm[i, look],
            p_improved=table.p_improved[i, look],
            p_equivalent=table.p_equivalent[i, look],
            p_inside=table.p_inside[i, look],
            final_baseline=with_moments(STORED, table.baseline[i], table.spread[i] ** 2),
            final_candidate=with_moments(LOOKS[look], table.mean[i, look], table.variance[i, look]),
            may_pass=plan.may_pass(LOOKS[look]),
        )


def with_moments(n: int, mean: float, variance: float) -> np.ndarray:
    """`n` numbers with this mean and variance: all that the test of the suite's mean looks at."""
    shape = np.arange(n) - (n - 1) / 2
    return mean + shape * math.sqrt(variance / shape.var(ddof=1))


def row(table: Looked, place: int) -> Row:
    plan = EnvironmentPlan(
        env_id=str(place),
        budget=100,
        mean=table.baseline[place],
        random_score=0.0,
        random_score_from="simulated",
        spread=table.spread[place],
        margins=(table.margin[place],),
        n_baseline=STORED,
    )
    return Row(table, place, plan)


def gates(tables: Sequence[tuple[Looked, int]], rng: np.random.Generator) -> Iterator[list[Row]]:
    """Disjoint gates: of each table so many environments a gate, until one of them is used up."""
    orders = [rng.permutation(len(table.baseline)) for table, _ in tables]
    count = min(len(order) // each for order, (_, each) in zip(orders, tables, strict=True))
    for gate in range(count):
        yield [
            row(table, int(place))
            for order, (table, each) in zip(orders, tables, strict=True)
            for place in order[gate * each : (gate + 1) * each]
        ]


@dataclass
class Tally:
    """How a series of gates ended."""

    words: Counter[Word]
    seeds: float
    gates: int

    def share(self, word: Word) -> float:
        return self.words[word] / self.gates

    def bound(self, word: Word, confidence: float = 0.99) -> float:
        """One-sided upper Clopper-Pearson bound of a word's rate."""
        hits = self.words[word]
        return float(special.betaincinv(hits + 1, self.gates - hits, confidence)) if hits < self.gates else 1.0


def tally(series: Iterable[list[Row]], policy: Policy, *, stop_for_a_pass: bool = True) -> Tally:
    """Judges one gate after the other. Without stopping for a pass only a regression ends it."""
    words: Counter[Word] = Counter()
    seeds = environments = 0
    for rows in series:
        plans = tuple(one.plan for one in rows)
        plan = Plan(None, Metric(), policy, plans, suite_margin(Margins(), plans), tuple(range(LOOKS[-1])), LOOKS)
        course = follow(plan, rows, stop_for_a_pass=stop_for_a_pass)  # type: ignore[arg-type]
        words[decide(course, [], frozenset()).word] += 1
        seeds += sum(LOOKS[item.glance.look] for item in course.standings)
        environments += len(rows)
    return Tally(words, seeds / environments, words.total())


def load(folder: Path, population: str, effect: str) -> Looked:
    """All tables of a population and an effect."""
    files = sorted(folder.glob(f"{population}-{effect.replace(' ', '-')}-*.npz"))
    if not files:
        raise SystemExit(f"{folder}: no environments of {population}, {effect}; make calibration looks at some")
    parts = [dict(np.load(file, allow_pickle=False)) for file in files]
    return Looked(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != "kind"})


def line(name: str, found: Tally) -> str:
    shares = "  ".join(f"{found.share(word):7.2%}" for word in (Word.REGRESSED, Word.EQUIVALENT, Word.INCONCLUSIVE))
    return f"{name:44} {found.gates:7,}  {shares}  {found.share(Word.IMPROVED):7.2%}  {found.seeds:5.1f}"


def counting_small_losses(table: Looked) -> Looked:
    """As if no loss were ever shown to be inside its margin: what the clause costs."""
    return replace(table, p_inside=np.ones_like(table.p_inside))


EFFECTS = (
    ("all", "-10 %", ("mixed", "quiet"), (3, 10)),
    ("all", "-15 %", ("quiet",), (3,)),
    ("one", "-50 %", ("mixed", "quiet"), (3, 10)),
    ("one", "-20 %", ("mixed", "quiet"), (3, 10)),
    ("one", "start twice as slow", ("mixed", "quiet"), (3, 10)),
    ("all", "30 % more steps needed", ("mixed", "quiet"), (3, 10)),
    ("one", "late collapse", ("mixed", "quiet"), (3, 10)),
    ("all", "printed margin", ("mixed",), (1, 3, 10)),
    ("all", "true margin", ("mixed",), (1, 3, 10)),
)
"""To how many environments what is done (its table), in which populations, in gates of which sizes."""


def never_stopped(folder: Path, rng: np.random.Generator) -> None:
    print("Nothing has changed (A/A), never stopped for a pass: false regressed [99 % upper bound]")
    for population in ("mixed", "quiet"):
        none = load(folder, population, "none")
        for alpha in (0.05, 0.01):
            told = []
            for size in SIZES:
                found = tally(gates([(none, size)], rng), Policy(alpha=alpha), stop_for_a_pass=False)
                told.append(f"m={size}: {found.share(Word.REGRESSED):.2%} [{found.bound(Word.REGRESSED):.2%}]")
            print(f"{population}, alpha {alpha}: {'  '.join(told)}  ({len(none.baseline):,} environments)", flush=True)


def nothing_changed(folder: Path, rng: np.random.Generator) -> None:
    print(
        f"\nThe gate as it is, alpha 0.05, strict; last: regressed if small losses counted, too\n"
        f"{'':44} {'gates':>7}  regressed  equivalent  open  improved  seeds  all losses"
    )
    for population in ("mixed", "quiet"):
        none = load(folder, population, "none")
        for size in SIZES:
            found = tally(itertools.islice(gates([(none, size)], rng), MOST_GATES), Policy())
            print(line(f"{population} m={size}: A/A", found), flush=True)


def something_changed(folder: Path, rng: np.random.Generator) -> None:
    for who, effect, populations, sizes in EFFECTS:
        for population, size in itertools.product(populations, sizes):
            harmed = 1 if who == "one" else size
            tables = [(load(folder, population, effect), harmed)]
            if size > harmed:
                tables.append((load(folder, population, "none"), size - harmed))
            drawn = list(itertools.islice(gates(tables, rng), MOST_GATES))
            every_loss = {id(table): counting_small_losses(table) for table, _ in tables}
            counted = ([replace(one, table=every_loss[id(one.table)]) for one in rows] for rows in drawn)
            told = line(f"{population} m={size}: {who} {effect}", tally(drawn, Policy()))
            print(f"{told}   {tally(counted, Policy()).share(Word.REGRESSED):7.2%}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for told in (never_stopped, nothing_changed, something_changed):
        told(folder, np.random.default_rng(0))


if __name__ == "__main__":
    main()
