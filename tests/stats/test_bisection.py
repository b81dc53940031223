"""The posterior over the culprit against a brute-force integral, and what any such posterior must do."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy import stats as distributions

from benchmarks.bisect_simulation import Setting, repeat
from rlops.stats import CulpritPosterior, Floats, TwoLevels, bisection, entropy
from rlops.stats.bisection import DROP_SCALE, NONE, SD_RATIO, SMALLEST_DROP, STRAY

GOOD = np.array([99.0, 101.5, 100.2, 98.3, 100.9, 99.6, 101.1, 100.4, 98.8, 100.1, 99.4, 102.0])
BAD = np.array([98.1, 97.2, 99.0, 96.5])


def posterior(tests: list[tuple[int, float]], n: int = 8, good: Floats = GOOD, bad: Floats = BAD) -> CulpritPosterior:
    positions = [0] * good.size + [n] * bad.size + [position for position, _ in tests]
    scores = np.concatenate([good, bad, [score for _, score in tests]])
    return CulpritPosterior(TwoLevels.of_ends(good, bad), n, np.array(positions), scores)


def evidence(at_good: Floats, at_bad: Floats) -> float:
    """The integral over both levels, in other variables: mean and log sd of the good one, drop, log ratio of the sds.

    Simpson's rule on an evenly spaced grid that is wider than the one under test.
    """
    mean, log_sd = np.linspace(97, 103, 41), np.linspace(math.log(0.3), math.log(4), 31)
    drop, log_ratio = np.linspace(SMALLEST_DROP, 12, 71), np.linspace(-2.5, 2.5, 25)
    width = np.ptp(np.concatenate([GOOD, BAD]))

    def likelihood(scores: Floats, means: Floats, sds: Floats) -> Floats:
        found = np.ones(np.broadcast_shapes(means.shape, sds.shape))
        for score in scores:
            z = (score - means) / sds
            found = found * ((1 - STRAY) * np.exp(-z * z / 2) / (sds * math.sqrt(2 * math.pi)) + STRAY / (2 * width))
        return found

    sds = np.exp(log_sd)
    good = likelihood(at_good, mean[:, None], sds)  # the reference prior 1/sd is flat in log sd
    if not at_bad.size:
        return float(integrate.simpson(integrate.simpson(good, x=log_sd), x=mean))
    tail = distributions.cauchy(scale=DROP_SCALE)
    prior = tail.pdf(drop)[:, None] / tail.sf(SMALLEST_DROP) * distributions.norm.pdf(log_ratio, scale=SD_RATIO)
    inner = np.empty_like(good)
    for i, sd in enumerate(sds):
        levels = (mean[:, None] - drop * sd)[:, :, None]
        both = likelihood(at_bad, levels, sd * np.exp(log_ratio)) * prior
        inner[:, i] = integrate.simpson(integrate.simpson(both, x=log_ratio), x=drop)
    return float(integrate.simpson(integrate.simpson(good * inner, x=log_sd), x=mean))


@pytest.mark.parametrize(
    "tests",
    [
        [],
        [(1, 98.0), (2, 97.5)],
        [(1, 100.0), (2, 96.0)],
        [(1, 60.0), (1, 100.3), (2, 101.5)],
    ],
)
def test_against_the_integral(tests: list[tuple[int, float]]) -> None:
    n = 3
    weights = []
    for culprit in range(1, n + 2):
        at_good = [score for position, score in tests if position < culprit]
        at_bad = [score for position, score in tests if position >= culprit]
        below = np.array([*GOOD, *at_good, *(BAD if culprit > n else [])])
        above = np.array([*at_bad, *(BAD if culprit <= n else [])])
        weights.append(evidence(below, above) * (NONE if culprit > n else (1 - NONE) / n))
    assert posterior(tests, n).probabilities == pytest.approx(np.array(weights) / sum(weights), rel=0.05, abs=1e-4)


TESTS = st.lists(st.tuples(st.integers(0, 8), st.floats(80, 110)), max_size=12)


@settings(deadline=None, max_examples=40)
@given(TESTS)
def test_probabilities_and_bits(tests: list[tuple[int, float]]) -> None:
    found = posterior(tests)
    assert found.probabilities.sum() == pytest.approx(1)
    assert (found.probabilities >= 0).all()
    bits = found.information()
    assert bits.shape == (9,)
    assert (bits > -1e-6).all()
    assert (bits < entropy(found.probabilities) + 1e-6).all()
    assert (bits < 1).all()


@settings(deadline=None, max_examples=25)
@given(TESTS, st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_units_do_not_matter(tests: list[tuple[int, float]], factor: float, offset: float) -> None:
    moved = [(position, factor * score + offset) for position, score in tests]
    other = posterior(moved, good=factor * GOOD + offset, bad=factor * BAD + offset)
    assert other.probabilities == pytest.approx(posterior(tests).probabilities, rel=1e-3, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(TESTS, st.integers(1, 7))
def test_a_low_score_accuses_what_came_before_it(tests: list[tuple[int, float]], position: int) -> None:
    """A score at the bad level makes a culprit at or before its position more probable, one at the good level less."""
    before = posterior(tests).probabilities[:position].sum()
    low = posterior([*tests, (position, 97.5)]).probabilities[:position].sum()
    high = posterior([*tests, (position, 100.6)]).probabilities[:position].sum()
    assert high <= low + 1e-9
    assert min(high, low) <= before + 1e-9
    assert max(high, low) >= before - 1e-9


def test_nothing_tested_all_alike() -> None:
    found = posterior([])
    assert found.probabilities[:-1] == pytest.approx(np.full(8, found.probabilities[0]))
    assert int(found.information().argmax()) == 4


def test_one_run_tells_only_so_much() -> None:
    """A seed that fails from the start does not settle it."""
    one, far = (posterior([(4, score)]).probabilities[:4].sum() for score in (60.0, -1e6))
    assert one == pytest.approx(far, abs=0.02)
    assert posterior([(4, 60.0)] + [(4, 100.0)] * 3).probabilities[:4].sum() < 0.2


def test_bits_where_the_levels_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred runs at each end: what is left is a channel with two inputs and normal noise, integrated here."""
    monkeypatch.setattr(bisection, "STRAY", 1e-6)
    rng = np.random.default_rng(1)
    good, bad = (sample - sample.mean() for sample in rng.normal(size=(2, 200)))
    good, bad = good / good.std(), bad / bad.std() - 1.5
    one, other = distributions.norm(0), distributions.norm(-1.5)

    def told(y: float) -> float:
        pair = one.pdf(y), other.pdf(y)
        return float(sum(p * math.log2(2 * p / sum(pair)) for p in pair) / 2)

    expected, _ = integrate.quad(told, -7, 5.5)
    assert expected == pytest.approx(0.31, abs=0.01)
    assert posterior([], 64, good, bad).information().max() == pytest.approx(expected, rel=0.05)


def test_the_drop() -> None:
    tests = [(position, score) for position, scores in ((4, GOOD), (5, GOOD - 6)) for score in scores]
    found = posterior(tests, bad=GOOD[:6] - 6)
    assert int(found.probabilities.argmax()) == 4
    mean, low, high = found.drop(5)
    assert low < 6 < high
    assert mean == pytest.approx(6, abs=0.5)
    assert (high - low) / 4 == pytest.approx(GOOD.std() * math.sqrt(1 / 24 + 1 / 18), rel=0.3)


@pytest.mark.parametrize(("good", "bad"), [([1.0], [0.0, 0.1]), ([1.0, 1.1], [0.0]), ([1.0, 1.0], [1.0, 1.0])])
def test_too_little(good: list[float], bad: list[float]) -> None:
    with pytest.raises(ValueError, match="two scores at each end"):
        TwoLevels.of_ends(np.array(good), np.array(bad))


def test_a_ceiling_has_no_spread_of_its_own() -> None:
    found = posterior([(4, 500.0), (5, 250.0)], good=np.full(10, 500.0), bad=np.array([200.0, 300.0, 250.0]))
    assert found.probabilities[4] > 0.9


@pytest.mark.parametrize("noise", ["normal", "failing"])
def test_it_is_right_in_simulation(noise: str) -> None:
    """`make bisect-study` in small: 98 to 100 of 100 there, after 11 runs."""
    found = repeat(Setting(64, 3.0, noise), 40)
    assert found.right() >= 0.88
    assert found.runs.mean() < 20


def test_nobody_is_accused_where_nothing_was_lost() -> None:
    found = repeat(Setting(16, 0.0), 8)
    assert found.wrong() == 0
