"""Any gymnasium environment, stepped one after the other, in a way that can be interrupted and continued exactly."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

from ppo_impl.config import ConfigError
from ppo_impl.environments.types import Arrays, Booleans, Doubles, Floats, Integers


def make(env_id: str) -> gymnasium.Env[Any, Any]:
    """One environment.

    Raises:
        ConfigError: gymnasium does not know it, or a package it needs is missing.
    """
    try:
        return gymnasium.make(env_id, disable_env_checker=True)
    except (gymnasium.error.Error, ModuleNotFoundError, ImportError) as error:
        raise ConfigError(f"--env-id {env_id}: {error}") from error


class Replayable(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Remembers what it takes to bring an environment back to where it is.

    That is the state of its random numbers before the episode began and the actions since: gymnasium environments
    cannot be saved, but those whose randomness is all drawn from `np_random` can be played again.
    """

    def __init__(self, environment: gymnasium.Env[Any, Any]) -> None:
        super().__init__(environment)
        self.before: dict[str, Any] = {}
        self.actions: list[Any] = []
        self.action_mask: Booleans | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins an episode, and a new memory."""
        random = self.unwrapped.np_random if seed is None else seeding.np_random(seed)[0]
        self.before = state_of(random)
        self.actions = []
        observation, info = self.env.reset(seed=seed, options=options)
        self.action_mask = mask_of(info)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One step, remembered."""
        self.actions.append(np.array(action) if isinstance(action, np.ndarray) else action)  # it may be written into
        observation, reward, terminated, truncated, info = self.env.step(action)
        self.action_mask = mask_of(info)
        return observation, reward, terminated, truncated, info

    def replay(self, seed: int, before: dict[str, Any], actions: list[Any]) -> Any:
        """Plays the current episode of another environment up to where that is; returns the observation there."""
        self.reset(seed=seed)  # whatever the environment does with a seed beside np_random
        self.unwrapped.np_random.bit_generator.state = before
        observation, _ = self.reset()
        for action in actions:
            observation, *_ = self.step(action)
        return observation


def mask_of(info: Mapping[str, Any]) -> Booleans | None:
    """mask_P: which choices an environment allows, those of all components in a row; None if it does not say."""
    mask = info.get("action_mask")
    if mask is None:
        return None
    parts = mask if isinstance(mask, tuple) else (mask,)
    return np.concatenate([np.ravel(part) for part in parts]).astype(np.bool_)


class Synchronous:
    """S seeds x N environments of any kind; the step that ends an episode returns the next one's first observation.

    Args:
        env_id: the gymnasium environment.
        env_seeds_SN: the seed of each environment.
    """

    def __init__(self, env_id: str, env_seeds_SN: Integers) -> None:
        self._env_id = env_id
        # SAME_STEP: with gymnasium's default the step after an ended episode would be a dummy, its action ignored, and
        # PPO would train on it.
        self._vectors = [
            SyncVectorEnv(
                [lambda: Replayable(make(env_id))] * len(seeds_N), copy=False, autoreset_mode=AutoresetMode.SAME_STEP
            )
            for seeds_N in env_seeds_SN
        ]
        self._env_seeds_SN = env_seeds_SN
        self._scalar = isinstance(self._vectors[0].single_action_space, gymnasium.spaces.Discrete)

    def reset(self) -> Floats:
        """The first observations_SNO."""
        pairs = zip(self._vectors, self._env_seeds_SN.tolist(), strict=True)
        return np.stack([vector.reset(seed=seeds)[0] for vector, seeds in pairs]).astype(np.float32)

    def step(self, actions_SNC: NDArray[Any]) -> tuple[Floats, Doubles, Booleans, Booleans]:
        """Takes one action everywhere.

        Args:
            actions_SNC: as the environment counts them; without the last axis where an action is one number.

        Returns:
            observations_SNO (already of the new episode where one ended), rewards_SN, terminations_SN, truncations_SN.
        """
        # As plain integers: gymnasium checks every discrete action, and takes four times as long over numpy's.
        actions = actions_SNC.tolist() if self._scalar else actions_SNC
        steps = [vector.step(actions_N) for vector, actions_N in zip(self._vectors, actions, strict=True)]
        observations_SNO = np.stack([step[0] for step in steps]).astype(np.float32)
        rewards_SN = np.stack([step[1] for step in steps])
        terminations_SN, truncations_SN = np.stack([step[2] for step in steps]), np.stack([step[3] for step in steps])
        return observations_SNO, rewards_SN, terminations_SN, truncations_SN

    def action_masks(self) -> Booleans | None:
        """masks_SNP: which choices are allowed now, those of all components in a row; None if always all.

        An environment tells by `info["action_mask"]`, as gymnasium's Taxi does, several components in a row or as a
        tuple, as `MultiDiscrete.sample` takes them; an info without it allows everything.
        """
        masks = [one.action_mask for one in self._each()]
        known = next((mask for mask in masks if mask is not None), None)
        if known is None:
            return None
        everything = np.ones_like(known)
        masks_EP = np.stack([everything if mask is None else mask for mask in masks])
        return masks_EP.reshape(*self._env_seeds_SN.shape, -1)

    def _each(self) -> list[Replayable]:
        return [one for vector in self._vectors for one in vector.envs]  # type: ignore[misc]

    def state(self) -> Arrays:
        """What `restore` needs: of each environment its random numbers before this episode, and the actions since.

        Raises:
            ConfigError: an environment draws from another kind of generator than gymnasium's.
        """
        for one in self._each():
            pack(state_of(one.unwrapped.np_random))  # before its first reset without a seed it may seem to be one
        actions = [np.asarray(one.actions) for one in self._each()]
        longest = max(map(len, actions))
        # Of one that has acted: an empty list says nothing about shape and kind.
        like = next((array for array in actions if len(array)), np.zeros(0, dtype=np.int64))
        padded = np.zeros((len(actions), longest, *like.shape[1:]), dtype=like.dtype)
        for row, array in zip(padded, actions, strict=True):
            if len(array):
                row[: len(array)] = array
        S, N = self._env_seeds_SN.shape
        return {
            "env_seeds": self._env_seeds_SN,
            "random": np.stack([pack(one.before) for one in self._each()]).reshape(S, N, -1),
            "steps": np.array([len(array) for array in actions]).reshape(S, N),
            "actions": padded.reshape(S, N, *padded.shape[1:]),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> Floats:
        """Plays every environment's current episode again; returns the observations_SNO where it stands."""
        self._env_seeds_SN = state["env_seeds"]
        self.reset()
        observations = []
        for place, one in zip(np.ndindex(self._env_seeds_SN.shape), self._each(), strict=True):
            actions = state["actions"][place][: state["steps"][place]].copy()
            known = actions.tolist() if self._scalar else list(actions)
            observations.append(one.replay(int(self._env_seeds_SN[place]), unpack(state["random"][place]), known))
        return np.stack(observations).reshape(*self._env_seeds_SN.shape, -1).astype(np.float32)

    def close(self) -> None:
        """Releases what the environments hold."""
        for vector in self._vectors:
            vector.close()


def state_of(random: Any) -> dict[str, Any]:
    """The state of a numpy generator; empty for anything else that an environment may draw from."""
    return dict(random.bit_generator.state) if isinstance(random, np.random.Generator) else {}


def pack(state: dict[str, Any]) -> NDArray[np.uint64]:
    """The state of a PCG64 (numpy's default, and gymnasium's) as plain numbers.

    Raises:
        ConfigError: the environment draws from another kind of generator.
    """
    if state.get("bit_generator") != "PCG64":
        raise ConfigError(
            f"--checkpoint-dir: the environment's np_random is of kind {state.get('bit_generator', 'unknown')}; "
            "only numpy's PCG64, which is gymnasium's, can be saved"
        )
    words = [state["state"]["state"], state["state"]["inc"]]
    halves = [half for word in words for half in (word >> 64, word & (2**64 - 1))]
    return np.array([*halves, state["has_uint32"], state["uinteger"]], dtype=np.uint64)


def unpack(numbers: NDArray[np.uint64]) -> dict[str, Any]:
    """The opposite of `pack`."""
    high, low, inc_high, inc_low, has_uint32, uinteger = map(int, numbers)
    return {
        "bit_generator": "PCG64",
        "state": {"state": high << 64 | low, "inc": inc_high << 64 | inc_low},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
