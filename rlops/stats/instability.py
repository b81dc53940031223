"""Do the candidate's runs shake more? What `final` and `auc` average away: dips, and falls that are made good again.

Curves are (runs, points) on the grid, higher is better, divided by the scale by the caller: what comes out is a share
of what there is to learn.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from rlops.stats.harm import joint_share
from rlops.stats.permutation import Floats, Labellings, Shuffles, studentised_t

WINDOW = 11
"""Points of the running median: it passes over dips of up to 5 points; those that last longer are the drawdown's."""


def roughness(curves: Floats) -> Floats:
    """Root mean square of what a running median leaves, (runs, points) -> (runs,).

    A median and no mean: a rise, however sudden, leaves nothing, so that learning itself is never rough.
    """
    windows = sliding_window_view(curves, WINDOW, axis=1)
    left = windows[:, :, WINDOW // 2] - np.median(windows, axis=2)
    root: Floats = np.sqrt((left**2).mean(axis=1))
    return root


def max_drawdown(curves: Floats) -> Floats:
    """The deepest fall below the best so far, (runs, points) -> (runs,): 0 for a curve that never falls."""
    deepest: Floats = (np.maximum.accumulate(curves, axis=1) - curves).max(axis=1)
    return deepest


def p_less_stable(baseline: Floats, candidate: Floats, shuffles: Shuffles) -> float:
    """p of "the candidate's curves are as stable", one-sided, from both measures by one permutation of the labels.

    (n0, points), (n1, points). H0 is that the runs are exchangeable: a candidate that learns sooner spends more of its
    curve where the noise is large, and may be found here for that alone. Hence a finding and no verdict.
    """
    together = np.concatenate([candidate, baseline])
    measures = np.stack([roughness(together), max_drawdown(together)], axis=1)

    def share(labellings: Labellings) -> float:
        return joint_share(-studentised_t(measures, labellings).T)

    return shuffles.p_value(share)
