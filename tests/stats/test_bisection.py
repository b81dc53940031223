"""The posterior over the culprit against a brute-force integral, and what any such posterior must do."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy import stats as distributions

from benchmarks.bisect_simulation import Setting, repeat
from rlops.stats import CulpritPosterior, Floats, TwoLevels, bisection, entropy
from rlops.stats.bisection import DROP_SCALE, NONE, SD_RATIO, SMALLEST_DROP, STRAY, SWAPPED

GOOD = np.array([99.0, 101.5, 100.2, 98.3, 100.9, 99.6, 101.1, 100.4, 98.8, 100.1, 99.4, 102.0])
BAD = np.array([98.1, 97.2, 99.0, 96.5])


def posterior(tests: list[tuple[int, float]], n: int = 8, good: Floats = GOOD, bad: Floats = BAD) -> CulpritPosterior:
    positions = [0] * good.size + [n] * bad.size + [position for position, _ in tests]
    scores = np.concatenate([good, bad, [score for _, score in tests]])
    return CulpritPosterior(TwoLevels.of_ends(good, bad), n, np.array(positions), scores)


MEAN, LOG_SD = np.linspace(97, 103, 41), np.linspace(math.log(0.3), math.log(4), 31)
DROP, LOG_RATIO = np.linspace(SMALLEST_DROP, 12, 71), np.linspace(-3, 3, 31)
PRIOR = (
    distributions.cauchy(scale=DROP_SCALE).pdf(DROP)[:, None]
    / distributions.cauchy(scale=DROP_SCALE).sf(SMALLEST_DROP)
    * distributions.cauchy.pdf(LOG_RATIO, scale=SD_RATIO)
)
STRAY_DENSITY = STRAY / (2 * np.ptp(np.concatenate([GOOD, BAD])))


def normal(score: float, means: Floats, sds: Floats) -> Floats:
    return np.asarray(np.exp(-(((score - means) / sds) ** 2) / 2) / (sds * math.sqrt(2 * math.pi)))


def product(scores: Floats, means: Floats, sds: Floats, swapped: dict[float, float] | None) -> Floats:
    """The likelihood of scores at one level; `swapped`: the density of each at the other end, None where none is."""
    found = np.ones(np.broadcast_shapes(means.shape, sds.shape))
    share = SWAPPED if swapped else 0.0
    for score in scores:
        other = share * swapped[score] if swapped else 0.0
        found = found * ((1 - STRAY - share) * normal(score, means, sds) + other + STRAY_DENSITY)
    return found


def integral(of_good: Floats, of_bad: Callable[[Floats, Floats], Floats] | None) -> float:
    """Over both levels, by mean and log sd of the good one, drop, log ratio of the sds; Simpson's rule.

    The reference prior 1/sd is flat in log sd. `of_good` is (means, sds), `of_bad` a function of means and sds.
    """
    if of_bad is None:
        return float(integrate.simpson(integrate.simpson(of_good, x=LOG_SD), x=MEAN))
    inner = np.empty_like(of_good)
    for i, sd in enumerate(np.exp(LOG_SD)):
        both = of_bad((MEAN[:, None] - DROP * sd)[:, :, None], sd * np.exp(LOG_RATIO)) * PRIOR
        inner[:, i] = integrate.simpson(integrate.simpson(both, x=LOG_RATIO), x=DROP)
    return integral(of_good * inner, None)


def swapped_densities(scores: Floats) -> tuple[dict[float, float], dict[float, float]]:
    """Of each score, as a run of the good and of the bad end, each level known from its own end alone."""
    sds = np.exp(LOG_SD)
    good = product(GOOD, MEAN[:, None], sds, None)
    of_good = {y: integral(good * normal(y, MEAN[:, None], sds), None) / integral(good, None) for y in scores}
    total = integral(good, lambda means, sds: product(BAD, means, sds, None))
    of_bad = {
        y: integral(good, lambda means, sds, y=y: product(BAD, means, sds, None) * normal(y, means, sds)) / total
        for y in scores
    }
    return of_good, of_bad


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
    like_good, like_bad = swapped_densities(np.array([*GOOD, *BAD, *(score for _, score in tests)]))
    weights = []
    for culprit in range(1, n + 2):
        at_good = [score for position, score in tests if position < culprit]
        at_bad = [score for position, score in tests if position >= culprit]
        below = product(
            np.array([*GOOD, *at_good, *(BAD if culprit > n else [])]), MEAN[:, None], np.exp(LOG_SD), like_bad
        )
        above = np.array([*at_bad, *BAD])
        of_bad = None if culprit > n else lambda means, sds, above=above: product(above, means, sds, like_good)
        weights.append(integral(below, of_bad) * (NONE if culprit > n else (1 - NONE) / n))
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
    monkeypatch.setattr(bisection, "SWAPPED", 0.0)
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
    tests = [(4, 500.0)] * 3 + [(5, 250.0), (5, 200.0), (5, 310.0)]
    found = posterior(tests, good=np.full(10, 500.0), bad=np.array([200.0, 300.0, 250.0]))
    assert found.probabilities[4] > 0.9


@pytest.mark.parametrize("noise", ["normal", "spared"])
def test_it_is_right_in_simulation(noise: str) -> None:
    """`make bisect-study` in small: 100 of 100 there, after 13 runs where the noise is normal."""
    found = repeat(Setting(64, 3.0, noise), 40)
    assert found.right() >= 0.88
    assert found.runs.mean() < 30


def test_nobody_is_accused_where_nothing_was_lost() -> None:
    found = repeat(Setting(16, 0.0), 8)
    assert found.wrong() == 0
