"""Boschloo's test against scipy's and against its definition in fractions; the bound against closed forms."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rlops.stats.failure_rate import failure_rate_bound, p_more_failures


@st.composite
def tables(draw, most=12):
    n0, n1 = draw(st.integers(1, most)), draw(st.integers(1, most))
    return draw(st.integers(0, n0)), n0, draw(st.integers(0, n1)), n1


def fishers_p(x0: int, n0: int, x1: int, n1: int) -> Fraction:
    ways = sum(math.comb(n1, j) * math.comb(n0, x0 + x1 - j) for j in range(x1, min(n1, x0 + x1) + 1))
    return Fraction(ways, math.comb(n0 + n1, x0 + x1))


def extreme_probability(x0: int, n0: int, x1: int, n1: int, rates: np.ndarray) -> np.ndarray:
    observed = fishers_p(x0, n0, x1, n1)
    total = np.zeros_like(rates)
    for a in range(n0 + 1):
        for b in range(n1 + 1):
            if fishers_p(a, n0, b, n1) <= observed:
                total += stats.binom.pmf(a, n0, rates) * stats.binom.pmf(b, n1, rates)
    return total


@pytest.mark.parametrize(
    ("x0", "n0", "x1", "n1"),
    [
        (0, 20, 1, 3),
        (0, 20, 2, 3),
        (1, 20, 3, 5),
        (4, 20, 2, 10),
        (2, 100, 3, 20),
        (7, 10, 10, 10),
        (3, 9, 3, 9),
        (9, 9, 1, 9),
        (16, 20, 20, 20),
    ],
)
def test_p_is_scipys(x0, n0, x1, n1):
    expected = stats.boschloo_exact([[x0, x1], [n0 - x0, n1 - x1]], alternative="less", n=128).pvalue
    assert p_more_failures(x0, n0, x1, n1) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=40)
@given(tables())
def test_p_is_the_largest_probability_of_a_table_as_extreme_and_never_above_fishers(table):
    largest = extreme_probability(*table, np.linspace(0, 1, 2001)).max()
    p = p_more_failures(*table)
    assert p == pytest.approx(largest, rel=1e-4)
    assert p >= largest * (1 - 1e-9)
    assert p <= float(fishers_p(*table)) * (1 + 1e-9)


def test_a_level_is_kept_at_every_common_rate():
    n0, n1, level = 20, 5, 0.05
    reject = np.array([[p_more_failures(a, n0, b, n1) <= level for b in range(n1 + 1)] for a in range(n0 + 1)])
    rates = np.linspace(0, 1, 501)[:, None, None]
    a, b = np.arange(n0 + 1)[:, None], np.arange(n1 + 1)
    size = (reject * stats.binom.pmf(a, n0, rates) * stats.binom.pmf(b, n1, rates)).sum(axis=(1, 2))
    assert size.max() <= level + 1e-12
    assert size.max() > 0.02  # a test that never rejects would keep the level as well


@given(tables())
def test_more_failures_of_the_candidate_never_raise_p_and_none_prove_nothing(table):
    x0, n0, _, n1 = table
    p = [p_more_failures(x0, n0, x1, n1) for x1 in range(n1 + 1)]
    assert p[0] == 1.0
    assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(p))
    assert p_more_failures(x0, n0, 0, 0) == 1.0


def test_hundreds_of_runs_are_no_overflow():
    expected = stats.boschloo_exact([[5, 9], [395, 91]], alternative="less").pvalue
    assert p_more_failures(5, 400, 9, 100) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("n", "percent"), [(3, 63), (5, 45), (10, 26)])
def test_no_failure_still_allows_what_the_specification_prints(n, percent):
    bound = failure_rate_bound(0, n)
    assert bound == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-12)
    assert round(100 * bound) == percent


def test_the_bound_is_clopper_and_pearsons():
    for failures, n in [(0, 1), (1, 5), (4, 20), (19, 20), (5, 5)]:
        expected = stats.binomtest(failures, n, alternative="less").proportion_ci(0.9, method="exact").high
        assert failure_rate_bound(failures, n, 0.9) == pytest.approx(expected, rel=1e-9)
