"""The interquartile mean of one environment: against scipy, and how often its interval holds the truth."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats import mstats

from rlops.stats import iqm_interval


@pytest.mark.parametrize("runs", [2, 3])
def test_of_three_runs_it_is_the_mean_with_the_t_interval(runs):
    values = np.random.default_rng(runs).normal(size=runs)
    ends = stats.t.interval(0.95, runs - 1, values.mean(), stats.sem(values))
    assert iqm_interval(values) == pytest.approx((values.mean(), *ends))


@pytest.mark.parametrize("runs", [4, 5, 8, 10, 20, 25])
def test_estimate_and_interval_are_those_of_scipy(runs):
    values = np.random.default_rng(runs).normal(size=runs) ** 3
    estimate, low, high = iqm_interval(values)
    assert estimate == pytest.approx(stats.trim_mean(values, 0.25))
    share = runs // 4 / runs  # scipy's error takes the share that was asked for, not the one that could be trimmed
    assert (low, high) == pytest.approx(tuple(mstats.trimmed_mean_ci(values, limits=(share, share))))


@pytest.mark.parametrize("runs", [3, 5, 10, 20])
def test_the_interval_covers_as_often_as_its_docstring_says(runs):
    """2,000 normal samples: the standard error of the share is 0.6 %."""
    rng = np.random.default_rng(runs)
    ends = [iqm_interval(rng.normal(size=runs)) for _ in range(2_000)]
    assert 0.90 <= np.mean([low <= 0 <= high for _, low, high in ends]) <= 0.98


def test_one_run_has_no_interval():
    assert iqm_interval(np.array([3.0])) == (3.0, 3.0, 3.0)


def test_one_wild_run_moves_neither_estimate_nor_interval_far():
    values = np.arange(10.0)
    wild = np.where(values == 9, 1e9, values)
    assert iqm_interval(wild) == iqm_interval(values)
