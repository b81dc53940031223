"""The levels of the looks: against published bounds, scipy's multivariate normal, and simulation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rlops.stats import information, pocock_levels, pocock_spending, stouffer

LOOKS = (3, 5, 8, 12, 20)
INFORMATION = tuple(information(20, n) for n in LOOKS)


def test_levels_are_those_of_the_literature():
    """Lan and DeMets' Pocock-type bounds for five equal looks, one-sided 0.025 (R package ldbounds, alpha(2, ...))."""
    bounds = [stats.norm.isf(level) for level in pocock_levels((1, 2, 3, 4, 5), 0.025)]
    assert bounds == pytest.approx([2.438, 2.427, 2.410, 2.397, 2.386], abs=5e-4)


@pytest.mark.parametrize("informations", [INFORMATION, INFORMATION[1:], (1.0, 1.01, 7.0)])
def test_what_is_spent_by_each_look_is_what_the_function_says(informations):
    bounds = stats.norm.isf(pocock_levels(informations, 0.05))
    ratio = np.sqrt(np.minimum.outer(informations, informations) / np.maximum.outer(informations, informations))
    for k in range(1, len(informations) + 1):
        stay = stats.multivariate_normal(
            cov=ratio[:k, :k], allow_singular=True, maxpts=200_000 * k, abseps=1e-7, releps=1e-7, seed=0
        )
        never = stay.cdf(bounds[:k])
        assert 1 - never == pytest.approx(pocock_spending(informations[k - 1] / informations[-1], 0.05), abs=2e-5)


def test_one_look_has_the_whole_level():
    assert pocock_levels((4.2,), 0.05) == pytest.approx((0.05,))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.05, 5), min_size=1, max_size=6), st.floats(0.005, 0.2))
def test_no_look_has_more_than_the_whole_and_all_together_have_it(steps, alpha):
    levels = pocock_levels(tuple(itertools.accumulate(steps)), alpha)
    assert max(levels) <= alpha * (1 + 1e-9)
    assert sum(levels) >= alpha * (1 - 1e-9)


def test_looking_at_growing_samples_rejects_as_often_as_planned():
    """20 stored runs against up to 20 new ones, a normal score whose spread is known."""
    rng = np.random.default_rng(0)
    bounds = stats.norm.isf(pocock_levels(INFORMATION, 0.05))
    trials = 40_000
    baseline, candidate = rng.normal(size=(trials, 20)).mean(1), rng.normal(size=(trials, 20)).cumsum(1)
    rejected = np.zeros(trials, dtype=bool)
    for n, knows, bound in zip(LOOKS, INFORMATION, bounds, strict=True):
        rejected |= (candidate[:, n - 1] / n - baseline) * math.sqrt(knows) >= bound
    assert rejected.mean() == pytest.approx(0.05, abs=5 * math.sqrt(0.05 * 0.95 / trials))


def test_stouffer_is_scipys():
    p = [0.2, 0.03, 0.5, 0.4]
    assert stouffer(p) == pytest.approx(stats.combine_pvalues(p, method="stouffer").pvalue)
    assert stouffer([]) == 1.0


def test_no_single_p_decides_all_together():
    assert stouffer([1.0, 1e-9]) == pytest.approx(stouffer([1 - 1e-4, 1e-9]))
    assert stouffer([0.0]) == pytest.approx(1e-9)
