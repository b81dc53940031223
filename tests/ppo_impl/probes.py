"""Environments made for one question each. Their names: `probes:Identity-v0` and so on."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Probe(gymnasium.Env[Any, Any]):
    """Two actions; observation one of two corners, at random; 8 steps; reward 1 for naming the corner."""

    observation_space = spaces.Box(0, 1, (2,), np.float32)
    action_space: spaces.Space[Any] = spaces.Discrete(2)
    length = 8
    made = 0

    def __init__(self) -> None:
        self.steps = 0
        self.number = Probe.made
        Probe.made += 1

    def look(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        self.corner = int(self.np_random.integers(2))
        return np.eye(2, dtype=np.float32)[self.corner]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.look(), {}

    def reward(self, action: int) -> float:
        return float(action == self.corner)

    def step(self, action: int) -> Any:
        reward = self.reward(action)
        self.steps += 1
        return self.look(), reward, self.steps == self.length, False, {}


class Shifted(Probe):
    """Actions counted from 5."""

    action_space = spaces.Discrete(2, start=5)

    def reward(self, action: int) -> float:
        assert self.action_space.contains(action)
        return float(action - 5 == self.corner)


class Endless(Probe):
    """Never ends by itself; registered with a time limit."""

    length = 10**9


class Poisoned(Probe):
    """NaN rewards in the third and fourth environment made: the second seed's, if each has two and none was made before
    but the one that the command tries."""

    def reward(self, action: int) -> float:
        return float("nan") if self.number in (3, 4) else super().reward(action)


class Crashing(Probe):
    """Breaks down in the third episode of the training."""

    resets = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        Crashing.resets += 1
        if Crashing.resets > 6:
            raise RuntimeError("the probe crashed, as it should")
        return super().reset(seed=seed, options=options)


for made in (Shifted, Poisoned, Crashing):
    gymnasium.register(f"{made.__name__}-v0", made)
gymnasium.register("Identity-v0", Probe)
gymnasium.register("Truncated-v0", Endless, max_episode_steps=5)
gymnasium.register("Endless-v0", Endless)
