"""Dips and falls: closed forms, brute force, and what `final` and `auc` cannot see."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.curves.scores import auc, final
from rlops.stats.instability import WINDOW, max_drawdown, p_less_stable, roughness
from rlops.stats.permutation import Shuffles, p_lower, studentised_t

POINTS = 100


def curves(rng: np.random.Generator, runs: int, *, noise: float = 0.02, dips: float = 0.0, depth: float = 0.5):
    """Saturating curves whose runs differ in speed and level; a share `dips` of the points falls by `depth`."""
    steps = np.arange(1, POINTS + 1)
    speed, level = 15 * rng.lognormal(0, 0.2, (runs, 1)), rng.normal(1, 0.08, (runs, 1))
    made = level * (1 - np.exp(-steps / speed)) + noise * rng.normal(size=(runs, POINTS))
    return np.where(rng.random(made.shape) < dips, (1 - depth) * made, made)


def shuffles(n0: int, n1: int, level: float = 0.05) -> Shuffles:
    return Shuffles(n0, n1, level, seed=0)


@given(st.lists(st.floats(-10, 10), min_size=POINTS, max_size=POINTS))
def test_learning_itself_is_neither_rough_nor_a_fall(values):
    rising = np.sort(np.array(values))[None]
    assert roughness(rising)[0] == max_drawdown(rising)[0] == 0


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 100), st.floats(-100, 100))
def test_the_zero_does_not_matter_and_the_unit_comes_out(seed, unit, zero):
    curve = np.random.default_rng(seed).normal(size=(1, POINTS))
    for measure in (roughness, max_drawdown):
        np.testing.assert_allclose(measure(unit * curve + zero), unit * measure(curve), rtol=1e-9)


@pytest.mark.parametrize("width", [1, 3, 5])
def test_a_dip_shorter_than_half_the_window_leaves_its_whole_depth(width):
    curve = np.ones((1, POINTS))
    curve[0, 50 : 50 + width] -= 0.5
    assert roughness(curve)[0] == pytest.approx(0.5 * np.sqrt(width / (POINTS - WINDOW + 1)))
    assert max_drawdown(curve)[0] == 0.5


def test_a_fall_that_stays_is_a_drawdown_only():
    curve = np.where(np.arange(POINTS) < 60, 1.0, 0.3)[None]
    assert roughness(curve)[0] == 0
    assert max_drawdown(curve)[0] == pytest.approx(0.7)


def test_drawdown_is_the_largest_fall_between_any_two_points():
    made = curves(np.random.default_rng(0), 5)
    expected = [max(0.0, *(one[i] - one[j] for i, j in itertools.combinations(range(POINTS), 2))) for one in made]
    np.testing.assert_array_equal(max_drawdown(made), expected)


def test_p_is_the_share_of_labellings_whose_sorted_ranks_are_as_small():
    rng = np.random.default_rng(1)
    b, c = curves(rng, 6), curves(rng, 3, noise=0.022)
    together = np.concatenate([c, b])
    labellings = np.array(
        [np.isin(np.arange(9), chosen) for chosen in itertools.combinations(range(9), 3)]
    )  # the first is the observed one
    t = [studentised_t(measure(together), labellings) for measure in (roughness, max_drawdown)]
    keys = [sorted(int(np.sum(one >= one[i] - 1e-12)) for one in t) for i in range(len(labellings))]
    expected = np.mean([key <= keys[0] for key in keys])
    assert 1 / 84 < expected < 1
    assert p_less_stable(b, c, shuffles(6, 3)) == expected


def test_equally_stable_candidates_are_found_as_often_as_the_level_says():
    rng = np.random.default_rng(2)
    made = curves(rng, 800 * 11).reshape(800, 11, POINTS)
    p = np.array([p_less_stable(one[:8], one[8:], shuffles(8, 3)) for one in made])
    for level in (0.05, 0.2):
        assert np.mean(p <= level) == pytest.approx(level, abs=4.5 * np.sqrt(level * (1 - level) / len(p)))


def test_dips_that_final_and_auc_do_not_see_are_seen():
    """One point in fifty falls by half: 1 % of the area."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(100):
        b, c = curves(rng, 20), curves(rng, 3, dips=0.02)
        drawn = shuffles(20, 3)
        found.append(
            [
                p_less_stable(b, c, drawn) <= 0.05,
                p_lower(final(b), final(c), drawn) <= 0.05,
                p_lower(auc(b), auc(c), drawn) <= 0.05,
            ]
        )
    stable, by_final, by_auc = np.mean(found, axis=0)
    assert stable > 0.85
    assert by_final < 0.25
    assert by_auc < 0.25


def test_a_more_stable_candidate_is_not_found():
    rng = np.random.default_rng(4)
    assert p_less_stable(curves(rng, 12, dips=0.05), curves(rng, 4), shuffles(12, 4)) > 0.5


def test_runs_without_any_noise_prove_nothing():
    still = np.ones((8, POINTS))
    assert p_less_stable(still, still[:3], shuffles(8, 3)) == 1.0


def test_random_labellings_resolve_the_level_that_was_asked_for():
    rng = np.random.default_rng(5)
    drawn = shuffles(20, 8, level=1e-3)
    assert not drawn.exact
    assert p_less_stable(curves(rng, 20), curves(rng, 8, dips=0.1), drawn) < 5e-4
