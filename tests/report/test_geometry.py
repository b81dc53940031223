"""Positions on drawings, with values of any size."""

import itertools
import re

from hypothesis import assume, given
from hypothesis import strategies as st

from rlops.report.geometry import FARTHEST, Scale, change_range, path, ticks

finite = st.floats(allow_nan=False, allow_infinity=False)
positions = st.lists(st.integers(0, 300), min_size=2, max_size=60)


@given(finite, finite, finite)
def test_a_scale_keeps_every_value_inside(low: float, high: float, value: float) -> None:
    low, high = min(low, high), max(low, high)
    assert -0.001 <= Scale(low, high, 0, 100).inside(value) <= 100.001


@given(finite, finite)
def test_ticks_lie_inside_and_are_few(low: float, high: float) -> None:
    assume(low < high)
    found = ticks(low, high)
    assert 1 <= len(found) <= 8
    assert all(Scale(low, high, 0, 100).at(value) >= -0.1 for value in found)
    assert all(Scale(low, high, 0, 100).at(value) <= 100.1 for value in found)


def test_ticks_are_round() -> None:
    assert ticks(0, 100) == (0, 20, 40, 60, 80, 100)
    assert ticks(-0.43, 0.16, most=4) == (-0.4, -0.2, 0.0)
    assert ticks(3.0, 3.0) == (3.0,)


def points_of(data: str) -> list[tuple[int, int]]:
    """Path data back to absolute points."""
    numbers = [int(n) for n in re.findall(r"-?\d+", data)]
    found = [(numbers[0], numbers[1])]
    for dx, dy in zip(numbers[2::2], numbers[3::2], strict=True):
        found.append((found[-1][0] + dx, found[-1][1] + dy))
    return found


@given(positions)
def test_a_path_stays_within_a_unit_of_every_point(heights: list[int]) -> None:
    given_points = [(5 * i, y) for i, y in enumerate(heights)]
    kept = points_of(path(given_points))
    assert kept[0] == given_points[0]
    assert kept[-1] == given_points[-1]
    for x, y in given_points:
        (x0, y0), (x1, y1) = next((a, b) for a, b in itertools.pairwise(kept) if a[0] <= x <= b[0])
        assert abs(y0 + (y1 - y0) * (x - x0) / (x1 - x0) - y) <= 1


def test_paths_of_nothing_and_of_one_point() -> None:
    assert path([]) == ""
    assert path([(1.4, 2.6)]) == "M1 3h1"


def test_the_axis_holds_every_change_but_not_one_wild_interval() -> None:
    intervals = [(-0.1, 0.1)] * 19 + [(-0.9, 0.9)]
    low, high = change_range([-0.31], intervals, [0.2])
    assert -0.4 < low < -0.31
    assert 0.1 < high < 0.2


def test_the_axis_ends_where_everything_learnt_is_lost() -> None:
    assert change_range([-50.0, 1e300], [(-1e300, 1e300)], [30.0]) == (-FARTHEST, FARTHEST)
    low, high = change_range([], [], [])
    assert low < 0 < high
