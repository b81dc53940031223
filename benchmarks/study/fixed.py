"""The alternative with planned error rates: two of Welch's tests, with a fixed number of seeds or at the gate's looks.

`regressed` if in some environment the candidate is worse (one-sided, alpha shared out over the environments); else
`equivalent` if in every one it is shown to lose less than the margin at level beta; else open. Harm first, as the gate
has it. The candidate has n seeds, the baseline the 20 that are stored, or n where that is more; they cost nothing here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchmarks.study.practice import Sides
from benchmarks.study.welch import p_lower, p_upper

STORED = 20
SEEDS = (3, 5, 6, 7, 8, 10, 12, 13, 14, 15, 20, 25)
"""Of the candidate; of more, draws from the pools are too alike."""
OPEN = "inconclusive"


def word(sides: Mapping[str, Sides], margins: Mapping[str, float], alpha: float, beta: float) -> str:
    """The answer of one draw; `margins` in the units of the scores."""
    level = alpha / len(sides)
    if any(p_lower(one.candidate, one.baseline) <= level for one in sides.values()):
        return "regressed"
    if all(p_upper(one.candidate, one.baseline, margins[name]) <= beta for name, one in sides.items()):
        return "equivalent"
    return OPEN


def word_at_looks(
    sides: Mapping[str, Sides], margins: Mapping[str, float], alpha: float, beta: float, looks: Sequence[int]
) -> tuple[str, int]:
    """The same tests with the first n candidate seeds of each look, both levels shared out over the looks: the first
    answer, and the seeds it took.
    """
    share = 1 / len(looks)
    for n in looks:
        first = {name: replace(one, candidate=one.candidate[:n]) for name, one in sides.items()}
        said = word(first, margins, alpha * share, beta * share)
        if said != OPEN:
            return said, n
    return OPEN, looks[-1]
