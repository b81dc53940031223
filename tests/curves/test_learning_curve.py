"""Curves onto the grid, against pandas' as-of join; run sets; scores against their definition."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.curves import LearningCurve, Run, RunSet, auc, data_sha256, final, grid_steps, oriented_grid
from rlops.curves.scores import bins, reaches_end

points = st.lists(st.tuples(st.integers(0, 2000), st.integers(-50, 50)), min_size=1, max_size=60)


@given(points, st.integers(100, 3000))
def test_grid_is_the_last_value_at_or_before_each_step(pairs, budget):
    curve = LearningCurve.from_points([step for step, _ in pairs], [value for _, value in pairs])
    logged = pd.DataFrame({"step": [float(s) for s, _ in pairs], "value": [float(v) for _, v in pairs]})
    logged = logged.sort_values("step", kind="stable")
    grid = pd.DataFrame({"step": grid_steps(budget)})
    expected = pd.merge_asof(grid, logged, on="step")["value"].fillna(logged["value"].iloc[0])
    np.testing.assert_array_equal(curve.on_grid(budget), expected)


@given(points, st.integers(100, 3000))
def test_a_curve_that_is_on_the_grid_stays_as_it_is(pairs, budget):
    grid = LearningCurve.from_points([s for s, _ in pairs], [v for _, v in pairs]).on_grid(budget)
    np.testing.assert_array_equal(LearningCurve.from_points(grid_steps(budget), grid).on_grid(budget), grid)


def test_points_may_come_in_any_order_and_of_equal_steps_the_later_counts():
    curve = LearningCurve.from_points([300, 100, 100, 200], [3.0, 0.5, 1.0, 2.0])
    assert curve.steps.tolist() == [100, 100, 200, 300]
    assert curve.values.tolist() == [0.5, 1.0, 2.0, 3.0]
    assert curve.repeated_steps == 1
    assert curve.on_grid(300)[33] == 1.0  # step 102


def test_an_empty_curve_has_no_grid():
    with pytest.raises(ValueError, match="empty curve"):
        LearningCurve.from_points([], []).on_grid(100)


def test_the_hash_sees_every_bit():
    one = LearningCurve.from_points([1, 2], [0.1, 0.2])
    assert one.sha256() == LearningCurve.from_points([1, 2], [0.1, 0.2]).sha256()
    assert one.sha256() != LearningCurve.from_points([1, 2], [0.1, np.nextafter(0.2, 1)]).sha256()
    assert one.sha256() != LearningCurve.from_points([1, 3], [0.1, 0.2]).sha256()


def test_scores_are_what_the_specification_says():
    grid = np.arange(100.0)
    assert final(grid) == np.mean(range(90, 100))
    assert auc(grid) == 49.5
    assert bins(grid).tolist() == [2.0 + 5 * i for i in range(20)]
    assert final(np.stack([grid, -grid])).tolist() == [94.5, -94.5]


def test_lower_is_better_is_turned_around():
    curve = LearningCurve.from_points([50, 100], [3.0, 1.0])
    assert oriented_grid(curve, 100, higher_is_better=False)[-1] == -1.0


@pytest.mark.parametrize(("last", "reaches"), [(100_000, True), (90_001, True), (90_000, False), (40_000, False)])
def test_a_curve_without_a_value_in_the_last_tenth_does_not_reach_the_end(last, reaches):
    assert reaches_end(LearningCurve.from_points([1, last], [0, 1]), 100_000) is reaches


def test_a_run_set_selects_and_orders():
    curve = LearningCurve.from_points([1], [1.0])
    runs = RunSet("x", tuple(Run(e, s, curve, f"{e}{s}") for e, s in [("B", 2), ("A", 3), ("B", 1)]))
    assert runs.env_ids == ("B", "A")
    assert [run.seed for run in runs.of("B")] == [1, 2]
    assert len(runs.select(frozenset({"B"}), frozenset({1, 3})).runs) == 1
    assert data_sha256(runs) == data_sha256(RunSet("y", tuple(reversed(runs.runs))))
    assert data_sha256(runs, RunSet("", ())) != data_sha256(RunSet("", ()), runs)
