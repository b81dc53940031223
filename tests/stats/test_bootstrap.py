"""The count bootstrap against scipy, against the same resamples written out and estimated by hand, and its bytes."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rlops.stats import bootstrap
from rlops.stats import probability_of_improvement as probability_of_one
from rlops.stats.bootstrap import Bootstrap, iqm_of, resample_counts

SIZES = (5, 3, 1, 12, 5, 20)
REPLICATES = 300
TAUS = np.array([0.0, 0.4, 0.5, 1.0, 9.0])


def same(actual: object, expected: object) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


def table(seed: int = 0, sizes: tuple[int, ...] = SIZES, frames: int | None = None) -> list[np.ndarray]:
    """Ragged and with ties, also across environments."""
    rng = np.random.default_rng(seed)
    return [np.round(rng.gamma(2, 0.4, (n, frames) if frames else n), 1) for n in sizes]


def written_out(groups: list[np.ndarray], counts: np.ndarray) -> list[list[np.ndarray]]:
    """The resamples themselves: for each replicate the runs of each environment, as often as they were drawn."""
    rows = np.split(counts, np.cumsum([len(own) for own in groups])[:-1])
    return [
        [np.repeat(own, row[:, b], axis=0) for own, row in zip(groups, rows, strict=True)]
        for b in range(counts.shape[1])
    ]


def by_hand(groups: list[np.ndarray], statistic: Callable[[list[np.ndarray]], object], seed: int) -> list[np.ndarray]:
    """Estimate, low and high: the loop that the module avoids."""
    counts = resample_counts([len(own) for own in groups], REPLICATES, np.random.default_rng(seed))
    replicates = [statistic(resample) for resample in written_out(groups, counts)]
    return [np.asarray(statistic(groups)), *np.quantile(replicates, [0.025, 0.975], axis=0)]


def pooled_iqm(groups: list[np.ndarray]) -> np.ndarray:
    return stats.trim_mean(np.concatenate(groups), 0.25, axis=0)


def mean_probability(both: list[np.ndarray]) -> float:
    m = len(both) // 2
    return float(np.mean([probability_of_one(b, c) for b, c in zip(both[:m], both[m:], strict=True)]))


ESTIMATES: dict[str, Callable[[list[np.ndarray]], object]] = {
    "iqm": pooled_iqm,
    "mean": lambda groups: np.mean([own.mean() for own in groups]),
    "median": lambda groups: np.median([own.mean() for own in groups]),
    "optimality_gap": lambda groups: np.mean(np.maximum(1 - np.concatenate(groups), 0)),
}


@pytest.mark.parametrize("sizes", [SIZES, (5, 5, 5, 5), (7,), (1,), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("name", ESTIMATES)
def test_an_estimate_and_its_interval_are_those_of_the_resamples_written_out(name, sizes):
    scores = table(sizes=sizes)
    result = getattr(Bootstrap(np.random.default_rng(7), REPLICATES), name)(scores)
    same(result, by_hand(scores, ESTIMATES[name], seed=7))


def test_probability_of_improvement_is_that_of_the_resamples_written_out():
    baseline, candidate = table(1), table(2, sizes=(3, 4, 2, 5, 1, 9))
    result = Bootstrap(np.random.default_rng(7), REPLICATES).probability_of_improvement(baseline, candidate)
    same(result, by_hand([*baseline, *candidate], mean_probability, seed=7))
    assert result.low < result.estimate < result.high


def test_performance_profile_is_that_of_the_resamples_written_out():
    scores = table(3)
    result = Bootstrap(np.random.default_rng(7), REPLICATES).performance_profile(scores, TAUS)
    same(result, by_hand(scores, lambda groups: (np.concatenate(groups) > TAUS[:, None]).mean(axis=1), seed=7))
    assert result.estimate[-1] == result.high[-1] == 0.0


def test_the_curve_is_that_of_whole_curves_written_out():
    curves = table(4, frames=6)
    result = Bootstrap(np.random.default_rng(7), REPLICATES).iqm_curve(curves)
    same(result, by_hand(curves, pooled_iqm, seed=7))


def test_frames_of_one_curve_are_drawn_together():
    """Two frames with the same scores have the same interval to the last bit; apart they would not."""
    once = table(5)
    twice = [np.stack([own, own], axis=1) for own in once]
    band = Bootstrap(np.random.default_rng(0), REPLICATES).iqm_curve(twice)
    alone = Bootstrap(np.random.default_rng(0), REPLICATES).iqm(once)
    for both, one in zip(band, alone, strict=True):
        np.testing.assert_array_equal(both, [one, one])


@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=40), st.data())
def test_iqm_of_a_resample_is_scipys_trimmed_mean(scores, data):
    pooled = np.array(scores, dtype=np.float64)
    drawn = data.draw(st.lists(st.integers(0, len(scores) - 1), min_size=len(scores), max_size=len(scores)))
    counts = np.bincount(drawn, minlength=len(scores)).astype(np.int16)[:, None]
    assert iqm_of(pooled, counts)[0] == pytest.approx(stats.trim_mean(pooled[drawn], 0.25), rel=0, abs=1e-12)


@pytest.mark.parametrize("runs", range(1, 14))
def test_as_many_are_dropped_as_scipy_drops_whatever_the_number_of_runs(runs):
    scores = np.random.default_rng(runs).normal(size=runs)
    same(iqm_of(scores, np.ones((runs, 1), dtype=np.int16))[0], stats.trim_mean(scores, 0.25))


def test_what_is_dropped_costs_no_digits_however_far_out():
    counts = np.ones((8, 1), dtype=np.int16)
    near = np.array([0.0, 0.0, 0.1, 0.2, 0.3, 0.4, 1.0, 1.0])
    far = np.array([-1e300, -1e300, 0.1, 0.2, 0.3, 0.4, 1e300, 1e300])
    assert iqm_of(far, counts) == iqm_of(near, counts) == pytest.approx(0.25, abs=1e-15)


def test_more_runs_than_sixteen_bits_hold():
    scores = np.random.default_rng(0).normal(size=60_000)
    counts = resample_counts([20] * 3_000, 2, np.random.default_rng(0))
    expected = [stats.trim_mean(np.repeat(scores, counts[:, b]), 0.25) for b in range(2)]
    same(iqm_of(scores, counts), expected)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(0, 2**32))
def test_each_environment_is_drawn_as_often_as_it_has_runs(sizes, seed):
    counts = resample_counts(sizes, 50, np.random.default_rng(seed))
    assert counts.min() >= 0
    for rows, size in zip(np.split(counts, np.cumsum(sizes)[:-1]), sizes, strict=True):
        np.testing.assert_array_equal(rows.sum(axis=0), size)


@pytest.mark.parametrize("size", [2, 3, 5, 6, 12, 101])
def test_counts_follow_the_multinomial_law(size):
    """Mean, variance and covariance; 6, 12 and 101 runs need several draws from the table of outcomes."""
    replicates = 40_000
    counts = resample_counts([size], replicates, np.random.default_rng(size)).astype(float)
    expected = np.eye(size) - 1 / size
    covariance = np.cov(counts)
    tolerance = 6 * np.sqrt(3 / replicates)
    np.testing.assert_allclose(counts.mean(axis=1), 1, atol=tolerance)
    np.testing.assert_allclose(covariance, expected, atol=tolerance)


def test_every_outcome_of_small_groups_is_equally_likely():
    counts = resample_counts([3], 60_000, np.random.default_rng(0))
    outcomes, seen = np.unique(counts, axis=1, return_counts=True)
    ways = {(3, 0, 0): 1, (2, 1, 0): 3, (1, 1, 1): 6}
    expected = [60_000 / 27 * ways[tuple(sorted(column, reverse=True))] for column in outcomes.T.tolist()]
    assert stats.chisquare(seen, expected).pvalue > 1e-3


def test_agrees_with_scipys_bootstrap_of_one_environment():
    scores = np.random.default_rng(6).normal(size=15)
    ours = Bootstrap(np.random.default_rng(0), 20_000).iqm([scores])
    theirs = stats.bootstrap(
        (scores,),
        lambda x, axis: stats.trim_mean(x, 0.25, axis=axis),
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    )
    error = 5 * np.sqrt(2) * 2.7 * theirs.standard_error / np.sqrt(20_000)  # of a percentile of a normal law
    np.testing.assert_allclose(ours[1:], theirs.confidence_interval, atol=error)


def everything(seed: int) -> bytes:
    draw = Bootstrap(np.random.default_rng(seed), 2_000)
    scores, other = table(1), table(2)
    results = [getattr(draw, name)(scores) for name in ESTIMATES]
    results += [draw.probability_of_improvement(scores, other), draw.performance_profile(scores, TAUS)]
    results += [draw.iqm_curve(table(4, frames=6))]
    return b"".join(np.asarray(value).tobytes() for result in results for value in result)


def test_the_same_input_gives_the_same_bytes_and_another_seed_others():
    assert everything(0) == everything(0) != everything(1)


def test_the_size_of_the_chunks_bounds_the_memory_and_not_the_number_of_replicates(monkeypatch):
    monkeypatch.setattr(bootstrap, "CHUNK_LEAST", 7)
    monkeypatch.setattr(bootstrap, "CHUNK_CELLS", 1)
    chunks = []
    monkeypatch.setattr(
        bootstrap, "iqm_of", lambda pooled, counts: chunks.append(counts.shape[1]) or iqm_of(pooled, counts)
    )
    Bootstrap(np.random.default_rng(0), 30).iqm(table())
    assert chunks == [7, 7, 7, 7, 2, 1]  # the last one is the estimate itself


@pytest.mark.parametrize("name", ESTIMATES)
def test_a_wider_claim_is_a_wider_interval_and_equal_scores_have_none(name):
    narrow = getattr(Bootstrap(np.random.default_rng(0), 999, confidence=0.5), name)(table())
    wide = getattr(Bootstrap(np.random.default_rng(0), 999, confidence=0.99), name)(table())
    assert wide.low < narrow.low < narrow.high < wide.high
    assert len(set(getattr(Bootstrap(np.random.default_rng(0), 99), name)([np.full(5, 0.5), np.full(4, 0.5)]))) == 1


def test_an_environment_against_itself_improves_with_probability_one_half():
    result = Bootstrap(np.random.default_rng(0), 2_000).probability_of_improvement(table(1), table(1))
    assert result.estimate == 0.5
    assert result.low < 0.5 < result.high
    equal = [np.full(4, 1 / 3)]
    assert Bootstrap(np.random.default_rng(0), 99).probability_of_improvement(equal, equal) == (0.5, 0.5, 0.5)


def test_higher_is_an_improvement():
    low, high = [np.array([1.0, 2.0]), np.array([3.0])], [np.array([5.0]), np.array([4.0, 6.0, 7.0])]
    assert Bootstrap(np.random.default_rng(0), 99).probability_of_improvement(low, high) == (1.0, 1.0, 1.0)


def test_optimality_gap_counts_from_gamma():
    scores = [np.array([0.5, 3.0])]
    assert Bootstrap(np.random.default_rng(0), 9).optimality_gap(scores, gamma=2.0).estimate == 0.75


@pytest.mark.parametrize("scores", [[], [np.array([1.0]), np.array([])]], ids=["no environment", "no run"])
def test_nothing_has_no_estimate(scores):
    with pytest.raises(ValueError, match="at least one"):
        Bootstrap(np.random.default_rng(0)).iqm(scores)


def test_two_sides_have_the_same_environments():
    with pytest.raises(ValueError):
        Bootstrap(np.random.default_rng(0)).probability_of_improvement(table(), table()[1:])
