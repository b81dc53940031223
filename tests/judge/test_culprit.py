"""When a bisection is over."""

import numpy as np

from rlops.judge import Found, suspects


def test_a_culprit_as_probable_as_was_asked() -> None:
    probabilities = np.array([0.01, 0.95, 0.03, 0.01])
    at, below = suspects(probabilities, (), 0.95), suspects(probabilities, (), 0.951)
    assert (at.found, at.candidates, at.many) == (Found.CULPRIT, (2,), False)
    assert (below.found, below.candidates, below.none) == (Found.UNDECIDED, (2,), 0.01)


def test_nobody() -> None:
    assert suspects(np.array([0.02, 0.01, 0.97]), (), 0.95).found is Found.NONE


def test_what_no_test_can_tell_apart_is_one() -> None:
    """Candidate 2 cannot be tested: whether 2 or 3 is to blame stays open."""
    probabilities = np.array([0.02, 0.48, 0.48, 0.01, 0.01])
    assert suspects(probabilities, (), 0.95).found is Found.UNDECIDED
    found = suspects(probabilities, {2}, 0.95)
    assert (found.found, found.candidates, found.many) == (Found.CULPRIT, (2, 3), True)
    assert suspects(probabilities, {2, 3}, 0.95).candidates == (2, 3, 4)
    assert suspects(probabilities, {0, 4}, 0.95).found is Found.UNDECIDED, "the ends part nobody"


def test_how_many_are_likely() -> None:
    assert suspects(np.array([0.25, 0.25, 0.25, 0.25, 0.0]), (), 0.99).likely == 4
    assert suspects(np.array([0.25, 0.25, 0.25, 0.25, 0.0]), {1, 2, 3}, 0.99).likely == 1
    assert suspects(np.array([0.5, 0.46, 0.04]), (), 0.99).likely == 2
