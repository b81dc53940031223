"""A/A splits of stored runs: the gate's own rates on them."""

from dataclasses import replace

import numpy as np
import pytest

from rlops.calibrate import splitting
from rlops.curves import Freezing, RunSet, columns
from rlops.errors import ExitCode, NoBaselineError, UsageError
from rlops.judge import Stored, Word, calibrate
from rlops.judge.calibration import Share
from rlops.plan import Margins, Metric, Plan, Policy, planned_looks
from rlops.run_sets import Terms, make_plan
from rlops.training import Watchers
from rlops.workspace import Workspace
from tests.curve_sets import BUDGET, run_set, swap

THREE = {"A": 100.0, "B": 200.0, "C": 50.0}


def freezing(runs: RunSet, random_scores=None) -> Freezing:
    budgets = dict.fromkeys(runs.env_ids, BUDGET)
    return Freezing(Metric(), Margins(), budgets, dict.fromkeys(budgets, 0.0) if random_scores is None else {})


def ready(runs: RunSet, n_candidate: int, policy: Policy | None = None) -> tuple[Plan, list[Stored]]:
    baseline = freezing(runs).freeze("b", runs)
    plan = make_plan(baseline, Terms(policy=policy or Policy()), tuple(range(n_candidate)))
    stored = [
        Stored(
            plan=item,
            seeds=tuple(run.seed for run in frozen.runs),
            columns=columns(np.array([run.curve for run in frozen.runs])),
        )
        for item, frozen in zip(plan.environments, baseline.environments, strict=True)
    ]
    return plan, stored


def ask(runs: RunSet, n_candidate: int = 10, splits: int = 60, seed: int = 0, policy: Policy | None = None):
    plan, stored = ready(runs, n_candidate, policy)
    return calibrate(plan, stored, Margins(), splits, seed)


def test_quiet_environments_raise_few_alarms_and_pass():
    found = ask(run_set(THREE, range(20)), splits=150)
    assert found.splits == 150
    assert found.regressed.value <= 0.05
    assert found.passed.value > 0.85
    assert found.regressed.count + found.passed.count + found.inconclusive.count == 150
    assert 3 <= found.seeds < 6


def test_the_level_is_used_up_where_no_loss_is_inside_its_margin():
    """One exact look, 5 v 5, one environment: 63 of the 252 labellings are alarms at a level of 25 %."""
    plan, stored = ready(run_set({"A": 100.0}, range(10), spread=20.0), 5, Policy(alpha=0.25, looks=(5,)))
    found = calibrate(plan, stored, Margins(scale_fraction=1e-9, spreads=0.0), splits=400)
    assert found.regressed.value == pytest.approx(0.25, abs=3.5 * (0.25 * 0.75 / 400) ** 0.5)
    assert found.environments[0].named == found.regressed


def halves(first: int = 0) -> list[RunSet]:
    """Three environments in which the later half of the seeds is far better; each begins `first` seeds further on."""
    return [
        RunSet("both", tuple(run for j in (0, 1) for run in _half({env_id: level * (1 + 0.4 * j)}, i * first + 10 * j)))
        for i, (env_id, level) in enumerate(THREE.items())
    ]


def _half(levels: dict[str, float], first: int):
    return run_set(levels, range(first, first + 10), spread=1.0).runs


def test_halves_of_the_seeds_that_differ_do_not_matter_to_any_environment():
    """Each is exchangeable over random splits, whatever its scores."""
    found = ask(RunSet("three", tuple(run for one in halves(first=1) for run in one.runs)), splits=150)
    assert found.regressed.value <= 0.05
    for one in halves():
        assert ask(one, splits=100).regressed.value <= 0.05


def test_seeds_that_are_good_or_bad_everywhere_at_once_are_seen():
    """Stouffer's combination takes environments as independent; these have the seeds' halves in common."""
    found = ask(RunSet("three", tuple(run for one in halves() for run in one.runs)), splits=300)
    assert found.regressed.interval[0] > 0.05
    assert found.all_together.count > 0


def test_the_same_seed_gives_the_same_answer_and_another_one_another():
    runs = run_set(THREE, range(12), spread=20.0)
    first, again, other = (ask(runs, 6, splits=40, seed=seed) for seed in (3, 3, 4))
    assert (first.words, first.environments) == (again.words, again.environments)
    assert first.environments != other.environments


@pytest.mark.parametrize("measured", [True, False], ids=["random policy", "first bin"])
def test_a_part_is_frozen_as_a_baseline_would_be(measured):
    """The yardstick of a part is that of `Freezing` on its runs, but for the random score: that is of all runs."""
    runs = run_set({"A": 100.0, "B": -30.0}, range(9))
    whole = freezing(runs, None if measured else {}).freeze("b", runs)
    order = np.random.default_rng(0).permutation(9)
    scores = {item.env_id: item.random_score for item in whole.environments}
    part = RunSet("part", tuple(run for run in runs.runs if run.seed in set(order[4:])))
    expected = replace(freezing(runs), random_scores=scores).freeze("p", part)
    for item, frozen, wanted in zip(whole.yardsticks(), whole.environments, expected.yardsticks(), strict=True):
        grids = columns(np.array([run.curve for run in frozen.runs]))
        samples = Stored(item, tuple(range(9)), grids).split(order, 4, Margins())
        assert samples.plan.n_baseline == wanted.n_baseline == 5
        assert (samples.plan.budget, samples.plan.env_id) == (wanted.budget, wanted.env_id)
        for key in ("mean", "spread", "random_score", "margins"):
            assert getattr(samples.plan, key) == pytest.approx(getattr(wanted, key), rel=1e-12), key
        assert np.array_equal(samples.candidate, grids[order[:4]])


def test_the_looks_are_those_of_as_many_seeds_as_a_split_has():
    found = ask(run_set(THREE, range(20)), 6, splits=3)
    assert found.plan.looks == planned_looks(Policy(), 6) == (3, 5, 6)
    assert {item.n_baseline for item in found.environments} == {14}
    assert all(3 <= item.seeds <= 6 for item in found.environments)


def test_environments_with_other_seeds_are_divided_one_by_one():
    a, b = run_set({"A": 100.0}, range(8)), run_set({"B": 100.0}, range(3, 15))
    found = ask(RunSet("both", (*a.runs, *b.runs)), 4, splits=20)
    assert [(item.runs, item.n_baseline) for item in found.environments] == [(8, 4), (12, 8)]
    assert not any("different splits" in sentence for sentence in found.cannot_see)


def test_says_what_it_cannot_see():
    text = "\n".join(ask(run_set(THREE, range(6)), 3, splits=30).cannot_see)
    for word in ("not independent", "unlucky baseline", "another machine", "all 6 stored runs", "3 against 3"):
        assert word in text
    assert "6 runs have only 20" in text
    assert "can name no regression" in text
    assert "fresh baseline seeds" in text
    assert "fresh baseline" not in "\n".join(ask(run_set(THREE, range(6)), 3, 1, policy=Policy(confirm=0)).cannot_see)


def test_a_share_has_its_interval():
    assert Share(3, 10).interval == pytest.approx((0.0667, 0.6525), abs=1e-4)
    assert (Share(0, 10).interval[0], Share(10, 10).interval[1]) == (0.0, 1.0)


@pytest.mark.parametrize(("runs", "n_candidate"), [(4, 1), (4, 3), (3, 2)])
def test_two_runs_a_side_are_the_least(runs, n_candidate):
    plan, stored = ready(run_set(THREE, range(runs)), n_candidate)
    with pytest.raises(ValueError, match="cannot be split"):
        calibrate(plan, stored, Margins(), 1)


class TestReferences:
    """From a reference to runs that can be split."""

    @pytest.fixture
    def split(self, tmp_path, monkeypatch):
        def ask(runs, n_candidate=None):
            monkeypatch.setattr("rlops.calibrate.load_run_set", lambda *_: runs)
            workspace = Workspace(tmp_path, tmp_path / ".rlops")
            return splitting(workspace, "dir:x", Terms(budget=BUDGET), Watchers(), n_candidate)

        return ask

    def test_half_is_the_default(self, split):
        assert len(split(run_set(THREE, range(9))).plan.seeds) == 4
        assert len(split(run_set(THREE, range(4))).plan.seeds) == 2
        assert len(split(run_set(THREE, range(9)), 7).plan.seeds) == 7

    def test_the_environment_with_the_fewest_runs_decides(self, split):
        a, b = run_set({"A": 100.0}, range(6)), run_set({"B": 100.0}, range(20))
        assert len(split(RunSet("both", (*a.runs, *b.runs))).plan.seeds) == 3

    def test_runs_that_cannot_be_scored_are_left_out_and_counted(self, split):
        ready = split(swap(run_set(THREE, range(9)), "B", 4, state="crashed"))
        assert ready.left_out == {"B": 1}
        assert [item.n_baseline for item in ready.plan.environments] == [9, 8, 9]

    @pytest.mark.parametrize(
        ("runs", "n_candidate", "why"),
        [(3, None, "a split needs 2 runs a side"), (9, 8, "leave fewer than 2 stored runs"), (1, None, "two sound")],
    )
    def test_too_few_runs(self, split, runs, n_candidate, why):
        few = run_set({"A": 100.0}, range(runs))
        others = run_set({"B": 100.0}, range(9 if n_candidate is None else runs))
        with pytest.raises(UsageError, match=rf"{why}.*: A") as error:
            split(RunSet("both", (*few.runs, *others.runs)), n_candidate)
        assert error.value.exit_code is ExitCode.USAGE

    def test_no_environment_with_two_runs(self, split):
        with pytest.raises(NoBaselineError):
            split(run_set({"A": 100.0}, range(1)))


@pytest.mark.parametrize("algo", ["PPO"])
def test_published_runs(algo, real_data, tmp_path):
    """25 seeds of mushroom_rl on 10 environments, 13 against 12: alpha lies above the alarms' interval or inside it."""
    workspace = Workspace(tmp_path, tmp_path / ".rlops")
    ready = splitting(workspace, f"file:{real_data}/mushroom_rl.parquet?algo={algo}", Terms(), Watchers())
    found = ready.calibrate(100, 0)
    assert [(item.runs, item.n_baseline) for item in found.environments] == [(25, 13)] * 10
    assert found.regressed.interval[0] <= found.plan.policy.alpha
    assert found.passed.value > 0.3
    assert set(found.words) <= {Word.REGRESSED, Word.INCONCLUSIVE, Word.EQUIVALENT, Word.IMPROVED}
