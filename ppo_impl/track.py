"""One Weights & Biases run per seed."""

import math
import os
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import wandb
from wandb import Run

from ppo_impl.config import EXP_NAME, Config, ConfigError
from ppo_impl.ppo import Iteration


class Tracker:
    """The wandb runs of a training, one per seed; a context that finishes them all, however it is left.

    Mode, directory, project, group and tags come from the environment (WANDB_MODE and so on), read by wandb itself;
    without WANDB_MODE the runs stay offline: no account, no network, no prompt.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._runs: dict[int, Run] = {}
        self.lost: list[int] = []  # seeds whose training became non-finite

    def __enter__(self) -> Self:
        """Starts the runs.

        Raises:
            ConfigError: wandb lacks something only the user can give, such as a key.
        """
        try:
            for seed in self._config.seeds:
                self._runs[seed] = _start(self._config, seed)
        except BaseException as error:
            self._finish(list(self._runs), exit_code=1)
            if isinstance(error, wandb.errors.UsageError):
                raise ConfigError(f"wandb: {error} Or set WANDB_MODE=offline") from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finishes the runs: exit code 0, that of a SystemExit, or 1 after any other exception."""
        code = 0 if error is None else 1
        if isinstance(error, SystemExit) and isinstance(error.code, int):
            code = error.code
        self._finish(list(self._runs), exit_code=code)

    @property
    def where(self) -> str:
        """In words: where the runs are recorded."""
        run = next(iter(self._runs.values()))
        if run.disabled:
            return "nowhere (WANDB_MODE=disabled)"
        return f"offline in {run.settings.wandb_dir}" if run.offline else str(run.project_url)

    def log(self, iteration: Iteration) -> None:
        """Writes one row per seed. A seed found non-finite gets its last row and its run ends as failed."""
        for place, seed in enumerate(self._config.seeds):
            if seed in self._runs:
                self._runs[seed].log(row(iteration, place, self._config.batch_size))
                if not iteration.finite_S[place]:
                    self.lost.append(seed)
                    self._finish([seed], exit_code=1)

    @property
    def running(self) -> bool:
        """Whether any seed is still worth training."""
        return bool(self._runs)

    def _finish(self, seeds: Sequence[int], exit_code: int) -> None:
        for seed in seeds:
            self._runs.pop(seed).finish(exit_code=exit_code)


def _start(config: Config, seed: int) -> Run:
    run = wandb.init(
        name=f"{config.env_id}__{EXP_NAME}__{seed}",
        config=config.of_seed(seed),
        mode=None if os.environ.get("WANDB_MODE") else "offline",
        reinit="create_new",
        settings=wandb.Settings(x_disable_stats=True, console="off", silent=True),
    )
    run.define_metric("*", step_metric="global_step")
    return run


def row(iteration: Iteration, place: int, batch_size: int) -> dict[str, float]:
    """What is logged for the seed at a place, under the names the field uses (CleanRL's).

    Losses are means over the iteration's minibatches. SPS is of this iteration, this seed's own steps. The episodic
    numbers are means over the episodes that ended in this iteration, and absent if none did.
    """
    numbers = {
        "global_step": iteration.global_step,
        "charts/SPS": batch_size / iteration.seconds,
        "charts/learning_rate": iteration.learning_rate,
        **{f"losses/{name}": float(loss_S[place]) for name, loss_S in iteration.losses.items()},
    }
    if not math.isnan(iteration.episodic_length_S[place]):
        numbers["charts/episodic_return"] = float(iteration.episodic_return_S[place])
        numbers["charts/episodic_length"] = float(iteration.episodic_length_S[place])
    return numbers
