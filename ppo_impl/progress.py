"""The lines on the terminal: plain text, at most one every two seconds."""

import time

import numpy as np

from ppo_impl.config import Config
from ppo_impl.ppo import Iteration

SECONDS_BETWEEN_LINES = 2.0


class Progress:
    """Prints where a training is: steps done, mean return over the seeds, speed since the last line.

    Args:
        config: of the training.
        step: steps of each seed that were done before.
    """

    def __init__(self, config: Config, step: int = 0) -> None:
        self._config = config
        self._return_S = np.full(len(config.seeds), np.nan)  # the latest known of each seed
        self._last_time = time.monotonic()
        self._last_step = step

    def show(self, iteration: Iteration) -> None:
        """Takes in an iteration, and prints a line if it is time for one or the training is over."""
        self._return_S = np.where(np.isnan(iteration.episodic_return_S), self._return_S, iteration.episodic_return_S)
        end = self._config.num_iterations * self._config.batch_size
        seconds = time.monotonic() - self._last_time
        if seconds < SECONDS_BETWEEN_LINES and iteration.global_step < end:
            return
        steps = (iteration.global_step - self._last_step) * len(self._config.seeds)
        known_S = self._return_S[np.isfinite(self._return_S)]
        mean = f"{known_S.mean():.1f}" if len(known_S) else "unknown yet"
        seeds = "1 seed" if len(known_S) == 1 else f"{len(known_S)} seeds"
        print(
            f"{self._config.env_id}: step {iteration.global_step:,} of {end:,}; mean return {mean} "
            f"({seeds}); {steps / max(seconds, 1e-9):,.0f} steps/s",
            flush=True,
        )
        self._last_time, self._last_step = time.monotonic(), iteration.global_step
