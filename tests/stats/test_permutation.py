"""The permutation test against scipy's, against brute force, and against what the theory promises."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rlops.stats.permutation import (
    EXACT_LIMIT,
    SCREENING_LABELLINGS,
    SCREENING_P,
    Shuffles,
    all_labellings,
    p_lower,
    p_upper,
    random_labellings,
    smallest_p,
    stable_seed,
    studentised_t,
)

# Small whole numbers: ties are frequent, and exact in every formula.
scores = st.lists(st.integers(-20, 20).map(float), min_size=2, max_size=6)


def lower(baseline: np.ndarray, candidate: np.ndarray, seed: int = 0) -> float:
    return p_lower(baseline, candidate, Shuffles(len(baseline), len(candidate), 0.05, seed))


def upper(baseline: np.ndarray, candidate: np.ndarray) -> float:
    return p_upper(baseline, candidate, Shuffles(len(baseline), len(candidate), 0.05, 0))


def textbook_t(candidate: np.ndarray, baseline: np.ndarray) -> float:
    """The statistic as the specification writes it."""
    together = np.concatenate([candidate, baseline])
    if np.ptp(together) == 0:
        return 0.0
    n1, n0 = len(candidate), len(baseline)
    floor = 0.01 * together.var(ddof=1) * (1 / n1 + 1 / n0)
    return float(
        (candidate.mean() - baseline.mean()) / math.sqrt(candidate.var(ddof=1) / n1 + baseline.var(ddof=1) / n0 + floor)
    )


def brute_force_p(candidate: np.ndarray, baseline: np.ndarray) -> float:
    together = np.concatenate([candidate, baseline])
    if together.std() > 0:  # the specification's rule for ties: standardised, in multiples of 2^-20
        together = np.round((together - together.mean()) / together.std() * 2**20) / 2**20
    observed = textbook_t(together[: len(candidate)], together[len(candidate) :])
    as_low = total = 0
    for chosen in itertools.combinations(range(len(together)), len(candidate)):
        mask = np.isin(np.arange(len(together)), chosen)
        total += 1
        as_low += textbook_t(together[mask], together[~mask]) <= observed + 1e-9
    return as_low / total


@given(scores, scores)
def test_p_is_the_share_of_labellings_that_are_as_low(baseline, candidate):
    b, c = np.array(baseline), np.array(candidate)
    assert lower(b, c) == pytest.approx(brute_force_p(c, b), abs=1e-12)


def test_agrees_with_scipy_at_8_against_3():
    rng = np.random.default_rng(1)
    b, c = rng.normal(size=8), rng.normal(-0.7, 1, size=3)
    expected = stats.permutation_test(
        (c, b), textbook_t, alternative="less", vectorized=False, n_resamples=10**6
    ).pvalue
    assert lower(b, c) == pytest.approx(expected, abs=1e-12)


def test_t_is_the_textbook_statistic():
    rng = np.random.default_rng(2)
    b, c = rng.normal(size=6), rng.normal(size=4)
    t = studentised_t(np.concatenate([c, b]), all_labellings(6, 4))
    assert t[0] == pytest.approx(textbook_t(c, b), rel=1e-4)


@pytest.mark.parametrize(("n0", "n1"), [(2, 2), (5, 3), (20, 3)])
def test_all_labellings_are_all_and_different_with_the_observed_first(n0, n1):
    labellings = all_labellings(n0, n1)
    assert len({row.tobytes() for row in labellings}) == math.comb(n0 + n1, n1) == len(labellings)
    assert (labellings.sum(axis=1) == n1).all()
    assert labellings[0, :n1].all()


def test_random_labellings_keep_the_group_sizes_and_count_the_observed_one():
    labellings = random_labellings(20, 5, 500, np.random.default_rng(0))
    assert (labellings.sum(axis=1) == 5).all()
    assert labellings[0, :5].all()
    assert len({row.tobytes() for row in labellings}) > 450


def test_the_smallest_p_is_reached_by_complete_separation_and_not_passed():
    b, c = np.arange(10.0, 30.0), np.array([1.0, 2.0, 3.0])
    assert lower(b, c) == smallest_p(20, 3) == 1 / 1771


def test_equal_values_prove_nothing():
    assert lower(np.full(20, 500.0), np.full(3, 500.0)) == 1.0


def test_a_ceiling_does_not_depend_on_the_order_of_summation():
    """Scores like 1/3 are not exact: the same ones summed in another order must still be ties."""
    b, c = np.array([1 / 3, 0.1, 0.7, 0.1, 1 / 3, 0.9]), np.array([0.1, 1 / 3, 0.7])
    expected = lower(b, c)
    for order in itertools.permutations(range(3)):
        assert lower(b[::-1], c[list(order)]) == expected


@given(scores, scores, st.floats(0.5, 50), st.floats(-100, 100))
def test_unit_and_zero_of_the_score_do_not_matter(baseline, candidate, unit, zero):
    b, c = np.array(baseline), np.array(candidate)
    assert lower(b * unit + zero, c * unit + zero) == lower(b, c)


@given(scores, scores)
def test_upper_is_the_mirror_of_lower(baseline, candidate):
    b, c = np.array(baseline), np.array(candidate)
    assert upper(b, c) == lower(-b, -c)


def test_random_labellings_give_nearly_the_exact_p():
    """20 against 5 has 53,130 labellings, more than are enumerated; here it is done all the same."""
    rng = np.random.default_rng(3)
    b, c = rng.normal(size=20), rng.normal(-1.8, 1, size=5)
    assert math.comb(25, 5) > EXACT_LIMIT
    values = np.concatenate([c, b])
    t = studentised_t(values, all_labellings(20, 5))
    exact = float(np.mean(t <= t[0]))
    assert 0.001 < exact < 0.03
    deviation = math.sqrt(exact * (1 - exact))
    assert lower(b, c) == pytest.approx(exact, abs=5 * deviation / math.sqrt(SCREENING_LABELLINGS))

    def share(labellings):
        t = studentised_t(values, labellings)
        return float(np.mean(t <= t[0]))

    refined = Shuffles(20, 5, 0.025, 5).p_value(share)
    assert refined == pytest.approx(exact, abs=5 * deviation / math.sqrt(10_000))


@pytest.mark.parametrize(("screened", "p", "sizes"), [(SCREENING_P, 0.2, [1_000, 20_000]), (0.041, 0.041, [1_000])])
def test_only_a_small_p_is_asked_again(screened, p, sizes):
    asked = []

    def share(labellings):
        asked.append(len(labellings))
        return screened if len(asked) == 1 else 0.2

    assert Shuffles(20, 5, 0.001, 0).p_value(share) == p
    assert asked == sizes


def test_fresh_labellings_are_others():
    shuffles = Shuffles(20, 5, 0.05, 3)
    first, fresh = ({row.tobytes() for row in some} for some in (shuffles.first, shuffles.fresh[: len(shuffles.first)]))
    assert len(first & fresh) < 100


def test_the_same_question_gets_the_same_answer():
    rng = np.random.default_rng(4)
    b, c = rng.normal(size=20), rng.normal(-1, 1, size=8)
    assert lower(b, c, seed=9) == lower(b, c, seed=9)
    assert lower(b, c, seed=9) != lower(b, c, seed=10)


@pytest.mark.parametrize("draw", [lambda rng, n: rng.normal(size=n), lambda rng, n: rng.standard_t(3, n)])
def test_false_alarms_are_no_more_frequent_than_the_level(draw):
    """P(p <= alpha) <= alpha for exchangeable runs; 2,000 tests, the bound six standard deviations away."""
    rng = np.random.default_rng(6)
    p = np.array([lower(draw(rng, 8), draw(rng, 3)) for _ in range(2000)])
    for alpha in (0.05, 0.2):
        assert np.mean(p <= alpha) <= alpha + 6 * math.sqrt(alpha * (1 - alpha) / len(p))
        assert np.mean(p <= alpha) >= alpha - 6 * math.sqrt(alpha * (1 - alpha) / len(p)) - 1 / math.comb(11, 3)


def test_one_run_a_side_is_refused():
    with pytest.raises(ValueError, match="two values a side"):
        lower(np.array([1.0, 2.0]), np.array([3.0]))


def test_stable_seed_is_the_same_in_every_process():
    assert stable_seed("quick", "CartPole-v1", 20, 5) == 1276523874959080014
    assert stable_seed("a", "b") != stable_seed("ab")


def test_a_level_that_no_memory_resolves_is_never_reached():
    shuffles = Shuffles(20, 8, 1e-9, 0)
    assert len(shuffles.fresh) == 1_000_000
    rng = np.random.default_rng(0)
    assert p_lower(rng.normal(size=20), rng.normal(size=8) - 100, shuffles) >= 1e-6
