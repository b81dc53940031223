"""Observations and rewards brought to unit scale by what was seen of them so far (continuous details 6 to 9).

Each seed keeps statistics of its own, over all its environments, as openai/baselines' VecNormalize does.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppo_impl.environments.types import Arrays, Booleans, Doubles, Floats

LIMIT = 10.0  # continuous details 7 and 9: what is normalised is clipped to +-10
SMALL = 1e-8  # keeps the division finite


class Moments:
    """Running mean and variance of each seed, merged batch by batch (Chan, Golub and LeVeque, 1979).

    They begin, as in baselines, with 1e-4 of a sample of mean 0 and variance 1.

    Args:
        shape_SX: seeds x whatever is counted apart.
    """

    def __init__(self, shape_SX: tuple[int, ...]) -> None:
        self.mean_SX = np.zeros(shape_SX)
        self.variance_SX = np.ones(shape_SX)
        self.count = 1e-4

    def update(self, batch_SNX: Doubles) -> None:
        """Takes in N samples of each seed."""
        samples = batch_SNX.shape[1]
        mean_SX, variance_SX = batch_SNX.mean(1), batch_SNX.var(1)
        gap_SX, total = mean_SX - self.mean_SX, self.count + samples
        squares_SX = self.variance_SX * self.count + variance_SX * samples
        squares_SX += gap_SX**2 * (self.count * samples / total)
        self.mean_SX = self.mean_SX + gap_SX * (samples / total)
        self.variance_SX = squares_SX / total
        self.count = total

    def state(self) -> Arrays:
        """The numbers, each with the seed axis in front."""
        return {
            "mean": self.mean_SX,
            "variance": self.variance_SX,
            "count": np.full(len(self.mean_SX), self.count),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Goes on from there."""
        self.mean_SX, self.variance_SX = state["mean"].copy(), state["variance"].copy()
        self.count = float(state["count"][0])


class Observations:
    """Normalises observations to mean 0 and standard deviation 1."""

    def __init__(self, seeds: int, size: int) -> None:
        self.moments = Moments((seeds, size))

    def __call__(self, observations_SNO: Floats, *, learn: bool = True) -> Floats:
        """The normalised observations_SNO; `learn=False` leaves the statistics as they are (evaluation)."""
        # continuous detail 6: running normalisation; the newest observations count already.
        if learn:
            self.moments.update(observations_SNO.astype(np.float64))
        mean_S1O, variance_S1O = self.moments.mean_SX[:, None], self.moments.variance_SX[:, None]
        # continuous detail 7: clipped to +-10.
        return ((observations_SNO - mean_S1O) / np.sqrt(variance_S1O + SMALL)).clip(-LIMIT, LIMIT).astype(np.float32)


class Rewards:
    """Divides rewards by the standard deviation of the discounted return so far."""

    def __init__(self, seeds: int, environments: int, gamma: float) -> None:
        self._gamma = gamma
        self._return_SN = np.zeros((seeds, environments))
        self.moments = Moments((seeds, 1))

    def __call__(self, rewards_SN: Doubles, dones_SN: Booleans) -> Doubles:
        """The scaled rewards_SN of one step."""
        # continuous detail 8: the return is discounted from the past on (each step: gamma times the old, plus the new
        # reward), which is not the return that PPO maximises; only its spread is used, and no mean taken away.
        self._return_SN = self._return_SN * self._gamma + rewards_SN
        self.moments.update(self._return_SN[:, :, None])
        self._return_SN[dones_SN] = 0
        # continuous detail 9: clipped to +-10.
        return (rewards_SN / np.sqrt(self.moments.variance_SX + SMALL)).clip(-LIMIT, LIMIT)

    def state(self) -> Arrays:
        """Statistics and the discounted returns under way."""
        return {"return": self._return_SN, **self.moments.state()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Goes on from there."""
        self._return_SN = state["return"].copy()
        self.moments.restore(state)
