"""The best split: against brute force, and how often its p is small where nothing changes."""

import itertools

import numpy as np
import pytest

from rlops.stats import best_split


def squares_between(groups: list[np.ndarray], place: int) -> float:
    """The textbook's sum of squares between two groups: n (mean - grand mean)^2, summed."""
    sides = np.concatenate(groups[:place]), np.concatenate(groups[place:])
    grand = np.concatenate(groups).mean()
    return sum(len(side) * (side.mean() - grand) ** 2 for side in sides)


def largest(groups: list[np.ndarray]) -> tuple[float, int]:
    allowed = [
        place
        for place in range(1, len(groups))
        if min(sum(map(len, groups[:place])), sum(map(len, groups[place:]))) >= 2
    ]
    return max((squares_between(groups, place), place) for place in allowed)


def cut(values: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    return np.split(values, np.cumsum(sizes)[:-1])


@pytest.mark.parametrize("sizes", [[2, 2, 2], [1, 2, 1, 3], [3, 1, 1, 1, 1], [4, 3]])
@pytest.mark.parametrize("salt", range(3))
def test_place_and_p_are_those_of_all_orders(sizes: list[int], salt: int) -> None:
    rng = np.random.default_rng([salt, *sizes])
    values = rng.normal(size=sum(sizes)) + 1.5 * (np.arange(sum(sizes)) >= 4)
    observed, place = largest(cut(values, sizes))
    orders = itertools.permutations(values)
    share = np.mean([largest(cut(np.array(order), sizes))[0] >= observed - 1e-12 for order in orders])
    # Drawn until ten orders reach the observed one, so the standard error is a third of p.
    estimates = [best_split(cut(values, sizes), 1e-4, seed) for seed in range(30)]
    assert {split.place for split in estimates if split} == {place}
    assert np.mean([split.p for split in estimates if split]) == pytest.approx(share, rel=0.35)


def test_ties_count_as_reached() -> None:
    """Of four values, two of each kind, 2 of 6 orders have the kinds apart: no p is below a third."""
    split = best_split([np.zeros(2), np.ones(2)], 0.001, 0)
    assert split is not None
    assert split.place == 1
    assert 0.2 < split.p < 0.7


def test_equal_values_and_too_few_of_them() -> None:
    same = best_split([np.full(3, 7.0), np.full(3, 7.0)], 0.01, 0)
    assert same is not None
    assert same.p == 1.0
    assert best_split([np.ones(1), np.ones(2)], 0.01, 0) is None
    assert best_split([np.ones(9)], 0.01, 0) is None


def test_one_outlier_at_the_end_is_no_level() -> None:
    split = best_split([np.arange(6.0), np.array([100.0])], 0.01, 0)
    assert split is None


@pytest.mark.parametrize("kind", ["normal", "two kinds of seeds", "heavy tails"])
def test_small_p_are_as_rare_as_they_say(kind: str) -> None:
    """600 series in which nothing changes; 4 standard errors above the level would be wrong."""
    alarms = 0
    for number in range(600):
        rng = np.random.default_rng([number, len(kind)])
        values = {
            "normal": rng.normal(size=48),
            "two kinds of seeds": np.where(rng.random(48) < 0.2, 0.0, 100.0) + rng.normal(size=48),
            "heavy tails": rng.standard_t(2, size=48),
        }[kind]
        split = best_split(cut(values, [4] * 12), 0.05, number)
        assert split is not None
        alarms += split.p <= 0.05
    assert alarms <= 600 * 0.05 + 4 * np.sqrt(600 * 0.05 * 0.95)
    assert alarms >= 10, "a test that never rejects would be valid, too"


def test_the_same_seed_gives_the_same_p() -> None:
    groups = cut(np.random.default_rng(3).normal(size=30), [5] * 6)
    assert best_split(groups, 0.01, 8) == best_split(groups, 0.01, 8)
