"""Many environments, one error rate."""

from collections.abc import Mapping


def holm(p_values: Mapping[str, float], alpha: float) -> frozenset[str]:
    """The names whose hypothesis Holm's step-down procedure rejects: P(any false rejection) <= alpha.

    Holm (1979), "A simple sequentially rejective multiple test procedure". The i-th smallest p (from 0) of m is held
    against alpha / (m - i); the first that is larger ends it.
    """
    rejected: set[str] = set()
    m = len(p_values)
    for i, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        if p_values[name] > alpha / (m - i):
            break
        rejected.add(name)
    return frozenset(rejected)
