"""The environments of all seeds as the algorithm sees them: stepped together, counted, and scaled where asked."""

from collections.abc import Mapping
from typing import Any, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ppo_impl.config import Config, ConfigError
from ppo_impl.environments.classic import CLASSIC, Classic
from ppo_impl.environments.episodes import Episodes
from ppo_impl.environments.normalise import Observations, Rewards
from ppo_impl.environments.spaces import Choices, Intervals, Spaces, spaces_of
from ppo_impl.environments.synchronous import Synchronous, make
from ppo_impl.environments.types import Arrays, Booleans, Doubles, Floats, Integers, below, joined


class Vector(Protocol):
    """S seeds x N environments that start anew by themselves in the step that ends an episode."""

    def reset(self) -> Floats:
        """The first observations_SNO."""

    def step(self, actions: NDArray[Any], /) -> tuple[Floats, Doubles, Booleans, Booleans]:
        """observations_SNO, rewards_SN, terminations_SN, truncations_SN."""

    def action_masks(self) -> Booleans | None:
        """masks_SNP: which choices are allowed now, those of all components in a row; None if all are, always."""

    def state(self) -> Arrays:
        """Everything that is needed to go on exactly."""

    def restore(self, state: Mapping[str, NDArray[Any]], /) -> Floats:
        """Goes on exactly; returns the current observations_SNO."""

    def close(self) -> None:
        """Releases what the environments hold."""


def make_vector(env_id: str, env_seeds_SN: Integers) -> Vector:
    """The quickest environments of that name: those in numpy where there are some, else gymnasium's own."""
    classic = CLASSIC.get(env_id)
    if classic is None or not _is_gymnasiums_own(env_id, classic):
        return Synchronous(env_id, env_seeds_SN)
    return classic(env_seeds_SN)


def _is_gymnasiums_own(env_id: str, classic: type[Classic]) -> bool:
    """Whether nobody has registered another environment, or another version of it, under that name."""
    spec = gymnasium.spec(env_id)
    changed = spec.kwargs or spec.additional_wrappers or spec.max_episode_steps != classic.max_episode_steps
    return spec.entry_point == classic.entry_point and not changed


def inspect(env_id: str) -> Spaces:
    """What an environment shows and takes.

    Raises:
        ConfigError: it does not exist, or its spaces are of a kind that cannot be trained.
    """
    environment = make(env_id)
    spaces = spaces_of(environment, env_id)
    environment.close()
    return spaces


class Environments:
    """S seeds x N environments.

    Args:
        config: names the environment and says what is normalised; the rest of it does not matter here.
        env_seeds_SN: the seed of each environment.
        learn: whether what is seen enters the running statistics; an evaluation leaves them as they are.
        vector: the environments, if not those that suit `config` best.
    """

    def __init__(
        self, config: Config, env_seeds_SN: Integers, *, learn: bool = True, vector: Vector | None = None
    ) -> None:
        S, N = env_seeds_SN.shape
        self.spaces = inspect(config.env_id)
        self.episodes = Episodes((S, N))
        self._env_id = config.env_id
        self._learn = learn
        self._vector = vector or make_vector(config.env_id, env_seeds_SN)
        self._observations = Observations(S, self.spaces.observation_size) if self._wanted(config.norm_obs) else None
        self._rewards = Rewards(S, N, config.gamma) if learn and self._wanted(config.norm_reward) else None

    def _wanted(self, norm: bool | None) -> bool:
        """`None`: as the paper's details have it, for continuous actions."""
        return isinstance(self.spaces.actions, Intervals) if norm is None else norm

    def reset(self) -> Floats:
        """The first observations_SNO."""
        return self._look(self._vector.reset())

    def step(self, actions_SNC: NDArray[Any]) -> tuple[Floats, Floats, Booleans]:
        """Takes one action everywhere, C numbers each (choices counted from 0).

        Returns:
            observations_SNO (already of the new episode where one ended), rewards_SN, dones_SN (the episode ended
            with this step: terminated or truncated).
        """
        actions = self.spaces.actions.to_environment(actions_SNC)
        observations_SNO, rewards_SN, terminations_SN, truncations_SN = self._vector.step(actions)
        dones_SN = terminations_SN | truncations_SN
        self.episodes.count(rewards_SN, dones_SN)
        if self._rewards is not None:
            rewards_SN = self._rewards(rewards_SN, dones_SN)
        return self._look(observations_SNO), rewards_SN.astype(np.float32), dones_SN

    def _look(self, raw_SNO: Floats) -> Floats:
        self._raw_SNO = raw_SNO
        return raw_SNO if self._observations is None else self._observations(raw_SNO, learn=self._learn)

    def action_masks(self) -> Booleans | None:
        """masks_SNP: which choices are allowed now, those of all components in a row; None if all are, always."""
        return self._vector.action_masks() if isinstance(self.spaces.actions, Choices) else None

    def state(self) -> Arrays:
        """Everything that is needed to go on exactly, each array with the seed axis in front."""
        parts = {name: part.state() for name, part in self._parts().items()}
        return {"raw": self._raw_SNO, **joined(parts)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Goes on exactly from there.

        Raises:
            ConfigError: the environment cannot be brought back to where it was.
        """
        restored = {name: part.restore(below(name, state)) for name, part in self._parts().items()}
        self._raw_SNO = restored["vector"]
        if not np.array_equal(self._raw_SNO, state["raw"], equal_nan=True):
            raise ConfigError(
                f"--checkpoint-dir: {self._env_id} cannot be brought back to where it was, because the same actions "
                "from the same np_random end elsewhere; remove the checkpoint to train from the start"
            )

    def restore_statistics(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Normalises observations as they were normalised there."""
        if self._observations is not None:
            self._observations.moments.restore(below("observations", state))

    def _parts(self) -> dict[str, Any]:
        """What has a state; the environments themselves come first."""
        moments = None if self._observations is None else self._observations.moments
        parts = {
            "vector": self._vector, "episodes": self.episodes, "rewards": self._rewards, "observations": moments
        }  # fmt: skip
        return {name: part for name, part in parts.items() if part is not None}

    def close(self) -> None:
        """Releases what the environments hold."""
        self._vector.close()
