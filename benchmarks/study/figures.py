"""docs/study.json: everything that the study found out, and what follows from it."""

import json
from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import Any

from benchmarks.mutant_table import ROOT, Mutant, read
from benchmarks.study import fixed
from benchmarks.study.judged import REGRESSED, Judged
from rlops.files import write_whole

FIGURES = ROOT / "docs" / "study.json"
STRONG = 1.25
"""Margins; a mutant that loses so many at the end has to be caught."""
WITHIN = 0.01
"""Rates no further apart than this count as the same."""
PASSES = ("equivalent", "improved")
BY_NAME = {mutant.name: mutant for mutant in read()}


class Study:
    """All mutants on one benchmark. Groups: by their true loss, whatever was meant with them."""

    def __init__(self, name: str, data: dict[str, Any]) -> None:
        self.name, self.data = name, data
        found = [Judged.from_json(json.dumps(one)) for one in data["mutants"]]
        self.control = [one for one in found if one.mutant not in BY_NAME]
        self.harmful = [one for one in found if one.mutant in BY_NAME and row(one).harmful]
        self.harmless = [one for one in found if one.mutant in BY_NAME and not row(one).harmful and one.repeats]
        self.env_ids = list(found[0].losses)

    @property
    def strong(self) -> list[Judged]:
        """Those that have to be caught."""
        return [one for one in self.harmful if one.margins >= STRONG]

    @property
    def weak(self) -> list[Judged]:
        """Meant to be harmful, and lose less."""
        return [one for one in self.harmful if one.margins < STRONG]

    @property
    def decided(self) -> list[Judged]:
        """Those that have a right answer: to be caught, or to pass."""
        return [*self.strong, *self.harmless]

    @property
    def accused(self) -> tuple[float, float]:
        """How often a harmless mutant is called worse, and the standard error, a mutant counting once."""
        rates = [caught(one) for one in self.harmless]
        return fmean(rates), stdev(rates) / len(rates) ** 0.5

    def same_rates(self) -> int | None:
        """The fewest fixed seeds with which two Welch tests catch and pass as often as the gate."""
        for n in fixed.SEEDS:
            if any(str(n) not in one.fixed for one in self.decided):
                break
            catches, passes = self.fixed_rate(n, REGRESSED, self.strong), self.fixed_rate(n, PASSES[0], self.harmless)
            if catches >= mean(caught, self.strong) - WITHIN and passes >= mean(passed, self.harmless) - WITHIN:
                return n
        return None

    @staticmethod
    def fixed_rate(n: int, word: str, group: Sequence[Judged]) -> float:
        """How often two Welch tests with `n` seeds say a word."""
        return mean(lambda one: one.fixed[str(n)].get(word, 0.0), group)


def row(one: Judged) -> Mutant:
    """The mutant's row of the table."""
    return BY_NAME[one.mutant]


def caught(one: Judged) -> float:
    """The share of draws in which the gate called it worse."""
    return one.words.get(REGRESSED, 0.0)


def passed(one: Judged) -> float:
    """The share in which it passed."""
    return sum(one.words.get(word, 0.0) for word in PASSES)


def mean(share: Callable[[Judged], float], group: Sequence[Judged]) -> float:
    """Over the mutants of a group, each counting once."""
    return fmean(map(share, group))


def read_figures() -> dict[str, Any]:
    """All that is known, by benchmark."""
    found: dict[str, Any] = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    return found


def write_figures(found: dict[str, Any]) -> None:
    """Keeps what is known."""
    write_whole(FIGURES, json.dumps(found, indent=1) + "\n")


def studies() -> dict[str, Study]:
    """Every benchmark of which something is known."""
    return {name: Study(name, data) for name, data in read_figures().items()}
