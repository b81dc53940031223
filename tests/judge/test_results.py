"""Published results: against numpy and scipy by hand, and against a verdict on the same runs."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.stats import mstats

from rlops.curves import LeftOut, RunSet, auc, final
from rlops.judge import Entry
from tests.curve_sets import BUDGET, curve, run_set, swap, verdict_on
from tests.report.results_samples import published, sample

METRIC = "charts/episodic_return"
LEVELS = {"A": 100.0, "B": 200.0, "C": 50.0}
ONE = run_set(LEVELS, range(1, 9))
TWO = run_set({"A": 90.0, "B": 210.0, "C": 55.0}, range(1, 9), draw=1)


def entry(label: str, runs: RunSet, **more: object) -> Entry:
    return Entry(label, runs, METRIC, **more)


def finals(runs: RunSet, env_id: str) -> np.ndarray:
    return np.array([final(run.curve.on_grid(BUDGET)) for run in runs.of(env_id)])


def found(record, kind):
    return [item for item in record.findings if item.kind == kind]


def test_scores_of_an_environment_are_those_of_the_textbook():
    record = published([entry("one", ONE), entry("two", TWO)])
    for item in record.environments:
        for runs, scores in zip((ONE, TWO), item.scores, strict=True):
            values = finals(runs, item.env_id)
            low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
            assert scores.mean.value == pytest.approx(values.mean())
            assert scores.mean.interval == pytest.approx((low, high))
            assert scores.iqm.value == pytest.approx(stats.trim_mean(values, 0.25))
            assert scores.iqm.interval == pytest.approx(
                tuple(mstats.trimmed_mean_ci(values, limits=(0.25, 0.25), inclusive=(True, True)))
            )
            assert [run.final for run in scores.runs] == pytest.approx(list(values))
            assert scores.runs[0].auc == pytest.approx(auc(runs.of(item.env_id)[0].curve.on_grid(BUDGET)))


def test_one_run_has_a_score_and_no_interval():
    alone = run_set(LEVELS, range(1, 2))
    (scores,) = published([entry("one", ONE), entry("alone", alone)]).environments[0].scores[1:]
    assert scores.mean.value == scores.iqm.value == pytest.approx(finals(alone, "A")[0])
    assert scores.mean.interval is None
    assert scores.curve.low == scores.curve.high == scores.curve.estimate


def test_curves_are_means_over_runs_with_t_intervals():
    item = published([entry("one", ONE)]).environments[1]
    grids = np.array([run.curve.on_grid(BUDGET) for run in ONE.of("B")])
    half = stats.t.ppf(0.975, 7) * grids.std(axis=0, ddof=1) / np.sqrt(8)
    band = item.scores[0].curve
    assert band.estimate == pytest.approx(grids.mean(axis=0), rel=1e-3)
    assert band.high == pytest.approx(grids.mean(axis=0) + half, rel=1e-3)
    assert item.steps == pytest.approx(np.arange(1, 101) * BUDGET / 100)


def test_of_two_run_sets_the_numbers_are_those_of_a_verdict():
    verdict = verdict_on(ONE, TWO)
    record = published([entry("one", ONE), entry("two", TWO)], benchmark="made")
    for before, after in zip(verdict.aggregates, record.aggregates, strict=True):
        first, second = after.estimates
        assert before.name == after.name
        assert (second.value, *second.interval) == pytest.approx((before.candidate, *before.candidate_interval))
        if before.baseline is not None:
            assert (first.value, *first.interval) == pytest.approx((before.baseline, *before.baseline_interval))
    assert record.counted_environments == tuple(LEVELS)


def test_profile_and_sample_efficiency_by_hand():
    record = published([entry("one", ONE), entry("two", TWO)])
    scale = {env_id: finals(ONE, env_id).mean() for env_id in LEVELS}
    pooled = np.concatenate([finals(TWO, env_id) / scale[env_id] for env_id in LEVELS])
    inner = record.profile.points[1:-1]  # the ends are scores themselves, to five digits
    above = [(pooled > point).mean() for point in inner]
    assert record.profile.bands[1].estimate[1:-1] == pytest.approx(above, abs=1e-4)
    curves = np.concatenate(
        [[run.curve.on_grid(BUDGET) / scale[env_id] for run in TWO.of(env_id)] for env_id in LEVELS]
    )
    assert record.sample_efficiency.bands[1].estimate == pytest.approx(stats.trim_mean(curves, 0.25), rel=1e-3)
    assert record.sample_efficiency.points[0] == 0.01


def test_lower_is_better_shows_the_metric_as_it_is_and_shares_turned_round():
    def turned(runs):
        made = [replace(run, curve=curve(-run.curve.values.max(), seed=run.seed)) for run in runs.runs]
        return replace(runs, runs=tuple(replace(run, curve_sha256=run.curve.sha256()) for run in made))

    record = published([entry("one", turned(ONE)), entry("two", turned(TWO))], direction="lower-is-better")
    assert record.environments[0].scores[0].mean.value < 0
    mean = {item.name: item for item in record.aggregates}["mean"]
    assert [one.value for one in mean.estimates] == pytest.approx([1.0, 1.0], abs=0.1)


def test_failed_runs_are_named_and_not_averaged_in():
    broken = swap(ONE, "A", 3, state="crashed", fault="killed")
    broken = swap(broken, "A", 5, curve=curve(1e6, until=BUDGET // 2))
    record = published([entry("one", broken)])
    scores = record.environments[0].scores[0]
    kept = np.delete(finals(ONE, "A"), [2, 4])
    assert (scores.n_counted, scores.n_runs) == (6, 8)
    assert scores.mean.value == pytest.approx(kept.mean())
    why = {run.seed: run.why_not for run in scores.runs if not run.counted}
    assert why == {3: "killed", 5: "the curve ends at step 50,000 of 100,000"}
    (crashed,), (truncated,) = found(record, "crashed-run"), found(record, "truncated")
    assert (crashed.run_set, crashed.env_id, crashed.seeds, crashed.side) == ("one", "A", (3,), None)
    assert truncated.seeds == (5,)


def test_copies_count_once_and_are_named():
    copied = swap(ONE, "B", 2, curve=ONE.of("B")[0].curve)
    record = published([entry("one", copied)])
    assert record.environments[1].scores[0].n_counted == 7
    assert found(record, "duplicated-seeds")[0].seeds == (2,)


def test_runs_that_a_baseline_was_saved_without_are_named():
    left_out = {"C": (LeftOut(seed=9, why="the run is crashed, not finished"),)}
    record = published([entry("one", ONE, left_out=left_out)])
    scores = record.environments[2].scores[0]
    assert (scores.n_counted, scores.n_runs) == (8, 9)
    assert scores.runs[-1].why_not == "the run is crashed, not finished"
    assert found(record, "left-out")[0].seeds == (9,)


def test_environments_without_a_scale_or_runs_are_left_out_and_named():
    flat = run_set({**LEVELS, "Flat": 0.0}, range(1, 9))
    partly = TWO.select(frozenset({"A", "B"}), None)
    record = published([entry("one", flat), entry("two", partly)])
    why = {item.env_id: item.no_shares for item in record.environments}
    assert record.counted_environments == ("A", "B")
    assert why["A"] is why["B"] is None
    assert why["C"] == why["Flat"] == "fewer than two counted runs of two"
    assert {item.env_id for item in found(record, "missing-environment")} == {"C", "Flat"}
    (alone,) = (item for item in published([entry("one", flat)]).environments if item.env_id == "Flat")
    assert alone.no_shares.startswith("no scale")


def test_without_a_scale_anywhere_there_are_no_numbers_for_all():
    record = published([entry("one", run_set({"Flat": 0.0}, range(1, 9)))])
    assert (record.aggregates, record.profile, record.sample_efficiency) == ((), None, None)
    assert record.environments[0].scores[0].mean is not None


def test_speed_is_of_the_runs_whose_time_is_known():
    timed = run_set({"A": 100.0}, range(1, 4), minutes=2.0)
    untimed = swap(timed, "A", 1, minutes=None)
    scores = published([entry("one", untimed)]).environments[0].scores[0]
    assert (scores.minutes, scores.steps_per_second) == (2.0, pytest.approx(2 * BUDGET / (2 * 120)))
    assert scores.environment_steps == 3 * BUDGET


def test_what_is_unlike_the_first_run_set_is_said():
    one = replace(ONE, provenance={"packages": {"torch": "2.0", "numpy": "2.1"}, "format": "wandb"})
    two = replace(TWO, provenance={"packages": {"torch": "2.9", "numpy": "2.1"}, "format": "tensorboard"})
    long = replace(curve(100.0), steps=2 * curve(100.0).steps)
    two = replace(two, runs=tuple(replace(run, curve=long) if run.env_id == "A" else run for run in two.runs))
    record = published([entry("one", one), replace(entry("two", two), metric="rollout/length")])
    assert found(record, "packages")[0].detail == "against one: torch 2.0 → 2.9"
    assert found(record, "log-formats")[0].detail == "read from tensorboard logs, one from wandb logs"
    assert found(record, "other-definition")[0].run_set == "two"
    assert [item.env_id for item in found(record, "unequal-horizons")] == ["A"]
    assert record.findings[0].severity == "not-comparable"


def test_the_same_runs_give_the_same_record_in_any_order():
    turned = replace(ONE, runs=tuple(reversed(ONE.runs)))
    one, other = (published([entry("one", runs.select(frozenset(LEVELS), None))]) for runs in (ONE, turned))
    assert one.data_sha256 == other.data_sha256
    assert sample().to_json() == sample.__wrapped__().to_json()
