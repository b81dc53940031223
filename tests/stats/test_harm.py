"""The joint test against brute force, scipy, and what the theory promises."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rlops.stats import HarmTest, Shuffles, joint_share
from rlops.stats.permutation import all_labellings

STATISTICS = (slice(0, 1), slice(1, 2), slice(2, 6))


def textbook_t(candidate: np.ndarray, baseline: np.ndarray) -> float:
    together = np.concatenate([candidate, baseline])
    if np.ptp(together) == 0:
        return 0.0
    floor = 0.01 * together.var(ddof=1) * (1 / len(candidate) + 1 / len(baseline))
    error = candidate.var(ddof=1) / len(candidate) + baseline.var(ddof=1) / len(baseline) + floor
    return float((candidate.mean() - baseline.mean()) / math.sqrt(error))


def brute_force(baseline: np.ndarray, candidate: np.ndarray) -> float:
    """The specification read aloud, without a single array of labellings."""
    together = np.concatenate([candidate, baseline])
    for column in range(together.shape[1]):
        values = together[:, column]
        if values.std() > 0:
            together[:, column] = np.round((values - values.mean()) / values.std() * 2**20) / 2**20
    rows = []
    for chosen in itertools.combinations(range(len(together)), len(candidate)):
        mask = np.isin(np.arange(len(together)), chosen)
        t = [textbook_t(together[mask, column], together[~mask, column]) for column in range(together.shape[1])]
        rows.append([min(t[statistic]) for statistic in STATISTICS])
    ranks = [sorted(sum(other[s] <= row[s] + 1e-9 for other in rows) for s in range(3)) for row in rows]
    return sum(rank <= ranks[0] for rank in ranks) / len(ranks)


def p_lower(baseline: np.ndarray, candidate: np.ndarray) -> float:
    return HarmTest(baseline, candidate, STATISTICS, Shuffles(len(baseline), len(candidate), 0.01, 0)).p_lower


@pytest.mark.parametrize("seed", range(6))
def test_min_p_is_that_of_brute_force_at_8_against_3(seed):
    rng = np.random.default_rng(seed)
    b, c = rng.normal(size=(8, 6)), rng.normal(-0.5 * (seed % 3), 1, size=(3, 6))
    assert p_lower(b, c) == pytest.approx(brute_force(b, c), abs=1e-12)


tables = st.lists(st.lists(st.integers(-3, 3).map(float), min_size=6, max_size=6), min_size=2, max_size=4)


@settings(max_examples=30, deadline=None)
@given(tables, tables)
def test_min_p_is_that_of_brute_force_where_there_are_ties(baseline, candidate):
    b, c = np.array(baseline), np.array(candidate)
    assert p_lower(b, c) == pytest.approx(brute_force(b, c), abs=1e-12)


def test_one_statistic_alone_is_scipys_permutation_test():
    rng = np.random.default_rng(1)
    b, c = rng.normal(size=(8, 1)), rng.normal(-0.7, 1, size=(3, 1))
    ours = HarmTest(b, c, (slice(0, 1),), Shuffles(8, 3, 0.01, 0))
    for side, p in (("less", ours.p_lower), ("greater", ours.p_upper)):
        expected = stats.permutation_test(
            (c[:, 0], b[:, 0]), textbook_t, alternative=side, vectorized=False, n_resamples=10**6
        ).pvalue
        assert p == pytest.approx(expected, abs=1e-12)


def test_the_mirror_is_the_test_of_the_negated_values():
    rng = np.random.default_rng(2)
    b, c = rng.normal(size=(9, 6)), rng.normal(0.8, 1, size=(4, 6))
    shuffles = Shuffles(9, 4, 0.01, 0)
    ours, mirrored = HarmTest(b, c, STATISTICS, shuffles), HarmTest(-b, -c, STATISTICS, shuffles)
    assert (mirrored.p_lower, mirrored.p_upper) == (ours.p_upper, ours.p_lower)
    assert ours.p_upper != ours.p_lower


def test_the_next_ranks_break_the_tie_of_a_harm_that_one_statistic_sees():
    """Complete separation in one column: rank 1 in one statistic, which three statistics can each have by chance."""
    rng = np.random.default_rng(3)
    b, c = rng.normal(size=(20, 6)), rng.normal(size=(3, 6))
    c -= 0.5
    c[:, 4] -= 20
    assert p_lower(b, c) == 1 / 1771


def test_the_statistic_that_shows_the_harm_is_named():
    rng = np.random.default_rng(4)
    b, c = rng.normal(size=(20, 6)), rng.normal(size=(3, 6))
    c[:, 4] -= 20
    for candidate in (c, np.concatenate([c, c + 0.1])):
        shuffles = Shuffles(20, len(candidate), 0.001, 0)
        assert HarmTest(b, candidate, STATISTICS, shuffles).worst_columns() == (4,)
    c[:, 0] -= 20
    assert HarmTest(b, c, STATISTICS, Shuffles(20, 3, 0.001, 0)).worst_columns() == (0, 4)


def test_nothing_that_differs_proves_nothing():
    same = np.full((20, 6), 500.0)
    ours = HarmTest(same, same[:3], STATISTICS, Shuffles(20, 3, 0.01, 0))
    assert (ours.p_lower, ours.p_upper) == (1.0, 1.0)


def test_joint_share_compares_the_sorted_ranks_in_order():
    t = np.array([[1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 3.0, 4.0], [2.0, 4.0, 1.0, 3.0]])
    # ranks by labelling: (1, 2, 2), (2, 1, 4), (3, 3, 1), (4, 4, 3); sorted: 122, 124, 133, 344
    assert joint_share(t) == 1 / 4
    assert joint_share(t[:, [1, 0, 2, 3]]) == 2 / 4
    assert joint_share(t[:, [2, 0, 1, 3]]) == 3 / 4
    assert joint_share(t[:, [3, 0, 1, 2]]) == 1


@pytest.mark.parametrize("n1", [3, 5])
def test_false_alarms_are_as_frequent_as_the_level(n1):
    """P(p <= alpha) <= alpha for exchangeable curves; the bound lies five standard deviations away."""
    rng = np.random.default_rng(7)
    p = np.empty(1500)
    for i in range(len(p)):
        runs = rng.standard_t(3, size=(8 + n1, 6)).cumsum(1)
        p[i] = p_lower(runs[:8], runs[8:])
    for alpha in (0.05, 0.2):
        deviation = math.sqrt(alpha * (1 - alpha) / len(p))
        assert abs(np.mean(p <= alpha) - alpha) <= 5 * deviation


def test_labellings_are_made_once():
    assert all_labellings(20, 3) is all_labellings(20, 3)
