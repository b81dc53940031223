"""Holm, power and the estimates for pictures."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rlops.stats import (
    difference_interval,
    holm,
    mean_interval,
    minimum_detectable_effect,
    probability_of_improvement,
    proportion_interval,
    seeds_needed,
)


def test_holm_steps_down():
    # 0.01 <= .05/4, 0.016 <= .05/3, 0.03 > .05/2: the last two stay, although .04 <= .05/1
    assert holm({"a": 0.01, "b": 0.016, "c": 0.03, "d": 0.04}, 0.05) == {"a", "b"}


def test_holm_of_one_is_the_plain_test():
    assert holm({"a": 0.05}, 0.05) == {"a"}
    assert holm({"a": 0.0501}, 0.05) == frozenset()
    assert holm({}, 0.05) == frozenset()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_bonferroni_and_no_correction(p_values):
    named = {str(i): p for i, p in enumerate(p_values)}
    bonferroni = {name for name, p in named.items() if p <= 0.05 / len(named)}
    assert bonferroni <= holm(named, 0.05) <= {name for name, p in named.items() if p <= 0.05}


@pytest.mark.parametrize(("n0", "n1"), [(20, 3), (20, 5), (10, 10)])
def test_minimum_detectable_effect_has_80_percent_power(n0, n1):
    effect, alpha = minimum_detectable_effect(n0, n1, 0.05), 0.05
    rng = np.random.default_rng(0)
    b, c = rng.normal(0, 1, (4000, n0)), rng.normal(-effect, 1, (4000, n1))
    found = np.mean(stats.ttest_ind(c, b, axis=1, alternative="less").pvalue <= alpha)
    assert found == pytest.approx(0.8, abs=5 * math.sqrt(0.8 * 0.2 / 4000))


def test_more_seeds_find_smaller_effects_and_some_effects_are_out_of_reach():
    assert minimum_detectable_effect(20, 10, 0.05) < minimum_detectable_effect(20, 3, 0.05)
    needed = seeds_needed(1.5, 20, 0.05)
    assert needed is not None
    assert minimum_detectable_effect(20, needed, 0.05) <= 1.5 < minimum_detectable_effect(20, needed - 1, 0.05)
    assert seeds_needed(0.1, 20, 0.05) is None


def test_mean_interval_is_scipys_t_interval():
    values = np.random.default_rng(1).normal(size=(7, 3))
    mean, low, high = mean_interval(values)
    expected = stats.t.interval(0.95, 6, loc=values.mean(0), scale=stats.sem(values))
    np.testing.assert_allclose([mean, low, high], [values.mean(0), *expected])
    one = mean_interval(values[:1])
    np.testing.assert_array_equal(one[1], one[2])


def test_difference_interval_is_welchs():
    rng = np.random.default_rng(2)
    b, c = rng.normal(size=20), rng.normal(1, 3, size=5)
    expected = stats.ttest_ind(c, b, equal_var=False).confidence_interval(0.95)
    assert difference_interval(b, c) == pytest.approx(tuple(expected))
    assert difference_interval(np.full(4, 2.0), np.full(3, 5.0)) == (3.0, 3.0)


def test_probability_of_improvement_is_mann_whitneys_u():
    b, c = np.array([1.0, 2, 2, 5]), np.array([2.0, 5, 6])
    assert probability_of_improvement(b, c) == stats.mannwhitneyu(c, b).statistic / 12


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (3, 10), (10, 10), (12, 1000)])
def test_interval_of_a_proportion_is_clopper_and_pearsons(hits, n):
    oracle = stats.binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert proportion_interval(hits, n) == pytest.approx((oracle.low, oracle.high), abs=1e-12)
