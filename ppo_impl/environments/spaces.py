"""What an environment shows and takes, as far as PPO has to know."""

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ppo_impl.config import ConfigError
from ppo_impl.environments.types import Floats, Integers


@dataclass(frozen=True)
class Choices:
    """Discrete actions: C components, each a choice from several (one component: `Discrete`)."""

    sizes: tuple[int, ...]  # how many choices each component has
    starts: tuple[int, ...]  # the number of each component's first choice
    scalar: bool  # the environment takes a number, not a list of one

    def to_environment(self, actions_SNC: Integers) -> Integers:
        """The agent counts choices from 0; the environment from where its space begins."""
        if any(self.starts):
            actions_SNC = actions_SNC + np.array(self.starts)
        return actions_SNC[..., 0] if self.scalar else actions_SNC


@dataclass(frozen=True)
class Intervals:
    """Continuous actions: C numbers, each between two bounds (which may be infinite)."""

    low_C: NDArray[np.floating[Any]]
    high_C: NDArray[np.floating[Any]]

    def to_environment(self, actions_SNC: Floats) -> NDArray[np.floating[Any]]:
        """The nearest actions that the environment allows; doubles if its bounds are, which floats may overstep."""
        # continuous detail 5: clipped for the environment alone; the agent learns from what it drew.
        return actions_SNC.clip(self.low_C, self.high_C)


Actions = Choices | Intervals


@dataclass(frozen=True)
class Spaces:
    """The two spaces of an environment."""

    observation_size: int
    actions: Actions


def spaces_of(environment: gymnasium.Env[Any, Any], env_id: str) -> Spaces:
    """Reads an environment's spaces.

    Raises:
        ConfigError: they are of a kind that PPO here cannot train on.
    """
    observations = environment.observation_space
    if not isinstance(observations, spaces.Box) or len(observations.shape) != 1:
        raise ConfigError(
            f"--env-id {env_id}: its observations are {observations}; only a flat Box can be trained "
            "(gymnasium.wrappers.FlattenObservation makes one)"
        )
    return Spaces(observations.shape[0], _actions(environment.action_space, env_id))


def _actions(space: spaces.Space[Any], env_id: str) -> Actions:
    if isinstance(space, spaces.Discrete):
        return Choices((int(space.n),), (int(space.start),), scalar=True)
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1:
        return Choices(tuple(map(int, space.nvec)), tuple(map(int, space.start)), scalar=False)
    if isinstance(space, spaces.Box) and len(space.shape) == 1 and np.issubdtype(space.dtype, np.floating):
        return Intervals(space.low, space.high)
    raise ConfigError(
        f"--env-id {env_id}: its actions are {space}; only Discrete, a flat MultiDiscrete and a flat Box of "
        "floating-point numbers can be trained"
    )
