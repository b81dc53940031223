"""The pass test: is the candidate worse by less than the margin? H0: worse by at least the margin.

"p > 0.05, therefore pass" is not a test: with few seeds it lets nearly everything through. Here a pass must be proven.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from rlops.stats.permutation import Floats, Shuffles, p_upper


class MeanChange(NamedTuple):
    """An estimate with its standard error and the degrees of freedom of that (inf: the error is 0)."""

    estimate: float
    standard_error: float
    degrees_of_freedom: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """The two-sided t interval."""
        half = self.standard_error * float(special.stdtrit(self.degrees_of_freedom, (1 + confidence) / 2))
        return self.estimate - half, self.estimate + half


def p_within_margin(baseline: Floats, candidate: Floats, margin: float | Floats, shuffles: Shuffles) -> float:
    """p of "the candidate is at least `margin` worse" (in units of the score): small means shown inside the margin.

    With several columns, (n, columns) a side and a margin each, of "in at least one of them": the largest of their p
    (an intersection-union test, Berger 1982; no correction).
    """
    return float(np.max(p_upper(baseline, candidate + margin, shuffles)))


def suite_change(baselines: Sequence[Floats], candidates: Sequence[Floats], scales: Sequence[float]) -> MeanChange:
    """The mean over environments of (candidate mean - baseline mean) / scale.

    Variance pooled within an environment; degrees of freedom across them after Satterthwaite (1946), "An approximate
    distribution of estimates of variance components". Each side of each environment needs at least one value, each
    environment at least three together.
    """
    changes, variances, freedoms = [], [], []
    for baseline, candidate, scale in zip(baselines, candidates, scales, strict=True):
        n0, n1 = len(baseline), len(candidate)
        squares = ((baseline - baseline.mean()) ** 2).sum() + ((candidate - candidate.mean()) ** 2).sum()
        changes.append((candidate.mean() - baseline.mean()) / scale)
        variances.append(squares / (n0 + n1 - 2) * (1 / n0 + 1 / n1) / scale**2)
        freedoms.append(n0 + n1 - 2)
    m, variance = len(changes), np.array(variances)
    total = variance.sum()
    freedom = float(total**2 / (variance**2 / np.array(freedoms)).sum()) if total > 0 else np.inf
    return MeanChange(float(np.mean(changes)), float(np.sqrt(total)) / m, freedom)


def p_suite_within_margin(change: MeanChange, margin: float) -> float:
    """p of "the mean change is a loss of at least `margin`" by the t test of change + margin against 0, upper tail."""
    distance = change.estimate + margin
    if change.standard_error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(special.stdtr(change.degrees_of_freedom, -distance / change.standard_error))
