"""Change points: how often there is a false one, whether true ones are found, and what counts as an observation."""

import numpy as np
import pytest

from rlops.judge import HistoryEntry, history_entry, overall_levels, trends
from rlops.judge.trend import change_points
from tests.site_folder import SHRINKS, STAYS, commit, verdict

HISTORIES = 500


def series(number: int, versions: int = 12, seeds: int = 5, steps: dict[int, float] | None = None) -> list[np.ndarray]:
    """Scores with sd 1; `steps`: place -> how much the level changes there."""
    rng = np.random.default_rng([number, versions, seeds])
    level = np.zeros(versions)
    for place, size in (steps or {}).items():
        level[place:] += size
    return [rng.normal(mean, 1.0, seeds) for mean in level]


def at_most(rate: float, count: int = HISTORIES) -> float:
    """Four standard errors above the planned rate."""
    return count * rate + 4 * float(np.sqrt(count * rate * (1 - rate)))


def test_without_a_change_there_are_few_alarms() -> None:
    alarms = sum(bool(change_points(series(number), 0.05, number)) for number in range(HISTORIES))
    assert 5 <= alarms <= at_most(0.05)


def test_a_true_change_brings_no_false_ones() -> None:
    """The planned rate is that of any false place, beside a true one of 3 sd as well."""
    false = found = 0
    for number in range(HISTORIES):
        places = change_points(series(number, steps={6: 3.0}), 0.05, number)
        found += 6 in places
        false += any(place not in {5, 6, 7} for place in places) or len(places) > 1
    assert found >= 0.99 * HISTORIES
    assert false <= at_most(0.05)


def test_several_true_changes_bring_no_false_ones() -> None:
    """Up, down and up again: the first split of all lies between levels, and what it leaves behind has to go."""
    steps = {10: 3.0, 20: -3.0, 30: 3.0}
    false = found = 0
    for number in range(300):
        places = change_points(series(number, versions=40, seeds=3, steps=steps), 0.01, number)
        found += len(places) >= 3
        false += len(places) > 3 or any(min(abs(place - true) for true in steps) > 1 for place in places)
    assert found >= 0.99 * 300
    assert false <= at_most(0.01, 300)


def test_a_step_of_two_sd_is_found_at_its_place() -> None:
    exact = near = 0
    for number in range(100):
        places = change_points(series(number, versions=20, steps={13: -2.0}), 0.01, number)
        exact += places == [13]
        near += any(abs(place - 13) <= 1 for place in places)
    assert near >= 98
    assert exact >= 80


def test_up_and_down_again_are_two_places() -> None:
    assert change_points(series(1, versions=30, steps={10: 3.0, 20: -3.0}), 0.01, 0) == [10, 20]


def entries(changes: int = 10, loss: float = 0.04) -> list[HistoryEntry]:
    return [history_entry(verdict(number, loss), "baseline", "git") for number in range(1, changes + 1)]


def test_the_trend_says_where_and_by_how_much() -> None:
    found = {trend.env_id: trend for trend in trends(entries(4, loss=0.3))}
    assert [change.place for change in found[SHRINKS].changes] == [1, 2, 3]
    assert not found[STAYS].changes
    first = found[SHRINKS].changes[0]
    assert first.before == pytest.approx(70, abs=1)
    assert first.after == pytest.approx(49, abs=1)
    assert not first.better
    scale = 100 * 0.7**3  # of the newest verdict: what its baseline gained over a random policy
    assert first.change == pytest.approx((49 - 70) / scale, abs=0.05)
    points = found[SHRINKS].points
    assert [point.commit for point in points] == [commit(number) for number in range(1, 5)]
    assert all(point.interval and point.interval[0] < point.mean < point.interval[1] for point in points)


def test_runs_that_are_known_are_no_new_evidence() -> None:
    """The same commit asked again, and commits that change nothing trained: their runs are those of an earlier one."""
    first, second = entries(2, loss=0.001)
    copies = [
        second.model_copy(
            update={
                "id": f"{number:012x}",
                "candidate": second.candidate.model_copy(update={"git_commit": commit(100 + number)}),
            }
        )
        for number in range(20)
    ]
    alone, repeated = trends([first, second]), trends([first, second, *copies])
    assert [len(trend.points) for trend in repeated] == [2, 2]
    assert repeated == alone


def test_code_that_comes_back_is_a_version_again() -> None:
    """A revert rests on runs that are known, but the level changed back, and the newest point says so."""
    good, bad = entries(2, loss=0.4)
    reverted = good.model_copy(
        update={"id": "f" * 12, "candidate": good.candidate.model_copy(update={"git_commit": commit(77)})}
    )
    found = {trend.env_id: trend for trend in trends([good, bad, reverted])}[SHRINKS]
    assert [point.commit for point in found.points] == [commit(1), commit(2), commit(77)]
    assert found.points[2].mean == found.points[0].mean > found.points[1].mean


def test_more_seeds_of_a_commit_join_its_point() -> None:
    (entry,) = entries(1)
    few = entry.model_copy(
        update={
            "id": "0" * 12,
            "environments": tuple(item.model_copy(update={"runs": item.runs[:3]}) for item in entry.environments),
        }
    )
    (point,) = trends([few, entry])[0].points
    assert point.n == 8


def test_another_metric_or_budget_is_another_unit() -> None:
    first, second, third = entries(3)
    other = first.model_copy(update={"metric": "losses/value_loss"})
    shorter = second.model_copy(
        update={"environments": tuple(item.model_copy(update={"budget": 10}) for item in second.environments)}
    )
    found = trends([other, shorter, third])
    assert [(len(trend.points), trend.left_out) for trend in found] == [(1, 2), (1, 2)]
    assert len(overall_levels([other, shorter, third])) == 1


def test_lower_is_better_turns_the_change_around() -> None:
    costs = [entry.model_copy(update={"direction": "lower-is-better"}) for entry in entries(4, loss=0.3)]
    trend = next(trend for trend in trends(costs) if trend.env_id == SHRINKS)
    assert all(change.better and change.change is not None and change.change > 0 for change in trend.changes)


def test_levels_fall_with_the_scores() -> None:
    levels = overall_levels(entries(10))
    assert len(levels) == 10
    assert levels[0] - levels[-1] == pytest.approx((96 - 66.5) / (100 * 0.96**9) / 2, abs=0.03)


def test_nothing_is_made_of_nothing() -> None:
    assert trends([]) == ()
    assert overall_levels([]) == ()
