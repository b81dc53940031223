"""Welch's t test, one-sided, also where nothing varies."""

import numpy as np
from scipy import special


def p_lower(candidate: np.ndarray, baseline: np.ndarray, shift: float = 0.0) -> float:
    """p of "the candidate's mean + `shift` is lower"."""
    return float(special.stdtr(*_freedom_and_t(candidate + shift, baseline)))


def p_upper(candidate: np.ndarray, baseline: np.ndarray, shift: float = 0.0) -> float:
    """p of "it is higher"."""
    freedom, t = _freedom_and_t(candidate + shift, baseline)
    return float(special.stdtr(freedom, -t))


def p_two_sided(candidate: np.ndarray, baseline: np.ndarray) -> float:
    """p of "the means differ"."""
    return 2 * min(p_lower(candidate, baseline), p_upper(candidate, baseline))


def _freedom_and_t(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Degrees of freedom and t; where nothing varies, t is as large as it can be told."""
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    difference = float(a.mean() - b.mean())
    if va + vb == 0:
        return 1.0, float(np.sign(difference)) * 1e300
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return float(freedom), difference / float(np.sqrt(va + vb))
