"""Many environments, one error rate."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from scipy import special

CLIP = 1e-9, 1 - 1e-4
"""No single p may decide by being next to 0 or to 1."""


Name = TypeVar("Name", bound=Hashable)


def holm(p_values: Mapping[Name, float], alpha: float) -> frozenset[Name]:
    """The names whose hypothesis Holm's step-down procedure rejects: P(any false rejection) <= alpha.

    Holm (1979), "A simple sequentially rejective multiple test procedure". The i-th smallest p (from 0) of m is held
    against alpha / (m - i); the first that is larger ends it.
    """
    rejected: set[Name] = set()
    m = len(p_values)
    for i, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        if p_values[name] > alpha / (m - i):
            break
        rejected.add(name)
    return frozenset(rejected)


def stouffer(p_values: Sequence[float]) -> float:
    """One p for all hypotheses together, from independent one-sided ones, clipped: 1 if there are none.

    Stouffer et al. (1949), "The American Soldier": the sum of the normal quantiles over the root of their number.
    """
    if not p_values:
        return 1.0
    quantiles = special.ndtri(np.clip(p_values, *CLIP))
    return float(special.ndtr(quantiles.sum() / math.sqrt(len(p_values))))
