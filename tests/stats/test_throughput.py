"""Steps per second: brute force over the signs, scipy's trimmed mean, and what level and power promise."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from rlops.stats.throughput import EXACT_PAIRS, FEWEST_PAIRS, compare_throughput


def pairs(rng: np.random.Generator, n: int, change: float = 0.0, noise: float = 0.05):
    """A machine whose speed wanders by half; both runs of a pair see the same of it."""
    speed = 10_000 * np.exp(np.cumsum(0.1 * rng.normal(size=n)))
    return speed, speed * (1 + change) * np.exp(noise * rng.normal(size=n))


@pytest.mark.parametrize("n", [2, 5, 10])
def test_p_is_the_share_of_sign_flips_that_are_as_far_from_none(n):
    b, c = pairs(np.random.default_rng(n), n, -0.02)
    ratios = np.log(c / b)
    observed = abs(stats.trim_mean(ratios, 0.2))
    flips = itertools.product([1, -1], repeat=n)
    expected = np.mean([abs(stats.trim_mean(ratios * flip, 0.2)) >= observed - 1e-12 for flip in flips])
    assert compare_throughput(b, c).p == expected


def test_the_change_is_the_trimmed_mean_of_log_ratios_and_an_outlier_does_not_move_it():
    b, c = pairs(np.random.default_rng(0), 25, -0.1)
    result = compare_throughput(b, c)
    assert result.change == pytest.approx(np.expm1(stats.trim_mean(np.log(c / b), 0.2)), rel=1e-12)
    slowest = np.argmin(c / b)
    c[slowest] /= 1000
    assert compare_throughput(b, c).change == pytest.approx(result.change, rel=1e-12)


def test_which_side_is_which_changes_the_sign_alone():
    b, c = pairs(np.random.default_rng(1), 12, -0.04)
    there, back = compare_throughput(b, c), compare_throughput(c, b)
    assert (1 + there.change) * (1 + back.change) == pytest.approx(1)
    assert there.p == back.p
    assert there.detectable == pytest.approx(back.detectable)


def test_random_flips_give_nearly_the_exact_p_and_the_same_twice():
    b, c = pairs(np.random.default_rng(2), EXACT_PAIRS + 2, -0.03)
    ratios = np.log(c / b)
    signs = 1 - 2 * (np.arange(2 ** len(ratios))[:, None] >> np.arange(len(ratios)) & 1)
    exact = np.mean(abs(stats.trim_mean(ratios * signs, 0.2, axis=1)) >= abs(stats.trim_mean(ratios, 0.2)) - 1e-12)
    result = compare_throughput(b, c, seed=3)
    assert 0.01 < exact < 0.5
    assert result.p == pytest.approx(exact, abs=5 * np.sqrt(exact / 2**EXACT_PAIRS))
    assert result == compare_throughput(b, c, seed=3)
    assert result.p != compare_throughput(b, c, seed=4).p


def test_equally_fast_candidates_are_found_as_often_as_the_level_says():
    rng = np.random.default_rng(4)
    p = np.array([compare_throughput(*pairs(rng, 10)).p for _ in range(1500)])
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=4.5 * np.sqrt(0.05 * 0.95 / len(p)))


@pytest.mark.parametrize("n", [FEWEST_PAIRS, 40])
def test_what_is_detectable_is_found_in_80_percent(n):
    rng = np.random.default_rng(5)
    typical = float(np.median([compare_throughput(*pairs(rng, n)).detectable for _ in range(50)]))
    found = np.mean([compare_throughput(*pairs(rng, n, -typical)).p <= 0.05 for _ in range(150)])
    assert 0.68 < found < 0.92


def test_detectable_is_solved_for_from_the_noncentral_t():
    b, c = pairs(np.random.default_rng(6), 20)
    ratios = np.log(c / b)
    error = np.asarray(stats.mstats.winsorize(ratios, limits=(0.2, 0.2))).std(ddof=1) / (0.6 * np.sqrt(20))
    noncentrality = -np.log1p(-compare_throughput(b, c).detectable) / error
    assert 1 - stats.nct.cdf(stats.t.ppf(0.975, 11), 11, noncentrality) == pytest.approx(0.8, abs=1e-6)


def test_more_pairs_see_smaller_changes_and_twenty_are_needed():
    rng = np.random.default_rng(7)
    few, many = compare_throughput(*pairs(rng, FEWEST_PAIRS - 1)), compare_throughput(*pairs(rng, 80))
    assert many.detectable < few.detectable


def test_equal_speeds_prove_nothing():
    b = np.linspace(1000, 2000, 10)
    result = compare_throughput(b, b)
    assert (result.change, result.p, result.detectable) == (0, 1, 0)


@pytest.mark.parametrize(("n", "cut"), [(10, 2), (12, 2), (14, 2)])
def test_a_constant_loss_has_the_smallest_p_that_trimming_leaves(n, cut):
    """As many flips as are cut off change nothing; so do as many the other way round."""
    b = np.linspace(1000, 2000, n)
    assert compare_throughput(b, 0.99 * b).p == 2 * sum(math.comb(n, k) for k in range(cut + 1)) / 2**n


@pytest.mark.parametrize(
    ("baseline", "candidate"),
    [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, 2.0], [1.0, 0.0]), ([1.0, 2.0], [1.0, np.nan])],
)
def test_what_is_no_pair_of_speeds_is_refused(baseline, candidate):
    with pytest.raises(ValueError):
        compare_throughput(np.array(baseline), np.array(candidate))
