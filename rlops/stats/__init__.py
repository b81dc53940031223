"""The ground floor: pure mathematics on numpy arrays. Knows nothing of runs, benchmarks or verdicts."""

from rlops.stats.bisection import CulpritPosterior, TwoLevels, entropy
from rlops.stats.bootstrap import Band, Bootstrap, Interval
from rlops.stats.change_points import Split, best_split
from rlops.stats.estimates import (
    difference_interval,
    iqm_interval,
    mean_interval,
    probability_of_improvement,
    proportion_interval,
)
from rlops.stats.failure_rate import failure_rate_bound, p_more_failures
from rlops.stats.harm import HarmTest, joint_share
from rlops.stats.instability import max_drawdown, p_less_stable, roughness
from rlops.stats.multiplicity import holm, stouffer
from rlops.stats.noninferiority import MeanChange, p_suite_within_margin, p_within_margin, suite_change
from rlops.stats.permutation import Floats, Shuffles, p_lower, p_upper, smallest_p, stable_seed
from rlops.stats.power import minimum_detectable_effect, seeds_needed
from rlops.stats.sequential import information, pocock_levels, pocock_spending
from rlops.stats.throughput import FEWEST_PAIRS, compare_throughput

__all__ = [
    "FEWEST_PAIRS",
    "Band",
    "Bootstrap",
    "CulpritPosterior",
    "Floats",
    "HarmTest",
    "Interval",
    "MeanChange",
    "Shuffles",
    "Split",
    "TwoLevels",
    "best_split",
    "compare_throughput",
    "difference_interval",
    "entropy",
    "failure_rate_bound",
    "holm",
    "information",
    "iqm_interval",
    "joint_share",
    "max_drawdown",
    "mean_interval",
    "minimum_detectable_effect",
    "p_less_stable",
    "p_lower",
    "p_more_failures",
    "p_suite_within_margin",
    "p_upper",
    "p_within_margin",
    "pocock_levels",
    "pocock_spending",
    "probability_of_improvement",
    "proportion_interval",
    "roughness",
    "seeds_needed",
    "smallest_p",
    "stable_seed",
    "stouffer",
    "suite_change",
]
