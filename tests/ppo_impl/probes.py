"""Environments made for one question each. Their names: `probes:Identity-v0` and so on."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

Array = np.ndarray[Any, np.dtype[Any]]


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

    def look(self) -> Array:
        self.corner = int(self.np_random.integers(2))
        return np.eye(2, dtype=np.float32)[self.corner]

    def info(self) -> dict[str, Any]:
        return {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.look(), self.info()

    def reward(self, action: Any) -> float:
        return float(action == self.corner)

    def step(self, action: Any) -> Any:
        reward = self.reward(action)
        self.steps += 1
        return self.look(), reward, self.steps == self.length, False, self.info()


class Shifted(Probe):
    """Actions counted from 5."""

    action_space = spaces.Discrete(2, start=5)

    def reward(self, action: int) -> float:
        assert self.action_space.contains(action)
        return float(action - 5 == self.corner)


class Several(Probe):
    """Two choices at once, counted from 5 and from -1; the reward is a number that both can be read from."""

    action_space = spaces.MultiDiscrete([2, 3], start=[5, -1])

    def reward(self, action: Array) -> float:
        assert self.action_space.contains(action)
        return float(10 * action[0] + action[1])


class Endless(Probe):
    """Never ends by itself; registered with a time limit, too."""

    length = 10**9


class Poisoned(Probe):
    """NaN rewards in the fifth and sixth environment made: the second seed's, if each has two and none was made before
    but the one that the command tries and the one whose spaces the training reads."""

    def reward(self, action: int) -> float:
        return float("nan") if self.number in (4, 5) else super().reward(action)


class Crashing(Probe):
    """Breaks down in the third episode of the training."""

    resets = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        Crashing.resets += 1
        if Crashing.resets > 6:
            raise RuntimeError("the probe crashed, as it should")
        return super().reset(seed=seed, options=options)


class Reach(Probe):
    """Pushed about by two numbers and by chance, until chance ends it; far from unit scale. The action is clipped in
    place, as a careless environment may do."""

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space: spaces.Space[Any] = spaces.Box(np.float32([-0.5, -0.1]), np.float32([0.5, 2.0]))

    def look(self) -> Array:
        if self.steps == 0:
            self.place = self.np_random.normal(size=2)
        return np.float32(100 * self.place + 1000)

    def step(self, action: Array) -> Any:
        assert self.action_space.contains(action)
        self.place += action + 0.1 * self.np_random.normal(size=2)
        action *= 0
        self.steps += 1
        return self.look(), -np.abs(self.place).sum(), self.np_random.random() < 0.1, False, {}


class Precise(Reach):
    """Bounds that are doubles, and no floats."""

    action_space = spaces.Box(-0.1, 0.1, (2,), np.float64)


class Masked(Probe):
    """Three actions, of which one or two are forbidden: another choice in every step, and breaking it breaks down."""

    action_space = spaces.Discrete(3)

    def look(self) -> Array:
        self.mask = np.ones(3, dtype=np.int8)
        self.mask[self.np_random.integers(3, size=2)] = 0
        return super().look()

    def told(self) -> bool:
        return True

    def info(self) -> dict[str, Any]:
        return {"action_mask": self.mask} if self.told() else {}

    def reward(self, action: int) -> float:
        if self.told() and not self.mask[action]:
            raise RuntimeError(f"action {action} is forbidden")
        return super().reward(action)


class Reticent(Masked):
    """Tells what is forbidden in every other step only, and not at the start; otherwise nothing is."""

    def told(self) -> bool:
        return self.steps % 2 == 1


class MaskedPair(Probe):
    """Two choices at once, each with its own mask, as `MultiDiscrete.sample` takes them: the last of each is
    forbidden, and breaking it breaks down."""

    action_space = spaces.MultiDiscrete([2, 3])

    def info(self) -> dict[str, Any]:
        return {"action_mask": (np.array([1, 0], dtype=np.int8), np.array([1, 1, 0], dtype=np.int8))}

    def reward(self, action: Array) -> float:
        if action[0] == 1 or action[1] == 2:
            raise RuntimeError(f"action {action} is forbidden")
        return 1.0


class MaskedReach(Reach):
    """Tells a mask that means nothing: its actions are not choices."""

    def info(self) -> dict[str, Any]:
        return {"action_mask": np.array([1, 0], dtype=np.int8)}


class Elsewhere(Probe):
    """Its randomness is not from `np_random`."""

    def look(self) -> Array:
        return np.random.default_rng().random(2).astype(np.float32)


class Legacy(Probe):
    """Draws from numpy's old kind of generator."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        if seed is not None:
            self.np_random = np.random.RandomState(seed)
        self.steps = 0
        return self.look(), {}

    def look(self) -> Array:
        return np.eye(2, dtype=np.float32)[self.np_random.randint(2)]

    def reward(self, action: int) -> float:
        return 1.0


class Uneven(Probe):
    """Episodes of 1 or of 40 steps, 1 a step whatever is done."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        observation, info = super().reset(seed=seed)
        self.length = int(self.np_random.choice([1, 40]))
        return observation, info

    def reward(self, action: int) -> float:
        return 1.0


class Distant(Probe):
    """The corners lie around 1000."""

    observation_space = spaces.Box(999, 1001, (2,), np.float32)

    def look(self) -> Array:
        return super().look() + np.float32(1000)


for made in (
    Shifted, Several, Poisoned, Crashing, Reach, Precise, Masked, Reticent, MaskedPair, MaskedReach, Elsewhere, Legacy,
    Uneven, Distant,
):  # fmt: skip
    gymnasium.register(f"{made.__name__}-v0", made)
gymnasium.register("Identity-v0", Probe)
gymnasium.register("Truncated-v0", Endless, max_episode_steps=5)
gymnasium.register("Endless-v0", Endless)
