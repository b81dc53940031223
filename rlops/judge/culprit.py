"""When a bisection is over, and what it found. The probabilities are `stats.bisection`'s."""

import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rlops.stats import Floats


class Found(enum.StrEnum):
    """How a bisection stands."""

    CULPRIT = "culprit"
    """one candidate, or several that nothing between them can tell apart, is as probable as was asked"""
    NONE = "none"
    """that no candidate lost anything that matters is"""
    UNDECIDED = "undecided"
    """neither yet"""


@dataclass(frozen=True)
class Suspects:
    """The most probable candidates that no test can tell apart, numbered from 1, and how probable they are together.

    `none`: the probability that there is no culprit; `likely`: how many groups (and none) hold LIKELY together.
    """

    found: Found
    candidates: tuple[int, ...]
    probability: float
    none: float
    likely: int

    @property
    def many(self) -> bool:
        """Is it more than one?"""
        return len(self.candidates) > 1


LIKELY = 0.95
"""What the candidates that are still likely hold together (arbitrary: what people are told on the way)."""


def suspects(probabilities: Floats, untestable: Collection[int], confidence: float) -> Suspects:
    """Where a bisection stands, with the probabilities of candidates 1 to n and, last, of none: (n + 1,).

    Only a test of p itself tells a culprit p from its successor, so that an untestable p makes one of the two.
    """
    n = len(probabilities) - 1
    groups: list[list[int]] = [[]]
    for candidate in range(1, n + 1):
        groups[-1].append(candidate)
        if candidate < n and candidate not in untestable:
            groups.append([])
    shares = [float(probabilities[[candidate - 1 for candidate in group]].sum()) for group in groups]
    best = max(range(len(groups)), key=shares.__getitem__)
    none = float(probabilities[-1])
    found = Found.UNDECIDED
    if shares[best] >= confidence:
        found = Found.CULPRIT
    elif none >= confidence:
        found = Found.NONE
    return Suspects(found, tuple(groups[best]), shares[best], none, _likely([*shares, none]))


def _likely(shares: Sequence[float]) -> int:
    """How many of the shares, the largest first, it takes to hold LIKELY together."""
    held, count = 0.0, 0
    for share in sorted(shares, reverse=True):
        if held >= LIKELY:
            break
        held, count = held + share, count + 1
    return count
