"""What the record says of an environment and its runs, beside what is tested: by hand and against scipy."""

import numpy as np
import pytest
from scipy import stats

from rlops.curves import bins, final, steps_to
from rlops.judge.record import make_finding
from tests.curve_sets import BUDGET, run_set, swap, verdict_on

BASE = run_set({"A": 100.0}, range(1, 13))
NEW = run_set({"A": 80.0}, range(101, 106), draw=1)


@pytest.fixture(scope="module")
def row():
    (found,) = verdict_on(BASE, NEW).environments
    return found


def grids(runs):
    return np.array([run.curve.on_grid(BUDGET) for run in runs.of("A")])


class TestStepsTo:
    @pytest.mark.parametrize(
        ("grid", "threshold", "expected"),
        [
            (np.arange(100.0), 50.0, 0.53 * BUDGET),  # the five points 48 to 52, the last of which is at 53 %
            (np.r_[np.zeros(50), np.ones(50)], 0.5, 0.53 * BUDGET),  # three of five
            (np.r_[np.zeros(50), np.ones(50)], 1.0, 0.55 * BUDGET),
            (np.ones(100), 1.0, 0.05 * BUDGET),
            (np.ones(100), 1.1, None),
            (np.r_[np.zeros(40), [9.0], np.zeros(59)], 5.0, None),  # one high point is no arrival
        ],
    )
    def test_by_hand(self, grid, threshold, expected):
        assert steps_to(grid, threshold, BUDGET) == (None if expected is None else pytest.approx(expected))

    def test_runs_say_when_they_came_halfway(self, row):
        assert row.threshold == pytest.approx(row.random_score + row.scale / 2)
        (one,) = [run for run in row.runs if run.side == "candidate" and run.seed == 103]
        (curve,) = [run.curve.on_grid(BUDGET) for run in NEW.of("A") if run.seed == 103]
        means = np.array([curve[i - 4 : i + 1].mean() for i in range(4, 100)])
        first = int(np.argmax(means >= row.threshold)) + 4
        assert one.steps_to == (first + 1) * BUDGET / 100

    def test_a_run_that_never_does_and_one_that_does_not_count(self):
        low = run_set({"A": 5.0}, range(101, 104), draw=1)
        (found,) = verdict_on(BASE, swap(low, "A", 102, state="failed")).environments
        assert [run.steps_to for run in found.runs if run.side == "candidate"] == [None, None, None]


def test_the_difference_is_welch_s_in_each_stretch(row):
    before, now = bins(grids(BASE)), bins(grids(NEW))
    assert len(row.curves.difference.estimate) == 20
    for i in (0, 7, 19):
        expected = stats.ttest_ind(now[:, i], before[:, i], equal_var=False).confidence_interval(0.95)
        assert row.curves.difference.estimate[i] == pytest.approx(now[:, i].mean() - before[:, i].mean(), rel=5e-3)
        assert row.curves.difference.low[i] == pytest.approx(expected.low, rel=5e-3, abs=0.05)
        assert row.curves.difference.high[i] == pytest.approx(expected.high, rel=5e-3, abs=0.05)


def test_one_run_has_no_difference():
    one = run_set({"A": 80.0}, range(101, 102), draw=1)
    (found,) = verdict_on(BASE, one).environments
    assert found.curves.difference is None
    assert found.curves.candidate is not None


def test_minutes_of_a_side_are_the_mean_of_those_known(row):
    assert row.curves.baseline.minutes is None
    known = swap(swap(NEW, "A", 101, minutes=4.0), "A", 102, minutes=8.0)
    (found,) = verdict_on(BASE, known).environments
    assert found.curves.candidate.minutes == 6.0
    finals = [float(final(grid)) for grid in grids(NEW)]
    assert [run.final for run in found.runs if run.side == "candidate"] == pytest.approx(finals)


def test_who_edits_the_rules_of_his_own_gate_is_reviewed_before_he_is_merged():
    edited = make_finding("changed-gate", "warning", "policy.alpha: 0.05 -> 0.2", None)
    alike = run_set({"A": 100.0}, range(101, 113), draw=1)
    passed, open_one = (verdict_on(BASE, runs, beforehand=(edited,)) for runs in (alike, NEW))
    assert passed.exit_code == 0
    assert "review what the change does to the rules of its own gate" in passed.next_step.text
    assert open_one.exit_code == 1
    assert "review" not in open_one.next_step.text
    assert "nothing to do" in verdict_on(BASE, alike).next_step.text


def test_what_failed_has_the_command_that_trains_it_again():
    broken = swap(run_set({"A": 100.0}, range(101, 106), draw=1), "A", 103, state="failed")
    failed = verdict_on(BASE, broken)
    assert failed.exit_code == 4
    assert failed.next_step.command == "rlops run made --seeds 103 --force"
    assert "mend what made them fail" in failed.next_step.text
