"""The alternative with planned error rates: a fixed number of seeds and two of Welch's tests, without any look.

`regressed` if in some environment the candidate is worse (one-sided, alpha shared out over the environments); else
`equivalent` if in every one it is shown to lose less than the margin at level beta; else open. Harm first, as the gate
has it. The candidate has n seeds, the baseline the 20 that are stored, or n where that is more; they cost nothing here.
"""

from collections.abc import Mapping

from benchmarks.study.practice import Sides
from benchmarks.study.welch import p_lower, p_upper

STORED = 20
SEEDS = (3, 5, 8, 10, 12, 15, 20, 25, 30, 40, 50)
"""Of the candidate."""


def word(sides: Mapping[str, Sides], margins: Mapping[str, float], alpha: float, beta: float) -> str:
    """The answer of one draw; `margins` in the units of the scores."""
    level = alpha / len(sides)
    if any(p_lower(one.candidate, one.baseline) <= level for one in sides.values()):
        return "regressed"
    if all(p_upper(one.candidate, one.baseline, margins[name]) <= beta for name, one in sides.items()):
        return "equivalent"
    return "inconclusive"
