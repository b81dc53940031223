"""Returns and lengths of episodes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppo_impl.environments.types import Arrays, Booleans, Doubles


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

    def state(self) -> Arrays:
        """The episodes that are under way; those that ended belong to the iteration that is over."""
        return {"return": self._return_SN, "length": self._length_SN}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Goes on counting from there."""
        self._return_SN, self._length_SN = state["return"].copy(), state["length"].copy()
        self._forget_ended()
