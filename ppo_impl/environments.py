"""The environments of all seeds, stepped together, and the counting of their episodes. No torch in here."""

from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

from ppo_impl.config import ConfigError

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


def make(env_id: str) -> gymnasium.Env[Any, Any]:
    """One environment that PPO here can train on: discrete actions, a flat vector as observation.

    Raises:
        ConfigError: the name is unknown, or its spaces are of another kind.
    """
    try:
        environment = gymnasium.make(env_id, disable_env_checker=True)
    except (gymnasium.error.Error, ModuleNotFoundError) as error:
        raise ConfigError(f"--env-id {env_id}: {error}") from error
    actions, observations = environment.action_space, environment.observation_space
    if not isinstance(actions, gymnasium.spaces.Discrete):
        raise ConfigError(f"--env-id {env_id}: its actions are {actions}; only Discrete ones can be trained")
    if not isinstance(observations, gymnasium.spaces.Box) or len(observations.shape) != 1:
        raise ConfigError(
            f"--env-id {env_id}: its observations are {observations}; only a flat Box can be trained "
            "(gymnasium.wrappers.FlattenObservation makes one)"
        )
    return environment


class Environments:
    """S seeds x N environments that start anew by themselves when an episode ends.

    Args:
        env_id: the gymnasium environment.
        env_seeds_SN: the seed of each environment.
    """

    def __init__(self, env_id: str, env_seeds_SN: Integers) -> None:
        # SAME_STEP: the step that ends an episode already returns the next one's first observation. With gymnasium's
        # default the next step would be a dummy, its action ignored, and PPO would train on it.
        self._vectors = [
            SyncVectorEnv([lambda: make(env_id)] * len(seeds_N), copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
            for seeds_N in env_seeds_SN
        ]
        self._env_seeds_SN = env_seeds_SN
        actions = cast("gymnasium.spaces.Discrete", self._vectors[0].single_action_space)  # `make` saw to it
        self._first_action = int(actions.start)
        self.num_actions = int(actions.n)
        self.observation_size = gymnasium.spaces.flatdim(self._vectors[0].single_observation_space)
        self.episodes = Episodes(env_seeds_SN.shape)

    def reset(self) -> Floats:
        """The first observations_SNO."""
        pairs = zip(self._vectors, self._env_seeds_SN.tolist(), strict=True)
        return np.stack([vector.reset(seed=seeds)[0] for vector, seeds in pairs]).astype(np.float32)

    def step(self, actions_SN: Integers) -> tuple[Floats, Floats, Booleans]:
        """Takes one action everywhere.

        Returns:
            observations_SNO (already of the new episode where one ended), rewards_SN, dones_SN (the episode ended
            with this step: terminated or truncated).
        """
        # As plain integers: gymnasium checks every action, and takes four times as long over numpy's.
        actions = (actions_SN + self._first_action).tolist()
        steps = [vector.step(actions_N) for vector, actions_N in zip(self._vectors, actions, strict=True)]
        rewards_SN = np.stack([step[1] for step in steps])
        dones_SN = np.stack([step[2] | step[3] for step in steps])
        self.episodes.count(rewards_SN, dones_SN)
        return np.stack([step[0] for step in steps]).astype(np.float32), rewards_SN.astype(np.float32), dones_SN

    def close(self) -> None:
        """Releases what the environments hold."""
        for vector in self._vectors:
            vector.close()


class Episodes:
    """Returns and lengths of episodes, counted from the raw rewards."""

    def __init__(self, shape_SN: tuple[int, ...]) -> None:
        self._return_SN = np.zeros(shape_SN)
        self._length_SN = np.zeros(shape_SN, dtype=np.int64)
        self._forget_ended()

    def _forget_ended(self) -> None:
        seeds = len(self._return_SN)
        self._ended_S = np.zeros(seeds, dtype=np.int64)
        self._returns_S = np.zeros(seeds)
        self._lengths_S = np.zeros(seeds, dtype=np.int64)

    def count(self, rewards_SN: Doubles, dones_SN: Booleans) -> None:
        """Takes in one step of every environment."""
        self._return_SN += rewards_SN
        self._length_SN += 1
        if dones_SN.any():
            self._ended_S += dones_SN.sum(1)
            self._returns_S += np.where(dones_SN, self._return_SN, 0).sum(1)
            self._lengths_S += np.where(dones_SN, self._length_SN, 0).sum(1)
            self._return_SN[dones_SN] = 0
            self._length_SN[dones_SN] = 0

    def take(self) -> tuple[Doubles, Doubles]:
        """Mean return_S and length_S of the episodes that ended since the last call; NaN where none did."""
        ended_S = np.where(self._ended_S > 0, self._ended_S, np.nan)
        means = self._returns_S / ended_S, self._lengths_S / ended_S
        self._forget_ended()
        return means
