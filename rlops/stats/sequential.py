"""Looking more than once without paying more than once: the levels of the pass test at each look.

An error-spending function says how much of the level may be used up by the time a share of the information is there
(Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials"); the level of each look follows from the
joint normal law of the looks, in which the statistics of two looks correlate as the root of their information's ratio.
"""

import math
from functools import cache

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy import special
from scipy.optimize import brentq

from rlops.stats.permutation import Floats

NODES_PER_DEVIATION = 6
"""Of the quadrature, for each standard deviation of the next step: the levels are right to 1e-6."""
FAR = 8.0
"""Standard deviations beyond which the normal density counts as 0."""


def information(n_baseline: int, n_candidate: int) -> float:
    """What a difference of two means of so many runs knows, in units of one run: 1 / (1/n0 + 1/n1)."""
    return 1 / (1 / n_baseline + 1 / n_candidate)


def pocock_spending(share: float, alpha: float) -> float:
    """The part of `alpha` that may be spent with a share of the information: alpha log(1 + (e - 1) share)."""
    return alpha * math.log1p((math.e - 1) * share)


@cache
def pocock_levels(informations: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    """The one-sided level of each look, so that P(any look rejects | H0) = alpha.

    Args:
        informations: of each look, increasing.
        alpha: over all looks.
    """
    levels: list[float] = []
    spent, before = 0.0, 0.0
    nodes, density = np.zeros(1), np.ones(1)  # where the score statistic may be, and with what probability
    for now, later in zip(informations, (*informations[1:], math.inf), strict=False):
        step = math.sqrt(now - before)
        to_spend = pocock_spending(now / informations[-1], alpha) - spent

        def excess(bound: float, nodes: Floats = nodes, density: Floats = density, step: float = step) -> float:
            return float(density @ special.ndtr((nodes - bound) / step)) - to_spend  # noqa: B023 - used at once

        reach = FAR * math.sqrt(now)
        bound = float(brentq(excess, -reach, reach, xtol=1e-13))
        levels.append(float(special.ndtr(-bound / math.sqrt(now))))
        half = (bound + reach) / 2
        x, weights = leggauss(max(32, math.ceil(NODES_PER_DEVIATION * half / math.sqrt(later - now))))
        after = half * x + (bound - reach) / 2  # from -reach to the bound: where nothing has been rejected yet
        steps = (after[:, None] - nodes[None, :]) / step
        normal = np.exp(-0.5 * steps**2) / (step * math.sqrt(2 * math.pi))
        density = weights * half * (normal @ density)
        nodes, spent, before = after, spent + to_spend, now
    return tuple(levels)
