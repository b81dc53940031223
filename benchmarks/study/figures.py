"""docs/study.json: everything that the study found out, and what follows from it."""

import json
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, stdev
from typing import Any

from benchmarks.mutant_table import ROOT, Mutant, read
from benchmarks.study.judged import EQUIVALENT, PASSES, REGRESSED, Answers, Judged
from rlops.files import write_whole

FIGURES = ROOT / "docs" / "study.json"
STRONG = 1.25
"""Margins; a mutant that loses so many at the end has to be caught."""
MOST_OF_A_MARGIN = 0.75
TO_CATCH = 0.95
WITHIN = 0.01
"""Rates no further apart than this count as the same."""
BY_NAME = {mutant.name: mutant for mutant in read()}


class Study:
    """All mutants on one benchmark. `harmful`, `harmless`: as they were meant, without those that keep every bit, which
    are among the `others`; `strong`, `between`, `slight`: by their loss.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        found = [Judged.from_json(json.dumps(one)) for one in data["mutants"]]
        self.control = [one for one in found if one.mutant not in BY_NAME]
        self.harmful = [one for one in found if one.mutant in BY_NAME and row(one).harmful]
        self.others = [one for one in found if one.mutant in BY_NAME and not row(one).harmful]
        self.harmless = [one for one in self.others if not row(one).bits]
        self.env_ids = list(found[0].losses)

    @property
    def strong(self) -> list[Judged]:
        """Those that have to be caught."""
        return [one for one in self.harmful if one.margins >= STRONG]

    @property
    def between(self) -> list[Judged]:
        """Those that lose most of a margin at the end, or a strong loss elsewhere."""
        kept = [one for one in self.harmful if one not in self.strong]
        return [one for one in kept if one.margins >= MOST_OF_A_MARGIN or one.margins_anywhere >= STRONG]

    @property
    def slight(self) -> list[Judged]:
        """The other ones meant to be harmful."""
        return [one for one in self.harmful if one not in self.strong and one not in self.between]

    @property
    def strata(self) -> dict[str, list[Judged]]:
        """All that were judged by draws, with what to call them."""
        return {
            f"{len(self.strong)} that lose ≥ {STRONG} margins": self.strong,
            f"{len(self.between)} in between": self.between,
            f"{len(self.slight)} that lose less": self.slight,
            f"{len(self.harmless)} harmless": self.harmless,
        }

    @property
    def strong_anywhere(self) -> list[Judged]:
        """Those that lose so much in whichever statistic, chosen after the fact."""
        return [one for one in self.harmful if one.margins_anywhere >= STRONG]

    @property
    def accused(self) -> tuple[float, float]:
        """How often a harmless mutant is called worse, and the standard error, a mutant counting once."""
        rates = [caught(one) for one in self.harmless]
        return fmean(rates), stdev(rates) / len(rates) ** 0.5

    def same_rates(self) -> int | None:
        """The fewest fixed seeds with which two Welch tests keep what the gate keeps; None beyond what was tried.

        The least caught of those that have to be caught (TO_CATCH, or the gate's rate where that is less), and how
        often harmless ones pass and are accused, over all of them.
        """
        passes, accuses = mean(passed, self.harmless), max(self.data["alpha"], self.accused[0])
        for n in self._catching():
            fixed_passes, fixed_accuses = (self.fixed_rate(n, word, self.harmless) for word in (EQUIVALENT, REGRESSED))
            if fixed_passes >= passes - WITHIN and fixed_accuses <= accuses + WITHIN:
                return n
        return None

    def to_catch_alone(self) -> int | None:
        """The fewest with which they catch as much, whatever they say of harmless ones."""
        return next(self._catching(), None)

    def _catching(self) -> Iterator[int]:
        asked = min(TO_CATCH, min(map(caught, self.strong)))
        for n in self.fixed_sizes():
            if min(self.fixed_rate(n, REGRESSED, [one]) for one in self.strong) >= asked - WITHIN:
                yield n

    def shown_size(self) -> int:
        """The fixed number of seeds that stands beside each mutant: that with the gate's rates, else the largest."""
        return self.same_rates() or self.fixed_sizes()[-1]

    def fixed_sizes(self) -> list[int]:
        """Numbers of seeds that two Welch tests were tried with."""
        return list(map(int, self.harmful[0].fixed))

    @staticmethod
    def fixed_rate(n: int, word: str, group: Sequence[Judged]) -> float:
        """How often two Welch tests with `n` seeds say a word."""
        return mean(lambda one: one.fixed[str(n)].get(word, 0.0), group)


def row(one: Judged) -> Mutant:
    """The mutant's row of the table."""
    return BY_NAME[one.mutant]


def caught(one: Judged) -> float:
    """The share of draws in which the gate called it worse."""
    return one.gate.words.get(REGRESSED, 0.0)


def passed(one: Judged) -> float:
    """The share in which it passed."""
    return passes(one.gate)


def passes(answers: Answers) -> float:
    """The share of draws in which a gate said one of PASSES."""
    return sum(answers.words.get(word, 0.0) for word in PASSES)


def worst_first(mutants: Sequence[Judged]) -> list[Judged]:
    """By the margins lost at the end."""
    return sorted(mutants, key=lambda one: -one.margins)


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
    return {name: Study(data) for name, data in read_figures().items()}
