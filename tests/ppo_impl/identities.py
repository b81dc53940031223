"""Environments solved by saying what one sees: `identities:ContinuousIdentity-v0`, `identities:MaskedIdentity-v0`."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

LENGTH = 8


class Continuous(gymnasium.Env[Any, Any]):
    """Observation x in [-1, 1]; reward -(action - x)^2: 0 at best."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space: spaces.Space[Any] = spaces.Box(-2, 2, (1,), np.float32)

    def look(self) -> tuple[np.ndarray[Any, np.dtype[np.float32]], dict[str, Any]]:
        self.seen = self.np_random.uniform(-1, 1, 1).astype(np.float32)
        return self.seen, {}

    def reward(self, action: Any) -> float:
        assert self.action_space.contains(action), action
        return -float((action - self.seen)[0] ** 2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.look()

    def step(self, action: Any) -> Any:
        reward = self.reward(action)
        self.steps += 1
        observation, info = self.look()
        return observation, reward, self.steps == LENGTH, False, info


class Masked(Continuous):
    """Two components, of three and of two choices; reward 1 for naming the corner with the first, if the second is 1.

    One wrong choice of the first, another one each time, is forbidden, and so is the choice 0 of the second now and
    then.
    """

    observation_space = spaces.Box(0, 1, (3,), np.float32)
    action_space = spaces.MultiDiscrete([3, 2])

    def look(self) -> tuple[np.ndarray[Any, np.dtype[np.float32]], dict[str, Any]]:
        self.corner, wrong, forbidden = self.np_random.integers((3, 2, 2)).tolist()
        self.mask = np.ones(5, dtype=np.int8)
        self.mask[(self.corner + 1 + wrong) % 3] = 0
        self.mask[3] = 1 - forbidden
        return np.eye(3, dtype=np.float32)[self.corner], {"action_mask": self.mask}

    def reward(self, action: Any) -> float:
        first, second = (int(one) for one in action)
        assert self.mask[first], "a forbidden choice of the first"
        assert self.mask[3 + second], "a forbidden choice of the second"
        return float(first == self.corner and second == 1)


gymnasium.register("ContinuousIdentity-v0", Continuous)
gymnasium.register("MaskedIdentity-v0", Masked)
