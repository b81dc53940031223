"""The zero of every scale, on environments whose random score is known."""

import pytest

from rlops.launch import random_scores

gymnasium = pytest.importorskip("gymnasium", reason="the trainer's extra is not installed")


def test_known_environments_are_measured_and_others_left_out() -> None:
    found = random_scores(["CartPole-v1", "NoSuchEnvironment-v0", "ALE/NoSuch-v5"])
    assert list(found) == ["CartPole-v1"]
    # A uniformly random policy keeps the pole up for 22 steps on average; its spread over 100 episodes is about 1.2.
    assert found["CartPole-v1"] == pytest.approx(22, abs=5)


def test_the_same_every_time() -> None:
    assert random_scores(["CartPole-v1"]) == random_scores(["CartPole-v1"])
