"""The rules of practice, and the two Welch tests, on scores whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.study import fixed
from benchmarks.study.practice import RULES, Sides, apart, below_95_percent, best_window, never_reached, say, welch
from benchmarks.study.welch import p_lower, p_two_sided, p_upper

FLAT = np.ones((10, 100))


def sides(baseline, candidate, curves=FLAT) -> dict[str, Sides]:
    return {"A-v0": Sides(np.asarray(baseline, float), np.asarray(candidate, float), curves)}


def noisy(mean: float, seed: int, n: int = 10, spread: float = 0.05) -> np.ndarray:
    return mean + spread * np.random.default_rng(seed).normal(size=n)


def test_every_rule_sees_a_collapse_and_lets_the_same_scores_pass() -> None:
    scores = noisy(1.0, 0)
    assert set(say(sides(scores, scores - 0.6, FLAT - 0.6)).values()) == {True}
    assert set(say(sides(scores, scores, FLAT)).values()) == {False}
    assert set(say(sides(scores, scores + 0.6, FLAT + 0.6)).values()) == {False}


def test_one_environment_that_collapses_is_enough_for_all_but_the_interval_over_all() -> None:
    good = {f"{name}-v0": Sides(noisy(1, i), noisy(1, 10 + i), FLAT) for i, name in enumerate("BCDEFGHIJK")}
    said = say({**good, **sides(noisy(1, 20), noisy(0.4, 21), FLAT - 0.6)})
    assert said["Welch, n = 10"]
    assert said["mean < 95 %, n = 10"]
    assert said["intervals apart, n = 10"]
    assert said["90 % never reached, n = 3"]
    assert not said["IQM intervals apart, n = 10"]


def test_welch_is_two_sided_at_five_percent() -> None:
    """Of two equal sides half of the five percent are called worse."""
    rng = np.random.default_rng(0)
    called = [welch(sides(rng.normal(size=10), rng.normal(size=10))) for _ in range(2_000)]
    assert 0.015 < np.mean(called) < 0.037  # 3.4 standard errors of .025


def test_the_mean_is_held_against_95_percent_of_the_baselines() -> None:
    assert below_95_percent(sides([1, 1, 1], [0.94] * 3))
    assert not below_95_percent(sides([1, 1, 1], [0.96] * 3))
    assert below_95_percent(sides([2, 2, 2], [1.89] * 3))


def test_intervals_are_apart_where_students_t_says_so() -> None:
    baseline, candidate = noisy(1, 1, 5), noisy(0.85, 2, 5)
    low = stats.t.interval(0.95, 4, baseline.mean(), stats.sem(baseline))[0]
    high = stats.t.interval(0.95, 4, candidate.mean(), stats.sem(candidate))[1]
    gap = low - high
    assert apart(sides(baseline, candidate - max(0.0, -gap) - 1e-9))
    assert not apart(sides(baseline, candidate + max(0.0, gap) + 1e-9))


def test_one_attempt_of_three_that_reaches_the_return_is_enough() -> None:
    curves = np.zeros((4, 100))
    curves[3] = 1.0  # a fourth attempt is not made
    assert never_reached(sides([1], [0], curves))
    curves[2, 40:45] = 0.95  # then it may collapse
    assert not never_reached(sides([1], [0], curves))
    curves[2, 42] = 0.5
    assert best_window(curves[2:3])[0] == pytest.approx(0.86)
    assert never_reached(sides([1], [0], curves))


def test_rules_take_their_first_seeds_only() -> None:
    baseline = noisy(1, 3)
    candidate = baseline.copy()
    candidate[3:] -= 0.5
    said = say(sides(baseline, candidate))
    assert not said["mean < 95 %, n = 3"]
    assert said["mean < 95 %, n = 5"]
    assert {n for n, _ in RULES.values()} == {3, 5, 10}


def test_constants_are_told_without_a_test() -> None:
    assert welch(sides([1, 1, 1], [0.9] * 3))
    assert not welch(sides([1, 1, 1], [1, 1, 1]))
    assert not welch(sides([1, 1, 1], [1.1] * 3))


@pytest.mark.parametrize(("a", "b"), [(5, 20), (3, 20), (20, 20)])
def test_p_values_are_scipys(a: int, b: int) -> None:
    candidate, baseline = noisy(0.97, a, a, 0.1), noisy(1, b, b, 0.03)
    for shift in (0.0, 0.02):
        lower = stats.ttest_ind(candidate + shift, baseline, equal_var=False, alternative="less").pvalue
        assert p_lower(candidate, baseline, shift) == pytest.approx(lower, rel=1e-12)
        assert p_upper(candidate, baseline, shift) == pytest.approx(1 - lower, rel=1e-9)


def test_constants_are_as_far_apart_as_can_be() -> None:
    low, high = np.zeros(3), np.ones(3)
    assert (p_lower(low, high), p_upper(low, high), p_two_sided(low, high)) == (0.0, 1.0, 0.0)
    assert p_lower(low, low) == p_upper(low, low) == 0.5


def test_two_welch_tests_have_three_answers() -> None:
    baseline = noisy(1, 4, 20, 0.02)
    margins = {"A-v0": 0.2}
    answers = {
        loss: fixed.word(sides(baseline, noisy(1 - loss, 5, 5, 0.02)), margins, 0.05, 0.05) for loss in (0, 0.1, 0.5)
    }
    assert answers == {0: "equivalent", 0.1: "regressed", 0.5: "regressed"}
    wide = sides(baseline, noisy(0.9, 6, 3, 0.2))
    assert fixed.word(wide, margins, 0.05, 0.05) == "inconclusive"
    assert fixed.word(sides([1, 1], [1, 1]), {"A-v0": 0.2}, 0.05, 0.05) == "equivalent"
    assert fixed.word(sides([1, 1], [0.9, 0.9]), {"A-v0": 0.2}, 0.05, 0.05) == "regressed"


def test_at_looks_the_first_answer_counts_and_the_levels_are_shared_out() -> None:
    baseline, margins = noisy(1, 4, 20, 0.02), {"A-v0": 0.2}

    def said(candidate, looks=(5, 8)) -> tuple[str, int]:
        return fixed.word_at_looks(sides(baseline, candidate), margins, 0.05, 0.05, looks)

    assert said(noisy(0.5, 5, 8, 0.02)) == ("regressed", 5)
    assert said(noisy(1.0, 5, 8, 0.02)) == ("equivalent", 5)
    late = np.concatenate([noisy(0.85, 6, 5, 0.2), np.full(15, 0.85)])
    assert said(late, (5, 20)) == ("regressed", 20)
    assert said(noisy(0.9, 6, 8, 0.3)) == ("inconclusive", 8)
    p = stats.ttest_ind(late[:5], baseline, equal_var=False, alternative="less").pvalue
    for level, word in ((2.02 * p, "regressed"), (1.98 * p, "inconclusive")):
        assert fixed.word_at_looks(sides(baseline, late), margins, level, 0.0, (5, 5))[0] == word
