"""Baselines: yardsticks by hand, and a file that gives back what was frozen."""

import json
from dataclasses import replace

import numpy as np
import pytest

from rlops.curves import Freezing, RunSet, common_horizons, data_sha256, read_baseline, write_baseline
from rlops.errors import NoBaselineError, UsageError
from rlops.plan import Margins, Metric
from tests.curve_sets import BUDGET, curve, run, run_set, swap

RUNS = run_set({"A": 100.0, "B/x": 50.0}, range(1, 6))
FREEZING = Freezing(
    Metric(), Margins(), {"A": BUDGET, "B/x": BUDGET}, {"A": 20.0}, "quick", ("cmd",), "rlops baseline save"
)


def test_yardsticks_are_those_of_the_specification():
    exact = RunSet("x", tuple(run("A", seed, 0, curve=curve(level)) for seed, level in enumerate([90.0, 100.0, 110.0])))
    (item,) = replace(FREEZING, budgets={"A": BUDGET}).freeze("b", exact).environments
    assert (item.mean, item.spread, item.scale) == pytest.approx((100.0, 10.0, 80.0))
    assert item.margin == pytest.approx(16.0)  # 20 % of 80 > 1.5 x 10
    assert item.random_score_from == "random policy, 100 episodes"


def test_spread_decides_the_margin_where_it_is_larger():
    wide = RunSet("x", tuple(run("A", seed, 0, curve=curve(level)) for seed, level in enumerate([60.0, 100.0, 140.0])))
    (item,) = replace(FREEZING, budgets={"A": BUDGET}).freeze("b", wide).environments
    assert item.margin == pytest.approx(1.5 * 40.0)


def test_without_a_measured_random_score_the_first_bin_is_the_zero():
    item = FREEZING.freeze("b", RUNS).environments[1]
    first = np.mean([r.curve.on_grid(BUDGET)[:5].mean() for r in RUNS.of("B/x")])
    assert item.random_score == pytest.approx(first)
    assert item.random_score_from == "first 5 % of the curves"


def test_the_suite_margin_is_a_fraction_by_the_specifications_formula():
    baseline = FREEZING.freeze("b", RUNS)
    variance = sum((item.spread / item.scale) ** 2 for item in baseline.environments)
    assert baseline.suite_margin == pytest.approx(max(0.10, 1.5 * np.sqrt(variance) / 2))


@pytest.mark.parametrize("direction", ["higher-is-better", "lower-is-better"])
def test_a_written_baseline_gives_back_the_same_scores_hashes_and_yardsticks(tmp_path, direction):
    baseline = replace(FREEZING, metric=Metric(direction=direction)).freeze("quick", RUNS)
    path = write_baseline(baseline, tmp_path)
    back = read_baseline("quick", tmp_path)
    assert back == baseline
    assert data_sha256(back.run_set()) == data_sha256(RUNS)
    for env_id in RUNS.env_ids:
        for old, new in zip(RUNS.of(env_id), back.run_set().of(env_id), strict=True):
            np.testing.assert_array_equal(new.curve.on_grid(BUDGET), old.curve.on_grid(BUDGET))
    again = replace(FREEZING, metric=Metric(direction=direction), random_scores={"A": 20.0}).freeze(
        "quick", back.run_set()
    )
    assert again.environments == baseline.environments
    assert json.loads(path.read_text())["schema"] == 1


def test_the_file_has_a_line_a_run(tmp_path):
    text = write_baseline(FREEZING.freeze("quick", RUNS), tmp_path).read_text()
    assert sum('"curve_sha256"' in line for line in text.splitlines()) == len(RUNS.runs)


def test_broken_runs_are_left_out_and_named():
    (item, _) = FREEZING.freeze("b", swap(RUNS, "A", 3, state="crashed")).environments
    assert [run.seed for run in item.runs] == [1, 2, 4, 5]
    assert [(run.seed, run.why) for run in item.left_out] == [(3, "the run is crashed, not finished")]


def test_nothing_to_freeze_is_an_error():
    with pytest.raises(NoBaselineError, match="two sound runs"):
        FREEZING.freeze("b", RUNS.select(None, frozenset({1})))


def test_a_baseline_that_is_not_there_names_those_that_are(tmp_path):
    write_baseline(FREEZING.freeze("quick", RUNS), tmp_path)
    with pytest.raises(NoBaselineError, match=r"no baseline 'quikc'.*has: quick; did you mean quick\?"):
        read_baseline("quikc", tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not a baseline file"),
        ('{"schema": 2}', "schema 2"),
        ('{"schema": 1}', "Field required"),
        ("[]", "not a baseline"),
    ],
)
def test_broken_files_are_told_from_missing_ones(tmp_path, content, says):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(UsageError, match=says):
        read_baseline("x", tmp_path)


def test_the_common_horizon_is_the_end_that_both_sides_reach():
    short = RunSet("s", tuple(run("A", s, 0, curve=curve(1.0, until=50_000)) for s in range(3)))
    assert common_horizons(RUNS, short) == {"A": 50_000, "B/x": 100_000}
