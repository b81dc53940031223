"""The pass test: what it promises about losses as large as the margin, and the formulas against scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from rlops.stats import Shuffles, p_suite_within_margin, p_within_margin, suite_change


def within(baseline: np.ndarray, candidate: np.ndarray, margin: float) -> float:
    return p_within_margin(baseline, candidate, margin, Shuffles(len(baseline), len(candidate), 0.05, 0))


def test_a_loss_of_the_margin_passes_in_no_more_than_beta():
    rng = np.random.default_rng(0)
    margin, trials = 1.5, 2000
    passed = np.mean(
        [within(rng.normal(size=12), rng.normal(-margin, 1, size=3), margin) <= 0.05 for _ in range(trials)]
    )
    assert passed <= 0.05 + 5 * math.sqrt(0.05 * 0.95 / trials)
    assert passed > 0.02  # a test that never passes would keep the promise as well


def test_no_loss_at_all_passes_by_the_smallest_p_when_the_margin_is_wide():
    b, c = np.arange(20.0), np.array([8.0, 9.0, 11.0])
    assert within(b, c, 100.0) == 1 / 1771
    assert within(b, c, 0.0) > 0.3


def test_ceilings_pass():
    assert within(np.full(20, 500.0), np.full(3, 500.0), 95.0) == 1 / 1771


def test_suite_of_one_environment_is_students_two_sample_t():
    rng = np.random.default_rng(1)
    b, c = rng.normal(10, 2, 20), rng.normal(9, 2, 5)
    change = suite_change([b], [c], [4.0])
    test = stats.ttest_ind(c + 0.5 * 4.0, b, alternative="greater", equal_var=True)
    assert change.estimate == pytest.approx((c.mean() - b.mean()) / 4)
    assert change.degrees_of_freedom == pytest.approx(23)
    assert p_suite_within_margin(change, 0.5) == pytest.approx(test.pvalue)
    assert change.interval(0.9) == pytest.approx(
        tuple(value / 4 for value in stats.ttest_ind(c, b, equal_var=True).confidence_interval(0.9))
    )


def test_suite_is_the_mean_over_environments_and_its_freedom_lies_between_one_and_all():
    rng = np.random.default_rng(2)
    sides = [(rng.normal(0, s, 20), rng.normal(0, s, 5)) for s in (1, 3, 9)]
    change = suite_change([b for b, _ in sides], [c for _, c in sides], [1.0, 1.0, 1.0])
    assert change.estimate == pytest.approx(np.mean([c.mean() - b.mean() for b, c in sides]))
    assert 23 <= change.degrees_of_freedom <= 69


def test_suite_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(1500):
        change = suite_change(
            [rng.normal(0, s, 8) for s in (1, 2)], [rng.normal(-0.3, s, 4) for s in (1, 2)], [1.0, 1.0]
        )
        low, high = change.interval()
        inside.append(low <= -0.3 <= high)
    assert np.mean(inside) == pytest.approx(0.95, abs=5 * math.sqrt(0.95 * 0.05 / 1500))


def test_without_any_variance_the_sign_decides():
    equal = suite_change([np.full(20, 5.0)], [np.full(3, 5.0)], [4.0])
    lower = suite_change([np.full(20, 5.0)], [np.full(3, 4.0)], [4.0])
    assert p_suite_within_margin(equal, 0.1) == 0.0
    assert p_suite_within_margin(lower, 0.1) == 1.0
    assert equal.interval() == (0.0, 0.0)
