"""The alternative with planned error rates: a fixed number of seeds and two of Welch's tests, without any look.

`regressed` if in some environment the candidate is worse (one-sided, alpha shared out over the environments); else
`equivalent` if in every one it is shown to lose less than the margin at level beta; else open. Harm first, as the gate
has it. The candidate has n seeds, the baseline the 20 that are stored, or n where that is more; they cost nothing here.
"""

from collections.abc import Mapping

import numpy as np
from scipy import special

from benchmarks.study.practice import Sides

STORED = 20
SEEDS = (3, 5, 8, 10, 12, 15, 20, 25, 30, 40, 50)
"""Of the candidate."""


def p_lower(candidate: np.ndarray, baseline: np.ndarray, shift: float = 0.0) -> float:
    """One-sided p of Welch's t test that the candidate's mean + `shift` is lower."""
    return float(special.stdtr(*_welch(candidate + shift, baseline)))


def p_upper(candidate: np.ndarray, baseline: np.ndarray, shift: float = 0.0) -> float:
    """One-sided p that it is higher."""
    freedom, t = _welch(candidate + shift, baseline)
    return float(special.stdtr(freedom, -t))


def word(sides: Mapping[str, Sides], margins: Mapping[str, float], alpha: float, beta: float) -> str:
    """The answer of one draw; `margins` in the units of the scores."""
    level = alpha / len(sides)
    if any(p_lower(one.candidate, one.baseline) <= level for one in sides.values()):
        return "regressed"
    if all(p_upper(one.candidate, one.baseline, margins[name]) <= beta for name, one in sides.items()):
        return "equivalent"
    return "inconclusive"


def _welch(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Degrees of freedom and t; where nothing varies, t is as large as it can be told."""
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    difference = float(a.mean() - b.mean())
    if va + vb == 0:
        return 1.0, float(np.sign(difference)) * 1e300
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return float(freedom), difference / float(np.sqrt(va + vb))
