from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from ppo_impl.config import Config, ConfigError
from ppo_impl.environments import Choices, Environments, Intervals, inspect
from ppo_impl.environments.spaces import spaces_of

SEEDS_SN = np.array([[3, 1, 4], [1, 5, 9]])


class Bare(gymnasium.Env[Any, Any]):
    """Two spaces and nothing else."""

    def __init__(self, observations: spaces.Space[Any], actions: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space = observations, actions


FLAT = spaces.Box(-1, 1, (3,))


@pytest.mark.parametrize(
    ("env_id", "size", "actions"),
    [
        ("CartPole-v1", 4, Choices((2,), (0,), scalar=True)),
        ("probes:Shifted-v0", 2, Choices((2,), (5,), scalar=True)),
        ("probes:Several-v0", 2, Choices((2, 3), (5, -1), scalar=False)),
    ],
)
def test_choices_are_read_with_where_they_begin(env_id: str, size: int, actions: Choices) -> None:
    assert (inspect(env_id).observation_size, inspect(env_id).actions) == (size, actions)


def test_intervals_keep_their_bounds_infinite_ones_too() -> None:
    low_C, high_C = np.float32([-0.1, -np.inf, 0]), np.float32([0.1, np.inf, 7])
    actions = spaces_of(Bare(FLAT, spaces.Box(low_C, high_C)), "bare").actions
    assert isinstance(actions, Intervals)
    np.testing.assert_array_equal([actions.low_C, actions.high_C], [low_C, high_C])


def test_a_choice_may_be_counted_from_another_number_than_0() -> None:
    environments = Environments(Config(env_id="probes:Shifted-v0"), SEEDS_SN)
    observations_SNO = environments.reset()
    for _ in range(10):
        observations_SNO, rewards_SN, _ = environments.step(observations_SNO.argmax(-1)[..., None])
        assert rewards_SN.all()


def test_several_choices_arrive_each_with_its_own_start() -> None:
    environments = Environments(Config(env_id="probes:Several-v0"), SEEDS_SN)
    environments.reset()
    actions_SNC = np.random.default_rng(0).integers([2, 3], size=(2, 3, 2))
    before_SNC = actions_SNC.copy()
    _, rewards_SN, _ = environments.step(actions_SNC)
    np.testing.assert_array_equal(rewards_SN, 10 * (actions_SNC[..., 0] + 5) + actions_SNC[..., 1] - 1)
    np.testing.assert_array_equal(actions_SNC, before_SNC)


@pytest.mark.parametrize("env_id", ["probes:Reach-v0", "probes:Precise-v0"])
def test_continuous_actions_are_clipped_for_the_environment_alone(env_id: str) -> None:
    """The probe asserts that it gets nothing else; `Precise` has bounds that a float would overstep."""
    environments = Environments(Config(env_id=env_id), SEEDS_SN)
    environments.reset()
    actions_SNC = np.random.default_rng(0).normal(size=(2, 3, 2)).astype(np.float32)
    before_SNC = actions_SNC.copy()
    environments.step(actions_SNC)
    np.testing.assert_array_equal(actions_SNC, before_SNC)


def test_clipping_is_to_the_nearest_action_allowed() -> None:
    actions = Intervals(np.float32([-0.5, -0.1]), np.float32([0.5, np.inf]))
    asked_SNC = np.float32([[[0.4, -3], [-9, 1e9]]])
    given_SNC = actions.to_environment(asked_SNC)
    np.testing.assert_array_equal(given_SNC, np.float32([[[0.4, -0.1], [-0.5, 1e9]]]))
    assert given_SNC.dtype == np.float32


@pytest.mark.parametrize(
    ("env_id", "message"),
    [
        ("CartPol-v1", "Did you mean: `CartPole`"),
        ("nowhere:Thing-v0", "nowhere"),
        ("FrozenLake-v1", "its observations are Discrete(16); only a flat Box can be trained"),
    ],
)
def test_an_environment_that_cannot_be_trained_is_refused(env_id: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        inspect(env_id)
    assert f"--env-id {env_id}: " in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "space",
    [
        spaces.MultiBinary(3),
        spaces.MultiDiscrete([[2, 2], [3, 3]]),
        spaces.Box(-1, 1, (2, 2)),
        spaces.Box(0, 9, (2,), np.int64),
        spaces.Dict(a=spaces.Discrete(2)),
    ],
    ids=str,
)
def test_actions_of_another_kind_are_refused_and_shown(space: spaces.Space[Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        spaces_of(Bare(FLAT, space), "odd:Thing-v0")
    assert f"--env-id odd:Thing-v0: its actions are {space}; only Discrete, a flat MultiDiscrete" in str(caught.value)


@pytest.mark.parametrize("space", [spaces.Box(0, 255, (8, 8, 3)), spaces.Dict(a=FLAT)], ids=str)
def test_observations_that_are_not_flat_are_refused(space: spaces.Space[Any]) -> None:
    with pytest.raises(ConfigError, match="FlattenObservation makes one"):
        spaces_of(Bare(space, spaces.Discrete(2)), "odd:Thing-v0")
