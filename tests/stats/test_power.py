"""Power where scipy's noncentral t has numbers, and where it has none."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from rlops.stats import minimum_detectable_effect, seeds_needed
from rlops.stats.power import power_of_t

RUNS = st.integers(2, 100)
ALPHA = st.sampled_from([0.05, 0.01, 0.0025, 1e-4])


@given(RUNS, RUNS, ALPHA, st.floats(0, 1000), st.floats(1, 10))
def test_a_larger_effect_is_found_more_often(n_baseline: int, n_candidate: int, alpha: float, effect: float, by: float):
    smaller, larger = (power_of_t(size, n_baseline, n_candidate, alpha) for size in (effect, effect * by))
    assert 0 <= smaller <= larger + 1e-9 <= 1 + 1e-6


@given(RUNS, RUNS, ALPHA)
def test_the_detectable_effect_is_the_root_of_the_power(n_baseline: int, n_candidate: int, alpha: float):
    effect = minimum_detectable_effect(n_baseline, n_candidate, alpha)
    if effect < 63.9:  # where it is looked for
        # P(T > t) = E Phi(nc - t sqrt(chi2 / df)), by the midpoints of the chi2's quantiles.
        freedom = n_baseline + n_candidate - 2
        quantiles = special.chdtri(freedom, (np.arange(4000) + 0.5) / 4000)
        reach = effect * math.sqrt(n_baseline * n_candidate / (n_baseline + n_candidate))
        t = special.stdtrit(freedom, 1 - alpha)
        assert np.mean(special.ndtr(reach - t * np.sqrt(quantiles / freedom))) == pytest.approx(0.8, abs=2e-3)


def test_more_seeds_never_find_less():
    effects = [minimum_detectable_effect(20, seeds, 0.0025) for seeds in (3, 5, 8, 12, 20)]
    assert effects == sorted(effects, reverse=True)
    assert effects[3] == pytest.approx(1.436, abs=1e-2)
    assert seeds_needed(1000.0, 20, 1e-4) == 2
