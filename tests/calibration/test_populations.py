"""The simulator's curves are what benchmarks/calibration/populations.py says of them."""

import math

import numpy as np
import pytest

from benchmarks.calibration import populations
from benchmarks.calibration.populations import (
    EFFECTS,
    LATE_COLLAPSE,
    LOSS_20,
    MIXED,
    MORE_STEPS,
    NONE,
    QUIET,
    SLOW_START,
    UNSTABLE,
    CurveType,
    Effect,
    final,
    shifted,
)
from rlops import curves as scored

RUNS = 4_000
every_type = pytest.mark.parametrize("kind", MIXED.types, ids=lambda kind: kind.name)


def draw(kind: CurveType, effect: Effect = NONE, runs: int = RUNS, seed: int = 1) -> np.ndarray:
    return kind.draw(np.random.default_rng(seed), runs, effect)


def named(name: str) -> CurveType:
    return next(kind for kind in MIXED.types if kind.name == name)


def test_fourteen_types_and_the_seven_quiet_ones():
    assert len(set(MIXED.types)) == len({kind.name for kind in MIXED.types}) == 14
    cvs = {kind: kind.spread / kind.mean for kind in MIXED.types}
    assert set(QUIET.types) == {kind for kind, cv in cvs.items() if cv <= 0.12}
    assert len(QUIET.types) == 7
    assert 0.04 < min(cvs.values()) < 0.06
    assert 0.29 < max(cvs.values()) < 0.33
    assert not any(0.11 < cv < 0.13 for cv in cvs.values())  # no type is quiet by the luck of the simulation


@every_type
def test_mean_and_spread_are_those_of_other_runs(kind):
    scores = final(draw(kind, runs=20_000))
    assert scores.mean() == pytest.approx(kind.mean, abs=5 * kind.spread / math.sqrt(20_000))
    assert scores.std(ddof=1) == pytest.approx(kind.spread, rel=0.1 if kind.level == "t3" else 0.03)
    assert 0.75 < kind.mean < 1.1


@every_type
def test_curves_start_near_the_random_policy_and_rise(kind):
    curves = draw(kind)
    assert curves.shape == (RUNS, 100)
    assert np.isfinite(curves).all()
    bins = scored.columns(curves)[:, 2:].mean(axis=0)
    assert 0 <= bins[0] < 0.55 * kind.mean
    assert bins[1:4].mean() < bins[8:12].mean() < 1.2 * kind.mean


def test_the_score_is_rlops_score():
    curves = draw(MIXED.types[0], runs=10)
    assert curves.shape[1] == scored.GRID_POINTS
    np.testing.assert_array_equal(final(curves), scored.final(curves))


@pytest.mark.parametrize("effect", [*EFFECTS, shifted(1.5)], ids=lambda effect: effect.name)
def test_the_same_generator_draws_the_same_curves(effect):
    for kind in MIXED.types:
        np.testing.assert_array_equal(draw(kind, effect, runs=30), draw(kind, effect, runs=30))
        assert not np.array_equal(draw(kind, effect, runs=30), draw(kind, effect, runs=30, seed=2))


@pytest.mark.parametrize("loss", [0.1, 0.15, 0.2, 0.5])
@every_type
def test_a_loss_is_a_share_of_the_scale(kind, loss):
    effect = next(effect for effect in EFFECTS if effect.loss == loss)
    np.testing.assert_allclose(draw(kind, effect), (1 - loss) * draw(kind))
    assert kind.mean - final(draw(kind, effect)).mean() == pytest.approx(loss * kind.mean, abs=0.03)


@every_type
def test_a_shift_is_counted_in_spreads_and_moves_every_run_alike(kind):
    lost = final(draw(kind)) - final(draw(kind, shifted(1.5)))
    np.testing.assert_allclose(lost, 1.5 * kind.spread)


@every_type
def test_a_slow_start_is_caught_up(kind):
    before, after = draw(kind), draw(kind, SLOW_START)
    np.testing.assert_array_equal(after[:, 60:], before[:, 60:])
    early = slice(20, 45)  # when even those that take off late have begun
    assert after[:, early].mean() < 0.9 * before[:, early].mean()
    assert scored.auc(after).mean() < scored.auc(before).mean()


def test_a_slow_start_takes_twice_as_long():
    smooth = CurveType("smooth", level_sd=0.1, noise=0.0)
    before, after = draw(smooth), draw(smooth, SLOW_START)
    np.testing.assert_allclose(after[:, 1:40:2], before[:, :20])


@every_type
def test_more_steps_cost_area(kind):
    before, after = draw(kind), draw(kind, MORE_STEPS)
    assert scored.auc(after).mean() < 0.98 * scored.auc(before).mean()
    assert final(after).mean() < final(before).mean()


def test_more_steps_stretch_the_whole_curve():
    smooth = CurveType("smooth", level_sd=0.1, noise=0.0)
    before, after = draw(smooth), draw(smooth, MORE_STEPS)
    np.testing.assert_allclose(after[:, 12:91:13], before[:, 9:70:10])  # 13 % of the budget now do what 10 % did


@every_type
def test_a_late_collapse_is_late(kind):
    before, after = draw(kind), draw(kind, LATE_COLLAPSE)
    np.testing.assert_array_equal(after[:, :85], before[:, :85])
    np.testing.assert_allclose(final(after), 0.5 * final(before))


@every_type
def test_instability_halves_single_points(kind):
    before, after = draw(kind), draw(kind, UNSTABLE)
    struck = (after != before)[before != 0]
    assert struck.mean() == pytest.approx(0.05, abs=0.005)
    np.testing.assert_allclose(after[after != before], 0.5 * before[after != before])
    assert final(after).mean() > 0.95 * final(before).mean()


def test_at_the_ceiling_scores_are_exactly_equal():
    at_ceiling = final(draw(named("ceiling"))) == 1.0
    assert 0.3 < at_ceiling.mean() < 0.6
    assert np.unique(final(draw(named("ceiling"), LOSS_20))[at_ceiling]).size == 1
    for kind in MIXED.types:
        if kind.ceiling == math.inf:
            assert np.unique(final(draw(kind))).size == RUNS


@pytest.mark.parametrize(("name", "share"), [("bimodal", 0.18), ("bimodal, rare failures", 0.08)])
def test_failing_seeds_stay_low(name, share):
    scores = final(draw(named(name)))
    assert (scores < 0.5).mean() == pytest.approx(share, abs=0.03)
    assert not ((scores > 0.45) & (scores < 0.65)).any()


def test_before_the_take_off_there_is_nothing():
    curves = draw(named("sparse take-off"))
    assert not curves[:, :10].any()
    assert 0.4 < (curves[:, 45] == 0).mean() < 0.6
    assert (curves[:, -1] != 0).all()


def test_collapses_are_few_and_late():
    scores = final(draw(named("late collapse")))
    before = draw(named("late collapse"))[:, 60:70].mean(axis=1)
    assert (scores < 0.75 * before).mean() == pytest.approx(0.14, abs=0.03)


def test_dips_last_three_points():
    factors = populations.dips(np.random.default_rng(0), RUNS, 0.03, length=3)
    assert set(np.unique(factors)) == {0.5, 1.0}
    np.testing.assert_allclose((factors == 0.5).mean(axis=0), 1 - 0.97**3, atol=0.02)
    alone = (factors[:, 1:-1] == 0.5) & (factors[:, :-2] == 1.0) & (factors[:, 2:] == 1.0)
    assert not alone.any()


def test_the_noise_is_autocorrelated_and_stationary():
    noisy = CurveType("noise alone", level_sd=0.0, tau=1e-6, noise=0.1, correlation=0.6)
    curves = draw(noisy) - 1
    np.testing.assert_allclose(curves.std(axis=0), 0.1, rtol=0.08)
    assert np.corrcoef(curves[:, 40], curves[:, 41])[0, 1] == pytest.approx(0.6, abs=0.05)
    assert np.corrcoef(curves[:, 40], curves[:, 43])[0, 1] == pytest.approx(0.6**3, abs=0.07)


def test_the_table_names_every_type(capsys):
    populations.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line[:24].strip() for line in lines[1:]] == [kind.name for kind in MIXED.types]
    assert sum(line.endswith("yes") for line in lines) == 7
