"""The few numbers for all environments: against scipy and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rlops.curves import final
from tests.curve_sets import BUDGET, run_set, verdict_on

LEVELS = {"A": 100.0, "B": 200.0, "C": 50.0}
BASE = run_set(LEVELS, range(1, 21))
NEW = run_set({"A": 90.0, "B": 200.0, "C": 55.0}, range(101, 106), draw=1)


def shares(runs, count):
    """Scores as shares of the baseline's mean; the random policy of these sets scores 0."""
    table = {}
    for env_id in LEVELS:
        means = np.mean([final(run.curve.on_grid(BUDGET)) for run in BASE.of(env_id)])
        table[env_id] = np.array([final(run.curve.on_grid(BUDGET)) for run in runs.of(env_id)])[:count] / means
    return table


def test_they_are_those_of_the_literature():
    found = {item.name: item for item in verdict_on(BASE, NEW).aggregates}
    before, now = shares(BASE, 20), shares(NEW, 5)
    for side, table in (("baseline", before), ("candidate", now)):
        pooled = np.concatenate(list(table.values()))
        means = [own.mean() for own in table.values()]
        expected = {
            "IQM": stats.trim_mean(pooled, 0.25),
            "mean": np.mean(means),
            "median": np.median(means),
            "optimality gap": np.maximum(1 - pooled, 0).mean(),
        }
        for name, value in expected.items():
            assert getattr(found[name], side) == pytest.approx(value, rel=1e-6)
            low, high = getattr(found[name], f"{side}_interval")
            assert low <= value <= high
    wins = [stats.mannwhitneyu(now[name], before[name]).statistic / (5 * 20) for name in LEVELS]
    assert found["P(better)"].candidate == pytest.approx(np.mean(wins))
    assert found["P(better)"].baseline is None


def test_an_environment_with_more_runs_weighs_no_more():
    more = run_set({"A": 90.0}, range(201, 216), draw=4)
    uneven = replace(NEW, runs=(*NEW.runs, *more.runs))
    one, other = (verdict_on(BASE, runs).aggregates for runs in (NEW, uneven))
    assert one == other


def test_the_same_runs_give_the_same_bytes():
    assert verdict_on(BASE, NEW).to_json() == verdict_on(BASE, NEW).to_json()


def test_profiles_are_shares_of_runs_above_each_threshold():
    profile = verdict_on(BASE, NEW).profile
    for band, runs in zip(profile.bands, (BASE, NEW), strict=True):
        pooled = np.concatenate(list(shares(runs, 20 if runs is BASE else 5).values()))
        expected = [np.mean(pooled > threshold) for threshold in profile.points]
        # Thresholds are told with four digits: a run that lies between may count on either side.
        assert np.allclose(band.estimate, expected, atol=1 / len(pooled) + 1e-4)
        assert all(low <= share <= high for low, share, high in zip(band.low, band.estimate, band.high, strict=True))
    assert (profile.points[0], profile.bands[0].estimate[-1], profile.bands[1].estimate[-1]) == (0.0, 0.0, 0.0)


def test_no_informative_environment_has_no_profile():
    alike = verdict_on(
        run_set({"A": 0.0}, range(1, 6), spread=0.0), run_set({"A": 0.0}, range(101, 106), spread=0.0, draw=1)
    )
    assert alike.profile is None
